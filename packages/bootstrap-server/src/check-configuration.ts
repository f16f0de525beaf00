/**
 * Whether a configuration can be given to a device: shapes, ids, values by their definitions, and that it can be encoded.
 * It may come from JSON, so nothing is taken for granted.
 */
import { UsageError } from '@lapwing/coap';
import { encodePayload, isMalformed, parsePath, type Path } from '@lapwing/lwm2m';
import { withPlaceholderUris, type Account } from './account-uris.ts';
import type { AccountSecurity, BootstrapConfiguration } from './configuration.ts';
import type { ConfigurationChecks } from './configuration-administration.ts';
import { isWriteFormat, writeFormats } from './content-formats.ts';
import {
  generates,
  placeholderProofs,
  targetOf,
  wrongKey,
  type CredentialReceiver,
  type CredentialTarget,
} from './credentials.ts';
import { planOf } from './plan.ts';

/** @throws UsageError with the first thing that is wrong. */
export function checkConfiguration(
  configuration: BootstrapConfiguration,
  endpointClientName: string,
  { definitions, parameters, sources }: ConfigurationChecks,
): void {
  checkShape(configuration);
  checkAccounts(configuration, sources);
  checkGenerated(configuration, sources);
  const proofs = placeholderProofs(configuration, endpointClientName, sources);
  const plan = planOf(
    withPlaceholderUris(configuration),
    proofs,
    { nodes: undefined, lwm2mVersion: undefined },
    definitions,
  );
  if (isMalformed(plan)) throw new UsageError(plan.malformed);
  const { reads, deletes, writes } = plan;
  const operations = reads.length + deletes.length + writes.length;
  if (operations > parameters.maxOperations)
    throw new UsageError(`it takes ${operations} operations; ${parameters.maxOperations} are allowed`);
  const written = new Set<string>();
  for (const { path, entries } of writes) {
    const name = `/${Object.values(path).slice(1).join('/')}`;
    if (written.has(name)) throw new UsageError(`${name} is written twice`);
    written.add(name);
    for (const format of writeFormats(configuration.contentFormat, undefined, configuration.lwm2mVersion)) {
      const payload = encodePayload(format, entries, { path, definitions });
      if (isMalformed(payload)) throw new UsageError(payload.malformed);
      if (payload.length > parameters.maxPayloadBytes)
        throw new UsageError(`${name} takes ${payload.length} bytes; ${parameters.maxPayloadBytes} are allowed`);
    }
  }
}

const LISTS = [
  'servers',
  'bootstrapServers',
  'accessControl',
  'objects',
  'delete',
  'discover',
  'read',
] as const satisfies readonly (keyof BootstrapConfiguration)[];
const MEMBERS: ReadonlySet<string> = new Set([...LISTS, 'contentFormat', 'lwm2mVersion', 'pack', 'secureOnly']);

