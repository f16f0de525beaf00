/** The device commands of `lapwing` against a running server. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { deviceObject, type LwM2mClient, temperatureObject } from '@lapwing/client';
import { runCommandLine } from '../src/command-line.ts';
import type { ObservationJson } from '../src/rest/schemas.ts';
import { RunningApp } from './running-app.ts';

class RecordedTerminal extends EventEmitter {
  readonly env: Record<string, string> = { LAPWING_URL: api.app.httpUrl };
  out = '';
  err = '';
  /** Called after each output. */
  wrote: () => void = () => undefined;
  readonly stdout = {
    write: (text: string): void => {
      this.out += text;
      this.wrote();
    },
  };
  readonly stderr = { write: (text: string): void => void (this.err += text) };
}

let api: RunningApp;
let device: LwM2mClient;
before(async () => {
  api = await RunningApp.start();
  device = await api.device('cli device', [
    deviceObject({ manufacturer: 'Acme' }),
    temperatureObject({ value: 20 }),
    {
      objectId: 3311,
      unknownResources: 'skip',
      create: true,
      delete: true,
      instances: { 0: { 5850: false, 5851: 10, 5706: '0' } },
    },
  ]);
});
after(async () => {
  await device.close();
  await api.close();
});

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = new RecordedTerminal();
  const code = await runCommandLine(args, terminal);
  return { code, out: terminal.out, err: terminal.err };
}

