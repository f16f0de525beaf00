/**
 * What the accounts of one device prove themselves with: as configured, or made for this Bootstrap. OMA TS Transport §5.2.
 *
 * What is made is known to nobody until it is handed to the server it is for, shortly before Bootstrap-Finish: the device
 * has all of it then, and what it used before is valid until then. When the device refuses Bootstrap-Finish for good, what
 * was before is put back.
 */
import {
  createHash,
  createPrivateKey,
  createSecretKey,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { UsageError } from '@lapwing/coap';
import { writeCertificate } from '@lapwing/dtls';
import type { MaybePromise, SecurityEntry } from '@lapwing/server';
import { nodeCrypto, type PeerAddress } from '@lapwing/transport';
import type { AccountSecurity, BootstrapConfiguration } from './configuration.ts';
import type { AccountProof } from './content.ts';

/** Who takes credentials that were made for a device: `LwM2mServer.security`, or a program of one's own. */
export interface CredentialReceiver {
  /**
   * Let the device in with this, in place of what it has of that kind. What is answered undoes it: what was before is
   * valid again. May reject: the Bootstrap then ends, and the device is told nothing of it.
   */
  exchange(entry: SecurityEntry): MaybePromise<() => MaybePromise<unknown>>;
}

/** A server that accounts are for. */
export interface CredentialTarget {
  /** Without it nothing can be generated for its accounts. */
  readonly security?: CredentialReceiver;
  /** Its SubjectPublicKeyInfo in DER, for accounts that do not say it. */
  readonly publicKey?: Uint8Array;
  /** Its certificate in DER, for accounts that do not say it. */
  readonly certificate?: Uint8Array;
  /**
   * Its URI for accounts that do not say it, as a device at this address reaches it; without one, for looking at a plan.
   * Undefined, or the method left out: an account has to say it. May reject with UsageError.
   */
  uri?(scheme: 'coap' | 'coaps', device: PeerAddress | undefined): MaybePromise<string | undefined>;
  /** Whose accounts it is. Default: those of every LwM2M Server that no other target names. */
  readonly shortServerIds?: readonly number[];
}

/** Signs the certificates of devices. */
export interface CertificateIssuer {
  /**
   * A certificate in DER that names this device, see `certificateAuthority`.
   *
   * @param publicKey  SubjectPublicKeyInfo in DER, on P-256.
   */
  issue(endpointClientName: string, publicKey: Uint8Array): MaybePromise<Uint8Array>;
}

/** An authority of one's own: the servers of the accounts must have its certificate among their `trustAnchors`. */
export function certificateAuthority({
  certificate,
  privateKey,
  validitySeconds = 10 * 365 * 86_400,
  unixTime = Date.now,
}: {
  /** In DER. */
  readonly certificate: Uint8Array;
  readonly privateKey: KeyObject;
  /** Default ten years. */
  readonly validitySeconds?: number;
  /** ms since 1970. */
  readonly unixTime?: () => number;
}): CertificateIssuer {
  return {
    issue(endpointClientName, publicKey) {
      const now = unixTime();
      return writeCertificate(
        {
          ...subjectOf(endpointClientName),
          subjectPublicKeyInfo: publicKey,
          // Clocks of devices are behind.
          notBefore: now - 86_400_000,
          notAfter: now + validitySeconds * 1000,
          purposes: ['clientAuth'],
          issuer: { privateKey, certificate },
        },
        nodeCrypto,
      );
    },
  };
}

/** A Common Name has 64 characters at most; a longer name goes among the alternative ones. RFC 5280 Appendix A. */
function subjectOf(name: string): {
  readonly subject: { readonly commonName: string };
  readonly uris?: readonly string[];
} {
  if (name.length <= 64) return { subject: { commonName: name } };
  return { subject: { commonName: createHash('sha256').update(name).digest('hex') }, uris: [name] };
}

/** Something new that a server has to be told. */
export interface NewCredential {
  readonly receiver: CredentialReceiver;
  readonly entry: SecurityEntry;
}

export interface Proofs {
  /** In the order of `servers`, then `bootstrapServers`. */
  readonly proofs: readonly AccountProof[];
  readonly made: readonly NewCredential[];
}

export interface ProofSources {
  /** The LwM2M Servers of this program. */
  readonly targets: readonly CredentialTarget[];
  /** This server itself, for its own accounts. */
  readonly own: CredentialTarget;
  readonly issuer: CertificateIssuer | undefined;
}

/** @throws UsageError when something is to be made and nobody takes or signs it. */
export async function makeProofs(
  { servers = [], bootstrapServers = [] }: BootstrapConfiguration,
  endpointClientName: string,
  sources: ProofSources,
): Promise<Proofs> {
  const proofs: AccountProof[] = [];
  const made: NewCredential[] = [];
  const accounts = [
    ...servers.map(({ security, shortServerId }) => [security, targetOf(sources.targets, shortServerId)] as const),
    ...bootstrapServers.map(({ security }) => [security, sources.own] as const),
  ];
  for (const [security, target] of accounts) {
    const { proof, entry } = await makeProof(security, endpointClientName, target, sources.issuer);
    proofs.push(proof);
    if (entry !== undefined) made.push({ receiver: target!.security!, entry });
  }
  return { proofs, made };
}

/** As many bytes as `makeProofs` makes (a certificate: about), for looking at a plan. @throws UsageError as `makeProofs`. */
export function placeholderProofs(
  { servers = [], bootstrapServers = [] }: BootstrapConfiguration,
  endpointClientName: string,
  { targets, own, issuer }: ProofSources,
): readonly AccountProof[] {
  return [
    ...servers.map(({ security, shortServerId }) =>
      placeholderProof(security, endpointClientName, targetOf(targets, shortServerId), issuer),
    ),
    ...bootstrapServers.map(({ security }) => placeholderProof(security, endpointClientName, own, issuer)),
  ];
}

function placeholderProof(
  security: AccountSecurity,
  endpointClientName: string,
  target: CredentialTarget | undefined,
  issuer: CertificateIssuer | undefined,
): AccountProof {
  const proof = proofOf(security, endpointClientName, target);
  if (!('generate' in security)) return { ...proof, ...ownOf(security) };
  if (target?.security === undefined) throw new UsageError(NOBODY_TAKES);
  if (security.mode === 'psk') return { ...proof, secretKey: new Uint8Array(security.keyBytes ?? DEFAULT_KEY_BYTES) };
  if (security.mode === 'x509' && issuer === undefined) throw new UsageError(NOBODY_SIGNS);
  return {
    ...proof,
    publicKeyOrIdentity: new Uint8Array(security.mode === 'rpk' ? PUBLIC_KEY_BYTES : CERTIFICATE_BYTES),
    secretKey: new Uint8Array(PRIVATE_KEY_BYTES),
  };
}

/** The target that accounts of this LwM2M Server belong to. */
export function targetOf(targets: readonly CredentialTarget[], shortServerId: number): CredentialTarget | undefined {
  return (
    targets.find(({ shortServerIds }) => shortServerIds?.includes(shortServerId) === true) ??
    targets.find(({ shortServerIds }) => shortServerIds === undefined)
  );
}

export const generates = (security: AccountSecurity): boolean => 'generate' in security;

interface Made {
  readonly proof: AccountProof;
  /** Undefined for what is configured. */
  readonly entry?: SecurityEntry;
}

const NOTHING: Uint8Array = new Uint8Array(0);
const DEFAULT_KEY_BYTES = 16;
/** In DER, on P-256. */
const PUBLIC_KEY_BYTES = 91;
const PRIVATE_KEY_BYTES = 138;
const CERTIFICATE_BYTES = 440;
const NOBODY_TAKES = 'credentials are to be generated, and no server takes them';
const NOBODY_SIGNS = 'a certificate is to be generated, and nobody signs it';

async function makeProof(
  security: AccountSecurity,
  endpointClientName: string,
  target: CredentialTarget | undefined,
  issuer: CertificateIssuer | undefined,
): Promise<Made> {
  const proof = proofOf(security, endpointClientName, target);
  if (!('generate' in security)) return { proof: { ...proof, ...ownOf(security) } };
  if (target?.security === undefined) throw new UsageError(NOBODY_TAKES);
  if (security.mode === 'psk') {
    const secretKey = randomBytes(security.keyBytes ?? DEFAULT_KEY_BYTES);
    const identity = proof.publicKeyOrIdentity;
    return {
      proof: { ...proof, secretKey },
      entry: { kind: 'psk', endpointClientName, identity, key: createSecretKey(secretKey) },
    };
  }
  const { publicKey, privateKey: secretKey } = newKeyPair();
  if (security.mode === 'rpk')
    return {
      proof: { ...proof, publicKeyOrIdentity: publicKey, secretKey },
      entry: { kind: 'rpk', endpointClientName, publicKey },
    };
  if (issuer === undefined) throw new UsageError(NOBODY_SIGNS);
  const certificate = await issuer.issue(endpointClientName, publicKey);
  return {
    proof: { ...proof, publicKeyOrIdentity: certificate, secretKey },
    entry: { kind: 'x509', endpointClientName, fingerprint: createHash('sha256').update(certificate).digest() },
  };
}

/** All but what is made. */
function proofOf(
  security: AccountSecurity,
  endpointClientName: string,
  target: CredentialTarget | undefined,
): AccountProof {
  switch (security.mode) {
    case 'none':
      return NO_PROOF;
    case 'psk':
      return {
        ...NO_PROOF,
        securityMode: 0,
        publicKeyOrIdentity: bytesOf(security.identity ?? endpointClientName),
      };
    case 'rpk': {
      const serverPublicKey = security.serverPublicKey ?? target?.publicKey;
      if (serverPublicKey === undefined) throw new UsageError('the public key of the server is not known');
      return { ...NO_PROOF, securityMode: 1, serverPublicKey };
    }
    case 'x509': {
      const { certificateUsage, matchingType, serverCertificate = target?.certificate } = security;
      if (serverCertificate === undefined) throw new UsageError('the certificate of the server is not known');
      const serverPublicKey = matched(serverCertificate, matchingType);
      return { ...NO_PROOF, securityMode: 2, serverPublicKey, certificateUsage, matchingType };
    }
  }
}

/** What is configured. */
function ownOf(
  security: Exclude<AccountSecurity, { generate: true }>,
): Partial<Pick<AccountProof, 'publicKeyOrIdentity' | 'secretKey'>> {
  switch (security.mode) {
    case 'none':
      return {};
    case 'psk':
      return { secretKey: security.key };
    case 'rpk':
      return { publicKeyOrIdentity: security.publicKey, secretKey: security.privateKey };
    case 'x509':
      return { publicKeyOrIdentity: security.certificate, secretKey: security.privateKey };
  }
}

const NO_PROOF: AccountProof = Object.freeze({
  securityMode: 3,
  publicKeyOrIdentity: NOTHING,
  serverPublicKey: NOTHING,
  secretKey: NOTHING,
});

const bytesOf = (identity: string | Uint8Array): Uint8Array =>
  typeof identity === 'string' ? new TextEncoder().encode(identity) : identity;

function newKeyPair(): { readonly publicKey: Uint8Array; readonly privateKey: Uint8Array } {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  });
}

const HASHES = ['', 'sha256', 'sha384', 'sha512'] as const;

const matched = (certificate: Uint8Array, matchingType: 0 | 1 | 2 | 3 = 0): Uint8Array =>
  matchingType === 0 ? certificate : createHash(HASHES[matchingType]).update(certificate).digest();

/** Why these cannot be the keys of an account, or undefined. */
export function wrongKey(privateKey: Uint8Array): string | undefined {
  try {
    const key = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' });
    return key.asymmetricKeyType === 'ec' ? undefined : `a key of type ${key.asymmetricKeyType} is none on P-256`;
  } catch {
    return 'the private key is no PKCS #8 in DER';
  }
}
