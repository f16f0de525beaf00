/**
 * A credential as people and programs write it, turned into an entry of the store. What is made here, a key, is told
 * once.
 */
import { createPublicKey, createSecretKey, randomBytes, X509Certificate } from 'node:crypto';
import { isMalformed, malformed, type Malformed } from '@lapwing/lwm2m';
import type { SecurityEntry } from '@lapwing/server';
import { fingerprintOf } from './trust-anchors.ts';

export interface CredentialInput {
  /** The Endpoint Client Name. */
  readonly device: string;
  readonly kind: 'psk' | 'rpk' | 'x509';
  /** PSK: text, or "0x" and hexadecimal. */
  readonly identity?: string;
  /** PSK: hexadecimal; one is made when it is left out. */
  readonly key?: string;
  /** Raw public key: SubjectPublicKeyInfo in PEM, or in DER as base64 or hexadecimal. */
  readonly publicKey?: string;
  /** Certificate: the only one that is accepted, in PEM; when it is left out, any that is valid and names the device. */
  readonly certificate?: string;
}

export interface NewCredential {
  readonly entry: SecurityEntry;
  /** The pre-shared key in hexadecimal. */
  readonly key: string | undefined;
}

/** Malformed together with the field that is wrong. */
export interface WrongField extends Malformed {
  readonly field: keyof CredentialInput;
}

/** Bytes of a key that is made here: as strong as the AES-128 it leads to. */
const KEY_BYTES = 16;
const MAX_IDENTITY_BYTES = 128;
const MAX_KEY_BYTES = 64;
const MAX_NAME_BYTES = 255;

export function credentialFrom(input: CredentialInput): NewCredential | WrongField {
  const { device: endpointClientName, kind } = input;
  if (endpointClientName === '' || Buffer.byteLength(endpointClientName) > MAX_NAME_BYTES) {
    return wrong('device', `an Endpoint Client Name of 1 to ${MAX_NAME_BYTES} bytes is needed`);
  }
  for (const field of ['identity', 'key', 'publicKey', 'certificate'] as const) {
    if (input[field] !== undefined && !FIELDS[kind].includes(field)) {
      return wrong(field, `a credential of kind ${kind} has none`);
    }
  }
  switch (kind) {
    case 'psk':
      return pskFrom(endpointClientName, input);
    case 'rpk': {
      const publicKey = publicKeyFrom(input.publicKey ?? '');
      if (isMalformed(publicKey)) return wrong('publicKey', publicKey.malformed);
      return { entry: { kind, endpointClientName, publicKey }, key: undefined };
    }
    case 'x509': {
      if (input.certificate === undefined) {
        return { entry: { kind, endpointClientName, fingerprint: undefined }, key: undefined };
      }
      const fingerprint = certificateFingerprint(input.certificate);
      if (isMalformed(fingerprint)) return wrong('certificate', fingerprint.malformed);
      return { entry: { kind, endpointClientName, fingerprint }, key: undefined };
    }
  }
}

export const isWrongField = (value: NewCredential | WrongField): value is WrongField => 'malformed' in value;

const FIELDS: Readonly<Record<CredentialInput['kind'], readonly (keyof CredentialInput)[]>> = {
  psk: ['identity', 'key'],
  rpk: ['publicKey'],
  x509: ['certificate'],
};

const wrong = (field: keyof CredentialInput, what: string): WrongField => ({ ...malformed(what), field });

function pskFrom(
  endpointClientName: string,
  { identity: text, key: given }: CredentialInput,
): NewCredential | WrongField {
  const identity = identityFrom(text ?? endpointClientName);
  if (identity === undefined || identity.length < 1 || identity.length > MAX_IDENTITY_BYTES) {
    return wrong(
      'identity',
      `1 to ${MAX_IDENTITY_BYTES} bytes are needed, as text or as 0x and pairs of hexadecimal digits`,
    );
  }
  const key = given === undefined ? randomBytes(KEY_BYTES) : hexBytes(given);
  if (key === undefined || key.length < 1 || key.length > MAX_KEY_BYTES) {
    return wrong('key', `1 to ${MAX_KEY_BYTES} bytes are needed, in hexadecimal`);
  }
  const entry: SecurityEntry = { kind: 'psk', endpointClientName, identity, key: createSecretKey(key) };
  return { entry, key: key.toString('hex') };
}

/** The other way round of `identityText`. */
function identityFrom(text: string): Uint8Array | undefined {
  if (!text.startsWith('0x')) return new TextEncoder().encode(text);
  const bytes = hexBytes(text.slice(2));
  return bytes === undefined ? undefined : new Uint8Array(bytes);
}

/** Colons and white space between pairs are left out, as many tools print them. */
function hexBytes(text: string): Buffer | undefined {
  const digits = text.replaceAll(/[\s:]/g, '');
  return /^(?:[0-9a-f]{2})*$/i.test(digits) ? Buffer.from(digits, 'hex') : undefined;
}

function publicKeyFrom(text: string): Uint8Array | Malformed {
  const refused = malformed(
    'a public key on P-256 is needed, in PEM, or as SubjectPublicKeyInfo in base64 or hexadecimal',
  );
  if (text.includes('PRIVATE KEY')) return malformed('this is a private key, which is to stay on the device');
  const trimmed = text.trim();
  const base64 = Buffer.from(trimmed, 'base64');
  const der = trimmed.startsWith('-----') ? undefined : (hexBytes(trimmed) ?? base64);
  try {
    const key = createPublicKey(der === undefined ? trimmed : { key: der, format: 'der', type: 'spki' });
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return refused;
    return new Uint8Array(key.export({ type: 'spki', format: 'der' }));
  } catch {
    return refused;
  }
}

function certificateFingerprint(pem: string): Uint8Array | Malformed {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----/g)?.length ?? 0;
  if (blocks !== 1) return malformed(`one certificate in PEM is needed, there are ${blocks}`);
  try {
    return new Uint8Array(Buffer.from(fingerprintOf(new X509Certificate(pem)), 'hex'));
  } catch {
    return malformed('the certificate cannot be read');
  }
}
