/** The JSON shapes of `/bootstrap`. */
import { type TUnsafe, Type } from 'typebox';
import type {
  BootstrapOutcome,
  BootstrapOperationName,
  BootstrapRefusalKind,
  BootstrapStage,
} from '@lapwing/bootstrap-server';
import { type ConfigurationJson, ConfigurationSchema } from './bootstrap-configuration-schema.ts';
import { closed, list, record, shape, sized, text, time } from './schema-parts.ts';
import { codeField, pathText, scalar } from './schemas.ts';
import { type RefusedHandshakeListJson, RefusedHandshakeListSchema } from './security-schemas.ts';
import type { ScalarJson } from './value-json.ts';

export interface DeviceConfigurationJson {
  /** The Endpoint Client Name. */
  readonly device: string;
  readonly configuration: ConfigurationJson;
}

export interface ConfigurationListJson {
  readonly items: readonly DeviceConfigurationJson[];
  /** null on the last page. */
  readonly nextCursor: string | null;
  /** All of them, whatever the search. */
  readonly total: number;
}

export interface DefaultConfigurationJson {
  /** null: devices without a configuration of their own are refused. */
  readonly configuration: ConfigurationJson | null;
}

export interface PreviewedOperationJson {
  readonly operation: 'discover' | 'read' | 'delete' | 'write' | 'finish' | 'pack';
  readonly path: string;
  readonly contentFormat: number | null;
  readonly bytes: number;
  readonly values: readonly {
    readonly path: string;
    /** Absent for a secret and for what is generated. */
    readonly value?: ScalarJson;
    readonly hidden?: 'secret' | 'generated';
  }[];
}

export interface PreviewJson {
  readonly device: string;
  /** It has the default configuration. */
  readonly isDefault: boolean;
  readonly operations: readonly PreviewedOperationJson[];
}

export interface TimelineEntryJson {
  readonly at: string;
  readonly operation: BootstrapOperationName;
  readonly path: string;
  /** "2.04", or why there is none. */
  readonly result: string;
  readonly diagnostic: string | null;
  readonly contentFormat: number | null;
  readonly bytes: number;
  /** ms. */
  readonly duration: number;
}

export interface OutcomeJson {
  readonly kind: BootstrapOutcome['kind'];
  /** In words. */
  readonly text: string;
  readonly operation?: BootstrapOperationName;
  readonly path?: string;
  /** "4.06". */
  readonly code?: string;
}

export interface SessionSummaryJson {
  readonly sessionId: string;
  readonly device: string;
  readonly origin: 'request' | 'pack' | 'server';
  readonly address: string;
  readonly security: { readonly kind: 'none' | 'psk' | 'rpk' | 'x509'; readonly identity?: string };
  readonly preferredContentFormat: number | null;
  readonly isDefaultConfiguration: boolean;
  readonly lwm2mVersion: string | null;
  readonly stage: BootstrapStage;
  readonly progress: { readonly answered: number; readonly planned: number };
  readonly repairs: number;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** null while it runs. */
  readonly outcome: OutcomeJson | null;
}

export interface SessionJson extends SessionSummaryJson {
  readonly additionalParameters: Readonly<Record<string, string>>;
  /** What Bootstrap-Discover found. */
  readonly discovered: readonly {
    readonly path: string;
    readonly shortServerId?: number;
    readonly uri?: string;
  }[];
  readonly timeline: readonly TimelineEntryJson[];
  /** Entries that found no room. */
  readonly timelineOmitted: number;
}

export interface SessionListJson {
  readonly items: readonly SessionSummaryJson[];
  /** How many run now, whatever was asked for. */
  readonly running: number;
}

export interface RefusedRequestJson {
  readonly at: string;
  readonly address: string;
  readonly device: string | null;
  readonly operation: 'request' | 'pack';
  readonly kind: BootstrapRefusalKind;
  readonly code: string;
  readonly reason: string;
}

export interface BootstrapRefusalsJson {
  readonly requests: { readonly items: readonly RefusedRequestJson[]; readonly total: number };
  readonly handshakes: RefusedHandshakeListJson;
}

