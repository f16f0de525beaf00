/**
 * A `SmartcardSource` over the PC/SC readers of the machine. It follows which cards are in, tells when that changes, and
 * finds the service again when it went away.
 */
import { OperationFailed } from '@lapwing/coap';
import { smartcardSource } from '@lapwing/smartcard';
import type { CardConnection, CardPin, SmartcardContent, SmartcardReading, SmartcardSource } from '@lapwing/smartcard';
import { pcscFailed, type CardReaders, type OpenCardReaders, type ReaderState } from './card-readers.ts';
import { loadPcscMini, openPcscMiniReaders, type PcscModule } from './pcsc-mini-readers.ts';
import { openPcscdReaders } from './pcscd-readers.ts';

export interface PcscSmartcardOptions {
  /** The reader with this name only. Default: every reader, in the order in which PC/SC has them. */
  readonly readerName?: string;
  /** For a card whose file is private. */
  readonly pin?: CardPin;
  /** Commands that reading one card may take. Default as `readCard`. */
  readonly maxCommands?: number;
  /** How a reading of a card went, for logs. */
  readonly onReading?: (readerName: string, reading: SmartcardReading) => void;
  /** Time between attempts to reach a PC/SC service that went away. Default 5000. */
  readonly retryInterval?: number;
  /** Where pcscd listens. Default: what PCSCLITE_CSOCK_NAME says, else `/run/pcscd/pcscd.comm`. */
  readonly socketPath?: string;
  /** Use `pcsc-mini` instead of the socket. Default: on Windows and macOS, which have none, `import('pcsc-mini')`. */
  readonly pcsc?: PcscModule;
}

interface Slot {
  readonly source: SmartcardSource;
  readonly insertion: string | undefined;
}

const DEFAULT_RETRY_INTERVAL = 5000;
const DEFAULT_SOCKET_PATH = '/run/pcscd/pcscd.comm';

export class PcscSmartcard implements SmartcardSource, AsyncDisposable {
  readonly #openReaders: OpenCardReaders;
  readonly #options: PcscSmartcardOptions;
  readonly #listeners = new Set<() => void>();
  /** By name. */
  #slots: ReadonlyMap<string, Slot> = new Map();
  #readers: CardReaders | undefined;
  /** Why there are none. */
  #failure: OperationFailed | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Follow the readers of the machine. Resolves when it is known which cards are in.
   *
   * @throws OperationFailed PCSC_MODULE_MISSING without `pcsc-mini` where it is needed, PCSC_FAILED when the PC/SC service
   *   cannot be reached; UsageError for a `pin` that is none.
   */
  static async open(options: PcscSmartcardOptions = {}): Promise<PcscSmartcard> {
    const smartcard = new PcscSmartcard(options, await wayToPcsc(options));
    await smartcard.#open();
    return smartcard;
  }

  private constructor(options: PcscSmartcardOptions, openReaders: OpenCardReaders) {
    this.#options = options;
    this.#openReaders = openReaders;
    // Refuses a PIN that is none now, and not when a reader appears.
    this.#sourceOver('', async () => undefined);
  }

  /** Names of the readers that there are. */
  get readerNames(): readonly string[] {
    return [...this.#slots.keys()];
  }

  /**
   * What the first card has that has anything for LwM2M. Readings do not overlap.
   *
   * @throws OperationFailed PCSC_FAILED, which is retryable: the service is away, or a card was taken out while it was
   *   read. CLOSED after `close`.
   */
  read(): Promise<SmartcardContent | undefined> {
    const reading = this.#last.then(() => this.#read());
    // The next reading begins when this one has ended, however it did; whoever asked for this one is told.
    this.#last = reading.catch(() => undefined);
    return reading;
  }

  /**
   * Call the listener whenever a card is put in or taken out, and when the service goes away and comes back.
   *
   * @returns what ends it.
   */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Let go of PC/SC, once a reading that is on has ended. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#listeners.clear();
    await this.#last;
    await this.#readers?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #read(): Promise<SmartcardContent | undefined> {
    if (this.#isClosed) throw new OperationFailed('CLOSED', 'the card reader is closed', { retryable: false });
    if (this.#readers === undefined) throw this.#failure ?? pcscFailed('the PC/SC service is away');
    let failure: OperationFailed | undefined;
    for (const { insertion, source } of this.#slots.values()) {
      if (insertion === undefined) continue;
      try {
        const content = await source.read();
        if (content !== undefined) return content;
      } catch (error) {
        // One card does not hide another. What a listener throws is not the reader's.
        if (!(error instanceof OperationFailed)) throw error;
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    return undefined;
  }

  async #open(): Promise<void> {
    const readers = await this.#openReaders({
      follow: (states) => this.#follow(states),
      fail: (error) => this.#fail(error),
    });
    if (this.#isClosed) await readers.close();
    else this.#readers = readers;
  }

  #follow(states: readonly ReaderState[]): void {
    const { readerName } = this.#options;
    const before = this.#slots;
    const wanted = states.filter(({ name }) => readerName === undefined || name === readerName);
    this.#slots = new Map(
      wanted.map(({ insertion, name }) => {
        const source = before.get(name)?.source ?? this.#sourceOver(name, async () => this.#readers?.connect(name));
        return [name, { source, insertion }];
      }),
    );
    // While the way to PC/SC opens, nothing can be read; it is told of afterwards.
    if (this.#readers !== undefined && insertionsOf(before) !== insertionsOf(this.#slots)) this.#changed();
  }

  #sourceOver(name: string, connect: () => Promise<CardConnection | undefined>): SmartcardSource {
    const { maxCommands, onReading, pin } = this.#options;
    return smartcardSource({
      connect,
      ...(pin === undefined ? {} : { pin }),
      ...(maxCommands === undefined ? {} : { maxCommands }),
      ...(onReading === undefined ? {} : { onReading: (reading) => onReading(name, reading) }),
    });
  }

  #fail(error: OperationFailed): void {
    this.#readers = undefined;
    this.#failure = error;
    this.#slots = new Map();
    this.#scheduleRetry();
    this.#changed();
  }

  #scheduleRetry(): void {
    if (this.#isClosed) return;
    this.#retry = setTimeout(() => void this.#reopen(), this.#options.retryInterval ?? DEFAULT_RETRY_INTERVAL);
  }

  async #reopen(): Promise<void> {
    try {
      await this.#open();
      this.#changed();
    } catch (error) {
      if (!(error instanceof OperationFailed)) throw error;
      this.#failure = error;
      this.#scheduleRetry();
    }
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

async function wayToPcsc({ pcsc, socketPath }: PcscSmartcardOptions): Promise<OpenCardReaders> {
  const hasNoSocket = process.platform === 'win32' || process.platform === 'darwin';
  if (pcsc !== undefined || (hasNoSocket && socketPath === undefined)) {
    const loaded = pcsc ?? (await loadPcscMini());
    return (listener) => openPcscMiniReaders(loaded, listener);
  }
  const path = socketPath ?? process.env['PCSCLITE_CSOCK_NAME'] ?? DEFAULT_SOCKET_PATH;
  return (listener) => openPcscdReaders(path, listener);
}

/** Of the cards that are in. */
const insertionsOf = (slots: ReadonlyMap<string, Slot>): string =>
  JSON.stringify([...slots].flatMap(([name, { insertion }]) => (insertion === undefined ? [] : [[name, insertion]])));
