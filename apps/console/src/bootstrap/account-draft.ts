/** Accounts with LwM2M Servers and Bootstrap-Servers while a person edits them, and as JSON. */
import type { AccountSecurity, BootstrapServerAccount, BytesJson, ServerAccount } from '../api/bootstrap-shapes.ts';
import type { ObjectDefinition } from '../api/shapes.ts';
import {
  namedDraftOf,
  namedJson,
  NO_RESOURCES,
  SECURITY_NAMES,
  SERVER_NAMES,
  type NamedDraft,
} from './account-resources.ts';
import { identityText, parseBytes, parseIdentity } from './bytes.ts';
import { newKey } from './draft-key.ts';
import { pointerTo, type Mistakes } from './mistakes.ts';
import { isId } from './resource-draft.ts';

export type SecurityMode = AccountSecurity['mode'];

export interface SecurityDraft {
  readonly mode: SecurityMode;
  /** Credentials are made for each Bootstrap. */
  readonly generate: boolean;
  readonly identity: string;
  readonly keyBytes: string;
  /** Undefined: the server has one and does not tell it; it stays. */
  readonly key: string | undefined;
  readonly publicKey: string;
  readonly certificate: string;
  /** As `key`. */
  readonly privateKey: string | undefined;
  readonly serverPublicKey: string;
  readonly serverCertificate: string;
  /** '' or a number. */
  readonly certificateUsage: string;
  readonly matchingType: string;
}

export interface ServerDraft {
  readonly key: string;
  /** Undefined: this server. */
  readonly uri: string | undefined;
  readonly shortServerId: string;
  readonly lifetimeSeconds: string;
  readonly binding: string;
  readonly security: SecurityDraft;
  readonly server: NamedDraft;
  readonly securityObject: NamedDraft;
  readonly securityObjectInstanceId: string;
  readonly serverObjectInstanceId: string;
}

export interface BootstrapServerDraft {
  readonly key: string;
  /** Undefined: this Bootstrap-Server. */
  readonly uri: string | undefined;
  readonly security: SecurityDraft;
  readonly holdOffSeconds: string;
  readonly accountTimeoutSeconds: string;
  readonly securityObject: NamedDraft;
  readonly securityObjectInstanceId: string;
}

const NO_SECURITY: SecurityDraft = {
  mode: 'none',
  generate: true,
  identity: '',
  keyBytes: '',
  key: '',
  publicKey: '',
  certificate: '',
  privateKey: '',
  serverPublicKey: '',
  serverCertificate: '',
  certificateUsage: '',
  matchingType: '',
};

/** @param generate  this server takes what is made here; another has to be told in its own way. */
const usualSecurity = (secure: boolean, generate: boolean): SecurityDraft => ({
  ...NO_SECURITY,
  mode: secure ? 'psk' : 'none',
  generate,
});

/** @param uri  undefined: this server. */
export const newServer = (uri: string | undefined, shortServerId: number, secure: boolean): ServerDraft => ({
  key: newKey(),
  uri,
  shortServerId: String(shortServerId),
  lifetimeSeconds: '',
  binding: '',
  security: usualSecurity(secure, uri === undefined),
  server: NO_RESOURCES,
  securityObject: NO_RESOURCES,
  securityObjectInstanceId: '',
  serverObjectInstanceId: '',
});

export const newBootstrapServer = (secure: boolean): BootstrapServerDraft => ({
  key: newKey(),
  uri: undefined,
  security: usualSecurity(secure, true),
  holdOffSeconds: '',
  accountTimeoutSeconds: '',
  securityObject: NO_RESOURCES,
  securityObjectInstanceId: '',
});

const textOf = (number: number | undefined): string => (number === undefined ? '' : String(number));

const secretText = (bytes: BytesJson | undefined): string | undefined =>
  bytes !== undefined && 'hidden' in bytes ? undefined : bytesText(bytes);

const bytesText = (bytes: BytesJson | undefined): string => {
  if (bytes === undefined || 'hidden' in bytes) return '';
  return 'hex' in bytes ? bytes.hex : bytes.base64;
};

