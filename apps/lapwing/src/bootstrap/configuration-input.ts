/**
 * A configuration as people and programs send it, turned into one that can be given to a device: with the secrets that
 * are kept where it says so, and with the place of what is wrong.
 */
import { UsageError } from '@lapwing/coap';
import { configurationFromJson, configurationToJson, type BootstrapConfiguration } from '@lapwing/bootstrap-server';
import { malformed, type Malformed } from '@lapwing/lwm2m';
import type { AccountSecurityJson, ConfigurationJson } from '../rest/bootstrap-configuration-schema.ts';
import type { Bootstrap } from './bootstrap.ts';

/** Malformed together with where, as a JSON Pointer. */
export interface WrongConfiguration extends Malformed {
  readonly field: string | undefined;
}

/**
 * @param kept  what the device has now: whose secrets `{hidden: true}` stands for.
 * @param endpointClientName  undefined: for any device.
 */
export function configurationFrom(
  json: ConfigurationJson,
  kept: BootstrapConfiguration | undefined,
  { server, serverUris, ownUris }: Pick<Bootstrap, 'server' | 'serverUris' | 'ownUris'>,
  endpointClientName?: string,
): BootstrapConfiguration | WrongConfiguration {
  for (const [list, uris] of [
    ['servers', serverUris],
    ['bootstrapServers', ownUris],
  ] as const)
    for (const [index, { uri, security }] of (json[list] ?? []).entries()) {
      const complaint = wrongMember(security, `/${list}/${index}/security`);
      if (complaint !== undefined) return complaint;
      const scheme = security.mode === 'none' ? 'coap' : 'coaps';
      if (uri === undefined && !uris.has(scheme))
        return wrong(`/${list}/${index}`, `a uri is needed, because ${scheme} is not served here`);
    }
  const shown = kept === undefined ? undefined : configurationToJson(kept, { secrets: 'shown' });
  let configuration: BootstrapConfiguration;
  try {
    configuration = configurationFromJson(withKeptSecrets(json, shown, ''));
  } catch (error) {
    if (error instanceof NothingKept) return wrong(error.field, error.message);
    throw error;
  }
  const reason = complaintOf(server, configuration, endpointClientName);
  if (reason === undefined) return configuration;
  // What is wrong by itself says where; else it is wrong together with the rest.
  for (const list of LISTS)
    for (const [index, part] of (configuration[list] ?? []).entries()) {
      const of = complaintOf(server, { [list]: [part] }, endpointClientName);
      if (of !== undefined) return wrong(`/${list}/${index}`, of);
    }
  return wrong(undefined, reason);
}

const LISTS = ['servers', 'bootstrapServers', 'accessControl', 'objects', 'delete', 'discover', 'read'] as const;

const wrong = (field: string | undefined, what: string): WrongConfiguration => ({ ...malformed(what), field });

function complaintOf(
  server: Bootstrap['server'],
  configuration: BootstrapConfiguration,
  endpointClientName: string | undefined,
): string | undefined {
  try {
    server.configurations.check(configuration, endpointClientName);
    return undefined;
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
}

type Member = Exclude<keyof AccountSecurityJson, 'mode' | 'generate'>;
interface Members {
  readonly needed: readonly Member[];
  readonly allowed: readonly Member[];
}

const CONFIGURED: Readonly<Record<AccountSecurityJson['mode'], Members>> = {
  none: { needed: [], allowed: [] },
  psk: { needed: ['identity', 'key'], allowed: [] },
  rpk: { needed: ['publicKey', 'privateKey'], allowed: ['serverPublicKey'] },
  x509: {
    needed: ['certificate', 'privateKey'],
    allowed: ['serverCertificate', 'certificateUsage', 'matchingType'],
  },
};
const GENERATED: Readonly<Record<AccountSecurityJson['mode'], readonly Member[] | undefined>> = {
  none: undefined,
  psk: ['identity', 'keyBytes'],
  rpk: CONFIGURED.rpk.allowed,
  x509: CONFIGURED.x509.allowed,
};

function wrongMember(security: AccountSecurityJson, at: string): WrongConfiguration | undefined {
  const { mode, generate, ...members } = security;
  const generated = GENERATED[mode];
  if (generate === true && generated === undefined) return wrong(`${at}/generate`, `mode ${mode} has no credentials`);
  const { needed, allowed }: Members = generate === true ? { needed: [], allowed: generated ?? [] } : CONFIGURED[mode];
  for (const member of needed)
    if (members[member] === undefined) return wrong(`${at}/${member}`, `mode ${mode} needs it, or "generate": true`);
  for (const member of Object.keys(members) as Member[])
    if (!needed.includes(member) && !allowed.includes(member))
      return wrong(`${at}/${member}`, `mode ${mode}${generate === true ? ', generated,' : ''} has none`);
  return undefined;
}

class NothingKept extends Error {
  readonly field: string;
  constructor(field: string) {
    super('no secret is kept here that it could stand for');
    this.field = field;
  }
}

/** The same JSON with what `kept` has in the place of each `{hidden: true}`. @throws NothingKept. */
function withKeptSecrets(node: unknown, kept: unknown, at: string): unknown {
  if (typeof node !== 'object' || node === null) return node;
  if (Array.isArray(node)) {
    return node.map((item: unknown, index) => withKeptSecrets(item, counterpart(item, index, kept), `${at}/${index}`));
  }
  if ('hidden' in node) {
    if (kept === undefined) throw new NothingKept(at);
    return kept;
  }
  return Object.fromEntries(
    Object.entries(node).map(([name, member]) => [
      name,
      withKeptSecrets(member, memberOf(kept, name), `${at}/${name}`),
    ]),
  );
}

/** Accounts are the same when they are with the same server, settings when they have the same path. */
function counterpart(item: unknown, index: number, kept: unknown): unknown {
  if (!Array.isArray(kept)) return undefined;
  const list = kept as readonly unknown[];
  for (const key of ['shortServerId', 'path']) {
    const value = memberOf(item, key);
    if (value !== undefined) return list.find((each) => memberOf(each, key) === value);
  }
  return list[index];
}

const memberOf = (node: unknown, name: string): unknown =>
  typeof node === 'object' && node !== null && Object.hasOwn(node, name)
    ? (node as Readonly<Record<string, unknown>>)[name]
    : undefined;
