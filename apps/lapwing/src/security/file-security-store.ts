/**
 * The credentials of devices, in memory and in one file that only the server's user can read. Every change is written
 * to the disk before it counts as done.
 */
import { createSecretKey } from 'node:crypto';
import { isMalformed, malformed, type Malformed } from '@lapwing/lwm2m';
import {
  MemorySecurityStore,
  type PskEntry,
  type RawPublicKeyEntry,
  type SecurityEntry,
  type SecurityKind,
  type SecurityStore,
} from '@lapwing/server';
import { StartFailure } from '../start-failure.ts';
import { GroupedChanges } from './grouped-changes.ts';
import { readPrivate, writePrivate } from './private-files.ts';

/** Of the file; another version is refused rather than half understood. */
const VERSION = 1;

export class FileSecurityStore implements SecurityStore {
  readonly #memory: MemorySecurityStore;
  readonly #changes: GroupedChanges;

  private constructor(file: string | undefined, memory: MemorySecurityStore) {
    this.#memory = memory;
    this.#changes = new GroupedChanges(async () => {
      if (file !== undefined) await writePrivate(file, formatEntries(memory.all()));
    });
  }

  /**
   * @param file  made by the first change; undefined: nothing is kept beyond this process.
   *
   * Rejects with StartFailure when the file is there and is not what this class writes: starting without it would lock
   * every device out, and the next change would overwrite it.
   */
  static async open(file: string | undefined, maxEntries: number): Promise<FileSecurityStore> {
    const bytes = file === undefined ? undefined : await readPrivate(file);
    const entries = bytes === undefined ? [] : parseEntries(bytes.toString('utf8'));
    if (isMalformed(entries)) throw damaged(file, entries.malformed);
    try {
      return new FileSecurityStore(file, new MemorySecurityStore(entries, { maxEntries }));
    } catch (error) {
      throw damaged(file, (error as Error).message);
    }
  }

  get size(): number {
    return this.#memory.size;
  }

  add(entry: SecurityEntry): Promise<void> {
    return this.#changes.run(() => {
      const before = this.#find(entry.endpointClientName, entry.kind);
      this.#memory.add(entry);
      return {
        undo: () => {
          if (before === undefined) this.#memory.remove(entry.endpointClientName, entry.kind);
          else this.#memory.add(before);
        },
        result: undefined,
      };
    });
  }

  remove(endpointClientName: string, kind: SecurityKind): Promise<boolean> {
    return this.#changes.run(() => {
      const before = this.#find(endpointClientName, kind);
      if (before === undefined) return { undo: undefined, result: false };
      this.#memory.remove(endpointClientName, kind);
      return { undo: () => this.#memory.add(before), result: true };
    });
  }

  /**
   * Many at once, with one write; those of a name and kind that is there already are left out. Answers for each entry
   * what kept it out, if anything. Rejects when the disk takes nothing; then none was added.
   */
  addAll(entries: readonly SecurityEntry[]): Promise<readonly (Error | undefined)[]> {
    return this.#changes.run(() => {
      const added: SecurityEntry[] = [];
      const result = entries.map((entry) => {
        if (this.has(entry)) return new AlreadyThere(entry);
        try {
          this.#memory.add(entry);
          added.push(entry);
          return undefined;
        } catch (error) {
          return error as Error;
        }
      });
      const undo = (): void => {
        for (const { endpointClientName, kind } of added) this.#memory.remove(endpointClientName, kind);
      };
      return { undo: added.length === 0 ? undefined : undo, result };
    });
  }

  /** Whether there is an entry of this name and kind. */
  has({ endpointClientName, kind }: Pick<SecurityEntry, 'endpointClientName' | 'kind'>): boolean {
    return this.#find(endpointClientName, kind) !== undefined;
  }

  findByIdentity(identity: Uint8Array): PskEntry | undefined {
    return this.#memory.findByIdentity(identity);
  }

  findByPublicKey(publicKey: Uint8Array): RawPublicKeyEntry | undefined {
    return this.#memory.findByPublicKey(publicKey);
  }

  findByName(endpointClientName: string): readonly SecurityEntry[] {
    return this.#memory.findByName(endpointClientName);
  }

  all(after?: string): Iterable<SecurityEntry> {
    return this.#memory.all(after);
  }

  #find(endpointClientName: string, kind: SecurityKind): SecurityEntry | undefined {
    return this.#memory.findByName(endpointClientName).find((entry) => entry.kind === kind);
  }
}

