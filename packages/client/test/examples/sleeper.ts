import { LwM2mClient, sensorObject } from '@lapwing/client';

/** A water meter that sleeps, and is out of reach of any network at times. */
export async function startSleeper(serverUri: string, radio: { on: boolean }): Promise<LwM2mClient> {
  const client = await LwM2mClient.start({
    endpointClientName: 'urn:dev:os:32473-sleeper',
    servers: [{ uri: serverUri, lifetimeSeconds: 86_400, notificationStoring: true }],
    objects: [sensorObject(3346, { value: 0, units: 'l/min' })],
    queueMode: { awakeTime: 20_000 },
    notificationStorage: { notificationsPerPath: 500 },
  });
  client.on('asleep', () => (radio.on = false));
  client.on('awake', () => (radio.on = true));
  return client;
}

/** Between losing the network and finding it again values are stored with their times. */
export function measureOutOfReach(client: LwM2mClient, values: readonly number[]): void {
  client.goOffline();
  for (const value of values) client.set('/3346/0/5700', value);
  client.goOnline();
}
