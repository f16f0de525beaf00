/**
 * The adapter against PC/SC services made of tests: one that speaks pcscd's protocol over a socket, and one in the shape of
 * `pcsc-mini`. `interop/smartcard` has the real ones.
 */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { OperationFailed, UsageError } from '@lapwing/coap';
import { encodeBootstrapFile } from '@lapwing/smartcard';
import { VirtualCard, lwm2mCardFiles } from '@lapwing/testkit';
import { loadPcscMini, type PcscCard, type PcscModule } from './pcsc-mini-readers.ts';
import { PcscSmartcard } from './pcsc-smartcard.ts';
import { encodeNumbers, numberAt, PcscdCommands } from './pcscd-channel.ts';
import { decodeReaders } from './pcscd-readers.ts';
import { withoutCase4Le } from './tpdu.ts';

const objectsOf = (byte: number) => [{ objectId: 0, version: undefined, instances: Uint8Array.of(byte) }] as const;
const cardOf = (byte: number): VirtualCard =>
  new VirtualCard(lwm2mCardFiles({ file: encodeBootstrapFile(objectsOf(byte)) }));
const isFailure =
  (code: string, message: RegExp) =>
  (error: unknown): boolean =>
    error instanceof OperationFailed && error.code === code && message.test(error.message);

describe('withoutCase4Le (ISO 7816-3 §12.2)', () => {
  for (const [name, command, expected] of [
    ['case 1', '00708001', '00708001'],
    ['case 2', '00b00000ff', '00b00000ff'],
    ['case 2 of 256 bytes', '00b0000000', '00b0000000'],
    ['case 3', '00a4000c023f00', '00a4000c023f00'],
    ['case 4', '00a40004023f0000', '00a40004023f00'],
  ] as const) {
    it(name, () => assert.equal(Buffer.from(withoutCase4Le(Buffer.from(command, 'hex'))).toString('hex'), expected));
  }
});

describe('the state of readers as pcscd has it', () => {
  it('a place without a name is empty, and an ATR is no longer than its place', () => {
    const state = new Uint8Array(3 * 184);
    state.set(new TextEncoder().encode('Reader 00 00'), 184);
    state.set(encodeNumbers(7, 0x34), 184 + 128);
    state.fill(0x3b, 184 + 140, 184 + 176);
    state.set(encodeNumbers(34), 184 + 176);
    const [reader, ...others] = decodeReaders(state);
    assert.deepEqual(others, []);
    assert.deepEqual([reader!.name, reader!.events, reader!.isPresent], ['Reader 00 00', 7, true]);
    assert.equal(reader!.atr.length, 33);
    assert.deepEqual(decodeReaders(state.subarray(0, 2 * 184 - 1)), []);
  });
});

/** A service with one reader, which speaks pcscd's protocol. */
class Pcscd {
  readonly path: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  card: VirtualCard | undefined;
  minor = 4;
  /** Return codes by command, instead of success; the last one stays. */
  readonly codes = new Map<number, number[]>();
  /** Commands that were asked for. */
  readonly asked: number[] = [];
  #events = 0;
  #waiting: Socket | undefined;

