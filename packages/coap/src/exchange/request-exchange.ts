/**
 * The requester's side of one request, from `request` to its end. RFC 7252 §5, RFC 7641 §3.
 */
import type { Timed } from '../deadlines.ts';
import type { Exchange, OutgoingRequest } from '../events.ts';
import type { Transmission } from '../messaging/messaging.ts';
import type { Peer } from '../peer.ts';

export const NO_TOKEN = -1;

export class RequestExchange implements Exchange, Timed {
  readonly kind = 'exchange';
  readonly peer: Peer;
  readonly request: OutgoingRequest;
  readonly isPing: boolean;
  phase: 'requesting' | 'observing' | 'done' = 'requesting';
  /** Of the message under way, 32 bits; a body in blocks uses a new one for each. */
  token: number = NO_TOKEN;
  /** Of the observation: its notifications carry it. */
  observeToken: number = NO_TOKEN;
  transmission: Transmission | undefined = undefined;
  /** The end of `request.timeout`. */
  deadline = Infinity;
  heapIndex = -1;
  /** Observe option of the newest notification, and when it came. RFC 7641 §3.4. */
  sequence = 0;
  sequenceAt = -Infinity;
  /** The `response` event has been emitted. */
  answered = false;
  /** To be repeated in the next message. RFC 9175 §2. */
  echo: Uint8Array | undefined = undefined;
  echoed = false;
  previous: RequestExchange | undefined = undefined;
  next: RequestExchange | undefined = undefined;

  constructor(peer: Peer, request: OutgoingRequest, isPing: boolean) {
    this.peer = peer;
    this.request = request;
    this.isPing = isPing;
  }

  get state(): Exchange['state'] {
    if (this.phase !== 'requesting') return this.phase;
    return this.transmission === undefined || this.transmission.state.kind === 'waiting' ? 'queued' : 'active';
  }

  get context(): unknown {
    return this.request.context;
  }

  get transmissions(): number {
    return this.transmission?.state.transmissions ?? 0;
  }
}
