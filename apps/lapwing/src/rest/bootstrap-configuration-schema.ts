/**
 * The JSON of a bootstrap configuration: what `@lapwing/bootstrap-server` takes, with bytes as `{base64}` or `{hex}`.
 * Where a secret is kept an answer has `{hidden: true}`; sent back, that stands for the one that is kept.
 */
import { type TUnsafe, Type } from 'typebox';
import { closed, list, record, shape, sized } from './schema-parts.ts';

export type BytesJson = { readonly base64: string } | { readonly hex: string };
/** A secret that is kept, and is told to nobody. */
export interface HiddenJson {
  readonly hidden: true;
}
export type SecretJson = BytesJson | HiddenJson;
export interface ObjectLinkJson {
  readonly objectId: number;
  readonly objectInstanceId: number;
}
export type SettingJson = string | number | boolean | null | SecretJson | ObjectLinkJson;
/** Of a multiple-instance Resource, by Resource Instance ID. */
export type MultipleSettingJson = Readonly<Record<string, SettingJson>>;
export type ResourceSettingsJson = Readonly<Record<string, SettingJson | MultipleSettingJson>>;

export interface AccountSecurityJson {
  readonly mode: 'none' | 'psk' | 'rpk' | 'x509';
  /** Credentials are made for each Bootstrap. */
  readonly generate?: true;
  readonly identity?: string | BytesJson;
  readonly key?: SecretJson;
  readonly keyBytes?: number;
  readonly publicKey?: BytesJson;
  readonly privateKey?: SecretJson;
  readonly serverPublicKey?: BytesJson;
  readonly certificate?: BytesJson;
  readonly serverCertificate?: BytesJson;
  readonly certificateUsage?: number;
  readonly matchingType?: number;
}

export interface ServerAccountJson {
  readonly shortServerId: number;
  /** Absent: this server. */
  readonly uri?: string;
  readonly security: AccountSecurityJson;
  readonly lifetimeSeconds?: number;
  readonly binding?: string;
  readonly server?: ResourceSettingsJson;
  readonly securityObject?: ResourceSettingsJson;
  readonly securityObjectInstanceId?: number;
  readonly serverObjectInstanceId?: number;
}

export interface BootstrapServerAccountJson {
  /** Absent: this server. */
  readonly uri?: string;
  readonly security: AccountSecurityJson;
  readonly holdOffSeconds?: number;
  readonly accountTimeoutSeconds?: number;
  readonly securityObject?: ResourceSettingsJson;
  readonly securityObjectInstanceId?: number;
}

export interface AccessControlSettingJson {
  readonly objectId: number;
  readonly objectInstanceId: number | 'create';
  readonly owner: number;
  readonly rights: Readonly<Record<string, string | number>>;
  readonly accessControlObjectInstanceId?: number;
}

export interface ObjectSettingJson {
  readonly path: string;
  readonly value?: SettingJson | MultipleSettingJson;
  readonly resources?: ResourceSettingsJson;
  readonly objectInstances?: Readonly<Record<string, ResourceSettingsJson>>;
}

export interface ConfigurationJson {
  readonly servers?: readonly ServerAccountJson[];
  readonly bootstrapServers?: readonly BootstrapServerAccountJson[];
  readonly accessControl?: readonly AccessControlSettingJson[];
  readonly objects?: readonly ObjectSettingJson[];
  readonly delete?: readonly string[];
  readonly discover?: readonly string[];
  readonly read?: readonly string[];
  readonly contentFormat?: number;
  readonly lwm2mVersion?: '1.0' | '1.1' | '1.2';
  readonly pack?: boolean;
  readonly secureOnly?: boolean;
}

const encodings = {
  base64: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9+/_-]*={0,2}$' })),
  hex: Type.Optional(Type.String({ pattern: '^([0-9a-fA-F]{2})*$' })),
};
const one = { ...closed, minProperties: 1, maxProperties: 1 };
// One object each instead of alternatives, so that an error is about what was sent.
const bytes = Type.Unsafe<BytesJson>(Type.Object(encodings, one));
const secret = Type.Unsafe<SecretJson>(
  Type.Object(
    {
      ...encodings,
      hidden: Type.Optional(Type.Literal(true, sized('It is kept and never told. Sent: the one that is kept.'))),
    },
    one,
  ),
);
const objectLink = shape<ObjectLinkJson>()(
  Type.Object({ objectId: Type.Integer(), objectInstanceId: Type.Integer() }, closed),
);
const setting = shape<SettingJson>()(
  Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null(), secret, objectLink]),
);
const ID = '^[0-9]{1,5}$';
const multiple = record(ID, setting);
const settingOrMultiple = Type.Union([setting, multiple]);
const resources = record(ID, settingOrMultiple);
const named = record('^[A-Za-z][A-Za-z0-9]*$', settingOrMultiple);
const objectInstanceId = Type.Integer({ minimum: 0, maximum: 65534 });

