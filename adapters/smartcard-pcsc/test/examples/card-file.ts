import {
  booleanValue,
  encodePayload,
  integerValue,
  isMalformed,
  ObjectDefinitions,
  objectPath,
  opaqueValue,
  resourcePath,
  stringValue,
  type NodeEntry,
  type Value,
} from '@lapwing/lwm2m';
import { encodeBootstrapFile, type BootstrapObject } from '@lapwing/smartcard';

const definitions = new ObjectDefinitions();

/** All instances of one Object, as [instance, Resource, value]. */
function objectOf(objectId: number, values: readonly (readonly [number, number, Value])[]): BootstrapObject {
  const entries = values.map(([instance, resource, value]): NodeEntry => ({
    kind: 'value',
    path: resourcePath(objectId, instance, resource),
    value,
  }));
  const instances = encodePayload(11542, entries, { path: objectPath(objectId), definitions });
  if (isMalformed(instances)) throw new Error(instances.malformed);
  return { objectId, version: undefined, instances };
}

/** What goes into EF LwM2M_Bootstrap of one card: one LwM2M Server with a pre-shared key. */
export function cardFile(identity: string, key: Uint8Array): Uint8Array {
  const security = objectOf(0, [
    [0, 0, stringValue('coaps://server.example')],
    [0, 1, booleanValue(false)],
    [0, 2, integerValue(0)],
    [0, 3, opaqueValue(new TextEncoder().encode(identity))],
    [0, 4, opaqueValue(new Uint8Array(0))],
    [0, 5, opaqueValue(key)],
    [0, 10, integerValue(101)],
  ]);
  const server = objectOf(1, [
    [0, 0, integerValue(101)],
    [0, 1, integerValue(86_400)],
    [0, 6, booleanValue(false)],
    [0, 7, stringValue('U')],
  ]);
  return encodeBootstrapFile([security, server], { fileBytes: 1024 });
}
