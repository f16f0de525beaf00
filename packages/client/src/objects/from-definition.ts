/** Objects by their definition alone: any Object of the registry, or one an application defines itself. */
import type { ObjectDefinition } from '@lapwing/lwm2m';
import type { ClientObject, ObjectInstanceContent } from '../client-object.ts';

/**
 * @param definition  from the registry, or made from an XML file.
 * @param instances  by Object Instance ID, or as a list from id 0.
 */
export const objectFromDefinition = (
  definition: ObjectDefinition,
  instances: readonly ObjectInstanceContent[] | ClientObject['instances'],
  options: Omit<ClientObject, 'objectId' | 'definition' | 'version' | 'instances'> = {},
): ClientObject => ({ ...options, objectId: definition.id, definition, instances: { ...instances } });
