/**
 * The certificates that those of devices may lead up to: a folder of PEM files that people may fill by hand, each with
 * one certificate or several, and that the API adds to and removes from.
 */
import { X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isMalformed, malformed, type Malformed } from '@lapwing/lwm2m';
import { privateFolder, readPrivate, removePrivate, writePrivate } from './private-files.ts';

export interface TrustAnchor {
  /** SHA-256 of the certificate in lower-case hex: what it is called in the API. */
  readonly fingerprint: string;
  /** "CN=Example CA, O=Example". */
  readonly subject: string;
  /** ms since 1970. */
  readonly validFrom: number;
  readonly validTo: number;
  readonly pem: string;
}

interface Kept extends TrustAnchor {
  /** undefined: in memory only. */
  readonly file: string | undefined;
  readonly der: Uint8Array;
}

export const MAX_TRUST_ANCHORS = 1_000;
const MAX_PEM_CHARACTERS = 64 * 1024;

export class TrustAnchors {
  /** DER of each, live: whoever was given this array sees what is added and removed. */
  readonly certificates: readonly Uint8Array[];
  readonly #certificates: Uint8Array[] = [];
  readonly #folder: string | undefined;
  readonly #byFingerprint = new Map<string, Kept>();
  /** Changes run one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param folder  undefined: nothing is kept. */
  constructor(folder: string | undefined) {
    this.#folder = folder;
    this.certificates = this.#certificates;
  }

  /**
   * Read every .pem file of the folder, which is made when it is missing.
   *
   * Answers one sentence for each file that cannot be used; what is left out is not trusted.
   */
  async load(): Promise<readonly string[]> {
    if (this.#folder === undefined) return [];
    await privateFolder(this.#folder);
    const complaints: string[] = [];
    for (const name of (await readdir(this.#folder)).filter((each) => each.endsWith('.pem')).sort()) {
      const file = join(this.#folder, name);
      const anchors = anchorsOf((await readPrivate(file))?.toString('latin1') ?? '', file);
      if (isMalformed(anchors)) complaints.push(`${file} is not trusted: ${anchors.malformed}.`);
      else if (this.#byFingerprint.size + anchors.length > MAX_TRUST_ANCHORS) {
        complaints.push(`${file} is not trusted: ${TOO_MANY}.`);
      } else for (const anchor of anchors) this.#keep(anchor);
    }
    return complaints;
  }

  /** In the order of their subjects. */
  all(): readonly TrustAnchor[] {
    return [...this.#byFingerprint.values()].sort((a, b) => (a.subject < b.subject ? -1 : 1));
  }

  find(fingerprint: string): TrustAnchor | undefined {
    return this.#byFingerprint.get(fingerprint);
  }

  /** Trust the one certificate in `pem`. Rejects when the folder cannot be written; then it is not trusted. */
  add(pem: string): Promise<{ readonly anchor: TrustAnchor; readonly isNew: boolean } | Malformed> {
    return this.#oneAfterTheOther(async () => {
      const anchors = anchorsOf(pem, undefined);
      if (isMalformed(anchors)) return anchors;
      const [anchor, ...others] = anchors;
      if (anchor === undefined || others.length > 0) {
        return malformed(`one certificate at a time is wanted, there are ${anchors.length}`);
      }
      const known = this.#byFingerprint.get(anchor.fingerprint);
      if (known !== undefined) return { anchor: known, isNew: false };
      if (this.#byFingerprint.size >= MAX_TRUST_ANCHORS) return malformed(TOO_MANY);
      const file = this.#folder === undefined ? undefined : join(this.#folder, `${anchor.fingerprint}.pem`);
      if (file !== undefined) await writePrivate(file, anchor.pem);
      this.#keep({ ...anchor, file });
      return { anchor, isNew: true };
    });
  }

  /** False when it was not trusted. Of a file with several the others stay. */
  remove(fingerprint: string): Promise<boolean> {
    return this.#oneAfterTheOther(async () => {
      const known = this.#byFingerprint.get(fingerprint);
      if (known === undefined) return false;
      if (known.file !== undefined) {
        const others = [...this.#byFingerprint.values()].filter((each) => each.file === known.file && each !== known);
        if (others.length === 0) await removePrivate(known.file);
        else await writePrivate(known.file, others.map(({ pem }) => pem).join(''));
      }
      this.#byFingerprint.delete(fingerprint);
      this.#certificates.splice(this.#certificates.indexOf(known.der), 1);
      return true;
    });
  }

  #keep(anchor: Kept): void {
    if (this.#byFingerprint.has(anchor.fingerprint)) return;
    this.#byFingerprint.set(anchor.fingerprint, anchor);
    this.#certificates.push(anchor.der);
  }

  #oneAfterTheOther<Result>(change: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(change);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

const TOO_MANY = `more than ${MAX_TRUST_ANCHORS} certificates cannot be trusted`;
const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/** Every certificate of a PEM text. */
function anchorsOf(text: string, file: string | undefined): readonly Kept[] | Malformed {
  if (text.length > MAX_PEM_CHARACTERS) return malformed(`it is longer than ${MAX_PEM_CHARACTERS} characters`);
  const anchors: Kept[] = [];
  for (const [block, label] of text.matchAll(PEM_BLOCK)) {
    if (label?.includes('PRIVATE KEY') === true) return malformed('it holds a private key, which belongs elsewhere');
    if (label !== 'CERTIFICATE') continue;
    try {
      anchors.push(anchorOf(new X509Certificate(block), file));
    } catch {
      return malformed(`certificate ${anchors.length + 1} in it cannot be read`);
    }
  }
  return anchors.length === 0 ? malformed('there is no certificate in PEM in it') : anchors;
}

function anchorOf(certificate: X509Certificate, file: string | undefined): Kept {
  return {
    fingerprint: fingerprintOf(certificate),
    subject: subjectOf(certificate),
    validFrom: Date.parse(certificate.validFrom),
    validTo: Date.parse(certificate.validTo),
    pem: certificate.toString(),
    der: new Uint8Array(certificate.raw),
    file,
  };
}

/** SHA-256 in lower-case hex. */
export const fingerprintOf = (certificate: X509Certificate): string =>
  certificate.fingerprint256.replaceAll(':', '').toLowerCase();

/** On one line, as people write it. */
export const subjectOf = (certificate: X509Certificate): string => certificate.subject?.split('\n').join(', ') ?? '';
