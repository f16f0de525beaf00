/**
 * One observation as the client keeps it, and how what it was told last compares with what is now. What follows from that
 * is in `reporting.ts`.
 */
import type { ObserveRelation } from '@lapwing/coap';
import { formatPath, isWithin } from '@lapwing/lwm2m';
import type { NodeEntry, NotificationAttributes, Path, Value } from '@lapwing/lwm2m';
import { changeMatters } from './notification-decision.ts';
import type { ServerSettings } from './server-account.ts';
import type { StoredNotifications } from './stored-notifications.ts';

export interface Observed {
  readonly settings: ServerSettings;
  /** One for an Observe, the list for an Observe-Composite. */
  readonly paths: readonly Path[];
  readonly composite: boolean;
  readonly contentFormat: number;
  /** Given with the Observe: they stand instead of what is attached. 1.2. */
  readonly attributes: NotificationAttributes | undefined;
}

export interface Observation extends Observed {
  /** Undefined: parked. */
  relation: ObserveRelation | undefined;
  /** Last told (or stored), by path; what is observed for an edge: the last there was. */
  told: Map<string, Value>;
  toldAt: number;
  /** For each listed path: since then a change that matters has been seen. */
  readonly changed: boolean[];
  /** When it was last read, ms: epmin and epmax count from here. */
  evaluatedAt: number;
  /** When to read again without a change, ms. */
  deadline: number;
  /** Of its parts; undefined: to be found out anew. */
  conditions: readonly NotificationAttributes[] | undefined;
  /** A slow read is under way; `again`: something changed meanwhile. */
  reading: 'no' | 'yes' | 'again';
  readonly stored: StoredNotifications;
  /** What the last notification said, for the case that it never arrives. Empty unless /1/x/6 is set. */
  lastSent: readonly NodeEntry[];
}

/** /1/x/2 and /1/x/3 as attributes. */
export function defaultsOf({ defaultPmin: pmin, defaultPmax: pmax }: ServerSettings): NotificationAttributes {
  return { ...(pmin !== undefined && { pmin }), ...(pmax !== undefined && { pmax }) };
}

export const NO_CONDITIONS: NotificationAttributes = Object.freeze({});

export const touches = (changed: Path, observed: Path): boolean =>
  isWithin(changed, observed) || isWithin(observed, changed);

/** What the text of every path at or below this one begins with, when a "/" is put behind it. */
export const textPrefix = (path: Path): string => (path.kind === 'root' ? '/' : `${formatPath(path)}/`);

export function hasChanged(
  told: ReadonlyMap<string, Value>,
  current: ReadonlyMap<string, Value>,
  prefix: string,
  conditions: NotificationAttributes,
): boolean {
  for (const [key, value] of current) {
    if (`${key}/`.startsWith(prefix) && changeMatters(told.get(key), value, conditions)) return true;
  }
  for (const key of told.keys()) if (`${key}/`.startsWith(prefix) && !current.has(key)) return true;
  return false;
}

/**
 * What did not matter is what the next change counts from: an edge is a transition of the value, told or not. Without it,
 * a Boolean that was told once would never again differ from what was told.
 */
export function passOver(told: Map<string, Value>, current: ReadonlyMap<string, Value>, prefix: string): void {
  for (const [key, value] of current) {
    if (value.type === 'boolean' && `${key}/`.startsWith(prefix)) told.set(key, value);
  }
}

export function snapshot(entries: readonly NodeEntry[]): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const entry of entries) if (entry.kind === 'value') values.set(formatPath(entry.path), entry.value);
  return values;
}
