/**
 * PC/SC readers by the npm package `pcsc-mini`, for Windows and macOS. It is a native module and whoever has no card
 * reader does not need it, so it is an optional peer: the application installs it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { OperationFailed } from '@lapwing/coap';
import type { CardConnection } from '@lapwing/smartcard';
import { pcscFailed, type CardReaders, type CardReadersListener } from './card-readers.ts';
import { PROTOCOL_T0, withoutCase4Le } from './tpdu.ts';

/** What is used of `pcsc-mini`. */
export interface PcscModule {
  readonly Client: new () => PcscClient;
}

/** Follows the readers of the machine in a thread of its own from `start` to `stop`. */
export interface PcscClient {
  on(event: 'reader', listener: (reader: PcscReader) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  start(): unknown;
  stop(): void;
}

export interface PcscReader {
  name(): string;
  on(event: 'change', listener: (status: { readonly raw: number }, atr: Uint8Array) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
  connect(mode: number): Promise<PcscCard>;
}

export interface PcscCard {
  state(): Promise<{ readonly atr: Uint8Array; readonly protocol: number }>;
  transaction(): Promise<{ end(then: number): Promise<void> }>;
  transmit(input: Uint8Array): Promise<Uint8Array>;
  disconnect(then: number): Promise<void>;
}

const CARD_MODE_SHARED = 2;
const LEAVE_CARD = 0;
const READER_HAS_CARD = 0x20;
const NO_CARD = new Set(['NoSmartCard', 'RemovedCard', 'UnknownReader', 'ReaderUnavailable']);

/** It does not say when it has told of all readers: it does so at once, within a few milliseconds of each other. */
const QUIET = 50;
/** A machine without readers says nothing at all. */
const NO_READERS = 500;
/**
 * `stop` waits for the thread for ever when it comes between two waits of that thread, which is just after a change. So it
 * is called when there was none for a while.
 */
const BEFORE_STOP = 500;

/** Clients of a service that went away: `pcsc-mini` throws where nobody can catch it when one of them is collected. */
const lost: PcscClient[] = [];

export const PCSC_MINI = 'pcsc-mini';

/** @throws OperationFailed PCSC_MODULE_MISSING that says what to install. */
export async function loadPcscMini(specifier: string = PCSC_MINI): Promise<PcscModule> {
  let loaded: Partial<PcscModule> & { readonly default?: Partial<PcscModule> };
  try {
    loaded = (await import(specifier)) as typeof loaded;
  } catch (cause) {
    throw new OperationFailed(
      'PCSC_MODULE_MISSING',
      `reading smartcards needs the npm package ${PCSC_MINI} on this system: npm install ${PCSC_MINI}`,
      { retryable: false, cause },
    );
  }
  return (loaded.Client === undefined ? loaded.default : loaded) as PcscModule;
}

interface Slot {
  readonly reader: PcscReader;
  insertion: string | undefined;
}

export async function openPcscMiniReaders(pcsc: PcscModule, listener: CardReadersListener): Promise<CardReaders> {
  const slots = new Map<string, Slot>();
  const client = new pcsc.Client();
  let isOver = false;
  let lastChange = 0;
  /** Until all readers are told: what happens then. */
  let opening: { settle(): void; reject(error: OperationFailed): void } | undefined;
  const tell = (): void => {
    lastChange = performance.now();
    opening?.settle();
    if (!isOver) listener.follow([...slots].map(([name, { insertion }]) => ({ name, insertion })));
  };
  client.on('reader', (reader) => {
    const name = reader.name();
    const slot: Slot = { reader, insertion: undefined };
    slots.set(name, slot);
    reader.on('change', ({ raw }, atr) => {
      // PC/SC counts insertions and removals in the upper half; where it does not, the ATR tells most cards apart.
      const hasCard = (raw & READER_HAS_CARD) !== 0;
      slot.insertion = hasCard ? `${raw >>> 16} ${Buffer.from(atr).toString('hex')}` : undefined;
      tell();
    });
    reader.on('disconnect', () => {
      slots.delete(name);
      tell();
    });
  });
  client.on('error', (error) => {
    if (isOver) return;
    isOver = true;
    lost.push(client);
    const failure = pcscFailed(`the PC/SC service is away: ${codeOf(error)}`, error);
    if (opening === undefined) listener.fail(failure);
    else opening.reject(failure);
  });
  try {
    client.start();
  } catch (error) {
    throw pcscFailed(`the PC/SC service cannot be reached: ${codeOf(error)}`, error);
  }
  await new Promise<void>((resolve, reject) => {
    let timer = setTimeout(resolve, NO_READERS);
    opening = {
      settle(): void {
        clearTimeout(timer);
        timer = setTimeout(resolve, QUIET);
      },
      reject(error): void {
        clearTimeout(timer);
        reject(error);
      },
    };
  });
  opening = undefined;
  return {
    async connect(readerName): Promise<CardConnection | undefined> {
      const slot = slots.get(readerName);
      return slot === undefined ? undefined : connectCard(slot.reader);
    },
    async close(): Promise<void> {
      if (isOver) return;
      isOver = true;
      for (let left = BEFORE_STOP; left > 0; left = lastChange + BEFORE_STOP - performance.now()) await delay(left);
      client.stop();
    },
  };
}

/** Power the card and keep other programs off it until it is closed. */
async function connectCard(reader: PcscReader): Promise<CardConnection | undefined> {
  const broken = (error: unknown): never => {
    throw pcscFailed(`the card in ${reader.name()} could not be read: ${codeOf(error)}`, error);
  };
  let card: PcscCard;
  try {
    card = await reader.connect(CARD_MODE_SHARED);
  } catch (error) {
    if (NO_CARD.has(codeOf(error))) return undefined;
    return broken(error);
  }
  try {
    const { atr, protocol } = await card.state();
    const transaction = await card.transaction();
    return {
      atr,
      transmit: (command) => card.transmit(protocol === PROTOCOL_T0 ? withoutCase4Le(command) : command).catch(broken),
      close: () =>
        transaction
          .end(LEAVE_CARD)
          .finally(() => card.disconnect(LEAVE_CARD))
          .catch(broken),
    };
  } catch (error) {
    // Why it failed is known; that letting go of such a card fails as well is no news.
    await card.disconnect(LEAVE_CARD).catch(() => undefined);
    return broken(error);
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);
