import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '@lapwing/coap';
import { ONE_SERVER, setUp } from '../test/setup.ts';
import type { BootstrapConfiguration } from './configuration.ts';

const SECURE: BootstrapConfiguration = {
  servers: [
    { shortServerId: 1, uri: 'coaps://a.example', security: { mode: 'psk', generate: true } },
    {
      shortServerId: 2,
      uri: 'coaps://b.example',
      security: { mode: 'psk', identity: 'b', key: new TextEncoder().encode('never to be seen') },
    },
  ],
  bootstrapServers: [{ uri: 'coap://c.example', security: { mode: 'none' } }],
  read: ['/1'],
};
const options = { lwm2mServers: [{ security: { exchange: () => assert.fail('nothing is made') } }] };

describe('a preview', () => {
  it('is exactly what a device is asked', async () => {
    await using setup = setUp({ one: { ...ONE_SERVER, objects: [{ path: '/3/0/15', value: 'Europe/Berlin' }] } });
    const device = setup.device();
    const preview = await setup.server.preview('one', { discovered: '</>;lwm2m=1.1,</0/0>,</3/0>' });
    await setup.settle(device.request('ep=one'));
    await setup.network.runUntilIdle();
    const methods = { discover: 'GET', read: 'GET', delete: 'DELETE', write: 'PUT', finish: 'POST', pack: 'GET' };
    assert.deepEqual(
      preview!.map(({ operation, path, contentFormat }) => [`${methods[operation]} ${path}`, contentFormat]),
      device.asked.map(({ what, contentFormat }) => [what, contentFormat]),
    );
    assert.deepEqual(
      preview!.filter(({ operation }) => operation === 'write').map(({ bytes }) => bytes),
      device.asked.flatMap(({ payload, contentFormat }) => (contentFormat === undefined ? [] : payload.length)),
    );
    assert.deepEqual(preview!.at(-2)!.values, [{ path: '/3/0/15', value: 'Europe/Berlin', hidden: undefined }]);
  });

  it('shows no secret, and makes none', async () => {
    await using setup = setUp({ one: SECURE }, options);
    const preview = (await setup.server.preview('one'))!;
    assert.deepEqual(
      preview.map(({ operation, path }) => `${operation} ${path}`),
      [
        ...['discover /', 'read /1', 'delete /0', 'delete /1'],
        ...['write /0/10', 'write /0/11', 'write /0/12', 'write /1/0', 'write /1/1', 'finish /bs'],
      ],
    );
    const values = new Map(preview.flatMap((each) => each.values.map((value) => [value.path, value])));
    assert.deepEqual(values.get('/0/10/5'), { path: '/0/10/5', value: undefined, hidden: 'generated' });
    assert.equal(values.get('/0/10/3')?.value, Buffer.from('one').toString('base64'));
    assert.deepEqual(values.get('/0/11/5'), { path: '/0/11/5', value: undefined, hidden: 'secret' });
    assert.equal(values.get('/0/11/0')?.value, 'coaps://b.example');
    assert.doesNotMatch(JSON.stringify(preview), /bmV2ZXIgdG8gYmUgc2Vlbg|110,101,118/);
  });

  it('may be of a pack, of a format, of the default configuration, and is none without a configuration', async () => {
    await using setup = setUp({ one: ONE_SERVER });
    const [pack, ...more] = (await setup.server.preview('one', { pack: 112 }))!;
    assert.deepEqual([pack!.operation, pack!.contentFormat, more.length], ['pack', 112, 0]);
    assert.equal(pack!.values.length, 11);
    const formats = (await setup.server.preview('one', { preferredContentFormat: 110 }))!.map(
      (each) => each.contentFormat,
    );
    assert.deepEqual([...new Set(formats)], [undefined, 110]);
    assert.equal(await setup.server.preview('two'), undefined);
    await setup.server.configurations.setDefault(ONE_SERVER);
    assert.equal((await setup.server.preview('two'))!.length, 6);
  });

  it('may be of a configuration that is not kept, which is checked first', async () => {
    await using setup = setUp({ one: SECURE }, options);
    const preview = (await setup.server.preview('one', { configuration: ONE_SERVER }))!;
    await using other = setUp({ one: ONE_SERVER });
    assert.deepEqual(preview, await other.server.preview('one'));
    assert.deepEqual(await setup.server.configurations.get('one'), SECURE);
    assert.equal((await setup.server.preview('nobody', { configuration: ONE_SERVER }))!.length, preview.length);
    const wrong = { servers: [...ONE_SERVER.servers!, ...ONE_SERVER.servers!] };
    await assert.rejects(setup.server.preview('one', { configuration: wrong }), UsageError);
  });

  it('of what cannot be given rejects with the reason', async () => {
    await using setup = setUp({ one: { objects: [{ path: '/3/0/9', value: 'x' }] } });
    await assert.rejects(setup.server.preview('one'), UsageError);
    await assert.rejects(setup.server.preview('one', { discovered: '<<<' }), UsageError);
  });
});
