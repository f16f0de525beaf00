/** What a server makes of a device that speaks message by message, not always as it should, and a device of such a server. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { buildOptions, Codes, formatCode, OperationFailed, type Code } from '@lapwing/coap';
import { LwM2mClient } from '@lapwing/client';
import { formatPath, valueToJs, type LwM2mVersion, type NodeEntry } from '@lapwing/lwm2m';
import type { Notification, Observation, Outcome } from '@lapwing/server';
import { SimulatedNetwork } from '@lapwing/testkit';
import { DEVICE, device } from '../configurations.ts';
import { at } from '../given.ts';
import { proves } from '../proves.ts';
import { ACK, CON, NON, RawScene, RST } from '../raw-device.ts';

const LEVEL = '/3/0/9';
const MEMORY = '/3/0/10';
/** Seconds since 1970, after 2^28, where SenML tells moments from distances. */
const T = 1_767_225_600;

/** A whole number that was measured then. */
type Measured = readonly [path: string, time: number, value: number];

const FORMATS = { 'SenML JSON': 110, 'SenML CBOR': 112, 'LwM2M JSON': 11_543 } as const;
type Format = keyof typeof FORMATS;
const formats = Object.keys(FORMATS) as Format[];
/** Composites have no LwM2M JSON. */
const senml = ['SenML JSON', 'SenML CBOR'] as const;

async function registered(version: LwM2mVersion): Promise<RawScene> {
  const scene = new RawScene();
  await scene.register(version);
  return scene;
}

describe('scenarios: a device that registers as it should not', () => {
  proves('raw-register-invalid', async (version) => {
    await using scene = new RawScene();
    const whole = { contentFormat: 40, payload: '</1/0>,</3/0>' };
    const queries = ['ep=raw', 'lt=60', `lwm2m=${version}`];
    for (const [what, all, content, code] of [
      ['no Objects', queries, {}, version === '1.2' ? '4.09' : '4.00'],
      ['Objects that are no links', queries, { ...whole, payload: '</1/0' }, '4.00'],
      ['Objects in another format', queries, { ...whole, contentFormat: 0 }, '4.00'],
      ['no name', queries.slice(1), whole, '4.00'],
      ['two names', [...queries, 'ep=other'], whole, '4.00'],
      ['a lifetime that is no number', [...queries.slice(0, 1), 'lt=long'], whole, '4.00'],
      ['another version', ['ep=raw', 'lwm2m=9.9'], whole, '4.12'],
    ] as const) {
      assert.equal((await scene.post(['rd'], all, content)).code, code, what);
    }
    assert.equal(scene.server.registrationCount, 0);
  });

  proves('raw-update-bindings', async (version) => {
    await using scene = new RawScene();
    const location = await scene.register(version, ['b=U']);
    // 1.0 has Q among its bindings, and TCP came with 1.1. Whoever says either means the same in every version.
    for (const [binding, queueMode] of [
      ['UQ', true],
      ['UT', false],
      ['U', false],
    ] as const) {
      assert.equal((await scene.post(location, [`b=${binding}`])).code, '2.04');
      const { registration } = scene.device;
      assert.deepEqual([registration.binding, registration.queueMode], [binding, queueMode]);
    }
    for (const binding of ['X', 'u', 'UUUUUUUU']) {
      assert.equal((await scene.post(location, [`b=${binding}`, 'lt=60'])).code, '4.00', binding);
    }
    const { registration } = scene.device;
    assert.deepEqual([registration.binding, registration.lifetimeSeconds], ['U', 600], 'nothing of it has changed');
  });
});

