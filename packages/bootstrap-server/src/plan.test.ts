import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatPath, isMalformed, ObjectDefinitions, objectInstancePath, parseBootstrapDiscover } from '@lapwing/lwm2m';
import type { BootstrapConfiguration } from './configuration.ts';
import { placeholderProofs } from './credentials.ts';
import { planOf, type Knowledge } from './plan.ts';
import { pathText } from './session-state.ts';

const definitions = new ObjectDefinitions();
const sources = { targets: [], own: {}, issuer: undefined };

const account = (shortServerId: number): NonNullable<BootstrapConfiguration['servers']>[number] => ({
  shortServerId,
  uri: `coap://server-${shortServerId}`,
  security: { mode: 'none' },
});
const TWO: BootstrapConfiguration = { servers: [account(101), account(102)] };

function knowing(discovered: string, account?: Knowledge['account']): Knowledge {
  const read = parseBootstrapDiscover(discovered);
  assert.ok(!isMalformed(read));
  return {
    nodes: read.nodes,
    lwm2mVersion: read.lwm2mVersion as Knowledge['lwm2mVersion'],
    ...(account === undefined ? {} : { account }),
  };
}

function planned(configuration: BootstrapConfiguration, knowledge: Knowledge): readonly string[] {
  const plan = planOf(configuration, placeholderProofs(configuration, 'one', sources), knowledge, definitions);
  assert.ok(!isMalformed(plan), JSON.stringify(plan));
  return [...plan.reads, ...plan.deletes, ...plan.writes].map((each) => `${each.kind} ${pathText(each)}`);
}

const UNKNOWN: Knowledge = { nodes: undefined, lwm2mVersion: undefined };
const NEW_DEVICE = '</>;lwm2m=1.1,</0/1>,</1>,</3/0>';
const OLD_DEVICE = '</>;lwm2m=1.1,</0/0>;ssid=101,</0/1>,</0/2>;ssid=7,</1/0>;ssid=101,</1/3>;ssid=7,</2/0>,</3/0>';

describe('the order and the ids of a plan', () => {
  const cases: readonly (readonly [name: string, BootstrapConfiguration, Knowledge, readonly string[]])[] = [
    [
      'of a new device: nothing is deleted, the account with the Bootstrap-Server is passed over',
      TWO,
      knowing(NEW_DEVICE),
      ['write /0/0', 'write /0/2', 'write /1/0', 'write /1/1'],
    ],
    [
      'of a device with accounts: they are deleted, and their ids are free',
      TWO,
      knowing(OLD_DEVICE),
      ['delete /0', 'delete /1', 'write /0/0', 'write /0/2', 'write /1/0', 'write /1/1'],
    ],
    [
      'of a device whose accounts stay: the same server is written over, another gets an id of its own',
      { ...TWO, delete: [] },
      knowing(OLD_DEVICE),
      ['write /0/0', 'write /0/3', 'write /1/0', 'write /1/1'],
    ],
    [
      'with Access Control: it is deleted too, and written after the accounts',
      { ...TWO, accessControl: [{ objectId: 3, objectInstanceId: 0, owner: 101, rights: { 101: 'rw' } }] },
      knowing(OLD_DEVICE),
      ['delete /0', 'delete /1', 'delete /2', 'write /0/0', 'write /0/2', 'write /1/0', 'write /1/1', 'write /2/0'],
    ],
    [
      'of everything deleted',
      { ...TWO, delete: ['/'] },
      knowing(OLD_DEVICE),
      ['delete /', 'write /0/0', 'write /0/2', 'write /1/0', 'write /1/1'],
    ],
    [
      'of single Object Instances deleted',
      { ...TWO, delete: ['/0/2', '/1/3'] },
      knowing(OLD_DEVICE),
      ['delete /0/2', 'delete /1/3', 'write /0/0', 'write /0/2', 'write /1/0', 'write /1/1'],
    ],
    [
      'of LwM2M 1.0: Object Instances are deleted, in order',
      TWO,
      knowing(OLD_DEVICE.replace('1.1', '1.0')),
      [
        ...['delete /0/0', 'delete /0/2', 'delete /1/0', 'delete /1/3'],
        ...['write /0/0', 'write /0/2', 'write /1/0', 'write /1/1'],
      ],
    ],
    [
      'of a device that does not tell: everything is deleted, Security Object Instances begin at 10',
      TWO,
      UNKNOWN,
      ['delete /0', 'delete /1', 'write /0/10', 'write /0/11', 'write /1/0', 'write /1/1'],
    ],
    [
      'with ids of its own: the others keep clear of them',
      {
        servers: [
          { ...account(101), serverObjectInstanceId: 5 },
          { ...account(102), securityObjectInstanceId: 0 },
        ],
        objects: [{ path: '/1/0', resources: {} }],
      },
      knowing(NEW_DEVICE),
      ['write /0/2', 'write /0/0', 'write /1/5', 'write /1/1', 'write /1/0'],
    ],
    [
      'with a new account of the Bootstrap-Server: it takes the place of the old one',
      { ...TWO, bootstrapServers: [{ uri: 'coap://new', security: { mode: 'none' } }] },
      knowing(NEW_DEVICE),
      ['write /0/0', 'write /0/2', 'write /0/1', 'write /1/0', 'write /1/1'],
    ],
    [
      'with two accounts of Bootstrap-Servers: the second gets an id, and the device will refuse it',
      {
        bootstrapServers: [
          { uri: 'coap://a', security: { mode: 'none' } },
          { uri: 'coap://b', security: { mode: 'none' } },
        ],
      },
      knowing(NEW_DEVICE),
      ['write /0/1', 'write /0/0'],
    ],
    [
      'of a pack with acc',
      TWO,
      { ...UNKNOWN, account: [objectInstancePath(0, 0), objectInstancePath(21, 0)] },
      ['delete /0', 'delete /1', 'write /0/1', 'write /0/2', 'write /1/0', 'write /1/1'],
    ],
    [
      'with OSCORE of the Bootstrap-Server: its Object Instance is not written over',
      { objects: [], accessControl: [], delete: ['/'] },
      knowing('</0/0>,</21/0>,</3/0>'),
      ['delete /'],
    ],
    [
      'with two Security Object Instances that say nothing: one of them may be old',
      TWO,
      knowing('</0/0>,</0/1>,</3/0>'),
      ['delete /0', 'write /0/2', 'write /0/3', 'write /1/0', 'write /1/1'],
    ],
  ];
  for (const [name, configuration, knowledge, wanted] of cases)
    it(name, () => assert.deepEqual(planned(configuration, knowledge), wanted));

  it('ends where no id is free', () => {
    const nodes = Array.from({ length: 65_535 }, (_, id) => ({ path: objectInstancePath(1, id), shortServerId: 9 }));
    const configuration = { ...TWO, delete: [] };
    const proofs = placeholderProofs(configuration, 'one', sources);
    assert.deepEqual(planOf(configuration, proofs, { nodes, lwm2mVersion: '1.1' }, definitions), {
      malformed: 'no Object Instance ID is free',
    });
  });
});

