/**
 * The messages that open a handshake: ClientHello, HelloVerifyRequest and ServerHello. RFC 5246 §7.4.1, 6347 §4.2.1.
 * Decoded fields are views of the body.
 */
import type { Malformed } from '../malformed.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { readExtensions, writeExtensions } from './extension-codec.ts';
import type { Extensions } from './extension-codec.ts';

/** `ProtocolVersion`: the one's complement of 1.2 and 1.0. */
export const DTLS_1_2 = 0xfefd;
export const DTLS_1_0 = 0xfeff;

export const RANDOM_BYTES = 32;
const MAX_SESSION_ID_BYTES = 32;
const NULL_COMPRESSION = 0;

export interface ClientHello {
  /** The highest the client speaks. */
  readonly version: number;
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly cookie: Uint8Array;
  /** In order of preference. */
  readonly cipherSuites: readonly number[];
  readonly extensions: Extensions;
}

export interface DecodedClientHello extends ClientHello {
  readonly compressionMethods: Uint8Array;
  /** The numbers of all extensions, also those nobody knows, in the order sent. */
  readonly extensionTypes: readonly number[];
  /** What a cookie is bound to (RFC 6347 §4.2.1): version, random and session ID; and suites and compression. */
  readonly beforeCookie: Uint8Array;
  readonly afterCookie: Uint8Array;
}

export interface HelloVerifyRequest {
  readonly version: number;
  readonly cookie: Uint8Array;
}

export interface ServerHello {
  readonly version: number;
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly cipherSuite: number;
  readonly extensions: Extensions;
}

export interface DecodedServerHello extends ServerHello {
  readonly compressionMethod: number;
  readonly extensionTypes: readonly number[];
}

export function decodeClientHello(body: Uint8Array): DecodedClientHello | Malformed {
  const reader = new ByteReader(body, 'ClientHello');
  const version = reader.uint16('the version');
  const random = reader.bytes(RANDOM_BYTES, 'the random');
  const sessionId = readSessionId(reader);
  const beforeCookie = reader.since(0);
  const cookie = reader.vector8('the cookie');
  const cookieEnd = reader.offset;
  const cipherSuites = reader.uint16s('cipher_suites');
  const compressionMethods = reader.vector8('compression_methods');
  if (!reader.failed && !compressionMethods.includes(NULL_COMPRESSION)) reader.fail('does not offer null compression');
  const afterCookie = reader.since(cookieEnd);
  const { extensions, types } = readExtensions(reader, 'client');
  return (
    reader.finish() ?? {
      version,
      random,
      sessionId,
      cookie,
      cipherSuites,
      compressionMethods,
      extensions,
      extensionTypes: types,
      beforeCookie,
      afterCookie,
    }
  );
}

export function encodeClientHello(hello: ClientHello): Uint8Array {
  const writer = new ByteWriter(192 + 2 * hello.cipherSuites.length);
  writer.uint16(hello.version);
  writer.bytes(hello.random);
  writer.vector8(hello.sessionId);
  writer.vector8(hello.cookie);
  writer.uint16s(hello.cipherSuites);
  writer.uint8(1);
  writer.uint8(NULL_COMPRESSION);
  writeExtensions(writer, hello.extensions, 'client');
  return writer.finish();
}

export function decodeHelloVerifyRequest(body: Uint8Array): HelloVerifyRequest | Malformed {
  const reader = new ByteReader(body, 'HelloVerifyRequest');
  const version = reader.uint16('the version');
  const cookie = reader.vector8('the cookie');
  return reader.finish() ?? { version, cookie };
}

export function encodeHelloVerifyRequest(request: HelloVerifyRequest): Uint8Array {
  const writer = new ByteWriter(3 + request.cookie.length);
  writer.uint16(request.version);
  writer.vector8(request.cookie);
  return writer.finish();
}

export function decodeServerHello(body: Uint8Array): DecodedServerHello | Malformed {
  const reader = new ByteReader(body, 'ServerHello');
  const version = reader.uint16('the version');
  const random = reader.bytes(RANDOM_BYTES, 'the random');
  const sessionId = readSessionId(reader);
  const cipherSuite = reader.uint16('the cipher suite');
  const compressionMethod = reader.uint8('the compression method');
  const { extensions, types } = readExtensions(reader, 'server');
  return (
    reader.finish() ?? {
      version,
      random,
      sessionId,
      cipherSuite,
      compressionMethod,
      extensions,
      extensionTypes: types,
    }
  );
}

export function encodeServerHello(hello: ServerHello): Uint8Array {
  const writer = new ByteWriter(128);
  writer.uint16(hello.version);
  writer.bytes(hello.random);
  writer.vector8(hello.sessionId);
  writer.uint16(hello.cipherSuite);
  writer.uint8(NULL_COMPRESSION);
  writeExtensions(writer, hello.extensions, 'server');
  return writer.finish();
}

function readSessionId(reader: ByteReader): Uint8Array {
  const sessionId = reader.vector8('the session ID');
  if (sessionId.length > MAX_SESSION_ID_BYTES) reader.fail(`a session ID of ${sessionId.length} bytes`);
  return sessionId;
}
