import { deviceObject, LwM2mClient, temperatureObject } from '@lapwing/client';

/** A thermometer that registers and tells its temperature to whoever observes it. */
export async function startThermometer(serverUri: string): Promise<LwM2mClient> {
  const client = await LwM2mClient.start({
    endpointClientName: 'urn:dev:os:32473-thermometer',
    servers: [{ uri: serverUri, lifetimeSeconds: 300 }],
    objects: [
      deviceObject({ manufacturer: 'Example', modelNumber: 'T-1' }),
      temperatureObject({ value: 20.5, units: 'Cel', minRange: -40, maxRange: 85 }),
    ],
  });
  await client.whenRegistered();
  client.set('/3303/0/5700', 21.5);
  return client;
}
