/**
 * The Client Registration Interface: Register, Update and De-register, and Send which shares its way in. OMA TS Core
 * §6.2, Transport §6.4. LwM2M 1.0, 1.1 and 1.2.
 *
 * | operation   | request            | queries                    | payload      |
 * |-------------|--------------------|----------------------------|--------------|
 * | Register    | POST /rd           | ep lt lwm2m b Q sms pid    | object links |
 * | Update      | POST /rd/{id}      | lt b Q sms pid             | none, or the whole list anew |
 * | De-register | DELETE /rd/{id}    |                            |              |
 * | Send        | POST /dp           |                            | SenML, LwM2M CBOR |
 */
import { Codes, DEFAULT_LINK_FORMAT_LIMITS, encodeUtf8, UsageError } from '@lapwing/coap';
import type { Code, LinkFormatLimits } from '@lapwing/coap';
import { isLwM2mVersion } from '../identifiers.ts';
import type { LwM2mVersion } from '../identifiers.ts';
import { isMalformed } from '../malformed.ts';
import type { Malformed } from '../malformed.ts';
import { formatAdditionalQueries } from './additional-queries.ts';
import { parseObjectLinks } from './object-links.ts';
import type { ObjectLinks } from './object-links.ts';

export const REGISTER_PATH: readonly string[] = Object.freeze(['rd']);
export const SEND_PATH: readonly string[] = Object.freeze(['dp']);

/** What a request to a Server asks for, by method and path. */
export type ServerRequest =
  | { readonly kind: 'register' }
  | { readonly kind: 'update' | 'deregister'; readonly registrationId: string }
  | { readonly kind: 'send' };

/** Undefined when a LwM2M Server has nothing of the kind: 4.04, or 4.05 when the path exists. */
export function serverRequest(code: Code, segments: readonly string[]): ServerRequest | undefined {
  const [first, registrationId] = segments;
  if (first === SEND_PATH[0]) return code === Codes.post && segments.length === 1 ? SEND : undefined;
  if (first !== REGISTER_PATH[0] || segments.length > 2) return undefined;
  if (registrationId === undefined) return code === Codes.post ? REGISTER : undefined;
  if (code === Codes.post) return { kind: 'update', registrationId };
  return code === Codes.delete ? { kind: 'deregister', registrationId } : undefined;
}
const REGISTER: ServerRequest = Object.freeze({ kind: 'register' });
const SEND: ServerRequest = Object.freeze({ kind: 'send' });

/** A registration request that cannot be accepted, with the code that says so. */
export interface RefusedRegistration extends Malformed {
  /** 4.00 Bad Request, 4.09 Conflict or 4.12 Precondition Failed. */
  readonly code: Code;
}
export const isRefusedRegistration = (value: unknown): value is RefusedRegistration =>
  isMalformed(value) && 'code' in value;

const refused = (code: Code, reason: string): RefusedRegistration => ({ malformed: reason, code });

export interface RegistrationLimits {
  /** Bytes of an Endpoint Client Name; 255. */
  readonly maxEndpointClientNameBytes: number;
  /** Parameters that no specification of LwM2M knows; 16. Each is one option, so it has at most 255 bytes. */
  readonly maxAdditionalParameters: number;
  readonly links: LinkFormatLimits;
}
export const DEFAULT_REGISTRATION_LIMITS: RegistrationLimits = Object.freeze({
  maxEndpointClientNameBytes: 255,
  maxAdditionalParameters: 16,
  links: DEFAULT_LINK_FORMAT_LIMITS,
});

/** 24 h: the lifetime of a registration that names none, which LwM2M 1.0 allows. Seconds. */
export const DEFAULT_LIFETIME_SECONDS = 86_400;

/** By name, as sent; the value of one without `=` is "". */
export type AdditionalParameters = Readonly<Record<string, string>>;
export const NO_ADDITIONAL_PARAMETERS: AdditionalParameters = Object.freeze({});

export interface RegisterQueries {
  /** Undefined when absent: since 1.1 the identity may come from the security layer. */
  readonly endpointClientName: string | undefined;
  /** 0: for ever. */
  readonly lifetimeSeconds: number;
  readonly lwm2mVersion: LwM2mVersion;
  /** As sent: "U", "UQ", "UT"... */
  readonly binding: string;
  readonly queueMode: boolean;
  /** Digits. */
  readonly smsNumber: string | undefined;
  /** `pid` of 1.2. */
  readonly profileIds: readonly string[];
  /** What else the client said: `et`, `d` and so on. */
  readonly additionalParameters: AdditionalParameters;
  /** Names of parameters that were passed over, because unusable or too many. For the log. */
  readonly ignored: readonly string[];
}
export type RegisterParameters = RegisterQueries & ObjectLinks;

