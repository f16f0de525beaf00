/**
 * The life of one registration, as a pure transition function: states × inputs → state, action, announcement.
 * OMA TS Core §6.2 (Client Registration); retry parameters of /1/x/14 and /1/x/17–20 (Core §6.2.1.1).
 *
 *            begin              accepted                 deadline, updateWanted
 *     idle ────────► registering ───────► registered ──────────────────────► updating
 *      │    deadline ▲   │ refused, failed    ▲   │                           │   │
 *      └──► waiting ─┘◄──┘                    └───┼────────── accepted ───────┘   │
 *             ▲          registering ◄────────────┼────────── refused, failed ────┘
 *             │ disabled for n s                  ▼ disable, close
 *             └───────────────────────────── deregistering ──────────► closed
 *
 * `suspend` (the client goes offline) leaves every state that waits for an answer: registering becomes waiting, updating
 * becomes registered, both due at once; a registration that stands is to be confirmed by an Update afterwards.
 *
 * No registration is ever given up for good while the retry parameters allow another sequence: as there may be no
 * Bootstrap-Server to fall back on, the sequences begin anew after the sequence delay when all have failed.
 */
import { Codes } from '@lapwing/coap';
import type { Code, FailureReason } from '@lapwing/coap';
import type { LwM2mVersion } from '@lapwing/lwm2m';

/** Read from the Server Object at every transition, so that a Write takes effect at once. */
export interface RegistrationParameters {
  /** /1/x/1. 0 is infinite. */
  readonly lifetimeSeconds: number;
  /** /1/x/14. */
  readonly initialDelaySeconds: number;
  /** /1/x/17: attempts in one sequence. */
  readonly retryCount: number;
  /** /1/x/18: the pause before retry n of a sequence is this × 2^(n-1). */
  readonly retryTimerSeconds: number;
  /** /1/x/19: the pause between sequences; `NEVER_AGAIN` ends the attempts. */
  readonly sequenceDelaySeconds: number;
  /** /1/x/20. */
  readonly sequenceCount: number;
}

/** The largest 32-bit value in /1/x/19 means that no further sequence follows. */
export const NEVER_AGAIN = 0xffff_ffff;

/** MAX_TRANSMIT_WAIT, ms: how long one Update may take with all its retransmissions. RFC 7252 §4.8.2. */
const MAX_TRANSMIT_WAIT = 93_000;

export type RegistrationState =
  | { readonly kind: 'idle'; readonly version: LwM2mVersion }
  /** Until `deadline`: the initial delay, a retry, the pause between sequences, or disabled by the Server. */
  | {
      readonly kind: 'waiting';
      readonly version: LwM2mVersion;
      readonly deadline: number;
      /** The attempt, from 1, and the sequence, from 1, that begin at the deadline. */
      readonly attempt: number;
      readonly sequence: number;
    }
  | {
      readonly kind: 'registering';
      readonly version: LwM2mVersion;
      readonly sentAt: number;
      readonly attempt: number;
      readonly sequence: number;
      /** Something changed after the Register was sent: an Update follows at once. */
      readonly updateWanted: boolean;
    }
  | {
      readonly kind: 'registered';
      readonly version: LwM2mVersion;
      readonly location: Location;
      /** When the next Update is due; Infinity for an infinite lifetime. */
      readonly deadline: number;
    }
  | {
      readonly kind: 'updating';
      readonly version: LwM2mVersion;
      readonly location: Location;
      readonly sentAt: number;
      readonly updateWanted: boolean;
    }
  | {
      readonly kind: 'deregistering';
      readonly version: LwM2mVersion;
      readonly location: Location;
      /** Disabled (/1/x/4): register again so many seconds after the end; 'closed': never. */
      readonly then: 'closed' | { readonly disabledSeconds: number };
    }
  | { readonly kind: 'closed'; readonly version: LwM2mVersion };

/** The Location-Path segments the Server answered: where Update and De-register go. */
export type Location = readonly string[];

