/**
 * The path from an end entity to a trust anchor: found in the order in which the peer sent it, then judged.
 * RFC 5280 §6.1, without policies and revocation; a certificate that makes a policy critical is refused.
 *
 * ```
 *   chain[0] ── issued by ── chain[1] ── … ── chain[i] ── issued by ── an anchor, or chain[i] is one itself
 *   end entity              authorities                                          the rest of the chain is ignored
 * ```
 */
import type { AlertDescription } from '../alert-table.ts';
import type { DtlsCrypto, PublicKey } from '../crypto.ts';
import { isMalformed } from '../malformed.ts';
import { describeCertificate, isSelfIssued, readCertificate, type Certificate } from './certificate.ts';
import { isSameBytes, isSameName, formatName } from './distinguished-name.ts';
import { nameOutside } from './name-constraints.ts';
import { EXTENDED_KEY_USAGE_OIDS, OTHER_EXTENSION_NAMES } from './object-identifier-table.ts';
import { certifyingKeyOf, isUnusableKey, publicKeyOf, type UnusableKey } from './public-key.ts';

/** Certificates a peer may send. Each costs a parse, and one on a path a signature check. */
export const MAX_CHAIN_CERTIFICATES = 6;

export type Purpose = 'clientAuth' | 'serverAuth';

export interface PathRefusal {
  readonly kind: 'refused';
  readonly text: string;
  readonly alert: AlertDescription;
}

export interface PathFound {
  readonly kind: 'found';
  /** From the end entity to the anchor; one certificate when the end entity is the anchor. */
  readonly path: readonly Certificate[];
  readonly publicKey: PublicKey;
}

/** Find a valid path. The anchors are read once per array element; do not change their bytes. */
export function findPath(
  chain: readonly Certificate[],
  trustAnchors: readonly Uint8Array[],
  purpose: Purpose,
  unixTime: number,
  crypto: DtlsCrypto,
): PathFound | PathRefusal {
  const anchors = trustAnchors.map((der) => anchorOf(der));
  const checker = new PathChecker(crypto, purpose, unixTime);
  let refusal: PathRefusal | undefined;
  let wrongSignature: PathRefusal | undefined;
  for (let length = 1; length <= chain.length; length++) {
    const last = chain[length - 1]!;
    const sent = chain.slice(0, length);
    if (length > 1 && !isIssuerByName(last, chain[length - 2]!)) break;
    for (const anchor of anchors) {
      if (anchor === undefined) continue;
      if (isSameBytes(anchor.der, last.der)) {
        const found = checker.check(sent);
        if (found.kind === 'found') return found;
        refusal ??= found;
      } else if (isIssuerByName(anchor, last)) {
        // Two authorities of the same name, or two keys of one: the signature says which it was.
        const signature = checker.checkSignature(last, anchor);
        if (signature !== undefined) {
          wrongSignature ??= signature;
          continue;
        }
        const found = checker.check([...sent, anchor]);
        if (found.kind === 'found') return found;
        refusal ??= found;
      }
    }
  }
  return refusal ?? wrongSignature ?? noPath(chain, anchors);
}

/** Signature, issuer and purpose of one end entity are of no interest where it is pinned; its key is. */
export function endEntityKey(certificate: Certificate, crypto: DtlsCrypto): PublicKey | PathRefusal {
  const key = publicKeyOf(certificate.subjectPublicKeyInfo, crypto);
  return isUnusableKey(key)
    ? refuse(key.alert, `the key of certificate ${describeCertificate(certificate)} ${key.unusable}`)
    : key;
}

export const refuse = (alert: AlertDescription, text: string): PathRefusal => ({ kind: 'refused', alert, text });

/** One validation: what it is for, and the keys imported so far. */
class PathChecker {
  readonly #crypto: DtlsCrypto;
  readonly #purpose: Purpose;
  readonly #unixTime: number;
  /** By certificate and its issuer: each signature is checked once, however many anchors are tried. */
  readonly #signatures = new Map<Certificate, Map<Certificate, PathRefusal | undefined>>();

  constructor(crypto: DtlsCrypto, purpose: Purpose, unixTime: number) {
    this.#crypto = crypto;
    this.#purpose = purpose;
    this.#unixTime = unixTime;
  }

