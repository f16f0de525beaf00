/**
 * Every setting of the server: one schema, read from flags, the environment, a file and defaults, in this order of
 * precedence. The command line's help is made of it too.
 */
import { isIP } from 'node:net';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import Format from 'typebox/format';
import { malformed, type Malformed } from '@lapwing/lwm2m';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

export interface Configuration {
  readonly coapPort: number;
  /** One address to listen on; undefined: every address, IPv4 and IPv6. */
  readonly coapHost: string | undefined;
  /** CoAP over DTLS beside CoAP. */
  readonly coaps: boolean;
  readonly coapsPort: number;
  /** undefined: as `coapHost`. */
  readonly coapsHost: string | undefined;
  /** The Bootstrap-Server, over CoAP and, with `coaps`, over DTLS. */
  readonly bootstrap: boolean;
  readonly bootstrapCoapPort: number;
  /** undefined: as `coapHost`. */
  readonly bootstrapCoapHost: string | undefined;
  readonly bootstrapCoapsPort: number;
  /** undefined: as `bootstrapCoapHost`, else as `coapsHost`. */
  readonly bootstrapCoapsHost: string | undefined;
  /** What devices are told to reach this server by; undefined: the address at which they reach the Bootstrap-Server. */
  readonly publicHost: string | undefined;
  readonly httpPort: number;
  readonly httpHost: string;
  readonly httpAllowedHosts: readonly string[];
  readonly demo: boolean;
  readonly dataDir: string | undefined;
  readonly modelsDir: string | undefined;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** ms. */
  readonly deviceTimeout: number;
  /** ms a device in queue mode is awake after it was heard. */
  readonly clientAwakeTime: number;
  /** A file, see `readProfiles`. */
  readonly profiles: string | undefined;
  readonly maxBodyBytes: number;
  readonly maxDevices: number;
  readonly maxCredentials: number;
  readonly maxBootstrapConfigurations: number;
  readonly maxFirmwareBytes: number;
  readonly maxEvents: number;
  readonly maxSentValues: number;
  readonly maxEventStreams: number;
}

Format.Set('ip-address', (text) => isIP(text) !== 0);
Format.Set('host', (text) => isIP(text) !== 0 || /^(?=.{1,200}$)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text));

const port = (description: string, standard: number): Record<string, unknown> => ({
  description: `${description}; 0 lets the system choose`,
  default: standard,
});

