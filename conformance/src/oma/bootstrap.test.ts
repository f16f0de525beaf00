/** OMA ETS INT 0 to 2, 4, 8, 9 and 12: what a Bootstrap-Server asks, and what a Client answers. OMA TS Core §6.1. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { BootstrapConfiguration } from '@lapwing/bootstrap-server';
import { accessControlObject } from '@lapwing/client';
import { CONTENT_FORMATS, parseLinks } from '@lapwing/coap';
import type { CertificateUsage } from '@lapwing/dtls';
import { decodePayload, isMalformed, ObjectDefinitions, ROOT } from '@lapwing/lwm2m';
import { BOOTSTRAP, MANAGEMENT, type Way } from '../bootstrap-credentials.ts';
import { BootstrapScene, URIS, type BootstrapSceneOptions } from '../bootstrap-scene.ts';
import { device } from '../configurations.ts';
import type { Given } from '../given.ts';
import { valuesOf } from '../operator.ts';
import { proves } from '../proves.ts';
import { ENDPOINT_CLIENT_NAME } from '../scene.ts';

const LINK_FORMAT = CONTENT_FORMATS.linkFormat.number;
const TLV = CONTENT_FORMATS.tlv.number;

const SERVER = MANAGEMENT[0]!;
const PSK = SERVER.ways.psk;

/** C.13: the account of the Bootstrap-Server, with a pre-shared key, and Device. */
const C13 = {
  credentials: BOOTSTRAP.ways.psk.client,
  entries: [BOOTSTRAP.ways.psk.entry],
  serverEntries: [PSK.entry],
} satisfies Partial<BootstrapSceneOptions>;

const accountWith = ({ account }: Way, more: BootstrapConfiguration = {}): BootstrapConfiguration => ({
  servers: [{ shortServerId: 1, uri: URIS.secureServer, security: account, lifetimeSeconds: 86_400 }],
  ...more,
});

/** The Security Object of C.1, in /0/1: the account of the Bootstrap-Server is in /0/0. */
const { identity, key } = PSK.account as { readonly identity: string; readonly key: Uint8Array };
const SECURITY: Given = {
  '/0/1/0': URIS.secureServer,
  '/0/1/1': false,
  '/0/1/2': 0,
  '/0/1/3': new TextEncoder().encode(identity),
  '/0/1/4': new Uint8Array(0),
  '/0/1/5': key,
  '/0/1/10': 1,
};
const SERVER_OBJECT: Given = { '/1/0/0': 1, '/1/0/1': 86_400, '/1/0/6': false, '/1/0/7': 'U' };

/** Links with their parameters, whatever their order: `</0/1>;ssid=1`. Where a server is found is not compared. */
function linksOf(text: string): readonly string[] {
  const links = parseLinks(text);
  assert.ok(!isMalformed(links));
  return links
    .map(({ target, parameters }) =>
      [
        `<${target}>`,
        ...parameters.filter(({ name }) => name !== 'uri').map(({ name, value }) => `${name}=${value ?? ''}`),
      ].join(';'),
    )
    .sort();
}

/** 101 and 401 or 402: registered as itself over DTLS, and it answers a Read. */
async function isRegistered(scene: BootstrapScene, kind: 'psk' | 'x509'): Promise<void> {
  const { registration } = scene.server.device;
  assert.deepEqual(
    [registration.endpointClientName, registration.lifetimeSeconds, registration.binding, registration.security.kind],
    [ENDPOINT_CLIENT_NAME, 86_400, 'U', kind],
  );
  const announced = registration.objects.map(({ objectId }) => objectId);
  assert.ok(!announced.includes(0) && announced.includes(1) && announced.includes(3));
  const { code, format, values } = await scene.server.read('/3/0', TLV);
  assert.deepEqual([code, format, values['/3/0/0']], ['2.05', TLV, 'Lapwing']);
}

