import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeCrypto } from '@lapwing/transport';
import { UsageError } from '../errors.ts';
import { isMalformed } from '../malformed.ts';
import { openSnapshot, sealSnapshot } from './snapshot.ts';

const KEY = nodeCrypto.importSecret(new Uint8Array(32).fill(1));
const META = { createdAt: Date.UTC(2026, 10, 22, 12) };
const HEAD = 59;
const CHUNK = 8 + 65_536 + 16;
/** Three chunks. */
const LARGE = [new Uint8Array(200).fill(2), new Uint8Array(150_000).fill(3), new Uint8Array(0), Uint8Array.of(4)];

function whyNot(bytes: Uint8Array, key = KEY): string {
  const opened = openSnapshot(bytes, key, nodeCrypto);
  assert.ok(isMalformed(opened), 'it opens');
  return opened.malformed;
}

describe('a snapshot', () => {
  for (const { what, parts } of [
    { what: 'nothing', parts: [] },
    { what: 'one empty part', parts: [new Uint8Array(0)] },
    { what: 'many small parts', parts: Array.from({ length: 1000 }, (_, i) => new Uint8Array(i % 300).fill(i)) },
    { what: 'parts across chunks', parts: LARGE },
    { what: 'exactly one chunk', parts: [new Uint8Array(65_536 - 4).fill(7)] },
  ]) {
    it(`of ${what} holds the same parts, its time and an id when opened`, () => {
      const opened = openSnapshot(sealSnapshot(parts, KEY, nodeCrypto, META), KEY, nodeCrypto);
      assert.ok(!isMalformed(opened));
      assert.deepEqual(
        opened.parts.map((part) => Buffer.from(part)),
        parts.map((part) => Buffer.from(part)),
      );
      assert.equal(opened.createdAt, META.createdAt);
      assert.match(opened.id, /^[0-9a-f]{32}$/);
    });
  }

  it('has an id and a ciphertext of its own, though the parts are the same', () => {
    const [a, b] = [1, 2].map(() => sealSnapshot(LARGE, KEY, nodeCrypto, META)) as [Uint8Array, Uint8Array];
    assert.notDeepEqual(a.subarray(HEAD + 8, HEAD + 40), b.subarray(HEAD + 8, HEAD + 40));
  });

  it('shows nothing of its parts', () => {
    const secret = Buffer.from('sixteen secret b');
    assert.equal(Buffer.from(sealSnapshot([secret], KEY, nodeCrypto, META)).includes(secret), false);
  });

  it('is not sealed with a key of less than 16 bytes', () => {
    const short = nodeCrypto.importSecret(new Uint8Array(15));
    assert.throws(() => sealSnapshot([], short, nodeCrypto, META), UsageError);
  });

  it('cut off anywhere says how much is there', () => {
    const bytes = sealSnapshot([new Uint8Array(100).fill(5)], KEY, nodeCrypto, META);
    for (let length = 0; length < bytes.length; length++) {
      assert.match(whyNot(bytes.subarray(0, length)), new RegExp(`^the snapshot is cut off: ${length} `));
    }
    assert.match(whyNot(bytes.subarray(0, HEAD)), new RegExp(`: ${HEAD} of ${bytes.length} bytes are there`));
    const large = sealSnapshot(LARGE, KEY, nodeCrypto, META);
    assert.match(whyNot(large.subarray(0, HEAD + CHUNK)), /^the snapshot is cut off: /);
  });

  it('with bytes after its end says so', () => {
    const bytes = sealSnapshot(LARGE, KEY, nodeCrypto, META);
    assert.match(whyNot(Uint8Array.from([...bytes, 0])), /bytes long, but was written with/);
  });

  it('with any bit flipped does not open', () => {
    const bytes = sealSnapshot([Uint8Array.of(1, 2, 3)], KEY, nodeCrypto, META);
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      whyNot(flipped);
    }
  });

  it('with a changed chunk says which', () => {
    const bytes = sealSnapshot(LARGE, KEY, nodeCrypto, META);
    bytes[HEAD + CHUNK + 100]! ^= 1;
    assert.equal(whyNot(bytes), 'the snapshot was changed after it was written: chunk 1 of 3 does not authenticate');
  });

  it('with a changed time says that it was changed', () => {
    const bytes = sealSnapshot([], KEY, nodeCrypto, META);
    bytes[38]! ^= 1;
    assert.match(whyNot(bytes), /was changed after it was written: chunk 0 of 1/);
  });

  it('with two chunks exchanged says that they are out of order', () => {
    const bytes = sealSnapshot(LARGE, KEY, nodeCrypto, META);
    const first = bytes.slice(HEAD, HEAD + CHUNK);
    bytes.copyWithin(HEAD, HEAD + CHUNK, HEAD + 2 * CHUNK);
    bytes.set(first, HEAD + CHUNK);
    assert.equal(whyNot(bytes), 'the chunks of the snapshot are out of order: number 1 where 0 belongs');
  });

  it('with two chunks exchanged and their numbers put right does not authenticate', () => {
    const bytes = sealSnapshot(LARGE, KEY, nodeCrypto, META);
    const first = bytes.slice(HEAD + 4, HEAD + CHUNK);
    bytes.copyWithin(HEAD + 4, HEAD + CHUNK + 4, HEAD + 2 * CHUNK);
    bytes.set(first, HEAD + CHUNK + 4);
    assert.match(whyNot(bytes), /chunk 0 of 3 does not authenticate/);
  });

  it('with a chunk of another snapshot of the same key does not authenticate', () => {
    const bytes = sealSnapshot(LARGE, KEY, nodeCrypto, META);
    bytes.set(sealSnapshot(LARGE, KEY, nodeCrypto, META).subarray(HEAD, HEAD + CHUNK), HEAD);
    assert.match(whyNot(bytes), /chunk 0 of 3 does not authenticate/);
  });

  it('that is only its head, with no chunk that authenticates it, does not open', () => {
    const head = sealSnapshot([], KEY, nodeCrypto, META).slice(0, HEAD);
    const view = new DataView(head.buffer);
    view.setBigUint64(7, BigInt(HEAD));
    view.setUint32(39, 0);
    assert.match(whyNot(head), /was changed after it was written/);
  });

  it('of another key, of another version, or no snapshot at all: each says so', () => {
    const bytes = sealSnapshot(LARGE, KEY, nodeCrypto, META);
    assert.match(whyNot(bytes, nodeCrypto.importSecret(new Uint8Array(32).fill(2))), /sealed with another key/);
    const newer = bytes.slice();
    newer[6] = 2;
    assert.match(whyNot(newer), /of format version 2; this program reads version 1/);
    assert.equal(
      whyNot(new TextEncoder().encode('{"not":"one","but":"longer than the head of any snapshot is"}')),
      'this is not a snapshot',
    );
    assert.equal(whyNot(Uint8Array.of(1)), 'this is not a snapshot');
  });
});
