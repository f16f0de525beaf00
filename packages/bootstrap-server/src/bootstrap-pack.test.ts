import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Codes } from '@lapwing/coap';
import {
  decodePayload,
  formatPath,
  isMalformed,
  ObjectDefinitions,
  ROOT,
  valueToJs,
  type JsValue,
} from '@lapwing/lwm2m';
import type { SecurityEntry } from '@lapwing/server';
import type { Answer, BootstrapDevice } from '../test/bootstrap-device.ts';
import { ONE_SERVER, setUp, type Setup } from '../test/setup.ts';
import type { BootstrapConfiguration } from './configuration.ts';

const definitions = new ObjectDefinitions();

async function ask(setup: Setup, device: BootstrapDevice, accept: number | undefined, ...uriQuery: string[]) {
  const answer = await setup.settle(device.ask(Codes.get, '/bspack', { uriQuery, accept }));
  assert.ok(answer !== undefined);
  return answer;
}

function valuesIn({ contentFormat, payload }: Answer): Readonly<Record<string, JsValue>> {
  const entries = decodePayload(contentFormat!, payload, { path: ROOT, definitions });
  assert.ok(!isMalformed(entries), JSON.stringify(entries));
  return Object.fromEntries(
    entries.map((entry) => [formatPath(entry.path), entry.kind === 'value' ? valueToJs(entry.value) : undefined!]),
  );
}

