/** Bootstrap over plain coap: how it is asked for, in which formats it comes, and what it changes. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { BootstrapConfiguration } from '@lapwing/bootstrap-server';
import { accessControlObject, connectivityStatisticsObject, TrafficStatistics } from '@lapwing/client';
import { Codes } from '@lapwing/coap';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { BOOTSTRAP_COAP, BootstrapScene, PLAIN_ACCOUNT, URIS, type BootstrapSceneOptions } from '../bootstrap-scene.ts';
import { device } from '../configurations.ts';
import { proves } from '../proves.ts';
import { RawBootstrapDevice } from '../raw-bootstrap-device.ts';
import { ENDPOINT_CLIENT_NAME } from '../scene.ts';
import { testObject, definitionsForTests, TEST_OBJECT_ID } from '../test-object.ts';

const FORMATS = { TLV: 11542, 'SenML JSON': 110, 'SenML CBOR': 112, 'LwM2M CBOR': 11544 } as const;
type Format = keyof typeof FORMATS;
const ALL_FORMATS = Object.keys(FORMATS) as readonly Format[];

const SERVER = PLAIN_ACCOUNT.servers![0]!;
const giving = (more: BootstrapConfiguration): BootstrapConfiguration => ({ ...PLAIN_ACCOUNT, ...more });
const open = (version: LwM2mVersion, options: Partial<BootstrapSceneOptions> = {}): Promise<BootstrapScene> =>
  BootstrapScene.registered({ version, ...options });

/** Content-Formats of the Writes that the client was sent. */
const writtenIn = (scene: BootstrapScene): readonly (number | undefined)[] => [
  ...new Set(
    scene
      .plain('bootstrap-server', 'client')
      .filter(({ line }) => line.startsWith('PUT'))
      .map(({ contentFormat }) => contentFormat),
  ),
];

/** "/0/1 ssid=1 uri=coap://…" of each Object Instance that Bootstrap-Discover told of. */
const discovered = (scene: BootstrapScene): readonly string[] =>
  scene.session.discovered.map(({ path, shortServerId, uri }) =>
    [
      `/${Object.values(path).slice(1).join('/')}`,
      ...(shortServerId === undefined ? [] : [`ssid=${shortServerId}`]),
      ...(uri === undefined ? [] : [`uri=${uri}`]),
    ].join(' '),
  );

