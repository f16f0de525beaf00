/**
 * What a Client asks of a Bootstrap-Server. OMA TS Core §6.1.3, §6.1.7.2, Transport §6.4.2.
 *
 * | operation              | request      | queries | answer                                            |
 * |------------------------|--------------|---------|---------------------------------------------------|
 * | Bootstrap-Request      | POST /bs     | ep pct  | 2.04; the Bootstrap-Server's operations follow    |
 * | Bootstrap-Pack-Request | GET /bspack  | ep acc  | 2.05 with the whole configuration; 1.2            |
 *
 * `ep` may be absent since 1.1, when the security layer tells who it is. `pct` (1.1) names the Content-Format the Client
 * wants to be written in; `acc` (1.2.1) the Object Instances of its Bootstrap-Server account, which stay.
 */
import { Codes, formatLinks, parseLinks } from '@lapwing/coap';
import type { Code } from '@lapwing/coap';
import { isMalformed } from '../malformed.ts';
import type { Malformed } from '../malformed.ts';
import { formatPath, parsePath } from '../path.ts';
import type { ObjectInstancePath } from '../path.ts';
import { formatAdditionalQueries } from './additional-queries.ts';
import { checkEndpointClientName, DEFAULT_REGISTRATION_LIMITS } from './registration.ts';

export const BOOTSTRAP_PATH: readonly string[] = Object.freeze(['bs']);
export const BOOTSTRAP_PACK_PATH: readonly string[] = Object.freeze(['bspack']);

/** Object Instances of a Bootstrap-Server account that an `acc` may name. */
const MAX_ACCOUNT_LINKS = 16;
/** Parameters beyond the specification's that are kept, and the bytes of each. */
const MAX_ADDITIONAL = 16;
const MAX_ADDITIONAL_LENGTH = 256;

export interface BootstrapRequestParameters {
  readonly endpointClientName: string | undefined;
  /** `pct`: a Content-Format number. */
  readonly preferredContentFormat: number | undefined;
  /** What the Client said beyond the specification, for a Bootstrap-Server that decides by it; at most 16, cut at 256 characters. */
  readonly additional: Readonly<Record<string, string>>;
}

export interface BootstrapPackRequestParameters {
  readonly endpointClientName: string | undefined;
  /** `acc`: the Object Instances of the account with this Bootstrap-Server; empty when it is not said. */
  readonly account: readonly ObjectInstancePath[];
  readonly additional: Readonly<Record<string, string>>;
}

/** What a request to a Bootstrap-Server asks for, by method and path; undefined when there is nothing of the kind. */
export function bootstrapRequest(code: Code, segments: readonly string[]): 'request' | 'pack' | undefined {
  if (segments.length !== 1) return undefined;
  if (segments[0] === BOOTSTRAP_PATH[0] && code === Codes.post) return 'request';
  return segments[0] === BOOTSTRAP_PACK_PATH[0] && code === Codes.get ? 'pack' : undefined;
}

/** Read the queries of a Bootstrap-Request. Unknown parameters are taken; one given twice, or a `pct` that is no number, is not. */
export function parseBootstrapRequest(queries: readonly string[]): BootstrapRequestParameters | Malformed {
  const given = readQueries(queries, ['ep', 'pct']);
  if (isMalformed(given)) return given;
  const endpointClientName = nameOf(given.known.get('ep'));
  if (isMalformed(endpointClientName)) return endpointClientName;
  const pct = given.known.get('pct');
  if (pct !== undefined && !/^\d{1,5}$/.test(pct)) return { malformed: 'pct takes the number of a Content-Format' };
  return {
    endpointClientName,
    preferredContentFormat: pct === undefined ? undefined : Number(pct),
    additional: given.additional,
  };
}

/**
 * `ep` first: a known Bootstrap-Server looks for it there.
 *
 * @throws UsageError for additional parameters that no query can carry, or whose names are LwM2M's own.
 */
export function formatBootstrapRequestQueries({
  endpointClientName,
  preferredContentFormat,
  additional,
}: Partial<BootstrapRequestParameters>): readonly string[] {
  return [
    ...(endpointClientName === undefined ? [] : [`ep=${endpointClientName}`]),
    ...(preferredContentFormat === undefined ? [] : [`pct=${preferredContentFormat}`]),
    ...additionalQueries(additional),
  ];
}

/** Read the queries of a Bootstrap-Pack-Request. */
export function parseBootstrapPackRequest(queries: readonly string[]): BootstrapPackRequestParameters | Malformed {
  const given = readQueries(queries, ['ep', 'acc']);
  if (isMalformed(given)) return given;
  const endpointClientName = nameOf(given.known.get('ep'));
  if (isMalformed(endpointClientName)) return endpointClientName;
  const account = parseAccount(given.known.get('acc') ?? '');
  if (isMalformed(account)) return account;
  return { endpointClientName, account, additional: given.additional };
}

/** @throws UsageError as `formatBootstrapRequestQueries` does. */
export function formatBootstrapPackQueries({
  endpointClientName,
  account = [],
  additional,
}: Partial<BootstrapPackRequestParameters>): readonly string[] {
  const links = formatLinks(account.map((path) => ({ target: formatPath(path), parameters: [] })));
  return [
    ...(endpointClientName === undefined ? [] : [`ep=${endpointClientName}`]),
    ...(links === '' ? [] : [`acc=${links}`]),
    ...additionalQueries(additional),
  ];
}

const OWN_PARAMETERS: ReadonlySet<string> = new Set(['ep', 'pct', 'acc']);

const additionalQueries = (additional: Readonly<Record<string, string>> = {}): readonly string[] =>
  formatAdditionalQueries(additional, 'a Bootstrap-Request', (name) => OWN_PARAMETERS.has(name));

function parseAccount(text: string): readonly ObjectInstancePath[] | Malformed {
  const links = parseLinks(text, { maxBytes: 1024, maxLinks: MAX_ACCOUNT_LINKS, maxParametersPerLink: 8 });
  if (isMalformed(links)) return { malformed: `acc: ${links.malformed}` };
  const account: ObjectInstancePath[] = [];
  for (const { target } of links) {
    const path = parsePath(target);
    if (isMalformed(path) || path.kind !== 'objectInstance') {
      return { malformed: 'acc lists Object Instances, as </0/0>,</21/0>' };
    }
    account.push(path);
  }
  return account;
}

function nameOf(text: string | undefined): string | Malformed | undefined {
  if (text === undefined || text === '') return undefined;
  const reason = checkEndpointClientName(text, DEFAULT_REGISTRATION_LIMITS.maxEndpointClientNameBytes);
  return reason === undefined ? text : { malformed: reason };
}

interface Given {
  readonly known: ReadonlyMap<string, string>;
  readonly additional: Readonly<Record<string, string>>;
}

function readQueries(queries: readonly string[], names: readonly string[]): Given | Malformed {
  const known = new Map<string, string>();
  // A parameter may be called anything, "__proto__" too.
  const additional = Object.create(null) as Record<string, string>;
  let additions = 0;
  for (const query of queries) {
    const equals = query.indexOf('=');
    const name = equals < 0 ? query : query.slice(0, equals);
    const value = equals < 0 ? '' : query.slice(equals + 1);
    if (names.includes(name)) {
      if (known.has(name)) return { malformed: `${name} is given twice` };
      known.set(name, value);
    } else if (additions < MAX_ADDITIONAL && name !== '') {
      additional[name.slice(0, MAX_ADDITIONAL_LENGTH)] = value.slice(0, MAX_ADDITIONAL_LENGTH);
      additions++;
    }
  }
  return { known, additional };
}
