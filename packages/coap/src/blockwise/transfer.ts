/**
 * A body in blocks that this side receives with a request (Block1) or serves with a response (Block2). RFC 7959.
 */
import type { Timed } from '../deadlines.ts';
import type { Peer } from '../peer.ts';

export interface BodyTransfer extends Timed {
  readonly kind: 'transfer';
  readonly peer: Peer;
}