describe('OMA: Bootstrap', () => {
  proves('LightweightM2M-1.1-int-0', ['message by message', 'as configured'], async (version, how) => {
    const isScripted = how === 'message by message';
    await using scene = BootstrapScene.open({ version, ...C13, isScripted, configuration: accountWith(PSK) });
    if (isScripted) {
      await scene.seconds(2);
      const pct = version === '1.0' ? '' : `&pct=${CONTENT_FORMATS.senmlCbor.number}`;
      assert.deepEqual(scene.script.taken(), [`POST /bs?ep=${ENDPOINT_CLIENT_NAME}${pct}`]);
      await scene.script.demand([
        ['PUT /0', '2.04', SECURITY],
        ['PUT /1', '2.04', SERVER_OBJECT],
      ]);
      const { code, contentFormat, text } = await scene.script.ask('GET /', undefined, { accept: LINK_FORMAT });
      assert.deepEqual([code, contentFormat], ['2.05', LINK_FORMAT]);
      assert.deepEqual(linksOf(text), ['</0/0>', '</0/1>;ssid=1', '</1/0>;ssid=1', '</3/0>', `</>;lwm2m=${version}`]);
      await scene.script.demand([['POST /bs', '2.04']]);
    } else {
      await scene.until(() => scene.outcomes.length === 1);
      assert.deepEqual(scene.outcomes, [{ kind: 'finished' }]);
      assert.equal(scene.session.lwm2mVersion, version);
      assert.deepEqual(scene.steps, [
        'request /bs 2.04',
        'discover / 2.05',
        'write /0/1 2.04',
        'write /1/0 2.04',
        'finish /bs 2.04',
      ]);
    }
    assert.deepEqual(scene.events.slice(0, 1), ['started: no-server']);
    await scene.seconds(1);
    assert.equal(scene.events[1], 'finished');
    assert.deepEqual(scene.plain(), [], 'nothing goes over coap');
  });

  proves('LightweightM2M-1.1-int-1', async (version) => {
    await using scene = await BootstrapScene.registered({ version, ...C13, configuration: accountWith(PSK) });
    assert.deepEqual(scene.outcomes, [{ kind: 'finished' }]);
    assert.deepEqual(scene.events, ['started: no-server', 'finished', 'registered 1']);
    await isRegistered(scene, 'psk');
    assert.deepEqual(scene.plain(), []);
  });

  const usages = { 'usage 0': 0, 'usage 1': 1, 'usage 2': 2, 'usage 3': 3 } as const satisfies Record<
    string,
    CertificateUsage
  >;
  const all = Object.keys(usages) as (keyof typeof usages)[];
  proves('LightweightM2M-1.1-int-2', all, async (version, usage) => {
    const toBootstrapServer = BOOTSTRAP.byUsage[usages[usage]];
    const toServer = SERVER.byUsage[usages[usage]];
    await using scene = await BootstrapScene.registered({
      version,
      credentials: toBootstrapServer.client,
      entries: [toBootstrapServer.entry],
      serverEntries: [toServer.entry],
      configuration: accountWith(toServer),
    });
    assert.deepEqual(scene.outcomes, [{ kind: 'finished' }]);
    assert.equal(scene.session.security.kind, 'x509');
    await isRegistered(scene, 'x509');
    assert.deepEqual(scene.plain(), []);
  });

  proves('LightweightM2M-1.1-int-4', async (version) => {
    await using scene = BootstrapScene.open({ version, ...C13, isScripted: true });
    await scene.seconds(2);
    const discovered = async (): Promise<readonly string[]> => {
      const { code, text } = await scene.script.ask('GET /', undefined, { accept: LINK_FORMAT });
      assert.equal(code, '2.05');
      return linksOf(text).filter((link) => /^<\/[01]/.test(link));
    };
    const write = [
      ['PUT /0', '2.04', SECURITY],
      ['PUT /1', '2.04', SERVER_OBJECT],
    ] as const;
    await scene.script.demand(write);
    assert.deepEqual(await discovered(), ['</0/0>', '</0/1>;ssid=1', '</1/0>;ssid=1']);
    const before = await scene.script.ask('GET /1', undefined, { accept: TLV });
    assert.deepEqual([before.code, before.values['/1/0/1']], ['2.05', 86_400]);
    await scene.script.demand([
      ['DELETE /0', '2.02'],
      ['DELETE /1', '2.02'],
    ]);
    assert.deepEqual(await discovered(), ['</0/0>', '</1>'], 'the account of the Bootstrap-Server stays');
    const after = await scene.script.ask('GET /1', undefined, { accept: TLV });
    assert.deepEqual(after.values, {});
    await scene.script.demand([...write, ['POST /bs', '2.04']]);
    await scene.until(() => scene.server.server.registrationCount === 1);
    await isRegistered(scene, 'psk');
  });

  proves('LightweightM2M-1.1-int-8', ['message by message', 'as configured'], async (version, how) => {
    const isScripted = how === 'message by message';
    const objects = [device(), accessControlObject()];
    const accessControl = { objectId: 3, objectInstanceId: 0, owner: 65_535, rights: { 0: 'rwedc' } } as const;
    const configuration = accountWith(PSK, { accessControl: [accessControl] });
    await using scene = BootstrapScene.open({ version, ...C13, isScripted, objects, configuration });
    if (isScripted) {
      await scene.seconds(2);
      await scene.script.demand([
        ['PUT /0', '2.04', SECURITY],
        ['PUT /1', '2.04', SERVER_OBJECT],
        ['PUT /2/0', '2.04', { '/2/0/0': 3, '/2/0/1': 0, '/2/0/2': { 0: 31 }, '/2/0/3': 65_535 }],
      ]);
      const server = await scene.script.ask('GET /1', undefined, { accept: TLV });
      assert.deepEqual([server.code, server.contentFormat], ['2.05', TLV]);
      assert.deepEqual(
        [0, 1, 6, 7].map((id) => server.values[`/1/0/${id}`]),
        [1, 86_400, false, 'U'],
      );
      const control = await scene.script.ask('GET /2', undefined, { accept: TLV });
      assert.equal(control.code, '2.05');
      assert.deepEqual(control.values, { '/2/0/0': 3, '/2/0/1': 0, '/2/0/2/0': 31, '/2/0/3': 65_535 });
      await scene.script.demand([['POST /bs', '2.04']]);
      return;
    }
    // What there is is read before it is changed: the second time there is something.
    await scene.until(() => scene.outcomes.length === 1);
    const read: Record<string, unknown> = {};
    scene.bootstrapServer.on('contentRead', (_session, _path, entries) => Object.assign(read, valuesOf(entries)));
    await scene.configure({ ...configuration, read: ['/1', '/2'] });
    scene.client.bootstrap();
    await scene.until(() => scene.outcomes.length === 2);
    assert.deepEqual(scene.outcomes[1], { kind: 'finished' });
    assert.deepEqual(
      scene.steps.filter((step) => step.startsWith('read')),
      ['read /1 2.05', 'read /2 2.05'],
    );
    assert.deepEqual([read['/1/0/1'], read['/2/0/0'], read['/2/0/2/0'], read['/2/0/3']], [86_400, 3, 31, 65_535]);
  });

  proves('LightweightM2M-1.1-int-9', ['message by message', 'as configured'], async (version, how) => {
    const isScripted = how === 'message by message';
    const configuration = { objects: [{ path: '/1/0/5', value: 86_400 }] };
    await using scene = BootstrapScene.open({ version, ...C13, isScripted, configuration });
    if (isScripted) {
      await scene.seconds(2);
      await scene.script.demand([
        ['PUT /1/0/5', '2.04', { '/1/0/5': 86_400 }],
        ['POST /bs', '4.06'],
      ]);
      assert.ok(scene.client.isBootstrapping, 'the Bootstrap-Server may mend it');
      return;
    }
    await scene.until(() => scene.outcomes.length === 1);
    assert.equal(scene.outcomes[0]?.kind, 'finish-refused');
    assert.deepEqual(scene.steps.filter((step) => !step.startsWith('discover')).slice(0, 3), [
      'request /bs 2.04',
      'write /1/0/5 2.04',
      'finish /bs 4.06',
    ]);
    assert.equal(scene.server.server.registrationCount, 0);
  });

  proves('LightweightM2M-1.2-int-12', ['over coap', 'over coaps'], async (version, how) => {
    const secured = how === 'over coaps';
    await using scene = await BootstrapScene.registered({
      version,
      ...(secured && C13),
      serverEntries: [PSK.entry],
      configuration: accountWith(PSK),
      client: { bootstrap: { pack: true } },
    });
    assert.deepEqual(scene.outcomes, [{ kind: 'pack-sent' }]);
    assert.deepEqual(scene.steps, ['pack /bspack 2.05']);
    assert.deepEqual(scene.events, ['started: no-server', 'finished', 'registered 1']);
    await isRegistered(scene, 'psk');
    const plain = scene.plain();
    if (secured) return assert.deepEqual(plain, []);
    const [request, answer, ...others] = plain;
    assert.equal(request?.line, `GET /bspack?ep=${ENDPOINT_CLIENT_NAME}&acc=</0/0>`);
    assert.equal(request.accept, CONTENT_FORMATS.senmlCbor.number);
    assert.deepEqual([answer?.line, answer?.contentFormat], ['2.05', CONTENT_FORMATS.senmlCbor.number]);
    assert.deepEqual(others, [], 'no Bootstrap-Finish');
    const definitions = new ObjectDefinitions();
    const entries = decodePayload(answer!.contentFormat!, answer!.payload, { path: ROOT, definitions });
    assert.ok(!isMalformed(entries));
    const values = valuesOf(entries);
    assert.deepEqual([values['/0/1/0'], values['/1/0/0'], values['/1/0/1']], [URIS.secureServer, 1, 86_400]);
  });
});
