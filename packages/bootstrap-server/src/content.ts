/**
 * A configuration as entries: accounts as Resources of Security (0) and Server (1), access rights as Access Control (2),
 * other settings as their definitions type them. OMA TS Core, Appendix E.
 */
import {
  AccessControl,
  checkRange,
  formatPath,
  isMalformed,
  malformed,
  MAX_ID,
  objectInstancePath,
  resourceInstancePath,
  resourcePath,
  Security,
  Server,
  valueFromJs,
  type DefinitionLookup,
  type Malformed,
  type NodeEntry,
  type ObjectInstancePath,
  type ResourcePath,
  type ResourceShape,
  type Value,
} from '@lapwing/lwm2m';
import type {
  AccessControlSetting,
  BootstrapServerAccount,
  MultipleSetting,
  ObjectSetting,
  ResourceSettings,
  ServerAccount,
  SettingValue,
} from './configuration.ts';
import { isSecret } from './secrets.ts';

/** What a device and the server of an account prove themselves with, as the Security Object has it. */
export interface AccountProof {
  /** /0/x/2. */
  readonly securityMode: 0 | 1 | 2 | 3;
  readonly publicKeyOrIdentity: Uint8Array;
  readonly serverPublicKey: Uint8Array;
  readonly secretKey: Uint8Array;
  readonly certificateUsage?: number | undefined;
  readonly matchingType?: number | undefined;
}

type Entries = readonly NodeEntry[] | Malformed;
type Setting = SettingValue | MultipleSetting;
type Named = Readonly<Record<string, Setting | undefined>>;

const DEFAULT_LIFETIME_SECONDS = 86_400;

export function securityEntries(
  path: ObjectInstancePath,
  account: ServerAccount | BootstrapServerAccount,
  proof: AccountProof,
  definitions: DefinitionLookup,
): Entries {
  const ofServer = 'shortServerId' in account;
  if (account.uri === undefined) return malformed(`${formatPath(path)}: the URI of the server is not known`);
  return named(path, Security.resources, definitions, {
    lwm2mServerUri: account.uri,
    bootstrapServer: !ofServer,
    ...proof,
    ...(ofServer
      ? { shortServerId: account.shortServerId }
      : {
          clientHoldOffTime: account.holdOffSeconds,
          bootstrapServerAccountTimeout: account.accountTimeoutSeconds,
        }),
    ...(account.securityObject as Named | undefined),
  });
}

export function serverEntries(
  path: ObjectInstancePath,
  { shortServerId, lifetimeSeconds = DEFAULT_LIFETIME_SECONDS, binding = 'U', server }: ServerAccount,
  definitions: DefinitionLookup,
): Entries {
  return named(path, Server.resources, definitions, {
    shortServerId,
    lifetime: lifetimeSeconds,
    // Mandatory.
    notificationStoringWhenDisabledOrOffline: false,
    binding,
    ...(server as Named | undefined),
  });
}

export function accessControlEntries(path: ObjectInstancePath, setting: AccessControlSetting): Entries {
  const acl: Record<number, number> = {};
  for (const [shortServerId, rights] of Object.entries(setting.rights)) {
    const sum = typeof rights === 'number' ? rights : sumOfRights(rights);
    if (sum === undefined || !Number.isInteger(sum) || sum < 0 || sum > ALL_RIGHTS)
      return malformed(`access rights are letters of "rwedc" or a number from 0 to ${ALL_RIGHTS}, not "${rights}"`);
    acl[Number(shortServerId)] = sum;
  }
  const { objectInstanceId } = setting;
  return named(path, AccessControl.resources, undefined, {
    controlledObjectId: setting.objectId,
    controlledObjectInstanceId: objectInstanceId === 'create' ? MAX_ID : objectInstanceId,
    acl,
    accessControlOwner: setting.owner,
  });
}

/** Read, Write, Execute, Delete, Create. OMA TS Core §8.2, /2/x/2. */
const RIGHTS = 'rwedc';
const ALL_RIGHTS = 31;

function sumOfRights(letters: string): number | undefined {
  let sum = 0;
  for (const letter of letters.toLowerCase()) {
    const bit = RIGHTS.indexOf(letter);
    if (bit < 0) return undefined;
    sum |= 1 << bit;
  }
  return sum;
}

