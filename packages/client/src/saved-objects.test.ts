/** Object Instances as plain JSON, and back into a tree that was built anew. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatPath, ObjectDefinitions } from '@lapwing/lwm2m';
import type { ClientObject, HandlerContext, ObjectInstanceContent, PlainValue } from './client-object.ts';
import { ObjectTree } from './object-tree.ts';
import {
  captureAccounts,
  captureObjects,
  hasAccounts,
  restoreAccounts,
  restoreObjects,
  restoreServers,
  urgencyOf,
} from './saved-objects.ts';
import type { SavedObjects } from './saved-objects.ts';
import { parsed } from '../test/parsed-path.ts';

const DEFINITIONS = new ObjectDefinitions();

interface World {
  readonly tree: ObjectTree;
  /** What was told to the tree's listener. */
  readonly told: string[];
  readonly refused: string[];
  readonly restore: (saved: SavedObjects) => void;
}

function world(...objects: readonly ClientObject[]): World {
  const told: string[] = [];
  const refused: string[] = [];
  const tree = new ObjectTree(objects, DEFINITIONS, '1.2', {
    changed: (paths) => told.push(...paths.map((path) => `changed ${formatPath(path)}`)),
    removed: (path) => told.push(`removed ${formatPath(path)}`),
    instancesChanged: (path) => told.push(`instances ${formatPath(path)}`),
    hookFailed: () => undefined,
    unixTime: () => 1_767_225_600_000,
  });
  const restore = (saved: SavedObjects): void =>
    restoreObjects(throughText(saved), {
      tree,
      contextOf: (path): HandlerContext => ({
        path,
        shortServerId: undefined,
        tree,
        unixTime: 1,
        afterResponse: () => undefined,
        registerAgain: () => undefined,
      }),
      notRestored: (path, cause) => refused.push(`${formatPath(path)} ${String(cause)}`),
    });
  return { tree, told, refused, restore };
}

const throughText = (saved: SavedObjects): SavedObjects => JSON.parse(JSON.stringify(saved)) as SavedObjects;

/** Everything that is kept, and which Resources handlers have. */
function contentOf({ objects }: ObjectTree, objectId: number): unknown {
  return Object.fromEntries(
    [...(objects.get(objectId)?.instances ?? [])].map(([id, { resources }]) => [
      id,
      Object.fromEntries(
        [...resources].map(([resourceId, resource]) => [
          resourceId,
          resource.kind === 'handler'
            ? 'handler'
            : resource.kind === 'single'
              ? resource.value.value
              : Object.fromEntries([...resource.values].map(([at, { value }]) => [at, value])),
        ]),
      ),
    ]),
  );
}

/** As a server's Create leaves it. */
const create = (tree: ObjectTree, objectId: number, id: number, content: ObjectInstanceContent): void => {
  const built = new ObjectTree([{ objectId, instances: { [id]: content } }], DEFINITIONS, '1.2', NOBODY);
  tree.insert(parsed(`/${objectId}/${id}`) as never, built.objectInstance(objectId, id)!);
};
const NOBODY = {
  changed: () => undefined,
  removed: () => undefined,
  instancesChanged: () => undefined,
  hookFailed: () => undefined,
  unixTime: () => 0,
};

const container = (more: Partial<ClientObject> = {}): ClientObject => ({
  objectId: 19,
  instances: { 0: { 0: [Uint8Array.of(1)], 3: 'described' }, 1: { 0: [], 3: 'second' } },
  create: true,
  delete: true,
  ...more,
});

