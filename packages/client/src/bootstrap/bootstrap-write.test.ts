import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Codes, formatCode } from '@lapwing/coap';
import { encodePayload, isMalformed, parsePath, ROOT } from '@lapwing/lwm2m';
import type { NodeEntry, ObjectDefinition, ResourceDefinition, resourcePath } from '@lapwing/lwm2m';
import type { ClientObject, ObjectInstanceContent } from '../client-object.ts';
import { HandlerFailed, isRefusal, OperationRefused } from '../refusal.ts';
import {
  below,
  BOOTSTRAP_SERVER,
  bytes,
  dump,
  path,
  payload,
  security,
  server,
  world,
  type World,
  type WorldOptions,
} from '../../test/bootstrap-tree.ts';
import { applyPack, performBootstrapOperation } from './bootstrap-operations.ts';

const [TEXT, OPAQUE, CBOR, SENML_JSON, SENML_CBOR, ETCH_JSON, TLV, LWM2M_JSON, LWM2M_CBOR] = [0, 42, 60, 110, 112, 320, 11542, 11543, 11544]; // prettier-ignore
type Values = Readonly<Record<string, unknown>>;

/** `2.04`, or `4.00 the reason`. */
async function put(one: World, at: string, values: Values | Uint8Array, format = SENML_CBOR): Promise<string> {
  const target = parsePath(at) as Parameters<typeof payload>[1];
  const body = values instanceof Uint8Array ? values : payload(format, target, values);
  return said(
    await performBootstrapOperation(one.context, {
      kind: 'bootstrapWrite',
      path: target as ReturnType<typeof resourcePath>,
      contentFormat: format,
      payload: body,
    }),
  );
}
async function pack(one: World, values: Values | Uint8Array, format = SENML_CBOR): Promise<string> {
  const body = values instanceof Uint8Array ? values : payload(format, ROOT, values);
  return said(await applyPack(one.context, format, body));
}
const said = (answer: Awaited<ReturnType<typeof performBootstrapOperation>>): string =>
  isRefusal(answer) ? `${formatCode(answer.refused)} ${answer.reason}` : formatCode(answer.code);

/** Refused with a reason, the tree and what was heard of it untouched. */
async function refusedUntouched(one: World, attempt: () => Promise<string>, reason: RegExp): Promise<void> {
  const before = dump(one.tree);
  const answer = await attempt();
  assert.match(answer, reason);
  assert.deepEqual(dump(one.tree), before);
  assert.deepEqual(one.told, []);
}

const SECURITY_VALUES: Values = { '/0/0/0': 'coap://s.example', '/0/0/1': false, '/0/0/2': 3, '/0/0/3': bytes(''), '/0/0/4': bytes(''), '/0/0/5': bytes(''), '/0/0/10': 101 }; // prettier-ignore
const SECURITY_DUMP = ['/0/0', '/0/0/0 coap://s.example', '/0/0/1 false', '/0/0/10 101', '/0/0/2 3', '/0/0/3 ', '/0/0/4 ', '/0/0/5 ']; // prettier-ignore
const SERVER_VALUES: Values = { '/1/0/0': 101, '/1/0/1': 86400, '/1/0/6': true, '/1/0/7': 'U' };
const SERVER_DUMP = ['/1/0', '/1/0/0 101', '/1/0/1 86400', '/1/0/4 handler', '/1/0/6 true', '/1/0/7 U', '/1/0/8 handler']; // prettier-ignore

/** An Object of the application with a Resource of each kind. */
const OBJECT = 33_000;
const resource = (id: number, operations: ResourceDefinition['operations'], more: Partial<ResourceDefinition> = {}): readonly [number, ResourceDefinition] => // prettier-ignore
  [id, { id, name: `resource ${id}`, operations, multiple: false, mandatory: false, type: 'integer', range: '0..100', units: '', ...more } as ResourceDefinition]; // prettier-ignore