/** @param path  of the setting, as parsed. */
export function settingEntries(
  path: ResourcePath | ObjectInstancePath | { readonly kind: 'object'; readonly objectId: number },
  setting: ObjectSetting,
  definitions: DefinitionLookup,
): Entries {
  if ('value' in setting) return resourceEntries(path as ResourcePath, setting.value, definitions);
  if ('resources' in setting) return instanceEntries(path as ObjectInstancePath, setting.resources, definitions);
  return together(
    Object.entries(setting.objectInstances).map(([id, resources]) =>
      instanceEntries(objectInstancePath(path.objectId, Number(id)), resources, definitions),
    ),
  );
}

function instanceEntries(
  path: ObjectInstancePath,
  resources: ResourceSettings,
  definitions: DefinitionLookup,
): Entries {
  const ids = Object.keys(resources);
  if (ids.length === 0) return [{ kind: 'empty', path }];
  return together(
    ids.map((id) =>
      resourceEntries(
        resourcePath(path.objectId, path.objectInstanceId, Number(id)),
        resources[Number(id)]!,
        definitions,
      ),
    ),
  );
}

/** Resources by name; those that are undefined are left out. */
function named(
  path: ObjectInstancePath,
  shapes: Readonly<Record<string, ResourceShape>>,
  definitions: DefinitionLookup | undefined,
  values: Named,
): Entries {
  const wanted: (readonly [shape: ResourceShape, value: Setting])[] = [];
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const shape = Object.hasOwn(shapes, name) ? shapes[name] : undefined;
    if (shape === undefined) return malformed(`Object ${path.objectId} has no Resource called "${name}"`);
    wanted.push([shape, value]);
  }
  wanted.sort(([a], [b]) => a.id - b.id);
  return together(
    wanted.map(([shape, value]) =>
      resourceEntries(resourcePath(path.objectId, path.objectInstanceId, shape.id), value, definitions, shape),
    ),
  );
}

function resourceEntries(
  path: ResourcePath,
  setting: Setting,
  definitions: DefinitionLookup | undefined,
  shape?: ResourceShape,
): Entries {
  const definition = definitions?.resource(path.objectId, path.resourceId);
  const type = shape?.type ?? definition?.type ?? typeOf(setting);
  const single = (at: NodeEntry['path'], given: unknown): Entries => {
    const value = valueFromJs(type, given);
    // What is wrong would be quoted.
    if (isMalformed(value))
      return malformed(`${formatPath(at)}: ${isSecret(at) ? `what it takes is ${type}` : value.malformed}`);
    const wrong = definition === undefined ? undefined : checkRange(definition, value);
    if (wrong !== undefined) return malformed(`${formatPath(at)}: ${wrong.malformed}`);
    return [{ kind: 'value', path: at as ResourcePath, value }];
  };
  const isMultiple = shape?.multiple ?? definition?.multiple ?? isByInstance(setting);
  if (!isMultiple) return single(path, setting);
  if (!isByInstance(setting))
    return malformed(`${formatPath(path)} has Resource Instances: give the values by their ids`);
  const instances = Object.entries(setting);
  if (instances.length === 0) return [{ kind: 'empty', path }];
  return together(
    instances.map(([id, value]) =>
      single(resourceInstancePath(path.objectId, path.objectInstanceId, path.resourceId, Number(id)), value),
    ),
  );
}

function isByInstance(setting: Setting): setting is MultipleSetting {
  return (
    typeof setting === 'object' &&
    setting !== null &&
    !(setting instanceof Uint8Array) &&
    !(setting instanceof Date) &&
    !('objectId' in setting)
  );
}

/** Of a Resource without a definition. */
function typeOf(setting: Setting): Value['type'] {
  const value: unknown = isByInstance(setting) ? Object.values(setting)[0] : setting;
  switch (typeof value) {
    case 'boolean':
      return 'boolean';
    case 'bigint':
      return 'integer';
    case 'number':
      return Number.isInteger(value) ? 'integer' : 'float';
    case 'object':
      if (value instanceof Uint8Array) return 'opaque';
      if (value instanceof Date) return 'time';
      return value === null ? 'none' : 'objlnk';
    default:
      return 'string';
  }
}

function together(parts: readonly Entries[]): Entries {
  const all: NodeEntry[] = [];
  for (const part of parts) {
    if (isMalformed(part)) return part;
    all.push(...part);
  }
  return all;
}
