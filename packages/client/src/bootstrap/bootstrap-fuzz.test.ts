/** Payloads that were right and are not any more: a Bootstrap-Write is carried out wholly and soundly, or not at all. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkRange, parsePath, ROOT } from '@lapwing/lwm2m';
import type { Path } from '@lapwing/lwm2m';
import { SeededRandom } from '@lapwing/testkit';
import { isRefusal } from '../refusal.ts';
import type { Refusal } from '../refusal.ts';
import { bytes, dump, path, payload, security, server, world } from '../../test/bootstrap-tree.ts';
import type { World } from '../../test/bootstrap-tree.ts';
import type { BootstrapAnswer } from './bootstrap-context.ts';
import { applyPack, performBootstrapOperation } from './bootstrap-operations.ts';
import { GivenAccounts } from './given-accounts.ts';
import { inconsistenciesOf } from './consistency.ts';

const RUNS = 400;
const SECRET = 'a secret that nobody may read';
const ACCOUNT = {
  '/0/0/0': 'coaps://s.example:5684',
  '/0/0/1': false,
  '/0/0/2': 0,
  '/0/0/3': bytes('identity'),
  '/0/0/4': bytes(''),
  '/0/0/5': bytes(SECRET),
  '/0/0/10': 101,
  '/0/0/16/0': 0xc0a8,
  '/0/0/17': { objectId: 65535, objectInstanceId: 65535 },
};
const SERVER = { '/1/0/0': 101, '/1/0/1': 86_400, '/1/0/6': true, '/1/0/7': 'U' };
const ACCESS = { '/2/0/0': 3, '/2/0/1': 0, '/2/0/2/101': 3, '/2/0/3': 101 };
const DEVICE = { '/3/0/14': '+01:00', '/3/0/15': 'Europe/Berlin' };

const FORMATS = { 'SenML JSON': 110, 'SenML CBOR': 112, TLV: 11_542, 'LwM2M JSON': 11_543, 'LwM2M CBOR': 11_544 };
const WRITES = { '/0/0': ACCOUNT, '/0': ACCOUNT, '/1/0': SERVER, '/1': SERVER, '/2/0': ACCESS, '/3/0': DEVICE };

function mutate(random: SeededRandom, original: Uint8Array): Uint8Array {
  let mutated = [...original];
  for (let count = 1 + (random.uint32() % 4); count > 0; count--) {
    const at = random.uint32() % (mutated.length + 1);
    switch (random.uint32() % 6) {
      case 0:
        mutated[Math.min(at, mutated.length - 1)] = random.uint32() & 0xff;
        break;
      case 1:
        mutated[Math.min(at, mutated.length - 1)]! ^= 1 << (random.uint32() & 7);
        break;
      case 2:
        mutated.splice(at, 1 + (random.uint32() % 8));
        break;
      case 3:
        mutated.splice(at, 0, ...random.bytes(1 + (random.uint32() % 8)));
        break;
      case 4:
        // A part twice, as a value that stands twice.
        mutated.splice(at, 0, ...mutated.slice(at, at + (random.uint32() % 40)));
        break;
      default:
        mutated = mutated.slice(0, at);
    }
  }
  return Uint8Array.from(mutated);
}

/** Every value is one that its definition allows. */
function assertSound({ tree }: World): void {
  for (const { objectId, definition, instances } of tree.objects.values()) {
    for (const [id, { resources }] of instances) {
      if (!definition.multiple) assert.equal(id, 0, `/${objectId}/${id}`);
      assert.ok(id < 65_535);
      for (const [resourceId, resource] of resources) {
        assert.equal(definition.resources.get(resourceId), resource.definition, `/${objectId}/${id}/${resourceId}`);
        if (resource.kind === 'handler') continue;
        assert.equal(resource.kind, resource.definition.multiple ? 'multiple' : 'single');
        for (const value of resource.kind === 'single' ? [resource.value] : resource.values.values()) {
          assert.equal(value.type, resource.definition.type);
          assert.equal(checkRange(resource.definition, value), undefined);
        }
      }
    }
  }
}