describe('a Bootstrap-Pack-Request', () => {
  for (const accept of [112, 110, 11544, undefined])
    it(`is answered with everything in Content-Format ${accept ?? '112 without Accept'} (OMA 1.2-int-12)`, async () => {
      await using setup = setUp({
        one: { ...ONE_SERVER, objects: [{ path: '/19/0', resources: { 0: { 0: new Uint8Array(3_000) } } }] },
      });
      const answer = await ask(setup, setup.device(), accept, 'ep=one', 'acc=</0/0>,</21/0>');
      assert.equal(answer.code, '2.05');
      assert.equal(answer.contentFormat, accept ?? 112);
      const values = valuesIn(answer);
      assert.equal(values['/0/1/10'], 123);
      assert.equal(values['/1/0/1'], 300);
      assert.deepEqual(values['/19/0/0/0'], new Uint8Array(3_000));
      assert.equal(Object.keys(values).length, 12);
      const [{ session, outcome } = assert.fail()] = setup.ended;
      assert.deepEqual(outcome, { kind: 'pack-sent' });
      assert.equal(session.origin, 'pack');
      assert.deepEqual(
        session.timeline.map(({ operation, path, result, bytes }) => [operation, path, result, bytes]),
        [['pack', '/bspack', '2.05', answer.payload.length]],
      );
      await setup.network.runUntilIdle();
      assert.deepEqual(setup.server.usage, { sessions: 0, endedSessions: 1, deadlines: 0, pendingRequests: 0 });
    });

  it('without acc uses ids that no account of a Bootstrap-Server has', async () => {
    await using setup = setUp();
    const answer = await ask(setup, setup.device(), 112, 'ep=one');
    assert.deepEqual(
      Object.keys(valuesIn(answer)).filter((path) => path.endsWith('/10') || path === '/1/0/0'),
      ['/0/10/10', '/1/0/0'],
    );
  });

  it('writes a new account with the Bootstrap-Server where acc says it is', async () => {
    const uri = 'coap://new.example';
    await using setup = setUp({ one: { ...ONE_SERVER, bootstrapServers: [{ uri, security: { mode: 'none' } }] } });
    const values = valuesIn(await ask(setup, setup.device(), 112, 'ep=one', 'acc=</0/5>'));
    assert.equal(values['/0/5/0'], uri);
    assert.equal(values['/0/0/10'], 123);
  });

  // Anjay 3.14 sends no acc. Given another account with the Bootstrap-Server beside its own, it refuses the pack, keeps
  // both, and answers every later Bootstrap-Write of Security with 4.00: seen on the wire.
  it('with a new account of the Bootstrap-Server is given where it is known what that replaces, else 4.05', async () => {
    const account = { uri: 'coap://new.example', security: { mode: 'none' } } as const;
    const answered = async (securityObjectInstanceId: number | undefined, ...acc: string[]): Promise<string> => {
      const own = securityObjectInstanceId === undefined ? account : { ...account, securityObjectInstanceId };
      await using setup = setUp({ one: { ...ONE_SERVER, bootstrapServers: [own] } });
      const device = setup.device();
      const answer = await ask(setup, device, 112, 'ep=one', ...acc);
      const written = answer.code === '2.05' ? Object.entries(valuesIn(answer)) : [];
      const where = written.find(([, value]) => value === account.uri)?.[0];
      if (answer.code !== '2.05') assert.equal((await setup.settle(device.request('ep=one')))?.code, '2.04');
      return `${answer.code} ${where ?? setup.refused[0]!.kind}`;
    };
    assert.equal(await answered(undefined), '4.05 unusable');
    assert.equal(await answered(undefined, 'acc=</21/0>'), '4.05 unusable');
    assert.equal(await answered(undefined, 'acc=</0/1>'), '2.05 /0/1/0');
    assert.equal(await answered(1), '2.05 /0/1/0');
  });

  it('takes the place of a Bootstrap under way', async () => {
    await using setup = setUp();
    const device = setup.device();
    device.onRequest = () => 'silence';
    await setup.settle(device.request('ep=one'));
    await ask(setup, device, 112, 'ep=one');
    assert.deepEqual(
      setup.ended.map(({ outcome }) => outcome.kind),
      ['replaced', 'pack-sent'],
    );
  });

  it('is refused so that the device goes on with a Bootstrap-Request: 4.04, 4.05, 4.06', async () => {
    const refused = async (
      configuration: BootstrapConfiguration,
      accept: number | undefined,
      parameters = {},
    ): Promise<string> => {
      await using setup = setUp({ one: configuration }, { parameters });
      const device = setup.device();
      const answer = await ask(setup, device, accept, 'ep=one');
      assert.equal((await setup.settle(device.request('ep=one')))?.code, '2.04');
      return `${answer.code} ${setup.refused[0]!.kind} ${setup.refused[0]!.operation}`;
    };
    assert.equal(await refused(ONE_SERVER, 112, { packs: false }), '4.04 no-packs pack');
    assert.equal(await refused({ ...ONE_SERVER, pack: false }, 112), '4.05 no-packs pack');
    assert.equal(await refused(ONE_SERVER, 11542), '4.06 content-format pack');
    assert.equal(await refused({ objects: [{ path: '/3/0/9', value: 'many' }] }, 112), '4.05 unusable pack');
    const large = { path: '/19/0', resources: { 0: { 0: new Uint8Array(70_000) } } };
    assert.equal(await refused({ objects: [large] }, 112), '4.05 unusable pack');
  });

  it('is refused as a Bootstrap-Request is: identity, unknown, malformed', async () => {
    await using setup = setUp();
    const device = setup.device();
    assert.equal((await ask(setup, device, 112)).code, '4.00');
    assert.equal((await ask(setup, device, 112, 'ep=two')).code, '4.00');
    assert.equal((await ask(setup, device, 112, 'ep=one', 'acc=</0>')).code, '4.00');
    assert.deepEqual(
      setup.refused.map(({ kind }) => kind),
      ['identity', 'unknown-endpoint', 'malformed'],
    );
  });

  it('makes new credentials known before it is answered, and is refused when they are not taken', async () => {
    const taken: SecurityEntry[] = [];
    let refuses = false;
    const security = {
      exchange(entry: SecurityEntry) {
        if (refuses) throw new Error('full');
        taken.push(entry);
        return () => undefined;
      },
    };
    const configuration: BootstrapConfiguration = {
      servers: [{ shortServerId: 1, uri: 'coaps://lwm2m.example', security: { mode: 'psk', generate: true } }],
    };
    await using setup = setUp({ one: configuration }, { lwm2mServers: [{ security }] });
    const device = setup.device();
    const values = valuesIn(await ask(setup, device, 112, 'ep=one'));
    const [entry] = taken;
    assert.ok(entry?.kind === 'psk');
    assert.deepEqual(values['/0/10/3'], entry.identity);
    assert.deepEqual(values['/0/10/5'], new Uint8Array(entry.key.export()));
    refuses = true;
    assert.equal((await ask(setup, device, 112, 'ep=one')).code, '4.05');
    assert.match(setup.refused[0]!.reason, /not taken: full/);
  });

  it('puts back what was taken before something was not taken', async () => {
    const undone: string[] = [];
    const first = { exchange: () => () => undone.push('first') };
    const second = { exchange: () => Promise.reject(new Error('full')) };
    const configuration: BootstrapConfiguration = {
      servers: [1, 2].map((shortServerId) => ({
        shortServerId,
        uri: 'coaps://lwm2m.example',
        security: { mode: 'psk', generate: true },
      })),
    };
    const lwm2mServers = [{ security: first, shortServerIds: [1] }, { security: second }];
    await using setup = setUp({ one: configuration }, { lwm2mServers });
    assert.equal((await ask(setup, setup.device(), 112, 'ep=one')).code, '4.05');
    assert.deepEqual(undone, ['first']);
  });
});
