import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromHex, handshakesOf, toHex, TRANSCRIPTS } from '../../test/transcripts.ts';
import type { RecordedMessage } from '../../test/transcripts.ts';
import { cipherSuiteByNumber } from '../cipher-suite-table.ts';
import { UsageError } from '../errors.ts';
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

/** Both lists, as bodies with the codec each is for. */
const BODIES: readonly { readonly title: string; readonly body: Uint8Array; readonly codec: Codec }[] = [
  ...RECORDED,
  ...OWN.map(({ title, type, hex }) => ({ title, body: fromHex(hex), codec: codecOf(type, 'psk', 'x509') })),
];

describe('handshake messages that are not what they should be', () => {
  it('are malformed at every truncation, except hellos that lose all their extensions', () => {
    for (const { title, body, codec } of BODIES) {
      for (let length = 0; length < body.length; length++) {
        const value = codec.decode(body.subarray(0, length));
        const isHello = typeof value === 'object' && value !== null && 'extensionTypes' in value;
        if (isHello) assert.deepEqual(value.extensionTypes, [], `${title} at ${length}`);
        else assert.ok(isMalformed(value), `${title} at ${length}: ${JSON.stringify(value)}`);
      }
    }
  });

  it('are malformed with a byte too many', () => {
    for (const { title, body, codec } of BODIES) {
      const longer = new Uint8Array(body.length + 1);
      longer.set(body);
      const value = codec.decode(longer);
      assert.ok(isMalformed(value), `${title}: ${JSON.stringify(value)}`);
    }
  });

  it('never throw, whichever bit is flipped, and what is accepted can be written again', () => {
    for (const { body, codec } of BODIES) {
      const flipped = Uint8Array.from(body);
      for (let bit = 0; bit < 8 * body.length; bit++) {
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        const value = codec.decode(flipped);
        if (!isMalformed(value)) codec.encode(value as never);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
      }
    }
  });

  const hello = (rest: string): string => `fefd${'11'.repeat(32)}${rest}`;
  const extensions = (hex: string): string => hello(`00000002c0a80100${vector16(hex)}`);
  const { client_hello, server_hello, certificate, certificate_request, server_key_exchange } = HANDSHAKE_TYPES;
  const { client_key_exchange, certificate_verify, finished, server_hello_done } = HANDSHAKE_TYPES;
  const MALFORMED: readonly (readonly [
    why: string,
    type: number,
    keyExchange: 'psk' | 'ecdhe-ecdsa',
    hex: string,
    text: RegExp,
  ])[] = [
    ['a session ID of 33 bytes', client_hello, 'psk', hello(`21${'00'.repeat(33)}000002c0a80100`), /session ID of 33/],
    ['no cipher suite', client_hello, 'psk', hello('000000000100'), /cipher_suites has 0/],
    ['an odd list of cipher suites', client_hello, 'psk', hello('00000003c0a8c00100'), /cipher_suites has 3/],
    ['no compression method', client_hello, 'psk', hello('00000002c0a800'), /null compression/],
    ['DEFLATE only', client_hello, 'psk', hello('00000002c0a80101'), /null compression/],
    ['an extension twice', client_hello, 'psk', extensions('0017000000170000'), /extension 23 is there twice/],
    [
      'an unknown extension twice',
      client_hello,
      'psk',
      extensions('0a0a00000a0a0000'),
      /extension 2570 is there twice/,
    ],
    ['a flag with content', client_hello, 'psk', extensions('0017000100'), /extended_master_secret: 1 bytes too many/],
    ['an extension beyond the block', client_hello, 'psk', extensions('002300ff00'), /within an extension/],
    ['65 extensions', client_hello, 'psk', extensions(manyExtensions(65)), /more than 64/],
    ['no group', client_hello, 'psk', extensions('000a00020000'), /supported_groups/],
    ['half a group', client_hello, 'psk', extensions('000a0005000300170a'), /supported_groups/],
    ['no point format', client_hello, 'psk', extensions('000b000100'), /ec_point_formats/],
    ['fragment length 5', client_hello, 'psk', extensions('0001000105'), /max_fragment_length: code 5/],
    ['fragment length 0', client_hello, 'psk', extensions('0001000100'), /max_fragment_length: code 0/],
    ['an empty list of names', client_hello, 'psk', extensions('000000020000'), /server_name: is empty/],
    ['two host names', client_hello, 'psk', extensions('0000000a00080000016100000162'), /two host names/],
    ['an empty host name', client_hello, 'psk', extensions('000000050003000000'), /host name of 0/],
    ['a host name with NUL', client_hello, 'psk', extensions('000000080006000003610062'), /not ASCII/],
    [
      'a Connection ID cut short',
      client_hello,
      'psk',
      extensions('0036000402aabbcc'),
      /connection_id: 1 bytes too many/,
    ],
    ['two certificate types from a server', server_hello, 'psk', hello('00c0a8000006001300020200'), /client_cert/],
    ['a server name from a server', server_hello, 'psk', hello('00c0a80000050000000161'), /server_name/],
    ['a certificate of no bytes', certificate, 'ecdhe-ecdsa', '000003000000', /empty certificate/],
    ['a certificate beyond the list', certificate, 'ecdhe-ecdsa', '0000040000ff00', /within a certificate/],
    ['no certificate type', certificate_request, 'ecdhe-ecdsa', '00000204030000', /certificate_types/],
    ['no signature algorithm', certificate_request, 'ecdhe-ecdsa', '014000000000', /signature_algorithms/],
    [
      'an authority of no bytes',
      certificate_request,
      'ecdhe-ecdsa',
      '01400002040300020000',
      /empty certificate authority/,
    ],
    ['an explicit curve', server_key_exchange, 'ecdhe-ecdsa', '010017014104030001aa', /curve type 1/],
    ['an empty public key', server_key_exchange, 'ecdhe-ecdsa', '0300170004030001aa', /empty public key/],
    ['an empty public key of a client', client_key_exchange, 'ecdhe-ecdsa', '00', /empty public key/],
    ['an identity of 129 bytes', client_key_exchange, 'psk', `0081${'61'.repeat(129)}`, /identity of 129/],
    ['an empty signature', certificate_verify, 'ecdhe-ecdsa', '04030000', /empty signature/],
    ['11 bytes of verify_data', finished, 'psk', '00'.repeat(11), /within verify_data/],
    ['13 bytes of verify_data', finished, 'psk', '00'.repeat(13), /1 bytes too many/],
    ['a ServerHelloDone with a body', server_hello_done, 'psk', '00', /1 bytes too many/],
  ];
  for (const [why, type, keyExchange, hex, text] of MALFORMED) {
    it(`refuses ${handshakeTypeName(type)} with ${why}`, () => {
      const value = codecOf(type, keyExchange, 'x509').decode(fromHex(hex));
      assert.ok(isMalformed(value), JSON.stringify(value));
      assert.match(value.malformed, text);
    });
  }
});