const securityDraftOf = (json: AccountSecurity): SecurityDraft => {
  const { identity } = json;
  return {
    mode: json.mode,
    generate: json.generate === true,
    identity:
      identity === undefined || (typeof identity === 'object' && 'hidden' in identity) ? '' : identityText(identity),
    keyBytes: textOf(json.keyBytes),
    key: secretText(json.key),
    publicKey: bytesText(json.publicKey),
    certificate: bytesText(json.certificate),
    privateKey: secretText(json.privateKey),
    serverPublicKey: bytesText(json.serverPublicKey),
    serverCertificate: bytesText(json.serverCertificate),
    certificateUsage: textOf(json.certificateUsage),
    matchingType: textOf(json.matchingType),
  };
};

export interface AccountDefinitions {
  readonly security: ObjectDefinition | undefined;
  readonly server: ObjectDefinition | undefined;
}

export const serverDraftOf = (json: ServerAccount, { security, server }: AccountDefinitions): ServerDraft => ({
  key: newKey(),
  uri: json.uri,
  shortServerId: String(json.shortServerId),
  lifetimeSeconds: textOf(json.lifetimeSeconds),
  binding: json.binding ?? '',
  security: securityDraftOf(json.security),
  server: namedDraftOf(json.server, SERVER_NAMES, server),
  securityObject: namedDraftOf(json.securityObject, SECURITY_NAMES, security),
  securityObjectInstanceId: textOf(json.securityObjectInstanceId),
  serverObjectInstanceId: textOf(json.serverObjectInstanceId),
});

export const bootstrapServerDraftOf = (
  json: BootstrapServerAccount,
  { security }: AccountDefinitions,
): BootstrapServerDraft => ({
  key: newKey(),
  uri: json.uri,
  security: securityDraftOf(json.security),
  holdOffSeconds: textOf(json.holdOffSeconds),
  accountTimeoutSeconds: textOf(json.accountTimeoutSeconds),
  securityObject: namedDraftOf(json.securityObject, SECURITY_NAMES, security),
  securityObjectInstanceId: textOf(json.securityObjectInstanceId),
});

/** Reads the fields of one part of the form, each with its place. */
export class FieldReader {
  readonly #pointer: string;
  readonly #mistakes: Mistakes;

  constructor(pointer: string, mistakes: Mistakes) {
    this.#pointer = pointer;
    this.#mistakes = mistakes;
  }

  mistake(member: string, sentence: string): void {
    this.#mistakes.add(pointerTo(this.#pointer, member), sentence);
  }

  /** Undefined for an empty field. */
  whole(member: string, text: string, most = Number.MAX_SAFE_INTEGER): number | undefined {
    const trimmed = text.trim();
    if (trimmed === '') return undefined;
    if (/^\d+$/.test(trimmed) && Number(trimmed) <= most) return Number(trimmed);
    this.mistake(
      member,
      most === Number.MAX_SAFE_INTEGER ? 'A whole number is needed.' : `A whole number from 0 to ${most} is needed.`,
    );
    return undefined;
  }

  objectInstanceId(member: string, text: string): number | undefined {
    const trimmed = text.trim();
    if (trimmed === '') return undefined;
    if (isId(trimmed)) return Number(trimmed);
    this.mistake(member, 'An Object Instance ID is 0 to 65534.');
    return undefined;
  }

  /** Undefined for an empty field. */
  bytes(member: string, text: string | undefined): BytesJson | undefined {
    if (text === undefined) return { hidden: true };
    if (text.trim() === '') return undefined;
    const parsed = parseBytes(text);
    if (parsed.ok) return { base64: parsed.base64 };
    this.mistake(member, parsed.reason);
    return undefined;
  }

  neededBytes(member: string, text: string | undefined, sentence: string): BytesJson | undefined {
    if (text !== undefined && text.trim() === '') this.mistake(member, sentence);
    return this.bytes(member, text);
  }
}

