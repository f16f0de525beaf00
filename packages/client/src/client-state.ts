/**
 * What a client remembers across a restart: what servers attached by Write-Attributes, what they wrote, created and
 * deleted, and what is stored for them until they can be told. OMA TS Core §5.1.2 (attributes persist), §6.4.5, §8.
 *
 * A state is plain JSON, so that a store needs to know nothing about it. One that cannot be read in part is used in part:
 * a path that no longer exists is left out, not an error. It may hold keys (Security, of a client that was bootstrapped):
 * it is nobody else's to read.
 */
import { UsageError } from '@lapwing/coap';
import {
  checkAttributes,
  checkAttributeLevels,
  checkAttributeValues,
  formatPath,
  isMalformed,
  parsePath,
} from '@lapwing/lwm2m';
import type { DefinitionLookup, NotificationAttributes } from '@lapwing/lwm2m';
import type { AttributeStore } from './attribute-store.ts';
import { fromVersion1 } from './client-state-version-1.ts';
import type { ClientStateVersion1 } from './client-state-version-1.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { ObjectTree } from './object-tree.ts';
import { captureAccounts, captureObjects } from './saved-objects.ts';
import type { SavedObjects } from './saved-objects.ts';
import type { SavedNotifications } from './saved-notifications.ts';

export interface ClientState {
  /** Of this shape. States of version 1 are read too. */
  readonly version: 2;
  readonly attributes: readonly AttachedAttributes[];
  readonly objects: SavedObjects;
  /** What is stored for servers that want that (/1/x/6). */
  readonly notifications: readonly SavedNotifications[];
  /** The smartcard that the accounts are of. */
  readonly smartcard?: string;
}

export interface AttachedAttributes {
  readonly shortServerId: number;
  readonly path: string;
  readonly attributes: NotificationAttributes;
}

/** Where a client keeps its state: any place that can hold some JSON, such as `FileStateStore`. */
export interface ClientStateStore {
  /** Undefined when nothing was saved yet. */
  load(): MaybePromise<ClientState | undefined>;
  /** Called one at a time; a state that came while one was being saved is saved next. */
  save(state: ClientState): MaybePromise<void>;
}

/** For tests, and for a client that is to forget everything when its process ends. */
export class MemoryStateStore implements ClientStateStore {
  #state: ClientState | undefined;

  load(): ClientState | undefined {
    return this.#state;
  }

  save(state: ClientState): void {
    this.#state = state;
  }
}

/**
 * @param accounts  'whole' when a Bootstrap-Server may have set them: Security with its keys, Server and OSCORE become
 * part of the state. 'given' when they come from the client's options each time.
 */
export function captureState(
  tree: ObjectTree,
  attributes: AttributeStore,
  notifications: readonly SavedNotifications[],
  accounts: 'given' | 'whole',
): ClientState {
  return {
    version: 2,
    attributes: attributes.all().map(({ shortServerId, path, attributes: attached }) => ({
      shortServerId,
      path: formatPath(path),
      attributes: attached,
    })),
    objects: { ...captureObjects(tree), ...(accounts === 'whole' && captureAccounts(tree)) },
    notifications,
  };
}

/**
 * A state as it was loaded, in the newest version.
 *
 * @throws UsageError when it is no state of a client, or one that this version cannot read.
 */
export function readState(state: unknown, definitions: DefinitionLookup): ClientState {
  if (isState(state)) return state;
  if (isVersion1(state)) return fromVersion1(state, definitions);
  throw new UsageError('this is no state of a client that this version can read');
}

/** Attach again what is attached to nodes that exist: after `restoreObjects`, which may bring some about. */
export function restoreAttributes(
  attached: readonly AttachedAttributes[],
  tree: ObjectTree,
  attributes: AttributeStore,
): void {
  for (const { shortServerId, path: text, attributes: those } of attached) {
    const path = parsePath(text);
    if (isMalformed(path) || path.kind === 'root' || !tree.has(path)) continue;
    const isSound =
      checkAttributeValues(those) === undefined &&
      checkAttributeLevels(those, path) === undefined &&
      checkAttributes(those) === undefined;
    if (isSound) attributes.write(shortServerId, path, those);
  }
}

/** Whether `readState` can read it. */
export const isReadable = (state: unknown): state is ClientState => isState(state) || isVersion1(state);

function isState(state: unknown): state is ClientState {
  if (!isRecord(state) || !hasAttributes(state)) return false;
  const { version, objects, notifications } = state as Partial<ClientState>;
  if (version !== 2 || !isRecord(objects) || !Array.isArray(notifications)) return false;
  return Object.values(objects).every(isRecord) && notifications.every(isRecord);
}

function isVersion1(state: unknown): state is ClientStateVersion1 {
  if (!isRecord(state) || !hasAttributes(state)) return false;
  const { version, objects } = state as Partial<ClientStateVersion1>;
  return version === 1 && typeof objects === 'string';
}

const isRecord = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function hasAttributes(state: object): boolean {
  const { attributes } = state as Partial<ClientState>;
  return Array.isArray(attributes) && attributes.every(isAttached);
}

function isAttached(one: unknown): one is AttachedAttributes {
  if (!isRecord(one)) return false;
  const { shortServerId, path, attributes } = one as Partial<AttachedAttributes>;
  return typeof shortServerId === 'number' && typeof path === 'string' && isRecord(attributes);
}