describe('scenarios: values with the times they were measured', () => {
  proves('raw-read-timestamped', formats, async (version, format) => {
    await using scene = await registered(version);
    const reading = scene.device.read(at(LEVEL));
    const measured: readonly Measured[] = [[LEVEL, T, 40]];
    await scene.answer(await scene.arrived(), { contentFormat: FORMATS[format], payload: PAYLOADS[format](measured) });
    const outcome = await scene.settle(reading);
    assert.ok(outcome.ok);
    assert.deepEqual(measuredOf(outcome.value.entries), measured);
    assert.equal(outcome.value.contentFormat, FORMATS[format]);
  });

  proves('raw-observe-timestamped', formats, async (version, format) => {
    for (const [observed, measured] of [
      [
        LEVEL,
        [
          [LEVEL, T + 2, 42],
          [LEVEL, T + 1, 41],
          [LEVEL, T, 40],
        ],
      ],
      // Not every Resource was measured each time.
      [
        '/3/0',
        [
          [LEVEL, T + 1, 41],
          [MEMORY, T + 1, 501],
          [LEVEL, T, 40],
        ],
      ],
      [
        '/3',
        [
          [LEVEL, T + 1, 41],
          [MEMORY, T, 500],
        ],
      ],
    ] as const) {
      await using scene = await registered(version);
      const told = notificationsOf(scene);
      const { token } = await observe(scene, scene.device.observe(at(observed)), format);
      const content = { contentFormat: FORMATS[format], payload: PAYLOADS[format](measured) };
      await scene.notify(token, { ...content, observe: 2 });
      assert.deepEqual(
        told.map(({ entries }) => measuredOf(entries)),
        [measured],
      );
      const [{ node } = { node: undefined }] = told;
      const newest = node?.kind === 'resource' ? Number(valueToJs(node.value)) : undefined;
      if (observed === LEVEL) assert.equal(newest, 42, 'the newest is the value');
    }
  });

  proves('raw-read-composite-timestamped', senml, async (version, format) => {
    await using scene = await registered(version);
    const reading = scene.device.readComposite([at(LEVEL), at(MEMORY)]);
    const measured: readonly Measured[] = [
      [LEVEL, T, 40],
      [MEMORY, T + 1, 501],
    ];
    await scene.answer(await scene.arrived(), { contentFormat: FORMATS[format], payload: PAYLOADS[format](measured) });
    const outcome = await scene.settle(reading);
    assert.ok(outcome.ok);
    assert.deepEqual(measuredOf(outcome.value.entries), measured);
  });

  proves('raw-observe-composite-timestamped', senml, async (version, format) => {
    for (const [paths, measured] of [
      [
        [LEVEL, MEMORY],
        [
          [LEVEL, T + 1, 41],
          [MEMORY, T + 1, 501],
          [LEVEL, T, 40],
          [MEMORY, T, 500],
        ],
      ],
      // One of them was not measured the first time.
      [
        [LEVEL, MEMORY],
        [
          [LEVEL, T + 1, 41],
          [MEMORY, T + 1, 501],
          [LEVEL, T, 40],
        ],
      ],
      [
        ['/3/0'],
        [
          [LEVEL, T + 1, 41],
          [MEMORY, T, 500],
        ],
      ],
      [
        ['/3'],
        [
          [LEVEL, T + 1, 41],
          [MEMORY, T, 500],
        ],
      ],
    ] as const) {
      await using scene = await registered(version);
      const told = notificationsOf(scene);
      const { token } = await observe(scene, scene.device.observeComposite(paths.map(at)), format);
      const content = { contentFormat: FORMATS[format], payload: PAYLOADS[format](measured) };
      await scene.notify(token, { ...content, observe: 2 });
      assert.deepEqual(
        told.map(({ entries }) => measuredOf(entries)),
        [measured],
      );
    }
  });
});

