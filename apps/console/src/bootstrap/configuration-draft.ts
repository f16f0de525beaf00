/** A configuration while a person edits it: what is typed, and what it is as JSON with what is wrong, by place. */
import type {
  AccessControlSetting,
  BootstrapConfiguration,
  ObjectSetting,
  ResourcesJson,
  SettingJson,
  MultipleJson,
} from '../api/bootstrap-shapes.ts';
import { parseNodePath } from '../api/node-path.ts';
import type { ObjectDefinition } from '../api/shapes.ts';
import {
  bootstrapServerDraftOf,
  bootstrapServerJson,
  FieldReader,
  serverDraftOf,
  serverJson,
  withMembers,
  type BootstrapServerDraft,
  type ServerDraft,
} from './account-draft.ts';
import { newKey } from './draft-key.ts';
import { Mistakes, pointerTo } from './mistakes.ts';
import { isId, resourceDraftOf, resourceJson, type ResourceDraft } from './resource-draft.ts';

export interface ConfigurationDraft {
  readonly servers: readonly ServerDraft[];
  readonly bootstrapServers: readonly BootstrapServerDraft[];
  readonly accessControl: readonly AccessControlDraft[];
  readonly objects: readonly ObjectDraft[];
  /** Undefined: what is usual. */
  readonly delete: readonly string[] | undefined;
  readonly discover: readonly string[] | undefined;
  readonly read: readonly string[];
  /** '' or a number. */
  readonly contentFormat: string;
  readonly lwm2mVersion: '' | '1.0' | '1.1' | '1.2';
  readonly pack: boolean;
  readonly secureOnly: boolean;
}

export interface AccessControlDraft {
  readonly key: string;
  readonly objectId: string;
  /** 'create': the right to create Object Instances of the Object. */
  readonly objectInstanceId: string;
  readonly owner: string;
  readonly rights: readonly RightsDraft[];
  readonly accessControlObjectInstanceId: string;
}

export interface RightsDraft {
  readonly key: string;
  /** 0: every server that is not named. */
  readonly shortServerId: string;
  /** Of "rwedc". */
  readonly letters: string;
}

/** One Bootstrap-Write: of a Resource, of an Object Instance, or of all Object Instances of an Object. */
export interface ObjectDraft {
  readonly key: string;
  readonly as: 'resource' | 'objectInstance' | 'object';
  readonly objectId: number;
  /** One, but of an Object as a whole any number; of a Resource one with one Resource. */
  readonly objectInstances: readonly ObjectInstanceDraft[];
}

export interface ObjectInstanceDraft {
  readonly key: string;
  readonly id: string;
  readonly resources: readonly ResourceDraft[];
}

export type Definitions = ReadonlyMap<number, ObjectDefinition>;

export const EMPTY_CONFIGURATION: ConfigurationDraft = {
  servers: [],
  bootstrapServers: [],
  accessControl: [],
  objects: [],
  delete: undefined,
  discover: undefined,
  read: [],
  contentFormat: '',
  lwm2mVersion: '',
  pack: true,
  secureOnly: false,
};

/** The Objects whose definitions say how to read a configuration. */
export const objectIdsOf = ({ objects = [] }: BootstrapConfiguration): readonly number[] => [
  ...new Set(objects.map(({ path }) => parseNodePath(path)?.objectId ?? 0)),
];

export const RIGHTS = 'rwedc';

/** Letters of "rwedc" of their sum or of letters in any order. OMA TS Core §8.2, /2/x/2. */
export const rightsLetters = (rights: string | number): string =>
  Array.from(RIGHTS)
    .filter((letter, bit) =>
      typeof rights === 'number' ? (rights & (1 << bit)) !== 0 : rights.toLowerCase().includes(letter),
    )
    .join('');

