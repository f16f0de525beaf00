/**
 * A peer without a stack: it sends hand-made datagrams and keeps what arrives, for tests that play one side of an
 * exchange byte by byte.
 */
import {
  decodeMessage,
  encodeMessage,
  messageId,
  type Code,
  type Message,
  type MessageType,
  type Option,
} from '@lapwing/coap';
import type { PeerAddress } from '@lapwing/transport';
import type { SimulatedHost, SimulatedNetwork } from './simulated-network.ts';

export interface ScriptedMessage {
  readonly type: MessageType;
  readonly code: Code;
  readonly messageId: number;
  readonly token?: Uint8Array;
  readonly options?: readonly Option[];
  readonly payload?: Uint8Array;
}

export class ScriptedPeer implements SimulatedHost {
  readonly localAddress: PeerAddress;
  /** Everything that has arrived and was not taken, oldest first. */
  readonly received: { readonly at: number; readonly from: PeerAddress; readonly datagram: Uint8Array }[] = [];
  /** Written by the network. */
  deadline = Infinity;
  heapIndex = -1;
  readonly #network: SimulatedNetwork;

  constructor(network: SimulatedNetwork, localAddress: PeerAddress) {
    this.#network = network;
    this.localAddress = localAddress;
    network.attach(this);
  }

  /** Bytes go out as they are, well-formed or not. */
  send(to: PeerAddress, message: ScriptedMessage | Uint8Array): void {
    const datagram = message instanceof Uint8Array ? message : encodeScripted(message);
    this.#network.send(this.localAddress, to, datagram);
  }

  /** The oldest message that has arrived and was not taken. @throws Error when there is none, or it is malformed. */
  take(): Message {
    const first = this.received.shift();
    if (first === undefined)
      throw new Error(`nothing has arrived at ${this.localAddress.host} by ${this.#network.now()} ms`);
    const message = decodeMessage(first.datagram);
    if ('malformed' in message) throw new Error(`a malformed datagram arrived: ${message.malformed}`);
    return message;
  }

  /** All messages that have arrived and were not taken. */
  takeAll(): Message[] {
    const messages: Message[] = [];
    while (this.received.length > 0) messages.push(this.take());
    return messages;
  }

  /** For the network. */
  handleDatagram(now: number, from: PeerAddress, datagram: Uint8Array): void {
    this.received.push({ at: now, from, datagram });
  }

  /** For the network. */
  handleTimeout(): void {
    // It waits for nothing.
  }

  /** For the network. */
  nextDeadline(): number {
    return Infinity;
  }
}

export function encodeScripted({ token, options, payload, messageId: id, ...rest }: ScriptedMessage): Uint8Array {
  return encodeMessage({
    ...rest,
    messageId: messageId(id),
    token: token ?? NO_BYTES,
    options: options ?? [],
    payload: payload ?? NO_BYTES,
  });
}

const NO_BYTES: Uint8Array = new Uint8Array(0);