export type RegistrationInput =
  /** Register now, whatever is going on. */
  | { readonly kind: 'begin' }
  /** Time has passed; harmless when nothing is due. */
  | { readonly kind: 'deadline' }
  /** The running request was accepted. `location` comes with a Register. */
  | { readonly kind: 'accepted'; readonly location: Location }
  | { readonly kind: 'refused'; readonly code: Code }
  /** `isFinal`: the handshake ended with an alert that repeating it cannot cure, so this sequence is over. OMA TS Transport §5.2. */
  | { readonly kind: 'failed'; readonly reason: FailureReason; readonly isFinal?: boolean }
  /** Lifetime, binding or the object list changed, or the Server executed /1/x/8. */
  | { readonly kind: 'updateWanted' }
  /** The Server executed /1/x/4. */
  | { readonly kind: 'disable'; readonly seconds: number }
  /** The Server cannot resolve the Profile ID: the Register follows with the whole list. 1.2. */
  | { readonly kind: 'profileRefused' }
  /** Nothing can be sent any more; what was under way is to be done again when it can. */
  | { readonly kind: 'suspend' }
  | { readonly kind: 'close' }
  /** As `close`, but nothing can be sent. */
  | { readonly kind: 'abandon' };

export interface RegistrationStep {
  readonly state: RegistrationState;
  /** The request to send now; a request still running is to be cancelled first. */
  readonly action?: 'register' | 'update' | 'deregister';
  readonly announce?:
    | { readonly kind: 'registered' | 'updated' | 'deregistered' }
    /** The Server no longer holds the registration, or may not: observations are void. */
    | { readonly kind: 'lost' }
    | { readonly kind: 'registrationFailed'; readonly retryAt: number; readonly final: boolean };
}

/** What follows `state` when `input` arrives at `now` (ms). Unchanged states come back identical. */
export function advanceRegistration(
  state: RegistrationState,
  input: RegistrationInput,
  now: number,
  parameters: RegistrationParameters,
): RegistrationStep {
  if (input.kind === 'abandon') return state.kind === 'closed' ? { state } : closed(state);
  switch (state.kind) {
    case 'idle':
      switch (input.kind) {
        case 'begin':
          return parameters.initialDelaySeconds > 0
            ? { state: waiting(state, now + parameters.initialDelaySeconds * 1000, 1, 1) }
            : register(state, now, 1, 1);
        case 'close':
          return closed(state);
        default:
          return { state };
      }
    case 'waiting':
      switch (input.kind) {
        case 'begin':
          return register(state, now, 1, 1);
        case 'deadline':
          return now < state.deadline ? { state } : register(state, now, state.attempt, state.sequence);
        case 'close':
          return closed(state);
        default:
          return { state };
      }
    case 'registering':
      switch (input.kind) {
        case 'begin':
          return register(state, now, 1, 1);
        case 'accepted':
          return registered(state, input.location, now, parameters);
        case 'refused': {
          const lower = input.code === Codes.preconditionFailed ? LOWER_VERSION[state.version] : undefined;
          if (lower !== undefined) return register({ version: lower }, now, state.attempt, state.sequence);
          return retry(state, now, parameters);
        }
        case 'failed':
          return retry(input.isFinal === true ? { ...state, attempt: parameters.retryCount } : state, now, parameters);
        case 'profileRefused':
          return register(state, now, state.attempt, state.sequence);
        case 'suspend':
          return { state: waiting(state, now, state.attempt, state.sequence) };
        case 'updateWanted':
          return state.updateWanted ? { state } : { state: { ...state, updateWanted: true } };
        case 'close':
          return closed(state);
        default:
          return { state };
      }
    case 'registered':
      switch (input.kind) {
        case 'begin':
          return { ...register(state, now, 1, 1), announce: { kind: 'lost' } };
        case 'deadline':
          return now < state.deadline ? { state } : update(state, now);
        case 'updateWanted':
          return update(state, now);
        case 'suspend':
          return state.deadline <= now ? { state } : { state: { ...state, deadline: now } };
        case 'disable':
          return deregister(state, { disabledSeconds: input.seconds });
        case 'close':
          return deregister(state, 'closed');
        default:
          return { state };
      }
    case 'updating':
      switch (input.kind) {
        case 'begin':
        // 4.04 says that the Server forgot us; other refusals and silence leave nothing better to do than to begin anew.
        case 'refused':
        case 'failed':
          return { ...register(state, now, 1, 1), announce: { kind: 'lost' } };
        case 'accepted':
          return updated(state, now, parameters);
        case 'suspend': {
          const { version, location } = state;
          return { state: { kind: 'registered', version, location, deadline: now } };
        }
        case 'updateWanted':
          return state.updateWanted ? { state } : { state: { ...state, updateWanted: true } };
        case 'disable':
          return deregister(state, { disabledSeconds: input.seconds });
        case 'close':
          return deregister(state, 'closed');
        default:
          return { state };
      }
    case 'deregistering':
      switch (input.kind) {
        // Whatever the Server answers, it is over on this side.
        case 'accepted':
        case 'refused':
        case 'failed':
        case 'suspend': {
          const announce = { kind: 'deregistered' } as const;
          if (state.then === 'closed') return { state: { kind: 'closed', version: state.version }, announce };
          return { state: waiting(state, now + state.then.disabledSeconds * 1000, 1, 1), announce };
        }
        case 'close':
          return state.then === 'closed' ? { state } : { state: { ...state, then: 'closed' } };
        default:
          return { state };
      }
    case 'closed':
      return { state };
  }
}

