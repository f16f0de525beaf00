/** The states that clients saved before version 2: one SenML JSON of all that was kept in Server (1) and Access Control (2). */
import { CONTENT_FORMATS, encodeUtf8 } from '@lapwing/coap';
import { decodePayload, isMalformed, ROOT } from '@lapwing/lwm2m';
import type { DefinitionLookup } from '@lapwing/lwm2m';
import type { ClientState } from './client-state.ts';
import type { SavedObject, SavedObjects } from './saved-objects.ts';
import { saveValue } from './saved-value.ts';
import type { SavedValue } from './saved-value.ts';

export interface ClientStateVersion1 extends Pick<ClientState, 'attributes'> {
  readonly version: 1;
  readonly objects: string;
}

/** The same in version 2. What cannot be read as SenML is left out. */
export function fromVersion1({ attributes, objects }: ClientStateVersion1, definitions: DefinitionLookup): ClientState {
  return { version: 2, attributes, objects: savedObjects(objects, definitions), notifications: [] };
}

function savedObjects(senml: string, definitions: DefinitionLookup): SavedObjects {
  const entries = decodePayload(CONTENT_FORMATS.senmlJson.number, encodeUtf8(senml), {
    path: ROOT,
    definitions,
    alternatePath: '',
  });
  if (isMalformed(entries)) return {};
  const byObject: Record<string, Record<string, Record<string, SavedValue | Record<string, SavedValue>>>> = {};
  for (const entry of entries) {
    if (entry.kind !== 'value') continue;
    const { path, value } = entry;
    const instance = ((byObject[path.objectId] ??= {})[path.objectInstanceId] ??= {});
    if (path.kind === 'resource') instance[path.resourceId] = saveValue(value);
    else {
      const values = (instance[path.resourceId] ??= {});
      if (!Array.isArray(values)) (values as Record<string, SavedValue>)[path.resourceInstanceId] = saveValue(value);
    }
  }
  const saved: Record<string, SavedObject> = {};
  for (const [id, instances] of Object.entries(byObject)) saved[id] = { instances, created: [], deleted: [] };
  return saved;
}