const accessControlDraftOf = (json: AccessControlSetting): AccessControlDraft => ({
  key: newKey(),
  objectId: String(json.objectId),
  objectInstanceId: String(json.objectInstanceId),
  owner: String(json.owner),
  rights: Object.entries(json.rights).map(([shortServerId, rights]) => ({
    key: newKey(),
    shortServerId,
    letters: rightsLetters(rights),
  })),
  accessControlObjectInstanceId:
    json.accessControlObjectInstanceId === undefined ? '' : String(json.accessControlObjectInstanceId),
});

const objectInstanceDraftOf = (
  id: number | string,
  resources: ResourcesJson,
  definition: ObjectDefinition | undefined,
): ObjectInstanceDraft => ({
  key: newKey(),
  id: String(id),
  resources: Object.entries(resources).map(([resourceId, setting]) =>
    resourceDraftOf(Number(resourceId), setting, definition),
  ),
});

const objectDraftOf = (setting: ObjectSetting, definitions: Definitions): ObjectDraft => {
  const { objectId, objectInstanceId = 0, resourceId = 0 } = parseNodePath(setting.path) ?? { objectId: 0 };
  const definition = definitions.get(objectId);
  if ('value' in setting) {
    const resources = { [resourceId]: setting.value };
    return {
      key: newKey(),
      as: 'resource',
      objectId,
      objectInstances: [objectInstanceDraftOf(objectInstanceId, resources, definition)],
    };
  }
  if ('resources' in setting) {
    const objectInstance = objectInstanceDraftOf(objectInstanceId, setting.resources, definition);
    return { key: newKey(), as: 'objectInstance', objectId, objectInstances: [objectInstance] };
  }
  const objectInstances = Object.entries(setting.objectInstances).map(([id, resources]) =>
    objectInstanceDraftOf(id, resources, definition),
  );
  return { key: newKey(), as: 'object', objectId, objectInstances };
};

export const configurationDraftOf = (json: BootstrapConfiguration, definitions: Definitions): ConfigurationDraft => {
  const accounts = { security: definitions.get(0), server: definitions.get(1) };
  return {
    servers: (json.servers ?? []).map((each) => serverDraftOf(each, accounts)),
    bootstrapServers: (json.bootstrapServers ?? []).map((each) => bootstrapServerDraftOf(each, accounts)),
    accessControl: (json.accessControl ?? []).map(accessControlDraftOf),
    objects: (json.objects ?? []).map((each) => objectDraftOf(each, definitions)),
    delete: json.delete,
    discover: json.discover,
    read: json.read ?? [],
    contentFormat: json.contentFormat === undefined ? '' : String(json.contentFormat),
    lwm2mVersion: json.lwm2mVersion ?? '',
    pack: json.pack ?? true,
    secureOnly: json.secureOnly ?? false,
  };
};

const accessControlJson = (draft: AccessControlDraft, pointer: string, mistakes: Mistakes): AccessControlSetting => {
  const read = new FieldReader(pointer, mistakes);
  const isCreate = draft.objectInstanceId.trim() === 'create';
  const needed = (member: string, text: string, most: number): number => {
    if (text.trim() === '') read.mistake(member, `A number from 0 to ${most} is needed.`);
    return read.whole(member, text, most) ?? 0;
  };
  const rights: Record<string, string> = {};
  for (const { shortServerId, letters } of draft.rights) {
    const id = shortServerId.trim();
    if (!isId(id)) read.mistake('rights', 'A Short Server ID is 0, for all others, to 65534.');
    else if (id in rights) read.mistake('rights', `The rights of server ${id} are given twice.`);
    rights[id] = letters;
  }
  return withMembers(
    {
      objectId: needed('objectId', draft.objectId, 65_534),
      objectInstanceId: isCreate ? ('create' as const) : needed('objectInstanceId', draft.objectInstanceId, 65_534),
      owner: needed('owner', draft.owner, 65_535),
      rights,
    },
    {
      accessControlObjectInstanceId: read.objectInstanceId(
        'accessControlObjectInstanceId',
        draft.accessControlObjectInstanceId,
      ),
    },
  );
};

