/**
 * What is kept of one handshake while it lasts: the machine's outcome until the endpoint acts on it, the flight that may
 * be sent again, and what arrived too early. All of it goes when the handshake ends.
 */
import type { Lookup } from './events.ts';
import type {
  FlightItem,
  HandshakeFailure,
  HandshakeMachine,
  HandshakeMessage,
  HandshakeOutput,
  HandshakeResult,
} from './handshake/handshake.ts';
import type { Reassembler } from './handshake/reassembler.ts';
import type { PendingLookup } from './lookups.ts';
import type { DtlsAssociation } from './association.ts';
import type { SecurityParameters } from './record/protection.ts';
import { PREPARING } from './retransmission.ts';
import type { RetransmissionState } from './retransmission.ts';

type WithoutFrom<Kind> = Kind extends Lookup ? Omit<Kind, 'from'> : never;
export type MachineLookup = WithoutFrom<Lookup>;

/** A record of the next epoch, or application data before the Finished: a copy, opened later. */
export interface DeferredRecord {
  readonly contentType: number;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** What answers a peer that did not receive the end of a handshake that is complete here. No secrets but the Finished. */
export interface LastFlight {
  readonly items: readonly FlightItem[];
  /** Its repetition, byte for byte, is what asks for ours. */
  readonly peerFinished: HandshakeMessage;
  readonly maxFragmentLength: number;
  retransmission: RetransmissionState;
}

export class HandshakeProgress implements HandshakeOutput {
  readonly reassembler: Reassembler;
  /** When the handshake has failed. */
  readonly endsAt: number;
  /** Of the ClientHello that began it, to know its repetition; undefined for a client. */
  readonly cookie: Uint8Array | undefined;
  /** Largest plaintext of a record before there are keys: what the client asked for. RFC 6066 §4. */
  readonly maxFragmentLength: number;

  flight: readonly FlightItem[] = [];
  retransmission: RetransmissionState = PREPARING;
  /** The last message of the peer that counted. */
  lastMessage: HandshakeMessage | undefined = undefined;
  /** The peer's ChangeCipherSpec was accepted. */
  readsEpoch1 = false;
  /** Our ChangeCipherSpec was sent. */
  writesEpoch1 = false;
  /** One that arrived during a look-up: it may be in its place when the answer is there. */
  changeCipherSpecHeld = false;
  pendingLookup: PendingLookup<DtlsAssociation> | undefined = undefined;

  deferredRecordBytes = 0;
  /** Records of epoch 1 that came when a Finished was expected and did not authenticate. */
  forgedFinished = 0;
  /** Application data to send. */
  readonly deferredData: Uint8Array[] = [];
  deferredDataBytes = 0;

  // What the machine put out and the endpoint has not acted on yet.
  newFlight: { readonly items: readonly FlightItem[]; readonly last: boolean } | undefined = undefined;
  newParameters: SecurityParameters | undefined = undefined;
  newLookup: MachineLookup | undefined = undefined;
  result: HandshakeResult | undefined = undefined;
  failure: HandshakeFailure | undefined = undefined;

  #machine: HandshakeMachine | undefined = undefined;

  constructor(reassembler: Reassembler, endsAt: number, cookie: Uint8Array | undefined, maxFragmentLength: number) {
    this.reassembler = reassembler;
    this.endsAt = endsAt;
    this.cookie = cookie;
    this.maxFragmentLength = maxFragmentLength;
  }

  get machine(): HandshakeMachine {
    return this.#machine!;
  }

  /** The machine needs this object to exist before it. */
  attach(machine: HandshakeMachine): void {
    this.#machine = machine;
  }

  sendFlight(items: readonly FlightItem[], last: boolean): void {
    this.newFlight = { items, last };
  }

  keysReady(parameters: SecurityParameters): void {
    this.newParameters = parameters;
  }

  lookup(lookup: MachineLookup): void {
    this.newLookup = lookup;
  }

  complete(result: HandshakeResult): void {
    this.result = result;
  }

  fail(failure: HandshakeFailure): void {
    this.failure = failure;
  }
}
