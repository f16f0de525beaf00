/**
 * What is stored for a server that could not be told (/1/x/6), as plain JSON: for each observation what it was about, what
 * was told or stored last, and the values with their times. An observation itself does not outlast the client: what was
 * stored waits, as it does after a new registration, until the server observes the same again.
 */
import { checkAttributes, checkAttributeValues, formatPath, isMalformed, parsePath } from '@lapwing/lwm2m';
import type { NodeEntry, NotificationAttributes, Path, Value } from '@lapwing/lwm2m';
import type { Observation } from './observation.ts';
import { restoreValue, saveValue } from './saved-value.ts';
import type { SavedValue } from './saved-value.ts';

export interface SavedNotifications {
  readonly shortServerId: number;
  readonly paths: readonly string[];
  readonly composite: boolean;
  readonly contentFormat: number;
  /** Given with the Observe. */
  readonly attributes?: NotificationAttributes;
  /** By path: the next change counts from here. */
  readonly told: { readonly [path: string]: SavedValue };
  /** For each of `paths`, oldest first: what one notification was to tell. */
  readonly stored: readonly (readonly (readonly SavedEntry[])[])[];
}
export interface SavedEntry {
  readonly path: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly value: SavedValue;
}

export const saveNotifications = (observation: Observation): SavedNotifications => ({
  shortServerId: observation.settings.shortServerId,
  paths: observation.paths.map(formatPath),
  composite: observation.composite,
  contentFormat: observation.contentFormat,
  ...(observation.attributes !== undefined && { attributes: observation.attributes }),
  told: Object.fromEntries([...observation.told].map(([path, value]) => [path, saveValue(value)])),
  stored: observation.paths.map((_path, index) => observation.stored.samples(index).map(saveSample)),
});

const saveSample = (sample: readonly NodeEntry[]): readonly SavedEntry[] =>
  sample.flatMap((entry) =>
    entry.kind === 'value'
      ? [{ path: formatPath(entry.path), timestamp: entry.timestamp ?? 0, value: saveValue(entry.value) }]
      : [],
  );

/** What was saved, as it is needed to go on. */
export interface RestoredNotifications {
  readonly shortServerId: number;
  readonly paths: readonly Path[];
  readonly composite: boolean;
  readonly contentFormat: number;
  readonly attributes: NotificationAttributes | undefined;
  readonly told: Map<string, Value>;
  /** For each of `paths`. */
  readonly stored: readonly (readonly (readonly NodeEntry[])[])[];
}

/** Undefined for what cannot be read. */
export function restoreNotifications(saved: SavedNotifications): RestoredNotifications | undefined {
  const { shortServerId, composite, contentFormat, attributes } = saved;
  const paths = listOf(saved.paths).flatMap((text) => pathOf(text) ?? []);
  if (paths.length === 0 || paths.length !== listOf(saved.paths).length) return undefined;
  if (typeof contentFormat !== 'number' || typeof composite !== 'boolean') return undefined;
  if (attributes !== undefined && !isSound(attributes)) return undefined;
  const told = new Map<string, Value>();
  for (const [path, value] of Object.entries(isRecord(saved.told) ? saved.told : {})) {
    const restored = restoreValue(value);
    if (restored !== undefined) told.set(path, restored);
  }
  const queues = listOf(saved.stored);
  const stored = paths.map((_path, index) => listOf(queues[index]).map((sample) => listOf(sample).flatMap(entryOf)));
  return { shortServerId, paths, composite, contentFormat, attributes, told, stored };
}

function entryOf(saved: SavedEntry): readonly NodeEntry[] {
  const path = isRecord(saved) ? pathOf(saved.path) : undefined;
  if (path?.kind !== 'resource' && path?.kind !== 'resourceInstance') return [];
  const value = restoreValue(saved.value);
  const { timestamp } = saved;
  return value === undefined || !Number.isFinite(timestamp) ? [] : [{ kind: 'value', path, timestamp, value }];
}

function pathOf(text: unknown): Path | undefined {
  const path = typeof text === 'string' ? parsePath(text) : undefined;
  return path === undefined || isMalformed(path) ? undefined : path;
}

const isSound = (attributes: NotificationAttributes): boolean =>
  isRecord(attributes) && checkAttributeValues(attributes) === undefined && checkAttributes(attributes) === undefined;

const isRecord = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = <Item>(list: readonly Item[] | undefined): readonly Item[] =>
  Array.isArray(list) ? (list as readonly Item[]) : [];
