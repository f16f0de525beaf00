/**
 * Who may do what: the Access Control Object (2). OMA TS Core §8.
 *
 * | operation                          | right on the Object Instance                       |
 * |------------------------------------|----------------------------------------------------|
 * | Read, Observe, Write-Attributes    | R; on an Object: its readable Object Instances     |
 * | Write, Write-Composite             | W                                                  |
 * | Execute                            | E                                                  |
 * | Delete                             | D                                                  |
 * | Create                             | C, of the entry for the Object (instance 65535)    |
 * | Discover                           | none; what is in an Object Instance needs R        |
 *
 * The rights of a server are those of its own entry in the ACL; without one, all if it is the owner; else those of the
 * default entry (0). A client without Object 2, or with one that has no Object Instances, lets every server do everything.
 */
import { MAX_ID, objectInstancePath } from '@lapwing/lwm2m';
import type { PlainValue } from './client-object.ts';
import { buildInstance } from './object-tree.ts';
import type { ObjectTree } from './object-tree.ts';

export const ACCESS_CONTROL_OBJECT = 2;
export const ACCESS_CONTROL_RESOURCES = { objectId: 0, objectInstanceId: 1, acl: 2, owner: 3 } as const;

/** The bits of an ACL entry. */
export const ACCESS_RIGHTS = { read: 1, write: 2, execute: 4, delete: 8, create: 16 } as const;
export type AccessRight = keyof typeof ACCESS_RIGHTS;

/** What may be done with an Object Instance by whom it belongs to. */
export const ALL_RIGHTS: number =
  ACCESS_RIGHTS.read | ACCESS_RIGHTS.write | ACCESS_RIGHTS.execute | ACCESS_RIGHTS.delete;

/** The entry of the ACL that holds for servers without one of their own. */
const DEFAULT_ENTRY = 0;

export interface AccessControlEntry {
  /** Short Server ID; 65535: nobody but the Bootstrap-Server. */
  readonly owner: number;
  /** Bits by Short Server ID. */
  readonly acl: ReadonlyMap<number, number>;
}

/** The rights of a server on an Object Instance with this entry. */
export function rightsOn(entry: AccessControlEntry | undefined, shortServerId: number): number {
  if (entry === undefined) return 0;
  const { owner, acl } = entry;
  return acl.get(shortServerId) ?? (owner === shortServerId ? ALL_RIGHTS : (acl.get(DEFAULT_ENTRY) ?? 0));
}

/** The right to Create comes from the ACL of the Object alone. */
export const createRight = (entry: AccessControlEntry | undefined, shortServerId: number): boolean =>
  ((entry?.acl.get(shortServerId) ?? entry?.acl.get(DEFAULT_ENTRY) ?? 0) & ACCESS_RIGHTS.create) !== 0;

export class AccessControl {
  readonly #tree: ObjectTree;
  /** By Object ID, then Object Instance ID; undefined: to be read anew. */
  #entries: ReadonlyMap<number, ReadonlyMap<number, AccessControlEntry>> | undefined;

  constructor(tree: ObjectTree) {
    this.#tree = tree;
  }

  /**
   * Whether rights are looked at: since the Access Control Object first had an Object Instance. That the last one goes,
   * with what it was about, gives nobody more rights than before.
   */
  get isInForce(): boolean {
    this.#hasBeenUsed ||= (this.#tree.objects.get(ACCESS_CONTROL_OBJECT)?.instances.size ?? 0) > 0;
    return this.#hasBeenUsed;
  }
  #hasBeenUsed = false;

  /** A bootstrap has set everything anew, Access Control too. */
  accountsChanged(): void {
    this.#hasBeenUsed = false;
    this.changed();
  }

  /** Something at or below /2 changed. */
  changed(): void {
    this.#entries = undefined;
  }

  /** @param shortServerId  undefined: the client itself. */
  allows(
    shortServerId: number | undefined,
    right: Exclude<AccessRight, 'create'>,
    objectId: number,
    objectInstanceId: number,
  ): boolean {
    if (shortServerId === undefined || !this.isInForce) return true;
    if (objectId === ACCESS_CONTROL_OBJECT) return this.#allowsControl(shortServerId, right, objectInstanceId);
    const entry = this.#all().get(objectId)?.get(objectInstanceId);
    return (rightsOn(entry, shortServerId) & ACCESS_RIGHTS[right]) !== 0;
  }

