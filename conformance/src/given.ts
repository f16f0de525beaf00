/** Content as a case writes it, paths as text and values as plain JavaScript, and the entries and payloads it stands for. */
import assert from 'node:assert/strict';
import {
  encodePayload,
  formatPath,
  isMalformed,
  ObjectDefinitions,
  parsePath,
  resourceInstancePath,
  valueFromJs,
  type NodeEntry,
  type ObjectDefinition,
  type Path,
  type ResourceInstancePath,
  type ResourcePath,
} from '@lapwing/lwm2m';

/** What to write: by path for Resources and Resource Instances, a list or an object by id for multiple instances. */
export interface Given {
  readonly [path: string]: unknown;
}

export type DefinitionOf = (objectId: number) => ObjectDefinition | undefined;

const definitions = new ObjectDefinitions();
const fromRegistry: DefinitionOf = (objectId) => definitions.object(objectId);

export function at(text: string): Path {
  const path = parsePath(text);
  if (isMalformed(path)) throw new Error(`${text}: ${path.malformed}`);
  return path;
}

/** @param definitionOf  default: the OMA registry. */
export const entriesOf = (given: Given, definitionOf: DefinitionOf = fromRegistry): readonly NodeEntry[] =>
  Object.entries(given).flatMap(([path, value]) =>
    entriesAt(at(path) as ResourcePath | ResourceInstancePath, value, definitionOf),
  );

/** The payload of a Write to `path`. */
export function payloadOf(path: string, given: Given, contentFormat: number): Uint8Array {
  const payload = encodePayload(contentFormat, entriesOf(given), { path: at(path), definitions });
  assert.ok(!isMalformed(payload), `${path} cannot be written in ${contentFormat}`);
  return payload;
}

export function entriesAt(
  path: ResourcePath | ResourceInstancePath,
  given: unknown,
  definitionOf: DefinitionOf,
): readonly NodeEntry[] {
  const { objectId, objectInstanceId, resourceId } = path;
  const definition = definitionOf(objectId)?.resources.get(resourceId);
  if (definition === undefined) throw new Error(`${formatPath(path)} has no definition`);
  const isMultiple =
    typeof given === 'object' && given !== null && !(given instanceof Uint8Array) && !('objectInstanceId' in given);
  if (isMultiple && path.kind === 'resource') {
    return Object.entries(given).flatMap(([id, value]) =>
      entriesAt(
        resourceInstancePath(objectId, objectInstanceId, resourceId, Number(id)),
        value as unknown,
        definitionOf,
      ),
    );
  }
  const value = valueFromJs(definition.type, given);
  if (isMalformed(value)) throw new Error(`${formatPath(path)}: ${value.malformed}`);
  return [{ kind: 'value', path, value }];
}
