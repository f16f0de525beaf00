/**
 * Object 0, Security: how each server is reached. Servers never see it: every operation on it is answered 4.01, and it
 * is not part of the registration. OMA TS Core, Object LwM2M Security.
 */
import type { KeyObject } from 'node:crypto';
import { cipherSuiteByName, type CipherSuiteName, type ClientCredentials, type SecretKey } from '@lapwing/dtls';
import type { ClientObject, ObjectInstanceContent } from '../client-object.ts';
import type { ResolvedAccount, ResolvedBootstrapAccount } from '../server-account.ts';

export const SECURITY_RESOURCES = {
  uri: 0,
  bootstrapServer: 1,
  securityMode: 2,
  publicKeyOrIdentity: 3,
  serverPublicKey: 4,
  secretKey: 5,
  shortServerId: 10,
  clientHoldOffTime: 11,
  bootstrapServerAccountTimeout: 12,
  matchingType: 13,
  serverName: 14,
  certificateUsage: 15,
  cipherSuites: 16,
  oscore: 17,
} as const;

export const SECURITY_MODES = { psk: 0, rpk: 1, x509: 2, none: 3, est: 4 } as const;

const ID = SECURITY_RESOURCES;
const MODE = SECURITY_MODES;
const NO_KEY = new Uint8Array(0);

/** @param bootstrapServer  its Object Instance ID and account. */
export const securityObject = (
  accounts: readonly ResolvedAccount[],
  bootstrapServer?: ResolvedBootstrapAccount,
): ClientObject => ({
  objectId: 0,
  // Object 0 of LwM2M 1.0 ends with Resource 12.
  unknownResources: 'skip',
  instances: Object.fromEntries([
    ...accounts.map((account) => [account.objectInstanceId, securityContent(account)] as const),
    ...(bootstrapServer === undefined
      ? []
      : [[bootstrapServer.objectInstanceId, bootstrapServerContent(bootstrapServer)] as const]),
  ]),
});

export const securityContent = ({
  uri,
  shortServerId,
  credentials,
  serverName,
  cipherSuites,
}: ResolvedAccount): ObjectInstanceContent => ({
  [ID.uri]: uri,
  [ID.bootstrapServer]: false,
  ...keys(credentials),
  [ID.shortServerId]: shortServerId,
  ...asked(serverName, cipherSuites),
});

export const bootstrapServerContent = (account: ResolvedBootstrapAccount): ObjectInstanceContent => ({
  [ID.uri]: account.uri,
  [ID.bootstrapServer]: true,
  ...keys(account.credentials),
  ...asked(account.serverName, account.cipherSuites),
  [ID.clientHoldOffTime]: account.holdOffSeconds ?? 0,
  [ID.bootstrapServerAccountTimeout]: account.accountTimeoutSeconds ?? 0,
});

/** What is asked for in the handshake. */
const asked = (
  serverName: string | undefined,
  cipherSuites: readonly CipherSuiteName[] | undefined,
): ObjectInstanceContent => ({
  ...(serverName !== undefined && { [ID.serverName]: serverName }),
  ...(cipherSuites !== undefined && { [ID.cipherSuites]: cipherSuites.map((name) => cipherSuiteByName(name).number) }),
});

function keys(credentials: ClientCredentials | undefined): ObjectInstanceContent {
  switch (credentials?.kind) {
    case undefined:
      return securityMode(MODE.none, NO_KEY, NO_KEY, NO_KEY);
    case 'psk':
      return securityMode(MODE.psk, new Uint8Array(credentials.identity), NO_KEY, secretBytes(credentials.key));
    case 'rpk': {
      const { own, serverPublicKey } = credentials;
      return securityMode(
        MODE.rpk,
        new Uint8Array(own.publicKey),
        new Uint8Array(serverPublicKey),
        privateBytes(own.privateKey),
      );
    }
    case 'x509': {
      const { own, server } = credentials;
      const secret = own === undefined ? NO_KEY : privateBytes(own.privateKey);
      return {
        ...securityMode(MODE.x509, new Uint8Array(own?.chain[0] ?? NO_KEY), new Uint8Array(server.certificate), secret),
        [ID.matchingType]: server.matchingType,
        [ID.certificateUsage]: server.usage,
      };
    }
  }
}

const securityMode = (
  mode: number,
  publicKeyOrIdentity: Uint8Array,
  serverPublicKey: Uint8Array,
  secretKey: Uint8Array,
): ObjectInstanceContent => ({
  [ID.securityMode]: mode,
  [ID.publicKeyOrIdentity]: publicKeyOrIdentity,
  [ID.serverPublicKey]: serverPublicKey,
  [ID.secretKey]: secretKey,
});

// Plain arrays: a Buffer has `read` and `write` methods, as a handler of a Resource has.
const secretBytes = (key: SecretKey): Uint8Array => new Uint8Array((key as KeyObject).export());

/** OneAsymmetricKey. RFC 5958. */
const privateBytes = (key: SecretKey): Uint8Array =>
  new Uint8Array((key as KeyObject).export({ format: 'der', type: 'pkcs8' }));