/** Absent: unchanged. */
export interface UpdateQueries {
  readonly lifetimeSeconds: number | undefined;
  readonly binding: string | undefined;
  readonly queueMode: boolean | undefined;
  readonly smsNumber: string | undefined;
  readonly profileIds: readonly string[];
  readonly additionalParameters: AdditionalParameters;
  readonly ignored: readonly string[];
}
export interface UpdateParameters extends UpdateQueries {
  /** The whole list anew; undefined when the payload is empty, so that nothing changes. */
  readonly links: ObjectLinks | undefined;
}

/**
 * Read a Register.
 *
 * @param queries  its Uri-Query options.
 */
export function parseRegister(
  queries: readonly string[],
  payload: Uint8Array | string,
  limits: RegistrationLimits = DEFAULT_REGISTRATION_LIMITS,
): RegisterParameters | RefusedRegistration {
  const parameters = parseRegisterQueries(queries, limits);
  if (isMalformed(parameters)) return parameters;
  if (payload.length === 0 && parameters.profileIds.length > 0) {
    // The Client then registers with the full list. OMA TS Core 1.2 §6.2.1.
    return refused(Codes.conflict, `the list of Objects for profile ${parameters.profileIds.join()} is not known`);
  }
  const links = parseObjectLinks(payload, parameters.lwm2mVersion, limits.links);
  if (isMalformed(links)) return refused(Codes.badRequest, links.malformed);
  return { ...parameters, ...links };
}

/** The queries of a Register alone, for a Server that remembers object lists by their bytes. */
export function parseRegisterQueries(
  queries: readonly string[],
  limits: RegistrationLimits = DEFAULT_REGISTRATION_LIMITS,
): RegisterQueries | RefusedRegistration {
  const given = readParameters(queries, REGISTER_PARAMETERS, limits);
  if (isMalformed(given)) return given;
  const endpointClientName = given.ep === '' ? undefined : given.ep;
  if (endpointClientName !== undefined) {
    const reason = checkEndpointClientName(endpointClientName, limits.maxEndpointClientNameBytes);
    if (reason !== undefined) return refused(Codes.badRequest, reason);
  }
  const lwm2mVersion = given.lwm2m === undefined ? '1.0' : parseLwM2mVersion(given.lwm2m);
  if (lwm2mVersion === undefined) {
    return refused(
      Codes.preconditionFailed,
      `LwM2M ${shorten(given.lwm2m ?? '')} is not supported, only 1.0, 1.1 and 1.2`,
    );
  }
  const lifetimeSeconds = given.lt === undefined ? DEFAULT_LIFETIME_SECONDS : parseLifetime(given.lt);
  if (typeof lifetimeSeconds !== 'number') return lifetimeSeconds;
  const binding = given.b === undefined || given.b === '' ? 'U' : given.b;
  if (!BINDING.test(binding)) return wrongBinding(binding);
  return {
    endpointClientName,
    lifetimeSeconds,
    lwm2mVersion,
    binding,
    queueMode: given.Q !== undefined || binding.includes('Q'),
    smsNumber: given.sms,
    profileIds: parseProfileIds(given.pid),
    additionalParameters: additionalOf(given),
    ignored: given.ignored,
  };
}

/**
 * Read an Update.
 *
 * @param version  of the registration it belongs to.
 */
export function parseUpdate(
  queries: readonly string[],
  payload: Uint8Array | string,
  version: LwM2mVersion,
  limits: RegistrationLimits = DEFAULT_REGISTRATION_LIMITS,
): UpdateParameters | RefusedRegistration {
  const parameters = parseUpdateQueries(queries, limits);
  if (isMalformed(parameters)) return parameters;
  if (payload.length === 0) return { ...parameters, links: undefined };
  const links = parseObjectLinks(payload, version, limits.links);
  return isMalformed(links) ? refused(Codes.badRequest, links.malformed) : { ...parameters, links };
}