  allowsCreate(shortServerId: number, objectId: number): boolean {
    if (!this.isInForce) return true;
    if (objectId === ACCESS_CONTROL_OBJECT) return false;
    return createRight(this.#all().get(objectId)?.get(MAX_ID), shortServerId);
  }

  /** A server created this Object Instance: it is its owner, with all rights. */
  own(shortServerId: number, objectId: number, objectInstanceId: number): void {
    const object = this.#tree.objects.get(ACCESS_CONTROL_OBJECT);
    if (object === undefined || !this.isInForce) return;
    // What was said about an Object Instance that had this id before, perhaps before a restart, is void.
    this.forget(objectId, objectInstanceId);
    let id = 0;
    while (object.instances.has(id)) id++;
    const content = accessControlContent(objectId, objectInstanceId, {
      owner: shortServerId,
      acl: new Map([[shortServerId, ALL_RIGHTS]]),
    });
    const built = buildInstance(object.definition, ACCESS_CONTROL_OBJECT, id, content);
    this.#tree.insert(objectInstancePath(ACCESS_CONTROL_OBJECT, id), built);
  }

  /** An Object Instance is gone, and with it what was said about it. */
  forget(objectId: number, objectInstanceId: number): void {
    if (!this.isInForce || objectId === ACCESS_CONTROL_OBJECT) return;
    const { instances } = this.#tree.objects.get(ACCESS_CONTROL_OBJECT)!;
    for (const id of [...instances.keys()]) {
      const about = this.#about(id);
      if (about.objectId === objectId && about.objectInstanceId === objectInstanceId) {
        this.#tree.removeObjectInstance(ACCESS_CONTROL_OBJECT, id);
      }
    }
  }

  /** Anybody may see who may do what; only the owner of an entry may change it, and nobody may add or remove one. */
  #allowsControl(shortServerId: number, right: AccessRight, objectInstanceId: number): boolean {
    if (right === 'read') return true;
    return right === 'write' && this.#number(objectInstanceId, ACCESS_CONTROL_RESOURCES.owner) === shortServerId;
  }

  #all(): ReadonlyMap<number, ReadonlyMap<number, AccessControlEntry>> {
    if (this.#entries !== undefined) return this.#entries;
    const entries = new Map<number, Map<number, AccessControlEntry>>();
    for (const id of this.#tree.objects.get(ACCESS_CONTROL_OBJECT)?.instances.keys() ?? []) {
      const { objectId, objectInstanceId } = this.#about(id);
      const kept: unknown = this.#tree.get(`/${ACCESS_CONTROL_OBJECT}/${id}/${ACCESS_CONTROL_RESOURCES.acl}`);
      const acl = new Map<number, number>();
      if (kept instanceof Map) {
        for (const [server, rights] of kept as ReadonlyMap<number, PlainValue>) acl.set(server, Number(rights));
      }
      let ofObject = entries.get(objectId);
      if (ofObject === undefined) entries.set(objectId, (ofObject = new Map<number, AccessControlEntry>()));
      ofObject.set(objectInstanceId, { owner: this.#number(id, ACCESS_CONTROL_RESOURCES.owner), acl });
    }
    return (this.#entries = entries);
  }

  #about(id: number): { readonly objectId: number; readonly objectInstanceId: number } {
    return {
      objectId: this.#number(id, ACCESS_CONTROL_RESOURCES.objectId),
      objectInstanceId: this.#number(id, ACCESS_CONTROL_RESOURCES.objectInstanceId),
    };
  }

  #number(id: number, resourceId: number): number {
    const value = this.#tree.get(`/${ACCESS_CONTROL_OBJECT}/${id}/${resourceId}`);
    return typeof value === 'number' ? value : NaN;
  }
}

/** The Resources of an Access Control Object Instance. */
export const accessControlContent = (
  objectId: number,
  objectInstanceId: number,
  { owner, acl }: AccessControlEntry,
): { readonly [resourceId: number]: PlainValue | ReadonlyMap<number, PlainValue> } => ({
  [ACCESS_CONTROL_RESOURCES.objectId]: objectId,
  [ACCESS_CONTROL_RESOURCES.objectInstanceId]: objectInstanceId,
  [ACCESS_CONTROL_RESOURCES.acl]: acl,
  [ACCESS_CONTROL_RESOURCES.owner]: owner,
});