describe('Objects that servers may create and delete Object Instances of', () => {
  it('what was written, created and deleted is there again, also what has no value', () => {
    const before = world(container());
    before.tree.set('/19/0/3', 'written');
    before.tree.removeObjectInstance(19, 1);
    create(before.tree, 19, 7, { 0: { 3: Uint8Array.of(7) }, 4: 'text' });
    create(before.tree, 19, 8, { 0: [] });
    create(before.tree, 19, 9, {});
    const left = contentOf(before.tree, 19);
    const after = world(container());
    after.restore(captureObjects(before.tree));
    assert.deepEqual(contentOf(after.tree, 19), left);
    assert.deepEqual(after.told, []);
    // And once more: what is restored is saved as it was.
    assert.deepEqual(captureObjects(after.tree), captureObjects(before.tree));
  });

  it('what the application describes anew is there, and what it describes no longer is gone', () => {
    const before = world(container());
    create(before.tree, 19, 2, { 0: [], 3: 'created' });
    const saved = captureObjects(before.tree);
    const after = world(container({ instances: { 0: { 0: [], 3: 'described', 5: 5 }, 4: { 0: [], 3: 'new' } } }));
    after.restore(saved);
    assert.deepEqual(contentOf(after.tree, 19), {
      0: { 0: { 0: Uint8Array.of(1) }, 3: 'described', 5: 5 },
      2: { 0: {}, 3: 'created' },
      4: { 0: {}, 3: 'new' },
    });
  });

  it('an Object Instance the application added itself is left to it', () => {
    const before = world(container());
    before.tree.addObjectInstance(19, 5, { 0: [] });
    const after = world(container());
    after.restore(captureObjects(before.tree));
    assert.deepEqual([...after.tree.objects.get(19)!.instances.keys()], [0, 1]);
    after.tree.addObjectInstance(19, 5, { 0: [] });
  });

  it('what servers may only read is told by the description, where it tells it', () => {
    const described = (status: number, data: readonly Uint8Array[] | undefined): ClientObject => ({
      objectId: 16,
      instances: { 0: { 0: ['a'], ...(data !== undefined && { 2: data }), 3: status } },
      create: true,
    });
    const before = world(described(1, [Uint8Array.of(1)]));
    const after = world(described(0, undefined));
    after.restore(captureObjects(before.tree));
    assert.deepEqual(contentOf(after.tree, 16), { 0: { 0: { 0: 'a' }, 2: { 0: Uint8Array.of(1) }, 3: 0 } });
  });

  it('`persistent` keeps what is written to other Objects, and false keeps nothing', () => {
    const objects = (persistent?: boolean): readonly ClientObject[] => [
      { objectId: 3311, instances: { 0: { 5850: false, 5851: 1 } }, ...(persistent !== undefined && { persistent }) },
      container(persistent === undefined ? {} : { persistent: !persistent }),
    ];
    const before = world(...objects(true));
    before.tree.set('/3311/0/5851', 50);
    before.tree.set('/19/0/3', 'written');
    const saved = captureObjects(before.tree);
    assert.deepEqual(Object.keys(saved), ['3311']);
    const after = world(...objects(true));
    after.restore(saved);
    assert.equal(after.tree.get('/3311/0/5851'), 50);
    const without = world(...objects());
    without.restore(saved);
    assert.equal(without.tree.get('/3311/0/5851'), 1);
  });

  it('what no longer fits the definition is left out', () => {
    const { tree, restore } = world(container(), { objectId: 5, instances: { 0: {} }, persistent: true });
    restore({
      19: {
        instances: {
          0: { 3: ['integer', 5], 4: ['string', 'fits'], 99: ['string', 'unknown'], 0: ['opaque', 'AA=='] },
          1: { 0: { 0: ['string', 'x'], 1: ['opaque', 'AQ=='], x: ['opaque', 'AQ=='] } },
          x: {},
          70000: {},
          2: null,
        },
        created: [2, 'x', 70000],
        deleted: ['0'],
      },
      5: { instances: { 0: {}, 1: {} }, created: [1], deleted: [] },
      77: { instances: { 0: {} }, created: [], deleted: [] },
    } as unknown as SavedObjects);
    assert.deepEqual(contentOf(tree, 19), {
      0: { 0: { 0: Uint8Array.of(1) }, 3: 'described', 4: 'fits' },
      1: { 0: { 1: Uint8Array.of(1) }, 3: 'second' },
      2: {},
    });
    assert.deepEqual(contentOf(tree, 5), { 0: {} });
    restore({ 19: {} } as unknown as SavedObjects);
    restore({});
  });
});

