/**
 * A planned stop and start: associations, registrations, observations and what waits for sleeping devices, as bytes that
 * only the holder of a key can read or make.
 *
 * Inside are parts: first this module's own content as JSON, then the associations as the DTLS endpoint exports them.
 * They are secrets, and their state must not go on twice, because keys and nonces would repeat: hence the id.
 */
import type { KeyObject } from 'node:crypto';
import { UsageError, type ObservationState as ObservationOnWire, type OutgoingRequest } from '@lapwing/coap';
import { isMalformed, openSnapshot, sealSnapshot } from '@lapwing/dtls';
import type { NotificationAttributes, Path } from '@lapwing/lwm2m';
import { nodeCrypto, type PeerAddress } from '@lapwing/transport';
import type { CompletedOperation, ReadResult, Registration, ServerEvents } from './api.ts';
import type { ObserveRequest } from './device-requests.ts';

/** What `LwM2mServer.suspend` gave, back for `start`. */
export interface SnapshotOptions {
  readonly bytes: Uint8Array;
  /** The secret key it was sealed with: 16 bytes or more. */
  readonly key: KeyObject;
  /** ms; an older one is refused, because its devices have given up long ago. Default 24 hours. */
  readonly maxAge?: number;
  /**
   * Whether a snapshot with this id was used before. A caller that deletes the bytes before it starts the server, and
   * keeps no copies, needs no such memory.
   */
  readonly isConsumed?: (id: string) => boolean;
}

/** What became of a snapshot. */
export type Resumption =
  | {
      readonly kind: 'resumed';
      /** Remember it as consumed where copies of the snapshot may exist. */
      readonly id: string;
      readonly associations: number;
      readonly registrations: number;
      /** Those of devices that are not registered too. */
      readonly observations: number;
      /** Operations that wait for their devices again. */
      readonly operations: number;
      /** Operations that were over when the server was back: their time was, or their registration. */
      readonly ended: readonly ServerEvents['operationCompleted'][];
    }
  /** One sentence: torn, stale, tampered with, of another version or key. The server began without it. */
  | { readonly kind: 'refused'; readonly reason: string };

/** A driver of the server that was suspended. */
export interface SavedDriver {
  readonly scheme: 'coap' | 'coaps';
  readonly address: PeerAddress;
}

export interface SavedPeer {
  /** Which of the drivers. */
  readonly driver: number;
  readonly address: PeerAddress;
  readonly nextMessageId: number | undefined;
  /** Which of the associations; undefined for coap, and where it is gone. */
  readonly association: number | undefined;
}

export interface SavedObservation {
  readonly path: Path;
  /** Of an Observe-Composite, with their encoding. */
  readonly paths: readonly Path[] | undefined;
  readonly list: { readonly contentFormat: number; readonly payload: Uint8Array } | undefined;
  readonly format: number | undefined;
  readonly attributes: NotificationAttributes | undefined;
  readonly code: number;
  readonly startedAt: number;
  readonly initial: SavedContent;
  readonly lastNotification: (SavedContent & { readonly receivedAt: number }) | undefined;
  /** Undefined while there was no association to get notifications over. */
  readonly onWire: ObservationOnWire | undefined;
}

/** A request that waited for a sleeping device. */
export interface SavedOperation extends CompletedOperation {
  /** ms since 1970; Infinity: never. */
  readonly expiresAt: number;
  readonly request: SavedRequest;
  /** In another format, should the device not read the first. */
  readonly alternative: SavedRequest | undefined;
  /** Of an Observe that the device has not accepted yet. */
  readonly observed: ObserveRequest | undefined;
}

export interface SavedRequest extends Pick<OutgoingRequest, 'code' | 'options'> {
  readonly payload: Uint8Array;
}

/** The tree is made of the entries. */
export type SavedContent = Pick<ReadResult, 'entries' | 'contentFormat'>;

export interface SavedRegistration {
  /** Without its lists of Objects, of which there are few. */
  readonly registration: Omit<Registration, 'objects' | 'contentFormats' | 'alternatePath' | 'address' | 'expiresAt'>;
  readonly objectList: number;
  readonly peer: number;
  readonly observations: readonly SavedObservation[];
  /** In the order in which they go out. */
  readonly operations: readonly SavedOperation[];
}

