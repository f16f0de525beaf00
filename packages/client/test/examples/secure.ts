import { createSecretKey } from 'node:crypto';
import { LwM2mClient, temperatureObject } from '@lapwing/client';

/** A thermometer that proves itself with a pre-shared key, over DTLS. */
export async function startSecureThermometer(serverUri: string, key: Uint8Array): Promise<LwM2mClient> {
  const client = await LwM2mClient.start({
    endpointClientName: 'urn:dev:os:32473-secure',
    servers: [
      {
        uri: serverUri, // coaps://host, port 5684 by default
        credentials: {
          kind: 'psk',
          identity: new TextEncoder().encode('urn:dev:os:32473-secure'),
          key: createSecretKey(key),
        },
      },
    ],
    objects: [temperatureObject({ value: 20.5 })],
  });
  client.on('registrationFailed', ({ reason, retryIn }) => {
    console.error(`${reason}; next attempt in ${retryIn / 1000} s`);
  });
  return client;
}