const resourcesJson = (
  resources: readonly ResourceDraft[],
  pointer: string,
  mistakes: Mistakes,
): Readonly<Record<string, SettingJson | MultipleJson>> =>
  Object.fromEntries(
    resources.map((resource) => [
      resource.resourceId,
      resourceJson(resource, pointerTo(pointer, resource.resourceId), mistakes),
    ]),
  );

const objectJson = (draft: ObjectDraft, pointer: string, mistakes: Mistakes): ObjectSetting => {
  const { as, objectId, objectInstances } = draft;
  const ids = new Set<string>();
  for (const { id } of objectInstances) {
    const trimmed = id.trim();
    const at = as === 'object' ? pointerTo(pointer, 'objectInstances', trimmed) : pointerTo(pointer, 'path');
    if (!isId(trimmed)) mistakes.add(at, 'An Object Instance ID is 0 to 65534.');
    else if (ids.has(trimmed)) mistakes.add(at, `Object Instance ${trimmed} is given twice.`);
    ids.add(trimmed);
  }
  const [first] = objectInstances;
  const instancePath = `/${objectId}/${first?.id.trim() ?? '0'}`;
  switch (as) {
    case 'resource': {
      const resource = first?.resources[0];
      if (resource === undefined) {
        mistakes.add(pointer, 'A Resource is needed.');
        return { path: instancePath, resources: {} };
      }
      return {
        path: `${instancePath}/${resource.resourceId}`,
        value: resourceJson(resource, pointerTo(pointer, 'value'), mistakes),
      };
    }
    case 'objectInstance':
      return {
        path: instancePath,
        resources: resourcesJson(first?.resources ?? [], pointerTo(pointer, 'resources'), mistakes),
      };
    case 'object':
      return {
        path: `/${objectId}`,
        objectInstances: Object.fromEntries(
          objectInstances.map(({ id, resources }) => [
            id.trim(),
            resourcesJson(resources, pointerTo(pointer, 'objectInstances', id.trim()), mistakes),
          ]),
        ),
      };
  }
};

/** What the editor holds, as JSON; what is wrong in it is found without the server. */
export const configurationJson = (
  draft: ConfigurationDraft,
): { readonly configuration: BootstrapConfiguration; readonly mistakes: Mistakes } => {
  const mistakes = new Mistakes();
  const list = <Draft, Json>(
    member: string,
    drafts: readonly Draft[],
    json: (draft: Draft, pointer: string, mistakes: Mistakes) => Json,
  ): readonly Json[] | undefined =>
    drafts.length === 0 ? undefined : drafts.map((each, index) => json(each, pointerTo('', member, index), mistakes));
  const read = new FieldReader('', mistakes);
  const configuration = withMembers(
    {},
    {
      servers: list('servers', draft.servers, serverJson),
      bootstrapServers: list('bootstrapServers', draft.bootstrapServers, bootstrapServerJson),
      accessControl: list('accessControl', draft.accessControl, accessControlJson),
      objects: list('objects', draft.objects, objectJson),
      delete: draft.delete,
      discover: draft.discover,
      read: draft.read.length === 0 ? undefined : draft.read,
      contentFormat: read.whole('contentFormat', draft.contentFormat, 65_535),
      lwm2mVersion: draft.lwm2mVersion === '' ? undefined : draft.lwm2mVersion,
      pack: draft.pack ? undefined : false,
      secureOnly: draft.secureOnly ? true : undefined,
    },
  ) as BootstrapConfiguration;
  const shortServerIds = new Set<number>();
  for (const [index, { shortServerId }] of (configuration.servers ?? []).entries()) {
    if (shortServerIds.has(shortServerId))
      mistakes.add(
        pointerTo('/servers', index, 'shortServerId'),
        `Another server has the Short Server ID ${shortServerId}.`,
      );
    shortServerIds.add(shortServerId);
  }
  return { configuration, mistakes };
};

/** The first Short Server ID that no server of the draft has. */
export const freeShortServerId = ({ servers }: ConfigurationDraft): number => {
  const taken = new Set(servers.map(({ shortServerId }) => Number(shortServerId)));
  let id = 1;
  while (taken.has(id)) id++;
  return id;
};