/** A device has one credential of each kind. */
export class AlreadyThere extends Error {
  constructor({ endpointClientName, kind }: Pick<SecurityEntry, 'endpointClientName' | 'kind'>) {
    super(`"${endpointClientName}" has a credential of kind ${kind} already`);
  }
  override get name(): string {
    return 'AlreadyThere';
  }
}

const damaged = (file: string | undefined, why: string): StartFailure =>
  new StartFailure(
    `The credentials of devices in ${file} cannot be used: ${why}. Correct the file, restore it from a copy, or move it away to begin without credentials.`,
  );

/** One entry a line, so that people can compare two copies. */
function formatEntries(entries: Iterable<SecurityEntry>): string {
  const lines = Array.from(entries, (entry) => `    ${JSON.stringify(entryToJson(entry))}`);
  return `{\n  "version": ${VERSION},\n  "entries": [${lines.length === 0 ? '' : `\n${lines.join(',\n')}\n  `}]\n}\n`;
}

function entryToJson(entry: SecurityEntry): Readonly<Record<string, string>> {
  const { endpointClientName: device, kind } = entry;
  switch (entry.kind) {
    case 'psk':
      return { device, kind, identity: hex(entry.identity), key: entry.key.export().toString('hex') };
    case 'rpk':
      return { device, kind, publicKey: hex(entry.publicKey) };
    case 'x509':
      return { device, kind, ...(entry.fingerprint === undefined ? {} : { fingerprint: hex(entry.fingerprint) }) };
  }
}

function parseEntries(text: string): readonly SecurityEntry[] | Malformed {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    // The parser's own message would quote what stands there, and that may be a key.
    return malformed('it is not JSON');
  }
  if (typeof content !== 'object' || content === null) return malformed('it holds no JSON object');
  const { version, entries } = content as Readonly<Record<string, unknown>>;
  if (version !== VERSION) return malformed(`"version" is not ${VERSION}`);
  if (!Array.isArray(entries)) return malformed('"entries" is no list');
  const parsed: SecurityEntry[] = [];
  for (const [index, json] of entries.entries()) {
    const entry = entryFromJson(json as Readonly<Record<string, unknown>> | null);
    if (entry === undefined) return malformed(`entry ${index + 1} is not understood`);
    parsed.push(entry);
  }
  return parsed;
}

function entryFromJson(json: Readonly<Record<string, unknown>> | null): SecurityEntry | undefined {
  const { device: endpointClientName, kind, identity, key, publicKey, fingerprint } = json ?? {};
  if (typeof endpointClientName !== 'string') return undefined;
  if (kind === 'psk' && isHex(identity) && isHex(key)) {
    return { kind, endpointClientName, identity: bytes(identity), key: createSecretKey(key, 'hex') };
  }
  if (kind === 'rpk' && isHex(publicKey)) return { kind, endpointClientName, publicKey: bytes(publicKey) };
  if (kind === 'x509' && fingerprint === undefined) return { kind, endpointClientName, fingerprint };
  if (kind === 'x509' && isHex(fingerprint)) return { kind, endpointClientName, fingerprint: bytes(fingerprint) };
  return undefined;
}

const isHex = (text: unknown): text is string => typeof text === 'string' && /^(?:[0-9a-f]{2})+$/.test(text);
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const hex = (data: Uint8Array): string => Buffer.from(data.buffer, data.byteOffset, data.length).toString('hex');