const definition: ObjectDefinition = {
  id: OBJECT as ObjectDefinition['id'],
  name: 'Of the application',
  version: '1.0',
  urn: 'urn:oma:lwm2m:x:33000',
  lwm2mVersion: '1.0',
  multiple: true,
  mandatory: false,
  resources: new Map([
    resource(0, 'R'),
    resource(1, 'RW', { mandatory: true }),
    resource(2, 'RW'),
    resource(3, 'RW'),
    resource(4, 'RW'),
    resource(5, 'R'),
    resource(6, ''),
    resource(7, 'E', { type: 'none', range: '' }),
    resource(8, 'RW', { multiple: true }),
    resource(9, 'RW'),
  ]),
};
interface Applied {
  readonly object: ClientObject;
  readonly written: unknown[];
}
function applicationObject(more: Partial<ClientObject> = {}, content: ObjectInstanceContent = {}): Applied {
  const written: unknown[] = [];
  return {
    written,
    object: {
      objectId: OBJECT,
      definition,
      resources: [0, 1, 2, 3, 4, 5, 6, 7, 8],
      defaults: { 2: 22 },
      instances: {
        0: {
          0: 10,
          1: 11,
          2: 12,
          3: 13,
          4: { read: () => 14, write: (value) => void written.push(value) },
          5: { read: () => 15 },
          6: 16,
          7: { execute: () => undefined },
          8: [18, 19],
          ...content,
        },
      },
      ...more,
    },
  };
}
const at = (resourceId: number | string, instance = 0): string => `/${OBJECT}/${instance}/${resourceId}`;
/** The registry does not have the Object, so payloads of it are made with its own definition. */
function ofApplication(target: string, values: Readonly<Record<string, number>>): Uint8Array {
  const list = Object.entries(values).map(([text, value]): NodeEntry => {
    const where = parsePath(text) as ReturnType<typeof resourcePath>;
    return { kind: 'value', path: where, value: { type: 'integer', value } };
  });
  const encoded = encodePayload(SENML_CBOR, list, {
    path: parsePath(target) as typeof ROOT,
    definitions: { object: () => definition, resource: (_id, id) => definition.resources.get(id) },
  });
  if (isMalformed(encoded)) throw new Error(encoded.malformed);
  return encoded;
}
const world1 = (options: WorldOptions, ...applied: readonly Applied[]): World =>
  world({ ...options, objects: [...applied.map(({ object }) => object), ...(options.objects ?? [])] });

