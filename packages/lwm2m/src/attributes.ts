/**
 * The attributes a link can carry and a Server can attach: OMA TS Core §7.3 as a table, with parsing, formatting, the
 * rules between them and inheritance. The Server writes NOTIFICATION attributes, the Client keeps and obeys them.
 */
import { malformed } from './malformed.ts';
import type { Malformed } from './malformed.ts';
import type { LwM2mVersion } from './identifiers.ts';
import type { Path } from './path.ts';

export interface AttributeDefinition {
  /**
   * seconds, count: digits · threshold: a decimal number with an optional minus sign · step: the same without a sign ·
   * flag: 0 or 1 · version: 1.1 · text: anything, in quotes.
   */
  readonly syntax: 'seconds' | 'count' | 'threshold' | 'step' | 'flag' | 'version' | 'text';
  /** A property tells about a node; a notification attribute is set by Write-Attributes or with Observe. */
  readonly class: 'property' | 'notification';
  /** Where it may be attached; see `LEVELS`. */
  readonly attach: keyof typeof LEVELS;
  readonly since: LwM2mVersion;
  /** Bounds of a count. */
  readonly lowest?: number;
  readonly highest?: number;
}

const LEVELS = {
  root: ['root'],
  object: ['object', 'objectInstance'],
  objectInstance: ['objectInstance'],
  resource: ['resource'],
  value: ['resource', 'resourceInstance'],
  node: ['object', 'objectInstance', 'resource', 'resourceInstance'],
} as const;

// One row per line: the columns are the point.
// prettier-ignore
export const ATTRIBUTES = {
  pmin:  { syntax: 'seconds',   class: 'notification', attach: 'node',  since: '1.0' },
  pmax:  { syntax: 'seconds',   class: 'notification', attach: 'node',  since: '1.0' },
  gt:    { syntax: 'threshold', class: 'notification', attach: 'value', since: '1.0' },
  lt:    { syntax: 'threshold', class: 'notification', attach: 'value', since: '1.0' },
  st:    { syntax: 'step',      class: 'notification', attach: 'value', since: '1.0' },
  epmin: { syntax: 'seconds',   class: 'notification', attach: 'node',  since: '1.1' },
  epmax: { syntax: 'seconds',   class: 'notification', attach: 'node',  since: '1.1' },
  edge:  { syntax: 'flag',      class: 'notification', attach: 'value', since: '1.2' },
  con:   { syntax: 'flag',      class: 'notification', attach: 'node',  since: '1.2' },
  hqmax: { syntax: 'count',     class: 'notification', attach: 'node',  since: '1.2' },
  // 255 was the limit up to 1.2.0.
  dim:   { syntax: 'count',     class: 'property', attach: 'resource', since: '1.0', highest: 65535 },
  ssid:  { syntax: 'count',     class: 'property', attach: 'objectInstance', since: '1.0', lowest: 1, highest: 65534 },
  uri:   { syntax: 'text',      class: 'property', attach: 'objectInstance', since: '1.1' },
  ver:   { syntax: 'version',   class: 'property', attach: 'object', since: '1.0' },
  lwm2m: { syntax: 'version',   class: 'property', attach: 'root', since: '1.0' },
} as const;

export type AttributeName = keyof typeof ATTRIBUTES;
export type NotificationAttributeName = {
  [Name in AttributeName]: (typeof ATTRIBUTES)[Name]['class'] extends 'notification' ? Name : never;
}[AttributeName];

type NumberOf<Name extends AttributeName> = (typeof ATTRIBUTES)[Name]['syntax'] extends 'flag' ? 0 | 1 : number;

/** What is attached to one node, or holds for one observation. Periods in seconds. */
export type NotificationAttributes = { readonly [Name in NotificationAttributeName]?: NumberOf<Name> };
/** What a Write-Attributes does: a value sets, null unsets, absent leaves as it is. */
export type AttributeChanges = { readonly [Name in NotificationAttributeName]?: NumberOf<Name> | null };

/** In the order in which they are written. */
export const NOTIFICATION_ATTRIBUTES: readonly NotificationAttributeName[] = (
  Object.keys(ATTRIBUTES) as AttributeName[]
).filter((name): name is NotificationAttributeName => ATTRIBUTES[name].class === 'notification');

const isNotificationAttribute = (name: string): name is NotificationAttributeName =>
  (NOTIFICATION_ATTRIBUTES as readonly string[]).includes(name);

/**
 * The attributes in the Uri-Query options of a Write-Attributes or an Observe: "pmin=10" sets, "pmin" alone unsets.
 * Malformed, so 4.00, when one is unknown, read-only, there twice, or has a value of the wrong form.
 */
export function parseAttributeQueries(queries: readonly string[]): AttributeChanges | Malformed {
  const changes: Partial<Record<NotificationAttributeName, number | null>> = {};
  for (const query of queries) {
    const equals = query.indexOf('=');
    const name = equals < 0 ? query : query.slice(0, equals);
    if (!isNotificationAttribute(name)) return malformed(`"${shorten(name)}" is no attribute that can be written`);
    if (changes[name] !== undefined) return malformed(`${name} is given twice`);
    const value = equals < 0 ? null : parseAttributeValue(name, query.slice(equals + 1));
    if (typeof value === 'object' && value !== null) return value;
    changes[name] = value;
  }
  return changes as AttributeChanges;
}

