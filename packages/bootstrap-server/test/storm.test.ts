/** 5,000 devices that ask in the same moment: all are configured, and what is held stays within its bounds. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { it } from 'node:test';
import { SimulatedNetwork, type SimulatedHost } from '@lapwing/testkit';
import type { PeerAddress } from '@lapwing/transport';
import { LwM2mBootstrapServer, type BootstrapServerOptions } from '../src/bootstrap-server.ts';
import { MemoryConfigurationStore } from '../src/configuration-store.ts';
import { RawDevice } from './raw-device.ts';
import { ONE_SERVER, SERVER } from './setup.ts';

const DEVICES = 5_000;
const nameOf = (index: number): string => `device-${index}`;

/** Everybody but every fifth has a configuration of its own; those have the default one. */
function options(): BootstrapServerOptions {
  const configurationStore = new MemoryConfigurationStore();
  configurationStore.saveDefault(ONE_SERVER);
  for (let index = 0; index < DEVICES; index++)
    if (index % 5 !== 0)
      configurationStore.save(nameOf(index), {
        ...ONE_SERVER,
        objects: [{ path: '/3/0/15', value: `zone ${index}` }],
      });
  return { configurationStore };
}

/** On the network: it repeats its request every 2 s until it is answered. */
class SimulatedRawDevice implements SimulatedHost {
  readonly device: RawDevice;
  readonly localAddress: PeerAddress;
  deadline = Infinity;
  heapIndex = -1;
  readonly #network: SimulatedNetwork;
  #next = 0;

  constructor(network: SimulatedNetwork, index: number) {
    this.#network = network;
    this.device = new RawDevice(nameOf(index));
    this.localAddress = { host: `10.8.${index >> 8}.${index & 255}`, port: 5683 };
    network.attach(this);
  }

  handleDatagram(_: number, from: PeerAddress, datagram: Uint8Array): void {
    const reply = this.device.receive(datagram);
    if (reply !== undefined) this.#network.send(this.localAddress, from, reply);
    if (this.device.answered) this.#next = Infinity;
    this.#network.reschedule(this);
  }

  handleTimeout(now: number): void {
    if (now < this.#next) return;
    this.#next = now + 2_000;
    this.#network.send(this.localAddress, SERVER, this.device.request);
  }

  nextDeadline(): number {
    return this.#next;
  }
}

it('on a lossy network, with no more than a session each and nothing left', async () => {
  const network = new SimulatedNetwork({ seed: 42, loss: 0.05, duplication: 0.02, delay: [10, 500] });
  await using server = new LwM2mBootstrapServer({ drivers: [network.driver(SERVER)], ...options() });
  const devices = Array.from({ length: DEVICES }, (_, index) => new SimulatedRawDevice(network, index));
  let most = 0;
  server.on('sessionStarted', () => (most = Math.max(most, server.usage.sessions)));
  await network.runUntilIdle();
  assert.equal(devices.filter(({ device }) => device.finished).length, DEVICES);
  assert.ok(devices.every(({ device }, index) => device.writes === (index % 5 === 0 ? 2 : 3)));
  assert.ok(most > DEVICES / 2 && most <= DEVICES, `${most} at once`);
  assert.deepEqual(server.counters, { started: DEVICES, ended: { finished: DEVICES }, refused: 0, unanswered: 0 });
  assert.deepEqual(server.usage, {
    sessions: 0,
    endedSessions: server.parameters.maxEndedSessions,
    deadlines: 0,
    pendingRequests: 0,
  });
});

it('with more than allowed, who are told to come again', async () => {
  const network = new SimulatedNetwork({ seed: 43, delay: [10, 500] });
  const parameters = { maxSessions: 500 };
  await using server = new LwM2mBootstrapServer({ drivers: [network.driver(SERVER)], ...options(), parameters });
  const devices = Array.from({ length: 2_000 }, (_, index) => new SimulatedRawDevice(network, index));
  let most = 0;
  server.on('sessionStarted', () => (most = Math.max(most, server.usage.sessions)));
  await network.runUntilIdle();
  assert.equal(most, 500);
  const { started, refused, unanswered } = server.counters;
  assert.ok(started >= 500);
  assert.equal(started, devices.filter(({ device }) => device.finished).length);
  assert.equal(started + refused - unanswered, 2_000);
  assert.equal(server.usage.sessions, 0);
});

it('over sockets of this machine', async () => {
  await using server = await LwM2mBootstrapServer.start({ coap: [{ host: '127.0.0.1', port: 0 }], ...options() });
  const { port } = server.drivers[0]!.localAddress;
  const devices = Array.from({ length: DEVICES }, (_, index) => new RawDevice(nameOf(index)));
  const sockets: Socket[] = [];
  const finished = Promise.withResolvers<void>();
  let left = DEVICES;
  server.on('sessionEnded', (_, outcome) => {
    if (outcome.kind !== 'finished') finished.reject(new Error(JSON.stringify(outcome)));
    else if (--left === 0) finished.resolve();
  });
  for (const device of devices) {
    const socket = createSocket('udp4');
    sockets.push(socket);
    socket.on('message', (datagram) => {
      const reply = device.receive(datagram);
      if (reply !== undefined) socket.send(reply, port, '127.0.0.1');
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
  }
  const ask = (): void =>
    devices.forEach((device, index) => {
      if (!device.answered) sockets[index]!.send(device.request, port, '127.0.0.1');
    });
  ask();
  // What overflows the socket of the server is asked again.
  const again = setInterval(ask, 2_000);
  try {
    await finished.promise;
  } finally {
    clearInterval(again);
    for (const socket of sockets) socket.close();
  }
  assert.equal(devices.filter((device) => device.finished).length, DEVICES);
  assert.equal(server.usage.sessions, 0);
  assert.equal(server.counters.started, DEVICES);
});
