import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toHex } from '../../test/transcripts.ts';
import { isMalformed } from '../malformed.ts';
import { fragmentsOf } from '../../test/fragments.ts';
import { decodeFragment, encodeFragment } from './fragment-codec.ts';
import type { Fragment } from './fragment-codec.ts';
import { HANDSHAKE_TYPES } from './handshake-type-table.ts';
import { Reassembler } from './reassembler.ts';

const PARAMETERS = { maxHandshakeMessageBytes: 8192, maxFutureMessages: 10 };
const CERTIFICATE = HANDSHAKE_TYPES.certificate;

const bodyOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i);
const reassembler = (nextSeq = 0): Reassembler => new Reassembler(nextSeq, PARAMETERS);

function fragment(messageSeq: number, offset: number, bytes: Uint8Array, part: Partial<Fragment> = {}): Fragment {
  return { type: CERTIFICATE, messageLength: 100, messageSeq, offset, bytes, ...part };
}

function whole(messageSeq: number, body: Uint8Array, type: number = CERTIFICATE): Uint8Array {
  return encodeFragment({ type, messageSeq, body }, 0, body.length);
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

describe('reassembly (RFC 6347 §4.2.3)', () => {
  it('delivers a message that came in one piece, once', () => {
    const it = reassembler(3);
    assert.equal(it.addRecord(whole(3, bodyOf(5)), 0), 'accepted');
    assert.equal(it.heldBytes, 5);
    assert.deepEqual(it.next(), { type: CERTIFICATE, messageSeq: 3, body: bodyOf(5), epoch: 0 });
    assert.equal(it.next(), undefined);
    assert.deepEqual([it.nextSeq, it.heldBytes], [4, 0]);
  });

  it('delivers several messages of one record in order', () => {
    const it = reassembler();
    const done = whole(2, new Uint8Array(0), HANDSHAKE_TYPES.server_hello_done);
    assert.equal(it.addRecord(join(whole(0, bodyOf(3)), whole(1, bodyOf(4)), done), 0), 'accepted');
    assert.deepEqual(
      [it.next(), it.next(), it.next()].map((message) => message?.body.length),
      [3, 4, 0],
    );
    assert.equal(it.heldBytes, 0);
  });

  it('keeps a copy: the datagram may be reused', () => {
    const it = reassembler();
    const record = whole(0, bodyOf(5));
    it.addRecord(record, 0);
    record.fill(0xff);
    assert.deepEqual(it.next()?.body, bodyOf(5));
  });

  it('delivers messages in order that came in any order', () => {
    const it = reassembler();
    for (const seq of [2, 0, 3, 1]) assert.equal(it.addRecord(whole(seq, bodyOf(seq + 1)), 0), 'accepted');
    for (const seq of [0, 1, 2, 3]) assert.equal(it.next()?.body.length, seq + 1);
    assert.equal(it.heldBytes, 0);
  });

  it('puts fragments of every size together, in order, backwards, shuffled and twice', () => {
    const body = bodyOf(257);
    for (const budget of [40, 64, 100, 200, 269]) {
      const inOrder = fragmentsOf({ type: CERTIFICATE, messageSeq: 0, body }, budget);
      const shuffled = inOrder.map((_, i) => inOrder[(i * 7 + 3) % inOrder.length]!);
      for (const order of [inOrder, inOrder.toReversed(), shuffled, [...inOrder, ...inOrder]]) {
        const it = reassembler();
        for (const part of order) it.addRecord(part, 0);
        for (const part of inOrder) it.addRecord(part, 0);
        assert.deepEqual(it.next()?.body, body, `fragments of ${budget} bytes`);
        assert.equal(it.heldBytes, 0);
      }
    }
  });

  it('lets the bytes that came first win where fragments overlap', () => {
    const it = reassembler();
    const bytes = (value: number, length: number): Uint8Array => new Uint8Array(length).fill(value);
    it.add(fragment(0, 10, bytes(1, 10)), 0);
    it.add(fragment(0, 30, bytes(2, 10)), 0);
    it.add(fragment(0, 0, bytes(3, 100)), 0);
    const body = it.next()!.body;
    assert.deepEqual([body[9], body[10], body[19], body[20], body[30], body[39], body[40]], [3, 1, 1, 3, 2, 2, 3]);
  });

  it('agrees with a table of bytes over every order of random overlapping fragments', () => {
    for (let seed = 1; seed <= 500; seed++) {
      const random = randomOf(seed);
      const it = reassembler();
      const held = new Array<number | undefined>(100).fill(undefined);
      while (held.includes(undefined)) {
        const offset = Math.floor(random() * 100);
        const length = 1 + Math.floor(random() * Math.min(30, 100 - offset));
        const bytes = Uint8Array.from({ length }, () => Math.floor(random() * 256));
        assert.equal(it.add(fragment(0, offset, bytes), 0), 'accepted');
        for (let i = 0; i < length; i++) held[offset + i] ??= bytes[i];
        assert.equal(it.heldBytes, held.filter((byte) => byte !== undefined).length, `seed ${seed}`);
      }
      assert.deepEqual([...it.next()!.body], held, `seed ${seed}`);
    }
  });
});

describe('reassembly against a hostile peer', () => {
  it('holds nothing by declared length: N6, CVE-2026-59646', () => {
    const it = reassembler();
    const header = (seq: number): Uint8Array => Uint8Array.of(CERTIFICATE, 0xff, 0xff, 0xff, 0, seq, 0, 0, 0, 0, 0, 0);
    assert.equal(it.addRecord(join(...Array.from({ length: 16 }, (_, i) => header(i))), 0), 'malformed-fragment');
    assert.equal(it.heldBytes, 0);
    const oneByte = (length: number): Fragment => fragment(0, length - 1, Uint8Array.of(1), { messageLength: length });
    assert.equal(it.add(oneByte(0xff_ffff), 0), 'message-too-long');
    assert.equal(it.add(oneByte(8193), 0), 'message-too-long');
    assert.equal(it.add(oneByte(8192), 0), 'accepted');
    assert.equal(it.heldBytes, 1);
  });

  it('discards a fragment that disagrees with the first about type or length: N7, CVE-2026-33846', () => {
    const it = reassembler();
    it.add(fragment(0, 0, bodyOf(50)), 0);
    assert.equal(it.add(fragment(0, 50, bodyOf(50), { type: 12 }), 0), 'conflicting-fragment');
    assert.equal(it.add(fragment(0, 50, bodyOf(50), { messageLength: 101 }), 0), 'conflicting-fragment');
    assert.equal(it.heldBytes, 50);
    assert.equal(it.add(fragment(0, 50, bodyOf(50)), 0), 'accepted');
    assert.equal(it.next()?.type, CERTIFICATE);
  });

  it('discards fragments without a byte unless the message has none: N8, CVE-2026-33845', () => {
    const it = reassembler();
    for (const offset of [0, 1, 5]) {
      const empty = Uint8Array.of(CERTIFICATE, 0, 0, 5, 0, 0, 0, 0, offset, 0, 0, 0);
      assert.ok(isMalformed(decodeFragment(empty, 0)));
      assert.equal(it.addRecord(empty, 0), 'malformed-fragment');
    }
    assert.equal(it.addRecord(new Uint8Array(0), 0), 'malformed-fragment');
    assert.equal(it.addRecord(whole(0, new Uint8Array(0)), 0), 'accepted');
    assert.equal(it.next()?.body.length, 0);
  });

  it('takes what stands before a malformed fragment in the same record', () => {
    const it = reassembler();
    assert.equal(it.addRecord(join(whole(0, bodyOf(3)), Uint8Array.of(1, 2, 3)), 0), 'malformed-fragment');
    assert.equal(it.next()?.body.length, 3);
  });

  it('keeps at most maxFutureMessages messages, of one maximum length together', () => {
    const it = reassembler();
    for (let seq = 1; seq <= 10; seq++) assert.equal(it.addRecord(whole(seq, bodyOf(1)), 0), 'accepted');
    assert.equal(it.addRecord(whole(11, bodyOf(1)), 0), 'future-message');
    assert.equal(it.addRecord(whole(0xffff, bodyOf(1)), 0), 'future-message');

    const full = reassembler();
    assert.equal(full.addRecord(whole(1, bodyOf(8000)), 0), 'accepted');
    assert.equal(full.addRecord(whole(2, bodyOf(193)), 0), 'future-message');
    assert.equal(full.addRecord(whole(2, bodyOf(192)), 0), 'accepted');
    // The one expected next always has its place.
    assert.equal(full.addRecord(whole(0, bodyOf(8192)), 0), 'accepted');
    assert.equal(full.heldBytes, 2 * 8192);
  });

  it('keeps at most 32 islands of a message, and completes it when their gaps are filled', () => {
    const it = reassembler();
    for (let i = 0; i < 32; i++) assert.equal(it.add(fragment(0, 2 * i, Uint8Array.of(i)), 0), 'accepted');
    assert.equal(it.add(fragment(0, 64, Uint8Array.of(1)), 0), 'too-many-fragments');
    assert.equal(it.heldBytes, 32);
    assert.equal(it.add(fragment(0, 0, bodyOf(100)), 0), 'accepted');
    assert.equal(it.next()?.body.length, 100);
  });

  it('drops a Finished in epoch 0, and takes the true one after it', () => {
    const it = reassembler();
    const finished = (value: number): Uint8Array => whole(0, new Uint8Array(12).fill(value), HANDSHAKE_TYPES.finished);
    assert.equal(it.addRecord(finished(1), 0), 'unexpected-message');
    assert.equal(it.heldBytes, 0);
    assert.equal(it.addRecord(finished(2), 1), 'accepted');
    assert.equal(it.next()?.body[0], 2);
  });

  it('never mixes epochs in a message: what is authenticated displaces what is not, and not the other way round', () => {
    const it = reassembler();
    it.add(fragment(0, 0, new Uint8Array(50).fill(1)), 0);
    assert.equal(it.add(fragment(0, 50, new Uint8Array(50).fill(2)), 1), 'accepted');
    assert.equal(it.heldBytes, 50);
    assert.equal(it.add(fragment(0, 0, new Uint8Array(50).fill(3)), 0), 'conflicting-fragment');
    assert.equal(it.add(fragment(0, 0, new Uint8Array(50).fill(4)), 1), 'accepted');
    const message = it.next()!;
    assert.deepEqual([message.epoch, message.body[0], message.body[99]], [1, 4, 2]);
    assert.equal(it.heldBytes, 0);
  });

  it('tells a repeated last message from an older one and from a forgery (OpenSSL #15289)', () => {
    const it = reassembler();
    const first = whole(0, bodyOf(4));
    const second = whole(1, bodyOf(6));
    it.addRecord(join(first, second), 0);
    it.next();
    it.next();
    assert.equal(it.addRecord(first, 0), 'old');
    assert.equal(it.addRecord(second, 0), 'repeated');
    assert.equal(it.addRecord(join(first, second), 0), 'repeated');
    assert.equal(it.addRecord(whole(1, new Uint8Array(6)), 0), 'conflicting-fragment');
    assert.equal(it.addRecord(whole(1, bodyOf(7)), 0), 'conflicting-fragment');
    assert.equal(it.addRecord(whole(1, bodyOf(6), 12), 0), 'conflicting-fragment');
    assert.equal(it.addRecord(second, 1), 'conflicting-fragment');
    for (const part of fragmentsOf({ type: CERTIFICATE, messageSeq: 1, body: bodyOf(6) }, 15)) {
      assert.equal(it.addRecord(part, 0), 'old');
    }
    assert.equal(it.heldBytes, 0);
  });

  it('never throws on random fragments, and holds no more than its bound', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = randomOf(seed);
      const it = new Reassembler(0, { maxHandshakeMessageBytes: 64, maxFutureMessages: 3 });
      for (let step = 0; step < 100; step++) {
        const record = Uint8Array.from({ length: 12 + Math.floor(random() * 40) }, () => Math.floor(random() * 4));
        record.set([0, 0, Math.floor(random() * 70), 0, it.nextSeq + Math.floor(random() * 5), 0, 0], 1);
        record.set([Math.floor(random() * 40), 0, 0, Math.floor(random() * (record.length - 11))], 8);
        it.addRecord(record, random() < 0.5 ? 0 : 1);
        if (random() < 0.3) it.next();
        assert.ok(it.heldBytes >= 0 && it.heldBytes <= 2 * 64, `seed ${seed}: ${it.heldBytes} in ${toHex(record)}`);
      }
    }
  });
});

/** Reproducible from the seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
