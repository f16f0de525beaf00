/**
 * The JSON shapes of the REST API: an interface for our code and a JSON Schema for validation and the OpenAPI document,
 * held together by the compiler.
 */
import { type TSchema, type TOptional, type TString, type TUnsafe, Type } from 'typebox';
import { CIPHER_SUITES, type CipherSuiteName } from '@lapwing/dtls';
import type { DataType, LwM2mVersion, NotificationAttributes, ResourceOperations } from '@lapwing/lwm2m';
import type { WriteAttributes } from '@lapwing/server';
import { NotificationAttributesSchema } from './attribute-schemas.ts';
import type { CreateBodyJson, NodeBodyJson } from './node-content.ts';
import type { ProblemBody } from './problem.ts';
import { closed, list, record, shape, sized, text, time } from './schema-parts.ts';
import type { EntryJson, ScalarJson } from './value-json.ts';

export interface ObjectJson {
  readonly objectId: number;
  /** Undefined when no definition knows the Object. */
  readonly name?: string;
  readonly version: string;
  readonly objectInstanceIds: readonly number[];
}

export interface DeviceSummaryJson {
  readonly name: string;
  readonly registrationId: string;
  readonly lwm2mVersion: LwM2mVersion;
  readonly lifetimeSeconds: number;
  readonly binding: string;
  readonly queueMode: boolean;
  /** False while a device in queue mode sleeps. */
  readonly awake: boolean;
  readonly smsNumber?: string;
  /** "127.0.0.1:5683", "[::1]:5683". */
  readonly address: string;
  readonly security: SecurityJson;
  readonly registeredAt: string;
  readonly updatedAt: string;
  /** null: never. */
  readonly expiresAt: string | null;
  readonly contentFormats: readonly number[];
  readonly objectIds: readonly number[];
}

export interface SecurityJson {
  /** 'none': plain CoAP, and the device is what it says it is. */
  readonly kind: 'none' | 'psk' | 'rpk' | 'x509';
  /** What was proven: the PSK identity, "sha-256;…" of the public key, the name in the certificate. */
  readonly identity?: string;
}

export interface AssociationJson {
  readonly cipherSuite: CipherSuiteName;
  /** The address may change. */
  readonly connectionId: boolean;
  readonly extendedMasterSecret: boolean;
  readonly openedAt: string;
  readonly addressChanges: number;
  readonly forgedRecords: number;
}

export interface DeviceSecurityJson extends SecurityJson {
  /** Absent for plain CoAP; null when it has ended: nothing reaches the device until it has opened a new one. */
  readonly association?: AssociationJson | null;
}

export interface DeviceJson extends Omit<DeviceSummaryJson, 'objectIds' | 'security'> {
  readonly security: DeviceSecurityJson;
  /** What it said beyond the parameters of LwM2M. */
  readonly additionalParameters: Readonly<Record<string, string>>;
  readonly objects: readonly ObjectJson[];
}

export interface DeviceListJson {
  readonly items: readonly DeviceSummaryJson[];
  /** null on the last page. */
  readonly nextCursor: string | null;
  /** All registered devices, whatever the search. */
  readonly total: number;
}

export interface CodeJson {
  /** "2.04". */
  readonly code: string;
}

export interface ReadJson extends CodeJson {
  readonly path: string;
  readonly contentFormat: number;
  readonly entries: readonly EntryJson[];
}

export interface CreatedJson extends CodeJson {
  readonly path: string;
  /** When several were created; `path` is their Object then. */
  readonly paths?: readonly string[];
}

export interface DiscoveredNodeJson {
  readonly path: string;
  readonly version?: string;
  readonly dimension?: number;
  readonly attributes: Readonly<Record<string, string>>;
}
export interface DiscoveredJson extends CodeJson {
  readonly items: readonly DiscoveredNodeJson[];
}

export interface NotificationJson {
  readonly receivedAt: string;
  readonly contentFormat: number;
  readonly entries: readonly EntryJson[];
}

export interface ObservationJson {
  readonly path: string;
  /** Of an Observe-Composite, whose path is "/". */
  readonly paths?: readonly string[];
  /** That hold for this observation alone. */
  readonly attributes?: NotificationAttributes;
  /** No notifications come until the device has registered or answered. */
  readonly waiting: boolean;
  readonly startedAt: string;
  readonly lastNotification: NotificationJson | null;
}

export interface ObservedJson extends CodeJson {
  readonly path: string;
  readonly startedAt: string;
  readonly contentFormat: number;
  readonly entries: readonly EntryJson[];
}

export interface ResourceDefinitionJson {
  readonly resourceId: number;
  readonly name: string;
  readonly operations: ResourceOperations;
  readonly multiple: boolean;
  readonly mandatory: boolean;
  readonly type: DataType;
  readonly range: string;
  readonly units: string;
}

