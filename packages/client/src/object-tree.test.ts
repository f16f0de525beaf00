import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { UsageError } from '@lapwing/coap';
import { formatPath, ObjectDefinitions, objectPath, resourcePath } from '@lapwing/lwm2m';
import type { ClientObject } from './client-object.ts';
import { ObjectTree } from './object-tree.ts';
import { deviceObject } from './objects/device.ts';
import { objectFromDefinition } from './objects/from-definition.ts';
import { locationObject } from './objects/location.ts';
import { temperatureObject } from './objects/sensor.ts';
import type { HandlerFailed } from './refusal.ts';

const definitions = new ObjectDefinitions();

describe('the object tree as the application sees it', () => {
  let told: string[];
  let failures: HandlerFailed[];
  beforeEach(() => {
    told = [];
    failures = [];
  });
  const tree = (...objects: readonly ClientObject[]): ObjectTree =>
    new ObjectTree(objects, definitions, '1.1', {
      changed: (paths) => told.push(paths.map(formatPath).join(' ')),
      removed: (path) => told.push(`removed ${formatPath(path)}`),
      instancesChanged: (path) => told.push(`instances ${formatPath(path)}`),
      hookFailed: (failure) => failures.push(failure),
      unixTime: () => 1_700_000_000_000,
    });

  it('keeps values of each type, exact in 64 bits', () => {
    const one = tree(temperatureObject({ value: 1 }), deviceObject({ memoryFree: 5 }));
    one.set('/3/0/10', 2n ** 60n);
    assert.equal(one.get('/3/0/10'), 2n ** 60n);
    one.set('/3/0/10', 12n);
    assert.equal(one.get('/3/0/10'), 12, 'a number when it is safe');
  });

  it('a Date is a time, a list or a record are Resource Instances', () => {
    const one = tree(deviceObject(), locationObject({ latitude: 1, longitude: 2, timestamp: new Date(5_000) }));
    assert.equal(one.get('/6/0/5'), 5);
    one.set('/3/0/11', { 3: 7 });
    assert.deepEqual(one.get('/3/0/11'), new Map([[3, 7]]));
    assert.equal(one.get('/3/0/11/3'), 7);
    one.set('/3/0/11/4', 8);
    assert.deepEqual(
      one.get(resourcePath(3, 0, 11)),
      new Map([
        [3, 7],
        [4, 8],
      ]),
    );
    one.set('/3/0/11', new Map([[0, 0]]));
    assert.deepEqual(one.get('/3/0/11'), new Map([[0, 0]]));
  });

  it('a Buffer is a value, although it has methods named as those of a handler', () => {
    const one = tree(locationObject({ latitude: 1, longitude: 2, velocity: Buffer.from([1, 2]) }));
    assert.deepEqual(one.resource(6, 0, 4)?.kind, 'single');
    assert.deepEqual([...(one.get('/6/0/4') as Uint8Array)], [1, 2]);
  });

  it('a value that follows from another changes in the same moment', () => {
    const one = tree(temperatureObject({ value: 20 }));
    one.set('/3303/0/5700', 25);
    assert.deepEqual(told, ['/3303/0/5700 /3303/0/5602']);
    told.length = 0;
    one.batch(() => {
      one.set('/3303/0/5700', 10);
      one.batch(() => one.set('/3303/0/5701', 'K'));
    });
    assert.deepEqual(told, ['/3303/0/5700 /3303/0/5601 /3303/0/5701']);
  });

  it('a batch that throws still tells what has changed', () => {
    const one = tree(temperatureObject({ value: 20 }));
    assert.throws(() =>
      one.batch(() => {
        one.set('/3303/0/5701', 'K');
        one.set('/3303/0/5701', 5);
      }),
    );
    assert.deepEqual(told, ['/3303/0/5701']);
  });

  it('a changed function that fails is reported, and the value has changed', () => {
    const one = tree({
      ...temperatureObject({ value: 20 }),
      changed: () => {
        throw new Error('of the application');
      },
    });
    one.set('/3303/0/5700', 25);
    assert.equal(one.get('/3303/0/5700'), 25);
    assert.equal(failures[0]?.operation, 'changed');
  });

  it('Object Instances come and go', () => {
    const one = tree(temperatureObject({ value: 20 }));
    one.addObjectInstance(3303, 5, { 5700: 1 });
    assert.deepEqual(told, ['instances /3303/5', '/3303/5']);
    assert.throws(() => one.addObjectInstance(3303, 5, { 5700: 1 }), UsageError);
    assert.throws(() => one.addObjectInstance(9, 5, {}), UsageError);
    assert.equal(one.removeObjectInstance(3303, 5), true);
    assert.equal(one.removeObjectInstance(3303, 5), false);
    assert.equal(one.get('/3303/5/5700'), undefined);
  });

  it('the definition of an Object is the one that the LwM2M version implies, or the one asked for', () => {
    assert.equal(tree(deviceObject()).objects.get(3)?.definition.version, '1.1');
    assert.equal(tree({ ...temperatureObject(), version: '1.1' }).objects.get(3303)?.definition.version, '1.1');
    const own = { ...definitions.object(3303)!, id: objectPath(42_770).objectId, version: '2.3' };
    const one = tree(objectFromDefinition(own, [{ 5700: 4 }]));
    assert.equal(one.definitions.object(42_770)?.version, '2.3');
    assert.equal(one.definitions.resource(42_770, 5700)?.type, 'float');
    assert.equal(one.definitions.object(5)?.id, 5, 'others come from the registry');
    assert.equal(one.definitions.resource(5, 0)?.type, 'opaque');
  });

  for (const [name, attempt, message] of [
    ['no path', (t: ObjectTree) => t.set('3303:0', 1), /./],
    ['the path of an Object Instance', (t: ObjectTree) => t.set('/3303/0', 1), /not the path of a Resource/],
    ['an Object it does not have', (t: ObjectTree) => t.set('/9/0/0', 1), /no such Object Instance/],
    ['a Resource the Object does not have', (t: ObjectTree) => t.set('/3303/0/1', 1), /no such Resource/],
    ['the wrong type', (t: ObjectTree) => t.set('/3303/0/5700', 'warm'), /a number/],
    ['out of range', (t: ObjectTree) => t.set('/3/0/9', 101), /100/],
    ['one value for many', (t: ObjectTree) => t.set('/3/0/11', 5), /Resource Instances/],
    ['bytes for many', (t: ObjectTree) => t.set('/3/0/11', Uint8Array.of()), /Resource Instances/],
    ['many values for one', (t: ObjectTree) => t.set('/3/0/9', [5]), /integer/],
    ['a Resource Instance of one value', (t: ObjectTree) => t.set('/3/0/9/0', 5), /no Resource Instances/],
    ['a Resource that a handler has', (t: ObjectTree) => t.set('/3303/0/5701', 'K'), /handler/],
  ] as const) {
    it(`refuses ${name} with a UsageError that says why`, () => {
      const one = tree(deviceObject(), {
        ...temperatureObject({ value: 1, resources: { 5701: { read: () => 'K' } } }),
      });
      assert.throws(
        () => attempt(one),
        (error) => error instanceof UsageError && message.test(error.message),
      );
      assert.deepEqual(told, []);
    });
  }
});