describe('Bootstrap-Write of accounts (Core §6.1)', () => {
  for (const [name, format] of [
    ['TLV', TLV],
    ['SenML JSON', SENML_JSON],
    ['SenML CBOR', SENML_CBOR],
    ['LwM2M JSON', LWM2M_JSON],
    ['LwM2M CBOR', LWM2M_CBOR],
  ] as const) {
    it(`an account is made, Object by Object, in ${name}`, async () => {
      const one = world();
      assert.equal(await put(one, '/0', SECURITY_VALUES, format), '2.04');
      assert.equal(await put(one, '/1', SERVER_VALUES, format), '2.04');
      assert.deepEqual(below(one.tree, '/0/0'), SECURITY_DUMP);
      assert.deepEqual(below(one.tree, '/1/0'), SERVER_DUMP);
      assert.deepEqual(one.told, ['instances /0/0', 'changed /0/0', 'instances /1/0', 'changed /1/0']);
    });

    it(`an account is made, Object Instance by Object Instance, in ${name}`, async () => {
      const one = world();
      assert.equal(await put(one, '/0/0', SECURITY_VALUES, format), '2.04');
      assert.equal(await put(one, '/1/0', SERVER_VALUES, format), '2.04');
      assert.deepEqual(below(one.tree, '/0/0'), SECURITY_DUMP);
      assert.deepEqual(below(one.tree, '/1/0'), SERVER_DUMP);
    });
  }

  // Seen on the wire from the Bootstrap-Server demo of Leshan 2.0.0-SNAPSHOT: the keys of SMS, /0/1/7 and /0/1/8, are
  // there and empty, though the definition knows keys of 16, 32 and 48 bytes.
  for (const [name, format, hex] of [
    [
      'TLV',
      TLV,
      'c80016636f61703a2f2f3132372e302e302e313a3136363833c10100c10203c003c004c005c10603c007c008c009c10a7bc10b01c10c00',
    ],
    [
      'SenML CBOR',
      SENML_CBOR,
      '8da30061300376636f61703a2f2f3132372e302e302e313a313636383321652f302f312fa200613104f4a20061320203a20061330840a20061340840a20061350840a20061360203a20061370840a20061380840a20061390360a20062313002187ba2006231310201a2006231320200',
    ],
  ] as const) {
    it(`an optional key of Security that is empty is none, in ${name}`, async () => {
      const one = world({ security: {} });
      assert.equal(await put(one, '/0/1', Buffer.from(hex, 'hex'), format), '2.04');
      const written = ['/0/1', '/0/1/0 coap://127.0.0.1:16683', '/0/1/1 false', '/0/1/10 123', '/0/1/11 1', '/0/1/12 0', '/0/1/2 3', '/0/1/3 ', '/0/1/4 ', '/0/1/5 ', '/0/1/6 3', '/0/1/9 ']; // prettier-ignore
      assert.deepEqual(below(one.tree, '/0/1'), written);
    });
  }

  it('an optional key of Security is taken away by an empty one, and by it alone', async () => {
    const one = world({ security: { 1: { ...BOOTSTRAP_SERVER, 8: new Uint8Array(16) } } });
    assert.equal(await put(one, '/0/1/8', { '/0/1/8': new Uint8Array() }), '2.04');
    assert.equal(one.tree.get('/0/1/8'), undefined);
    assert.match(await put(one, '/0/1/8', { '/0/1/8': new Uint8Array(3) }), /^4\.00 .*not 3 bytes/);
    assert.equal(await put(one, '/0/1/3', { '/0/1/3': new Uint8Array() }), '2.04');
    assert.deepEqual(one.tree.get('/0/1/3'), new Uint8Array());
  });

  for (const [name, format, at, value] of [
    ['text', TEXT, '/1/0/1', 60],
    ['CBOR', CBOR, '/1/0/1', 60],
    ['TLV', TLV, '/1/0/1', 60],
    ['SenML JSON', SENML_JSON, '/1/0/1', 60],
    ['LwM2M CBOR', LWM2M_CBOR, '/1/0/1', 60],
    ['opaque', OPAQUE, '/0/1/3', bytes('you')],
  ] as const) {
    it(`one Resource in ${name}, whether or not the Object Instance exists`, async () => {
      const one = world({ servers: { 0: server(101, { 5: 9 }) } });
      assert.equal(await put(one, at, { [at]: value }, format), '2.04');
      const shown = value instanceof Uint8Array ? Buffer.from(value).toString('hex') : '60';
      assert.ok(dump(one.tree).includes(`${at} ${shown}`));
      assert.ok(dump(one.tree).includes('/1/0/5 9'), 'others stay');
      const none = world({ security: {} });
      assert.equal(await put(none, at, { [at]: value }, format), '2.04');
      assert.deepEqual(
        below(none.tree, at.slice(0, 4)).filter((line) => !line.endsWith('handler')),
        [at.slice(0, 4), `${at} ${shown}`],
      );
    });
  }

  it('the Resources the Client adds itself come with the first Resource of a new Object Instance', async () => {
    const one = world();
    assert.equal(await put(one, '/1/3/5', { '/1/3/5': 86400 }), '2.04');
    assert.deepEqual(below(one.tree, '/1/3'), ['/1/3', '/1/3/4 handler', '/1/3/5 86400', '/1/3/8 handler']);
  });

  it('a replaced Object Instance has what was written and nothing else', async () => {
    const one = world({ servers: { 0: server(5, { 2: 1, 3: 2, 8: { execute: () => undefined } }) } });
    assert.equal(await put(one, '/1/0', SERVER_VALUES), '2.04');
    assert.deepEqual(below(one.tree, '/1/0'), SERVER_DUMP);
    assert.deepEqual(one.told, ['removed /1/0/2', 'removed /1/0/3', 'changed /1/0/0 /1/0/1 /1/0/2 /1/0/3 /1/0/6 /1/0/7']); // prettier-ignore
  });

  for (const [name, empty, format] of [
    ['TLV', new Uint8Array(), TLV],
    ['SenML', bytes('[]'), SENML_JSON],
  ] as const) {
    it(`an Object Instance is replaced by one without values, in ${name}`, async () => {
      const one = world({ servers: { 0: server(5) } });
      assert.equal(await put(one, '/1/0', empty, format), '2.04');
      assert.deepEqual(below(one.tree, '/1/0'), ['/1/0', '/1/0/4 handler', '/1/0/8 handler']);
    });
  }

  it('an Access Control Object Instance need not be complete yet, even where servers could Create it', async () => {
    const one = world({ objects: [{ objectId: 2, instances: {}, create: true }] });
    assert.equal(await put(one, '/2/0', { '/2/0/0': 3 }), '2.04');
  });

  it('Object Instances the payload does not name stay', async () => {
    const one = world({ servers: { 0: server(5), 7: server(7) } });
    await put(one, '/1', { ...SERVER_VALUES, '/1/2/0': 3 });
    assert.deepEqual([...one.tree.objects.get(1)!.instances.keys()].sort(), [0, 2, 7]);
    assert.deepEqual(below(one.tree, '/1/0'), SERVER_DUMP);
    assert.ok(dump(one.tree).includes('/1/7/0 7'));
  });

  it('the account of the Bootstrap-Server itself may be written anew', async () => {
    const one = world();
    assert.equal(await put(one, '/0/1', { '/0/1/0': 'coap://new.example', '/0/1/1': true, '/0/1/2': 3 }), '2.04');
    assert.deepEqual(below(one.tree, '/0/1'), ['/0/1', '/0/1/0 coap://new.example', '/0/1/1 true', '/0/1/2 3']);
  });

  it('Access Control with an ACL, written over', async () => {
    const one = world();
    await put(one, '/2', { '/2/0/0': 3, '/2/0/1': 0, '/2/0/2/1': 15, '/2/0/2/2': 1, '/2/0/3': 1 });
    await put(one, '/2/0', { '/2/0/0': 3, '/2/0/1': 0, '/2/0/2/3': 31, '/2/0/3': 65535 });
    assert.deepEqual(below(one.tree, '/2/0'), ['/2/0', '/2/0/0 3', '/2/0/1 0', '/2/0/2/3 31', '/2/0/3 65535']);
  });

  it('a multiple-instance Resource is replaced as a whole', async () => {
    const one = world({ objects: [{ objectId: 2, instances: { 0: { 0: 3, 1: 0, 2: { 1: 1, 2: 2 }, 3: 1 } } }] });
    assert.equal(await put(one, '/2/0/2', { '/2/0/2/7': 4 }, TLV), '2.04');
    assert.deepEqual(one.tree.get('/2/0/2'), new Map([[7, 4]]));
    assert.deepEqual(one.told, ['removed /2/0/2/1', 'removed /2/0/2/2', 'changed /2/0/2']);
    assert.equal(await put(one, '/2/0/2', Uint8Array.of(0x80, 2), TLV), '2.04');
    assert.deepEqual(one.tree.get('/2/0/2'), new Map());
  });

  it('Resources no definition has are ignored', async () => {
    const one = world({ version: '1.0' });
    assert.equal(await put(one, '/1/0', { ...SERVER_VALUES, '/1/0/23': true }), '2.04');
    assert.deepEqual(below(one.tree, '/1/0'), SERVER_DUMP);
  });

  it('links need not lead anywhere yet', async () => {
    const one = world();
    assert.equal(await put(one, '/0/0', { ...SECURITY_VALUES, '/0/0/17': { objectId: 21, objectInstanceId: 4 } }), '2.04'); // prettier-ignore
  });

  const REFUSED: readonly (readonly [string, string, Values | Uint8Array, RegExp, number?])[] = [
    ['an Object the Client does not have', '/21', { '/21/0/0': bytes('x') }, /^4\.00 this client has no Object 21$/],
    ['a wrong type in the second Object Instance', '/1', { ...SERVER_VALUES, '/1/1/7': 'U', '/1/2/0': 0 }, /^4\.00 \/1\/2\/0: .*1\.\.65534/], // prettier-ignore
    ['a Resource Instance where there is one value', '/1/0', { ...SERVER_VALUES, '/1/0/5/0': 3 }, /^4\.00 .*single value expected/], // prettier-ignore
    ['a value and Resource Instances', '/1/0', { '/1/0/1': 3, '/1/0/1/0': 3 }, /^4\.00 .*single value expected/],
    ['a value where there are Resource Instances', '/2/0', { '/2/0/2': 3 }, /^4\.00 .*Resource Instances expected/],
    ['Object Instance 65535', '/1', Uint8Array.of(0xa1, 0x83, 1, 0x19, 0xff, 0xff, 0, 3), /^4\.00 a Bootstrap-Server chooses/, LWM2M_CBOR], // prettier-ignore
    ['something executable', '/1/0', Uint8Array.of(0xc0, 8), /^4\.00 \/1\/0\/8 is executable/, TLV],
    ['null for something executable', '/1/0', Uint8Array.of(0xa1, 0x83, 1, 0, 8, 0xf6), /^4\.00/, LWM2M_CBOR],
    ['a second Object Instance of an Object that has one', '/3', { '/3/1/14': '+02:00' }, /^4\.00 Object 3 has one/],
    ['a Resource no definition has', '/1/0/999', new Uint8Array(), /^4\.00 \/1\/0\/999 is not supported$/, TEXT],
    ['text for an Object', '/1', bytes('1'), /^4\.15/, TEXT],
    ['a format that is none', '/1', bytes('1'), /^4\.15/, 9999],
    ['nothing', '/1', new Uint8Array(), /^4\.00 .*nothing to write/, TLV],
  ];
  for (const [what, at, values, reason, format] of REFUSED) {
    it(`refused: ${what}`, async () => {
      const one = world();
      await refusedUntouched(one, () => put(one, at, values, format), reason);
    });
  }

  it('refused: a value removed, as an ETCH document can', async () => {
    const one = world({ servers: { 0: server(5) } });
    await refusedUntouched(
      one,
      () => put(one, '/1/0', bytes('[{"bn":"/1/0/","n":"1","v":null}]'), ETCH_JSON),
      /^4\.00/,
    );
  });

  it('refused: a Resource Instance removed, as LwM2M CBOR can', async () => {
    const one = world({ objects: [{ objectId: 2, instances: { 0: { 2: { 1: 15 } } } }] });
    const removal = Uint8Array.of(0xa1, 0x83, 2, 0, 2, 0xa1, 1, 0xf6);
    await refusedUntouched(one, () => put(one, '/2/0', removal, LWM2M_CBOR), /^4\.00 .*nothing can be removed/);
  });

  it('refused: what is about another Object Instance', async () => {
    const one = world({ servers: { 0: server(5) } });
    await refusedUntouched(one, () => put(one, '/1/0', bytes('[{"n":"/1/1/1","v":1}]'), SENML_JSON), /^4\.00/);
  });

  it('refused: ten thousand Object Instances, or one more than there is room for', async () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, id) => [`/0/${id}/2`, 3]));
    const one = world();
    await refusedUntouched(one, () => put(one, '/0', many), /^5\.03 Object 0: no room/);
    const few = Object.fromEntries(Array.from({ length: 65 }, (_, id) => [`/0/${id}/2`, 3]));
    await refusedUntouched(one, () => put(one, '/0', few), /^5\.03/);
    await refusedUntouched(one, () => pack(one, many), /^5\.03/);
    assert.equal(await put(one, '/0', Object.fromEntries(Object.entries(few).slice(0, 64))), '2.04');
    assert.match(await put(one, '/0/64', { '/0/64/2': 3 }), /^5\.03/);
    assert.equal(await put(one, '/0/63', { '/0/63/2': 3 }), '2.04', 'one that exists takes no more room');
  });

  it('the bounds are parameters', async () => {
    const one = world({ context: { limits: { maxAccountInstances: 1, maxObjectInstances: 2 } } });
    assert.match(await put(one, '/0/0', { '/0/0/2': 3 }), /^5\.03/);
    const over = world({ context: { limits: { maxAccountInstances: 0 } } });
    assert.equal(await put(over, '/0/1', { '/0/1/2': 3 }), '2.04', 'what is there may be written');
    const acl = (id: number): Values => ({ [`/2/${id}/0`]: 3, [`/2/${id}/1`]: id, [`/2/${id}/3`]: 1 });
    assert.equal(await put(one, '/2', { ...acl(0), ...acl(1) }), '2.04');
    assert.match(await put(one, '/2', acl(2)), /^5\.03/);
  });

  it('refused: more Resource Instances than there is room for', async () => {
    const one = world();
    const acl = Object.fromEntries(Array.from({ length: 1025 }, (_, id) => [`/2/0/2/${id}`, 1]));
    await refusedUntouched(one, () => put(one, '/2/0', acl), /^5\.03 \/2\/0\/2: no room/);
  });

  it('every truncation of a payload is refused with the tree untouched, or was whole at a smaller number', async () => {
    for (const format of [TLV, SENML_JSON, SENML_CBOR, LWM2M_JSON, LWM2M_CBOR] as const) {
      const values = { ...SERVER_VALUES, '/1/1/0': 102, '/1/1/1': 60, '/1/1/6': true, '/1/1/7': 'U' };
      const whole = payload(format, path('/1', 'object'), values);
      let kept = 0;
      for (let length = 0; length < whole.length; length++) {
        const one = world();
        const before = dump(one.tree);
        const answer = await put(one, '/1', whole.slice(0, length), format);
        if (answer === '2.04') kept++;
        else {
          assert.match(answer, /^4\.00/);
          assert.deepEqual(dump(one.tree), before);
        }
      }
      // TLV says no length of the whole: one Object Instance of two is a payload, too.
      assert.equal(kept, format === TLV ? 1 : 0);
    }
  });
});

