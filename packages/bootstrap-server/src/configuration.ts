/**
 * What a device is to be given: the accounts, access rights and other Object Instances of one Bootstrap. Plain data; as
 * JSON with bytes as `{ "base64": … }` or `{ "hex": … }`, see `configurationFromJson`. OMA TS Core §6.1.
 */
import type { AccessControl, DataType, ObjectLink, ResourceShape, Security, Server } from '@lapwing/lwm2m';

export interface BootstrapConfiguration {
  /** Accounts with LwM2M Servers: a Security and a Server Object Instance each. */
  readonly servers?: readonly ServerAccount[];
  /** Accounts with Bootstrap-Servers: to change what the device knows of this one. A device has one at most. */
  readonly bootstrapServers?: readonly BootstrapServerAccount[];
  readonly accessControl?: readonly AccessControlSetting[];
  /** Anything else, in this order. */
  readonly objects?: readonly ObjectSetting[];
  /**
   * What is deleted before anything is written: "/", "/0", "/3303/1". Default: Security and Server, with `accessControl`
   * Access Control too, as far as there is something to delete. An empty list deletes nothing.
   */
  readonly delete?: readonly string[];
  /** Where the device is asked what it has, "/" or an Object, before anything is changed. Default: "/"; an empty list asks nothing. */
  readonly discover?: readonly string[];
  /** What is read of the device before anything is changed: Object or Object Instance paths of Objects 1 and 2. LwM2M 1.1. */
  readonly read?: readonly string[];
  /** Content-Format number of everything that is written. Default: what the device prefers, else by its version. */
  readonly contentFormat?: number;
  /** What is taken for the version of a device that does not tell. Default: 1.0 formats are used first. */
  readonly lwm2mVersion?: '1.0' | '1.1' | '1.2';
  /** Answer a Bootstrap-Pack-Request with it; otherwise the device is sent to Bootstrap-Request. Default true. */
  readonly pack?: boolean;
  /** Give it to a device that comes over coaps only. Default false. */
  readonly secureOnly?: boolean;
}

/** A value as JavaScript has it: a number, text, Uint8Array for Opaque; for Time also a Date or ISO 8601 text. */
export type SettingValue = string | number | bigint | boolean | Uint8Array | ObjectLink | Date | null;
/** Of a multiple-instance Resource, by Resource Instance ID. */
export type MultipleSetting = Readonly<Record<number, SettingValue>>;

interface SettingTypes extends Record<DataType, SettingValue> {
  readonly string: string;
  readonly corelnk: string;
  readonly integer: number | bigint;
  readonly unsigned: number | bigint;
  readonly float: number;
  readonly boolean: boolean;
  readonly opaque: Uint8Array;
  readonly objlnk: ObjectLink | string;
}
type SettingOf<Shape extends ResourceShape> = Shape extends { readonly multiple: true }
  ? Readonly<Record<number, SettingTypes[Shape['type']]>>
  : SettingTypes[Shape['type']];
/** Resources by the names of the typed definitions, as in `Server.path(0).lifetime`. */
export type NamedSettings<Resources extends Readonly<Record<string, ResourceShape>>> = {
  readonly [Name in keyof Resources]?: SettingOf<Resources[Name]>;
};

/** Resources of Security beyond those that an account names; see `Security` of `@lapwing/lwm2m`. */
export type SecuritySettings = NamedSettings<(typeof Security)['resources']>;
export type ServerSettings = NamedSettings<(typeof Server)['resources']>;
export type AccessControlSettings = NamedSettings<(typeof AccessControl)['resources']>;

export interface ServerAccount {
  /** 1 to 65534. */
  readonly shortServerId: number;
  /** coap://host:port or coaps://host:port. Default: that of the LwM2M Server of this program, as the device reaches it. */
  readonly uri?: string;
  readonly security: AccountSecurity;
  /** Default 86400. */
  readonly lifetimeSeconds?: number;
  /** Default "U". */
  readonly binding?: string;
  /** Further Resources of the Server Object Instance: `{ registrationPriorityOrder: 1 }`. */
  readonly server?: ServerSettings;
  /** Further Resources of the Security Object Instance: `{ sni: 'lwm2m.example' }`. */
  readonly securityObject?: SecuritySettings;
  /** Default: one that the device does not use. */
  readonly securityObjectInstanceId?: number;
  readonly serverObjectInstanceId?: number;
}

