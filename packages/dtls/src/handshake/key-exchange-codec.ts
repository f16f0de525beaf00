/**
 * ServerKeyExchange and ClientKeyExchange of the two key exchanges: PSK (RFC 4279 §2) and ECDHE_ECDSA (RFC 8422 §5.4, §5.7).
 * The negotiated suite says which it is. Decoded fields are views of the body.
 */
import type { Malformed } from '../malformed.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { readSigned, writeSigned } from './certificate-codec.ts';
import type { DigitallySigned } from './certificate-codec.ts';

/** RFC 4279 §5.3 and OMA TS Transport: what must be supported, and what we take. */
export const MAX_PSK_IDENTITY_BYTES = 128;

const NAMED_CURVE = 3;

export interface EcdheParameters {
  /** See `NAMED_GROUPS`. */
  readonly group: number;
  readonly publicBytes: Uint8Array;
}

export interface EcdheServerKeyExchange extends EcdheParameters, DigitallySigned {}

export interface DecodedEcdheServerKeyExchange extends EcdheServerKeyExchange {
  /** `ServerECDHParams`: what the signature covers after both randoms. */
  readonly signedParameters: Uint8Array;
}

/** The identity hint; a server without one sends no ServerKeyExchange. */
export function decodePskServerKeyExchange(body: Uint8Array): Uint8Array | Malformed {
  const reader = new ByteReader(body, 'ServerKeyExchange');
  const hint = reader.vector16('the PSK identity hint');
  return reader.finish() ?? hint;
}

export function encodePskServerKeyExchange(identityHint: Uint8Array): Uint8Array {
  return encodeVector16(identityHint);
}

export function decodeEcdheServerKeyExchange(body: Uint8Array): DecodedEcdheServerKeyExchange | Malformed {
  const reader = new ByteReader(body, 'ServerKeyExchange');
  const curveType = reader.uint8('the curve type');
  if (!reader.failed && curveType !== NAMED_CURVE) reader.fail(`curve type ${curveType}, not named_curve`);
  const group = reader.uint16('the group');
  const publicBytes = readPoint(reader);
  const signedParameters = reader.since(0);
  const { algorithm, signature } = readSigned(reader);
  return reader.finish() ?? { group, publicBytes, signedParameters, algorithm, signature };
}

/** `ServerECDHParams`, the bytes to sign after both randoms; `encodeEcdheServerKeyExchange` begins with them. */
export function encodeEcdheParameters(parameters: EcdheParameters): Uint8Array {
  const writer = new ByteWriter(4 + parameters.publicBytes.length);
  writeParameters(writer, parameters);
  return writer.finish();
}

export function encodeEcdheServerKeyExchange(exchange: EcdheServerKeyExchange): Uint8Array {
  const writer = new ByteWriter(8 + exchange.publicBytes.length + exchange.signature.length);
  writeParameters(writer, exchange);
  writeSigned(writer, exchange);
  return writer.finish();
}

/** The identity, any bytes. */
export function decodePskClientKeyExchange(body: Uint8Array): Uint8Array | Malformed {
  const reader = new ByteReader(body, 'ClientKeyExchange');
  const identity = reader.vector16('the PSK identity');
  if (identity.length > MAX_PSK_IDENTITY_BYTES) {
    reader.fail(`a PSK identity of ${identity.length} bytes, more than ${MAX_PSK_IDENTITY_BYTES}`);
  }
  return reader.finish() ?? identity;
}

export function encodePskClientKeyExchange(identity: Uint8Array): Uint8Array {
  return encodeVector16(identity);
}

/** The client's public key. */
export function decodeEcdheClientKeyExchange(body: Uint8Array): Uint8Array | Malformed {
  const reader = new ByteReader(body, 'ClientKeyExchange');
  const publicBytes = readPoint(reader);
  return reader.finish() ?? publicBytes;
}

export function encodeEcdheClientKeyExchange(publicBytes: Uint8Array): Uint8Array {
  const writer = new ByteWriter(1 + publicBytes.length);
  writer.vector8(publicBytes);
  return writer.finish();
}

function encodeVector16(bytes: Uint8Array): Uint8Array {
  const writer = new ByteWriter(2 + bytes.length);
  writer.vector16(bytes);
  return writer.finish();
}

function readPoint(reader: ByteReader): Uint8Array {
  const publicBytes = reader.vector8('the public key');
  if (!reader.failed && publicBytes.length === 0) reader.fail('an empty public key');
  return publicBytes;
}

function writeParameters(writer: ByteWriter, { group, publicBytes }: EcdheParameters): void {
  writer.uint8(NAMED_CURVE);
  writer.uint16(group);
  writer.vector8(publicBytes);
}