/** The queries of an Update alone. `b` says anew whether queue mode is used; `Q` alone begins it. */
export function parseUpdateQueries(
  queries: readonly string[],
  limits: RegistrationLimits = DEFAULT_REGISTRATION_LIMITS,
): UpdateQueries | RefusedRegistration {
  if (queries.length === 0) return NOTHING_CHANGED;
  const given = readParameters(queries, UPDATE_PARAMETERS, limits);
  if (isMalformed(given)) return given;
  const lifetimeSeconds = given.lt === undefined ? undefined : parseLifetime(given.lt);
  if (isMalformed(lifetimeSeconds)) return lifetimeSeconds;
  const binding = given.b === '' ? undefined : given.b;
  if (binding !== undefined && !BINDING.test(binding)) return wrongBinding(binding);
  return {
    lifetimeSeconds,
    binding,
    queueMode: given.Q !== undefined ? true : binding?.includes('Q'),
    smsNumber: given.sms,
    profileIds: parseProfileIds(given.pid),
    additionalParameters: additionalOf(given),
    ignored: given.ignored,
  };
}
const NOTHING_CHANGED: UpdateQueries = Object.freeze({
  lifetimeSeconds: undefined,
  binding: undefined,
  queueMode: undefined,
  smsNumber: undefined,
  profileIds: Object.freeze([]),
  additionalParameters: NO_ADDITIONAL_PARAMETERS,
  ignored: Object.freeze([]),
});

const REGISTER_PARAMETERS = ['ep', 'lt', 'lwm2m', 'b', 'Q', 'sms', 'pid'] as const;
const UPDATE_PARAMETERS: readonly Parameter[] = ['lt', 'b', 'Q', 'sms', 'pid'];
type Parameter = (typeof REGISTER_PARAMETERS)[number];
type Given = { [Name in Parameter]: string | undefined } & {
  additional: [name: string, value: string][] | undefined;
  ignored: string[];
};

/** Unknown parameters are kept, though a Server may refuse them: strangers (`et`, `d`, `rt`) are in the field. */
function readParameters(
  queries: readonly string[],
  known: readonly Parameter[],
  { maxAdditionalParameters }: RegistrationLimits,
): Given | RefusedRegistration {
  // All fields from the beginning: an object that grows changes its hidden class with every parameter.
  const given: Given = {
    ep: undefined,
    lt: undefined,
    lwm2m: undefined,
    b: undefined,
    Q: undefined,
    sms: undefined,
    pid: undefined,
    additional: undefined,
    ignored: [],
  };
  for (const query of queries) {
    const equals = query.indexOf('=');
    const name = equals < 0 ? query : query.slice(0, equals);
    const at = (known as readonly string[]).indexOf(name);
    if (at < 0) {
      const additional = (given.additional ??= []);
      // What is read by people must not move their cursors; and an Update does not change what only a Register says.
      const isKept = additional.length < maxAdditionalParameters && !CONTROL.test(query) && !isRegisterParameter(name);
      if (isKept) additional.push([name, equals < 0 ? '' : unquote(query.slice(equals + 1))]);
      else given.ignored.push(shorten(name));
      continue;
    }
    const parameter = known[at]!;
    if (given[parameter] !== undefined) return refused(Codes.badRequest, `${parameter} is given twice`);
    given[parameter] = unquote(equals < 0 ? '' : query.slice(equals + 1));
  }
  const { sms } = given;
  if (sms !== undefined) {
    // Only a transport that is not used here needs it, so a wrong one is no reason to turn a Client away.
    given.sms = /^\+?(\d{1,20})$/.exec(sms)?.[1];
    if (given.sms === undefined) given.ignored.push('sms');
  }
  return given;
}

const isRegisterParameter = (name: string): boolean => (REGISTER_PARAMETERS as readonly string[]).includes(name);

/** Of two with one name the last counts. */
const additionalOf = ({ additional }: Given): AdditionalParameters =>
  additional === undefined || additional.length === 0 ? NO_ADDITIONAL_PARAMETERS : Object.fromEntries(additional);

/** `pid="6:aaaa1111,oma:foo"` and now and then `lwm2m="1.0"`. */
const unquote = (text: string): string =>
  text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;

/** The patch level, which should not be there, changes nothing on the wire. */
function parseLwM2mVersion(text: string): LwM2mVersion | undefined {
  if (isLwM2mVersion(text)) return text;
  const version = /^(\d\.\d)(\.\d{1,2})?$/.exec(text)?.[1] ?? '';
  return isLwM2mVersion(version) ? version : undefined;
}

/** At most 11,000 years, so that the moment of its end is an exact number of milliseconds. */
function parseLifetime(text: string): number | RefusedRegistration {
  return /^\d{1,12}$/.test(text) && Number(text) < 350_000_000_000
    ? Number(text)
    : refused(Codes.badRequest, `lt takes a number of seconds, not "${shorten(text)}"`);
}

