import { open, readFile, rename } from 'node:fs/promises';
import { LwM2mClient, temperatureObject } from '@lapwing/client';
import type { ClientState, ClientStateStore } from '@lapwing/client';

/** A client's state in a file: written beside it and renamed, so that a crash leaves the old state or the new one. */
export class FileStateStore implements ClientStateStore {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async load(): Promise<ClientState | undefined> {
    try {
      return JSON.parse(await readFile(this.#path, 'utf8')) as ClientState;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async save(state: ClientState): Promise<void> {
    const file = await open(`${this.#path}.new`, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify(state));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${this.#path}.new`, this.#path);
  }
}

/** A thermometer that still knows after a restart what servers want to be told. */
export const startRememberingThermometer = (serverUri: string, file: string): Promise<LwM2mClient> =>
  LwM2mClient.start({
    endpointClientName: 'urn:dev:os:32473-remembering',
    servers: [{ uri: serverUri, notificationStoring: true }],
    objects: [temperatureObject({ value: 20.5 })],
    stateStore: new FileStateStore(file),
  });
