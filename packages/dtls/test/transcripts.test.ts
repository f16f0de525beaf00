/**
 * The captured associations of `vectors.json`: secrets, keys and Finished recomputed from what was on the wire, every
 * protected record opened, and sealed again to the same bytes.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { nodeCrypto } from '@lapwing/transport';
import { cipherSuiteByNumber } from '../src/cipher-suite-table.ts';
import type { DtlsCrypto, SecretKey } from '../src/crypto.ts';
import { deriveKeys, extendedMasterSecret, masterSecret, pskPremaster, verifyData } from '../src/key-schedule.ts';
import { createProtection } from '../src/record/create-protection.ts';
import type { Protection, SecurityParameters } from '../src/record/protection.ts';
import { RecordCursor } from '../src/record/record-header.ts';
import { contentTypeOf, fromHex, type RecordedHandshake, toHex, TRANSCRIPTS } from './transcripts.ts';

const HANDSHAKE = 22;
const TLS12_CID = 25;
const CLIENT_HELLO = 1;
const SERVER_HELLO = 2;
const HELLO_VERIFY_REQUEST = 3;
const CLIENT_KEY_EXCHANGE = 16;
const FINISHED = 20;
/** Mbed TLS fills the inner plaintext up to this multiple. */
const MBED_TLS_PADDING = 16;

/** Follows a capture as somebody who knows the pre-shared key would, or with the master secret where ECDHE was used. */
class Follower {
  readonly finished: string[] = [];
  opened = 0;
  sealedAgain = 0;
  master: SecretKey | undefined;
  clientRandom = new Uint8Array(0);
  serverRandom = new Uint8Array(0);
  readonly #transcript: RecordedHandshake;
  readonly #padding: number;
  #messages: Uint8Array[] = [];
  readonly #fragments = new Map<string, Uint8Array>();
  #protections: { c2s: Protection; s2c: Protection } | undefined;
  #parameters: SecurityParameters | undefined;
  #wasResumed = false;

  constructor(transcript: RecordedHandshake) {
    this.#transcript = transcript;
    this.#padding = transcript.client_cid === undefined ? 1 : MBED_TLS_PADDING;
  }

  get keys(): SecurityParameters | undefined {
    return this.#parameters;
  }

