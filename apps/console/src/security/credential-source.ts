/** Whose credentials are shown and changed: those for this server, or those for its Bootstrap-Server. */
import { api, type DevicesQuery } from '../api/rest.ts';
import type { AddedCredential, CredentialKind, CredentialPage, NewCredential } from '../api/shapes.ts';
import { CREDENTIALS } from '../live/live-data.ts';

export interface CredentialSource {
  readonly title: string;
  readonly description: string;
  readonly queryKey: readonly string[];
  readonly list: (query: DevicesQuery) => Promise<CredentialPage>;
  readonly add: (credential: NewCredential) => Promise<AddedCredential>;
  readonly remove: (device: string, kind: CredentialKind) => Promise<unknown>;
  /** What is true once it was added, and once it will have been removed. */
  readonly addedWords: (device: string) => string;
  readonly removalWords: (device: string) => string;
}

export const SERVER_CREDENTIALS: CredentialSource = {
  title: 'Credentials',
  description: 'What devices prove themselves with over coaps. A device that has some may not come over plain CoAP.',
  queryKey: CREDENTIALS,
  list: api.credentials,
  add: api.addCredential,
  remove: api.removeCredential,
  addedWords: (device) => `${device} can connect over coaps now.`,
  removalWords: (device) =>
    `${device} can no longer prove itself with it. If it is connected by it, its association and its registration end at once.`,
};
