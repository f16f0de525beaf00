import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PeerAddress } from '@lapwing/transport';
import { setUp } from '../test/setup.ts';
import type { BootstrapConfiguration } from './configuration.ts';

const OURS: BootstrapConfiguration = {
  servers: [
    { shortServerId: 1, security: { mode: 'none' } },
    { shortServerId: 2, security: { mode: 'psk', identity: 'two', key: new Uint8Array(16) } },
    { shortServerId: 3, uri: 'coap://10.9.9.9', security: { mode: 'none' } },
  ],
  bootstrapServers: [{ security: { mode: 'psk', identity: 'b', key: new Uint8Array(16) } }],
};

describe('an account without a URI', () => {
  it('is with the server of this program, as the device at its address reaches it (/0/x/0)', async () => {
    const uri = (scheme: string, device?: PeerAddress): Promise<string> =>
      Promise.resolve(`${scheme}://of-${device?.host ?? 'nobody'}`);
    await using setup = setUp(
      { one: OURS },
      { lwm2mServers: [{ uri }], own: { uri: (scheme) => `${scheme}://bootstrap` } },
    );
    const device = setup.device('10.1.0.7');
    assert.equal((await setup.settle(device.request('ep=one')))?.code, '2.04');
    await setup.network.runUntilIdle();
    assert.deepEqual(setup.ended[0]?.outcome, { kind: 'finished' });
    const uris = [...device.values].filter(([path]) => /^\/0\/\d+\/0$/.test(path)).map(([, value]) => value);
    assert.deepEqual(uris.sort(), [
      'coap://10.9.9.9',
      'coap://of-10.1.0.7',
      'coaps://bootstrap',
      'coaps://of-10.1.0.7',
    ]);
    const preview = await setup.server.preview('one');
    assert.equal(preview?.find(({ path }) => path === '/0/10')?.values[0]?.value, 'coap://of-nobody');
  });

  it('is refused where no server of this program has one', async () => {
    await using setup = setUp({});
    await assert.rejects(setup.server.configurations.set('one', OURS), /an account has a URI/);
  });

  it('ends in a refusal that says so when the URI is not known in the end', async () => {
    await using setup = setUp({ one: OURS }, { lwm2mServers: [{ uri: () => undefined }] });
    const answer = await setup.settle(setup.device().request('ep=one'));
    assert.deepEqual([answer?.code, answer?.text], ['5.00', 'the coap URI of the server of an account is not known']);
    assert.equal(setup.refused[0]?.kind, 'unusable');
  });
});
