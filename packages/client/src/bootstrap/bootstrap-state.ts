/**
 * The course of a bootstrap on the side of the Client, as a pure transition function: states × inputs → state, action,
 * outcome. OMA TS Core §6.1.
 *
 *            begin             deadline          operation, accepted                finish            saved
 *     idle ───────► waiting ──────────► requesting ───────────────► configuring ──────────► finishing ──────► idle
 *       ▲              ▲                    │ refused, failed          │ silence               │ notSaved
 *       │              └── to be repeated ──┴──────────────────────────┴───────────────────────┤
 *       └───────────────────────────────── not to be repeated ─────────────────────────────────┘
 *
 * From the first request or operation until the end the Client is being configured (`isUnderWay`): what was before is
 * kept and put back when the bootstrap fails. A Bootstrap-Server that begins by itself, as LwM2M 1.0 lets it, leads from
 * idle straight to configuring.
 */
import type { BootstrapReason } from '../api.ts';

export interface BootstrapTimes {
  /** ms before the first attempt, /0/x/11. */
  readonly holdOff: number;
  /** ms the Bootstrap-Server may be silent; EXCHANGE_LIFETIME. OMA TS Core §6.1.4. */
  readonly silence: number;
  /** ms before the first repetition; doubles with each. */
  readonly retry: number;
  /** ms: the longest pause before a repetition. */
  readonly maxRetry: number;
  /** ms from the first operation to Finish at the most, however busy the Bootstrap-Server is. */
  readonly maxDuration: number;
}

export type BootstrapState =
  | { readonly kind: 'idle' }
  /** Until `deadline`: the hold-off time, or the pause after an attempt that failed. */
  | {
      readonly kind: 'waiting';
      readonly reason: BootstrapReason;
      readonly deadline: number;
      /** The attempt, from 1, that begins at the deadline. */
      readonly attempt: number;
    }
  /** A Bootstrap-Request or (`pack`) Bootstrap-Pack-Request is under way. */
  | {
      readonly kind: 'requesting';
      readonly reason: BootstrapReason;
      readonly attempt: number;
      readonly pack: boolean;
    }
  /** The Bootstrap-Server has the word, and has to use it before `deadline`. */
  | {
      readonly kind: 'configuring';
      readonly reason: BootstrapReason;
      readonly attempt: number;
      readonly deadline: number;
      /** However often it is used: no later than this. */
      readonly until: number;
    }
  /** The configuration is whole and is being saved. */
  | { readonly kind: 'finishing'; readonly reason: BootstrapReason; readonly attempt: number }
  | { readonly kind: 'closed' };

export type BootstrapInput =
  | { readonly kind: 'begin'; readonly reason: BootstrapReason }
  /** Time has passed; harmless when nothing is due. */
  | { readonly kind: 'deadline' }
  /** The Bootstrap-Request was accepted. */
  | { readonly kind: 'accepted' }
  /** The running request was refused. */
  | { readonly kind: 'refused' }
  /** The running request was not answered, or could not be sent. */
  | { readonly kind: 'failed' }
  /** The pack cannot be used: it cannot be read, or leaves an inconsistent configuration. */
  | { readonly kind: 'packUnusable' }
  /** The Bootstrap-Server asked for something. */
  | { readonly kind: 'operation' }
  /** Bootstrap-Finish, or a pack, left a consistent configuration. */
  | { readonly kind: 'finish' }
  | { readonly kind: 'saved' }
  | { readonly kind: 'notSaved' }
  /** It is not wanted any more: a server was registered with, or nothing can be sent. */
  | { readonly kind: 'abandon' }
  | { readonly kind: 'close' };

export interface BootstrapStep {
  readonly state: BootstrapState;
  /** To be done now; a request still running is to be cancelled first. */
  readonly action?: 'request' | 'requestPack' | 'save';
  /** How the attempt ended. */
  readonly outcome?: { readonly kind: 'finished' } | { readonly kind: 'failed'; readonly retryAt: number };
}

/** The Client is being configured; its registrations rest. */
export const isUnderWay = ({ kind }: BootstrapState): boolean =>
  kind === 'requesting' || kind === 'configuring' || kind === 'finishing';

/** When `deadline` is next to be fed in, ms; Infinity when only an answer or a call can change something. */
export const bootstrapDeadline = (state: BootstrapState): number =>
  state.kind === 'waiting' || state.kind === 'configuring' ? state.deadline : Infinity;

/** What was asked for by somebody who can ask again is not repeated: until then the old configuration serves. */
const IS_REPEATED: Readonly<Record<BootstrapReason, boolean>> = {
  'no-server': true,
  unreachable: true,
  'server-trigger': false,
  application: false,
  unsolicited: false,
};

