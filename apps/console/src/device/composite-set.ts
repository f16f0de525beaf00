/** The composite set of a device: paths chosen to be read, observed and written at once, kept in this browser. */
import { parseNodePath } from '../api/node-path.ts';
import type { ObjectDefinition } from '../api/shapes.ts';

const keyOf = (name: string): string => `lapwing.composite-set.${name}`;

export const loadCompositeSet = (name: string): readonly string[] => {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(keyOf(name)) ?? '[]');
    if (!Array.isArray(kept)) return [];
    return kept.filter((path): path is string => typeof path === 'string' && parseNodePath(path) !== undefined);
  } catch {
    // What another program left there, or a browser that keeps nothing, is an empty set.
    return [];
  }
};

export const saveCompositeSet = (name: string, paths: readonly string[]): void => {
  try {
    if (paths.length === 0) localStorage.removeItem(keyOf(name));
    else localStorage.setItem(keyOf(name), JSON.stringify(paths));
  } catch {
    // A browser that keeps nothing has the set as long as the page is open.
  }
};

/** As people call the node at a path. */
export const nodeName = (definitions: ReadonlyMap<number, ObjectDefinition>, path: string): string => {
  const { objectId, objectInstanceId, resourceId, resourceInstanceId } = parseNodePath(path) ?? {};
  const definition = objectId === undefined ? undefined : definitions.get(objectId);
  const object = definition?.name ?? `Object ${objectId}`;
  if (objectInstanceId === undefined) return object;
  if (resourceId === undefined) return `${object} ${objectInstanceId}`;
  const resource = definition?.resources.find((each) => each.resourceId === resourceId);
  const name = resource?.name ?? `Resource ${resourceId}`;
  return resourceInstanceId === undefined ? name : `${name} ${resourceInstanceId}`;
};