/** Names a setting in every place it can be given, in the order that `--help` shows. */
const schema = Type.Object(
  {
    coapPort: Type.Integer({ minimum: 0, maximum: 65535, ...port('UDP port for CoAP', 5683) }),
    coapHost: Type.Optional(
      Type.String({ format: 'ip-address', description: 'IP address for CoAP; every one, IPv4 and IPv6, by default' }),
    ),
    coaps: Type.Boolean({ default: true, description: 'serve CoAP over DTLS (coaps)' }),
    coapsPort: Type.Integer({ minimum: 0, maximum: 65535, ...port('UDP port for CoAP over DTLS', 5684) }),
    coapsHost: Type.Optional(
      Type.String({ format: 'ip-address', description: 'IP address for CoAP over DTLS; as for CoAP by default' }),
    ),
    bootstrap: Type.Boolean({ default: true, description: 'serve the Bootstrap interface' }),
    bootstrapCoapPort: Type.Integer({
      minimum: 0,
      maximum: 65535,
      ...port('UDP port of the Bootstrap-Server for CoAP', 5783),
    }),
    bootstrapCoapHost: Type.Optional(
      Type.String({
        format: 'ip-address',
        description: 'IP address of the Bootstrap-Server for CoAP; as for CoAP by default',
      }),
    ),
    bootstrapCoapsPort: Type.Integer({
      minimum: 0,
      maximum: 65535,
      ...port('UDP port of the Bootstrap-Server for CoAP over DTLS', 5784),
    }),
    bootstrapCoapsHost: Type.Optional(
      Type.String({
        format: 'ip-address',
        description:
          'IP address of the Bootstrap-Server for CoAP over DTLS; by default as its one for CoAP, else as for CoAP over DTLS',
      }),
    ),
    publicHost: Type.Optional(
      Type.String({
        format: 'host',
        description:
          'host name or IP address by which devices reach this server, for bootstrap configurations; by default the address at which the device reaches it',
      }),
    ),
    httpPort: Type.Integer({ minimum: 0, maximum: 65535, ...port('TCP port for the console and the REST API', 8080) }),
    httpHost: Type.String({
      minLength: 1,
      default: '127.0.0.1',
      description: 'IP address for HTTP; there is no login, so think twice before you open it to a network',
    }),
    httpAllowedHosts: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description: 'further host names the HTTP server may be called by, separated by commas',
    }),
    demo: Type.Boolean({ default: true, description: 'start four simulated devices' }),
    dataDir: Type.String({
      minLength: 1,
      default: 'data',
      description: 'folder for what is kept: keys, credentials of devices, Object definitions',
    }),
    modelsDir: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'folder of OMA object XML files; "models" in the data folder by default',
      }),
    ),
    logLevel: Type.Enum([...LOG_LEVELS], { default: 'info', description: `one of ${LOG_LEVELS.join(', ')}` }),
    deviceTimeout: Type.Integer({
      minimum: 1,
      maximum: 600_000,
      default: 60_000,
      description: 'how long a device may take to answer a REST request, in ms',
    }),
    clientAwakeTime: Type.Integer({
      minimum: 1,
      maximum: 86_400_000,
      default: 93_000,
      description: 'how long a device in queue mode is awake after it was heard, in ms',
    }),
    profiles: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'JSON file of the lists of Objects that devices may name, by Profile ID',
      }),
    ),
    maxBodyBytes: Type.Integer({
      minimum: 1024,
      maximum: 1024 ** 3,
      default: 1024 * 1024,
      description: 'largest JSON body, in bytes',
    }),
    maxDevices: Type.Integer({
      minimum: 1,
      maximum: 10_000_000,
      default: 1_000_000,
      description: 'devices registered at once; each takes about 1 KiB',
    }),
    maxCredentials: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 100_000,
      description: 'credentials of devices kept at once',
    }),
    maxBootstrapConfigurations: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 100_000,
      description: 'bootstrap configurations of devices kept at once',
    }),
    maxFirmwareBytes: Type.Integer({
      minimum: 1024,
      maximum: 1024 ** 3,
      default: 64 * 1024 * 1024,
      description: 'largest firmware image, in bytes; at most 100 images are kept',
    }),
    maxEvents: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 10_000,
      description: 'events kept for readers that come back',
    }),
    maxSentValues: Type.Integer({
      minimum: 1,
      maximum: 100_000,
      default: 1000,
      description: 'values kept of those that a device sent by itself',
    }),
    maxEventStreams: Type.Integer({
      minimum: 1,
      maximum: 100_000,
      default: 256,
      description: 'event streams open at once',
    }),
  },
  { additionalProperties: false },
);

const validator = Compile(schema);

/** One setting, in every place it can be given. */
export interface Setting {
  readonly key: keyof Configuration;
  /** "--coap-port", "--no-demo". */
  readonly flag: string;
  /** "LAPWING_COAP_PORT". */
  readonly variable: string;
  readonly kind: 'integer' | 'boolean' | 'string' | 'array';
  readonly description: string;
  readonly standard: unknown;
  /** What it takes, in words. */
  readonly takes: string;
}

export const SETTINGS: readonly Setting[] = Object.entries(schema.properties).map(([key, property]) => {
  const { type, description, default: standard } = property as unknown as PropertySchema;
  const words = key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return {
    key: key as keyof Configuration,
    flag: type === 'boolean' ? `--no-${words}` : `--${words}`,
    variable: `LAPWING_${words.toUpperCase().replaceAll('-', '_')}`,
    kind: type ?? 'string',
    description: description ?? '',
    standard,
    takes: takes(property),
  };
});

export interface ConfigurationSources {
  /** As the command line gave them, by key: text, or false for a `--no-…`. */
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly file?: { readonly name: string; readonly text: string };
}