describe('scenarios: observations that do not go as they should', () => {
  proves('raw-observe-deregistered', async (version) => {
    await using scene = new RawScene();
    const location = await scene.register(version);
    const { device } = scene;
    const underWay = device.observe(at(LEVEL));
    const isOver = (error: unknown): boolean => error instanceof OperationFailed && error.code === 'NOT_REGISTERED';
    const failed = assert.rejects(underWay, isOver);
    const request = await scene.arrived();
    assert.equal((await scene.request(Codes.delete, location)).code, '2.02');
    await failed;
    await assert.rejects(scene.settle(device.observe(at(MEMORY))), isOver);
    assert.deepEqual(scene.peer.takeAll(), [], 'it is not asked');
    assert.deepEqual(device.observations, []);
    // It answers all the same, and notifies: nobody wants to know.
    await scene.answer(request, { observe: 1, contentFormat: 0, payload: '40' });
    assert.equal((await scene.notify(request.token, { observe: 2, contentFormat: 0, payload: '41' }))?.type, RST);
    assert.deepEqual(device.observations, []);
  });

  const codes = ['4.04', '4.01', '4.05', '5.00'] as const;
  proves('raw-notification-error', codes, async (version, text) => {
    await using scene = await registered(version);
    const told = notificationsOf(scene);
    const ended: string[] = [];
    scene.server.on('observationEnded', ({ path }, reason) => ended.push(`${formatPath(path)} ${reason}`));
    const { token, observation } = await observe(scene, scene.device.observe(at(LEVEL)));
    const code = Number(text[0]) * 32 + Number(text.slice(2));
    assert.equal(formatCode(code as Code), text);
    assert.notEqual((await scene.notify(token, { code: code as Code }))?.type, RST, 'it is heard');
    assert.deepEqual(ended, [`${LEVEL} refused`]);
    assert.ok(observation.ended);
    assert.deepEqual(scene.device.observations, []);
    // RFC 7641 §3.2: what is no success is no notification to follow.
    assert.equal((await scene.notify(token, { observe: 9, contentFormat: 0, payload: '41' }))?.type, RST);
    assert.deepEqual(told, []);
    assert.equal(scene.server.registrationCount, 1);
  });

  const strays = { 'another Resource': '/3/0/13', 'another Object Instance': '/1/0/1' } as const;
  const kinds = Object.keys(strays) as (keyof typeof strays)[];
  proves('raw-notification-outside', kinds, async (version, kind) => {
    for (const [what, format] of senml.flatMap((each) => [['list', each] as const, ['path', each] as const])) {
      if (version === '1.0' && what === 'list') continue;
      await using scene = await registered(version);
      const told = notificationsOf(scene);
      const malformed: string[] = [];
      scene.server.on('malformedNotification', (_observation, reason) => malformed.push(reason));
      const observing =
        what === 'list' ? scene.device.observeComposite([at(LEVEL), at(MEMORY)]) : scene.device.observe(at(LEVEL));
      const { token, observation } = await observe(scene, observing, format);
      const say = (path: string, value: number, number: number): Promise<unknown> =>
        scene.notify(token, {
          observe: number,
          contentFormat: FORMATS[format],
          payload: PAYLOADS[format]([[LEVEL, T, value], ...(path === LEVEL ? [] : ([[path, T, 1]] as const))]),
        });
      await say(strays[kind], 41, 2);
      assert.equal(malformed.length, 1);
      assert.ok(malformed[0]!.includes(`${strays[kind]} in an answer about ${LEVEL}`), malformed[0]);
      assert.deepEqual(told, [], 'nothing of it is told');
      assert.equal(observation.ended, false);
      await say(LEVEL, 42, 3);
      assert.deepEqual(
        told.map(({ entries }) => measuredOf(entries)),
        [[[LEVEL, T, 42]]],
        'the next one is',
      );
    }
  });

  proves('raw-notification-unknown', async (version) => {
    await using scene = await registered(version);
    const told = notificationsOf(scene);
    await observe(scene, scene.device.observe(at(LEVEL)));
    const token = Uint8Array.of(1, 2, 3, 4);
    for (const type of [CON, NON] as const) {
      const content = { observe: 2, contentFormat: 0, payload: '41' };
      assert.equal((await scene.notify(token, content, type))?.type, RST);
    }
    assert.deepEqual(told, []);
    assert.equal(scene.device.observations.length, 1);
  });
});

describe('scenarios: Send as it should not be', () => {
  proves('raw-send-invalid', senml, async (version, format) => {
    await using scene = await registered(version);
    const sends: unknown[] = [];
    scene.server.on('sent', (_registration, entries) => sends.push(measuredOf(entries)));
    const contentFormat = FORMATS[format];
    const good = PAYLOADS[format]([[LEVEL, T, 40]]);
    for (const [what, payload, code] of [
      ['no payload at all', '', '4.00'],
      ['text', 'much', '4.00'],
      ['cut short', good.slice(0, -1), '4.00'],
      ['a value of another type', PAYLOADS[format]([['/3/0/0', T, 40]]), '4.00'],
      ['an Object that is not registered', PAYLOADS[format]([['/3303/0/5700', T, 40]]), '4.04'],
    ] as const) {
      assert.equal((await scene.post(['dp'], [], { contentFormat, payload })).code, code, what);
    }
    assert.deepEqual(sends, []);
    assert.equal((await scene.post(['dp'], [], { contentFormat, payload: good })).code, '2.04');
    assert.deepEqual(sends, [[[LEVEL, T, 40]]]);
  });
});