/** Only who has nothing better to do waits for the hold-off time. */
const HOLDS_OFF: Readonly<Record<BootstrapReason, boolean>> = {
  'no-server': true,
  unreachable: true,
  'server-trigger': false,
  application: false,
  unsolicited: false,
};

/**
 * What follows `state` when `input` arrives at `now` (ms). Unchanged states come back identical.
 *
 * @param wantsPack  a Bootstrap-Pack-Request goes first. 1.2.
 */
export function advanceBootstrap(
  state: BootstrapState,
  input: BootstrapInput,
  now: number,
  times: BootstrapTimes,
  wantsPack: boolean,
): BootstrapStep {
  if (state.kind === 'closed') return { state };
  if (input.kind === 'close') {
    return { state: CLOSED, ...(isUnderWay(state) && { outcome: { kind: 'failed', retryAt: Infinity } }) };
  }
  switch (state.kind) {
    case 'idle':
      switch (input.kind) {
        case 'begin':
          return begin(input.reason, now, times, wantsPack);
        case 'operation':
          return { state: configuring({ reason: 'unsolicited', attempt: 1 }, now, times) };
        default:
          return { state };
      }
    case 'waiting':
      switch (input.kind) {
        case 'begin':
          // Who cannot wait has the one that waits go now: when it fails, it is repeated as it would have been.
          return HOLDS_OFF[input.reason] ? { state } : request(state, wantsPack);
        case 'deadline':
          return now < state.deadline ? { state } : request(state, wantsPack);
        case 'operation':
          return { state: configuring(state, now, times) };
        case 'abandon':
          return { state: IDLE };
        default:
          return { state };
      }
    case 'requesting':
      switch (input.kind) {
        case 'accepted':
        // What it asks for may overtake its acceptance.
        case 'operation':
          return { state: configuring(state, now, times) };
        case 'finish':
          return finish(state);
        case 'refused':
          // A Bootstrap-Server without packs says so with one code or another: then the other way.
          return state.pack ? request(state, false) : fail(state, now, times);
        case 'packUnusable':
          return request(state, false);
        case 'failed':
          return fail(state, now, times);
        case 'abandon':
          return { state: IDLE, outcome: { kind: 'failed', retryAt: Infinity } };
        default:
          return { state };
      }
    case 'configuring':
      switch (input.kind) {
        case 'accepted':
        case 'operation':
          return { state: configuring(state, now, times) };
        case 'finish':
          return finish(state);
        case 'deadline':
          return now < state.deadline ? { state } : fail(state, now, times);
        case 'abandon':
          return { state: IDLE, outcome: { kind: 'failed', retryAt: Infinity } };
        default:
          // The answer to the request matters no more: the Bootstrap-Server is at work.
          return { state };
      }
    case 'finishing':
      switch (input.kind) {
        case 'saved':
          return { state: IDLE, outcome: { kind: 'finished' } };
        case 'notSaved':
          return fail(state, now, times);
        default:
          return { state };
      }
  }
}

interface Attempt {
  readonly reason: BootstrapReason;
  readonly attempt: number;
}

const IDLE: BootstrapState = Object.freeze({ kind: 'idle' });
const CLOSED: BootstrapState = Object.freeze({ kind: 'closed' });

function begin(reason: BootstrapReason, now: number, times: BootstrapTimes, wantsPack: boolean): BootstrapStep {
  if (HOLDS_OFF[reason] && times.holdOff > 0) {
    return { state: { kind: 'waiting', reason, deadline: now + times.holdOff, attempt: 1 } };
  }
  return request({ reason, attempt: 1 }, wantsPack);
}

const request = ({ reason, attempt }: Attempt, pack: boolean): BootstrapStep => ({
  state: { kind: 'requesting', reason, attempt, pack },
  action: pack ? 'requestPack' : 'request',
});

function configuring(
  state: Attempt & { readonly until?: number },
  now: number,
  { silence, maxDuration }: BootstrapTimes,
): BootstrapState {
  const { reason, attempt, until = now + maxDuration } = state;
  return { kind: 'configuring', reason, attempt, deadline: Math.min(until, now + silence), until };
}

const finish = ({ reason, attempt }: Attempt): BootstrapStep => ({
  state: { kind: 'finishing', reason, attempt },
  action: 'save',
});

function fail({ reason, attempt }: Attempt, now: number, { retry, maxRetry }: BootstrapTimes): BootstrapStep {
  if (!IS_REPEATED[reason]) return { state: IDLE, outcome: { kind: 'failed', retryAt: Infinity } };
  const deadline = now + Math.min(maxRetry, retry * 2 ** (attempt - 1));
  return {
    state: { kind: 'waiting', reason, deadline, attempt: attempt + 1 },
    outcome: { kind: 'failed', retryAt: deadline },
  };
}
