/**
 * An Object for tests with a Resource of every data type, with a single value and with several, and what can be executed.
 * Its id is from the range for private use.
 */
import { objectFromDefinition, type ClientObject, type PlainValue } from '@lapwing/client';
import {
  objectId,
  ObjectDefinitions,
  resourceId,
  type DataType,
  type ObjectDefinition,
  type ResourceDefinition,
} from '@lapwing/lwm2m';

export const TEST_OBJECT_ID = 33_000;

const TYPES = [
  'string',
  'integer',
  'unsigned',
  'float',
  'boolean',
  'opaque',
  'time',
  'objlnk',
  'corelnk',
] as const satisfies readonly DataType[];
export type TestedType = (typeof TYPES)[number];
export const TESTED_TYPES: readonly TestedType[] = TYPES;

/** Resource 0 to 8 have a single value, 10 to 18 several, 20 is mandatory, 30 is read-only, 40 is executed. */
export const singleOf = (type: TestedType): number => TYPES.indexOf(type);
export const multipleOf = (type: TestedType): number => 10 + TYPES.indexOf(type);
export const MANDATORY = 20;
export const READ_ONLY = 30;
export const EXECUTABLE = 40;

/** What Object Instance 0 has at the beginning. */
export const INITIAL: Readonly<Record<TestedType, PlainValue>> = {
  string: 'initial value',
  integer: 1024,
  unsigned: 9_223_372_036_854_775_808n,
  float: 3.14159,
  boolean: true,
  opaque: Uint8Array.of(1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef),
  time: 946_684_800,
  objlnk: { objectId: 3, objectInstanceId: 0 },
  corelnk: '</3>',
};

/** Others, of each type, with the extremes of what it can hold. */
export const OTHERS: Readonly<Record<TestedType, readonly PlainValue[]>> = {
  string: ['', 'Grüße, 世界 🌍', 'a'.repeat(300)],
  integer: [0, -1, 9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n],
  unsigned: [0, 18_446_744_073_709_551_615n, 4_294_967_296],
  float: [0, -0.1, 1e300, 1.5],
  boolean: [false, true],
  opaque: [new Uint8Array(0), Uint8Array.of(0), Uint8Array.from({ length: 300 }, (_, i) => i & 0xff)],
  time: [0, 1_767_225_600, 4_102_444_800],
  objlnk: [
    { objectId: 1, objectInstanceId: 0 },
    { objectId: 65_535, objectInstanceId: 65_535 },
  ],
  corelnk: ['</3/0>;pmin=10', ''],
};

const resource = (
  id: number,
  name: string,
  type: ResourceDefinition['type'],
  more: Partial<ResourceDefinition> = {},
): [number, ResourceDefinition] => [
  id,
  {
    id: resourceId(id),
    name,
    operations: 'RW',
    multiple: false,
    mandatory: false,
    type,
    range: '',
    units: '',
    ...more,
  },
];

export const TEST_OBJECT: ObjectDefinition = {
  id: objectId(TEST_OBJECT_ID),
  name: 'Conformance',
  version: '1.0',
  urn: `urn:oma:lwm2m:x:${TEST_OBJECT_ID}`,
  lwm2mVersion: '1.0',
  multiple: true,
  mandatory: false,
  resources: new Map([
    ...TYPES.map((type) => resource(singleOf(type), `One ${type}`, type)),
    ...TYPES.map((type) => resource(multipleOf(type), `Several ${type}`, type, { multiple: true })),
    resource(MANDATORY, 'Mandatory', 'string', { mandatory: true }),
    resource(READ_ONLY, 'Read-only', 'string', { operations: 'R' }),
    resource(EXECUTABLE, 'Executable', 'none', { operations: 'E' }),
  ]),
};

/** The OMA registry, and the test object. */
export function definitionsForTests(): ObjectDefinitions {
  const definitions = new ObjectDefinitions();
  definitions.add(TEST_OBJECT);
  return definitions;
}

export function testObject(executed: (args: readonly unknown[]) => void = () => undefined): ClientObject {
  return objectFromDefinition(
    TEST_OBJECT,
    [
      {
        ...Object.fromEntries(TYPES.map((type) => [singleOf(type), INITIAL[type]])),
        ...Object.fromEntries(TYPES.map((type) => [multipleOf(type), [INITIAL[type], INITIAL[type]]])),
        [MANDATORY]: 'here',
        [READ_ONLY]: 'fixed',
        [EXECUTABLE]: { execute: (args) => executed(args) },
      },
    ],
    { create: true, delete: true, resources: [...TEST_OBJECT.resources.keys()] },
  );
}

/** "/33000/0/5" or, of another Object Instance, "/33000/1/5". */
export const at = (id: number, objectInstanceId: number = 0): string => `/${TEST_OBJECT_ID}/${objectInstanceId}/${id}`;
