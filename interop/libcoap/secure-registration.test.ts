/**
 * A device made by hand with libcoap's clients, over coaps at our LwM2M Server: each run of the client is another DTLS
 * association of the same identity. OMA TS Transport §5.2.
 */
import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { LwM2mServer, MemorySecurityStore } from '@lapwing/server';
import { missingTool, runTool, type Finished } from '../src/tool.ts';

const KEY = 'sixteen letters!';
const LINKS = '</1/0>,</3/0>,</3303/0>';

for (const build of ['openssl', 'gnutls']) {
  const CLIENT = `coap-client-${build}`;

  describe(`a device made by hand with ${CLIENT}`, { skip: missingTool(CLIENT, 'libcoap3-bin') }, () => {
    let server: LwM2mServer;
    let plain: string;
    let secure: string;
    before(async () => {
      const key = createSecretKey(Buffer.from(KEY));
      const identity = Buffer.from('identity-1');
      server = await LwM2mServer.start({
        coap: [{ host: '127.0.0.1', port: 0 }],
        coaps: {
          listen: [{ host: '127.0.0.1', port: 0 }],
          credentials: { psk: {}, clientAuthentication: 'required', clientCertificateTypes: [], trustAnchors: [] },
        },
        securityStore: new MemorySecurityStore([{ kind: 'psk', endpointClientName: 'hand-made', identity, key }]),
      });
      const [coap, coaps] = server.drivers;
      plain = `coap://127.0.0.1:${coap!.localAddress.port}`;
      secure = `coaps://127.0.0.1:${coaps!.localAddress.port}`;
    });
    after(() => server.close());

    const ask = (method: string, uri: string, ...more: readonly string[]): Promise<Finished> =>
      runTool(CLIENT, ['-m', method, '-v', '6', '-B', '10', '-u', 'identity-1', '-k', KEY, ...more, uri]);
    const register = (base: string, name: string): Promise<Finished> =>
      ask('post', `${base}/rd?ep=${name}&lt=300&lwm2m=1.1&b=U`, '-t', '40', '-e', LINKS);

    it('registers under the name its identity belongs to', async () => {
      const { stdout, stderr } = await register(secure, 'hand-made');
      assert.match(stdout + stderr, /2\.01/);
      const { registration } = server.device('hand-made')!;
      assert.deepEqual(registration.security, { kind: 'psk', identity: 'identity-1' });
      assert.equal(registration.lifetimeSeconds, 300);
    });

    it('updates its registration over its next association', async () => {
      const { registrationId } = server.device('hand-made')!.registration;
      const { stdout, stderr } = await ask('post', `${secure}/rd/${registrationId}?lt=600`);
      assert.match(stdout + stderr, /2\.04/);
      assert.equal(server.device('hand-made')!.registration.lifetimeSeconds, 600);
    });

    it('is refused under another name, and is told why', async () => {
      const refused = once(server, 'refused');
      const { stdout, stderr } = await register(secure, 'somebody-else');
      assert.match(stdout + stderr, /4\.0[03]/);
      const [{ reason }] = (await refused) as [{ reason: string }];
      assert.match(reason, /somebody-else/);
      assert.equal(server.device('somebody-else'), undefined);
    });

    it('is refused over plain coap, where anybody could take its name', async () => {
      const { stdout, stderr } = await register(plain, 'hand-made');
      assert.match(stdout + stderr, /4\.03/);
      assert.equal(server.device('hand-made')!.registration.security.kind, 'psk');
    });

    it('an identity nobody knows: the refused handshake is told with its name', async () => {
      const refused = once(server, 'handshakeRefused');
      await ask('get', `${secure}/rd`, '-u', 'stranger', '-B', '2');
      const [{ refusal }] = (await refused) as [{ refusal: { reason: string; claimedIdentity?: string } }];
      assert.deepEqual([refusal.reason, refusal.claimedIdentity], ['unknown-identity', 'stranger']);
    });

    it('de-registers', async () => {
      const { registrationId } = server.device('hand-made')!.registration;
      const { stdout, stderr } = await ask('delete', `${secure}/rd/${registrationId}`);
      assert.match(stdout + stderr, /2\.02/);
      assert.equal(server.registrationCount, 0);
    });
  });
}
