/** What devices prove themselves with to the Bootstrap-Server. */
import { bootstrapApi } from '../api/bootstrap-rest.ts';
import { BOOTSTRAP_CREDENTIALS } from '../live/bootstrap-live.ts';
import type { CredentialSource } from '../security/credential-source.ts';

export const BOOTSTRAP_CREDENTIAL_SOURCE: CredentialSource = {
  title: 'Bootstrap credentials',
  description:
    'What devices prove themselves with to the Bootstrap-Server over coaps, from the factory on. A device that has some may not come over plain CoAP; they do not let it in to this server.',
  queryKey: BOOTSTRAP_CREDENTIALS,
  list: bootstrapApi.credentials,
  add: bootstrapApi.addCredential,
  remove: bootstrapApi.removeCredential,
  addedWords: (device) => `${device} can bootstrap over coaps now.`,
  removalWords: (device) =>
    `${device} can no longer prove itself with it to the Bootstrap-Server. A bootstrap that runs over it ends at once.`,
};
