/**
 * A Client may keep its Objects below a path of its own, "/lwm2m", announced by `</lwm2m>;rt="oma.lwm2m"` in its
 * registration. OMA TS Transport §6.4.1. Here it is text: "" for none, else absolute, without a trailing slash and
 * without percent-encoding.
 */
import { linkParameter } from '@lapwing/coap';
import type { Link } from '@lapwing/coap';
import { isMalformed } from '../malformed.ts';
import { parsePath } from '../path.ts';

/** Its Uri-Path segments; none for "". */
export const pathSegments = (alternatePath: string): readonly string[] =>
  alternatePath === '' ? [] : alternatePath.slice(1).split('/');

/** The value of `rt` on the root link. */
export const RESOURCE_TYPE = 'oma.lwm2m';

/**
 * The alternate path these links name, "" when they name none. One that a LwM2M path cannot be told from ("/3") does not
 * count, nor does one that has no meaning as Uri-Path segments.
 */
export function alternatePathIn(links: readonly Link[]): string {
  for (const link of links) {
    if (link.parameters.length === 0) continue;
    if (linkParameter(link, 'rt')?.split(' ').includes(RESOURCE_TYPE) !== true) continue;
    const alternatePath = decodeTarget(link.target);
    if (alternatePath !== undefined && isUsable(alternatePath)) return alternatePath;
  }
  return '';
}

/** The segments become Uri-Path options, of 255 bytes at most. RFC 7252 §5.10. */
const isUsable = (alternatePath: string): boolean =>
  alternatePath === '' || (alternatePath.length <= 255 && isMalformed(parsePath(alternatePath)));

/** A link's target without percent-encoding and trailing slash; undefined when it does not decode to segments. */
function decodeTarget(target: string): string | undefined {
  const trimmed = target.endsWith('/') ? target.slice(0, -1) : target;
  if (!trimmed.includes('%')) return trimmed;
  if (/%2f/i.test(trimmed)) return undefined;
  try {
    return decodeURIComponent(trimmed);
  } catch {
    return undefined;
  }
}

/** What a link's target is below the alternate path: "/3/0", "/" for the path itself; undefined when it is elsewhere. */
export function withoutAlternatePath(target: string, alternatePath: string): string | undefined {
  if (target === '/') return alternatePath === '' ? target : undefined;
  const path = decodeTarget(target);
  if (path === undefined || alternatePath === '') return path;
  if (path === alternatePath) return '/';
  return path.startsWith(`${alternatePath}/`) ? path.slice(alternatePath.length) : undefined;
}
