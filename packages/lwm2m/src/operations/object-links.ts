/**
 * The list of Objects and Object Instances that Register and Update carry: CoRE links such as
 * `</>;ct=110,</1/0>,</3>;ver=1.1,</3/0>,</5>`. OMA TS Core §6.2.1 and §7.2, Transport §6.4.1 (alternate path).
 *
 * Reading takes what real peers send: versions quoted or not, on the Object or on an Object Instance; `ct` with one number
 * or a quoted list; links that are no LwM2M path, which are passed over, and so are parameters nobody asked for.
 * Writing is strict: one bare `ct`, versions only where they differ from the implied ones.
 */
import { DEFAULT_LINK_FORMAT_LIMITS, formatLinks, linkParameter, parseLinks, UsageError } from '@lapwing/coap';
import type { Link, LinkFormatLimits, LinkParameter } from '@lapwing/coap';
import type { LwM2mVersion } from '../identifiers.ts';
import { isMalformed } from '../malformed.ts';
import type { Malformed } from '../malformed.ts';
import { impliedObjectVersion } from '../object-model/implied-version.ts';
import { parseObjectVersion } from '../object-model/object-definitions.ts';
import { parsePath } from '../path.ts';
import { alternatePathIn, RESOURCE_TYPE, withoutAlternatePath } from './alternate-path.ts';

/** An Object that a Client has, or says it has. */
export interface AnnouncedObject {
  readonly objectId: number;
  /** As announced, else what the LwM2M version implies. */
  readonly version: string;
  /** Ascending; empty for an Object without Object Instances. */
  readonly objectInstanceIds: readonly number[];
}

export interface ObjectLinks {
  /** Ascending by Object ID. */
  readonly objects: readonly AnnouncedObject[];
  /** Content-Formats the Client announces on top of the mandatory ones, in its order. */
  readonly contentFormats: readonly number[];
  /** "" or "/lwm2m". */
  readonly alternatePath: string;
}

/** Security, OSCORE and COSE hold keys: a Server has no access to them, so they are no part of a registration. */
const NOT_ANNOUNCED: ReadonlySet<number> = new Set([0, 21, 23]);

/** How many numbers of a `ct` count. */
const MAX_CONTENT_FORMATS = 64;

/**
 * Read the payload of a Register or Update.
 *
 * @param version  of the registration: it implies the versions that are not said.
 */
export function parseObjectLinks(
  payload: Uint8Array | string,
  version: LwM2mVersion,
  limits: LinkFormatLimits = DEFAULT_LINK_FORMAT_LIMITS,
): ObjectLinks | Malformed {
  const links = parseLinks(payload, limits);
  if (isMalformed(links)) return links;
  const alternatePath = alternatePathIn(links);
  const found: FoundObject[] = [];
  let contentFormats: readonly number[] = [];
  for (const link of links) {
    const target = withoutAlternatePath(link.target, alternatePath);
    if (target === undefined) continue;
    const path = parsePath(target);
    if (isMalformed(path)) continue;
    if (path.kind === 'root') {
      if (contentFormats.length === 0) contentFormats = parseContentFormats(link);
    } else if ((path.kind === 'object' || path.kind === 'objectInstance') && !NOT_ANNOUNCED.has(path.objectId)) {
      const object = objectIn(found, path.objectId);
      const announced = link.parameters.length === 0 ? undefined : linkParameter(link, 'ver');
      if (announced !== undefined && parseObjectVersion(announced) !== undefined) {
        if (path.kind === 'object') object.version = announced;
        else object.instanceVersion ??= announced;
      }
      if (path.kind === 'objectInstance') object.objectInstanceIds.push(path.objectInstanceId);
    }
  }
  return {
    objects: found.sort((a, b) => a.objectId - b.objectId).map((one) => announced(one, version)),
    contentFormats,
    alternatePath,
  };
}

interface FoundObject {
  readonly objectId: number;
  version: string | undefined;
  instanceVersion: string | undefined;
  readonly objectInstanceIds: number[];
}

/** Links mostly come grouped by Object, so the last one is the likely one. */
function objectIn(found: FoundObject[], objectId: number): FoundObject {
  for (let at = found.length - 1; at >= 0; at--) {
    const candidate = found[at] as FoundObject;
    if (candidate.objectId === objectId) return candidate;
  }
  const created: FoundObject = { objectId, version: undefined, instanceVersion: undefined, objectInstanceIds: [] };
  found.push(created);
  return created;
}

function announced(found: FoundObject, version: LwM2mVersion): AnnouncedObject {
  const { objectId, objectInstanceIds } = found;
  return {
    objectId,
    version: found.version ?? found.instanceVersion ?? impliedObjectVersion(version, objectId),
    objectInstanceIds:
      objectInstanceIds.length < 2 ? objectInstanceIds : [...new Set(objectInstanceIds)].sort((a, b) => a - b),
  };
}

/** "110" or "60 110 112"; what is no Content-Format number is passed over. */
function parseContentFormats(link: Link): readonly number[] {
  const numbers = (linkParameter(link, 'ct') ?? '').split(' ').flatMap((text) => {
    const number = /^\d{1,5}$/.test(text) ? Number(text) : 65536;
    return number > 65535 ? [] : [number];
  });
  return [...new Set(numbers)].slice(0, MAX_CONTENT_FORMATS);
}

export interface ObjectLinksOptions {
  /** Of the registration: it implies the versions that need not be said. */
  readonly lwm2mVersion: LwM2mVersion;
  /** "" (default) or "/lwm2m". */
  readonly alternatePath?: string;
  /** A Content-Format to announce. One number, because some servers refuse a list. */
  readonly contentFormat?: number | undefined;
}

/**
 * Write the payload of a Register or Update: the root link when it has something to say, then the Objects in the given
 * order. Security, OSCORE and COSE are left out.
 *
 * @throws UsageError for an Object version that is none, or a path that cannot stand in a link.
 */
export function formatObjectLinks(objects: readonly AnnouncedObject[], options: ObjectLinksOptions): string {
  const { lwm2mVersion, alternatePath = '', contentFormat } = options;
  const links: Link[] = [];
  const root: LinkParameter[] = [];
  if (alternatePath !== '') root.push({ name: 'rt', value: RESOURCE_TYPE, quoted: true });
  if (contentFormat !== undefined) root.push({ name: 'ct', value: String(contentFormat) });
  const prefix = encodeURI(alternatePath);
  if (root.length > 0) links.push({ target: prefix === '' ? '/' : prefix, parameters: root });
  for (const { objectId, version, objectInstanceIds } of objects) {
    if (NOT_ANNOUNCED.has(objectId)) continue;
    if (parseObjectVersion(version) === undefined)
      throw new UsageError(`Object ${objectId} has no version: ${version}`);
    // LwM2M 1.0 writes it in quotes.
    const said = version !== impliedObjectVersion(lwm2mVersion, objectId);
    const parameters = said ? [{ name: 'ver', value: version, quoted: lwm2mVersion === '1.0' }] : [];
    if (said || objectInstanceIds.length === 0) links.push({ target: `${prefix}/${objectId}`, parameters });
    for (const id of objectInstanceIds) links.push({ target: `${prefix}/${objectId}/${id}`, parameters: [] });
  }
  return formatLinks(links);
}
