/**
 * What servers attached to nodes by Write-Attributes: per server and per node, until unset or the node is gone.
 * OMA TS Core §7.3.
 */
import { Codes } from '@lapwing/coap';
import {
  changeAttributes,
  checkAttributeLevels,
  checkAttributes,
  effectiveAttributes,
  formatPath,
  isWithin,
  parentOf,
} from '@lapwing/lwm2m';
import type { AttributeChanges, NotificationAttributes, Path } from '@lapwing/lwm2m';
import { badRequest, refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** Nodes with attributes, over all servers. Nodes that exist bound it too, but Resource Instance IDs are many. */
const MAX_NODES = 4096;

interface Attached {
  readonly path: Path;
  readonly attributes: NotificationAttributes;
}

export class AttributeStore {
  /** By Short Server ID, then by path. */
  readonly #attached = new Map<number, Map<string, Attached>>();
  readonly #changed: () => void;
  #size = 0;

  /** @param changed  called when something was attached or unset. */
  constructor(changed: () => void = () => undefined) {
    this.#changed = changed;
  }

  /** Everything that is attached. */
  all(): readonly (Attached & { readonly shortServerId: number })[] {
    return [...this.#attached].flatMap(([shortServerId, nodes]) =>
      [...nodes.values()].map((attached) => ({ shortServerId, ...attached })),
    );
  }

  /** What this server attached to this very node. */
  attachedTo(shortServerId: number, path: Path): NotificationAttributes | undefined {
    return this.#attached.get(shortServerId)?.get(formatPath(path))?.attributes;
  }

  /**
   * What holds for a node: of each attribute the nearest one on the way up.
   *
   * @param defaults  of the server: /1/x/2 and /1/x/3.
   */
  effective(shortServerId: number, path: Path, defaults: NotificationAttributes): NotificationAttributes {
    const nearestFirst: (NotificationAttributes | undefined)[] = [];
    if (this.#attached.has(shortServerId)) {
      for (let at: Path | undefined = path; at !== undefined; at = parentOf(at)) {
        nearestFirst.push(this.attachedTo(shortServerId, at));
      }
    }
    return effectiveAttributes([...nearestFirst, defaults]);
  }

  /** Carry out a Write-Attributes on a node that exists; 4.00 when the result contradicts itself. */
  write(shortServerId: number, path: Path, changes: AttributeChanges): Refusal | undefined {
    const wrongLevel = checkAttributeLevels(changes, path);
    if (wrongLevel !== undefined) return badRequest(wrongLevel.malformed);
    const attributes = changeAttributes(this.attachedTo(shortServerId, path) ?? {}, changes);
    const contradiction = checkAttributes(attributes);
    if (contradiction !== undefined) return badRequest(contradiction.malformed);
    let nodes = this.#attached.get(shortServerId);
    if (nodes === undefined) this.#attached.set(shortServerId, (nodes = new Map<string, Attached>()));
    const key = formatPath(path);
    if (Object.keys(attributes).length === 0) {
      if (nodes.delete(key)) this.#size--;
      this.#changed();
      return undefined;
    }
    if (!nodes.has(key)) {
      if (this.#size >= MAX_NODES) return refusal(Codes.serviceUnavailable, 'no room for more attributes');
      this.#size++;
    }
    nodes.set(key, { path, attributes });
    this.#changed();
    return undefined;
  }

  /** The node and everything below it is gone. */
  forget(path: Path): void {
    this.forgetWhere((attachedTo) => isWithin(attachedTo, path));
  }

  /** Everything that this server attached. */
  forgetServer(shortServerId: number): void {
    this.forgetWhere((_path, by) => by === shortServerId);
  }

  forgetWhere(isGone: (path: Path, shortServerId: number) => boolean): void {
    const before = this.#size;
    for (const [shortServerId, nodes] of this.#attached) {
      for (const [key, { path }] of nodes) {
        if (isGone(path, shortServerId) && nodes.delete(key)) this.#size--;
      }
    }
    if (this.#size < before) this.#changed();
  }
}