export interface BootstrapInfoJson {
  readonly enabled: boolean;
  readonly endpoints: readonly { readonly url: string }[];
  /** The URI that devices are given for this server; null where it does not listen. */
  readonly thisServer: { readonly coap: string | null; readonly coaps: string | null };
  /** That devices are given for this Bootstrap-Server. */
  readonly thisBootstrapServer: { readonly coap: string | null; readonly coaps: string | null };
  readonly counters: Readonly<Record<string, number>>;
}

export interface BootstrapTriggeredJson {
  readonly code: string;
  /** "/1/0/9". */
  readonly path: string;
}

const OPERATIONS = ['request', 'pack', 'discover', 'read', 'delete', 'write', 'finish'] as const;
const OUTCOMES = [
  'finished',
  'pack-sent',
  'finish-refused',
  'operation-refused',
  'operation-failed',
  'timeout',
  'connection-closed',
  'configuration-unusable',
  'replaced',
  'cancelled',
  'server-closed',
] as const satisfies readonly BootstrapOutcome['kind'][];
const STAGES = [
  'discovering',
  'configuring',
  'storing',
  'finishing',
  'ended',
] as const satisfies readonly BootstrapStage[];
const REFUSALS = [
  'unknown-endpoint',
  'identity',
  'malformed',
  'content-format',
  'no-packs',
  'overloaded',
  'unusable',
] as const satisfies readonly BootstrapRefusalKind[];

const device = Type.String(sized('The Endpoint Client Name.'));
const textOrNull = Type.Union([Type.String(), Type.Null()]);
const numberOrNull = Type.Union([Type.Integer(), Type.Null()]);
const duration = Type.Number(sized('ms until the answer.'));

export const DeviceConfigurationSchema: TUnsafe<DeviceConfigurationJson> = shape<DeviceConfigurationJson>()(
  Type.Object({ device, configuration: ConfigurationSchema }, closed),
);

export const ConfigurationListSchema: TUnsafe<ConfigurationListJson> = shape<ConfigurationListJson>()(
  Type.Object(
    {
      items: list(DeviceConfigurationSchema),
      nextCursor: Type.Union([Type.String(), Type.Null()], sized('null on the last page.')),
      total: Type.Integer(sized('All configurations, whatever the search.')),
    },
    closed,
  ),
);

export const DefaultConfigurationSchema: TUnsafe<DefaultConfigurationJson> = shape<DefaultConfigurationJson>()(
  Type.Object(
    {
      configuration: Type.Union(
        [ConfigurationSchema, Type.Null()],
        sized('null: devices without one of their own are refused.'),
      ),
    },
    closed,
  ),
);

export const PreviewSchema: TUnsafe<PreviewJson> = shape<PreviewJson>()(
  Type.Object(
    {
      device,
      isDefault: Type.Boolean(sized('It has none of its own, and would be given the default configuration.')),
      operations: list(
        Type.Object(
          {
            operation: text(['discover', 'read', 'delete', 'write', 'finish', 'pack']),
            path: Type.String({ examples: ['/0/1', '/bs'] }),
            contentFormat: numberOrNull,
            bytes: Type.Integer(sized('Of the payload; of generated credentials as many as they will have.')),
            values: list(
              Type.Object(
                {
                  path: pathText,
                  value: Type.Optional(scalar),
                  hidden: Type.Optional(text(['secret', 'generated'])),
                },
                closed,
              ),
            ),
          },
          closed,
        ),
      ),
    },
    closed,
  ),
);

export const timelineEntry: TUnsafe<TimelineEntryJson> = shape<TimelineEntryJson>()(
  Type.Object(
    {
      at: time,
      operation: text(OPERATIONS),
      path: Type.String({ examples: ['/0/1', '/bs'] }),
      result: Type.String({
        description:
          'The CoAP code; or timeout, reset, bad-response, body-too-large, peer-closed, cancelled where there was none.',
        examples: ['2.04'],
      }),
      diagnostic: Type.Union([Type.String(), Type.Null()], sized('What the device said to a refusal.')),
      contentFormat: numberOrNull,
      bytes: Type.Integer(),
      duration,
    },
    closed,
  ),
);