/** A device that was not registered, the observations of which wait for it. */
export interface SavedIntent extends Pick<SavedRegistration, 'registration' | 'objectList' | 'observations'> {
  /** Where it was: which of the drivers, and its address. */
  readonly driver: number;
  readonly address: PeerAddress;
}

export interface ServerContent {
  readonly drivers: readonly SavedDriver[];
  readonly peers: readonly SavedPeer[];
  readonly objectLists: readonly Pick<Registration, 'objects' | 'contentFormats' | 'alternatePath'>[];
  readonly registrations: readonly SavedRegistration[];
  /** The one gone longest first. */
  readonly intents: readonly SavedIntent[];
  /** How many operations were given an id. */
  readonly operations: number;
}

export interface ServerState {
  readonly content: ServerContent;
  readonly associations: readonly Uint8Array[];
}

/** @throws UsageError when it is no secret key, or too short to protect anything. */
export function checkSnapshotKey(key: KeyObject): void {
  const keyBytes = key.symmetricKeySize ?? 0;
  if (keyBytes < MIN_KEY_BYTES)
    throw new UsageError(`a snapshot is sealed with a secret key of at least ${MIN_KEY_BYTES} bytes, not ${keyBytes}`);
}

const MIN_KEY_BYTES = 16;

/** @param createdAt  ms since 1970. */
export function sealServerState({ content, associations }: ServerState, key: KeyObject, createdAt: number): Uint8Array {
  const text = JSON.stringify({ format: FORMAT, version: VERSION, content }, tag);
  return sealSnapshot([new TextEncoder().encode(text), ...associations], key, nodeCrypto, { createdAt });
}

/** @param now  ms since 1970. */
export function openServerState(
  { bytes, key, maxAge = DEFAULT_MAX_AGE, isConsumed }: SnapshotOptions,
  now: number,
): { readonly id: string; readonly state: ServerState } | { readonly refused: string } {
  const snapshot = openSnapshot(bytes, key, nodeCrypto);
  if (isMalformed(snapshot)) return { refused: snapshot.malformed };
  const { id, createdAt, parts } = snapshot;
  const age = now - createdAt;
  if (age > maxAge)
    return { refused: `the snapshot is ${minutes(age)} old, older than ${minutes(maxAge)}: its devices have given up` };
  if (isConsumed?.(id) === true) return { refused: `the snapshot ${id} was used before: no key may be used twice` };
  const [first, ...associations] = parts;
  const content = first === undefined ? undefined : parseContent(first);
  if (content === undefined) return { refused: 'the snapshot was made by another version of this server' };
  return { id, state: { content, associations } };
}

const DEFAULT_MAX_AGE = 24 * 3_600_000;
const FORMAT = 'lapwing-server';
/** Of the content; another one is refused. */
const VERSION = 2;

function parseContent(bytes: Uint8Array): ServerContent | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes), untag);
  } catch {
    return undefined;
  }
  // It is authentic, so nobody but another version of this program can have written anything else.
  const { format, version, content } = (parsed ?? {}) as Record<string, unknown>;
  return format === FORMAT && version === VERSION ? (content as ServerContent) : undefined;
}

const minutes = (duration: number): string => `${Math.round(duration / 60_000)} min`;

/** What JSON has no form for: integers of 64 bits, bytes, and numbers that are not finite. */
function tag(this: unknown, key: string, value: unknown): unknown {
  // Before a Buffer made JSON of itself.
  const own = (this as Record<string, unknown>)[key];
  if (own instanceof Uint8Array)
    return { $bytes: Buffer.from(own.buffer, own.byteOffset, own.length).toString('base64') };
  if (typeof value === 'bigint') return { $integer: String(value) };
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)))
    return { $number: Object.is(value, -0) ? '-0' : String(value) };
  return value;
}

function untag(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { $bytes, $integer, $number } = value as Record<string, unknown>;
  if (typeof $bytes === 'string') return new Uint8Array(Buffer.from($bytes, 'base64'));
  if (typeof $integer === 'string') return BigInt($integer);
  if (typeof $number === 'string') return Number($number);
  return value;
}