  /** From the cheap to the dear, and signatures from the anchor down: what a stranger made up costs no more than one. */
  check(path: readonly Certificate[]): PathFound | PathRefusal {
    for (const certificate of path) {
      const refusal = this.#checkAlone(certificate);
      if (refusal !== undefined) return refusal;
    }
    for (let index = path.length - 2; index >= 0; index--) {
      const refusal = this.checkSignature(path[index]!, path[index + 1]!);
      if (refusal !== undefined) return refusal;
    }
    for (const index of path.keys()) {
      const refusal = index === 0 ? checkEndEntity(path[0]!) : checkAuthority(path, index, this.#purpose);
      if (refusal !== undefined) return refusal;
    }
    const publicKey = endEntityKey(path[0]!, this.#crypto);
    return publicKey.kind === 'refused' ? publicKey : { kind: 'found', path, publicKey };
  }

  /** Undefined: `issuer` signed it. */
  checkSignature(certificate: Certificate, issuer: Certificate): PathRefusal | undefined {
    const known = this.#signatures.get(certificate) ?? new Map<Certificate, PathRefusal | undefined>();
    this.#signatures.set(certificate, known);
    if (!known.has(issuer)) known.set(issuer, this.#verify(certificate, issuer));
    return known.get(issuer);
  }

  #verify(certificate: Certificate, issuer: Certificate): PathRefusal | undefined {
    const name = describeCertificate(certificate);
    const { name: algorithm, text } = certificate.signatureAlgorithm;
    if (algorithm === undefined) {
      return refuse(
        'unsupported_certificate',
        `certificate ${name} is signed with ${text}, which is not accepted: issue it with ECDSA and SHA-256`,
      );
    }
    const key = certifyingKey(issuer, this.#crypto);
    if (isUnusableKey(key)) {
      return refuse(key.alert, `the key of certificate ${describeCertificate(issuer)} ${key.unusable}`);
    }
    if (this.#crypto.verify(algorithm, key, certificate.signedBytes, certificate.signature)) return undefined;
    return refuse(
      'bad_certificate',
      `certificate ${name} was not signed by the key of ${describeCertificate(issuer)}, which it names as its issuer: it was changed, or comes from another authority of that name`,
    );
  }

  /** What holds for every certificate of a path, wherever it is. */
  #checkAlone(certificate: Certificate): PathRefusal | undefined {
    const name = describeCertificate(certificate);
    const { notBefore, notAfter, unknownCritical, extendedKeyUsage } = certificate;
    if (this.#unixTime < notBefore) {
      return refuse(
        'certificate_expired',
        `certificate ${name} is not valid before ${isoTime(notBefore)}, and the clock here says ${isoTime(this.#unixTime)}: wait, or set the clock`,
      );
    }
    // The last second is valid to its end. RFC 5280 §4.1.2.5.
    if (this.#unixTime >= notAfter + 1000) {
      return refuse('certificate_expired', `certificate ${name} expired at ${isoTime(notAfter)}: renew it`);
    }
    const [critical] = unknownCritical;
    if (critical !== undefined) {
      return refuse(
        'unsupported_certificate',
        `certificate ${name} has the critical extension ${OTHER_EXTENSION_NAMES[critical] ?? critical}, which is not understood here: issue it without`,
      );
    }
    if (
      extendedKeyUsage !== undefined &&
      !extendedKeyUsage.includes(EXTENDED_KEY_USAGE_OIDS[this.#purpose]) &&
      !extendedKeyUsage.includes(EXTENDED_KEY_USAGE_OIDS.any)
    ) {
      return refuse(
        'unsupported_certificate',
        `the extended key usage of certificate ${name} does not contain ${this.#purpose}: issue it with ${this.#purpose}, or without extended key usage`,
      );
    }
    return undefined;
  }
}

function checkEndEntity(certificate: Certificate): PathRefusal | undefined {
  const { keyUsage } = certificate;
  return keyUsage === undefined || keyUsage.includes('digitalSignature')
    ? undefined
    : refuse(
        'unsupported_certificate',
        `the key usage of certificate ${describeCertificate(certificate)} does not contain digitalSignature: issue it with digitalSignature`,
      );
}

/** May the certificate at `index` have issued the ones below it? RFC 5280 §6.1.4 (k) to (n), and (g). */
function checkAuthority(path: readonly Certificate[], index: number, purpose: Purpose): PathRefusal | undefined {
  const authority = path[index]!;
  const name = describeCertificate(authority);
  const { version, basicConstraints, keyUsage, nameConstraints } = authority;
  if (basicConstraints?.ca !== true) {
    const why = version === 3 ? 'basicConstraints do not say cA' : `is of version ${version}, which cannot say so`;
    return refuse(
      'unknown_ca',
      `certificate ${name} issued another although it is no authority (${why}): issue it as one, or use another issuer`,
    );
  }
  if (keyUsage !== undefined && !keyUsage.includes('keyCertSign')) {
    return refuse(
      'unknown_ca',
      `the key usage of authority ${name} does not contain keyCertSign: issue it with keyCertSign, or use another issuer`,
    );
  }
  // Those between it and the end entity; one that an authority issued to itself does not count.
  const below = path.slice(1, index).filter((each) => !isSelfIssued(each)).length;
  if (basicConstraints.pathLength !== undefined && below > basicConstraints.pathLength) {
    return refuse(
      'unknown_ca',
      `authority ${name} allows ${basicConstraints.pathLength} more authorities below it, and there are ${below}: use an issuer higher up`,
    );
  }
  if (nameConstraints === undefined) return undefined;
  for (const [place, certificate] of path.slice(0, index).entries()) {
    if (place > 0 && isSelfIssued(certificate)) continue;
    const commonNameRule = place > 0 ? 'never' : purpose === 'serverAuth' ? 'always' : 'with-dot';
    const outside = nameOutside(certificate, nameConstraints, commonNameRule);
    if (outside !== undefined) {
      return refuse(
        'bad_certificate',
        `certificate ${describeCertificate(certificate)} is for ${outside}, which the name constraints of ${name} do not permit: use another name or another issuer`,
      );
    }
  }
  return undefined;
}

/** By names and key identifiers, not yet by signature. */
function isIssuerByName(issuer: Certificate, certificate: Certificate): boolean {
  const { authorityKeyIdentifier } = certificate;
  const { subjectKeyIdentifier } = issuer;
  return (
    isSameName(issuer.subject, certificate.issuer) &&
    (authorityKeyIdentifier === undefined ||
      subjectKeyIdentifier === undefined ||
      isSameBytes(authorityKeyIdentifier, subjectKeyIdentifier))
  );
}

function noPath(chain: readonly Certificate[], anchors: readonly (Certificate | undefined)[]): PathRefusal {
  let last = chain[0]!;
  for (const next of chain.slice(1)) {
    if (!isIssuerByName(next, last)) break;
    last = next;
  }
  const readable = anchors.filter((anchor) => anchor !== undefined).length;
  const unreadable = anchors.length - readable;
  const number = `${readable === 1 ? 'the one trust anchor' : `the ${readable} trust anchors`}${
    unreadable === 0 ? '' : ` (${unreadable} more cannot be read)`
  }`;
  const name = describeCertificate(last);
  return refuse(
    'unknown_ca',
    isSelfIssued(last)
      ? `certificate ${name} is signed by itself and is not among ${number}: add it there if it is to be trusted`
      : `certificate ${name} was issued by ${formatName(last.issuer)}, which is not among ${number} and was not sent as the certificate after it: add the authority as trust anchor, or send the whole chain in order`,
  );
}

/** Anchors are configuration and come with every handshake: they are read once, and their keys imported once. */
const anchorsRead = new WeakMap<Uint8Array, Certificate | undefined>();
const keysImported = new WeakMap<DtlsCrypto, WeakMap<Certificate, PublicKey | UnusableKey>>();

function anchorOf(der: Uint8Array): Certificate | undefined {
  if (!anchorsRead.has(der)) {
    const certificate = readCertificate(der);
    anchorsRead.set(der, isMalformed(certificate) ? undefined : certificate);
  }
  return anchorsRead.get(der);
}

function certifyingKey(certificate: Certificate, crypto: DtlsCrypto): PublicKey | UnusableKey {
  let keys = keysImported.get(crypto);
  if (keys === undefined) keysImported.set(crypto, (keys = new WeakMap()));
  let key = keys.get(certificate);
  if (key === undefined) keys.set(certificate, (key = certifyingKeyOf(certificate.subjectPublicKeyInfo, crypto)));
  return key;
}

const isoTime = (moment: number): string => new Date(moment).toISOString().replace('.000', '');