export interface DefinitionSummaryJson {
  readonly objectId: number;
  readonly name: string;
  readonly version: string;
  readonly urn: string;
  readonly multiple: boolean;
  readonly mandatory: boolean;
}

export interface DefinitionJson extends DefinitionSummaryJson {
  readonly resources: readonly ResourceDefinitionJson[];
}

export interface ServerJson {
  readonly version: string;
  readonly nodeVersion: string;
  readonly startedAt: string;
  readonly demo: boolean;
  /** "coap://0.0.0.0:5683", "http://127.0.0.1:8080". */
  readonly endpoints: readonly { readonly url: string }[];
  readonly counters: Readonly<Record<string, number>>;
}

const DATA_TYPES = [
  'string',
  'integer',
  'unsigned',
  'float',
  'boolean',
  'opaque',
  'time',
  'objlnk',
  'corelnk',
  'none',
] as const satisfies readonly DataType[];

export const pathText: TString = Type.String({ description: 'A path like /3/0/9.', examples: ['/3/0/9'] });
const id = Type.Integer({ minimum: 0, maximum: 65535 });
export const codeField: TString = Type.String({
  description: 'The CoAP code the device answered with.',
  examples: ['2.05'],
});
export const scalar: TUnsafe<ScalarJson> = shape<ScalarJson>()(
  Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()], {
    description:
      'string, corelnk: text; integer, unsigned: a number, decimal text beyond 2^53; float: a number; opaque: base64; ' +
      'time: ISO 8601 in UTC or seconds since 1970; objlnk: "3:0"; none: null.',
  }),
);
export const ProblemSchema: TUnsafe<ProblemBody> = shape<ProblemBody>()(
  Type.Object(
    {
      type: Type.String({ examples: ['urn:lapwing:problem:device-refused'] }),
      title: Type.String(),
      status: Type.Integer(),
      detail: Type.String(),
      coapCode: Type.Optional(Type.String(sized('The CoAP code, when a device answered.'))),
      field: Type.Optional(Type.String(sized('Where in the request, as a JSON Pointer or a parameter name.'))),
    },
    { ...closed, description: 'RFC 9457.' },
  ),
);

/** Of an entry, for what is one and more. */
export const entryFields: {
  readonly path: TString;
  readonly kind: TOptional<TUnsafe<'empty' | 'remove'>>;
  readonly type: TOptional<TUnsafe<DataType>>;
  readonly value: TOptional<TUnsafe<ScalarJson>>;
  readonly timestamp: TOptional<TString>;
} = {
  path: pathText,
  kind: Type.Optional(text(['empty', 'remove'])),
  type: Type.Optional(text(DATA_TYPES)),
  value: Type.Optional(scalar),
  timestamp: Type.Optional(Type.String(sized('ISO 8601, when the device gave a time.'))),
};
export const entry: TUnsafe<EntryJson> = shape<EntryJson>()(Type.Object(entryFields, closed));

const securityFields = {
  kind: text(['none', 'psk', 'rpk', 'x509']),
  identity: Type.Optional(
    Type.String(
      sized('What was proven: the PSK identity, "sha-256;…" of the public key, or the name in the certificate.'),
    ),
  ),
};
const association = shape<AssociationJson>()(
  Type.Object(
    {
      cipherSuite: Type.Unsafe<CipherSuiteName>({ type: 'string', enum: CIPHER_SUITES.map(({ name }) => name) }),
      connectionId: Type.Boolean(sized('Whether its address may change (RFC 9146).')),
      extendedMasterSecret: Type.Boolean(),
      openedAt: time,
      addressChanges: Type.Integer(),
      forgedRecords: Type.Integer(sized('Records that did not authenticate.')),
    },
    closed,
  ),
);

const deviceFields = {
  name: Type.String(sized('The Endpoint Client Name.')),
  registrationId: Type.String(),
  lwm2mVersion: text(['1.0', '1.1', '1.2']),
  lifetimeSeconds: Type.Number(sized('Seconds; 0: for ever.')),
  binding: Type.String(),
  queueMode: Type.Boolean(),
  awake: Type.Boolean(sized('False while a device in queue mode sleeps.')),
  smsNumber: Type.Optional(Type.String()),
  address: Type.String({ examples: ['127.0.0.1:5683', '[::1]:5683'] }),
  registeredAt: time,
  updatedAt: time,
  expiresAt: Type.Union([time, Type.Null()], sized('null: never.')),
  contentFormats: list(Type.Integer()),
};

const deviceSummary = shape<DeviceSummaryJson>()(
  Type.Object({ ...deviceFields, security: Type.Object(securityFields, closed), objectIds: list(id) }, closed),
);

