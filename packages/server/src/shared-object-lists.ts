/**
 * The object lists of a fleet, each kept once. Devices of one model send the same links, so a list is found by the bytes
 * it came in and parsed only the first time; a registration costs a reference. A list goes when its last user goes, so
 * the memory is bounded by the registrations.
 */
import { isMalformed, parseObjectLinks, type LwM2mVersion, type Malformed, type ObjectLinks } from '@lapwing/lwm2m';
import type { RegisteredObject } from './api.ts';

export class SharedObjectList {
  /** Registrations that have it. */
  users = 0;
  readonly key: string;
  /** Ascending by Object ID. */
  readonly objects: readonly RegisteredObject[];
  readonly contentFormats: readonly number[];
  readonly alternatePath: string;
  readonly #byId: ReadonlyMap<number, RegisteredObject>;

  constructor(key: string, { objects, contentFormats, alternatePath }: ObjectLinks) {
    this.key = key;
    this.objects = Object.freeze(objects.map((object) => Object.freeze(object)));
    this.contentFormats = Object.freeze(contentFormats);
    this.alternatePath = alternatePath;
    this.#byId = new Map(objects.map((object) => [object.objectId, object]));
  }

  object(objectId: number): RegisteredObject | undefined {
    return this.#byId.get(objectId);
  }

  /** For the formats: the version of an Object this client announced. */
  readonly versionOf = (objectId: number): string | undefined => this.#byId.get(objectId)?.version;
}

export class SharedObjectLists {
  readonly #lists = new Map<string, SharedObjectList>();

  /** Distinct lists in use. */
  get size(): number {
    return this.#lists.size;
  }

  /** The list these links make. Whoever keeps it calls `acquire`. @param version  implies the versions not said. */
  parsed(version: LwM2mVersion, payload: Uint8Array): SharedObjectList | Malformed {
    const key = version + latin1(payload);
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const links = parseObjectLinks(payload, version);
    return isMalformed(links) ? links : new SharedObjectList(key, links);
  }

  /** The list of a registration that a store gave back. */
  restored(links: ObjectLinks): SharedObjectList {
    const { objects, contentFormats, alternatePath } = links;
    const key = JSON.stringify([objects, contentFormats, alternatePath]);
    return this.#lists.get(key) ?? new SharedObjectList(key, links);
  }

  acquire(list: SharedObjectList): SharedObjectList {
    if (list.users++ === 0) this.#lists.set(list.key, list);
    return list;
  }

  release(list: SharedObjectList): void {
    if (--list.users === 0) this.#lists.delete(list.key);
  }
}

/** One character per byte: the cheapest exact key that bytes can be turned into. */
const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