describe('the device commands', () => {
  it('list devices', async () => {
    const { code, out } = await run('ls');
    assert.equal(code, 0);
    assert.match(out, /^cli device {2}LwM2M 1\.2 {2}127\.0\.0\.1:\d+ {2}not secured {2}\/1 \/3 \/3303 \/3311\n$/);
  });

  it('read, for people and as JSON', async () => {
    assert.equal((await run('read', 'cli device', '/3303/0/5700')).out, '/3303/0/5700  20\n');
    const { out } = await run('read', 'cli device', '3303/0/5700', '--json');
    assert.deepEqual((JSON.parse(out) as { entries: unknown }).entries, [
      { path: '/3303/0/5700', type: 'float', value: 20 },
    ]);
  });

  it('write text, numbers and Booleans by the type of the Resource', async () => {
    for (const [path, text, value] of [
      ['/3311/0/5850', 'true', true],
      ['/3311/0/5851', '55', 55],
      ['/3311/0/5706', '7', '7'],
    ] as const) {
      const { code, out, err } = await run('write', 'cli device', path, text);
      assert.deepEqual([code, out, err], [0, '2.04\n', '']);
      assert.equal(device.get(path), value);
    }
  });

  it('execute and discover', async () => {
    assert.deepEqual(await run('execute', 'cli device', '/3303/0/5605'), { code: 0, out: '2.04\n', err: '' });
    const { out } = await run('discover', 'cli device', '/3303/0/5700');
    assert.equal(out, '/3303/0/5700\n');
  });

  it('read several paths as a Read-Composite', async () => {
    const { out } = await run('read', 'cli device', '/3303/0/5700', '/3/0/0');
    assert.equal(out, '/3303/0/5700  20\n/3/0/0  Acme\n');
  });

  it('create, with and without an id, and delete', async () => {
    assert.deepEqual(await run('create', 'cli device', '/3311/5', '5850=true', '5851=30', '5706=4'), {
      code: 0,
      out: '/3311/5\n',
      err: '',
    });
    assert.deepEqual(
      [device.get('/3311/5/5850'), device.get('/3311/5/5851'), device.get('/3311/5/5706')],
      [true, 30, '4'],
    );
    const chosen = (await run('create', 'cli device', '/3311', '5850=false')).out.trim();
    assert.match(chosen, /^\/3311\/\d+$/);
    for (const path of ['/3311/5', chosen]) assert.equal((await run('delete', 'cli device', path)).out, '2.02\n');
    assert.match((await run('create', 'cli device', '/3311', '5850')).err, /is not of the form name=value/);
  });

  it('set, show and unset attributes', async () => {
    assert.equal((await run('attributes', 'cli device', '/3311', 'pmin=5')).out, '2.04\n');
    assert.equal((await run('attributes', 'cli device', '/3311/0/5851', 'gt=25', 'lt=-3.5')).out, '2.04\n');
    const { out } = await run('attributes', 'cli device', '/3311/0/5851');
    const [own, inherited, inForce] = out.split('\n');
    assert.equal(own, 'own  gt=25 lt=-3.5');
    assert.match(inherited!, /^\/3311 {2}.*pmin=5/);
    assert.match(inForce!, /^in force {2}.*gt=25/);
    assert.equal((await run('attributes', 'cli device', '/3311/0/5851', 'gt=', 'lt=')).out, '2.04\n');
    assert.match((await run('attributes', 'cli device', '/3311/0/5851')).out, /^own {2}none\n/);
    assert.match((await run('attributes', 'cli device', '/3311', 'pmin=soon')).err, /pmin takes a number/);
  });

  it('discover to a depth, and list what is pending', async () => {
    assert.equal((await run('discover', 'cli device', '/3303/0', '--depth', '0')).out, '/3303/0\n');
    assert.deepEqual(await run('pending', 'cli device'), { code: 0, out: '', err: '' });
    assert.equal(
      (await run('pending', 'cli device', '--first', '7', '8', '--json')).out,
      '{"awake":true,"items":[]}\n',
    );
    assert.match((await run('pending', 'cli device', '--cancel', '7')).err, /no pending operation 7/);
  });

  it('observe until a signal', async () => {
    const terminal = new RecordedTerminal();
    const ended = runCommandLine(['observe', 'cli device', '/3303/0/5700'], terminal);
    let next = 30;
    terminal.wrote = () => {
      if (terminal.out.includes('  32\n')) terminal.emit('SIGINT');
    };
    // The first line comes before the stream of events is open, so values move until they are seen.
    const moving = setInterval(() => device.set('/3303/0/5700', next++ % 5 === 0 ? 32 : next), 5);
    const code = await ended;
    clearInterval(moving);
    assert.equal(code, 0);
    assert.match(terminal.out, /^\/3303\/0\/5700 {2}\d+\n/);
  });

  /** Runs until `isEnough` of what is printed, with `stir` called again and again. */
  async function followed(
    args: readonly string[],
    stir: () => void,
    isEnough: (out: string) => boolean,
  ): Promise<{ code: number; out: string; err: string }> {
    const terminal = new RecordedTerminal();
    const ended = runCommandLine(args, terminal);
    terminal.wrote = () => {
      if (isEnough(terminal.out)) terminal.emit('SIGINT');
    };
    // Lines come before the stream of events is open, so values move until they are seen.
    const moving = setInterval(stir, 5);
    const code = await ended;
    clearInterval(moving);
    return { code, out: terminal.out, err: terminal.err };
  }

  it('observe several paths as one Observe-Composite, and nothing else that is observed', async () => {
    await api.call('PUT', '/devices/cli%20device/observations/3303/0/5602');
    let next = 40;
    const { code, out } = await followed(
      ['observe', 'cli device', '/3303/0/5700', '/3/0/0'],
      () => device.set('/3303/0/5700', ++next),
      (text) => (text.match(/^\/3\/0\/0 /gm) ?? []).length >= 3,
    );
    assert.equal(code, 0);
    assert.match(out, /^(?:\/3303\/0\/5700 {2}\d+\n\/3\/0\/0 {2}Acme\n)+$/);
    await api.call('DELETE', '/devices/cli%20device/observations/3303/0/5602?mode=active');
    const body = { paths: ['/3303/0/5700', '/3/0/0'] };
    assert.equal((await api.call('POST', '/devices/cli%20device/composite/cancel?mode=active', body)).status, 204);
  });

  it('observe with attributes of this observation alone, and print no other one of the same path', async () => {
    await api.call('PUT', '/devices/cli%20device/observations/3303/0/5700');
    device.set('/3303/0/5700', 10);
    let next = 0;
    const { code, out } = await followed(
      ['observe', 'cli device', '/3303/0/5700', '--gt', '1000', '--lt', '-1000.5', '--con', '1'],
      () => device.set('/3303/0/5700', ++next % 10 === 0 ? 2000 : next % 10),
      (text) => text.split('  2000\n').length > 3,
    );
    assert.equal(code, 0);
    // Of nine values that stay below the limit the first is told, and all to the other observation.
    const below = out.match(/^\/3303\/0\/5700 {2}\d\n/gm) ?? [];
    assert.ok(below.length <= 6, out);
    const { body } = await api.call<{ readonly items: readonly ObservationJson[] }>(
      'GET',
      '/devices/cli%20device/observations',
    );
    assert.deepEqual(
      body.items.map(({ path, attributes }) => [path, attributes]),
      [
        ['/3303/0/5700', undefined],
        ['/3303/0/5700', { gt: 1000, lt: -1000.5, con: 1 }],
      ],
    );
    await api.call('DELETE', '/devices/cli%20device/observations/3303/0/5700?mode=active');
  });

  it('observe says which attribute is wrong', async () => {
    const soon = await run('observe', 'cli device', '/3303/0/5700', '--pmin', 'soon');
    assert.deepEqual(soon, { code: 1, out: '', err: '--pmin takes a number, not "soon".\n' });
    const odd = await run('observe', 'cli device', '/3303/0/5700', '--edge', '2');
    assert.equal(odd.code, 1);
    assert.match(odd.err, /edge/);
    const both = await run('observe', 'cli device', '/3303/0/5700', '--gt', '1', '--lt', '2');
    assert.equal(both.code, 1);
    assert.match(both.err, /^Lt must be less than gt/);
  });

  it('print what a device sent by itself, and go on with what it sends', async () => {
    assert.deepEqual(await run('sends', 'cli device'), { code: 0, out: '', err: '' });
    const line = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z {2}\\/3303\\/0\\/5700 {2}';
    for (const value of [1, 2, 3]) {
      device.set('/3303/0/5700', value);
      await device.send(['/3303/0/5700']);
    }
    assert.match((await run('sends', 'cli device', '--limit', '2')).out, new RegExp(`^${line}2\\n${line}3\\n$`));
    const { body } = await api.call('GET', '/devices/cli%20device/sends?limit=20');
    assert.deepEqual(JSON.parse((await run('sends', 'cli device', '--json')).out), body);
    let next = 50;
    let sending = false;
    const stir = (): void => {
      if (sending) return;
      sending = true;
      device.set('/3303/0/5700', ++next);
      void device.send(['/3303/0/5700']).finally(() => (sending = false));
    };
    const { code, out } = await followed(
      ['sends', 'cli device', '--limit', '0', '--follow'],
      stir,
      (text) => text.split('\n').length > 2,
    );
    assert.equal(code, 0);
    assert.match(out, new RegExp(`^(?:${line}5\\d\\n){2,}$`));
    const unknown = await run('sends', 'nobody');
    assert.deepEqual([unknown.code, unknown.err], [1, 'No device named "nobody" is registered.\n']);
  });

  it('fail with 1 and one sentence when the device or the server says no', async () => {
    assert.deepEqual(await run('read', 'nobody', '/3/0'), {
      code: 1,
      out: '',
      err: 'No device named "nobody" is registered.\n',
    });
    const refused = await run('execute', 'cli device', '/3/0/0');
    assert.equal(refused.code, 1);
    assert.match(refused.err, /^The device answered 4\.05 .*\n$/);
    const absent = await run('ls', '--url', 'http://127.0.0.1:1');
    assert.deepEqual([absent.code, absent.out], [1, '']);
    assert.match(absent.err, /^No Lapwing server answers at http:\/\/127\.0\.0\.1:1\/api\/v1; /);
  });
});
