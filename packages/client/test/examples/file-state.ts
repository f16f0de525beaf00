import { FileStateStore, LwM2mClient, temperatureObject } from '@lapwing/client';

/** A thermometer that still knows after a restart what servers want to be told, and what it could not tell them. */
export const startRememberingThermometer = (serverUri: string, file: string): Promise<LwM2mClient> =>
  LwM2mClient.start({
    endpointClientName: 'urn:dev:os:32473-remembering',
    servers: [{ uri: serverUri, notificationStoring: true }],
    objects: [temperatureObject({ value: 20.5 })],
    stateStore: new FileStateStore(file),
  });