describe('`create` is called again for what a server had created', () => {
  const handler = { execute: (): void => undefined };
  type Create = Exclude<ClientObject['create'], boolean | undefined>;
  const portfolio = (create: Create): ClientObject => ({
    objectId: 16,
    instances: {},
    resources: [0, 1, 2, 3],
    create,
  });
  const saved = (): SavedObjects => {
    const { tree } = world(portfolio(() => undefined));
    create(tree, 16, 4, { 0: { 0: 'own' }, 2: [Uint8Array.of(9)], 3: 1 });
    return captureObjects(tree);
  };

  it('with what servers may write, and by nobody; it gives the handlers, and what the device is now', () => {
    const calls: unknown[] = [];
    const { tree, restore, told } = world(
      portfolio((id, given, { shortServerId, path }) => {
        calls.push([id, given, shortServerId, formatPath(path)]);
        return { 0: { 0: 'not over what is kept' }, 1: handler, 3: 0 };
      }),
    );
    restore(saved());
    const given = new Map<number, PlainValue | ReadonlyMap<number, PlainValue>>([[0, new Map([[0, 'own']])]]);
    assert.deepEqual(calls, [[4, given, undefined, '/16']]);
    assert.deepEqual(contentOf(tree, 16), {
      4: { 0: { 0: 'own' }, 1: 'handler', 2: { 0: Uint8Array.of(9) }, 3: 0 },
    });
    assert.deepEqual(told, []);
  });

  it('when it answers later, the Object Instance is there meanwhile', async () => {
    const { tree, restore, told } = world(portfolio(() => Promise.resolve({ 1: handler })));
    restore(saved());
    assert.equal(tree.get('/16/4/0/0'), 'own');
    assert.deepEqual(Object.keys(captureObjects(tree)['16']!.instances), ['4']);
    await settled();
    assert.equal(tree.resource(16, 4, 1)?.kind, 'handler');
    assert.deepEqual(told, ['changed /16/4']);
  });

  const FAILURES: Readonly<Record<string, Create>> = {
    refuses: () => {
      throw new Error('no');
    },
    'refuses later': () => Promise.reject(new Error('no')),
    'answers what does not fit': () => ({ 3: 'text' }),
    'answers what does not fit, later': () => Promise.resolve({ 3: 'text' }),
  };
  for (const [how, create] of Object.entries(FAILURES)) {
    it(`when it ${how}, the Object Instance is gone, and it is said`, async () => {
      const { tree, restore, told, refused } = world(portfolio(create));
      restore(saved());
      await settled();
      assert.deepEqual(contentOf(tree, 16), {});
      assert.deepEqual(told, ['instances /16/4', 'changed /16/4']);
      assert.equal(refused.length, 1);
      assert.match(refused[0]!, /^\/16\/4 (Error: no|UsageError)/);
    });
  }

  it('when it was deleted meanwhile, and another is there, that one is left alone', async () => {
    for (const answer of [() => Promise.resolve({ 1: handler }), () => Promise.reject(new Error('no'))]) {
      const { tree, restore, refused } = world(portfolio(answer));
      restore(saved());
      tree.removeObjectInstance(16, 4);
      create(tree, 16, 4, { 0: ['another'] });
      await settled();
      assert.deepEqual(contentOf(tree, 16), { 4: { 0: { 0: 'another' } } });
      assert.deepEqual(refused, []);
    }
  });
});