/** When `deadline` is next to be fed in, ms; Infinity when only an answer or a call can change something. */
export const registrationDeadline = (state: RegistrationState): number =>
  state.kind === 'waiting' || state.kind === 'registered' ? state.deadline : Infinity;

/** When the Update is due for a registration that was last confirmed by a request sent at `sentAt`, ms. */
export function nextUpdateAt(sentAt: number, lifetimeSeconds: number): number {
  if (lifetimeSeconds === 0) return Infinity;
  const lifetime = lifetimeSeconds * 1000;
  return sentAt + lifetime - Math.min(lifetime / 2, MAX_TRANSMIT_WAIT);
}

/** A Server that does not speak a version answers 4.12; the next lower one is tried. Core §6.2.1. */
const LOWER_VERSION: Readonly<Record<LwM2mVersion, LwM2mVersion | undefined>> = {
  '1.2': '1.1',
  '1.1': '1.0',
  '1.0': undefined,
};

interface Versioned {
  readonly version: LwM2mVersion;
}

const closed = ({ version }: Versioned): RegistrationStep => ({ state: { kind: 'closed', version } });

const waiting = ({ version }: Versioned, deadline: number, attempt: number, sequence: number): RegistrationState => ({
  kind: 'waiting',
  version,
  deadline,
  attempt,
  sequence,
});

const register = ({ version }: Versioned, now: number, attempt: number, sequence: number): RegistrationStep => ({
  state: { kind: 'registering', version, sentAt: now, attempt, sequence, updateWanted: false },
  action: 'register',
});

const update = ({ version, location }: Versioned & { readonly location: Location }, now: number): RegistrationStep => ({
  state: { kind: 'updating', version, location, sentAt: now, updateWanted: false },
  action: 'update',
});

const deregister = (
  { version, location }: Versioned & { readonly location: Location },
  then: 'closed' | { readonly disabledSeconds: number },
): RegistrationStep => ({ state: { kind: 'deregistering', version, location, then }, action: 'deregister' });

function registered(
  state: RegistrationState & { readonly kind: 'registering' },
  location: Location,
  now: number,
  parameters: RegistrationParameters,
): RegistrationStep {
  const announce = { kind: 'registered' } as const;
  const { version, sentAt } = state;
  if (state.updateWanted) return { ...update({ version, location }, now), announce };
  // Counted from the request: the answer may have taken long, and the Server counts from when it saw the request.
  return {
    state: { kind: 'registered', version, location, deadline: nextUpdateAt(sentAt, parameters.lifetimeSeconds) },
    announce,
  };
}

function updated(
  state: RegistrationState & { readonly kind: 'updating' },
  now: number,
  parameters: RegistrationParameters,
): RegistrationStep {
  const announce = { kind: 'updated' } as const;
  const { version, location, sentAt } = state;
  if (state.updateWanted) return { ...update(state, now), announce };
  return {
    state: { kind: 'registered', version, location, deadline: nextUpdateAt(sentAt, parameters.lifetimeSeconds) },
    announce,
  };
}

function retry(
  state: RegistrationState & { readonly kind: 'registering' },
  now: number,
  parameters: RegistrationParameters,
): RegistrationStep {
  if (state.attempt < parameters.retryCount) {
    const retryAt = now + parameters.retryTimerSeconds * 1000 * 2 ** (state.attempt - 1);
    return {
      state: waiting(state, retryAt, state.attempt + 1, state.sequence),
      announce: { kind: 'registrationFailed', retryAt, final: false },
    };
  }
  const final = state.sequence >= parameters.sequenceCount;
  const retryAt =
    parameters.sequenceDelaySeconds >= NEVER_AGAIN ? Infinity : now + parameters.sequenceDelaySeconds * 1000;
  return {
    state: waiting(state, retryAt, 1, final ? 1 : state.sequence + 1),
    announce: { kind: 'registrationFailed', retryAt, final },
  };
}
