/**
 * Which Object Instance IDs a configuration uses: never those of the account with this Bootstrap-Server, which a device
 * that is configured badly needs to come back.
 *
 * | known                                   | Security               | other Objects          |
 * |-----------------------------------------|------------------------|------------------------|
 * | Bootstrap-Discover or `acc` told        | the lowest that is free | the lowest that is free |
 * | nothing                                 | from 10 on             | from 0 on              |
 *
 * Where a device tells nothing its own account is at 0 or 1 with all that are known; it has no Server Object Instance.
 */
import { MAX_ID, type BootstrapNode } from '@lapwing/lwm2m';
import type { Knowledge, PlannedOperation } from './plan.ts';

export class InstanceIds {
  readonly #nodes: readonly BootstrapNode[];
  readonly #taken = new Map<number, Set<number>>();
  /** The Security Object Instances without a Short Server ID, until they are taken. */
  readonly #bootstrapServers: number[];
  readonly #firstSecurity: number;
  #exhausted = false;

  /**
   * @param deletes  what the device will have no more when the ids are used.
   * @param reserved  ids that the configuration chooses itself.
   */
  constructor(
    { nodes, account = [] }: Knowledge,
    deletes: readonly PlannedOperation[],
    reserved: readonly (readonly [objectId: number, objectInstanceId: number | undefined])[],
  ) {
    this.#nodes = (nodes ?? []).filter((node) => !isDeleted(node, deletes));
    this.#firstSecurity = nodes === undefined && account.length === 0 ? FIRST_UNKNOWN : 0;
    for (const { path } of this.#nodes)
      if (path.kind === 'objectInstance') this.#take(path.objectId, path.objectInstanceId);
    for (const { objectId, objectInstanceId } of account) this.#take(objectId, objectInstanceId);
    for (const [objectId, id] of reserved) if (id !== undefined) this.#take(objectId, id);
    this.#bootstrapServers = (nodes ?? []).flatMap((node) =>
      node.path.kind === 'objectInstance' && node.path.objectId === SECURITY && isOfBootstrapServer(node)
        ? [node.path.objectInstanceId]
        : [],
    );
    for (const { objectId, objectInstanceId } of account)
      if (objectId === SECURITY && !this.#bootstrapServers.includes(objectInstanceId))
        this.#bootstrapServers.push(objectInstanceId);
  }

  /** No id was free at some time. */
  get exhausted(): boolean {
    return this.#exhausted;
  }

  /** The Object Instance of this server that the device has and keeps: it is written over. */
  ofServer(objectId: number, shortServerId: number): number | undefined {
    for (const node of this.#nodes)
      if (
        node.path.kind === 'objectInstance' &&
        node.path.objectId === objectId &&
        node.shortServerId === shortServerId
      )
        return node.path.objectInstanceId;
    return undefined;
  }

  /** The account with this Bootstrap-Server, once. */
  ofBootstrapServer(): number | undefined {
    return this.#bootstrapServers.shift();
  }

  /** An id that is free, taken now. */
  next(objectId: number): number {
    const taken = this.#taken.get(objectId);
    let id = objectId === SECURITY ? this.#firstSecurity : 0;
    while (taken?.has(id) === true) id++;
    if (id >= MAX_ID) this.#exhausted = true;
    else this.#take(objectId, id);
    return Math.min(id, MAX_ID - 1);
  }

  #take(objectId: number, id: number): void {
    let taken = this.#taken.get(objectId);
    if (taken === undefined) this.#taken.set(objectId, (taken = new Set()));
    taken.add(id);
  }
}

const SECURITY = 0;
const FIRST_UNKNOWN = 10;

/** Security, OSCORE, COSE and MQTT: the Objects that accounts are made of and that tell whose. */
const ACCOUNT_OBJECTS: ReadonlySet<number> = new Set([SECURITY, 21, 23, 24]);

const isOfBootstrapServer = ({ path, shortServerId }: BootstrapNode): boolean =>
  ACCOUNT_OBJECTS.has(path.objectId) && shortServerId === undefined;

function isDeleted(node: BootstrapNode, deletes: readonly PlannedOperation[]): boolean {
  const { path } = node;
  // No Bootstrap-Delete takes these.
  if (isOfBootstrapServer(node) || path.objectId === DEVICE) return false;
  return deletes.some((operation) => {
    if (operation.kind !== 'delete') return false;
    const deleted = operation.path;
    if (deleted.kind === 'root') return true;
    if (deleted.objectId !== path.objectId) return false;
    return (
      deleted.kind === 'object' ||
      (path.kind === 'objectInstance' && path.objectInstanceId === deleted.objectInstanceId)
    );
  });
}

const DEVICE = 3;