/** @returns whether it was carried out. */
async function attempt(
  what: string,
  perform: (one: World) => Promise<BootstrapAnswer | Refusal> | BootstrapAnswer | Refusal,
): Promise<boolean> {
  const one = world({
    security: { 1: { 0: 'coap://bs.example', 1: true, 2: 3 }, 4: security(7) },
    servers: { 4: server(7) },
  });
  const before = dump(one.tree);
  try {
    const answer = await perform(one);
    if (isRefusal(answer)) {
      assert.deepEqual(dump(one.tree), before);
      assert.deepEqual(one.told, []);
      assert.ok(!answer.reason.includes(SECRET.slice(0, 8)), answer.reason);
      return false;
    }
    assertSound(one);
    const found = inconsistenciesOf(one.tree, {
      bootstrapAccount: 1,
      trustAnchors: [],
      given: new GivenAccounts([]),
    }).join();
    assert.ok(!found.includes(SECRET.slice(0, 8)), found);
    return true;
  } catch (error) {
    throw new Error(what, { cause: error });
  }
}

describe('mutated payloads are carried out soundly or not at all', () => {
  for (const [name, contentFormat] of Object.entries(FORMATS)) {
    for (const [text, values] of Object.entries(WRITES)) {
      it(`${name} to ${text}`, async () => {
        const at = parsePath(text) as Path & { readonly kind: 'object' | 'objectInstance' };
        const original = payload(contentFormat, at, values);
        const write =
          (body: Uint8Array) =>
          (one: World): ReturnType<typeof performBootstrapOperation> =>
            performBootstrapOperation(one.context, { kind: 'bootstrapWrite', path: at, contentFormat, payload: body });
        const isWritable = text !== '/3/0';
        if (isWritable) assert.ok(await attempt('as it is', write(original)));
        const random = new SeededRandom(contentFormat + text.length);
        let done = 0;
        for (let run = 0; run < RUNS; run++) {
          const mutated = mutate(random, original);
          if (await attempt(`run ${run}: ${Buffer.from(mutated).toString('hex')}`, write(mutated))) done++;
        }
        assert.ok(done < RUNS);
        for (let length = 0; length < original.length; length++) {
          await attempt(`${length} bytes`, write(original.subarray(0, length)));
        }
      });
    }
  }

  for (const [name, contentFormat] of Object.entries(FORMATS).filter(([, format]) =>
    [110, 112, 11_544].includes(format),
  )) {
    it(`a pack in ${name}`, async () => {
      const original = payload(contentFormat, ROOT, { ...ACCOUNT, ...SERVER, ...ACCESS });
      const take = (body: Uint8Array) => (one: World) => applyPack(one.context, contentFormat, body);
      assert.ok(await attempt('as it is', take(original)));
      const random = new SeededRandom(contentFormat);
      for (let run = 0; run < RUNS; run++) {
        const mutated = mutate(random, original);
        await attempt(`run ${run}: ${Buffer.from(mutated).toString('hex')}`, take(mutated));
      }
    });
  }
});

it('a key that is written as text is refused without being quoted', async () => {
  const records = (value: object): Uint8Array => bytes(JSON.stringify([{ n: '/0/0/5', ...value }]));
  const at = path('/0/0', 'objectInstance');
  for (const value of [{ vs: SECRET }, { vs: `"${SECRET}"` }, { vs: `${SECRET}\n\\"` }]) {
    const { context } = world();
    const operation = { kind: 'bootstrapWrite', path: at, contentFormat: 110, payload: records(value) } as const;
    for (const answer of [performBootstrapOperation(context, operation), applyPack(context, 110, records(value))]) {
      const refused = await answer;
      assert.ok(isRefusal(refused));
      assert.match(refused.reason, /\/0\/0\/5: expected an Opaque, found the text "…"/);
    }
  }
});