const securityJson = (draft: SecurityDraft, pointer: string, mistakes: Mistakes): AccountSecurity => {
  const read = new FieldReader(pointer, mistakes);
  const { mode, generate } = draft;
  switch (mode) {
    case 'none':
      return { mode };
    case 'psk': {
      const identity = parseIdentity(draft.identity.trim());
      if (!identity.ok) read.mistake('identity', identity.reason);
      const given = identity.ok && identity.identity !== '' ? { identity: identity.identity } : {};
      if (generate)
        return withMembers({ mode, generate }, { ...given, keyBytes: read.whole('keyBytes', draft.keyBytes) });
      if (draft.identity.trim() === '') read.mistake('identity', 'A pre-shared key has an identity.');
      return withMembers({ mode }, { ...given, key: read.neededBytes('key', draft.key, 'A key is needed.') });
    }
    case 'rpk':
      return withMembers(generate ? { mode, generate } : { mode }, {
        ...(generate
          ? {}
          : {
              publicKey: read.neededBytes('publicKey', draft.publicKey, 'The public key of the device is needed.'),
              privateKey: read.neededBytes('privateKey', draft.privateKey, 'The private key of the device is needed.'),
            }),
        serverPublicKey: read.bytes('serverPublicKey', draft.serverPublicKey),
      });
    case 'x509':
      return withMembers(generate ? { mode, generate } : { mode }, {
        ...(generate
          ? {}
          : {
              certificate: read.neededBytes(
                'certificate',
                draft.certificate,
                'The certificate of the device is needed.',
              ),
              privateKey: read.neededBytes('privateKey', draft.privateKey, 'The private key of the device is needed.'),
            }),
        serverCertificate: read.bytes('serverCertificate', draft.serverCertificate),
        certificateUsage: read.whole('certificateUsage', draft.certificateUsage, 3),
        matchingType: read.whole('matchingType', draft.matchingType, 3),
      });
  }
};

/** What is undefined is left out: then the server chooses. */
export const withMembers = <Base extends object, Members extends object>(
  base: Base,
  members: Members,
): Base & { readonly [Name in keyof Members]?: Exclude<Members[Name], undefined> } => ({
  ...base,
  ...Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)),
});

const uriJson = (read: FieldReader, uri: string | undefined): string | undefined => {
  if (uri === undefined) return undefined;
  const trimmed = uri.trim();
  if (!/^coaps?:\/\/[^/]/.test(trimmed)) read.mistake('uri', 'A URI like coaps://host:5684 is needed.');
  return trimmed;
};

export const serverJson = (draft: ServerDraft, pointer: string, mistakes: Mistakes): ServerAccount => {
  const read = new FieldReader(pointer, mistakes);
  const shortServerId = read.whole('shortServerId', draft.shortServerId, 65_534) ?? 0;
  if (shortServerId === 0) read.mistake('shortServerId', 'A Short Server ID is 1 to 65534.');
  return withMembers(
    {
      shortServerId,
      security: securityJson(draft.security, pointerTo(pointer, 'security'), mistakes),
    },
    {
      uri: uriJson(read, draft.uri),
      lifetimeSeconds: read.whole('lifetimeSeconds', draft.lifetimeSeconds),
      binding: draft.binding.trim() === '' ? undefined : draft.binding.trim(),
      server: namedJson(draft.server, SERVER_NAMES, pointerTo(pointer, 'server'), mistakes),
      securityObject: namedJson(draft.securityObject, SECURITY_NAMES, pointerTo(pointer, 'securityObject'), mistakes),
      securityObjectInstanceId: read.objectInstanceId('securityObjectInstanceId', draft.securityObjectInstanceId),
      serverObjectInstanceId: read.objectInstanceId('serverObjectInstanceId', draft.serverObjectInstanceId),
    },
  );
};

export const bootstrapServerJson = (
  draft: BootstrapServerDraft,
  pointer: string,
  mistakes: Mistakes,
): BootstrapServerAccount => {
  const read = new FieldReader(pointer, mistakes);
  return withMembers(
    { security: securityJson(draft.security, pointerTo(pointer, 'security'), mistakes) },
    {
      uri: uriJson(read, draft.uri),
      holdOffSeconds: read.whole('holdOffSeconds', draft.holdOffSeconds),
      accountTimeoutSeconds: read.whole('accountTimeoutSeconds', draft.accountTimeoutSeconds),
      securityObject: namedJson(draft.securityObject, SECURITY_NAMES, pointerTo(pointer, 'securityObject'), mistakes),
      securityObjectInstanceId: read.objectInstanceId('securityObjectInstanceId', draft.securityObjectInstanceId),
    },
  );
};
