/**
 * What devices prove themselves with: who may open a DTLS association, and as which Endpoint Client Name.
 * OMA TS Transport §5.2 (the server MUST compare the Endpoint Client Name with the identity of the secure channel).
 *
 * An Endpoint Client Name has at most one entry of each kind. A PSK identity and a raw public key belong to one name.
 */
import type { KeyObject } from 'node:crypto';
import { OperationFailed, UsageError } from '@lapwing/coap';
import { identityText } from '@lapwing/dtls';
import { publicKeyText } from '@lapwing/transport';
import { OrderedNames } from './ordered-names.ts';
import type { MaybePromise } from './registration-store.ts';

export interface PskEntry {
  readonly kind: 'psk';
  readonly endpointClientName: string;
  /** 1 to 128 bytes. RFC 7925 §4.2. */
  readonly identity: Uint8Array;
  /** A secret key of 1 to 64 bytes; 16 and more are recommended. */
  readonly key: KeyObject;
}

export interface RawPublicKeyEntry {
  readonly kind: 'rpk';
  readonly endpointClientName: string;
  /** SubjectPublicKeyInfo in DER. RFC 7250. */
  readonly publicKey: Uint8Array;
}

/** A device with a certificate: it must be valid and name the endpoint, and be the pinned one if one is pinned. */
export interface CertificateEntry {
  readonly kind: 'x509';
  readonly endpointClientName: string;
  /** SHA-256 of the one certificate accepted, 32 bytes; undefined: any that a trust anchor vouches for. */
  readonly fingerprint: Uint8Array | undefined;
}

export type SecurityEntry = PskEntry | RawPublicKeyEntry | CertificateEntry;
export type SecurityKind = SecurityEntry['kind'];

/**
 * Where the entries are kept. A store may answer at once or with a promise; it is asked in every handshake and every
 * Register. It may reject or throw: the handshake then fails, and the Register is answered 5.00.
 */
export interface SecurityStore {
  /**
   * Keep the entry, in place of that of the same name and kind.
   *
   * Rejects with OperationFailed 'IDENTITY_TAKEN' when the PSK identity or public key is that of another name, and with
   * 'STORE_FULL'.
   */
  add(entry: SecurityEntry): MaybePromise<void>;
  /** False when there was none. */
  remove(endpointClientName: string, kind: SecurityKind): MaybePromise<boolean>;
  findByIdentity(identity: Uint8Array): MaybePromise<PskEntry | undefined>;
  findByPublicKey(publicKey: Uint8Array): MaybePromise<RawPublicKeyEntry | undefined>;
  /** In the order psk, rpk, x509; empty for an unknown name. */
  findByName(endpointClientName: string): MaybePromise<readonly SecurityEntry[]>;
  /** Every entry of the names after `after`, ascending by name (UTF-16 code units). */
  all(after?: string): Iterable<SecurityEntry> | AsyncIterable<SecurityEntry>;
}

/** An entry as it may be shown to anybody who administers the server: without its secret. */
export interface SecurityInfo {
  readonly endpointClientName: string;
  readonly kind: SecurityKind;
  /** The PSK identity as text ("0x…" when it is none), "sha-256;…" of the public key or pinned certificate; undefined: any certificate. */
  readonly identity: string | undefined;
}

export function securityInfo(entry: SecurityEntry): SecurityInfo {
  const { endpointClientName, kind } = entry;
  return { endpointClientName, kind, identity: identityOf(entry) };
}

function identityOf(entry: SecurityEntry): string | undefined {
  switch (entry.kind) {
    case 'psk':
      return identityText(entry.identity);
    case 'rpk':
      return publicKeyText(entry.publicKey);
    case 'x509':
      return entry.fingerprint === undefined ? undefined : `sha-256;${Buffer.from(entry.fingerprint).toString('hex')}`;
  }
}

/** @throws UsageError when a part of the entry is not what it should be. */
export function checkSecurityEntry(entry: SecurityEntry): void {
  if (entry.endpointClientName === '') throw new UsageError('an Endpoint Client Name is needed');
  switch (entry.kind) {
    case 'psk': {
      const { identity, key } = entry;
      if (identity.length < 1 || identity.length > MAX_IDENTITY_BYTES)
        throw new UsageError(`a PSK identity has 1 to ${MAX_IDENTITY_BYTES} bytes, not ${identity.length}`);
      const keyBytes = key.symmetricKeySize ?? 0;
      if (key.type !== 'secret' || keyBytes < 1 || keyBytes > MAX_KEY_BYTES)
        throw new UsageError(`a pre-shared key has 1 to ${MAX_KEY_BYTES} bytes, not ${keyBytes}`);
      return;
    }
    case 'rpk':
      if (entry.publicKey.length < 1 || entry.publicKey.length > MAX_PUBLIC_KEY_BYTES)
        throw new UsageError(`${entry.publicKey.length} bytes are no SubjectPublicKeyInfo of a P-256 key`);
      return;
    case 'x509':
      if (entry.fingerprint !== undefined && entry.fingerprint.length !== 32)
        throw new UsageError(`a SHA-256 fingerprint has 32 bytes, not ${entry.fingerprint.length}`);
  }
}

