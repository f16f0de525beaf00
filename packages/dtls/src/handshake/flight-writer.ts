/**
 * Our side of the conversation: numbers our messages, enters them in the transcript, and gathers the next flight.
 * RFC 6347 §4.2.2, §4.2.4.
 */
import { HANDSHAKE_TYPES } from './handshake-type-table.ts';
import type { HandshakeTypeName } from './handshake-type-table.ts';
import type { FlightItem, HandshakeMessage } from './handshake.ts';
import type { Transcript } from './transcript.ts';

export class FlightWriter {
  readonly #transcript: Transcript;
  #nextSeq: number;
  #epoch: 0 | 1 = 0;
  #items: FlightItem[] = [];

  /** @param firstSeq `message_seq` of our first message. */
  constructor(transcript: Transcript, firstSeq: number) {
    this.#transcript = transcript;
    this.#nextSeq = firstSeq;
  }

  /** @param body kept until the flight is answered. */
  message(name: HandshakeTypeName, body: Uint8Array): void {
    this.#transcript.append(this.#add(name, body));
  }

  /** The ClientHello that a HelloVerifyRequest may answer, and that is then no part of the transcript. RFC 6347 §4.2.1. */
  provisionalHello(body: Uint8Array): HandshakeMessage {
    return this.#add('client_hello', body);
  }

  /** No handshake message: no number, not in the transcript. What follows is epoch 1. */
  changeCipherSpec(): void {
    this.#items.push({ kind: 'changeCipherSpec' });
    this.#epoch = 1;
  }

  take(): readonly FlightItem[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }

  #add(name: HandshakeTypeName, body: Uint8Array): HandshakeMessage {
    const message: HandshakeMessage = { type: HANDSHAKE_TYPES[name], messageSeq: this.#nextSeq++, body };
    this.#items.push({ kind: 'message', message, epoch: this.#epoch });
    return message;
  }
}
