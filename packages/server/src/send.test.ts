import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Codes } from '@lapwing/coap';
import { encodePayload, isMalformed, ObjectDefinitions, resourcePath, ROOT, type NodeEntry } from '@lapwing/lwm2m';
import { setUp } from '../test/setup.ts';

const SENML_JSON = 110;
const SENML_CBOR = 112;

const temperature = (value: number, timestamp?: number): NodeEntry => ({
  kind: 'value',
  path: resourcePath(3303, 0, 5700),
  value: { type: 'float', value },
  ...(timestamp === undefined ? {} : { timestamp }),
});

function encoded(entries: readonly NodeEntry[], alternatePath?: string): Uint8Array {
  const payload = encodePayload(SENML_CBOR, entries, {
    path: ROOT,
    definitions: new ObjectDefinitions(),
    ...(alternatePath === undefined ? {} : { alternatePath }),
  });
  if (isMalformed(payload)) throw new Error(payload.malformed);
  return payload;
}

const QUERIES = ['ep=one', 'lt=600', 'lwm2m=1.1'];
const LINKS = '</1/0>,</3/0>,</3303/0>';

describe('Send (OMA TS Core §6.4.6)', () => {
  it('is answered 2.04 and told with every value and its timestamp, in the order they came', async () => {
    await using setup = setUp();
    const sent: (readonly [string, readonly NodeEntry[]])[] = [];
    setup.server.on('sent', ({ endpointClientName }, entries) => sent.push([endpointClientName, entries]));
    const device = setup.device();
    await device.register(QUERIES, LINKS);
    const entries = [
      temperature(21, 1_700_000_000),
      temperature(22.5, 1_700_000_060.25),
      temperature(23, 1_700_000_120),
    ];
    const answer = await device.ask(Codes.post, '/dp', { contentFormat: SENML_CBOR }, encoded(entries));
    assert.equal(answer.code, '2.04');
    assert.deepEqual(sent, [['one', entries]]);
  });

  it('a time relative to now is made absolute, one without stays without (RFC 8428 §4.5.3)', async () => {
    await using setup = setUp();
    const times: (number | undefined)[] = [];
    setup.server.on('sent', (_, entries) => {
      for (const entry of entries) if (entry.kind === 'value') times.push(entry.timestamp);
    });
    const device = setup.device();
    await device.register(QUERIES, LINKS);
    const payload = '[{"bn":"/3303/0/","n":"5700","v":20,"t":-60},{"n":"5701","vs":"Cel"}]';
    await device.ask(Codes.post, '/dp', { contentFormat: SENML_JSON }, payload);
    const arrived = (setup.network.unixTime() - 100) / 1000;
    assert.equal(times.length, 2);
    assert.ok(Math.abs(times[0]! - (arrived - 60)) < 1, String(times[0]));
    assert.equal(times[1], undefined);
  });

  it('from an address nobody registered from is refused with 4.00', async () => {
    await using setup = setUp();
    const refusals: string[] = [];
    setup.server.on('refused', ({ code, reason }) => refusals.push(`${code} ${reason}`));
    const registered = setup.device();
    await registered.register(QUERIES, LINKS);
    const answer = await setup
      .device()
      .ask(Codes.post, '/dp', { contentFormat: SENML_CBOR }, encoded([temperature(1)]));
    assert.equal(answer.code, '4.00');
    assert.deepEqual(refusals, ['4.00 no client is registered from this address at this endpoint']);
    await registered.deregister();
    assert.equal(
      (await registered.ask(Codes.post, '/dp', { contentFormat: SENML_CBOR }, encoded([temperature(1)]))).code,
      '4.00',
    );
  });

  const refused: readonly (readonly [string, number | undefined, Uint8Array | string, string])[] = [
    ['an Object that was not registered', SENML_JSON, '[{"n":"/3304/0/5700","v":1}]', '4.04'],
    ['an Object Instance that was not registered', SENML_JSON, '[{"n":"/3303/9/5700","v":1}]', '4.04'],
    ['a payload that is none', SENML_JSON, '[{"n":', '4.00'],
    ['CBOR cut short', SENML_CBOR, encoded([temperature(1)]).subarray(0, 5), '4.00'],
    ['a value of the wrong type', SENML_JSON, '[{"n":"/3303/0/5700","vs":"warm"}]', '4.00'],
    ['no Content-Format', undefined, '[{"n":"/3303/0/5700","v":1}]', '4.15'],
    ['a Content-Format that carries no nodes', 50, '[]', '4.15'],
  ];
  for (const [what, contentFormat, payload, code] of refused) {
    it(`${what} is refused with ${code} and a sentence`, async () => {
      await using setup = setUp();
      let sent = 0;
      setup.server.on('sent', () => sent++);
      const device = setup.device();
      await device.register(QUERIES, LINKS);
      const answer = await device.ask(Codes.post, '/dp', { contentFormat }, payload);
      assert.equal(answer.code, code);
      assert.notEqual(answer.text, '');
      assert.equal(sent, 0);
    });
  }

  it('the alternate path may stand before /dp and in the names, or in neither', async () => {
    await using setup = setUp();
    let sent = 0;
    setup.server.on('sent', (_, entries) => {
      sent++;
      assert.deepEqual(entries, [temperature(1)]);
    });
    const device = setup.device();
    await device.register(QUERIES, '</lwm2m>;rt="oma.lwm2m",</lwm2m/3303/0>');
    for (const path of ['/dp', '/lwm2m/dp'])
      for (const prefix of [undefined, '/lwm2m']) {
        const answer = await device.ask(
          Codes.post,
          path,
          { contentFormat: SENML_CBOR },
          encoded([temperature(1)], prefix),
        );
        assert.equal(answer.code, '2.04', `${path} ${prefix}`);
      }
    assert.equal(
      (await device.ask(Codes.post, '/other/dp', { contentFormat: SENML_CBOR }, encoded([temperature(1)]))).code,
      '4.04',
    );
    assert.equal(sent, 4);
  });

  it('of clients that share an address it is the one that registered what the payload is about', async () => {
    await using setup = setUp();
    const names: string[] = [];
    setup.server.on('sent', ({ endpointClientName }) => names.push(endpointClientName));
    const gateway = setup.device();
    await gateway.register(['ep=thermometer', 'lwm2m=1.1'], '</3303/0>');
    await gateway.register(['ep=light', 'lwm2m=1.1'], '</3311/0>');
    for (const payload of ['[{"n":"/3303/0/5700","v":1}]', '[{"n":"/3311/0/5850","vb":true}]'])
      assert.equal((await gateway.ask(Codes.post, '/dp', { contentFormat: SENML_JSON }, payload)).code, '2.04');
    assert.deepEqual(names, ['thermometer', 'light']);
  });

  it('large ones come in blocks (RFC 7959)', async () => {
    await using setup = setUp();
    const counts: number[] = [];
    setup.server.on('sent', (_, entries) => counts.push(entries.length));
    const device = setup.device();
    await device.register(QUERIES, LINKS);
    const entries = Array.from({ length: 500 }, (_, index) => temperature(index / 4, 1_700_000_000 + index));
    assert.equal((await device.ask(Codes.post, '/dp', { contentFormat: SENML_CBOR }, encoded(entries))).code, '2.04');
    assert.deepEqual(counts, [500]);
  });
});