describe('scenarios: a server that asks what it should not', () => {
  proves('raw-delete-resource', async (version) => {
    const network = new SimulatedNetwork();
    const server = network.scriptedPeer({ host: '10.0.0.1', port: 5683 });
    const at = { host: '10.1.0.1', port: 56_830 };
    const client = new LwM2mClient(network.driver(at), {
      endpointClientName: 'asked',
      lwm2mVersion: version,
      servers: [{ uri: 'coap://10.0.0.1' }],
      objects: [device()],
    });
    client.register();
    await network.run(100);
    const { messageId, token } = server.take();
    const options = buildOptions({ locationPath: ['rd', 'a'] });
    server.send(at, { type: ACK, code: Codes.created, messageId, token, options });
    await network.run(100);
    assert.equal(client.registrations[0]?.state, 'registered');
    const asked = async (...uriPath: readonly string[]): Promise<string> => {
      server.send(at, {
        type: CON,
        code: Codes.delete,
        messageId: 7000 + uriPath.length,
        options: buildOptions({ uriPath }),
      });
      await network.run(100);
      return formatCode(server.take().code);
    };
    assert.equal(await asked('3', '0', '0'), '4.05', 'a Resource');
    assert.equal(await asked('3'), '4.05', 'an Object');
    assert.equal(await asked(), '4.05', 'everything, which only a Bootstrap-Server may');
    assert.equal(client.get('/3/0/0'), DEVICE.manufacturer);
    const closing = client.close();
    await network.run(60_000);
    await closing;
  });
});

/** The device agrees to notify. */
async function observe(
  scene: RawScene,
  observing: Promise<Outcome<Observation>>,
  format?: Format,
): Promise<{ readonly token: Uint8Array; readonly observation: Observation }> {
  const request = await scene.arrived();
  const content =
    format === undefined
      ? { contentFormat: 0, payload: '39' }
      : { contentFormat: FORMATS[format], payload: PAYLOADS[format]([[LEVEL, T - 1, 39]]) };
  await scene.answer(request, { ...content, observe: 1 });
  const outcome = await scene.settle(observing);
  assert.ok(outcome.ok);
  return { token: request.token.slice(), observation: outcome.value };
}

/** Filled as they come. */
function notificationsOf(scene: RawScene): readonly Notification[] {
  const told: Notification[] = [];
  scene.server.on('notified', (_observation, notification) => told.push(notification));
  return told;
}

const measuredOf = (entries: readonly NodeEntry[]): readonly (readonly unknown[])[] =>
  entries.map((entry) =>
    entry.kind === 'value' ? [formatPath(entry.path), Number(entry.timestamp), Number(valueToJs(entry.value))] : [],
  );

/** As another implementation would write it. */
const PAYLOADS: Readonly<Record<Format, (measured: readonly Measured[]) => Uint8Array>> = {
  'SenML JSON': (measured) => text(JSON.stringify(measured.map(([n, t, v]) => ({ n, t, v })))),
  'LwM2M JSON': (measured) =>
    text(JSON.stringify({ bn: '/', bt: T, e: measured.map(([n, t, v]) => ({ n: n.slice(1), t: t - T, v })) })),
  // Names are 0, values 2 and times 6. RFC 8428 §6.
  'SenML CBOR': (measured) =>
    Uint8Array.from([
      0x80 + measured.length,
      ...measured.flatMap(([n, t, v]) => [
        0xa3,
        ...[0x00, 0x60 + n.length, ...text(n)],
        ...[0x02, 0x19, v >>> 8, v & 0xff],
        ...[0x06, 0x1a, t >>> 24, (t >>> 16) & 0xff, (t >>> 8) & 0xff, t & 0xff],
      ]),
    ]),
};

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}