const security = shape<AccountSecurityJson>()(
  Type.Object(
    {
      mode: Type.Unsafe<AccountSecurityJson['mode']>({ type: 'string', enum: ['none', 'psk', 'rpk', 'x509'] }),
      generate: Type.Optional(
        Type.Literal(
          true,
          sized('Made for each Bootstrap and made known to this server before the device may use it.'),
        ),
      ),
      identity: Type.Optional(
        Type.Union([Type.String({ minLength: 1, maxLength: 128 }), bytes], sized('psk; text is its bytes in UTF-8.')),
      ),
      key: Type.Optional(secret),
      keyBytes: Type.Optional(Type.Integer({ minimum: 16, maximum: 64, description: 'psk, generated; default 16.' })),
      publicKey: Type.Optional(bytes),
      privateKey: Type.Optional(secret),
      serverPublicKey: Type.Optional(bytes),
      certificate: Type.Optional(bytes),
      serverCertificate: Type.Optional(bytes),
      certificateUsage: Type.Optional(Type.Integer({ minimum: 0, maximum: 3, description: 'x509, /0/x/15.' })),
      matchingType: Type.Optional(Type.Integer({ minimum: 0, maximum: 3, description: 'x509, /0/x/13.' })),
    },
    closed,
  ),
);

const uri = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 255,
    description: 'Without it: this server, over coap with mode none, else over coaps.',
    examples: ['coaps://lwm2m.example:5684'],
  }),
);

export const ConfigurationSchema: TUnsafe<ConfigurationJson> = shape<ConfigurationJson>()(
  Type.Object(
    {
      servers: Type.Optional(
        list(
          shape<ServerAccountJson>()(
            Type.Object(
              {
                shortServerId: Type.Integer({ minimum: 1, maximum: 65534 }),
                uri,
                security,
                lifetimeSeconds: Type.Optional(Type.Integer({ minimum: 0, description: 'Default 86400.' })),
                binding: Type.Optional(Type.String(sized('Default "U".'))),
                server: Type.Optional(named),
                securityObject: Type.Optional(named),
                securityObjectInstanceId: Type.Optional(objectInstanceId),
                serverObjectInstanceId: Type.Optional(objectInstanceId),
              },
              closed,
            ),
          ),
        ),
      ),
      bootstrapServers: Type.Optional(
        list(
          shape<BootstrapServerAccountJson>()(
            Type.Object(
              {
                uri,
                security,
                holdOffSeconds: Type.Optional(Type.Integer({ minimum: 0 })),
                accountTimeoutSeconds: Type.Optional(Type.Integer({ minimum: 0 })),
                securityObject: Type.Optional(named),
                securityObjectInstanceId: Type.Optional(objectInstanceId),
              },
              closed,
            ),
          ),
        ),
      ),
      accessControl: Type.Optional(
        list(
          shape<AccessControlSettingJson>()(
            Type.Object(
              {
                objectId: objectInstanceId,
                objectInstanceId: Type.Union([objectInstanceId, Type.Literal('create')]),
                owner: Type.Integer({ minimum: 0, maximum: 65535 }),
                rights: record(ID, Type.Union([Type.String(), Type.Integer({ minimum: 0, maximum: 31 })])),
                accessControlObjectInstanceId: Type.Optional(objectInstanceId),
              },
              closed,
            ),
          ),
        ),
      ),
      objects: Type.Optional(
        list(
          shape<ObjectSettingJson>()(
            Type.Object(
              {
                path: Type.String({ examples: ['/3/0/15'] }),
                value: Type.Optional(settingOrMultiple),
                resources: Type.Optional(resources),
                objectInstances: Type.Optional(record(ID, resources)),
              },
              closed,
            ),
          ),
        ),
      ),
      delete: Type.Optional(list(Type.String({ examples: ['/0', '/1'] }))),
      discover: Type.Optional(list(Type.String({ examples: ['/'] }))),
      read: Type.Optional(list(Type.String({ examples: ['/1'] }))),
      contentFormat: Type.Optional(Type.Integer({ minimum: 0, maximum: 65535 })),
      lwm2mVersion: Type.Optional(Type.Unsafe<'1.0' | '1.1' | '1.2'>({ type: 'string', enum: ['1.0', '1.1', '1.2'] })),
      pack: Type.Optional(Type.Boolean()),
      secureOnly: Type.Optional(Type.Boolean()),
    },
    closed,
  ),
);