describe('scenarios: bootstrap', () => {
  proves('bootstrap-plain', async (version) => {
    await using scene = await open(version);
    assert.deepEqual(scene.outcomes, [{ kind: 'finished' }]);
    assert.deepEqual(scene.events, ['started: no-server', 'finished', 'registered 1']);
    const { shortServerId, uri } = scene.client.registrations[0]!;
    assert.deepEqual([shortServerId, uri], [1, URIS.server]);
    assert.equal((await scene.server.read('/1/0/1')).values['/1/0/1'], 86_400);
  });

  proves('bootstrap-no-pack', async (version) => {
    await using scene = await open(version, {
      client: { bootstrap: { pack: true } },
      configuration: giving({ pack: false }),
    });
    assert.deepEqual(
      scene
        .plain('client', 'bootstrap-server')
        .filter(({ line }) => / /.test(line))
        .map(({ line }) => line.replace(/\?.*/, '')),
      ['GET /bspack', 'POST /bs'],
    );
    assert.deepEqual(scene.refused, ['4.05 no-packs']);
    assert.deepEqual(scene.outcomes, [{ kind: 'finished' }]);
    assert.deepEqual(scene.events, ['started: no-server', 'finished', 'registered 1']);
  });

  proves('bootstrap-without-name', async (version) => {
    // A client of 1.0 always says its name; one that does not is no client of ours.
    if (version === '1.0') {
      await using scene = BootstrapScene.open({ version, hasClient: false });
      await using nameless = new RawBootstrapDevice(scene.network, BOOTSTRAP_COAP);
      assert.equal(await nameless.request(), '4.00');
      assert.deepEqual(scene.refused, ['4.00 identity']);
      return;
    }
    await using scene = BootstrapScene.open({
      version,
      client: { nameFromCredentials: true, bootstrap: { pack: false } },
    });
    await scene.seconds(2);
    assert.deepEqual(scene.refused, ['4.00 identity']);
    assert.match(scene.events[1]!, /^failed: 4\.00 Bad Request/);
    assert.deepEqual(
      scene.plain('client').map(({ line }) => line),
      ['POST /bs?pct=112'],
    );
    assert.deepEqual(scene.bootstrapServer.sessions(), []);
  });

  proves('bootstrap-unknown-name', async (version) => {
    await using scene = BootstrapScene.open({
      version,
      client: { endpointClientName: 'nobody', bootstrap: { pack: false } },
    });
    await scene.seconds(2);
    assert.deepEqual(scene.refused, ['4.00 unknown-endpoint']);
    assert.match(scene.events[1]!, /^failed: 4\.00 Bad Request/);
  });

  proves('bootstrap-preferred-format', ALL_FORMATS, async (version, format) => {
    await using scene = await open(version, {
      client: { bootstrap: { pack: false, preferredContentFormat: FORMATS[format] } },
    });
    assert.equal(scene.session.preferredContentFormat, FORMATS[format]);
    assert.deepEqual(writtenIn(scene), [FORMATS[format]]);
  });

  proves('bootstrap-only-format', ['TLV', 'SenML CBOR'], async (version, format) => {
    // A device that says nothing of what it knows, and refuses everything else.
    await using scene = BootstrapScene.open({ version, hasClient: false });
    const formats: (number | undefined)[] = [];
    await using picky = new RawBootstrapDevice(scene.network, BOOTSTRAP_COAP, ({ line, contentFormat }) => {
      if (line === 'GET /') return Codes.notFound;
      if (!line.startsWith('PUT')) return line.startsWith('DELETE') ? Codes.deleted : Codes.changed;
      formats.push(contentFormat);
      return contentFormat === FORMATS[format] ? Codes.changed : Codes.unsupportedContentFormat;
    });
    assert.equal(await picky.request(`ep=${ENDPOINT_CLIENT_NAME}`), '2.04');
    await scene.until(() => scene.outcomes.length === 1);
    assert.deepEqual(scene.outcomes, [{ kind: 'finished' }]);
    assert.deepEqual(
      formats,
      format === 'TLV' ? [FORMATS.TLV, FORMATS.TLV] : [FORMATS.TLV, FORMATS[format], FORMATS[format]],
    );
  });

  proves('bootstrap-forced-format', ALL_FORMATS, async (version, format) => {
    await using scene = await open(version, { configuration: giving({ contentFormat: FORMATS[format] }) });
    assert.deepEqual(scene.outcomes, [{ kind: 'finished' }]);
    assert.deepEqual(writtenIn(scene), [FORMATS[format]]);
  });

  proves('bootstrap-additional', async (version) => {
    const additionalParameters = { model: 'LW-1', site: 'north' };
    await using scene = await open(version, { client: { bootstrap: { pack: false, additionalParameters } } });
    assert.deepEqual({ ...scene.session.additional }, additionalParameters);
  });

  proves('bootstrap-discover-root', async (version) => {
    const others = [device(), accessControlObject()];
    await using scene = await open(version, { objects: others });
    const own = version === '1.0' ? '' : ` uri=${URIS.server}`;
    assert.equal(scene.session.lwm2mVersion, version);
    assert.deepEqual(discovered(scene), ['/0/0', '/1', '/2', '/3/0']);
    scene.events.splice(0);
    // /1/x/9 came with 1.1; in 1.0 the Bootstrap-Server begins by itself.
    if (version === '1.0') {
      await scene.settle(scene.bootstrapServer.bootstrapNow(ENDPOINT_CLIENT_NAME, scene.client.localAddress));
    } else assert.equal(await scene.server.execute('/1/0/9'), '2.04');
    await scene.until(() => scene.outcomes.length === 2);
    assert.deepEqual(discovered(scene).slice(0, 3), ['/0/0', `/0/1 ssid=1${own}`, '/1/0 ssid=1']);
    await scene.until(() => scene.events.includes('registered 1'));
    const reason = version === '1.0' ? 'unsolicited' : 'server-trigger';
    assert.deepEqual(scene.events, [`started: ${reason}`, 'finished', 'registered 1']);
  });

  proves('bootstrap-discover-object', async (version) => {
    await using scene = await open(version, { configuration: giving({ discover: ['/3'] }) });
    assert.deepEqual(discovered(scene), ['/3/0']);
    assert.equal(scene.steps[1], 'discover /3 2.05');
    assert.deepEqual(scene.outcomes, [{ kind: 'finished' }]);
  });

  proves('bootstrap-two-bootstrap-servers', async (version) => {
    const another = { uri: URIS.other, security: { mode: 'none' }, securityObjectInstanceId: 9 } as const;
    await using scene = BootstrapScene.open({ version, configuration: giving({ bootstrapServers: [another] }) });
    await scene.until(() => scene.outcomes.length === 1);
    const [outcome] = scene.outcomes;
    assert.ok(outcome?.kind === 'finish-refused');
    assert.equal(outcome.code, Codes.notAcceptable);
    assert.match(outcome.reason, /\/0\/0 and \/0\/9 are accounts of a Bootstrap-Server/);
    assert.equal(scene.session.repairs, 1, 'it was written anew once');
    assert.equal(scene.server.server.registrationCount, 0);
  });

  proves('bootstrap-chosen-ids', async (version) => {
    // Where ids are not said, the account of the Bootstrap-Server is written over the one there is.
    const own = { uri: URIS.bootstrap, security: { mode: 'none' }, holdOffSeconds: 5 } as const;
    await using scene = await open(version, { configuration: giving({ bootstrapServers: [own] }) });
    assert.deepEqual(scene.outcomes, [{ kind: 'finished' }]);
    assert.deepEqual(scene.client.objectInstanceIds(0), [0, 1]);
    assert.ok(scene.steps.includes('write /0/0 2.04') && scene.steps.includes('write /0/1 2.04'));
    assert.equal(scene.client.get('/0/0/11'), 5);
    await scene.configure(giving({ bootstrapServers: [own], servers: [{ ...SERVER, securityObjectInstanceId: 20 }] }));
    scene.client.bootstrap();
    await scene.until(() => scene.outcomes.length === 2);
    assert.deepEqual(scene.client.objectInstanceIds(0), [0, 20]);
  });

  proves('bootstrap-deletes-chosen', async (version) => {
    const statistics = connectivityStatisticsObject(new TrafficStatistics());
    await using scene = await open(version, {
      objects: [
        device(),
        statistics,
        accessControlObject({ objectId: 3, objectInstanceId: 0, others: ['read', 'write', 'execute', 'delete'] }),
      ],
      configuration: giving({ delete: ['/2', '/7'] }),
    });
    assert.deepEqual(
      scene.steps.filter((step) => step.startsWith('delete')),
      ['delete /2 2.02', 'delete /7 2.02'],
    );
    assert.deepEqual(
      [0, 2, 3, 7].map((id) => scene.client.objectInstanceIds(id)),
      [[0, 1], [], [0], []],
    );
    const announced = scene.server.device.registration.objects;
    assert.deepEqual(announced.find(({ objectId }) => objectId === 7)?.objectInstanceIds, []);
  });

  proves('bootstrap-deletes-all', async (version) => {
    const definitions = definitionsForTests();
    await using scene = BootstrapScene.open({
      version,
      objects: [device(), testObject()],
      client: { definitions, bootstrap: { pack: false }, servers: [{ uri: URIS.other, shortServerId: 5 }] },
      configuration: giving({ delete: ['/'] }),
    });
    await scene.until(() => scene.servers[1]!.server.registrationCount === 1);
    scene.client.bootstrap();
    await scene.until(() => scene.outcomes.length === 1);
    assert.ok(scene.steps.includes('delete / 2.02'));
    // What servers could create is gone, and so is the server of the factory; Device and the Bootstrap-Server stay.
    assert.deepEqual(scene.client.objectInstanceIds(TEST_OBJECT_ID), []);
    assert.deepEqual(scene.client.objectInstanceIds(3), [0]);
    assert.equal(scene.client.objectInstanceIds(0).length, 2);
    assert.equal(scene.client.objectInstanceIds(1).length, 1);
    await scene.until(() => scene.server.server.registrationCount === 1);
    assert.deepEqual(
      scene.client.registrations.map(({ shortServerId }) => shortServerId),
      [1],
    );
  });

  proves('bootstrap-access-control', async (version) => {
    await using scene = await open(version, {
      objects: [device(), accessControlObject()],
      configuration: {
        servers: [SERVER, { shortServerId: 2, uri: URIS.other, security: { mode: 'none' } }],
        accessControl: [
          { objectId: 1, objectInstanceId: 0, owner: 1, rights: { 1: 'rwe', 2: 'r' } },
          { objectId: 1, objectInstanceId: 1, owner: 2, rights: { 2: 'rw' } },
          { objectId: 3, objectInstanceId: 0, owner: 65_535, rights: { 1: 're', 2: 'r' } },
        ],
      },
    });
    const [one, two] = scene.servers as [(typeof scene.servers)[0], (typeof scene.servers)[0]];
    await scene.until(() => two.server.registrationCount === 1);
    assert.deepEqual(
      scene.steps.filter((step) => step.startsWith('write /2/')),
      ['write /2/0 2.04', 'write /2/1 2.04', 'write /2/2 2.04'],
    );
    const code = async (server: typeof one, path: string): Promise<string> => (await server.read(path)).code;
    assert.equal(await code(one, '/1/0/1'), '2.05');
    assert.equal(await code(two, '/1/0/1'), '2.05');
    assert.equal(await code(one, '/1/1/1'), '4.01');
    assert.equal(await code(two, '/1/1/1'), '2.05');
    assert.equal(await one.write('/1/0/1', 600), '2.04');
    assert.equal(await two.write('/1/0/1', 700), '4.01');
    assert.equal(await code(one, '/3/0/0'), '2.05');
    assert.equal(await code(two, '/3/0/0'), '2.05');
    assert.equal(await two.execute('/3/0/4'), '4.01');
    assert.equal(await one.write('/3/0/15', 'Europe/Paris'), '4.01');
  });
});
