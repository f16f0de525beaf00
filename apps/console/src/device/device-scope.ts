/** What the parts of a device page share: the device, its definitions, values and observations, and the operations. */
import { createContext, useContext, useMemo, useSyncExternalStore } from 'react';
import { isWithin } from '../api/node-path.ts';
import { api, type ResourceValues, type WriteBody } from '../api/rest.ts';
import type { DiscoveredNode, JsonValue, ObjectDefinition, ReadAnswer, ResourceDefinition } from '../api/shapes.ts';
import type { DeviceValues, Presence, ResourceSnapshot, Series } from '../live/device-values.ts';
import type { LiveData, ObservedPath } from '../live/live-data.ts';
import type { Dialog } from './dialog.ts';

export interface DeviceScope {
  readonly name: string;
  readonly registered: boolean;
  readonly values: DeviceValues;
  readonly definitions: ReadonlyMap<number, ObjectDefinition>;
  readonly observed: readonly ObservedPath[];
  readonly operations: DeviceOperations;
  readonly open: (dialog: Dialog) => void;
  /** Paths that are read, observed and written at once. */
  readonly compositeSet: readonly string[];
  readonly changeCompositeSet: (paths: readonly string[]) => void;
}

/** Each rejects with a Refusal. What comes back is taken into the values on screen. */
export interface DeviceOperations {
  read(path: string): Promise<ReadAnswer>;
  observe(path: string): Promise<void>;
  cancel(path: string): Promise<void>;
  write(path: string, body: WriteBody, mode: 'replace' | 'update'): Promise<void>;
  execute(path: string, args: string): Promise<void>;
  create(path: string, resources: ResourceValues): Promise<string>;
  delete(path: string): Promise<void>;
  discover(path: string): Promise<readonly DiscoveredNode[]>;
  writeAttributes(path: string, attributes: Readonly<Record<string, number | null>>): Promise<void>;
  readComposite(paths: readonly string[]): Promise<void>;
  observeComposite(paths: readonly string[]): Promise<void>;
  cancelComposite(paths: readonly string[]): Promise<void>;
  writeComposite(values: Readonly<Record<string, JsonValue>>): Promise<void>;
}

export const deviceOperations = (name: string, values: DeviceValues, live: LiveData): DeviceOperations => {
  const read = async (path: string): Promise<ReadAnswer> => {
    const answer = await api.read(name, path);
    values.take(path, answer.entries, Date.now(), 'read');
    return answer;
  };
  return {
    read,
    async observe(path) {
      const answer = await api.observe(name, path);
      values.take(path, answer.entries, Date.now(), 'notification');
      live.setObserved(name, path, answer.startedAt);
    },
    async cancel(path) {
      try {
        await api.cancelObservation(name, path);
        live.setObserved(name, path, undefined);
      } catch (error) {
        // It may have ended by itself in the meantime.
        live.renewObservations(name);
        throw error;
      }
    },
    async write(path, body, mode) {
      await api.write(name, path, body, mode);
    },
    async execute(path, args) {
      await api.execute(name, path, args);
    },
    async create(path, resources) {
      const answer = await api.create(name, path, resources);
      live.noteObjectInstance(name, answer.path, 'created');
      return answer.path;
    },
    async delete(path) {
      await api.delete(name, path);
      values.forget(path);
      live.noteObjectInstance(name, path, 'deleted');
    },
    async discover(path) {
      const { items } = await api.discover(name, path);
      values.takeDiscovered(path, items);
      return items;
    },
    async writeAttributes(path, attributes) {
      await api.writeAttributes(name, path, attributes);
    },
    async readComposite(paths) {
      const { entries } = await api.readComposite(name, paths);
      values.take(undefined, entries, Date.now(), 'read');
    },
    async observeComposite(paths) {
      const { entries } = await api.observeComposite(name, paths);
      values.take(undefined, entries, Date.now(), 'notification');
      live.renewObservations(name);
    },
    async cancelComposite(paths) {
      try {
        await api.cancelComposite(name, paths);
      } finally {
        live.renewObservations(name);
      }
    },
    async writeComposite(written) {
      await api.writeComposite(name, written);
    },
  };
};

export const DeviceScopeContext: React.Context<DeviceScope | undefined> = createContext<DeviceScope | undefined>(
  undefined,
);

export const useDeviceScope = (): DeviceScope => {
  const scope = useContext(DeviceScopeContext);
  if (scope === undefined) throw new Error('useDeviceScope is for the device page');
  return scope;
};

export const useResource = (path: string): ResourceSnapshot | undefined => {
  const { values } = useDeviceScope();
  return useSyncExternalStore(
    useMemo(() => (listener: () => void) => values.listen(path, listener), [values, path]),
    () => values.resource(path),
  );
};

/** @param resourcePath  whose changes renew it. @param path  of the Resource or one of its instances. */
export const useSeries = (resourcePath: string, path: string): Series => {
  const { values } = useDeviceScope();
  return useSyncExternalStore(
    useMemo(() => (listener: () => void) => values.listen(resourcePath, listener), [values, resourcePath]),
    () => values.series(path),
  );
};

export const usePresence = (objectInstancePath: string): Presence | undefined => {
  const { values } = useDeviceScope();
  return useSyncExternalStore(
    useMemo(() => (listener: () => void) => values.listen(objectInstancePath, listener), [values, objectInstancePath]),
    () => values.presence(objectInstancePath),
  );
};

export const useAttributes = (path: string): Readonly<Record<string, string>> | undefined => {
  const { values } = useDeviceScope();
  return useSyncExternalStore(
    useMemo(() => (listener: () => void) => values.listen(path, listener), [values, path]),
    () => values.attributes(path),
  );
};

/** How a node is observed: by itself, by way of a node above it, or not. */
export type Observed = { readonly kind: 'itself' } | { readonly kind: 'above'; readonly path: string } | undefined;

export const observedAt = (observed: readonly ObservedPath[], path: string): Observed => {
  if (observed.some((each) => each.path === path)) return { kind: 'itself' };
  const above = observed.find((each) => isWithin(path, each.path));
  return above === undefined ? undefined : { kind: 'above', path: above.path };
};

export const resourceDefinition = (
  definition: ObjectDefinition | undefined,
  resourceId: number,
): ResourceDefinition | undefined => definition?.resources.find((resource) => resource.resourceId === resourceId);

/** What an operation may be tried on: what the definition allows, or anything where there is none. */
export const allows = (resource: ResourceDefinition | undefined, operation: 'R' | 'W' | 'E'): boolean =>
  resource === undefined || resource.operations.includes(operation);
