/** OMA ETS INT 401 to 403: DTLS with a pre-shared key and with certificates. OMA TS Transport §5.2. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { CONTENT_FORMATS } from '@lapwing/coap';
import { proves } from '../proves.ts';
import { at } from '../given.ts';
import { valuesOf } from '../operator.ts';
import { ENDPOINT_CLIENT_NAME } from '../scene.ts';
import type { SecureScene } from '../secure-scene.ts';
import { CERTIFICATES, PSK, secureScene, withCertificate } from './secure-scene.ts';

/** Registered over DTLS as itself, and it answers a Read. */
async function reads(scene: SecureScene, kind: 'psk' | 'x509'): Promise<void> {
  const device = scene.server.device(ENDPOINT_CLIENT_NAME);
  assert.ok(device !== undefined, 'it has not registered');
  assert.equal(device.registration.security.kind, kind);
  assert.equal(device.security?.association?.extendedMasterSecret, true);
  const outcome = await scene.settle(device.read(at('/3/0'), { format: CONTENT_FORMATS.tlv.number }));
  assert.ok(outcome.ok);
  assert.equal(outcome.value.contentFormat, CONTENT_FORMATS.tlv.number);
  const { '/3/0/0': manufacturer, '/3/0/16': binding } = valuesOf(outcome.value.entries);
  assert.deepEqual([manufacturer, binding], ['Lapwing', 'U']);
}

describe('OMA: Security', () => {
  proves('LightweightM2M-1.1-int-401', async (version) => {
    await using scene = await secureScene(version, PSK);
    assert.equal(scene.server.device(ENDPOINT_CLIENT_NAME)?.security?.kind, 'psk');
    await reads(scene, 'psk');
  });

  const all = Object.keys(CERTIFICATES) as (keyof typeof CERTIFICATES)[];

  proves('LightweightM2M-1.1-int-402', all, async (version, held) => {
    await using scene = await secureScene(version, withCertificate(held));
    await reads(scene, 'x509');
  });

  // Who has been given the very certificate of the server need not look at names (RFC 7925 §4.4.1, OMA TS Transport
  // §5.2.8.7): the procedure, which gives just that, is run with the other usages.
  const byAuthority = all.filter((held) => CERTIFICATES[held].usage === 0 || CERTIFICATES[held].usage === 2);

  proves('LightweightM2M-1.1-int-403', byAuthority, async (version, held) => {
    await using scene = await secureScene(version, withCertificate(held), 'server-fail.example.com');
    assert.equal(scene.server.registrationCount, 0);
    assert.match(scene.failures[0]!, /is for server\.example\.com, not for server-fail\.example\.com/);
    await using right = await secureScene(version, withCertificate(held));
    assert.equal(right.server.registrationCount, 1);
  });
});
