import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Codes } from '@lapwing/coap';
import { BOOTSTRAP_SERVER, bytes, security, server, textOf, world, type World } from '../../test/bootstrap-tree.ts';
import type { ClientObject, ObjectInstanceContent } from '../client-object.ts';
import { temperatureObject } from '../objects/sensor.ts';
import { OperationRefused } from '../refusal.ts';
import { unbootstrap, type Unbootstrapped } from './unbootstrap.ts';

const link = (objectId: number, objectInstanceId: number): ObjectInstanceContent[number] => ({
  objectId,
  objectInstanceId,
});
const key: ObjectInstanceContent = { 0: bytes('m'), 1: bytes('s'), 2: bytes('r') };
const oscore: ClientObject = { objectId: 21, version: '2.0', instances: { 0: key, 1: key, 2: key } };
const entry = (
  about: readonly [number, number],
  owner: number,
  acl: Readonly<Record<number, number>> = {},
): ObjectInstanceContent =>
  // prettier-ignore
  ({ 0: about[0], 1: about[1], 2: acl, 3: owner });

/** The servers 1, 2 and 3; Object 16 with the Object Instances 0 to 3, which servers may delete. */
function three(entries: Readonly<Record<number, ObjectInstanceContent>>, portfolio: Partial<ClientObject> = {}): World {
  return world({
    security: {
      0: security(1, { 17: link(21, 0) }),
      1: BOOTSTRAP_SERVER,
      2: security(2, { 17: link(21, 1) }),
      3: security(3),
    },
    servers: { 0: server(1), 2: server(2), 3: server(3) },
    objects: [
      { objectId: 2, instances: entries },
      oscore,
      { objectId: 16, instances: { 0: {}, 1: {}, 2: {}, 3: {} }, delete: true, ...portfolio },
      temperatureObject({ value: 1 }),
    ],
  });
}
const end = async (one: World, shortServerId = 1): Promise<Unbootstrapped> =>
  unbootstrap(one.tree, shortServerId, one.context.contextOf);
const removedOf = ({ removed }: Unbootstrapped): readonly string[] => removed.map(textOf);
const ACCOUNT = ['/0/0', '/21/0', '/1/0'];

