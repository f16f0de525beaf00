/**
 * A card slot of `vpcd`, the virtual reader of vsmartcard: cards are put in by connecting to its TCP port and taken out
 * by hanging up. Messages have two bytes of length in front; those of one byte are about power, all others are APDUs.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { VirtualCard } from '@lapwing/testkit';

const POWER_OFF = 0;
const POWER_ON = 1;
const RESET = 2;
const TELL_ATR = 4;

/** A card that is in a slot until it is disposed. */
export class InsertedCard implements AsyncDisposable {
  readonly #card: VirtualCard;
  readonly #socket: Socket;
  #received = Buffer.alloc(0);

  static async insert(card: VirtualCard, port: number): Promise<InsertedCard> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new InsertedCard(card, socket);
  }

  private constructor(card: VirtualCard, socket: Socket) {
    this.#card = card;
    this.#socket = socket;
    socket.on('data', (chunk) => this.#take(chunk));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, 'close');
    this.#socket.destroy();
    await closed;
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= 2) {
      const end = 2 + this.#received.readUInt16BE();
      if (this.#received.length < end) return;
      const message = this.#received.subarray(2, end);
      this.#received = this.#received.subarray(end);
      if (message.length !== 1) this.#send(this.#card.respond(message));
      else this.#control(message[0]!);
    }
  }

  #control(code: number): void {
    if (code === TELL_ATR) this.#send(this.#card.atr);
    else if ([POWER_OFF, POWER_ON, RESET].includes(code)) this.#card.reset();
  }

  #send(message: Uint8Array): void {
    this.#socket.write(Uint8Array.of(message.length >> 8, message.length & 0xff, ...message));
  }
}
