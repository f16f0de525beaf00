/** A device made by hand with libcoap's client: Register, Update, Send and De-register at our LwM2M Server. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { LwM2mServer } from '@lapwing/server';
import { missingTool, runTool } from '../src/tool.ts';

const CLIENT = 'coap-client-notls';

describe('a device made by hand with coap-client', { skip: missingTool(CLIENT, 'libcoap3-bin') }, () => {
  let server: LwM2mServer;
  let base: string;
  before(async () => {
    server = await LwM2mServer.start({ coap: [{ host: '127.0.0.1', port: 0 }] });
    base = `coap://127.0.0.1:${server.drivers[0]!.localAddress.port}`;
  });
  after(async () => {
    await server.close();
  });
  const register = (query: string, links: string): ReturnType<typeof runTool> =>
    runTool(CLIENT, ['-m', 'post', '-t', '40', '-v', '6', '-e', links, `${base}/rd?${query}`]);

  it('registers with POST /rd, and is there with its Objects', async () => {
    const { stdout } = await register('ep=hand-made&lt=300&lwm2m=1.1&b=U', '</1/0>,</3/0>,</3303/0>,</3303/1>');
    assert.match(stdout, /2\.01/);
    const registration = server.device('hand-made')!.registration;
    assert.equal(registration.lifetimeSeconds, 300);
    assert.deepEqual(
      registration.objects.map(({ objectId, objectInstanceIds }) => [objectId, [...objectInstanceIds]]),
      [
        [1, [0]],
        [3, [0]],
        [3303, [0, 1]],
      ],
    );
  });

  it('updates its lifetime at the location it was given', async () => {
    const { registrationId } = server.device('hand-made')!.registration;
    // A second run of the client is another UDP port: to the Server the device has moved.
    const { stdout } = await runTool(CLIENT, ['-m', 'post', '-v', '6', `${base}/rd/${registrationId}?lt=600`]);
    assert.match(stdout, /2\.04/);
    assert.equal(server.device('hand-made')!.registration.lifetimeSeconds, 600);
  });

  it('is told in one sentence what is wrong with a version nobody speaks', async () => {
    const { stdout, stderr } = await register('ep=future&lt=300&lwm2m=9.9&b=U', '</3/0>');
    assert.match(stdout + stderr, /4\.12/);
    assert.equal(server.device('future'), undefined);
  });

  it('de-registers with DELETE', async () => {
    const { registrationId } = server.device('hand-made')!.registration;
    const { stdout } = await runTool(CLIENT, ['-m', 'delete', '-v', '6', `${base}/rd/${registrationId}`]);
    assert.match(stdout, /2\.02/);
    assert.equal(server.registrationCount, 0);
  });

  it('is refused with 4.04 afterwards', async () => {
    const { stdout, stderr } = await runTool(CLIENT, ['-m', 'post', '-v', '6', `${base}/rd/gone?lt=600`]);
    assert.match(stdout + stderr, /4\.04/);
  });
});