export const DeviceSchema: TUnsafe<DeviceJson> = shape<DeviceJson>()(
  Type.Object(
    {
      ...deviceFields,
      additionalParameters: record('^.*$', Type.String()),
      security: Type.Object(
        {
          ...securityFields,
          association: Type.Optional(
            Type.Union([association, Type.Null()], sized('null when it has ended; absent with plain CoAP.')),
          ),
        },
        closed,
      ),
      objects: list(
        Type.Object(
          {
            objectId: id,
            name: Type.Optional(Type.String()),
            version: Type.String(),
            objectInstanceIds: list(id),
          },
          closed,
        ),
      ),
    },
    closed,
  ),
);

export const DeviceListSchema: TUnsafe<DeviceListJson> = shape<DeviceListJson>()(
  Type.Object(
    {
      items: list(deviceSummary),
      nextCursor: Type.Union([Type.String(), Type.Null()], sized('null on the last page.')),
      total: Type.Integer(sized('All registered devices, whatever the search.')),
    },
    closed,
  ),
);

export const CodeSchema: TUnsafe<CodeJson> = shape<CodeJson>()(Type.Object({ code: codeField }, closed));

export const ReadSchema: TUnsafe<ReadJson> = shape<ReadJson>()(
  Type.Object({ code: codeField, path: pathText, contentFormat: Type.Integer(), entries: list(entry) }, closed),
);

export const CreatedSchema: TUnsafe<CreatedJson> = shape<CreatedJson>()(
  Type.Object({ code: codeField, path: pathText, paths: Type.Optional(list(pathText)) }, closed),
);

export const DiscoveredSchema: TUnsafe<DiscoveredJson> = shape<DiscoveredJson>()(
  Type.Object(
    {
      code: codeField,
      items: list(
        Type.Object(
          {
            path: pathText,
            version: Type.Optional(Type.String()),
            dimension: Type.Optional(Type.Integer(sized('How many Resource Instances there are.'))),
            attributes: record('^.*$', Type.String()),
          },
          closed,
        ),
      ),
    },
    closed,
  ),
);

const notification = shape<NotificationJson>()(
  Type.Object({ receivedAt: time, contentFormat: Type.Integer(), entries: list(entry) }, closed),
);

export const ObservationListSchema: TUnsafe<{ readonly items: readonly ObservationJson[] }> = shape<{
  readonly items: readonly ObservationJson[];
}>()(
  Type.Object(
    {
      items: list(
        Type.Object(
          {
            path: pathText,
            paths: Type.Optional(list(pathText)),
            attributes: Type.Optional(NotificationAttributesSchema),
            waiting: Type.Boolean(sized('No notifications come until the device has registered or answered.')),
            startedAt: time,
            lastNotification: Type.Union([notification, Type.Null()]),
          },
          closed,
        ),
      ),
    },
    closed,
  ),
);

export const ObservedSchema: TUnsafe<ObservedJson> = shape<ObservedJson>()(
  Type.Object(
    { code: codeField, path: pathText, startedAt: time, contentFormat: Type.Integer(), entries: list(entry) },
    closed,
  ),
);

const definitionFields = {
  objectId: id,
  name: Type.String(),
  version: Type.String(),
  urn: Type.String(),
  multiple: Type.Boolean(),
  mandatory: Type.Boolean(),
};

export const DefinitionSchema: TUnsafe<DefinitionJson> = shape<DefinitionJson>()(
  Type.Object(
    {
      ...definitionFields,
      resources: list(
        Type.Object(
          {
            resourceId: id,
            name: Type.String(),
            operations: text(['', 'R', 'W', 'RW', 'E']),
            multiple: Type.Boolean(),
            mandatory: Type.Boolean(),
            type: text(DATA_TYPES),
            range: Type.String(),
            units: Type.String(),
          },
          closed,
        ),
      ),
    },
    closed,
  ),
);

export const DefinitionListSchema: TUnsafe<{ readonly items: readonly DefinitionJson[] }> = shape<{
  readonly items: readonly DefinitionJson[];
}>()(Type.Object({ items: list(DefinitionSchema) }, closed));

export const DefinitionSummaryListSchema: TUnsafe<{ readonly items: readonly DefinitionSummaryJson[] }> = shape<{
  readonly items: readonly DefinitionSummaryJson[];
}>()(Type.Object({ items: list(Type.Object(definitionFields, closed)) }, closed));

export const ServerSchema: TUnsafe<ServerJson> = shape<ServerJson>()(
  Type.Object(
    {
      version: Type.String(),
      nodeVersion: Type.String(),
      startedAt: time,
      demo: Type.Boolean(),
      endpoints: list(Type.Object({ url: Type.String({ examples: ['coap://127.0.0.1:5683'] }) }, closed)),
      counters: record('^.*$', Type.Number()),
    },
    closed,
  ),
);

