/** What strangers send over UDP to the whole server: the good device is served, and the counters tell what came. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import type { LwM2mClient } from '@lapwing/client';
import { RunningApp } from './running-app.ts';

let api: RunningApp;
let device: LwM2mClient;
let stranger: Socket;

before(async () => {
  api = await RunningApp.start();
  device = await api.device('good');
  stranger = createSocket('udp4').bind(0, '127.0.0.1');
  await once(stranger, 'listening');
});
after(async () => {
  stranger.close();
  await device.close();
  await api.close();
});

const send = (hex: string, port = api.app.coapPort): void => stranger.send(Buffer.from(hex, 'hex'), port, '127.0.0.1');

/** The answer to one datagram. */
async function ask(hex: string, port?: number): Promise<Buffer> {
  const answered = once(stranger, 'message');
  send(hex, port);
  return ((await answered) as [Buffer])[0];
}

async function counters(): Promise<Readonly<Record<string, number>>> {
  const { body } = await api.call<{ counters: Record<string, number> }>('GET', '/server');
  return body.counters;
}

// Own bytes.
const PING = '40000001';
/** Confirmable POST /rd?ep=loop, Content-Format 40, "</3/0>". */
const register = (messageId: number): string => `4002${messageId.toString(16)}b2726411283765703d6c6f6f70ff3c2f332f303e`;
/** Confirmable POST /rd?ep=net, Content-Format 40, Block1 0 with more to come of 16 bytes. */
const BEGINNING = '40020001b2726411283665703d6e6574c108ff3c2f332f303e2c3c2f332f303e2c3c2f';

describe('a stranger', () => {
  it('is counted by what is wrong with its datagrams, which are answered as RFC 7252 §4.2 and §4.3 say', async () => {
    send('40');
    send('80010002');
    assert.equal((await ask('49010003010203040506070809')).toString('hex'), '70000003');
    assert.equal((await ask('40010004ff')).toString('hex'), '70000004');
    // A response nobody asked for.
    assert.equal((await ask('4145000561')).toString('hex'), '70000005');
    // GET with the unknown critical option 9999: 4.02.
    assert.equal((await ask('4101000661e1260261')).subarray(1, 2).toString('hex'), '82');
    assert.equal((await ask(PING)).toString('hex'), '70000001');
    const now = await counters();
    for (const [name, count] of [
      ['malformed', 4],
      ['malformedTooShort', 1],
      ['malformedUnknownVersion', 1],
      ['malformedTokenTooLong', 1],
      ['malformedEmptyPayloadAfterMarker', 1],
      ['unmatchedResponses', 1],
      ['badOptions', 1],
      ['pingsAnswered', 1],
      ['errors', 0],
    ] as const) {
      assert.equal(now[name], count, name);
    }
  });

  it('gets 4.05 for a method that is none (RFC 7252 §5.8) and 4.06 for links in another format (§5.10.4)', async () => {
    assert.equal((await ask('401f2000'))[1], 0x85);
    assert.equal((await ask('40012001bb2e77656c6c2d6b6e6f776e04636f7265613c'))[1], 0x86);
    assert.equal((await ask('40012002bb2e77656c6c2d6b6e6f776e04636f72656128'))[1], 0x45);
  });

  it('that registers the same name a thousand times is one device, and the good one is served', async () => {
    for (let messageId = 0x1000; messageId < 0x1000 + 1000; messageId++) {
      const answer = await ask(register(messageId));
      assert.equal(answer[1], 0x41);
    }
    assert.equal((await counters())['registrations'], 2);
    assert.equal((await api.call('GET', '/devices/good/nodes/3/0/9')).status, 200);
  });

  it('that begins bodies and never ends them is forgotten, and the good device is served', async () => {
    // Each from a port of its own.
    for (let count = 0; count < 200; count++) {
      const socket = createSocket('udp4').bind(0, '127.0.0.1');
      await once(socket, 'listening');
      const answered = once(socket, 'message');
      socket.send(Buffer.from(BEGINNING, 'hex'), api.app.coapPort, '127.0.0.1');
      assert.equal(((await answered) as [Buffer])[0][1], 0x5f);
      socket.close();
    }
    assert.equal((await api.call('GET', '/devices/good/nodes/3/0/9')).status, 200);
    assert.equal((await counters())['registrations'], 2);
    assert.equal((await counters())['errors'], 0);
  });

  it('finds no room beyond --max-devices: 5.03, and who is registered stays and registers anew', async () => {
    const small = await RunningApp.start({ maxDevices: 1 });
    const { coapPort } = small.app;
    const first = await small.device('first');
    assert.equal((await ask(register(0x3000), coapPort))[1], 0xa3);
    assert.equal((await small.call('GET', '/devices/first/nodes/3/0/9')).status, 200);
    await first.close();
    assert.equal((await ask(register(0x3001), coapPort))[1], 0x41);
    assert.equal((await ask(register(0x3002), coapPort))[1], 0x41);
    await small.close();
  });
});
