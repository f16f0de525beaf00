/**
 * When a flight is sent again. RFC 6347 §4.2.4, as a pure transition; SENDING takes no time here, it is the effect
 * 'transmit'.
 *
 *                  flightMade                    timeout, peerRepeated: transmit
 *   ┌───────────┐ ───────────► ┌─────────┐ ◄──┐
 *   │ preparing │   transmit   │ waiting │ ───┘
 *   └───────────┘ ◄─────────── └─────────┘ ── timeout after the last attempt ──► failed
 *         │       peerProceeded
 *         │ lastFlightMade   ┌──────────┐ ◄──┐
 *         └────────────────► │ finished │ ───┘ peerRepeated: transmit, at most once per interval
 *              transmit      └──────────┘
 */
import type { DtlsParameters } from './parameters.ts';

export type RetransmissionState =
  /** The peer's flight is awaited with nothing of ours to repeat, or ours is being made. */
  | { readonly kind: 'preparing' }
  | {
      readonly kind: 'waiting';
      /** Of this round, ms. */
      readonly timeout: number;
      /** When the flight is sent again. */
      readonly deadline: number;
      /** Retransmissions so far on our own account. */
      readonly attempts: number;
      /** When the flight was last sent because the peer repeated its own; -Infinity: never. */
      readonly repeatedAt: number;
    }
  /** Nothing of the peer answers our flight; it is repeated only when the peer repeats its own. */
  | { readonly kind: 'finished'; readonly repeatedAt: number }
  | { readonly kind: 'failed' };

export type RetransmissionInput =
  /** Our next flight is ready, and the peer will answer it. */
  | 'flightMade'
  | 'lastFlightMade'
  /** The peer's next flight is being worked on: what we wait for is not the peer. */
  | 'peerProceeded'
  /** What was worked on is done, and more of the peer's flight is missing. */
  | 'peerAwaited'
  /** A complete flight of the peer that was answered before. */
  | 'peerRepeated'
  | 'timeout';

export interface RetransmissionStep {
  readonly state: RetransmissionState;
  readonly effect: 'none' | 'transmit' | 'fail';
}

export type RetransmissionTimes = Pick<
  DtlsParameters,
  'retransmissionTimeout' | 'maxRetransmissionTimeout' | 'maxRetransmissions'
>;

export const PREPARING: RetransmissionState = Object.freeze({ kind: 'preparing' });
const FAILED: RetransmissionState = Object.freeze({ kind: 'failed' });

export function retransmissionStep(
  state: RetransmissionState,
  input: RetransmissionInput,
  now: number,
  times: RetransmissionTimes,
): RetransmissionStep {
  if (state.kind === 'failed') return { state, effect: 'none' };
  switch (input) {
    case 'flightMade':
      return { state: waiting(now, times.retransmissionTimeout, 0, -Infinity), effect: 'transmit' };
    case 'lastFlightMade':
      return { state: { kind: 'finished', repeatedAt: -Infinity }, effect: 'transmit' };
    case 'peerProceeded':
      return { state: state.kind === 'waiting' ? PREPARING : state, effect: 'none' };
    case 'peerAwaited':
      // Without repeating our flight at once: the peer has shown that it has it.
      return state.kind === 'preparing'
        ? { state: waiting(now, times.retransmissionTimeout, 0, -Infinity), effect: 'none' }
        : { state, effect: 'none' };
    case 'peerRepeated':
      return peerRepeated(state, now, times);
    case 'timeout':
      return timeout(state, now, times);
  }
}

/** When `timeout` is due. */
export function retransmissionDeadline(state: RetransmissionState): number {
  return state.kind === 'waiting' ? state.deadline : Infinity;
}

function waiting(now: number, timeout: number, attempts: number, repeatedAt: number): RetransmissionState {
  return { kind: 'waiting', timeout, deadline: now + timeout, attempts, repeatedAt };
}

/** Answered at once the first time; then at most once per interval, or each repetition would be an amplifier. */
function peerRepeated(state: RetransmissionState, now: number, times: RetransmissionTimes): RetransmissionStep {
  if (state.kind === 'waiting' && now - state.repeatedAt >= state.timeout) {
    return { state: waiting(now, state.timeout, state.attempts, now), effect: 'transmit' };
  }
  if (state.kind === 'finished' && now - state.repeatedAt >= times.retransmissionTimeout) {
    return { state: { kind: 'finished', repeatedAt: now }, effect: 'transmit' };
  }
  return { state, effect: 'none' };
}

function timeout(state: RetransmissionState, now: number, times: RetransmissionTimes): RetransmissionStep {
  // A call before its time is harmless, and so is one for a flight that waits for nothing.
  if (state.kind !== 'waiting' || now < state.deadline) return { state, effect: 'none' };
  if (state.attempts >= times.maxRetransmissions) return { state: FAILED, effect: 'fail' };
  const doubled = Math.min(2 * state.timeout, times.maxRetransmissionTimeout);
  return { state: waiting(now, doubled, state.attempts + 1, state.repeatedAt), effect: 'transmit' };
}