/** UDP, TCP, SMS, Non-IP, MQTT, HTTP; in 1.0 also Q for queue mode. */
const BINDING = /^[UTSNMHQ]{1,7}$/;
const wrongBinding = (binding: string): RefusedRegistration =>
  refused(Codes.badRequest, `"${shorten(binding)}" is no binding`);

const parseProfileIds = (pid: string | undefined): readonly string[] =>
  pid === undefined || pid === '' ? [] : pid.split(',').slice(0, 16);

/** Control characters would get into logs and terminals; the name is for people to read too. */
const CONTROL = /\p{Cc}/u;
/** Why a text is no Endpoint Client Name, or undefined. */
export function checkEndpointClientName(name: string, maxBytes: number): string | undefined {
  // A character takes at most 3 bytes per UTF-16 unit, so most names need not be encoded to be measured.
  if (name.length * 3 > maxBytes && encodeUtf8(name).length > maxBytes) {
    return `the Endpoint Client Name is longer than ${maxBytes} bytes`;
  }
  return CONTROL.test(name) ? 'the Endpoint Client Name has a control character' : undefined;
}

const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);

/** What a Client says of itself. */
export interface ClientParameters {
  readonly endpointClientName?: string | undefined;
  readonly lifetimeSeconds: number;
  readonly lwm2mVersion: LwM2mVersion;
  /** Default "U". Without Q: `queueMode` says that. */
  readonly binding?: string | undefined;
  readonly queueMode?: boolean | undefined;
  readonly smsNumber?: string | undefined;
  /** `pid`, of 1.2; left out in older versions. */
  readonly profileIds?: readonly string[] | undefined;
  /** Names of LwM2M's own are none. */
  readonly additionalParameters?: AdditionalParameters | undefined;
}

/** The Uri-Query options of a Register: `ep` first, because a known Server looks for it there. */
export function formatRegisterQueries(parameters: ClientParameters): readonly string[] {
  const { endpointClientName, lwm2mVersion } = parameters;
  return [
    ...(endpointClientName === undefined ? [] : [`ep=${endpointClientName}`]),
    `lt=${lifetime(parameters.lifetimeSeconds)}`,
    `lwm2m=${lwm2mVersion}`,
    ...bindingQueries({ binding: 'U', ...parameters }, lwm2mVersion),
    ...(parameters.smsNumber === undefined ? [] : [`sms=${parameters.smsNumber}`]),
    ...profileQueries(parameters.profileIds, lwm2mVersion),
    ...additionalQueries(parameters.additionalParameters),
  ];
}

/** The Uri-Query options of an Update: only what has changed. */
export function formatUpdateQueries(
  changes: Partial<Omit<ClientParameters, 'endpointClientName' | 'lwm2mVersion' | 'additionalParameters'>>,
  version: LwM2mVersion,
): readonly string[] {
  return [
    ...(changes.lifetimeSeconds === undefined ? [] : [`lt=${lifetime(changes.lifetimeSeconds)}`]),
    ...bindingQueries(changes, version),
    ...(changes.smsNumber === undefined ? [] : [`sms=${changes.smsNumber}`]),
  ];
}

/** LwM2M 1.0 has queue mode inside the binding, later versions a parameter of its own. */
function bindingQueries(
  { binding, queueMode = false }: { readonly binding?: string | undefined; readonly queueMode?: boolean | undefined },
  version: LwM2mVersion,
): readonly string[] {
  if (binding === undefined && !queueMode) return [];
  if (version === '1.0') return [`b=${binding ?? 'U'}${queueMode ? 'Q' : ''}`];
  return [...(binding === undefined ? [] : [`b=${binding}`]), ...(queueMode ? ['Q'] : [])];
}

const profileQueries = (profileIds: readonly string[] = [], version: LwM2mVersion): readonly string[] =>
  version !== '1.2' || profileIds.length === 0 ? [] : [`pid=${profileIds.join()}`];

const additionalQueries = (parameters: AdditionalParameters = NO_ADDITIONAL_PARAMETERS): readonly string[] =>
  formatAdditionalQueries(parameters, 'a registration', isRegisterParameter);

/** A Profile ID as its grammar has it: "6:27354b9a", "oma:name", "v:name". OMA TS Core 1.2 §6.2.1. */
export const isProfileId = (text: string): boolean => /^([1-6]:[0-9a-f]+|(oma|v):[A-Za-z0-9-]+)$/.test(text);

function lifetime(seconds: number): number {
  if (Number.isSafeInteger(seconds) && seconds >= 0) return seconds;
  throw new UsageError(`a lifetime is a whole number of seconds, not ${seconds}`);
}