export interface BootstrapServerAccount {
  /** Default: that of this server. */
  readonly uri?: string;
  readonly security: AccountSecurity;
  /** Seconds between the failure to register and a Bootstrap-Request. /0/x/11. */
  readonly holdOffSeconds?: number;
  /** Seconds after a Bootstrap until the account is removed; 0: never. /0/x/12. */
  readonly accountTimeoutSeconds?: number;
  readonly securityObject?: SecuritySettings;
  /** Default: that of the account the device has, when Bootstrap-Discover shows it. */
  readonly securityObjectInstanceId?: number;
}

/** How a device proves itself to the server of an account, and how it knows the server. */
export type AccountSecurity =
  | { readonly mode: 'none' }
  | {
      readonly mode: 'psk';
      /** Text stands for its bytes in UTF-8. */
      readonly identity: string | Uint8Array;
      readonly key: Uint8Array;
    }
  | {
      readonly mode: 'rpk';
      /** The device's SubjectPublicKeyInfo and PKCS #8 private key, in DER. */
      readonly publicKey: Uint8Array;
      readonly privateKey: Uint8Array;
      /** The server's SubjectPublicKeyInfo. Default: that of the LwM2M Server of this program. */
      readonly serverPublicKey?: Uint8Array;
    }
  | (CertificateExpectation & {
      readonly mode: 'x509';
      /** The device's certificate and PKCS #8 private key, in DER. */
      readonly certificate: Uint8Array;
      readonly privateKey: Uint8Array;
    })
  | GeneratedSecurity;

/** Made anew for each Bootstrap, and made known to the server of the account before the device may use it. */
export type GeneratedSecurity =
  | {
      readonly mode: 'psk';
      readonly generate: true;
      /** Default: the Endpoint Client Name. */
      readonly identity?: string | Uint8Array;
      /** 16 to 64; default 16. */
      readonly keyBytes?: number;
    }
  | { readonly mode: 'rpk'; readonly generate: true; readonly serverPublicKey?: Uint8Array }
  /** Signed by the `certificateIssuer` of this server. */
  | (CertificateExpectation & { readonly mode: 'x509'; readonly generate: true });

interface CertificateExpectation {
  /** The server's certificate, or that of its authority, in DER. Default: that of the LwM2M Server of this program. */
  readonly serverCertificate?: Uint8Array;
  /** /0/x/15. Default: absent, which is 3, the certificate of the server itself. */
  readonly certificateUsage?: 0 | 1 | 2 | 3;
  /** /0/x/13: 0 exact, 1 SHA-256, 2 SHA-384, 3 SHA-512 of `serverCertificate`. Default: absent, which is 0. */
  readonly matchingType?: 0 | 1 | 2 | 3;
}

/** An Access Control Object Instance. OMA TS Core §8.2. */
export interface AccessControlSetting {
  readonly objectId: number;
  /** 'create': the right to create Object Instances of the Object. */
  readonly objectInstanceId: number | 'create';
  /** Short Server ID; 65535: nobody but a Bootstrap-Server. */
  readonly owner: number;
  /** By Short Server ID, 0 for every server that is not named: letters of "rwedc" or their sum (1 2 4 8 16). */
  readonly rights: Readonly<Record<number, string | number>>;
  readonly accessControlObjectInstanceId?: number;
}

/** One Bootstrap-Write. */
export type ObjectSetting =
  /** A Resource: "/3/0/15". */
  | { readonly path: string; readonly value: SettingValue | MultipleSetting }
  /** An Object Instance as a whole, by Resource ID: "/9/0". */
  | { readonly path: string; readonly resources: ResourceSettings }
  /** An Object as a whole, by Object Instance ID: "/2". */
  | { readonly path: string; readonly objectInstances: Readonly<Record<number, ResourceSettings>> };

export type ResourceSettings = Readonly<Record<number, SettingValue | MultipleSetting>>;
