/**
 * A simulated device that knows nothing but the Bootstrap-Server: it is let in there, a configuration for it is kept
 * unless there is one, and what it is given it keeps beside the keys of the server.
 */
import { join } from 'node:path';
import {
  type BootstrapServerAccount,
  type ClientState,
  type ClientStateStore,
  FileStateStore,
  MemoryStateStore,
} from '@lapwing/client';
import type { BootstrapConfiguration } from '@lapwing/bootstrap-server';
import type { Bootstrap } from '../bootstrap/bootstrap.ts';
import type { OwnUris } from '../bootstrap/own-uris.ts';
import type { Security } from '../security/security.ts';
import { preSharedKey } from './demo-credentials.ts';

/** As one sets it with `lapwing bootstrap set demo-power-meter --this-server --psk generate --lifetime 120 --secure-only`. */
const CONFIGURATION: BootstrapConfiguration = {
  servers: [{ shortServerId: 1, lifetimeSeconds: 120, security: { mode: 'psk', generate: true } }],
  secureOnly: true,
};

const SAME_MACHINE = { host: '127.0.0.1', port: 1 };

export interface BootstrappedAccount {
  readonly bootstrapServer: BootstrapServerAccount;
  readonly stateStore: ClientStateStore;
}

export async function bootstrappedAccount(
  endpointClientName: string,
  bootstrapUri: string,
  { credentials, configurations, serverUris, ownUris }: Bootstrap,
  { folder }: Security,
): Promise<BootstrappedAccount> {
  const own = await preSharedKey(endpointClientName, credentials);
  let configuration = configurations.find(endpointClientName);
  if (configuration === undefined) {
    configuration = CONFIGURATION;
    await configurations.save(endpointClientName, configuration);
  }
  const { servers = [], bootstrapServers = [] } = configuration;
  const uris = [
    bootstrapUri,
    ...(await Promise.all(servers.map((account) => uriOf(account, serverUris)))),
    ...(await Promise.all(bootstrapServers.map((account) => uriOf(account, ownUris)))),
  ];
  return {
    bootstrapServer: { uri: bootstrapUri, credentials: own },
    stateStore:
      folder === undefined
        ? new MemoryStateStore()
        : new StateOfAddresses(new FileStateStore(join(folder, `${endpointClientName}.state`)), uris),
  };
}

type Account = NonNullable<BootstrapConfiguration['servers'] | BootstrapConfiguration['bootstrapServers']>[number];

const uriOf = async ({ uri, security }: Account, uris: OwnUris): Promise<string | undefined> =>
  uri ?? uris.of(security.mode === 'none' ? 'coap' : 'coaps', SAME_MACHINE);

/**
 * The state, as long as it leads where the configuration does: whoever starts the server at other ports does not want to
 * wait until a device has looked for the old ones in vain.
 */
class StateOfAddresses implements ClientStateStore {
  readonly #store: ClientStateStore;
  readonly #uris: readonly (string | undefined)[];

  constructor(store: ClientStateStore, uris: readonly (string | undefined)[]) {
    this.#store = store;
    this.#uris = uris;
  }

  async load(): Promise<ClientState | undefined> {
    const state = await this.#store.load();
    const accounts = Object.values(state?.objects[SECURITY]?.instances ?? {});
    const isUpToDate = accounts.every(({ [LWM2M_SERVER_URI]: uri }) => {
      const text: unknown = Array.isArray(uri) ? uri[1] : undefined;
      return this.#uris.some((each) => each === text);
    });
    return isUpToDate ? state : undefined;
  }

  async save(state: ClientState): Promise<void> {
    await this.#store.save(state);
  }
}

const SECURITY = 0;
const LWM2M_SERVER_URI = 0;
