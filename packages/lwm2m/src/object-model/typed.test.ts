import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  defineObject,
  Device,
  formatPath,
  IpsoLocation,
  isMalformed,
  isTypedPath,
  Location,
  nodeAt,
  ObjectDefinitions,
  objectInstancePath,
  resourceInstanceOf,
  resourceInstancePath,
  resourcePath,
  samePath,
  Server,
  Temperature,
  typedEntries,
  typedValue,
} from '../index.ts';
import * as lwm2m from '../index.ts';
import type { Node, NodeEntry, ObjectLink, ResourceShape, TypedObject, TypedPath, Value } from '../index.ts';

const nodeOf = (
  path: NodeEntry['path'],
  ...values: readonly (readonly [NodeEntry['path'], Value])[]
): Node | undefined =>
  nodeAt(
    values.map(([at, value]) => ({ kind: 'value', path: at, value }) as NodeEntry),
    path,
  );

describe('typed paths', () => {
  it('lead where their names say', () => {
    assert.equal(formatPath(Device.path(0).batteryLevel), '/3/0/9');
    assert.equal(formatPath(Temperature.path(7).sensorValue), '/3303/7/5700');
    assert.equal(formatPath(Device.path(0)), '/3/0');
    assert.equal(formatPath(Device.objectPath), '/3');
    assert.ok(samePath(Device.path(0).batteryLevel, resourcePath(3, 0, 9)));
    assert.equal(Location.objectId, 6);
    assert.equal(IpsoLocation.objectId, 3336);
    assert.throws(() => Device.path(-1), /Object Instance ID/);
  });

  it('know their types (checked by the compiler)', () => {
    const device = Device.path(0);
    device.batteryLevel satisfies TypedPath<number>;
    device.manufacturer satisfies TypedPath<string>;
    device.currentTime satisfies TypedPath<number>;
    device.availablePowerSources satisfies TypedPath<ReadonlyMap<number, number>>;
    device.extDevInfo satisfies TypedPath<ReadonlyMap<number, ObjectLink>>;
    device.reboot satisfies TypedPath<null>;
    Server.path(1).muteSend satisfies TypedPath<boolean>;
    // @ts-expect-error a battery level is no text
    device.batteryLevel satisfies TypedPath<string>;
    // @ts-expect-error the Device has no such Resource
    assert.equal(device.coffee, undefined);
  });

  it('are told from others', () => {
    assert.ok(isTypedPath(Device.path(0).batteryLevel));
    assert.ok(isTypedPath(resourceInstanceOf(Device.path(0).errorCode, 0)));
    assert.ok(!isTypedPath(resourcePath(3, 0, 9)));
    assert.ok(!isTypedPath(Device.path(0)));
  });

  it('can be made from an own definition', () => {
    const Counter = defineObject({
      id: 32769,
      version: '1.0',
      resources: { total: { id: 1, type: 'unsigned', bigint: true }, label: { id: 2, type: 'string' } },
    });
    const path = Counter.path(0).total;
    path satisfies TypedPath<bigint>;
    assert.equal(typedValue(path, nodeOf(path, [path, { type: 'unsigned', value: 5 }])), 5n);
    assert.equal(typedValue(path, nodeOf(path, [path, { type: 'unsigned', value: 2n ** 63n }])), 2n ** 63n);
  });

  it('refuse ids out of range and names that every path has', () => {
    assert.throws(() => defineObject({ id: 65535, version: '1.0', resources: {} }), /Object ID/);
    assert.throws(
      () => defineObject({ id: 1, version: '1.0', resources: { a: { id: 65535, type: 'string' } } }),
      /Resource ID/,
    );
    assert.throws(
      () => defineObject({ id: 1, version: '1.0', resources: { kind: { id: 1, type: 'string' } } }),
      /cannot be called kind/,
    );
  });
});