export const resourceFields: {
  readonly value: TOptional<TUnsafe<ScalarJson>>;
  readonly values: TOptional<TUnsafe<Readonly<Record<string, ScalarJson>>>>;
  readonly type: TOptional<TUnsafe<DataType>>;
} = {
  value: Type.Optional(scalar),
  values: Type.Optional(record('^[0-9]{1,5}$', scalar)),
  type: Type.Optional(text(DATA_TYPES)),
};

const resources = record(
  '^[0-9]{1,5}$',
  Type.Union([scalar, Type.Object(resourceFields, closed), record('^[0-9]{1,5}$', scalar)]),
);
export const NodeBodySchema: TUnsafe<NodeBodyJson> = shape<NodeBodyJson>()(
  Type.Object({ ...resourceFields, resources: Type.Optional(resources) }, { ...closed, minProperties: 1 }),
);

export const CreateBodySchema: TUnsafe<CreateBodyJson> = shape<CreateBodyJson>()(
  Type.Object(
    {
      resources: Type.Optional(resources),
      instances: Type.Optional(record('^[0-9]{1,5}$', Type.Object({ resources }, closed))),
    },
    { ...closed, minProperties: 1, maxProperties: 1 },
  ),
);

export const ExecuteBodySchema: TUnsafe<{ readonly arguments?: string } | null> = shape<{
  readonly arguments?: string;
} | null>()(
  Type.Union(
    [Type.Object({ arguments: Type.Optional(Type.String({ examples: ["0='a',1"] })) }, closed), Type.Null()],
    sized('May be left out.'),
  ),
);

const attribute = Type.Optional(Type.Union([Type.Number(), Type.Null()], sized('null unsets it.')));
const seconds = Type.Optional(Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], sized('Seconds; null unsets.')));
const bit = Type.Optional(
  Type.Unsafe<0 | 1 | null>({ enum: [0, 1, null], description: '0 or 1; null unsets it.', type: ['integer', 'null'] }),
);
export const AttributesBodySchema: TUnsafe<WriteAttributes> = shape<WriteAttributes>()(
  Type.Object(
    {
      pmin: seconds,
      pmax: seconds,
      gt: attribute,
      lt: attribute,
      st: attribute,
      epmin: seconds,
      epmax: seconds,
      edge: bit,
      con: bit,
      hqmax: seconds,
    },
    { ...closed, minProperties: 1 },
  ),
);

export const DevicePathSchema: TUnsafe<{ readonly name: string; readonly '*': string }> = Type.Unsafe(
  Type.Object({ name: Type.String(sized('The Endpoint Client Name, percent-encoded.')), '*': pathText }),
);
export const DeviceParamsSchema: TUnsafe<{ readonly name: string }> = Type.Unsafe(
  Type.Object({ name: Type.String(sized('The Endpoint Client Name, percent-encoded.')) }),
);

export interface CallQuery {
  /** ms. */
  readonly timeout?: number;
}
const timeoutQuery = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 600_000, description: 'How long the device may take, in ms.' }),
);
const formatQuery = Type.Optional(
  Type.Integer({ minimum: 0, maximum: 65535, description: 'A Content-Format number; by default the device chooses.' }),
);
export const CallQuerySchema: TUnsafe<CallQuery> = shape<CallQuery>()(Type.Object({ timeout: timeoutQuery }, closed));

export interface DiscoverQuery extends CallQuery {
  readonly depth?: 0 | 1 | 2 | 3;
}
export const DiscoverQuerySchema: TUnsafe<DiscoverQuery> = shape<DiscoverQuery>()(
  Type.Object(
    {
      timeout: timeoutQuery,
      depth: Type.Optional(
        Type.Unsafe<0 | 1 | 2 | 3>({
          type: 'integer',
          enum: [0, 1, 2, 3],
          description: 'How many levels below the path. Since LwM2M 1.2.',
        }),
      ),
    },
    closed,
  ),
);

export interface FormatQuery extends CallQuery {
  readonly format?: number;
}
export const FormatQuerySchema: TUnsafe<FormatQuery> = shape<FormatQuery>()(
  Type.Object({ timeout: timeoutQuery, format: formatQuery }, closed),
);

export const cancelQuery: TUnsafe<{ readonly mode?: 'active' | 'passive' }> = Type.Unsafe(
  Type.Object(
    {
      mode: Type.Optional(
        Type.Unsafe<'active' | 'passive'>({
          type: 'string',
          enum: ['active', 'passive'],
          description:
            'active asks the device with Observe: 1; passive (default) answers its next notification with Reset.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
);

/** Every route can answer with a problem; `success` are its own answers by status. */
export const responses = (success: Readonly<Record<number, TSchema>>): Readonly<Record<string, unknown>> => ({
  ...success,
  '4xx': problemResponse,
  '5xx': problemResponse,
});
const problemResponse = {
  description: 'RFC 9457 problem.',
  content: { 'application/problem+json': { schema: ProblemSchema } },
};
