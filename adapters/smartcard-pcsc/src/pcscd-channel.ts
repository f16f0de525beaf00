/**
 * One connection to pcscd, the PC/SC service of Linux, over its local socket: requests one after the other, each with
 * the answer of a length known beforehand. The messages are structures of 32-bit numbers in the byte order of the machine;
 * a request has its length and its command in front, an answer has nothing. Protocol 4.4, which pcscd speaks since 1.8.24
 * and which newer ones (4.6) still do; 4.5 is the same for what is used here.
 */
import { connect, type Socket } from 'node:net';
import { endianness } from 'node:os';
import { pcscFailed } from './card-readers.ts';

export const PcscdCommands = {
  establishContext: 0x01,
  connect: 0x04,
  disconnect: 0x06,
  beginTransaction: 0x07,
  endTransaction: 0x08,
  transmit: 0x09,
  version: 0x11,
  getReadersState: 0x12,
  waitReaderStateChange: 0x13,
} as const;

export const SUCCESS = 0;

/** What pcscd answers, by the names of PC/SC part 5. */
const RETURN_CODES: Readonly<Record<number, string>> = {
  0x80100009: 'SCARD_E_UNKNOWN_READER',
  0x8010000b: 'SCARD_E_SHARING_VIOLATION',
  0x8010000c: 'SCARD_E_NO_SMARTCARD',
  0x8010000f: 'SCARD_E_PROTO_MISMATCH',
  0x80100016: 'SCARD_E_NOT_TRANSACTED',
  0x80100017: 'SCARD_E_READER_UNAVAILABLE',
  0x8010001d: 'SCARD_E_NO_SERVICE',
  0x8010001e: 'SCARD_E_SERVICE_STOPPED',
  0x80100066: 'SCARD_W_UNRESPONSIVE_CARD',
  0x80100067: 'SCARD_W_UNPOWERED_CARD',
  0x80100068: 'SCARD_W_RESET_CARD',
  0x80100069: 'SCARD_W_REMOVED_CARD',
  0x8010006a: 'SCARD_W_SECURITY_VIOLATION',
};

/** "SCARD_E_NO_SMARTCARD", or the number. */
export const returnCodeName = (code: number): string => RETURN_CODES[code] ?? `0x${code.toString(16)}`;

const MAJOR = 4;
const MINOR = 4;
/** The highest that says the same as 4.4. */
const MAX_MINOR = 5;
const LITTLE_ENDIAN = endianness() === 'LE';

/** Numbers of a structure, one after the other. */
export function encodeNumbers(...numbers: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(numbers.length * 4));
  numbers.forEach((number, index) => view.setUint32(index * 4, number, LITTLE_ENDIAN));
  return new Uint8Array(view.buffer);
}

/** The number at this byte of an answer. */
export const numberAt = (answer: Uint8Array, at: number): number =>
  new DataView(answer.buffer, answer.byteOffset).getUint32(at, LITTLE_ENDIAN);

export class PcscdChannel {
  readonly #socket: Socket;
  #received: Uint8Array[] = [];
  #receivedBytes = 0;
  #waiting: { readonly bytes: number; readonly resolve: (answer: Uint8Array) => void } | undefined;
  #failed: ((error: Error) => void) | undefined;
  #error: Error | undefined;

  /** @throws OperationFailed PCSC_FAILED when nobody listens there, or in another protocol. */
  static async open(path: string): Promise<PcscdChannel> {
    const channel = new PcscdChannel(path);
    try {
      let [major, minor, code] = await channel.#version(MINOR);
      // It says what it speaks, and may be asked for that on the same connection.
      if (code !== SUCCESS && major === MAJOR && minor! > MINOR && minor! <= MAX_MINOR) {
        [major, minor, code] = await channel.#version(minor!);
      }
      if (code !== SUCCESS) {
        throw pcscFailed(`the PC/SC service at ${path} speaks protocol ${major}.${minor}, not ${MAJOR}.${MINOR}`);
      }
      return channel;
    } catch (error) {
      channel.destroy();
      throw error;
    }
  }

  private constructor(path: string) {
    const socket = connect(path);
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#received.push(chunk);
      this.#receivedBytes += chunk.length;
      this.#deliver();
    });
    socket.on('error', (error: NodeJS.ErrnoException) =>
      this.#fail(pcscFailed(`the PC/SC service at ${path} cannot be reached: ${error.code}`, error)),
    );
    socket.on('close', () => this.#fail(pcscFailed(`the PC/SC service at ${path} hung up`)));
  }

  /** Send a request and take its answer. */
  request(command: number, body: Uint8Array, answerBytes: number): Promise<Uint8Array> {
    this.send(command, body);
    return this.receive(answerBytes);
  }

  send(command: number, body: Uint8Array): void {
    this.#socket.write(encodeNumbers(body.length, command));
    this.write(body);
  }

  /** Bytes that belong to the request before. */
  write(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#socket.write(bytes);
  }

  receive(bytes: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#error !== undefined) return reject(this.#error);
      this.#waiting = { bytes, resolve };
      this.#failed = reject;
      this.#deliver();
    });
  }

  /** Hang up; the service lets go of everything that this connection had. */
  destroy(): void {
    this.#socket.destroy();
  }

  async #version(minor: number): Promise<readonly number[]> {
    const answer = await this.request(PcscdCommands.version, encodeNumbers(MAJOR, minor, 0), 12);
    return [numberAt(answer, 0), numberAt(answer, 4), numberAt(answer, 8)];
  }

  #deliver(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.#receivedBytes < waiting.bytes) return;
    const all = Buffer.concat(this.#received);
    this.#received = [all.subarray(waiting.bytes)];
    this.#receivedBytes = all.length - waiting.bytes;
    this.#waiting = undefined;
    waiting.resolve(all.subarray(0, waiting.bytes));
  }

  #fail(error: Error): void {
    this.#error ??= error;
    if (this.#waiting === undefined) return;
    this.#waiting = undefined;
    this.#failed?.(this.#error);
  }
}
