import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { certificateCrypto } from '../../test/certificate-crypto.ts';
import { fromHex, handshakesOf, toHex, TRANSCRIPTS } from '../../test/transcripts.ts';
import type { RecordedMessage } from '../../test/transcripts.ts';
import { HANDSHAKE_TYPES } from './handshake-type-table.ts';
import { Transcript } from './transcript.ts';

/** `P_SHA256`. RFC 5246 §5. */
function prf(secret: Uint8Array, label: string, seed: Uint8Array, length: number): Uint8Array {
  const hmac = (...parts: readonly Uint8Array[]): Buffer =>
    parts.reduce((hash, part) => hash.update(part), createHmac('sha256', secret)).digest();
  const labelled = Buffer.concat([Buffer.from(label), seed]);
  let output = Buffer.alloc(0);
  for (let a = hmac(labelled); output.length < length; a = hmac(a)) output = Buffer.concat([output, hmac(a, labelled)]);
  return new Uint8Array(output.subarray(0, length));
}

/** From the ClientHello that was answered with a ServerHello on. */
function hashed(handshake: readonly RecordedMessage[]): readonly RecordedMessage[] {
  return handshake.slice(handshake.findLastIndex(({ type }) => type === HANDSHAKE_TYPES.client_hello));
}

describe('the handshake hash (RFC 5246 §7.4.9, 6347 §4.2.6)', () => {
  for (const recording of TRANSCRIPTS) {
    it(`is what both Finished of ${recording.name} were made of`, () => {
      let finished = 0;
      for (const handshake of handshakesOf(recording)) {
        const transcript = new Transcript(certificateCrypto);
        for (const message of hashed(handshake)) {
          if (message.type === HANDSHAKE_TYPES.finished) {
            const label = message.dir === 'c2s' ? 'client finished' : 'server finished';
            const verifyData = prf(fromHex(recording.master_secret), label, transcript.hash(), 12);
            assert.equal(toHex(message.body), toHex(verifyData), label);
            finished++;
          }
          transcript.append(message);
        }
      }
      assert.equal(finished, 2 * handshakesOf(recording).length);
    });
  }

  it('after ClientKeyExchange is the session hash of an extended master secret (RFC 7627 §3)', () => {
    const psk = new TextEncoder().encode('secretPSK');
    const premaster = Uint8Array.of(0, psk.length, ...new Uint8Array(psk.length), 0, psk.length, ...psk);
    let checked = 0;
    for (const recording of TRANSCRIPTS.filter(({ name, ems }) => name.startsWith('mb_psk') && ems)) {
      const transcript = new Transcript(certificateCrypto);
      for (const message of hashed(handshakesOf(recording)[0]!)) {
        transcript.append(message);
        if (message.type === HANDSHAKE_TYPES.client_key_exchange) break;
      }
      const secret = prf(premaster, 'extended master secret', transcript.hash(), 48);
      assert.equal(toHex(secret), recording.master_secret, recording.name);
      checked++;
    }
    assert.equal(checked, 5);
  });

  it('covers a message as one fragment, whatever its length', () => {
    const transcript = new Transcript(certificateCrypto);
    transcript.append({ type: 11, messageSeq: 2, body: new Uint8Array(5000).fill(7) });
    transcript.append({ type: 14, messageSeq: 3, body: new Uint8Array(0) });
    assert.equal(transcript.bytes.length, 12 + 5000 + 12);
    assert.equal(toHex(transcript.bytes.subarray(0, 14)), '0b0013880002000000001388' + '0707');
    assert.equal(toHex(transcript.bytes.subarray(-12)), '0e0000000003000000000000');
  });
});