describe('typedValue', () => {
  const level = Device.path(0).batteryLevel;

  it('is the value as the definition types it', () => {
    assert.equal(typedValue(level, nodeOf(level, [level, { type: 'integer', value: 87 }])), 87);
    assert.equal(typedValue(level, nodeOf(level, [level, { type: 'integer', value: 2n ** 60n }])), 2 ** 60);
  });

  it('accepts what formats without types cannot tell apart', () => {
    const temperature = Temperature.path(0).sensorValue;
    assert.equal(typedValue(temperature, nodeOf(temperature, [temperature, { type: 'integer', value: 21 }])), 21);
    assert.equal(typedValue(level, nodeOf(level, [level, { type: 'float', value: 87 }])), 87);
    assert.equal(typedValue(level, nodeOf(level, [level, { type: 'float', value: 87.5 }])), undefined);
  });

  it('is undefined for nothing, and for a value of another type', () => {
    assert.equal(typedValue(level, undefined), undefined);
    assert.equal(typedValue(level, nodeOf(level, [level, { type: 'string', value: '87' }])), undefined);
    assert.equal(
      typedValue(level, nodeOf(level, [resourceInstancePath(3, 0, 9, 0), { type: 'integer', value: 1 }])),
      undefined,
    );
  });

  it('of a multiple-instance Resource is a map by Resource Instance ID', () => {
    const path = Device.path(0).availablePowerSources;
    const node = nodeOf(
      path,
      [resourceInstancePath(3, 0, 6, 1), { type: 'integer', value: 5 }],
      [resourceInstancePath(3, 0, 6, 0), { type: 'integer', value: 1 }],
    );
    assert.deepEqual(
      typedValue(path, node),
      new Map([
        [0, 1],
        [1, 5],
      ]),
    );
    const one = resourceInstanceOf(path, 1);
    assert.equal(formatPath(one), '/3/0/6/1');
    assert.equal(typedValue(one, nodeOf(one, [one, { type: 'integer', value: 5 }])), 5);
  });
});

describe('typedEntries', () => {
  it('is what typedValue reads back', () => {
    const level = Device.path(0).batteryLevel;
    const sources = Device.path(0).availablePowerSources;
    const written = typedEntries(level, 87);
    assert.deepEqual(written, [{ kind: 'value', path: resourcePath(3, 0, 9), value: { type: 'integer', value: 87 } }]);
    const map = new Map([
      [0, 1],
      [1, 5],
    ]);
    const entries = typedEntries(sources, map);
    assert.ok(!isMalformed(entries));
    assert.deepEqual(typedValue(sources, nodeAt(entries, sources)), map);
    assert.deepEqual(typedEntries(sources, new Map()), [{ kind: 'empty', path: resourcePath(3, 0, 6) }]);
  });

  it('refuses a value that its data type does not have', () => {
    assert.ok(isMalformed(typedEntries(Device.path(0).batteryLevel, 1.5)));
    assert.ok(isMalformed(typedEntries(Device.path(0).availablePowerSources, new Map([[0, NaN]]))));
  });
});

describe('the typed Objects', () => {
  it('agree with the registry’s latest versions', () => {
    const definitions = new ObjectDefinitions();
    const isTypedObject = (value: unknown): value is TypedObject<Record<string, ResourceShape>> =>
      typeof value === 'object' && value !== null && 'objectPath' in value;
    const typed = Object.values(lwm2m as Record<string, unknown>).filter(isTypedObject);
    assert.equal(typed.length, 61);
    for (const object of typed) {
      const definition = definitions.object(object.objectId);
      assert.equal(object.version, definition?.version);
      const shapes = Object.values(object.resources);
      assert.deepEqual(
        shapes.map(({ id, type, multiple = false }) => [id, type, multiple]),
        [...(definition?.resources.values() ?? [])].map(({ id, type, multiple }) => [id, type, multiple]),
      );
    }
    assert.ok(samePath(Device.path(0), objectInstancePath(3, 0)));
  });
});
