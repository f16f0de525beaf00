import { LwM2mClient, sensorObject } from '@lapwing/client';

/** Measure for a while, send the readings, and be gone: the client de-registers when the block ends. */
export async function sendReadings(serverUri: string, readings: readonly number[]): Promise<number> {
  await using client = await LwM2mClient.start({
    endpointClientName: 'urn:dev:os:32473-meter',
    servers: [{ uri: serverUri, lifetimeSeconds: 60 }],
    objects: [sensorObject(3304, { value: 0, units: '%RH' })],
  });
  await client.whenRegistered({ signal: AbortSignal.timeout(60_000) });
  let accepted = 0;
  for (const reading of readings) {
    client.set('/3304/0/5700', reading);
    const [result] = await client.send(['/3304/0/5700']);
    if (result?.ok) accepted++;
  }
  return accepted;
}
