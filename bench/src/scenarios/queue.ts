/**
 * Devices in queue mode on the simulated network: what it costs to keep a Read for each of a sleeping fleet, and to send
 * it when the device wakes. And a Read-Composite of 20 Resources beside 20 Reads. All in this process, no sockets.
 */
import {
  buildOptions,
  Codes,
  CONTENT_FORMATS,
  decodeMessage,
  encodeMessage,
  messageId,
  MessageType,
  type Message,
} from '@lapwing/coap';
import { encodePayload, floatValue, isMalformed, ObjectDefinitions, resourcePath, ROOT } from '@lapwing/lwm2m';
import { LwM2mServer } from '@lapwing/server';
import { SimulatedNetwork, type SimulatedHost } from '@lapwing/testkit';
import { figure, type Scenario, type ScenarioContext, type Table } from '../scenario.ts';
import { Samples } from '../statistics.ts';

const SERVER = { host: '10.255.0.1', port: 5683 };
const VALUE = resourcePath(3303, 0, 5700);
const COMPOSITE = Array.from({ length: 20 }, (_, instance) => resourcePath(3303, instance, 5700));
const EMPTY = new Uint8Array(0);

/** Answers every request at once; says nothing by itself. */
class Device implements SimulatedHost {
  readonly localAddress: { readonly host: string; readonly port: number };
  deadline = Infinity;
  heapIndex = -1;
  readonly name: string;
  #location: readonly string[] = [];
  #messageId = 0;
  readonly #network: SimulatedNetwork;

  constructor(network: SimulatedNetwork, index: number) {
    this.name = `device-${index}`;
    this.localAddress = { host: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, port: 5683 };
    this.#network = network;
    network.attach(this);
  }

  register(queueMode: boolean): void {
    const uriQuery = [`ep=${this.name}`, 'lt=86400', 'lwm2m=1.1', 'b=U', ...(queueMode ? ['Q'] : [])];
    this.#send({
      code: Codes.post,
      options: buildOptions({ uriPath: ['rd'], contentFormat: CONTENT_FORMATS.linkFormat.number, uriQuery }),
      payload: new TextEncoder().encode('</3303/0>'),
    });
  }

  update(): void {
    this.#send({ code: Codes.post, options: buildOptions({ uriPath: this.#location }), payload: EMPTY });
  }

  handleDatagram(_now: number, _from: unknown, datagram: Uint8Array): void {
    const message = decodeMessage(datagram);
    if ('malformed' in message) throw new Error(message.malformed);
    if (message.code === Codes.created) {
      this.#location = message.options.filter(({ number }) => number === 8).map(({ value }) => decodeText(value));
    } else if (message.code === Codes.get || message.code === Codes.fetch) {
      const composite = message.code === Codes.fetch;
      const format = composite ? CONTENT_FORMATS.senmlCbor.number : CONTENT_FORMATS.text.number;
      this.#network.send(
        this.localAddress,
        SERVER,
        encodeMessage({
          ...message,
          type: MessageType.acknowledgement,
          code: Codes.content,
          options: buildOptions({ contentFormat: format }),
          payload: composite ? COMPOSITE_PAYLOAD : VALUE_PAYLOAD,
        }),
      );
    }
  }

  handleTimeout(): void {
    // It waits for nothing.
  }

  nextDeadline(): number {
    return Infinity;
  }

  #send(part: Pick<Message, 'code' | 'options' | 'payload'>): void {
    const message = { type: MessageType.confirmable, messageId: messageId(++this.#messageId & 0xffff), token: EMPTY };
    this.#network.send(this.localAddress, SERVER, encodeMessage({ ...message, ...part }));
  }
}

const decodeText = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const VALUE_PAYLOAD = new TextEncoder().encode('21.5');
const COMPOSITE_PAYLOAD = compositePayload();

function compositePayload(): Uint8Array {
  const entries = COMPOSITE.map((path) => ({ kind: 'value', path, value: floatValue(21.5) }) as const);
  const context = { path: ROOT, definitions: new ObjectDefinitions() };
  const payload = encodePayload(CONTENT_FORMATS.senmlCbor.number, entries, context);
  if (isMalformed(payload)) throw new Error(payload.malformed);
  return payload;
}

interface Fleet {
  readonly network: SimulatedNetwork;
  readonly server: LwM2mServer;
  readonly devices: readonly Device[];
}

function registeredFleet(size: number, queueMode: boolean): Fleet {
  const network = new SimulatedNetwork({ delay: [0, 0] });
  const server = new LwM2mServer({
    drivers: [network.driver(SERVER, { exchangeLifetime: 1_000, nonLifetime: 1_000 })],
  });
  const devices = Array.from({ length: size }, (_, index) => new Device(network, index));
  for (const device of devices) device.register(queueMode);
  network.runSynchronously(10);
  if (server.registrationCount !== size) throw new Error(`${server.registrationCount} of ${size} devices registered`);
  return { network, server, devices };
}