function checkShape(configuration: BootstrapConfiguration): void {
  if (!isPlainObject(configuration)) throw new UsageError('a configuration is an object');
  for (const member of Object.keys(configuration))
    if (!MEMBERS.has(member)) throw new UsageError(`a configuration has no "${member}"`);
  for (const member of LISTS) {
    const list: unknown = configuration[member];
    if (list !== undefined && !Array.isArray(list)) throw new UsageError(`"${member}" is a list`);
  }
  const { contentFormat, lwm2mVersion, pack, secureOnly } = configuration;
  if (contentFormat !== undefined && !isWriteFormat(contentFormat))
    throw new UsageError(`nothing can be written in Content-Format ${String(contentFormat)}`);
  if (lwm2mVersion !== undefined && !['1.0', '1.1', '1.2'].includes(lwm2mVersion))
    throw new UsageError(`lwm2mVersion is "1.0", "1.1" or "1.2", not "${String(lwm2mVersion)}"`);
  for (const flag of [pack, secureOnly])
    if (flag !== undefined && typeof flag !== 'boolean')
      throw new UsageError('"pack" and "secureOnly" are true or false');

  for (const text of configuration.delete ?? []) checkPath(text, ['root', 'object', 'objectInstance'], 'deleted');
  for (const text of configuration.discover ?? []) checkPath(text, ['root', 'object'], 'discovered');
  for (const text of configuration.read ?? []) {
    const path = checkPath(text, ['object', 'objectInstance'], 'read');
    if (path.kind !== 'root' && path.objectId !== 1 && path.objectId !== 2)
      throw new UsageError(`a device lets Objects 1 and 2 be read, not ${text}`);
  }
  for (const setting of configuration.objects ?? []) {
    if (!isPlainObject(setting)) throw new UsageError('"objects" lists objects with a "path"');
    if ('value' in setting) checkPath(setting.path, ['resource'], 'given a value');
    else if ('resources' in setting) {
      checkPath(setting.path, ['objectInstance'], 'given Resources');
      checkIds(setting.resources, 'Resource');
    } else if ('objectInstances' in setting) {
      checkPath(setting.path, ['object'], 'given Object Instances');
      checkIds(setting.objectInstances, 'Object Instance');
      for (const resources of Object.values(setting.objectInstances)) checkIds(resources, 'Resource');
    } else throw new UsageError('"objects" gives a "value", "resources" or "objectInstances" to each path');
  }
  for (const setting of configuration.accessControl ?? []) {
    if (!isPlainObject(setting) || !isPlainObject(setting.rights))
      throw new UsageError('"accessControl" lists objects with "rights"');
    checkId(setting.objectId, 'an Object ID');
    if (setting.objectInstanceId !== 'create') checkId(setting.objectInstanceId, 'an Object Instance ID');
    checkId(setting.owner, 'an owner', 65_535);
    checkIds(setting.rights, 'Short Server');
    if (setting.accessControlObjectInstanceId !== undefined)
      checkId(setting.accessControlObjectInstanceId, 'an Object Instance ID');
  }
}

function checkAccounts(
  { servers = [], bootstrapServers = [] }: BootstrapConfiguration,
  { targets, own }: ConfigurationChecks['sources'],
): void {
  const shortServerIds = new Set<number>();
  const security = new Set<number>();
  const server = new Set<number>();
  const once = (ids: Set<number>, id: number | undefined, name: string): void => {
    if (id === undefined) return;
    checkId(id, name);
    if (ids.has(id)) throw new UsageError(`${name} ${id} is used twice`);
    ids.add(id);
  };
  for (const account of servers) {
    if (!isPlainObject(account)) throw new UsageError('"servers" lists objects');
    const { shortServerId } = account;
    if (!Number.isInteger(shortServerId) || shortServerId < 1 || shortServerId > 65_534)
      throw new UsageError(`a Short Server ID is 1 to 65534, not ${String(shortServerId)}`);
    once(shortServerIds, shortServerId, 'the Short Server ID');
    once(security, account.securityObjectInstanceId, 'the Security Object Instance ID');
    once(server, account.serverObjectInstanceId, 'the Server Object Instance ID');
    checkUri(account, targetOf(targets, shortServerId));
  }
  for (const account of bootstrapServers) {
    if (!isPlainObject(account)) throw new UsageError('"bootstrapServers" lists objects');
    once(security, account.securityObjectInstanceId, 'the Security Object Instance ID');
    checkUri(account, own);
  }
}

/** A name has one credential of a kind with one server. */
function checkGenerated(
  { servers = [], bootstrapServers = [] }: BootstrapConfiguration,
  { targets, own }: ConfigurationChecks['sources'],
): void {
  const seen = new Map<CredentialReceiver, Set<string>>();
  const accounts = [
    ...servers.map(({ security, shortServerId }) => [security, targetOf(targets, shortServerId)] as const),
    ...bootstrapServers.map(({ security }) => [security, own] as const),
  ];
  for (const [security, target] of accounts) {
    if (!generates(security) || target?.security === undefined) continue;
    const modes = seen.get(target.security) ?? new Set();
    if (modes.has(security.mode))
      throw new UsageError(`two accounts with the same server have credentials of mode ${security.mode} generated`);
    seen.set(target.security, modes.add(security.mode));
  }
}

const MAX_URI_BYTES = 255;

