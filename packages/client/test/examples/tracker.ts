import {
  binaryAppDataObject,
  connectivityMonitoringObject,
  connectivityStatisticsObject,
  deviceObject,
  EventLog,
  locationObject,
  LwM2mClient,
  portfolioObject,
  TrafficStatistics,
} from '@lapwing/client';

/** A tracker with every Object that the OMA test suite knows, but firmware. */
export async function startTracker(serverUri: string): Promise<LwM2mClient> {
  const log = new EventLog({ logClass: 1, isRunning: true });
  const traffic = new TrafficStatistics();
  const client = await LwM2mClient.start({
    endpointClientName: 'urn:dev:os:32473-tracker',
    servers: [{ uri: serverUri }],
    objects: [
      deviceObject({
        manufacturer: 'Example',
        powerSources: [{ type: 1, voltage: 3800, current: 125 }],
        batteryLevel: 80,
        factoryReset: () => log.append('factory reset\n'),
      }),
      connectivityMonitoringObject(() => ({ networkBearer: 21, radioSignalStrength: -61, ipAddresses: ['10.0.0.7'] })),
      locationObject({ latitude: 43.5723, longitude: 153.2176 }),
      connectivityStatisticsObject(traffic),
      portfolioObject({ identities: [{ hostDeviceId: '8412', hostDeviceModel: 'T-1' }] }),
      binaryAppDataObject({ data: [] }, { data: [], description: 'downlink' }),
      log.object,
    ],
  });
  client.on('written', ({ paths }) => log.append(`${paths.length} written\n`));
  client.set('/3/0/11', [1]);
  return client;
}