describe('Bootstrap-Write of Objects of the application', () => {
  it('a replaced Object Instance keeps handlers and what servers cannot write; other values go, or to their default', async () => {
    const applied = applicationObject();
    const one = world1({}, applied);
    assert.equal(await put(one, `/${OBJECT}/0`, ofApplication(`/${OBJECT}/0`, { [at(1)]: 1 })), '2.04');
    assert.deepEqual(below(one.tree, `/${OBJECT}/0`), [
      `/${OBJECT}/0`,
      `${at(0)} 10`,
      `${at(1)} 1`,
      `${at(2)} 22`,
      `${at(4)} handler`,
      `${at(5)} handler`,
      `${at(7)} handler`,
    ]);
    assert.deepEqual(applied.written, []);
  });

  it('values that servers cannot write are written; handlers are given theirs, or stay as they are', async () => {
    const applied = applicationObject();
    const one = world1({}, applied);
    const values = { [at(0)]: 90, [at(1)]: 91, [at(4)]: 94, [at(5)]: 95, [at(6)]: 96, [at('8/3')]: 98 };
    assert.equal(await put(one, `/${OBJECT}`, ofApplication(`/${OBJECT}`, values)), '2.04');
    assert.deepEqual(
      [0, 1, 6, 8].map((id) => one.tree.get(at(id))),
      [90, 91, 96, new Map([[3, 98]])],
    );
    assert.deepEqual(applied.written, [94]);
    assert.ok(one.told.at(-1)!.includes(at(4)), 'observers hear of it');
    assert.ok(!one.told.at(-1)!.includes(at(5)), 'and not of what stays');
    assert.equal(one.tree.resource(OBJECT, 0, 5)?.kind, 'handler');
  });

  it('one Resource: the others stay', async () => {
    const one = world1({}, applicationObject());
    assert.equal(await put(one, at(0), ofApplication(at(0), { [at(0)]: 1 })), '2.04');
    assert.equal(one.tree.get(at(3)), 13);
    assert.equal(one.tree.get(at(0)), 1);
  });

  it('a Resource that is not supported is ignored with others, and refused alone', async () => {
    const one = world1({}, applicationObject());
    assert.equal(await put(one, `/${OBJECT}/0`, ofApplication(`/${OBJECT}/0`, { [at(1)]: 1, [at(9)]: 9 })), '2.04');
    assert.equal(one.tree.get(at(9)), undefined);
    assert.match(await put(one, at(9), ofApplication(at(9), { [at(9)]: 9 })), /^4\.00 .* not supported/);
  });

  it('refused: a mandatory value would vanish, a value out of range', async () => {
    const one = world1({}, applicationObject());
    const target = `/${OBJECT}/0`;
    await refusedUntouched(one, () => put(one, target, ofApplication(target, { [at(3)]: 1 })), /^4\.00 .*mandatory/);
    await refusedUntouched(one, () => put(one, target, ofApplication(target, { [at(1)]: 101 })), /^4\.00 .*0\.\.100/);
    await refusedUntouched(one, () => put(one, target, ofApplication(target, { [at(7)]: 1 })), /^4\.00/);
  });

  it('a handler that refuses, at once or later, leaves the rest unwritten; those before it get back what they had', async () => {
    for (const late of [false, true]) {
      const refuse = (): Promise<void> | never => {
        const error = new OperationRefused(Codes.methodNotAllowed, 'not now');
        if (late) return Promise.reject(error);
        throw error;
      };
      const applied = applicationObject({}, { 8: { write: refuse } });
      const one = world1({}, applied);
      const target = `/${OBJECT}/0`;
      const values = ofApplication(target, { [at(1)]: 1, [at(4)]: 94, [at('8/0')]: 3 });
      await refusedUntouched(one, () => put(one, target, values), /^4\.05 not now$/);
      assert.deepEqual(applied.written, [94, 14]);
    }
  });

  it('a handler that fails is an error, not an answer', async () => {
    const fails = (): never => {
      throw new Error('secret of the application');
    };
    const one = world1({}, applicationObject({}, { 4: { write: fails } }));
    await assert.rejects(put(one, at(4), ofApplication(at(4), { [at(4)]: 1 })), HandlerFailed);
  });

  const NEW = `/${OBJECT}/3`;
  it('Object Instances are made where servers can Create, with what the application adds', async () => {
    const asked: unknown[] = [];
    const applied = applicationObject({
      create: (id, given) => {
        asked.push([id, given]);
        return Promise.resolve({ 0: 77, 5: { read: () => 1 } });
      },
    });
    const one = world1({}, applied);
    assert.equal(await put(one, NEW, ofApplication(NEW, { [at(1, 3)]: 1, [at(6, 3)]: 6 })), '2.04');
    assert.deepEqual(below(one.tree, NEW), [NEW, `${NEW}/0 77`, `${NEW}/1 1`, `${NEW}/5 handler`, `${NEW}/6 6`]);
    assert.deepEqual(asked, [[3, new Map([[1, 1], [6, 6]])]]); // prettier-ignore
    asked.length = 0;
    assert.equal(await put(one, NEW, ofApplication(NEW, { [at(1, 3)]: 2 })), '2.04', 'it exists now');
    assert.deepEqual(asked, []);
  });

  it('refused: a new Object Instance without what is mandatory, or that the application does not want, or nobody makes', async () => {
    const one = world1({}, applicationObject({ create: true }));
    await refusedUntouched(one, () => put(one, NEW, ofApplication(NEW, { [at(3, 3)]: 1 })), /^4\.00 .*mandatory/);
    const unwilling = world1({}, applicationObject({ create: () => { throw new OperationRefused(Codes.badRequest, 'no'); } })); // prettier-ignore
    await refusedUntouched(unwilling, () => put(unwilling, NEW, ofApplication(NEW, { [at(1, 3)]: 1 })), /^4\.00 no$/);
    const fixed = world1({}, applicationObject());
    await refusedUntouched(fixed, () => put(fixed, NEW, ofApplication(NEW, { [at(1, 3)]: 1 })), /^4\.00 .*makes none/);
  });

  it('one that the application described comes back with its handlers', async () => {
    const one = world1({}, applicationObject());
    one.tree.removeObjectInstance(OBJECT, 0);
    assert.equal(await put(one, `/${OBJECT}/0`, ofApplication(`/${OBJECT}/0`, { [at(1)]: 1 })), '2.04');
    assert.deepEqual(below(one.tree, `/${OBJECT}/0`).length, 7);
    assert.equal(one.tree.get(at(0)), 10);
  });
});