  constructor(path: string) {
    this.path = path;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  async start(): Promise<void> {
    this.#server.listen(this.path);
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.hangUp();
    await closed;
  }

  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  get connections(): number {
    return this.#sockets.size;
  }

  put(card: VirtualCard | undefined): void {
    this.card = card;
    this.#events++;
    this.#waiting?.write(encodeNumbers(0, 0));
    this.#waiting = undefined;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let received = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 8) {
        const [size, command] = [numberAt(received, 0), numberAt(received, 4)];
        const sent = command === PcscdCommands.transmit && received.length >= 40 ? numberAt(received, 8 + 12) : 0;
        if (received.length < 8 + size + sent) return;
        const body = received.subarray(8, 8 + size);
        const extra = received.subarray(8 + size, 8 + size + sent);
        received = received.subarray(8 + size + sent);
        this.asked.push(command);
        // In pieces, as a stream may come.
        const answer = this.#answer(socket, command, body, extra);
        socket.write(answer.subarray(0, 5));
        socket.write(answer.subarray(5));
      }
    });
  }

  #code(command: number): number {
    const codes = this.codes.get(command) ?? [0];
    return codes.length > 1 ? codes.shift()! : codes[0]!;
  }

  #answer(socket: Socket, command: number, body: Uint8Array, extra: Uint8Array): Uint8Array {
    const code = this.#code(command);
    switch (command) {
      case PcscdCommands.version:
        return encodeNumbers(4, this.minor, numberAt(body, 4) === this.minor ? code : 0x8010001e);
      case PcscdCommands.waitReaderStateChange:
        this.#waiting = socket;
        return this.#states();
      case PcscdCommands.getReadersState:
        return this.#states();
      case PcscdCommands.establishContext:
        return encodeNumbers(2, 77, code);
      case PcscdCommands.connect: {
        const answer = Uint8Array.from(body);
        answer.set(encodeNumbers(99, 2, this.card === undefined ? 0x8010000c : code), 4 + 128 + 8);
        return answer;
      }
      case PcscdCommands.transmit: {
        const answer = code === 0 ? this.card!.respond(extra) : new Uint8Array(0);
        return Buffer.concat([body.subarray(0, 24), encodeNumbers(answer.length, code), answer]);
      }
      default:
        return Buffer.concat([body.subarray(0, -4), encodeNumbers(code)]);
    }
  }

  #states(): Uint8Array {
    const states = new Uint8Array(16 * 184);
    states.set(new TextEncoder().encode('Reader 00 00'));
    states.set(encodeNumbers(this.#events, this.card === undefined ? 0x02 : 0x34), 128);
    if (this.card !== undefined) {
      states.set(this.card.atr, 140);
      states.set(encodeNumbers(this.card.atr.length), 176);
    }
    return states;
  }
}

