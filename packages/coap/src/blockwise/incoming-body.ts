/**
 * A request body that arrives in blocks (Block1), as the responder holds it. RFC 7959 §2.3, §2.5.
 *
 *   receiving ── last block ──► delivered ── response ──► answered (kept for a repeated last block)
 *       └── gap, limit, restart, EXCHANGE_LIFETIME: abandoned
 */
import type { ReceivedRequest } from '../exchange/received-request.ts';
import type { Code, Option } from '../message.ts';
import type { Peer } from '../peer.ts';
import { BodyAssembly } from './body-assembly.ts';

export class IncomingBody {
  readonly kind = 'incomingBody';
  readonly peer: Peer;
  /** For a streamed body what the application holds; else the first block, then the whole. */
  request: ReceivedRequest;
  readonly assembly: BodyAssembly;
  readonly isStream: boolean;
  phase: 'receiving' | 'delivered' | 'answered' = 'receiving';
  /** A streamed block waits for `continueBody`. */
  awaitsContinue = false;
  reply: { readonly code: Code; readonly options: readonly Option[]; readonly payload: Uint8Array } | undefined =
    undefined;
  /** Bytes taken from the budget. */
  heldBytes = 0;
  deadline: number = Infinity;
  heapIndex = -1;

  constructor(request: ReceivedRequest, isStream: boolean) {
    this.peer = request.peer;
    this.request = request;
    this.isStream = isStream;
    this.assembly = new BodyAssembly(isStream ? 'passing' : 'whole');
  }
}