describe('the content of a plan', () => {
  const valuesOf = (configuration: BootstrapConfiguration): Readonly<Record<string, unknown>> => {
    const plan = planOf(
      configuration,
      placeholderProofs(configuration, 'one', sources),
      knowing(NEW_DEVICE),
      definitions,
    );
    assert.ok(!isMalformed(plan), JSON.stringify(plan));
    return Object.fromEntries(
      plan.writes.flatMap(({ entries }) =>
        entries.map((entry) => [formatPath(entry.path), entry.kind === 'value' ? entry.value.value : entry.kind]),
      ),
    );
  };

  it('has every further Resource of an account by its name', () => {
    const values = valuesOf({
      servers: [
        {
          ...account(101),
          binding: 'UT',
          server: { registrationPriorityOrder: 1, disableTimeout: 60, notificationStoringWhenDisabledOrOffline: true },
          securityObject: { sni: 'name', dtlsTlsCiphersuite: { 0: 49320 }, clientHoldOffTime: 3 },
        },
      ],
    });
    assert.equal(values['/1/0/13'], 1);
    assert.equal(values['/1/0/5'], 60);
    assert.equal(values['/1/0/6'], true);
    assert.equal(values['/1/0/7'], 'UT');
    assert.equal(values['/0/0/14'], 'name');
    assert.equal(values['/0/0/16/0'], 49320);
    assert.equal(values['/0/0/11'], 3);
  });

  it('is of the types of the definitions; without one, of those the values have', () => {
    const values = valuesOf({
      objects: [
        { path: '/3/0/13', value: '2026-01-01T00:00:00Z' },
        { path: '/3/0/6', value: { 0: 1, 1: 5 } },
        { path: '/33000/0', resources: { 0: 1.5, 1: 7, 2: 'text', 3: true, 4: new Uint8Array(2), 5: { 3: 2n } } },
        { path: '/33001/0', resources: {} },
      ],
    });
    assert.equal(values['/3/0/13'], Date.UTC(2026, 0, 1) / 1000);
    assert.deepEqual([values['/3/0/6/0'], values['/3/0/6/1']], [1, 5]);
    assert.equal(values['/33000/0/0'], 1.5);
    assert.equal(values['/33000/0/5/3'], 2);
    assert.equal(values['/33001/0'], 'empty');
  });

  for (const [name, configuration, reason] of [
    ['a value of another type', { objects: [{ path: '/3/0/9', value: 'x' }] }, /^\/3\/0\/9: /],
    ['a value out of range', { objects: [{ path: '/3/0/9', value: 101 }] }, /0\.\.100/],
    ['one value for many', { objects: [{ path: '/3/0/6', value: 1 }] }, /Resource Instances/],
    [
      'rights that are none',
      { accessControl: [{ objectId: 3, objectInstanceId: 0, owner: 1, rights: { 1: 'rx' } }] },
      /"rwedc"/,
    ],
    [
      'rights beyond 31',
      { accessControl: [{ objectId: 3, objectInstanceId: 0, owner: 1, rights: { 1: 32 } }] },
      /0 to 31/,
    ],
    ['a name that no Resource has', { servers: [{ ...account(1), server: { toString: 1 } as object }] }, /"toString"/],
  ] as const)
    it(`is refused with ${name}`, () => {
      const plan = planOf(configuration, placeholderProofs(configuration, 'one', sources), UNKNOWN, definitions);
      assert.ok(isMalformed(plan));
      assert.match(plan.malformed, reason);
    });
});