const MAX_IDENTITY_BYTES = 128;
const MAX_KEY_BYTES = 64;
/** A SubjectPublicKeyInfo of P-256 has 91 bytes, 59 with a compressed point. */
const MAX_PUBLIC_KEY_BYTES = 256;

export interface MemorySecurityStoreOptions {
  /** Entries at once; default 1,000,000. */
  readonly maxEntries?: number;
}

/** Keeps the entries in this process. */
export class MemorySecurityStore implements SecurityStore {
  readonly #maxEntries: number;
  readonly #byName = new Map<string, { [Kind in SecurityKind]?: Extract<SecurityEntry, { kind: Kind }> }>();
  readonly #names = new OrderedNames();
  /** By the bytes in latin1, which is the cheapest text that tells them apart. */
  readonly #byIdentity = new Map<string, PskEntry>();
  readonly #byPublicKey = new Map<string, RawPublicKeyEntry>();
  #size = 0;

  constructor(entries: Iterable<SecurityEntry> = [], { maxEntries = 1_000_000 }: MemorySecurityStoreOptions = {}) {
    this.#maxEntries = maxEntries;
    for (const entry of entries) this.add(entry);
  }

  get size(): number {
    return this.#size;
  }

  /** @throws UsageError when the entry is malformed, OperationFailed 'IDENTITY_TAKEN' or 'STORE_FULL'. */
  add(entry: SecurityEntry): void {
    checkSecurityEntry(entry);
    const { endpointClientName: name, kind } = entry;
    const owner = this.#ownerOf(entry);
    if (owner !== undefined && owner !== name)
      throw new OperationFailed('IDENTITY_TAKEN', `${described(entry)} belongs to "${owner}" already`, {
        retryable: false,
      });
    const known = this.#byName.get(name);
    if (known?.[kind] === undefined && this.#size >= this.#maxEntries)
      throw new OperationFailed('STORE_FULL', `there is room for ${this.#maxEntries} security entries`, {
        retryable: false,
      });
    this.remove(name, kind);
    let entries = this.#byName.get(name);
    if (entries === undefined) {
      this.#byName.set(name, (entries = {}));
      this.#names.insert(name);
    }
    if (entry.kind === 'psk') this.#byIdentity.set(bytesKey(entry.identity), (entries.psk = copyOf(entry)));
    else if (entry.kind === 'rpk') this.#byPublicKey.set(bytesKey(entry.publicKey), (entries.rpk = copyOf(entry)));
    else entries.x509 = copyOf(entry);
    this.#size++;
  }

  remove(endpointClientName: string, kind: SecurityKind): boolean {
    const entries = this.#byName.get(endpointClientName);
    const entry = entries?.[kind];
    if (entries === undefined || entry === undefined) return false;
    if (entry.kind === 'psk') this.#byIdentity.delete(bytesKey(entry.identity));
    else if (entry.kind === 'rpk') this.#byPublicKey.delete(bytesKey(entry.publicKey));
    delete entries[kind];
    this.#size--;
    if (entries.psk === undefined && entries.rpk === undefined && entries.x509 === undefined) {
      this.#byName.delete(endpointClientName);
      this.#names.delete(endpointClientName);
    }
    return true;
  }

  findByIdentity(identity: Uint8Array): PskEntry | undefined {
    return this.#byIdentity.get(bytesKey(identity));
  }

  findByPublicKey(publicKey: Uint8Array): RawPublicKeyEntry | undefined {
    return this.#byPublicKey.get(bytesKey(publicKey));
  }

  findByName(endpointClientName: string): readonly SecurityEntry[] {
    const entries = this.#byName.get(endpointClientName);
    if (entries === undefined) return NONE;
    return [entries.psk, entries.rpk, entries.x509].filter((entry) => entry !== undefined);
  }

  *all(after?: string): Generator<SecurityEntry, undefined> {
    for (const name of this.#names.after(after)) yield* this.findByName(name);
  }

  #ownerOf(entry: SecurityEntry): string | undefined {
    if (entry.kind === 'psk') return this.findByIdentity(entry.identity)?.endpointClientName;
    return entry.kind === 'rpk' ? this.findByPublicKey(entry.publicKey)?.endpointClientName : undefined;
  }
}

const NONE: readonly SecurityEntry[] = Object.freeze([]);

const bytesKey = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

/** The caller keeps its buffers. */
function copyOf<Entry extends SecurityEntry>(entry: Entry): Entry {
  if (entry.kind === 'psk') return { ...entry, identity: entry.identity.slice() };
  if (entry.kind === 'rpk') return { ...entry, publicKey: entry.publicKey.slice() };
  return { ...entry, fingerprint: entry.fingerprint?.slice() };
}

const described = (entry: SecurityEntry): string =>
  entry.kind === 'psk' ? `the PSK identity ${identityText(entry.identity)}` : 'this public key';