/** CPU time of this process in µs, collections included. */
function cpuMicroseconds(of: () => void): number {
  const before = process.cpuUsage();
  of();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function heapUsed(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

export const queue: Scenario = {
  name: 'queue',
  description: 'requests that wait for 1,000 and 100,000 sleeping devices; Read-Composite beside single Reads',
  run: async (context) => {
    const waiting = await measureQueues(context);
    const composite = await measureComposite(context);
    return { tables: [waiting.table, composite.table], data: { queue: waiting.data, composite: composite.data } };
  },
};

async function measureQueues({ quick, progress }: ScenarioContext): Promise<{ table: Table; data: Samples }> {
  const fleets = quick ? [1_000] : [1_000, 100_000];
  const rounds = quick ? 1 : 3;
  const samples = new Samples();
  for (let round = 0; round < rounds; round++) {
    for (const size of fleets) {
      progress(`queue: round ${round + 1} of ${rounds}, ${size} devices`);
      const { network, server, devices } = registeredFleet(size, true);
      network.runSynchronously(200_000);
      const key = (what: string): string => `${what}, ${size}`;
      const before = heapUsed();
      let answered = 0;
      const keep = cpuMicroseconds(() => {
        for (const { name } of devices) {
          server
            .device(name)!
            .read(VALUE, { timeout: 3_600_000 })
            .then((outcome) => void (outcome.ok && answered++), rethrow);
        }
      });
      samples.add(key('keep'), keep / size);
      samples.add(key('bytes'), (heapUsed() - before) / size);
      // A thousand of them wake, however large the fleet.
      const step = size / 1_000;
      const wake = cpuMicroseconds(() => {
        for (let index = 0; index < size; index += step) {
          devices[Math.floor(index)]!.update();
          network.runSynchronously(1);
        }
      });
      await network.run(1);
      if (answered !== 1_000) throw new Error(`${answered} of 1000 devices that woke were asked`);
      samples.add(key('wake'), wake / 1_000);
      await server.close();
    }
  }
  const row = (name: string, what: string, digits: number): readonly string[] => [
    name,
    ...fleets.map((size) => figure(samples.median(`${what}, ${size}`), digits)),
  ];
  return {
    table: {
      title: `Queue mode: a Read for every sleeping device, median of ${rounds} rounds`,
      columns: ['', ...fleets.map((size) => `${size} devices`)],
      rows: [
        row('keep a Read, CPU µs', 'keep', 1),
        row('waiting Read, bytes of heap', 'bytes', 0),
        row('wake: Update, its answer, the Read, its answer, CPU µs', 'wake', 1),
      ],
      notes: ['on the simulated network, whose own cost is in the figures of waking'],
    },
    data: samples,
  };
}

async function measureComposite({ quick, progress }: ScenarioContext): Promise<{ table: Table; data: Samples }> {
  progress('queue: Read-Composite');
  const rounds = quick ? 1 : 9;
  const operations = quick ? 200 : 2_000;
  const { network, server, devices } = registeredFleet(1, false);
  const device = server.device(devices[0]!.name)!;
  const samples = new Samples();
  const variants: Readonly<Record<string, () => Promise<unknown>>> = {
    composite: () => device.readComposite(COMPOSITE),
    single: () => Promise.all(COMPOSITE.map((path) => device.read(path))),
  };
  const measure = async (operation: () => Promise<unknown>): Promise<number> => {
    const before = process.cpuUsage();
    for (let count = 0; count < operations; count++) {
      const answer = operation();
      network.runSynchronously(1);
      await answer;
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / operations;
  };
  for (const operation of Object.values(variants)) await measure(operation);
  for (let round = 0; round < rounds; round++)
    for (const [name, operation] of Object.entries(variants)) samples.add(name, await measure(operation));
  await server.close();
  const [composite, single] = [samples.median('composite')!, samples.median('single')!];
  return {
    table: {
      title: `20 Resources of one device, SenML CBOR, median of ${rounds} interleaved rounds`,
      columns: ['operation', 'CPU µs', 'compared'],
      rows: [
        ['one Read-Composite', figure(composite), ''],
        ['20 Reads', figure(single), `${figure(single / composite, 2)}×`],
      ],
      notes: ['server, simulated network and device together, without a socket'],
    },
    data: samples,
  };
}

function rethrow(error: unknown): void {
  const { code } = error as { readonly code?: string };
  // Those that never woke, when the server is closed.
  if (code !== 'CLOSED') throw error;
}
