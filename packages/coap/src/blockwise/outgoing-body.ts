/**
 * A response body that is served in blocks (Block2), as the responder holds it. RFC 7959 §2.4.
 */
import type { RequestIdentity } from './same-request.ts';
import type { ReceivedRequest } from '../exchange/received-request.ts';
import type { Code, Option } from '../message.ts';
import type { Peer } from '../peer.ts';

export class OutgoingBody {
  readonly kind = 'outgoingBody';
  readonly peer: Peer;
  /** What later blocks are asked for with. */
  readonly identity: RequestIdentity;
  readonly code: Code;
  /** With an ETag. */
  readonly options: readonly Option[];
  /** The whole body, or how far its stream has got. */
  readonly source: Uint8Array | BodyStream;
  /** The last block has been served once. */
  served = false;
  heldBytes = 0;
  deadline: number = Infinity;
  heapIndex = -1;

  constructor(
    peer: Peer,
    identity: RequestIdentity,
    code: Code,
    options: readonly Option[],
    source: Uint8Array | BodyStream,
  ) {
    this.peer = peer;
    this.identity = identity;
    this.code = code;
    this.options = options;
    this.source = source;
  }

  get isStream(): boolean {
    return !(this.source instanceof Uint8Array);
  }
}

/** A body the application hands over piece by piece. */
export interface BodyStream {
  readonly request: ReceivedRequest;
  /** Bytes, when announced. */
  readonly size: number | undefined;
  /** Offset of the next piece. */
  offset: number;
  /** Bytes asked for with `bodyWanted`; 0 when nothing is asked for. */
  wanted: number;
  /** The piece sent last, for a requester that asks once more. */
  last: { readonly offset: number; readonly bytes: Uint8Array; readonly more: boolean } | undefined;
}
