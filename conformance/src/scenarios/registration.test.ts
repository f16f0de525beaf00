/** Registrations, queue mode and Send from end to end. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { buildOptions, Codes, formatCode } from '@lapwing/coap';
import { temperatureObject } from '@lapwing/client';
import { resourcePath, type LwM2mVersion, type NodeEntry } from '@lapwing/lwm2m';
import { device } from '../configurations.ts';
import { valuesOf } from '../operator.ts';
import { proves } from '../proves.ts';
import { register } from '../raw-register.ts';
import { ENDPOINT_CLIENT_NAME, Scene, type SceneOptions } from '../scene.ts';

const VALUE = '/3303/0/5700';
const SERVER = { host: '10.0.0.1', port: 5683 };
const FORMATS = { 'SenML JSON': 110, 'SenML CBOR': 112 } as const;
const names = ['SenML JSON', 'SenML CBOR'] as const;

const open = (version: LwM2mVersion, client: SceneOptions['client'] = {}): Promise<Scene> =>
  Scene.open({
    version,
    client,
    objects: [device(), temperatureObject({ value: 20 })],
    accounts: [{ lifetimeSeconds: 300 }],
  });

describe('scenarios: registrations', () => {
  proves('register-update-deregister', async (version) => {
    await using scene = await open(version);
    await scene.seconds(290);
    assert.deepEqual(scene.history, ['registered', 'updated']);
    await scene.settle(scene.client.close());
    assert.deepEqual(scene.history, ['registered', 'updated', 'deregistered']);
    assert.equal(scene.server.server.registrationCount, 0);
    const queries = [`ep=${ENDPOINT_CLIENT_NAME}`, 'lt=300', `lwm2m=${version}`];
    assert.equal((await register(scene.network, SERVER, queries)).code, '2.01', 'and it may come back');
    assert.equal(scene.history.at(-1), 'registered');
  });

  proves('register-again', async (version) => {
    await using scene = await open(version);
    const before = scene.registration.registrationId;
    scene.client.register();
    await scene.until(
      () => scene.server.server.device(scene.registration.endpointClientName)?.registration.registrationId !== before,
    );
    assert.equal(scene.server.server.registrationCount, 1);
    assert.ok(!scene.history.includes('deregistered'), 'it takes the place of the other');
    assert.equal((await scene.server.read(VALUE)).code, '2.05');
  });

  proves('register-gone-silent', async (version) => {
    await using scene = await open(version);
    scene.client.goOffline();
    await scene.seconds(280);
    assert.equal(scene.server.server.registrationCount, 1, 'who says nothing is registered until its lifetime is over');
    await scene.seconds(30);
    assert.deepEqual(scene.history, ['registered', 'expired']);
    scene.client.goOnline();
    await scene.until(() => scene.server.server.registrationCount === 1);
  });

  proves('register-bindings', async (version) => {
    await using scene = await open(version);
    const peer = scene.network.scriptedPeer({ host: '10.2.0.1', port: 5683 });
    let messageId = 0;
    const register = async (binding: string, links: string): Promise<string> => {
      const uriQuery = ['ep=raw', 'lt=60', `lwm2m=${version}`, `b=${binding}`];
      const options = buildOptions({ uriPath: ['rd'], uriQuery, contentFormat: 40 });
      const payload = new TextEncoder().encode(links);
      peer.send(
        { host: '10.0.0.1', port: 5683 },
        { type: 0, code: Codes.post, messageId: ++messageId, options, payload },
      );
      await scene.seconds(1);
      return formatCode(peer.take().code);
    };
    const links = '</1/0>,</3/0>';
    assert.equal(await register('U', links), '2.01');
    // Queue mode is a binding in 1.0 and a parameter of its own since, TCP came with 1.1; clients mix them up, and what
    // they mean is clear.
    for (const binding of ['UQ', 'UT']) {
      assert.equal(await register(binding, links), '2.01');
      assert.equal(scene.server.server.device('raw')?.registration.queueMode, binding === 'UQ');
    }
    assert.equal(await register('X', links), '4.00');
    // 1.2 knows profiles in place of a list, and 4.09 asks for the list.
    assert.equal(await register('U', ''), version === '1.2' ? '4.09' : '4.00', 'without Objects');
  });
});

describe('scenarios: names and additional parameters', () => {
  proves('register-without-name', async (version) => {
    await using scene = await open(version);
    // Over coaps the credential gives the name: psk-without-name, rpk-without-name, x509-without-name.
    for (const queries of [['lt=60'], ['ep=', 'lt=60']]) {
      const { code, text } = await register(scene.network, SERVER, [...queries, `lwm2m=${version}`]);
      assert.deepEqual([code, text], ['4.00', 'ep, the Endpoint Client Name, is missing']);
    }
    assert.equal(scene.server.server.registrationCount, 1);
  });

  proves('register-additional', async (version) => {
    await using scene = await open(version, { additionalParameters: { et: 'sensor', site: 'north' } });
    assert.deepEqual(scene.registration.additionalParameters, { et: 'sensor', site: 'north' });
    scene.client.update();
    await scene.seconds(2);
    assert.deepEqual(scene.history, ['registered', 'updated']);
    assert.deepEqual(scene.registration.additionalParameters, { et: 'sensor', site: 'north' });
    // Neither empty ones nor far too many are a reason to turn a device away.
    const many = Array.from({ length: 100 }, (_, index) => `p${index}=x`);
    const answer = await register(scene.network, SERVER, ['ep=raw', 'lt=60', `lwm2m=${version}`, 'rt', ...many]);
    assert.equal(answer.code, '2.01');
    const kept = scene.server.server.device('raw')!.registration.additionalParameters;
    assert.deepEqual([Object.keys(kept).length, kept.rt, kept.p14], [16, '', 'x']);
  });
});

describe('scenarios: queue mode', () => {
  proves('queue-awake-and-asleep', async (version) => {
    await using scene = await open(version, { queueMode: { awakeTime: 10_000 } });
    const events: string[] = [];
    scene.server.server.on('awake', () => events.push('awake'));
    scene.server.server.on('asleep', () => events.push('asleep'));
    assert.equal(scene.server.device.awake, true);
    await scene.seconds(70);
    assert.equal(scene.server.device.awake, true, 'the server reckons with MAX_TRANSMIT_WAIT');
    await scene.seconds(30);
    assert.equal(scene.server.device.awake, false);
    scene.client.update();
    await scene.seconds(2);
    assert.equal(scene.server.device.awake, true);
    assert.deepEqual(events, ['asleep', 'awake'], 'each is told once');
  });

  proves('queue-request-when-awake', async (version) => {
    await using scene = await open(version, { queueMode: { awakeTime: 10_000 } });
    assert.equal((await scene.server.read(VALUE)).code, '2.05');
    await scene.seconds(120);
    let code = '';
    const reading = scene.server.read(VALUE).then((answer) => (code = answer.code));
    assert.equal(code, '');
    assert.equal(scene.server.device.pendingOperations.length, 1);
    scene.sent();
    await reading;
    assert.equal(code, '2.05');
    const sent = scene.sent().map(({ line }) => line);
    assert.ok(
      sent.findIndex((line) => line.startsWith('POST /rd/')) < sent.findIndex((line) => line.startsWith('GET ')),
    );
  });
});

describe('scenarios: Send', () => {
  proves('send', names, async (version, name) => {
    await using scene = await open(version);
    const sends: unknown[] = [];
    scene.server.server.on('sent', (_registration, entries) => sends.push(valuesOf(entries)));
    const [result] = await scene.settle(scene.client.send([VALUE, '/3/0/0'], { contentFormat: FORMATS[name] }));
    assert.ok(result?.ok);
    assert.deepEqual(sends, [{ [VALUE]: 20, '/3/0/0': 'Lapwing' }]);
  });

  proves('send-timestamped', names, async (version, name) => {
    await using scene = await open(version);
    let got: readonly NodeEntry[] = [];
    scene.server.server.on('sent', (_registration, entries) => (got = entries));
    const now = Math.floor(scene.network.unixTime() / 1000);
    const entries: readonly NodeEntry[] = [30, 20, 10].map((ago, index) => ({
      kind: 'value',
      path: resourcePath(3303, 0, 5700),
      value: { type: 'float', value: index + 0.5 },
      timestamp: now - ago,
    }));
    const [result] = await scene.settle(scene.client.send(entries, { contentFormat: FORMATS[name] }));
    assert.ok(result?.ok);
    const brought = got.map((entry) => (entry.kind === 'value' ? [entry.value.value, Number(entry.timestamp)] : []));
    assert.deepEqual(brought, [
      [0.5, now - 30],
      [1.5, now - 20],
      [2.5, now - 10],
    ]);
  });
});
