/**
 * The answer to a Discover: links of what is there, with their attributes. `</3/0>;pmin=10,</3/0/7>;dim=2;gt=50`.
 * OMA TS Core §6.3.2 and §7.3.
 */
import { DEFAULT_LINK_FORMAT_LIMITS, formatLinks, linkParameter, parseLinks } from '@lapwing/coap';
import type { Link, LinkFormatLimits, LinkParameter } from '@lapwing/coap';
import { formatNumber, NOTIFICATION_ATTRIBUTES, parseAttributeValue } from '../attributes.ts';
import type { NotificationAttributes } from '../attributes.ts';
import { isMalformed } from '../malformed.ts';
import type { Malformed } from '../malformed.ts';
import { formatPath, parsePath } from '../path.ts';
import type { Path } from '../path.ts';
import { withoutAlternatePath } from './alternate-path.ts';

/** A node as a Discover shows it. */
export interface DiscoveredLink {
  readonly path: Path;
  /** Of an Object, when it is said. */
  readonly version: string | undefined;
  /** dim: the number of Resource Instances. */
  readonly dimension: number | undefined;
  /** Everything else the link carried, as text; "" for what has no value. */
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * Read the payload of an answer. Links that are no LwM2M path are passed over; blanks, quotes, trailing slashes and
 * unknown parameters are taken.
 *
 * @param alternatePath  the Client's: links are taken with it and without.
 */
export function parseDiscover(
  payload: Uint8Array | string,
  alternatePath = '',
  limits: LinkFormatLimits = DEFAULT_LINK_FORMAT_LIMITS,
): readonly DiscoveredLink[] | Malformed {
  const links = parseLinks(payload, limits);
  if (isMalformed(links)) return links;
  const found: DiscoveredLink[] = [];
  for (const link of links) {
    const target = withoutAlternatePath(link.target, alternatePath) ?? withoutAlternatePath(link.target, '');
    const path = target === undefined ? undefined : parsePath(target);
    if (path !== undefined && !isMalformed(path)) found.push(discovered(link, path));
  }
  return found;
}

function discovered(link: Link, path: Path): DiscoveredLink {
  // A parameter may be called anything, "__proto__" too.
  const attributes = Object.create(null) as Record<string, string>;
  for (const { name, value } of link.parameters) {
    if (name !== 'ver' && name !== 'dim') attributes[name] = value ?? '';
  }
  const dim = linkParameter(link, 'dim');
  const dimension = dim === undefined ? undefined : parseAttributeValue('dim', dim);
  return {
    path,
    version: linkParameter(link, 'ver'),
    dimension: typeof dimension === 'number' ? dimension : undefined,
    attributes,
  };
}

/** What a Client tells of a node. */
export interface DiscoverableNode {
  readonly path: Path;
  /** To be said only where it differs from the implied one. */
  readonly version?: string | undefined;
  readonly dimension?: number | undefined;
  readonly attributes?: NotificationAttributes | undefined;
}

/** Write the payload of an answer, in the given order. @param alternatePath  the Client's own. */
export function formatDiscover(nodes: readonly DiscoverableNode[], alternatePath = ''): string {
  const prefix = encodeURI(alternatePath);
  return formatLinks(
    nodes.map(({ path, version, dimension, attributes = {} }) => {
      const parameters: LinkParameter[] = [];
      if (version !== undefined) parameters.push({ name: 'ver', value: version });
      if (dimension !== undefined) parameters.push({ name: 'dim', value: String(dimension) });
      for (const name of NOTIFICATION_ATTRIBUTES) {
        const value = attributes[name];
        if (value !== undefined) parameters.push({ name, value: formatNumber(value) });
      }
      return { target: path.kind === 'root' ? prefix || '/' : prefix + formatPath(path), parameters };
    }),
  );
}

/** The NOTIFICATION attributes among a link's, as numbers; unreadable ones are left out. */
export function notificationAttributes(attributes: Readonly<Record<string, string>>): NotificationAttributes {
  const result: Record<string, number> = {};
  for (const name of NOTIFICATION_ATTRIBUTES) {
    const text = attributes[name];
    const value = text === undefined ? undefined : parseAttributeValue(name, text);
    if (typeof value === 'number') result[name] = value;
  }
  return result;
}