describe('PcscSmartcard over the socket of pcscd', () => {
  let folder: string;
  let pcscd: Pcscd;
  const changeOf = (smartcard: PcscSmartcard): Promise<void> =>
    new Promise((resolve) => {
      const end = smartcard.onChange(() => {
        end();
        resolve();
      });
    });
  const open = (options = {}): Promise<PcscSmartcard> =>
    PcscSmartcard.open({ socketPath: pcscd.path, retryInterval: 5, ...options });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pcscd-'));
    pcscd = new Pcscd(join(folder, 'comm'));
    await pcscd.start();
  });
  afterEach(async () => {
    await pcscd.stop();
    await rm(folder, { recursive: true });
  });

  it('reads the card that is in, tells of changes, and lets go of everything', async () => {
    pcscd.put(cardOf(1));
    const smartcard = await open();
    assert.deepEqual(smartcard.readerNames, ['Reader 00 00']);
    assert.deepEqual((await smartcard.read())?.objects[0]?.instances, Uint8Array.of(1));
    const out = changeOf(smartcard);
    pcscd.put(undefined);
    await out;
    assert.equal(await smartcard.read(), undefined);
    const into = changeOf(smartcard);
    pcscd.put(cardOf(2));
    await into;
    assert.deepEqual((await smartcard.read())?.objects[0]?.instances, Uint8Array.of(2));
    // Swapped between two looks: the count of events tells.
    const swapped = changeOf(smartcard);
    pcscd.put(cardOf(3));
    await swapped;
    assert.deepEqual((await smartcard.read())?.objects[0]?.instances, Uint8Array.of(3));
    await smartcard.close();
    await assert.rejects(smartcard.read(), isFailure('CLOSED', /closed/));
    while (pcscd.connections > 0) await new Promise(setImmediate);
  });

  it('speaks 4.5 to a service that wants it, and no other version', async () => {
    pcscd.minor = 5;
    await (await open()).close();
    for (const minor of [3, 6]) {
      pcscd.minor = minor;
      await assert.rejects(open(), isFailure('PCSC_FAILED', new RegExp(`speaks protocol 4\\.${minor}, not 4\\.4`)));
    }
  });

  it('a service that is not there, and a PIN that is none', async () => {
    await assert.rejects(
      open({ socketPath: join(folder, 'none') }),
      isFailure('PCSC_FAILED', /cannot be reached: ENOENT/),
    );
    await assert.rejects(open({ pin: { code: 'abc' } }), UsageError);
  });

  it('a card that PC/SC does not power is a failure with its name, one that is gone by then is no card', async () => {
    pcscd.put(cardOf(1));
    await using smartcard = await open();
    pcscd.codes.set(PcscdCommands.connect, [0x80100066, 0]);
    await assert.rejects(
      smartcard.read(),
      isFailure('PCSC_FAILED', /no connection to the card in Reader 00 00: SCARD_W_UNRESPONSIVE_CARD/),
    );
    assert.notEqual(await smartcard.read(), undefined);
    pcscd.codes.set(PcscdCommands.connect, [0x80100069, 0]);
    assert.equal(await smartcard.read(), undefined);
    while (pcscd.connections > 1) await new Promise(setImmediate);
    pcscd.codes.set(PcscdCommands.transmit, [0, 0, 0x80100068, 0]);
    await assert.rejects(smartcard.read(), isFailure('PCSC_FAILED', /SCARD_W_RESET_CARD/));
    assert.notEqual(await smartcard.read(), undefined);
  });

  it('waits while another program has the card to itself, and not for ever', async (t) => {
    pcscd.put(cardOf(1));
    await using smartcard = await open();
    const BUSY = 0x8010000b;
    pcscd.codes.set(PcscdCommands.beginTransaction, [BUSY, BUSY, 0]);
    assert.notEqual(await smartcard.read(), undefined);
    const asked = (): number => pcscd.asked.filter((command) => command === PcscdCommands.beginTransaction).length;
    assert.equal(asked(), 3);
    pcscd.codes.set(PcscdCommands.beginTransaction, [BUSY]);
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const reading = assert.rejects(
      smartcard.read(),
      isFailure('PCSC_FAILED', /transaction .*SCARD_E_SHARING_VIOLATION/),
    );
    let isOver = false;
    void reading.finally(() => (isOver = true));
    while (!isOver) {
      t.mock.timers.tick(100);
      await new Promise(setImmediate);
    }
    await reading;
    assert.equal(asked(), 3 + 51);
  });

  it('a service that hangs up is told of and found again', async () => {
    pcscd.put(cardOf(1));
    await using smartcard = await open();
    const away = changeOf(smartcard);
    await pcscd.stop();
    await away;
    await assert.rejects(smartcard.read(), isFailure('PCSC_FAILED', /hung up|cannot be reached/));
    const back = changeOf(smartcard);
    pcscd = new Pcscd(pcscd.path);
    pcscd.put(cardOf(2));
    await pcscd.start();
    await back;
    assert.deepEqual((await smartcard.read())?.objects[0]?.instances, Uint8Array.of(2));
  });

  it('a service that hangs up while a card is read fails the reading', async () => {
    pcscd.put(cardOf(1));
    await using smartcard = await open();
    const { card } = pcscd;
    card!.respond = () => {
      pcscd.hangUp();
      return Uint8Array.of(0x90, 0x00);
    };
    await assert.rejects(smartcard.read(), isFailure('PCSC_FAILED', /hung up|cannot be reached/));
  });
});

/** A reader in the shape of `pcsc-mini`. */
class Reader extends EventEmitter {
  readonly sent: Uint8Array[] = [];
  readonly #name: string;
  card: VirtualCard | undefined;
  error: Error | undefined;
  protocol = 1;
  events = 0;

  constructor(name: string, card?: VirtualCard) {
    super();
    this.#name = name;
    this.card = card;
  }

  name(): string {
    return this.#name;
  }

  tell(): void {
    this.emit('change', { raw: (++this.events << 16) | (this.card === undefined ? 0x12 : 0x22) }, new Uint8Array(0));
  }

  async connect(): Promise<PcscCard> {
    if (this.error !== undefined) throw this.error;
    const { card } = this;
    return {
      state: async () => ({ atr: card!.atr, protocol: this.protocol }),
      transaction: async () => ({ end: async () => undefined }),
      transmit: async (command) => {
        this.sent.push(command);
        return card!.respond(command);
      },
      disconnect: async () => undefined,
    };
  }
}

