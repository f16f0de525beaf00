import { createSecretKey } from 'node:crypto';
import { FileStateStore, LwM2mClient, temperatureObject, type SmartcardSource } from '@lapwing/client';

/** A thermometer that leaves the factory with nothing but the account of its Bootstrap-Server. */
export async function startBootstrappedThermometer(
  bootstrapUri: string,
  key: Uint8Array,
  file: string,
): Promise<LwM2mClient> {
  const name = 'urn:dev:os:32473-bootstrapped';
  const client = await LwM2mClient.start({
    endpointClientName: name,
    servers: [],
    bootstrapServer: {
      uri: bootstrapUri, // coaps://host, port 5684 by default
      credentials: { kind: 'psk', identity: new TextEncoder().encode(name), key: createSecretKey(key) },
    },
    objects: [temperatureObject({ value: 20.5 })],
    stateStore: new FileStateStore(file),
  });
  client.on('bootstrapFailed', ({ reason, retryIn }) => {
    console.error(`${reason}; next attempt in ${retryIn / 1000} s`);
  });
  return client;
}

/** One whose servers are on the smartcard that is put into it. */
export const startCardThermometer = (smartcard: SmartcardSource, file: string): Promise<LwM2mClient> =>
  LwM2mClient.start({
    endpointClientName: 'urn:dev:os:32473-card',
    servers: [],
    smartcard,
    objects: [temperatureObject({ value: 20.5 })],
    stateStore: new FileStateStore(file),
  });
