/**
 * Object 0, Security: how each server is reached. Servers never see it: every operation on it is answered 4.01, and it
 * is not part of the registration. OMA TS Core, Object LwM2M Security.
 */
import type { ClientObject } from '../client-object.ts';
import type { ResolvedAccount } from '../server-account.ts';

const ID = {
  uri: 0,
  bootstrapServer: 1,
  securityMode: 2,
  publicKeyOrIdentity: 3,
  serverPublicKey: 4,
  secretKey: 5,
  shortServerId: 10,
} as const;

/** Security Mode: no DTLS. */
const NO_SECURITY = 3;
const NO_KEY = new Uint8Array(0);

export const securityObject = (accounts: readonly ResolvedAccount[]): ClientObject => ({
  objectId: 0,
  instances: Object.fromEntries(
    accounts.map(({ objectInstanceId, uri, shortServerId }) => [
      objectInstanceId,
      {
        [ID.uri]: uri,
        [ID.bootstrapServer]: false,
        [ID.securityMode]: NO_SECURITY,
        [ID.publicKeyOrIdentity]: NO_KEY,
        [ID.serverPublicKey]: NO_KEY,
        [ID.secretKey]: NO_KEY,
        [ID.shortServerId]: shortServerId,
      },
    ]),
  ),
});
