/**
 * The answer to a Bootstrap-Discover: which Object Instances a Client has, and which server each account is for.
 * `</>;lwm2m=1.2,</0/0>;ssid=101;uri="coaps://s1.example.com",</0/1>,</1/0>;ssid=101,</3/0>,</5>`. OMA TS Core §6.1.7.3.
 *
 * Reading also takes what stands in the field: the version without a link before it (LwM2M 1.0), quotes anywhere, blanks
 * after commas, trailing slashes.
 */
import { DEFAULT_LINK_FORMAT_LIMITS, formatLinks, linkParameter, parseLinks } from '@lapwing/coap';
import type { LinkFormatLimits, LinkParameter } from '@lapwing/coap';
import type { LwM2mVersion } from '../identifiers.ts';
import { isMalformed } from '../malformed.ts';
import type { Malformed } from '../malformed.ts';
import { formatPath, parsePath } from '../path.ts';
import type { ObjectInstancePath, ObjectPath } from '../path.ts';

/** An Object without Object Instances, or an Object Instance. */
export interface BootstrapNode {
  readonly path: ObjectPath | ObjectInstancePath;
  /** Of an Object, where it is said: only where it differs from the implied one. */
  readonly version?: string | undefined;
  /** Whose account it is part of. The account of the Bootstrap-Server says none. */
  readonly shortServerId?: number | undefined;
  /** Of a Security Object Instance, 1.1. */
  readonly uri?: string | undefined;
}

export interface BootstrapDiscovery {
  /** As sent; undefined when the answer is about one Object. */
  readonly lwm2mVersion: string | undefined;
  readonly nodes: readonly BootstrapNode[];
}

/** Read the payload of an answer. Links that are no Object or Object Instance are passed over. */
export function parseBootstrapDiscover(
  payload: Uint8Array | string,
  limits: LinkFormatLimits = DEFAULT_LINK_FORMAT_LIMITS,
): BootstrapDiscovery | Malformed {
  const links = parseLinks(payload, limits);
  if (isMalformed(links)) return links;
  let lwm2mVersion: string | undefined;
  const nodes: BootstrapNode[] = [];
  for (const link of links) {
    const path = parsePath(link.target.replace(/(.)\/$/, '$1'));
    if (isMalformed(path)) continue;
    if (path.kind === 'root') lwm2mVersion ??= linkParameter(link, 'lwm2m');
    if (path.kind !== 'object' && path.kind !== 'objectInstance') continue;
    const ssid = linkParameter(link, 'ssid') ?? '';
    nodes.push({
      path,
      version: linkParameter(link, 'ver'),
      shortServerId: /^\d{1,5}$/.test(ssid) ? Number(ssid) : undefined,
      uri: linkParameter(link, 'uri'),
    });
  }
  return { lwm2mVersion, nodes };
}

/** Write the payload of an answer, in the given order. @param lwm2mVersion  for an answer about the root. */
export function formatBootstrapDiscover(
  nodes: readonly BootstrapNode[],
  lwm2mVersion: LwM2mVersion | undefined,
): string {
  const root = lwm2mVersion === undefined ? [] : [rootLink(lwm2mVersion)];
  const links = nodes.map(({ path, version, shortServerId, uri }) => {
    const parameters: LinkParameter[] = [];
    if (version !== undefined) parameters.push({ name: 'ver', value: version });
    if (shortServerId !== undefined) parameters.push({ name: 'ssid', value: String(shortServerId) });
    if (uri !== undefined) parameters.push({ name: 'uri', value: uri, quoted: true });
    return { target: formatPath(path), parameters };
  });
  return formatLinks([...root, ...links]);
}

const rootLink = (
  lwm2mVersion: LwM2mVersion,
): { readonly target: string; readonly parameters: readonly LinkParameter[] } => ({
  target: '/',
  parameters: [{ name: 'lwm2m', value: lwm2mVersion }],
});
