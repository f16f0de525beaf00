import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromHex, handshakesOf, toHex, TRANSCRIPTS } from '../../test/transcripts.ts';
import type { RecordedMessage } from '../../test/transcripts.ts';
import { cipherSuiteByNumber } from '../cipher-suite-table.ts';
import { isMalformed } from '../malformed.ts';
import {
  decodeCertificateChain,
  decodeCertificateRequest,
  decodeCertificateVerify,
  decodeRawPublicKey,
  encodeCertificateChain,
  encodeCertificateRequest,
  encodeCertificateVerify,
  encodeRawPublicKey,
} from './certificate-codec.ts';
import { HANDSHAKE_TYPES, handshakeTypeName } from './handshake-type-table.ts';
import {
  decodeClientHello,
  decodeHelloVerifyRequest,
  decodeServerHello,
  encodeClientHello,
  encodeHelloVerifyRequest,
  encodeServerHello,
} from './hello-codec.ts';
import {
  decodeEcdheClientKeyExchange,
  decodeEcdheServerKeyExchange,
  decodePskClientKeyExchange,
  decodePskServerKeyExchange,
  encodeEcdheClientKeyExchange,
  encodeEcdheServerKeyExchange,
  encodePskClientKeyExchange,
  encodePskServerKeyExchange,
} from './key-exchange-codec.ts';
import { checkEmptyBody, decodeFinished, decodeNewSessionTicket, encodeNewSessionTicket } from './message-codec.ts';

/** A codec seen from its bytes: what decodes them, and what writes the decoded value again. */
interface Codec {
  readonly decode: (body: Uint8Array) => unknown;
  readonly encode: (value: never) => Uint8Array;
}

/** For a kind of key exchange, with X.509 certificates or raw public keys. */
function codecOf(type: number, keyExchange: 'psk' | 'ecdhe-ecdsa', certificates: 'x509' | 'rpk'): Codec {
  const codec = (decode: Codec['decode'], encode: Codec['encode']): Codec => ({ decode, encode });
  const empty = (name: 'HelloRequest' | 'ServerHelloDone'): Codec =>
    codec(
      (body) => checkEmptyBody(body, name),
      () => new Uint8Array(0),
    );
  switch (type) {
    case HANDSHAKE_TYPES.hello_request:
      return empty('HelloRequest');
    case HANDSHAKE_TYPES.client_hello:
      return codec(decodeClientHello, encodeClientHello);
    case HANDSHAKE_TYPES.hello_verify_request:
      return codec(decodeHelloVerifyRequest, encodeHelloVerifyRequest);
    case HANDSHAKE_TYPES.server_hello:
      return codec(decodeServerHello, encodeServerHello);
    case HANDSHAKE_TYPES.certificate:
      return certificates === 'x509'
        ? codec(decodeCertificateChain, encodeCertificateChain)
        : codec(decodeRawPublicKey, encodeRawPublicKey);
    case HANDSHAKE_TYPES.server_key_exchange:
      return keyExchange === 'psk'
        ? codec(decodePskServerKeyExchange, encodePskServerKeyExchange)
        : codec(decodeEcdheServerKeyExchange, encodeEcdheServerKeyExchange);
    case HANDSHAKE_TYPES.certificate_request:
      return codec(decodeCertificateRequest, encodeCertificateRequest);
    case HANDSHAKE_TYPES.server_hello_done:
      return empty('ServerHelloDone');
    case HANDSHAKE_TYPES.client_key_exchange:
      return keyExchange === 'psk'
        ? codec(decodePskClientKeyExchange, encodePskClientKeyExchange)
        : codec(decodeEcdheClientKeyExchange, encodeEcdheClientKeyExchange);
    case HANDSHAKE_TYPES.certificate_verify:
      return codec(decodeCertificateVerify, encodeCertificateVerify);
    case HANDSHAKE_TYPES.new_session_ticket:
      return codec(decodeNewSessionTicket, encodeNewSessionTicket);
    case HANDSHAKE_TYPES.finished:
      return codec(decodeFinished, (verifyData: Uint8Array) => verifyData);
    default:
      throw new Error(`type ${type}`);
  }
}

interface RecordedBody extends RecordedMessage {
  readonly codec: Codec;
  readonly title: string;
}

