/** What the cases are about on a device: paths that it has, and such that it cannot have. */
import type { ResourceDefinitionJson } from '../rest/schemas.ts';
import type { DeviceUnderTest, ObjectUnderTest, ResourceUnderTest } from './device-under-test.ts';

/** Mandatory Resources with exactly these operations, in each Object Instance. */
export const mandatoryOf = (
  device: DeviceUnderTest,
  operations: ResourceDefinitionJson['operations'],
): readonly string[] =>
  device.objects.flatMap(({ definition, instances }) =>
    (definition?.resources ?? [])
      .filter((each) => each.mandatory && each.operations === operations)
      .flatMap(({ resourceId }) => instances.map(({ path }) => `${path}/${resourceId}`)),
  );

/** Of the range for private use, not announced. */
export function absentObject(device: DeviceUnderTest): string {
  let objectId = 42_768;
  while (device.object(objectId) !== undefined) objectId--;
  return `/${objectId}`;
}

export function absentInstance(device: DeviceUnderTest): string {
  const { objectId, instances } = anObject(device);
  let id = 65_000;
  while (instances.some(({ path }) => path === `/${objectId}/${id}`)) id--;
  return `/${objectId}/${id}`;
}

/** In an Object Instance that is there, a Resource that no definition has. */
export const absentResource = (device: DeviceUnderTest): string =>
  `${anObject(device).instances[0]?.path ?? '/3/0'}/65000`;

/** Device, which every client has, else the first with an Object Instance. */
const anObject = (device: DeviceUnderTest): ObjectUnderTest =>
  device.object(3) ??
  device.objects.find(({ instances }) => instances.length > 0) ?? {
    objectId: 3,
    version: '1.0',
    definition: undefined,
    instances: [],
  };

/**
 * Objects whose Resources do something when they are written, even with the value they have, or decide who may do
 * what, or how the device reaches its network: Access Control, Firmware and Software Update, connectivity.
 */
const DELICATE: ReadonlySet<number> = new Set([0, 2, 4, 5, 8, 9, 10, 11, 12, 13, 15, 21, 22, 23, 24, 25, 26, 33]);
/** Resources of Server that end the registration or the reports, or begin something. */
const DELICATE_RESOURCES: ReadonlySet<string> = new Set(['1/7', '1/22']);

/** Readable and writable Resources that can be written back as they are. */
export const writableBack = (device: DeviceUnderTest): readonly ResourceUnderTest[] =>
  device.resources.filter(
    ({ definition, instance: { object } }) =>
      definition.operations === 'RW' &&
      !DELICATE.has(object.objectId) &&
      !DELICATE_RESOURCES.has(`${object.objectId}/${definition.resourceId}`),
  );

/** Objects of which another Object Instance does no harm. */
export const creatable = (device: DeviceUnderTest): readonly ObjectUnderTest[] =>
  device.objects.filter(
    ({ objectId, definition }) => definition?.multiple === true && objectId !== 1 && !DELICATE.has(objectId),
  );

/** Numbers with a single value that can be read, of which somebody may want to hear. */
export const numbers = (device: DeviceUnderTest): readonly ResourceUnderTest[] =>
  device.resources.filter(
    ({ definition: { multiple, operations, type } }) =>
      !multiple && operations.includes('R') && (type === 'integer' || type === 'float' || type === 'unsigned'),
  );
