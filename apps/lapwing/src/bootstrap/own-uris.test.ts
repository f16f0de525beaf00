import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, it } from 'node:test';
import type { Driver } from '@lapwing/transport';
import { OwnUris } from './own-uris.ts';

const listening = (scheme: 'coap' | 'coaps', host: string, port: number): Driver =>
  ({ scheme, localAddress: { host, port } }) as unknown as Driver;
const EVERYWHERE = [listening('coap', '0.0.0.0', 5683), listening('coaps', '0.0.0.0', 5684)];
const SAME_MACHINE = { host: '127.0.0.1', port: 40_000 };

describe('the URI that a device is told', () => {
  it('is that of the one address the server listens on', async () => {
    const uris = new OwnUris([listening('coap', '192.0.2.1', 5683), listening('coap', '2001:db8::1', 5685)], undefined);
    assert.equal(await uris.of('coap', SAME_MACHINE), 'coap://192.0.2.1:5683');
    assert.equal(await uris.of('coap', { host: '2001:db8::7', port: 1 }), 'coap://[2001:db8::1]:5685');
    assert.equal(await uris.of('coap'), 'coap://192.0.2.1:5683');
  });

  it('has the address from which the machine sends to the device, where the server listens on every one', async () => {
    const uris = new OwnUris(EVERYWHERE, undefined);
    assert.equal(await uris.of('coaps', SAME_MACHINE), 'coaps://127.0.0.1:5684');
    assert.equal(await uris.of('coap', { host: '127.9.9.9', port: 5 }), 'coap://127.0.0.1:5683');
    const { hostname } = new URL((await uris.of('coaps'))!.replace('coaps:', 'http:'));
    assert.notEqual(isIP(hostname.replaceAll(/[[\]]/g, '')), 0);
  });

  it('has the public host where one is configured, for every device', async () => {
    const uris = new OwnUris(EVERYWHERE, 'lwm2m.example');
    assert.equal(await uris.of('coaps', SAME_MACHINE), 'coaps://lwm2m.example:5684');
    assert.equal(await new OwnUris(EVERYWHERE, '2001:db8::1').of('coap'), 'coap://[2001:db8::1]:5683');
  });

  it('is none where it does not listen', async () => {
    const uris = new OwnUris([listening('coap', '192.0.2.1', 5683)], 'lwm2m.example');
    assert.equal(await uris.of('coaps', SAME_MACHINE), undefined);
    assert.deepEqual([uris.has('coap'), uris.has('coaps')], [true, false]);
  });

  it('cannot be found for a device that no way leads to, which is said', async () => {
    const uris = new OwnUris(EVERYWHERE, undefined);
    await assert.rejects(
      uris.of('coap', { host: '0.0.0.0.0', port: 1 }),
      /no way leads to 0\.0\.0\.0\.0 .*--public-host/,
    );
  });
});