describe('PcscSmartcard over pcsc-mini', () => {
  const pcscError = (code: string): Error => Object.assign(new Error(code), { code });

  function moduleWith(readers: readonly Reader[], startError?: Error) {
    const clients: EventEmitter[] = [];
    class Client extends EventEmitter {
      isStopped = false;
      start(): void {
        if (startError !== undefined) throw startError;
        clients.push(this);
        setImmediate(() => {
          for (const reader of readers) {
            this.emit('reader', reader);
            reader.tell();
          }
        });
      }
      stop(): void {
        this.isStopped = true;
      }
    }
    return { pcsc: { Client } as PcscModule, clients };
  }

  it('the first reader whose card has data, over T=0 without the Le of commands with data', async () => {
    const readers = [
      new Reader('empty'),
      new Reader('foreign', new VirtualCard(lwm2mCardFiles({}))),
      new Reader('ours', cardOf(1)),
    ];
    const { pcsc } = moduleWith(readers);
    await using smartcard = await PcscSmartcard.open({ pcsc });
    assert.deepEqual(smartcard.readerNames, ['empty', 'foreign', 'ours']);
    assert.deepEqual((await smartcard.read())?.objects[0]?.instances, Uint8Array.of(1));
    const select = readers[2]!.sent.find(([, instruction]) => instruction === 0xa4)!;
    assert.equal(select.length, 5 + select[4]!);
  });

  it('one reader by name; one card that fails does not hide another, and is told when there is none', async () => {
    const readers = [new Reader('one', cardOf(1)), new Reader('two', cardOf(2))];
    readers[0]!.error = pcscError('UnresponsiveCard');
    const { pcsc } = moduleWith(readers);
    await using both = await PcscSmartcard.open({ pcsc });
    assert.deepEqual((await both.read())?.objects[0]?.instances, Uint8Array.of(2));
    const named = moduleWith([readers[0]!]);
    await using one = await PcscSmartcard.open({ pcsc: named.pcsc, readerName: 'one' });
    await assert.rejects(one.read(), isFailure('PCSC_FAILED', /the card in one could not be read: UnresponsiveCard/));
    readers[0]!.error = pcscError('NoSmartCard');
    assert.equal(await one.read(), undefined);
  });

  it('changes of cards are told, other changes are not', async () => {
    const reader = new Reader('one');
    const { pcsc } = moduleWith([reader]);
    await using smartcard = await PcscSmartcard.open({ pcsc });
    let changes = 0;
    const end = smartcard.onChange(() => changes++);
    reader.tell();
    assert.equal(changes, 0);
    reader.card = cardOf(1);
    reader.tell();
    assert.equal(changes, 1);
    reader.emit('change', { raw: (reader.events << 16) | 0x122 }, new Uint8Array(0));
    assert.equal(changes, 1);
    reader.emit('disconnect');
    assert.equal(changes, 2);
    end();
    reader.tell();
    assert.equal(changes, 2);
  });

  it('a service that cannot be reached, and one that goes away', async () => {
    const { pcsc } = moduleWith([], pcscError('NoService'));
    await assert.rejects(PcscSmartcard.open({ pcsc }), isFailure('PCSC_FAILED', /cannot be reached: NoService/));
    const away = moduleWith([new Reader('one', cardOf(1))]);
    await using smartcard = await PcscSmartcard.open({ pcsc: away.pcsc, retryInterval: 1 });
    away.clients[0]!.emit('error', pcscError('CommError'));
    await assert.rejects(smartcard.read(), isFailure('PCSC_FAILED', /is away: CommError/));
    await new Promise<void>((resolve) => void smartcard.onChange(resolve));
    while ((await smartcard.read().catch(() => undefined)) === undefined) await new Promise(setImmediate);
    assert.equal(away.clients.length, 2);
  });

  it('a PIN that is none is refused before any reader appears', async () => {
    await assert.rejects(PcscSmartcard.open({ pcsc: moduleWith([]).pcsc, pin: { code: 'abc' } }), UsageError);
  });

  it('is not stopped just after a change, which is when it would wait for ever', async () => {
    const reader = new Reader('one', cardOf(1));
    const { clients, pcsc } = moduleWith([reader]);
    const smartcard = await PcscSmartcard.open({ pcsc });
    const [client] = clients as (EventEmitter & { readonly isStopped: boolean })[];
    reader.tell();
    const closing = smartcard.close();
    await new Promise(setImmediate);
    assert.equal(client!.isStopped, false);
    await closing;
    assert.equal(client!.isStopped, true);
  });

  it('is not installed: one error says what to install', async () => {
    await assert.rejects(
      loadPcscMini('pcsc-mini-that-nobody-has'),
      isFailure('PCSC_MODULE_MISSING', /npm install pcsc-mini$/),
    );
  });
});
