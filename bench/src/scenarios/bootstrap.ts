/**
 * A Bootstrap beside as many bare CoAP requests, on the simulated network: what sessions, plans and payloads add. All in
 * this process, no sockets; the cost of the network and of the devices is in both figures.
 */
import { LwM2mBootstrapServer, MemoryConfigurationStore } from '@lapwing/bootstrap-server';
import {
  buildOptions,
  Codes,
  CONTENT_FORMATS,
  decodeMessage,
  encodeMessage,
  messageId,
  MessageType,
  type OutgoingRequest,
} from '@lapwing/coap';
import { SimulatedNetwork, type SimulatedDriver, type SimulatedHost } from '@lapwing/testkit';
import { figure, type Scenario, type Table } from '../scenario.ts';
import { Samples } from '../statistics.ts';

const SERVER = { host: '10.255.0.1', port: 5683 };
const EMPTY = new Uint8Array(0);
const DISCOVERY = new TextEncoder().encode('</>;lwm2m=1.1,</0/0>,</1>,</3/0>');
/** The request of the device; then Discover, Writes of Security and Server, Finish. */
const REQUESTS = 4;

/** Says yes to everything. */
class Device implements SimulatedHost {
  readonly localAddress: { readonly host: string; readonly port: number };
  deadline = Infinity;
  heapIndex = -1;
  readonly #name: string;
  readonly #network: SimulatedNetwork;

  constructor(network: SimulatedNetwork, index: number) {
    this.#name = `device-${index}`;
    this.localAddress = { host: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, port: 5683 };
    this.#network = network;
    network.attach(this);
  }

  ask(): void {
    const options = buildOptions({ uriPath: ['bs'], uriQuery: [`ep=${this.#name}`] });
    const head = { type: MessageType.confirmable, code: Codes.post, messageId: messageId(1), token: EMPTY };
    this.#network.send(this.localAddress, SERVER, encodeMessage({ ...head, options, payload: EMPTY }));
  }

  handleDatagram(_now: number, _from: unknown, datagram: Uint8Array): void {
    const message = decodeMessage(datagram);
    if ('malformed' in message) throw new Error(message.malformed);
    if (message.type !== MessageType.confirmable) return;
    const discovers = message.code === Codes.get;
    const answer = {
      ...message,
      type: MessageType.acknowledgement,
      code: discovers ? Codes.content : Codes.changed,
      options: discovers ? buildOptions({ contentFormat: CONTENT_FORMATS.linkFormat.number }) : [],
      payload: discovers ? DISCOVERY : EMPTY,
    };
    this.#network.send(this.localAddress, SERVER, encodeMessage(answer));
  }

  handleTimeout(): void {
    // It waits for nothing.
  }

  nextDeadline(): number {
    return Infinity;
  }
}

function devicesOf(network: SimulatedNetwork, size: number): readonly Device[] {
  return Array.from({ length: size }, (_, index) => new Device(network, index));
}

const newNetwork = (): SimulatedNetwork => new SimulatedNetwork({ delay: [1, 1] });
const newDriver = (network: SimulatedNetwork): SimulatedDriver =>
  network.driver(SERVER, { exchangeLifetime: 1_000, nonLifetime: 1_000 });

/** CPU time of this process in µs, collections included. */
async function cpuMicroseconds(of: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await of();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

async function bootstraps(size: number): Promise<number> {
  const network = newNetwork();
  const configurationStore = new MemoryConfigurationStore();
  configurationStore.saveDefault({
    servers: [{ shortServerId: 1, uri: 'coap://192.0.2.1:5683', security: { mode: 'none' } }],
  });
  const parameters = { maxSessions: size, maxSessionsPerAddress: size };
  await using server = new LwM2mBootstrapServer({ drivers: [newDriver(network)], configurationStore, parameters });
  const devices = devicesOf(network, size);
  const cpu = await cpuMicroseconds(() => {
    for (const device of devices) device.ask();
    return network.run(60_000);
  });
  const { finished = 0 } = server.counters.ended;
  if (finished !== size) throw new Error(`${finished} of ${size} devices were configured`);
  return cpu / size;
}

async function bareRequests(size: number): Promise<number> {
  const network = newNetwork();
  const driver = newDriver(network);
  const request: OutgoingRequest = {
    code: Codes.put,
    options: buildOptions({ uriPath: ['1', '0'], contentFormat: CONTENT_FORMATS.tlv.number }),
    payload: new Uint8Array(24),
  };
  let answered = 0;
  driver.onEvent = (event) => {
    if (event.kind !== 'response') return;
    answered++;
    const left = (event.exchange.context as number) - 1;
    if (left === 0) return;
    const { peer } = event.exchange;
    driver.turn((now, out) => driver.endpoint.request(now, peer, { ...request, context: left }, out));
  };
  const devices = devicesOf(network, size);
  const cpu = await cpuMicroseconds(() => {
    for (const { localAddress } of devices) {
      const peer = driver.peer(localAddress);
      driver.turn((now, out) => driver.endpoint.request(now, peer, { ...request, context: REQUESTS }, out));
    }
    return network.run(60_000);
  });
  if (answered !== size * REQUESTS) throw new Error(`${answered} of ${size * REQUESTS} requests were answered`);
  await driver.close();
  return cpu / size;
}

export const bootstrap: Scenario = {
  name: 'bootstrap',
  description: 'a Bootstrap of 5,000 devices at once, beside as many bare CoAP requests',
  async run({ quick, progress }) {
    const size = quick ? 500 : 5_000;
    const rounds = quick ? 1 : 5;
    const samples = new Samples();
    // Both have been compiled before they are measured.
    await bootstraps(500);
    await bareRequests(500);
    for (let round = 0; round < rounds; round++) {
      progress(`bootstrap: round ${round + 1} of ${rounds}`);
      samples.add('bootstrap', await bootstraps(size));
      samples.add('bare', await bareRequests(size));
    }
    const one = samples.median('bootstrap')!;
    const bare = samples.median('bare')!;
    const table: Table = {
      title: `Bootstrap of ${size} devices at once, median of ${rounds} rounds`,
      columns: ['', 'CPU µs per device'],
      rows: [
        [`Bootstrap: its request, then ${REQUESTS} requests to the device`, figure(one)],
        [`${REQUESTS} bare CoAP requests`, figure(bare)],
        ['ratio', figure(one / bare, 2)],
      ],
      notes: ['on the simulated network, whose own cost and that of the devices is in both figures'],
    };
    return { tables: [table], data: samples };
  },
};
