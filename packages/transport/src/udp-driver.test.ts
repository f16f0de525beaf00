import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { describe, it, mock } from 'node:test';
import { buildOptions, Codes, OperationFailed, type CoapEvent } from '@lapwing/coap';
import {
  DatagramBatch,
  type DatagramCounters,
  type DatagramSink,
  type DatagramTransport,
} from './datagram-transport.ts';
import { TRANSPORT_ERROR_CHANNEL } from './diagnostics.ts';
import type { PeerAddress } from './driver.ts';
import { UdpDriver } from './udp-driver.ts';

const NO_BYTES = new Uint8Array(0);
const hasIpv6Loopback = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

/** A transport without a socket: what is sent is kept, what arrives is put in by the test. */
class FakeTransport implements DatagramTransport {
  readonly counters: DatagramCounters = {
    datagramsReceived: 0,
    bytesReceived: 0,
    datagramsSent: 0,
    bytesSent: 0,
    sendErrors: 0,
  };
  readonly sent: Uint8Array[] = [];
  /** How many datagrams went out together, per flush. */
  readonly flushes: number[] = [];
  #sink: DatagramSink | undefined;
  open(sink: DatagramSink): Promise<PeerAddress> {
    this.#sink = sink;
    return Promise.resolve({ host: '10.0.0.1', port: 5683 });
  }
  flush(): void {
    const batch = this.#sink!.drain();
    if (batch.length > 0) this.flushes.push(batch.length);
    for (let row = 0; row < batch.length; row++) this.sent.push(batch.bytes[row]!);
    batch.clear();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
  receive(...datagrams: readonly (readonly [Uint8Array, string, number])[]): void {
    const batch = new DatagramBatch();
    for (const [bytes, host, port] of datagrams) batch.push(bytes, host, port);
    this.#sink!.receive(batch);
    this.flush();
  }
}

/** A Confirmable GET without a token. */
const get = (messageId: number): Uint8Array => Uint8Array.of(0x40, 0x01, messageId >> 8, messageId & 0xff);
const content = { code: Codes.content, options: [], payload: NO_BYTES };

function answering(driver: UdpDriver): void {
  driver.onEvent = (event): void => {
    if (event.kind === 'request') driver.turn((now, out) => driver.endpoint.respond(now, event.request, content, out));
  };
}

/** The first event of a kind, as a promise. */
function nextEvent<Kind extends CoapEvent['kind']>(
  driver: UdpDriver,
  kind: Kind,
): Promise<Extract<CoapEvent, { kind: Kind }>> {
  return new Promise((resolve) => {
    driver.onEvent = (event): void => {
      if (event.kind === kind) resolve(event as Extract<CoapEvent, { kind: Kind }>);
    };
  });
}

async function getOverLoopback(host: string): Promise<void> {
  await using server = await UdpDriver.bind({ host, port: 0 });
  await using client = await UdpDriver.bind({ host, port: 0 });
  answering(server);
  const answered = nextEvent(client, 'response');
  const request = { code: Codes.get, options: buildOptions({ uriPath: ['a'] }), payload: NO_BYTES };
  client.turn((now, out) => client.endpoint.request(now, client.peer(server.localAddress), request, out));
  assert.equal((await answered).response.code, Codes.content);
  assert.equal(server.counters.datagramsReceived, 1);
  assert.equal(server.counters.datagramsSent, 1);
  assert.equal(server.counters.peers, 1);
}

describe('UDP on this machine', () => {
  it('a request over IPv4 is answered', () => getOverLoopback('127.0.0.1'));

  it('a request over IPv6 is answered', { skip: hasIpv6Loopback ? false : 'this machine has no ::1' }, () =>
    getOverLoopback('::1'),
  );

  it(
    'both families can have the same port',
    { skip: hasIpv6Loopback ? false : 'this machine has no ::1' },
    async () => {
      await using v4 = await UdpDriver.bind({ host: '0.0.0.0', port: 0 });
      await using v6 = await UdpDriver.bind({ host: '::', port: v4.localAddress.port });
      assert.equal(v6.localAddress.port, v4.localAddress.port);
    },
  );

  it('a taken port is refused with its number and address', async () => {
    await using first = await UdpDriver.bind({ host: '127.0.0.1', port: 0 });
    const { port } = first.localAddress;
    await assert.rejects(UdpDriver.bind({ host: '127.0.0.1', port }), (error: unknown) => {
      assert.ok(error instanceof OperationFailed);
      assert.equal(error.code, 'PORT_IN_USE');
      assert.equal(error.message, `UDP port ${port} on 127.0.0.1 is in use by another program`);
      return true;
    });
  });

  it('an address that is not of this machine is refused with its number and address', async () => {
    await assert.rejects(
      UdpDriver.bind({ host: '192.0.2.1', port: 0 }),
      (error: unknown) =>
        error instanceof OperationFailed && error.code === 'BIND_FAILED' && /192\.0\.2\.1/.test(error.message),
    );
  });

  it('a datagram larger than UDP can carry is counted as a send error and stops nothing', async () => {
    await using driver = await UdpDriver.bind({ host: '127.0.0.1', port: 0 });
    const peer = driver.peer(driver.localAddress);
    driver.turn((_, out) => out.transmit(peer, new Uint8Array(70_000)));
    // The error is reported in a later tick; a datagram to ourselves is certain to arrive after it.
    const arrived = nextEvent(driver, 'request');
    driver.turn((_, out) => out.transmit(peer, get(1)));
    await arrived;
    assert.equal(driver.counters.sendErrors, 1);
  });

  it('an answer to a port where nobody listens any more stops nothing', async () => {
    await using driver = await UdpDriver.bind({ host: '127.0.0.1', port: 0 });
    answering(driver);
    const stranger = createSocket('udp4');
    stranger.bind(0, '127.0.0.1');
    await once(stranger, 'listening');
    const gone = driver.peer({ host: '127.0.0.1', port: stranger.address().port });
    stranger.close();
    driver.turn((_, out) => out.transmit(gone, get(1)));
    const arrived = nextEvent(driver, 'request');
    driver.turn((_, out) => out.transmit(driver.peer(driver.localAddress), get(2)));
    await arrived;
  });

  it('after close the port is free and nothing keeps the process alive', async () => {
    const first = await UdpDriver.bind({ host: '127.0.0.1', port: 0 });
    const { port } = first.localAddress;
    const client = first.peer({ host: '127.0.0.1', port });
    first.turn((now, out) =>
      first.endpoint.request(now, client, { code: Codes.get, options: [], payload: NO_BYTES }, out),
    );
    await Promise.all([first.close(), first.close()]);
    // libuv lets go of a closed handle in the phase after.
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(!process.getActiveResourcesInfo().some((name) => name === 'UDPWrap'));
    await using second = await UdpDriver.bind({ host: '127.0.0.1', port });
    assert.equal(second.localAddress.port, port);
    first.turn((_, out) => out.transmit(client, get(1)));
  });
});

describe('turns', () => {
  it('the answers to a batch go out together', async () => {
    const transport = new FakeTransport();
    await using driver = new UdpDriver(transport);
    await driver.open();
    answering(driver);
    transport.receive([get(1), '10.0.0.2', 1], [get(2), '10.0.0.3', 1], [get(3), '10.0.0.4', 1]);
    assert.deepEqual(transport.flushes, [3]);
    await driver.close();
  });

  it('an event handler may send from inside an event, and its datagrams go out with the turn', async () => {
    const transport = new FakeTransport();
    await using driver = new UdpDriver(transport);
    await driver.open();
    driver.onEvent = (event): void => {
      if (event.kind !== 'request') return;
      driver.turn((now, out) => {
        driver.turn((innerNow) => assert.equal(innerNow, now));
        driver.endpoint.respond(now, event.request, content, out);
      });
    };
    transport.receive([get(1), '10.0.0.2', 1]);
    assert.deepEqual(transport.flushes, [1]);
    await driver.close();
  });

  it('what an event handler throws is reported and the rest of the batch is handled', async () => {
    const transport = new FakeTransport();
    await using driver = new UdpDriver(transport);
    await driver.open();
    const errors: unknown[] = [];
    const report = (message: unknown): void => void errors.push((message as { error: Error }).error.message);
    subscribe(TRANSPORT_ERROR_CHANNEL, report);
    let handled = 0;
    driver.onEvent = (): void => {
      if (++handled === 1) throw new Error('boom');
    };
    transport.receive([get(1), '10.0.0.2', 1], [get(2), '10.0.0.2', 1]);
    unsubscribe(TRANSPORT_ERROR_CHANNEL, report);
    assert.equal(handled, 2);
    assert.deepEqual(errors, ['boom']);
    assert.equal(driver.counters.errors, 1);
    await driver.close();
  });

  it('garbage of every length is taken without an error', async () => {
    const transport = new FakeTransport();
    await using driver = new UdpDriver(transport);
    await driver.open();
    for (let length = 0; length < 64; length++)
      transport.receive([new Uint8Array(length).map((_, index) => (index * 151 + length) & 0xff), '10.0.0.2', 1]);
    assert.equal(driver.counters.errors, 0);
    await driver.close();
  });
});

describe('peers', () => {
  it('one that was forgotten while the application held it is found again when it answers', async () => {
    let now = 1000;
    mock.timers.enable({ apis: ['setTimeout'] });
    const clock = mock.method(performance, 'now', () => now);
    try {
      const transport = new FakeTransport();
      await using driver = new UdpDriver(transport);
      await driver.open();
      const peer = driver.peer({ host: '10.0.0.2', port: 5683 });
      transport.receive([get(1), '10.0.0.3', 1]);
      for (let second = 0; second < 600; second++) {
        now += 1000;
        mock.timers.tick(1000);
      }
      assert.equal(driver.counters.peers, 0);
      driver.turn((_, out) => out.transmit(peer, get(2)));
      assert.equal(driver.peer({ host: '10.0.0.2', port: 5683 }), peer);
      await driver.close();
    } finally {
      clock.mock.restore();
      mock.timers.reset();
    }
  });

  it('strangers beyond maxPeers are dropped and counted while all peers are in use', async () => {
    const transport = new FakeTransport();
    await using driver = new UdpDriver(transport, { maxPeers: 2 });
    await driver.open();
    for (const host of ['10.0.0.2', '10.0.0.3']) driver.peer({ host, port: 1 }).context = {};
    answering(driver);
    transport.receive([get(1), '10.0.0.2', 1], [get(2), '10.0.0.4', 1]);
    assert.equal(transport.sent.length, 1);
    assert.equal(driver.counters.peersRefused, 1);
    await driver.close();
  });
});

describe('the one timer', () => {
  /** A driver on a mocked clock. `performance.now` moves with the timers. */
  async function withDriver(test: (driver: UdpDriver, tick: (ms: number) => void) => void): Promise<void> {
    let now = 1000;
    mock.timers.enable({ apis: ['setTimeout'] });
    const clock = mock.method(performance, 'now', () => now);
    try {
      await using driver = new UdpDriver(new FakeTransport());
      await driver.open();
      test(driver, (ms) => {
        for (let step = 0; step < ms; step += 1) {
          now += 1;
          mock.timers.tick(1);
        }
      });
      await driver.close();
    } finally {
      clock.mock.restore();
      mock.timers.reset();
    }
  }

  it('wakes an attached layer when its deadline has passed, not before', () =>
    withDriver((driver, tick) => {
      const woken: number[] = [];
      let deadline = 1500;
      driver.attach({
        nextDeadline: () => deadline,
        handleTimeout: (now) => {
          woken.push(now);
          deadline = Infinity;
        },
      });
      tick(499);
      assert.deepEqual(woken, []);
      tick(10);
      assert.deepEqual(woken, [1500]);
    }));

  it('is armed anew when a deadline moves earlier, and left alone when it moves later', () =>
    withDriver((driver, tick) => {
      const woken: number[] = [];
      let deadline = 2000;
      driver.attach({
        nextDeadline: () => deadline,
        handleTimeout: (now) => {
          woken.push(now);
          deadline = Infinity;
        },
      });
      deadline = 1100;
      driver.turn(() => undefined);
      tick(110);
      assert.deepEqual(woken, [1100]);
      deadline = 1500;
      driver.turn(() => undefined);
      deadline = 3000;
      driver.turn(() => undefined);
      tick(1880);
      assert.deepEqual(woken, [1100]);
      tick(20);
      assert.deepEqual(woken, [1100, 3000]);
    }));

  it('a deadline beyond what a timer can hold is waited for in steps', () =>
    withDriver((driver) => {
      const timers = mock.method(globalThis, 'setTimeout');
      driver.attach({ nextDeadline: () => 2 ** 40, handleTimeout: () => assert.fail('too early') });
      assert.ok((timers.mock.calls.at(-1)?.arguments[1] ?? 0) <= 2 ** 31 - 1);
      timers.mock.restore();
    }));

  it('a layer that throws does not keep the others from their deadlines', () =>
    withDriver((driver, tick) => {
      let woken = 0;
      let first = 1010;
      let second = 1020;
      driver.attach({
        nextDeadline: () => first,
        handleTimeout: () => {
          first = Infinity;
          throw new Error('boom');
        },
      });
      driver.attach({
        nextDeadline: () => second,
        handleTimeout: () => {
          second = Infinity;
          woken++;
        },
      });
      tick(50);
      assert.equal(woken, 1);
      assert.equal(driver.counters.errors, 1);
    }));

  it('forgets idle peers EXCHANGE_LIFETIME after their last datagram (RFC 7252 §4.8.2)', async () => {
    let now = 1000;
    mock.timers.enable({ apis: ['setTimeout'] });
    const clock = mock.method(performance, 'now', () => now);
    try {
      const transport = new FakeTransport();
      await using driver = new UdpDriver(transport);
      await driver.open();
      answering(driver);
      for (let port = 1; port <= 500; port++) transport.receive([get(port), '10.0.0.2', port]);
      assert.equal(driver.counters.peers, 500);
      const advance = (ms: number): void => {
        for (let step = 0; step < ms; step += 1000) {
          now += 1000;
          mock.timers.tick(1000);
        }
      };
      advance(240_000);
      assert.equal(driver.counters.peers, 500);
      advance(120_000);
      assert.equal(driver.counters.peers, 0);
      await driver.close();
    } finally {
      clock.mock.restore();
      mock.timers.reset();
    }
  });
});