describe('Bootstrap-Pack (Core §6.1)', () => {
  const two: Values = { ...SECURITY_VALUES, ...SERVER_VALUES };
  for (const [name, format] of [
    ['SenML JSON', SENML_JSON],
    ['SenML CBOR', SENML_CBOR],
    ['LwM2M CBOR', LWM2M_CBOR],
  ] as const) {
    it(`every Object in it has its Object Instances replaced, in ${name}`, async () => {
      const one = world({
        security: { 1: BOOTSTRAP_SERVER, 4: security(4) },
        servers: { 0: server(9), 4: server(4) },
        objects: [{ objectId: 2, instances: { 0: { 0: 3, 1: 0, 3: 1 } } }],
      });
      one.attributes.write(4, path('/1/4', 'objectInstance'), { pmin: 1 });
      assert.equal(await pack(one, two, format), '2.04');
      assert.deepEqual([...one.tree.objects.get(0)!.instances.keys()].sort(), [0, 1]);
      assert.deepEqual(below(one.tree, '/0/0'), SECURITY_DUMP);
      assert.deepEqual(below(one.tree, '/1'), SERVER_DUMP);
      assert.equal(below(one.tree, '/2/0').length, 4, 'what is not mentioned stays');
      assert.deepEqual(one.attributes.all(), []);
    });
  }

  it('an Object Instance that is in it already is written, not removed and made anew', async () => {
    const one = world({ servers: { 0: server(9), 4: server(4) } });
    one.attributes.write(4, path('/1/0', 'objectInstance'), { pmin: 1 });
    assert.equal(await pack(one, SERVER_VALUES), '2.04');
    assert.deepEqual(one.told.slice(0, 1), ['instances /1/4']);
    assert.ok(!one.told.includes('instances /1/0'));
    assert.equal(one.attributes.all().length, 1);
  });

  it('what goes makes room', async () => {
    const limits = { maxAccountInstances: 2 };
    const one = world({ security: { 1: BOOTSTRAP_SERVER, 4: security(4) }, context: { limits } });
    assert.equal(await pack(one, SECURITY_VALUES), '2.04');
    assert.match(await pack(one, { ...SECURITY_VALUES, '/0/5/2': 3 }), /^5\.03/);
  });

  it('the account of the Bootstrap-Server and what it links stays, and so does /3/0', async () => {
    const key: ObjectInstanceContent = { 0: bytes('m'), 1: bytes('s'), 2: bytes('r') };
    const oscore: ClientObject = { objectId: 21, instances: { 0: key, 1: key } };
    const bootstrapServer = { ...BOOTSTRAP_SERVER, 17: { objectId: 21, objectInstanceId: 1 } };
    const one = world({ security: { 1: bootstrapServer }, objects: [oscore] });
    const values = { ...two, '/21/7/0': bytes('x'), '/3': undefined };
    assert.equal(await pack(one, values, LWM2M_CBOR), '2.04');
    assert.deepEqual([...one.tree.objects.get(21)!.instances.keys()], [1, 7]);
    assert.ok(one.tree.objectInstance(3, 0));
  });

  it('refused: an Object the Client does not have, TLV, a value removed', async () => {
    const one = world({ servers: { 4: server(4) } });
    await refusedUntouched(one, () => pack(one, { ...two, '/21/0/0': bytes('x') }), /^4\.00 .*no Object 21/);
    await refusedUntouched(one, () => pack(one, new Uint8Array(), TLV), /^4\.15/);
    await refusedUntouched(one, () => pack(one, bytes('[{"n":"/1/4/1","v":null}]'), ETCH_JSON), /^4\.15/);
    await refusedUntouched(one, () => pack(one, { ...two, '/1/0/0': 70_000 }), /^4\.00 .*1\.\.65534/);
  });

  it('the application is told what goes, and may refuse it: then nothing has changed', async () => {
    const deleted: number[] = [];
    const create = true;
    const applied = applicationObject({ create, delete: (id) => void deleted.push(id) });
    const one = world1({}, applied);
    assert.equal(await pack(one, ofApplication('/', { [at(1, 3)]: 1 })), '2.04');
    assert.deepEqual(deleted, [0]);
    assert.deepEqual([...one.tree.objects.get(OBJECT)!.instances.keys()], [3]);
    const unwilling = world1({}, applicationObject({ create, delete: () => Promise.reject(new OperationRefused(Codes.methodNotAllowed, 'mine')) })); // prettier-ignore
    await refusedUntouched(unwilling, () => pack(unwilling, ofApplication('/', { [at(1, 3)]: 1 })), /^4\.05 mine$/);
  });

  it('every truncation is refused with the tree untouched', async () => {
    for (const format of [SENML_JSON, SENML_CBOR, LWM2M_CBOR] as const) {
      const whole = payload(format, ROOT, two);
      for (let length = format === LWM2M_CBOR ? 0 : 1; length < whole.length; length++) {
        const one = world();
        await refusedUntouched(one, () => pack(one, whole.slice(0, length), format), /^4\.00/);
      }
    }
  });
});