const SYNTAX: Readonly<Record<Exclude<AttributeDefinition['syntax'], 'version' | 'text'>, readonly [RegExp, string]>> =
  {
    seconds: [/^\d{1,15}$/, 'a whole number of seconds'],
    count: [/^\d{1,15}$/, 'a whole number'],
    threshold: [/^-?\d+(\.\d+)?$/, 'a decimal number'],
    step: [/^\d+(\.\d+)?$/, 'a decimal number that is not negative'],
    flag: [/^[01]$/, '0 or 1'],
  };

/** A Uri-Query has 255 bytes, and the name goes before. RFC 7252 §5.10. */
const MAX_VALUE_LENGTH = 249;

/** The value of a numeric attribute. */
export function parseAttributeValue(
  name: Exclude<AttributeName, 'uri' | 'ver' | 'lwm2m'>,
  text: string,
): number | Malformed {
  const { syntax, lowest = 0, highest = Infinity }: AttributeDefinition = ATTRIBUTES[name];
  const [pattern, wanted] = SYNTAX[syntax];
  if (text.length > MAX_VALUE_LENGTH || !pattern.test(text))
    return malformed(`${name} takes ${wanted}, not "${shorten(text)}"`);
  const value = Number(text);
  if (syntax !== 'count' || (value >= lowest && value <= highest)) return value;
  return malformed(`${name} goes from ${lowest} to ${highest}, not ${text}`);
}

const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);

/** The Uri-Query options of a Write-Attributes: "pmin=10", "pmin" to unset. Exact where `parseAttributeQueries` reads it. */
export function formatAttributeQueries(changes: AttributeChanges): readonly string[] {
  const queries: string[] = [];
  for (const name of NOTIFICATION_ATTRIBUTES) {
    const value = changes[name];
    if (value !== undefined) queries.push(value === null ? name : `${name}=${formatNumber(value)}`);
  }
  return queries;
}

/** Decimal without an exponent, which the syntax does not have. */
export function formatNumber(value: number): string {
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, sign = '', lead = '', fraction = '', power = '0'] = match;
  const digits = lead + fraction;
  const point = 1 + Number(power);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, '0')}`;
}

/**
 * Why these changes cannot be sent or taken: a value of the wrong form (a fraction of a second, a negative step, NaN).
 * Numbers from a program, not from text.
 */
export function checkAttributeValues(changes: AttributeChanges): Malformed | undefined {
  for (const name of NOTIFICATION_ATTRIBUTES) {
    const value = changes[name];
    if (value === undefined || value === null) continue;
    const parsed = parseAttributeValue(name, formatNumber(value));
    if (typeof parsed !== 'number') return parsed;
  }
  return undefined;
}

/** Why these attributes cannot be attached at this level, such as gt to an Object. */
export function checkAttributeLevels(changes: AttributeChanges, path: Path): Malformed | undefined {
  for (const name of NOTIFICATION_ATTRIBUTES) {
    const { attach }: AttributeDefinition = ATTRIBUTES[name];
    const levels: readonly Path['kind'][] = LEVELS[attach];
    if (changes[name] !== undefined && !levels.includes(path.kind)) {
      return malformed(
        `${name} goes to ${levels.map((level) => LEVEL_NAMES[level]).join(' or ')}, not to ${LEVEL_NAMES[path.kind]}`,
      );
    }
  }
  return undefined;
}
const LEVEL_NAMES: Readonly<Record<Path['kind'], string>> = {
  root: 'the root',
  object: 'an Object',
  objectInstance: 'an Object Instance',
  resource: 'a Resource',
  resourceInstance: 'a Resource Instance',
};

/**
 * Why these attributes contradict each other; to be asked about what is attached to one node after a change. A pmax below
 * pmin is no contradiction: it is ignored (see `effectiveAttributes`).
 */
export function checkAttributes({ gt, lt, st, epmin, epmax }: NotificationAttributes): Malformed | undefined {
  if (gt !== undefined && lt !== undefined) {
    if (!(lt < gt)) return malformed(`lt must be less than gt, but ${lt} is not less than ${gt}`);
    if (st !== undefined && !(lt + 2 * st < gt)) {
      return malformed(`lt + 2 st must be less than gt, but ${lt} + 2 × ${st} is not less than ${gt}`);
    }
  }
  if (epmin !== undefined && epmax !== undefined && !(epmin < epmax)) {
    return malformed(`epmin must be less than epmax, but ${epmin} is not less than ${epmax}`);
  }
  return undefined;
}

/** What is attached to a node after a Write-Attributes. */
export function changeAttributes(attached: NotificationAttributes, changes: AttributeChanges): NotificationAttributes {
  const result: Partial<Record<NotificationAttributeName, number>> = { ...attached };
  for (const name of NOTIFICATION_ATTRIBUTES) {
    const value = changes[name];
    if (value === null) delete result[name];
    else if (value !== undefined) result[name] = value;
  }
  return result as NotificationAttributes;
}

/**
 * What holds for a node: of each attribute the nearest one. A pmax of 0 or below pmin does not hold at all.
 *
 * @param nearestFirst  what is attached to the node itself, then to its ancestors upwards, last the Server's defaults
 * (/1/x/2 and /1/x/3).
 */
export function effectiveAttributes(
  nearestFirst: readonly (NotificationAttributes | undefined)[],
): NotificationAttributes {
  const result: Partial<Record<NotificationAttributeName, number>> = {};
  for (const attached of nearestFirst) {
    if (attached === undefined) continue;
    for (const name of NOTIFICATION_ATTRIBUTES) {
      if (result[name] === undefined && attached[name] !== undefined) result[name] = attached[name];
    }
  }
  const { pmin = 0, pmax } = result;
  if (pmax !== undefined && (pmax === 0 || pmax < pmin)) delete result.pmax;
  return result as NotificationAttributes;
}