describe('accounts', () => {
  const executable = { execute: (): void => undefined };
  const objects = (uri: string, shortServerId: number): readonly ClientObject[] => [
    { objectId: 0, unknownResources: 'skip', instances: { 0: { 0: uri, 1: false, 2: 3, 10: shortServerId } } },
    { objectId: 1, unknownResources: 'skip', instances: { 0: { 0: shortServerId, 1: 60, 8: executable } } },
    { objectId: 21, instances: {} },
    { objectId: 2, instances: {} },
  ];
  const bootstrapped = (): ObjectTree => {
    const { tree } = world(...objects('coap://a', 1));
    tree.objects.get(0)!.instances.clear();
    tree.objects.get(1)!.instances.clear();
    create(tree, 0, 3, { 0: 'coaps://b', 1: false, 2: 0, 3: Uint8Array.of(1), 5: Uint8Array.of(2, 3), 10: 77, 17: { objectId: 21, objectInstanceId: 5 } }); // prettier-ignore
    create(tree, 0, 1, { 0: 'coaps://bs', 1: true, 2: 0, 11: 4 });
    create(tree, 1, 2, { 0: 77, 1: 300, 6: true, 7: 'U', 8: executable });
    create(tree, 21, 5, { 0: Uint8Array.of(8), 1: Uint8Array.of(), 2: Uint8Array.of(1) });
    return tree;
  };

  it('are restored whole, in place of those there are, and completed by who restores them', () => {
    const before = bootstrapped();
    const { tree, told } = world(...objects('coap://factory', 1));
    const completed: string[] = [];
    const isDone = restoreAccounts(tree, throughText(captureAccounts(before)), (objectId, id) => {
      completed.push(`/${objectId}/${id}`);
      return objectId === 1 ? { 1: 5, 5: 86_400, 8: executable } : {};
    });
    assert.equal(isDone, true);
    assert.deepEqual(completed.sort(), ['/0/1', '/0/3', '/1/2', '/21/5']);
    assert.deepEqual(contentOf(tree, 0), contentOf(before, 0));
    assert.deepEqual(contentOf(tree, 1), { 2: { 0: 77, 1: 300, 5: 86_400, 6: true, 7: 'U', 8: 'handler' } });
    assert.deepEqual(contentOf(tree, 21), contentOf(before, 21));
    assert.deepEqual(told, []);
  });

  it('are left alone when only what servers wrote was saved: keys are not part of that', () => {
    const saved = captureObjects(bootstrapped());
    assert.equal(hasAccounts(saved), false);
    const { tree } = world(...objects('coap://factory', 1));
    assert.equal(
      restoreAccounts(tree, saved, () => ({})),
      false,
    );
    assert.equal(tree.get('/0/0/0'), 'coap://factory');
  });

  it('what servers wrote is found by the Short Server ID, and only that', () => {
    const { tree } = world(...objects('coap://factory', 77));
    restoreServers(throughText(captureObjects(bootstrapped())), tree);
    assert.deepEqual(contentOf(tree, 1), { 0: { 0: 77, 1: 300, 6: true, 7: 'U', 8: 'handler' } });
    const other = world(...objects('coap://factory', 1)).tree;
    restoreServers(captureObjects(bootstrapped()), other);
    assert.equal(other.get('/1/0/1'), 60);
  });
});

describe('how soon a change is saved', () => {
  const { tree } = world(container(), { objectId: 16, instances: { 0: { 0: [], 3: 0 } }, create: true }, { objectId: 3303, instances: { 0: { 5700: 1 } } }); // prettier-ignore
  const ROWS: readonly (readonly [path: string, urgency: 'now' | 'later' | undefined])[] = [
    ['/', undefined],
    ['/0/0/0', 'now'],
    ['/1/0/1', 'now'],
    ['/2/0', 'now'],
    ['/21/0', 'now'],
    ['/19', 'now'],
    ['/19/0', 'now'],
    ['/19/0/3', 'now'],
    ['/19/0/99', 'later'],
    ['/16/0/3', 'later'],
    ['/3303/0/5700', undefined],
    ['/9', undefined],
  ];
  for (const [path, urgency] of ROWS) {
    it(`${path}: ${urgency ?? 'not at all'}`, () => assert.equal(urgencyOf(tree, parsed(path)), urgency));
  }
});

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