const outcome = shape<OutcomeJson>()(
  Type.Object(
    {
      kind: text(OUTCOMES),
      text: Type.String(sized('In words.')),
      operation: Type.Optional(text(OPERATIONS)),
      path: Type.Optional(Type.String()),
      code: Type.Optional(codeField),
    },
    closed,
  ),
);

const sessionFields = {
  sessionId: Type.String(),
  device,
  origin: text(['request', 'pack', 'server']),
  address: Type.String({ examples: ['192.0.2.7:40001'] }),
  security: Type.Object(
    {
      kind: text(['none', 'psk', 'rpk', 'x509']),
      identity: Type.Optional(Type.String(sized('What was proven.'))),
    },
    closed,
  ),
  preferredContentFormat: Type.Union([Type.Integer(), Type.Null()], sized('`pct`.')),
  isDefaultConfiguration: Type.Boolean(),
  lwm2mVersion: Type.Union([Type.String(), Type.Null()], sized('As Bootstrap-Discover told it.')),
  stage: text(STAGES),
  progress: Type.Object({ answered: Type.Integer(), planned: Type.Integer() }, closed),
  repairs: Type.Integer(sized('How often it was written anew after Bootstrap-Finish was refused.')),
  startedAt: time,
  endedAt: Type.Union([time, Type.Null()]),
  outcome: Type.Union([outcome, Type.Null()], sized('null while it runs.')),
};

const sessionSummary = shape<SessionSummaryJson>()(Type.Object(sessionFields, closed));

export const SessionSchema: TUnsafe<SessionJson> = shape<SessionJson>()(
  Type.Object(
    {
      ...sessionFields,
      additionalParameters: record('^.*$', Type.String()),
      discovered: list(
        Type.Object(
          {
            path: pathText,
            shortServerId: Type.Optional(Type.Integer()),
            uri: Type.Optional(Type.String()),
          },
          closed,
        ),
      ),
      timeline: list(timelineEntry),
      timelineOmitted: Type.Integer(sized('Entries that found no room.')),
    },
    closed,
  ),
);

export const SessionListSchema: TUnsafe<SessionListJson> = shape<SessionListJson>()(
  Type.Object(
    {
      items: list(sessionSummary),
      running: Type.Integer(sized('How many run now, whatever was asked for.')),
    },
    closed,
  ),
);

export const BootstrapRefusalsSchema: TUnsafe<BootstrapRefusalsJson> = shape<BootstrapRefusalsJson>()(
  Type.Object(
    {
      requests: Type.Object(
        {
          items: list(
            shape<RefusedRequestJson>()(
              Type.Object(
                {
                  at: time,
                  address: Type.String(),
                  device: textOrNull,
                  operation: text(['request', 'pack']),
                  kind: text(REFUSALS),
                  code: codeField,
                  reason: Type.String(),
                },
                closed,
              ),
            ),
          ),
          total: Type.Integer(sized('Since the start of the server.')),
        },
        closed,
      ),
      handshakes: RefusedHandshakeListSchema,
    },
    closed,
  ),
);

const uriOrNull = Type.Union([Type.String(), Type.Null()], sized('null where it does not listen.'));
const uris = Type.Object({ coap: uriOrNull, coaps: uriOrNull }, closed);

export const BootstrapInfoSchema: TUnsafe<BootstrapInfoJson> = shape<BootstrapInfoJson>()(
  Type.Object(
    {
      enabled: Type.Boolean(),
      endpoints: list(Type.Object({ url: Type.String({ examples: ['coaps://0.0.0.0:5784'] }) }, closed)),
      thisServer: uris,
      thisBootstrapServer: uris,
      counters: record('^.*$', Type.Number()),
    },
    closed,
  ),
);

export const BootstrapTriggeredSchema: TUnsafe<BootstrapTriggeredJson> = shape<BootstrapTriggeredJson>()(
  Type.Object({ code: codeField, path: pathText }, closed),
);