/** Everything put together and checked; Malformed says what is wrong, where it stands, and what to write instead. */
export function configurationFrom(sources: ConfigurationSources): Configuration | Malformed {
  const file = sources.file === undefined ? {} : fileSettings(sources.file);
  if (typeof file === 'string') return malformed(file);
  const merged: Record<string, unknown> = {};
  const origins = new Map<string, string>();
  for (const setting of SETTINGS) {
    const { key, flag, variable, standard } = setting;
    const flagged = sources.flags?.[key];
    const variableText = sources.environment?.[variable];
    if (flagged !== undefined) {
      merged[key] = fromText(setting, flagged);
      origins.set(key, flag);
    } else if (variableText !== undefined && variableText !== '') {
      merged[key] = fromText(setting, variableText);
      origins.set(key, `the environment variable ${variable}`);
    } else if (file[key] !== undefined) {
      merged[key] = file[key];
      origins.set(key, `"${key}" in ${sources.file?.name}`);
    } else if (standard !== undefined) {
      merged[key] = standard;
    }
  }
  if (!validator.Check(merged)) {
    const key = validator.Errors(merged)[0]?.instancePath.split('/')[1];
    const setting = SETTINGS.find((candidate) => candidate.key === key) as Setting;
    return malformed(
      `${origins.get(setting.key) ?? setting.key} is ${JSON.stringify(merged[setting.key])}; it takes ${setting.takes}`,
    );
  }
  return { ...UNSET, ...merged };
}

interface PropertySchema {
  readonly type?: Setting['kind'];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

function takes({ type, enum: values, format, minimum, maximum }: PropertySchema): string {
  if (values !== undefined) return `one of ${values.join(', ')}`;
  if (format === 'host') return 'a host name or an IP address';
  if (format === 'ip-address') return 'an IP address, like 127.0.0.1 or ::1, and no host name';
  if (type === 'integer') return `a whole number from ${minimum} to ${maximum}`;
  if (type === 'boolean') return 'true or false';
  return type === 'array' ? 'names separated by commas (in a file: a list)' : 'text that is not empty';
}

/**
 * A sentence for each variable that looks like one of ours and is none. They do not keep the server from starting:
 * container platforms put `LAPWING_PORT` and the like into the environment of everything beside a service of that name.
 *
 * @param others  variables of ours that are no settings.
 */
export function unknownVariables(
  environment: Readonly<Record<string, string | undefined>>,
  others: readonly string[],
): readonly string[] {
  const known = new Set([...SETTINGS.map(({ variable }) => variable), ...others]);
  return Object.keys(environment)
    .filter((name) => name.startsWith('LAPWING_') && !known.has(name))
    .map((name) => {
      const near = [...known].find((variable) => letters(variable) === letters(name));
      return `The environment variable ${name} is no setting of Lapwing${near === undefined ? '' : `; did you mean ${near}?`}`;
    });
}

/** Text that cannot be converted stays text and fails the check. */
function fromText({ kind }: Setting, given: unknown): unknown {
  if (typeof given !== 'string') return given;
  if (kind === 'integer') return /^-?\d{1,15}$/.test(given) ? Number(given) : given;
  if (kind === 'boolean') return BOOLEANS[given.toLowerCase()] ?? given;
  if (kind === 'array') return given.split(',').map((item) => item.trim());
  return given;
}
const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, false: false, '1': true, '0': false };

/** The settings of a JSON file, or what is wrong with it. */
function fileSettings({
  name,
  text,
}: {
  readonly name: string;
  readonly text: string;
}): Record<string, unknown> | string {
  let parsed: unknown;
  try {
    // Editors on Windows begin a file with a byte order mark.
    parsed = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    return `The configuration file ${name} is not JSON: ${(error as Error).message}`;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return `The configuration file ${name} must hold one JSON object, like {"coapPort": 5683}`;
  }
  for (const key of Object.keys(parsed)) {
    if (SETTINGS.some((setting) => setting.key === key)) continue;
    const near = SETTINGS.find((setting) => letters(setting.key) === letters(key))?.key;
    const advice =
      near === undefined ? `there are ${SETTINGS.map((s) => s.key).join(', ')}` : `did you mean "${near}"?`;
    return `The configuration file ${name} has an unknown setting "${key}"; ${advice}`;
  }
  return parsed as Record<string, unknown>;
}

const letters = (text: string): string => text.toLowerCase().replaceAll(/[^a-z]/g, '');

/** Every key is there, also those that nobody gave. */
const UNSET = {
  coapHost: undefined,
  coapsHost: undefined,
  bootstrapCoapHost: undefined,
  bootstrapCoapsHost: undefined,
  publicHost: undefined,
  modelsDir: undefined,
  profiles: undefined,
};

/** The configuration with nothing given. */
export const DEFAULT_CONFIGURATION: Configuration = configurationFrom({}) as Configuration;