function checkUri({ uri, security }: Account, target: CredentialTarget | undefined): void {
  if (uri === undefined && target?.uri !== undefined) return checkSecurity(security);
  if (typeof uri !== 'string' || uri.length > MAX_URI_BYTES || !URL.canParse(uri))
    throw new UsageError(`an account has a URI of at most ${MAX_URI_BYTES} characters, like coaps://host:5684`);
  checkSecurity(security);
  const { protocol } = new URL(uri);
  if (protocol === 'coaps:' && security.mode === 'none')
    throw new UsageError(`${uri} needs credentials, and the account has none`);
  if (protocol === 'coap:' && security.mode !== 'none')
    throw new UsageError(`the account has credentials, and ${uri} is without security: use coaps://`);
}

function checkSecurity(security: AccountSecurity): void {
  if (!isPlainObject(security)) throw new UsageError('an account has "security" with a "mode"');
  const bytes = (value: unknown, least: number, most: number, name: string): void => {
    if (!(value instanceof Uint8Array) || value.length < least || value.length > most)
      throw new UsageError(`${name} has ${least} to ${most} bytes`);
  };
  const { mode } = security;
  if (mode === 'x509') {
    const { certificateUsage = 3, matchingType = 0, serverCertificate } = security;
    for (const number of [certificateUsage, matchingType])
      if (![0, 1, 2, 3].includes(number)) throw new UsageError('certificateUsage and matchingType are 0, 1, 2 or 3');
    if (serverCertificate !== undefined) bytes(serverCertificate, 1, MAX_CERTIFICATE_BYTES, 'a certificate');
  }
  if (mode === 'rpk' && security.serverPublicKey !== undefined)
    bytes(security.serverPublicKey, 1, MAX_PUBLIC_KEY_BYTES, 'a public key');
  switch (mode) {
    case 'none':
      return;
    case 'psk': {
      const { identity } = security;
      if (identity !== undefined && typeof identity !== 'string') bytes(identity, 1, 128, 'a PSK identity');
      if (typeof identity === 'string') bytes(new TextEncoder().encode(identity), 1, 128, 'a PSK identity');
      if (!('generate' in security)) {
        if (identity === undefined) throw new UsageError('a pre-shared key has an identity');
        return bytes(security.key, 1, 64, 'a pre-shared key');
      }
      const { keyBytes = 16 } = security;
      if (!Number.isInteger(keyBytes) || keyBytes < 16 || keyBytes > 64)
        throw new UsageError(`a generated key has 16 to 64 bytes, not ${String(keyBytes)}`);
      return;
    }
    case 'rpk':
    case 'x509': {
      if ('generate' in security) return;
      if (security.mode === 'rpk') bytes(security.publicKey, 1, MAX_PUBLIC_KEY_BYTES, 'a public key');
      else bytes(security.certificate, 1, MAX_CERTIFICATE_BYTES, 'a certificate');
      bytes(security.privateKey, 1, MAX_PUBLIC_KEY_BYTES, 'a private key');
      const wrong = wrongKey(security.privateKey);
      if (wrong !== undefined) throw new UsageError(wrong);
      return;
    }
    default:
      throw new UsageError(`the mode is none, psk, rpk or x509, not "${String(mode)}"`);
  }
}

const MAX_CERTIFICATE_BYTES = 8192;
const MAX_PUBLIC_KEY_BYTES = 512;

function checkPath(text: unknown, kinds: readonly Path['kind'][], what: string): Path {
  const path = typeof text === 'string' ? parsePath(text) : { malformed: 'a path is text' };
  if (isMalformed(path)) throw new UsageError(path.malformed);
  if (!kinds.includes(path.kind)) throw new UsageError(`${String(text)} cannot be ${what}`);
  return path;
}

function checkId(id: unknown, name: string, most = 65_534): void {
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > most)
    throw new UsageError(`${name} is 0 to ${most}, not ${String(id)}`);
}

function checkIds(byId: object, name: string): void {
  if (!isPlainObject(byId)) throw new UsageError(`values are given by ${name} ID`);
  for (const id of Object.keys(byId)) checkId(/^\d{1,5}$/.test(id) ? Number(id) : NaN, `a ${name} ID`);
}

const isPlainObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
