import { accessControlObject, LwM2mClient, temperatureObject } from '@lapwing/client';

/** Two servers share a thermometer: the first one owns it and may create more, the second one may only read. */
export const startSharedThermometer = (first: string, second: string): Promise<LwM2mClient> =>
  LwM2mClient.start({
    endpointClientName: 'urn:dev:os:32473-shared',
    servers: [
      { uri: first, shortServerId: 1, priority: 1 },
      { uri: second, shortServerId: 2, priority: 2 },
    ],
    objects: [
      temperatureObject({ value: 20.5 }),
      accessControlObject(
        { objectId: 3, objectInstanceId: 0, others: ['read'] },
        { objectId: 3303, objectInstanceId: 0, owner: 1, others: ['read'] },
        { objectId: 3303, servers: { 1: ['create'] } },
      ),
    ],
  });