  follow(): void {
    const cursor = new RecordCursor();
    for (const row of this.#transcript.records) {
      const record = fromHex(row.record);
      cursor.enter(record, this.#connectionId(row.dir, row.type).length / 2);
      assert.ok(cursor.next());
      assert.deepEqual(
        [cursor.contentType, cursor.epoch, cursor.sequence, toHex(cursor.connectionId())],
        [row.type, row.epoch, row.seq, this.#connectionId(row.dir, row.type)],
      );
      let type: number = row.type;
      let content = cursor.fragment();
      if (row.epoch === 1) {
        this.#deriveKeys();
        const opened = this.#protections![row.dir].open(cursor.record());
        assert.ok(opened !== undefined, `${row.dir} ${row.seq} opens`);
        assert.equal(toHex(opened.content), row.content);
        assert.equal(opened.contentType, contentTypeOf(row));
        this.opened++;
        this.#sealAgain(row.dir, opened.contentType, row.seq, opened.content, row.record);
        ({ contentType: type, content } = opened);
      }
      assert.equal(cursor.next(), false);
      assert.equal(cursor.stopped, undefined);
      if (type === HANDSHAKE) this.#handshake(row.dir, content);
    }
  }

  /** In hexadecimal; only a record of type tls12_cid has one. */
  #connectionId(dir: 'c2s' | 's2c', type: number): string {
    if (type !== TLS12_CID) return '';
    return (dir === 'c2s' ? this.#transcript.server_cid : this.#transcript.client_cid) ?? '';
  }

  #sealAgain(dir: 'c2s' | 's2c', type: number, sequence: number, content: Uint8Array, expected: string): void {
    const ivAt = 13 + this.#connectionId(dir, parseInt(expected.slice(0, 2), 16)).length / 2;
    const iv = fromHex(expected).slice(ivAt, ivAt + 16);
    const crypto: DtlsCrypto = { ...nodeCrypto, randomBytes: () => iv };
    const sealer = createProtection(this.#parameters!, dir === 'c2s' ? 'client' : 'server', crypto, this.#padding);
    const sealed = sealer.seal(type, 1, sequence, content);
    assert.equal(toHex(sealed), expected);
    assert.ok(sealed.length <= content.length + sealer.overhead);
    this.sealedAgain++;
  }

  #handshake(dir: 'c2s' | 's2c', record: Uint8Array): void {
    for (let at = 0; at < record.length;) {
      const view = new DataView(record.buffer, record.byteOffset + at);
      const type = view.getUint8(0);
      const length = view.getUint32(0) & 0xff_ffff;
      const seq = view.getUint16(4);
      const fragmentOffset = view.getUint32(5) & 0xff_ffff;
      const fragmentLength = view.getUint32(8) & 0xff_ffff;
      const fragment = record.subarray(at + 12, at + 12 + fragmentLength);
      at += 12 + fragmentLength;
      // A handshake begins: its numbers count from 0 again.
      if (type === CLIENT_HELLO && seq === 0 && fragmentOffset === 0) this.#fragments.clear();
      const key = `${dir} ${seq} ${type}`;
      const body = this.#fragments.get(key) ?? new Uint8Array(0);
      assert.equal(fragmentOffset, body.length, 'the captures are in order');
      const joined = Uint8Array.from([...body, ...fragment]);
      this.#fragments.set(key, joined);
      if (joined.length === length) this.#message(dir, type, seq, joined);
    }
  }

  #message(dir: 'c2s' | 's2c', type: number, seq: number, body: Uint8Array): void {
    if (type === CLIENT_HELLO) {
      // The one without cookie is not part of the transcript, RFC 6347 §4.2.6.
      this.#messages = [];
      this.#wasResumed = this.master !== undefined;
      if (this.#transcript.psk === undefined) this.master = undefined;
      this.#protections = undefined;
      this.clientRandom = body.slice(2, 34);
    }
    if (type === HELLO_VERIFY_REQUEST) return;
    if (type === SERVER_HELLO) this.serverRandom = body.slice(2, 34);
    if (type === FINISHED) {
      const sender = dir === 'c2s' ? 'client' : 'server';
      const expected = verifyData(this.master!, sender, this.#hash(), nodeCrypto);
      assert.equal(toHex(body), toHex(expected), `Finished of the ${sender}`);
      this.finished.push(sender);
    }
    this.#messages.push(
      Uint8Array.from([type, ...uint24(body.length), seq >> 8, seq & 255, 0, 0, 0, ...uint24(body.length), ...body]),
    );
    if (type === CLIENT_KEY_EXCHANGE) this.#deriveMaster();
  }

  #hash(): Uint8Array {
    const hash = createHash('sha256');
    for (const message of this.#messages) hash.update(message);
    return Uint8Array.from(hash.digest());
  }

  #deriveMaster(): void {
    const { psk, ems, master_secret: known } = this.#transcript;
    if (psk === undefined) {
      this.master = nodeCrypto.importSecret(fromHex(known));
      return;
    }
    const premaster = pskPremaster(nodeCrypto.importSecret(fromHex(psk.split(' ')[0]!)), nodeCrypto);
    this.master = ems
      ? extendedMasterSecret(premaster, this.#hash(), nodeCrypto)
      : masterSecret(premaster, this.clientRandom, this.serverRandom, nodeCrypto);
    this.#wasResumed = false;
  }

  #deriveKeys(): void {
    if (this.#protections !== undefined) return;
    const t = this.#transcript;
    const suite = cipherSuiteByNumber(Number(t.suite))!;
    this.#parameters = {
      suite,
      ...deriveKeys(this.master!, this.clientRandom, this.serverRandom, suite, nodeCrypto),
      encryptThenMac: t.etm,
      clientToServerId: t.server_cid === undefined ? undefined : fromHex(t.server_cid),
      serverToClientId: t.client_cid === undefined ? undefined : fromHex(t.client_cid),
      maxFragmentLength: 16384,
    };
    this.#protections = {
      c2s: createProtection(this.#parameters, 'client', nodeCrypto),
      s2c: createProtection(this.#parameters, 'server', nodeCrypto),
    };
  }

  get wasResumed(): boolean {
    return this.#wasResumed;
  }
}

function uint24(value: number): number[] {
  return [value >> 16, (value >> 8) & 255, value & 255];
}

function keyBlockOf({ client, server }: SecurityParameters): string {
  const secret = (key: SecretKey | undefined): string => (key === undefined ? '' : toHex(nodeCrypto.exportSecret(key)));
  return [
    secret(client.macKey),
    secret(server.macKey),
    secret(client.key),
    secret(server.key),
    toHex(client.iv),
    toHex(server.iv),
  ].join('');
}

describe('captured associations', () => {
  for (const transcript of TRANSCRIPTS) {
    it(`${transcript.name}: master secret, key block and both Finished follow from the wire; every record opens and seals to the same bytes`, () => {
      const follower = new Follower(transcript);
      follower.follow();
      assert.equal(toHex(follower.clientRandom), transcript.client_random);
      assert.equal(toHex(follower.serverRandom), transcript.server_random);
      assert.equal(toHex(nodeCrypto.exportSecret(follower.master!)), transcript.master_secret);
      assert.equal(keyBlockOf(follower.keys!), transcript.key_block);
      assert.equal(follower.wasResumed, transcript.resumed);
      assert.equal(follower.finished.length, transcript.resumed ? 4 : 2);
      const protectedRecords = transcript.records.filter(({ epoch }) => epoch === 1).length;
      assert.deepEqual([follower.opened, follower.sealedAgain], [protectedRecords, protectedRecords]);
      assert.ok(protectedRecords > 2);
    });
  }

  it('there are nine', () => assert.equal(TRANSCRIPTS.length, 9));
});
