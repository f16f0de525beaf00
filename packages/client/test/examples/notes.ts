import { Codes } from '@lapwing/coap';
import { LwM2mClient, objectFromDefinition, OperationRefused } from '@lapwing/client';
import { ObjectDefinitions } from '@lapwing/lwm2m';

/** Object 19, BinaryAppDataContainer, as a place for notes that servers may create and delete. */
export async function startNotes(serverUri: string): Promise<LwM2mClient> {
  const container = new ObjectDefinitions().object(19);
  if (container === undefined) throw new Error('Object 19 is in the registry');
  return LwM2mClient.start({
    endpointClientName: 'urn:dev:os:32473-notes',
    servers: [{ uri: serverUri }],
    objects: [
      objectFromDefinition(
        container,
        { 0: { 0: [new TextEncoder().encode('the first note')], 3: 'read me' } },
        {
          create: (objectInstanceId, given) => {
            if (given.size === 0) throw new OperationRefused(Codes.badRequest, 'an empty note is none');
            return { 3: `note ${objectInstanceId}` };
          },
          delete: true,
        },
      ),
    ],
  });
}
