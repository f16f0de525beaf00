import { LwM2mBootstrapServer } from '@lapwing/bootstrap-server';

/** Tell a device where its LwM2M Server is. */
export async function configure(port: number, say: (line: string) => void): Promise<LwM2mBootstrapServer> {
  const bootstrapServer = await LwM2mBootstrapServer.start({ coap: [{ host: '127.0.0.1', port }] });
  await bootstrapServer.configurations.set('urn:imei:1', {
    servers: [
      {
        shortServerId: 1,
        uri: 'coap://192.0.2.1:5683',
        security: { mode: 'none' },
        lifetimeSeconds: 3600,
        server: { defaultMinimumPeriod: 10, notificationStoringWhenDisabledOrOffline: true },
      },
    ],
    accessControl: [{ objectId: 3, objectInstanceId: 0, owner: 1, rights: { 1: 'rw' } }],
    objects: [{ path: '/3/0/15', value: 'Europe/Berlin' }],
  });
  bootstrapServer.on('sessionEnded', ({ endpointClientName }, { kind }) => say(`${endpointClientName}: ${kind}`));
  bootstrapServer.on('refused', ({ endpointClientName, reason }) =>
    say(`${endpointClientName} was refused: ${reason}`),
  );
  return bootstrapServer;
}