describe('a server is no longer one of the Client (Core §6.1)', () => {
  it('its account goes, with what only it links', async () => {
    const one = three({});
    assert.deepEqual(removedOf(await end(one)), ACCOUNT);
    assert.deepEqual([...one.tree.objects.get(0)!.instances.keys()], [1, 2, 3]);
    assert.deepEqual([...one.tree.objects.get(1)!.instances.keys()], [2, 3]);
    assert.deepEqual([...one.tree.objects.get(21)!.instances.keys()], [1, 2]);
  });

  it('what another account links as well stays', async () => {
    const one = three({});
    one.tree.set('/0/1/17', { objectId: 21, objectInstanceId: 0 });
    assert.deepEqual(removedOf(await end(one)), ['/0/0', '/1/0']);
  });

  it('the rest of an account of which /0/x is gone already', async () => {
    const one = three({});
    one.tree.removeObjectInstance(0, 0);
    assert.deepEqual(removedOf(await end(one)), ['/1/0']);
    assert.deepEqual(removedOf(await end(one)), [], 'nothing is left');
  });

  it('a Client without Access Control', async () => {
    const one = world({ security: { 0: security(1) }, servers: { 0: server(1) } });
    assert.deepEqual(removedOf(await end(one)), ['/0/0', '/1/0']);
  });

  // What the entry of /16/1 says before, and after: owner and ACL; undefined: it went with the Object Instance.
  type Acl = Readonly<Record<number, number>>;
  const ROWS: readonly (readonly [string, readonly [number, Acl], readonly [number, Acl] | undefined])[] = [
    ['of another, who does not name it', [2, { 2: 15 }], [2, { 2: 15 }]],
    ['of another, who names it', [2, { 1: 15, 2: 3 }], [2, { 2: 3 }]],
    ['of nobody, who names it alone', [65535, { 1: 15 }], [65535, {}]],
    ['its own, nobody else named', [1, {}], undefined],
    ['its own, only itself named', [1, { 1: 15 }], undefined],
    ['its own, another named without rights', [1, { 1: 15, 2: 0 }], undefined],
    ['its own, another may read', [1, { 1: 15, 2: 1 }], [2, { 2: 1 }]],
    ['its own, the one with Write and Delete inherits', [1, { 2: 2, 3: 10 }], [3, { 2: 2, 3: 10 }]],
    ['its own, Write alone counts as much as Delete: the lowest id', [1, { 3: 2, 2: 8 }], [2, { 3: 2, 2: 8 }]],
    ['its own, Read and Execute count nothing', [1, { 2: 5, 3: 2 }], [3, { 2: 5, 3: 2 }]],
    ['its own, others by default', [1, { 0: 15 }], [65535, { 0: 15 }]],
    ['its own, others by default, without rights', [1, { 0: 0 }], undefined],
    ['its own, one named and others by default', [1, { 0: 15, 2: 1 }], [2, { 0: 15, 2: 1 }]],
  ];
  for (const [what, [owner, acl], after] of ROWS) {
    it(`an Access Control Object Instance that is ${what}`, async () => {
      const one = three({ 5: entry([16, 1], owner, acl), 6: entry([16, 2], 2, { 2: 15 }) });
      const removed = removedOf(await end(one));
      assert.deepEqual(removed, after === undefined ? [...ACCOUNT, '/16/1', '/2/5'] : ACCOUNT);
      assert.equal(one.tree.objectInstance(16, 1) === undefined, after === undefined);
      assert.ok(one.tree.objectInstance(16, 2));
      if (after === undefined) return;
      assert.equal(one.tree.get('/2/5/3'), after[0]);
      assert.deepEqual(one.tree.get('/2/5/2'), new Map(Object.entries(after[1]).map(([id, bits]) => [Number(id), bits]))); // prettier-ignore
    });
  }

  it('what is said about an Object, and about what is gone, goes when nobody else is named', async () => {
    const one = three({
      0: entry([16, 65535], 1, { 1: 16 }),
      1: entry([16, 9], 1),
      2: entry([99, 0], 1),
      3: entry([1, 0], 1, { 1: 15 }),
      4: entry([16, 65535], 1, { 1: 16, 2: 16 }),
    });
    assert.deepEqual(removedOf(await end(one)), [...ACCOUNT, '/2/0', '/2/1', '/2/2', '/2/3']);
    assert.equal(one.tree.get('/2/4/3'), 2);
  });

  it('Device, the accounts of others and what the device itself has stay, and belong to nobody', async () => {
    const one = three({ 0: entry([3, 0], 1), 1: entry([1, 2], 1), 2: entry([3303, 0], 1), 3: entry([21, 1], 1) });
    assert.deepEqual(removedOf(await end(one)), ACCOUNT);
    for (const id of [0, 1, 2, 3]) assert.equal(one.tree.get(`/2/${id}/3`), 65535);
  });

  it('Device stays even where the application lets servers delete it', async () => {
    const device: ClientObject = { objectId: 3, instances: { 0: { 0: 'Example' } }, delete: true };
    const one = world({ objects: [device, { objectId: 2, instances: { 0: entry([3, 0], 1) } }] });
    assert.deepEqual(removedOf(await end(one)), []);
    assert.equal(one.tree.get('/2/0/3'), 65535);
  });

  it('the application is told; what it refuses or fails to let go stays, and belongs to nobody', async () => {
    const told: number[] = [];
    const remove = (id: number): Promise<void> | undefined => {
      told.push(id);
      if (id === 0) throw new OperationRefused(Codes.methodNotAllowed, 'in use');
      if (id === 1) throw new Error('of the application');
      if (id === 2) return Promise.reject(new Error('of the application, later'));
      return Promise.resolve();
    };
    const entries = Object.fromEntries([0, 1, 2, 3].map((id) => [id, entry([16, id], 1)]));
    const one = three(entries, { delete: remove as () => Promise<void> });
    const result = await end(one);
    assert.deepEqual(told, [0, 1, 2, 3]);
    assert.deepEqual(removedOf(result), [...ACCOUNT, '/16/3', '/2/3']);
    assert.deepEqual(result.failures.map(({ path }) => textOf(path)), ['/16/1', '/16/2']); // prettier-ignore
    for (const id of [0, 1, 2]) assert.equal(one.tree.get(`/2/${id}/3`), 65535);
  });
});
