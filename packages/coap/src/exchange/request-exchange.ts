/**
 * The requester's side of one request, from `request` to its end. RFC 7252 §5, RFC 7641 §3.
 */
import type { Download } from '../blockwise/download.ts';
import type { Upload } from '../blockwise/upload.ts';
import type { Timed } from '../deadlines.ts';
import type { Exchange, OutgoingRequest } from '../events.ts';
import type { Transmission } from '../messaging/messaging.ts';
import type { Peer } from '../peer.ts';

export const NO_TOKEN = -1;

export class RequestExchange implements Exchange, Timed {
  readonly kind = 'exchange';
  readonly peer: Peer;
  readonly request: OutgoingRequest;
  phase: 'requesting' | 'observing' | 'done' = 'requesting';
  /** Of the message under way, 32 bits; a body in blocks uses a new one for each. */
  token: number = NO_TOKEN;
  /** Of the observation: its notifications carry it. */
  observeToken: number = NO_TOKEN;
  transmission: Transmission | undefined = undefined;
  /** Of the last message, once it is over: whoever is told of a timeout wants to know. */
  finalTransmissions = 0;
  /** The end of `request.timeout`. */
  deadline: number = Infinity;
  heapIndex = -1;
  /** The request body still being sent in blocks. */
  upload: Upload | undefined = undefined;
  /** The body of the response, or of the newest notification, that is being fetched. */
  download: Download | undefined = undefined;
  /** Distinguishes the operation from others with the same options. RFC 9175 §3. */
  requestTag: Uint8Array | undefined = undefined;
  /** A changed body made the download begin anew. */
  restarted = false;
  /** The peer has accepted the observation. */
  isObserving = false;
  /** Observe option of the newest notification, and when it came. RFC 7641 §3.4. */
  sequence = 0;
  sequenceAt: number = -Infinity;
  /** The `response` event has been emitted. */
  answered = false;
  /** What the peer wants repeated in the next message, once. RFC 9175 §2. */
  echo: Uint8Array | undefined = undefined;
  hasEchoed = false;
  previous: RequestExchange | undefined = undefined;
  next: RequestExchange | undefined = undefined;

  constructor(peer: Peer, request: OutgoingRequest) {
    this.peer = peer;
    this.request = request;
  }

  get state(): Exchange['state'] {
    if (this.phase !== 'requesting') return this.phase;
    return this.transmission === undefined || this.transmission.state.kind === 'waiting' ? 'queued' : 'active';
  }

  get context(): unknown {
    return this.request.context;
  }

  get transmissions(): number {
    return this.transmission?.state.transmissions ?? this.finalTransmissions;
  }
}