const RECORDED: readonly RecordedBody[] = TRANSCRIPTS.flatMap((recording) => {
  const keyExchange = cipherSuiteByNumber(Number(recording.suite))!.keyExchange;
  return handshakesOf(recording)
    .flat()
    .map((message, index) => ({
      ...message,
      codec: codecOf(message.type, keyExchange, recording.name.includes('rpk') ? 'rpk' : 'x509'),
      title: `${recording.name} ${index}: ${handshakeTypeName(message.type)}`,
    }));
});

/** Our own bytes, for messages no recording has. */
const OWN: readonly { readonly title: string; readonly type: number; readonly hex: string }[] = [
  { title: 'HelloRequest', type: HANDSHAKE_TYPES.hello_request, hex: '' },
  { title: 'PSK identity hint', type: HANDSHAKE_TYPES.server_key_exchange, hex: '000468696e74' },
  { title: 'empty PSK identity hint', type: HANDSHAKE_TYPES.server_key_exchange, hex: '0000' },
  { title: 'empty PSK identity', type: HANDSHAKE_TYPES.client_key_exchange, hex: '0000' },
  { title: 'no certificate', type: HANDSHAKE_TYPES.certificate, hex: '000000' },
  { title: 'two certificates', type: HANDSHAKE_TYPES.certificate, hex: '0000090000020102000001ff' },
  { title: 'authorities', type: HANDSHAKE_TYPES.certificate_request, hex: '024001000404030503000700023000000141' },
  { title: 'an empty ticket', type: HANDSHAKE_TYPES.new_session_ticket, hex: 'ffffffff0000' },
  {
    title: 'ClientHello without extensions',
    type: HANDSHAKE_TYPES.client_hello,
    hex: `fefd${'11'.repeat(32)}00000002c0a80100`,
  },
  {
    title: 'ServerHello without extensions',
    type: HANDSHAKE_TYPES.server_hello,
    hex: `fefd${'22'.repeat(32)}00c0a800`,
  },
  {
    title: 'ClientHello with every extension',
    type: HANDSHAKE_TYPES.client_hello,
    hex: `fefd${'11'.repeat(32)}02aabb03ccddee0004c0a800ff0100${vector16(
      'ff01000100' +
        '0000000e000c0000096c6f63616c686f7374' +
        '0001000102' +
        '000a00060004001d0017' +
        '000b00020100' +
        '000d0006000404030807' +
        '00130003020200' +
        '00140003020002' +
        '00160000' +
        '00170000' +
        '002300047469636b' +
        '0036000706010203040506',
    )}`,
  },
];

describe('handshake messages (RFC 5246 §7.4, 4279, 5077, 6347, 7250, 8422)', () => {
  const recorded = new Set(RECORDED.map(({ type }) => type));

  it('finds every message but HelloRequest in the recordings', () => {
    const all = Object.values(HANDSHAKE_TYPES).filter((type) => type !== HANDSHAKE_TYPES.hello_request);
    assert.deepEqual([...recorded].sort(byNumber), all.sort(byNumber));
  });

  for (const { title, type, body, codec } of RECORDED) {
    it(`takes ${title} apart, and puts it together again`, () => {
      const value = codec.decode(body);
      assert.ok(!isMalformed(value), JSON.stringify(value));
      const again = codec.encode(value as never);
      if (type !== HANDSHAKE_TYPES.client_hello && type !== HANDSHAKE_TYPES.server_hello) {
        assert.equal(toHex(again), toHex(body));
        return;
      }
      // The order of extensions is the sender's.
      const plain = (hello: unknown) => ({ ...(hello as object), extensionTypes: undefined, afterCookie: undefined });
      assert.deepEqual(plain(codec.decode(again)), plain(value));
    });
  }

  it('writes none of what it was not given', () => {
    for (const { title, type, hex } of OWN) {
      const codec = codecOf(type, 'psk', 'x509');
      const value = codec.decode(fromHex(hex));
      assert.ok(!isMalformed(value), `${title}: ${JSON.stringify(value)}`);
      assert.equal(toHex(codec.encode(value as never)), hex, title);
    }
  });
});

function byNumber(a: number, b: number): number {
  return a - b;
}

function vector16(hex: string): string {
  return (hex.length / 2).toString(16).padStart(4, '0') + hex;
}