describe('extensions (RFC 5246 §7.4.1.4)', () => {
  const decode = (hex: string) => {
    const hello = decodeClientHello(fromHex(`fefd${'11'.repeat(32)}00000002c0a80100${vector16(hex)}`));
    assert.ok(!isMalformed(hello), JSON.stringify(hello));
    return hello;
  };

  it('skips unknown ones and GREASE, and tells that they were there (RFC 8701)', () => {
    const hello = decode('0a0a000100' + '00170000' + 'fafa0000' + '003500020111');
    assert.deepEqual(hello.extensions, { extendedMasterSecret: true });
    assert.deepEqual(hello.extensionTypes, [0x0a0a, 23, 0xfafa, 53]);
  });

  it('takes the Connection ID from extension 54, not from the 53 of the drafts (RFC 9146 §3)', () => {
    assert.equal(decode('003500020111').extensions.connectionId, undefined);
    assert.deepEqual(decode('003600020111').extensions.connectionId, Uint8Array.of(0x11));
    assert.deepEqual(decode('0036000100').extensions.connectionId, new Uint8Array(0));
  });

  it('skips names that are no host names (RFC 6066 §3)', () => {
    assert.equal(decode('0000000a' + '0008' + '07000178' + '00000161').extensions.serverName, 'a');
    assert.equal(decode('000000060004' + '07000178').extensions.serverName, undefined);
  });

  it('tells an empty block from none, and both mean no extensions', () => {
    assert.deepEqual(decode('').extensions, {});
  });

  it('takes 64 extensions', () => {
    assert.equal(decode(manyExtensions(64)).extensionTypes.length, 64);
  });

  it('binds a cookie to version, random, session ID, suites and compression, not to extensions (RFC 6347 §4.2.1)', () => {
    const hello = decode('00170000');
    assert.equal(toHex(hello.beforeCookie), `fefd${'11'.repeat(32)}00`);
    assert.equal(toHex(hello.afterCookie), '0002c0a80100');
  });

  it('is written by the caller alone: no extensions, no block', () => {
    assert.equal(
      encodeServerHello({
        version: 0xfefd,
        random: new Uint8Array(32),
        sessionId: new Uint8Array(0),
        cipherSuite: 0xc0a8,
        extensions: { serverName: undefined },
      }).length,
      38,
    );
  });

  it('refuses a server name that cannot be sent', () => {
    for (const serverName of ['', 'münchen.example', 'a b', 'a'.repeat(256)]) {
      const hello = { version: 0xfefd, random: new Uint8Array(32), sessionId: new Uint8Array(0) };
      assert.throws(
        () => encodeClientHello({ ...hello, cookie: new Uint8Array(0), cipherSuites: [1], extensions: { serverName } }),
        UsageError,
      );
    }
  });
});

function byNumber(a: number, b: number): number {
  return a - b;
}

function vector16(hex: string): string {
  return (hex.length / 2).toString(16).padStart(4, '0') + hex;
}

function manyExtensions(count: number): string {
  return Array.from({ length: count }, (_, i) => (0x7000 + i).toString(16) + '0000').join('');
}
