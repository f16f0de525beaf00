/**
 * One message this side wants delivered, seen by its sender. RFC 7252 §4.2, §4.3 and §5.2.
 *
 *                            ┌── deadline, transmissions left: send again, double the timeout
 *                            ▼
 *   waiting ── send ──► awaitingAcknowledgement ── ACK (response, notification, ping) ───────┐
 *      │         │           │        └── ACK of a request ──► awaitingResponse ──┐          │
 *      │         │           └── reset / response / deadline, none left ──────────┼──► completed
 *      │         └── Non-confirmable request ──► awaitingResponse ── any of those ┘          ▲
 *      └── cancel (from every state) ────────────────────────────────────────────────────────┘
 *
 * A pure function of (state, input, now). It knows no peer, no bytes, no timer.
 */
export type TransmissionOutcome = 'acknowledged' | 'response' | 'reset' | 'timeout' | 'cancelled';

export type TransmissionState =
  /** Held back by NSTART. RFC 7252 §4.7. */
  | { readonly kind: 'waiting'; readonly transmissions: 0; readonly deadline: typeof Infinity }
  | {
      readonly kind: 'awaitingAcknowledgement';
      readonly transmissions: number;
      /** ms until the next retransmission; doubles each time. */
      readonly timeout: number;
      readonly deadline: number;
    }
  | { readonly kind: 'awaitingResponse'; readonly transmissions: number; readonly deadline: number }
  | {
      readonly kind: 'completed';
      readonly outcome: TransmissionOutcome;
      readonly transmissions: number;
      readonly deadline: typeof Infinity;
    };

export type TransmissionInput = 'send' | 'acknowledgement' | 'response' | 'reset' | 'deadline' | 'cancel';

/** What is sent, as far as delivery is concerned. */
export type TransmissionMode =
  /** Ends with a response. */
  | 'confirmableRequest'
  | 'nonConfirmableRequest'
  /** Responses, notifications and pings: ends with the Acknowledgement (or Reset). */
  | 'confirmable';

/** ms throughout. RFC 7252 §4.8. */
export interface TransmissionParameters {
  readonly ackTimeout: number;
  readonly ackRandomFactor: number;
  readonly maxRetransmit: number;
  readonly separateResponseTimeout: number;
}

export const WAITING: TransmissionState = Object.freeze({ kind: 'waiting', transmissions: 0, deadline: Infinity });

/** @param jitter  uniform in [0, 1); used by the input `send` only. */
export function advanceTransmission(
  state: TransmissionState,
  input: TransmissionInput,
  now: number,
  mode: TransmissionMode,
  jitter: number,
  parameters: TransmissionParameters,
): TransmissionState {
  const { transmissions } = state;
  if (state.kind === 'completed') return state; // late or duplicate input
  if (input === 'cancel') return completed('cancelled', transmissions);
  switch (state.kind) {
    case 'waiting': {
      if (input !== 'send') return state;
      if (mode === 'nonConfirmableRequest') {
        return { kind: 'awaitingResponse', transmissions: 1, deadline: now + parameters.separateResponseTimeout };
      }
      const timeout = Math.floor(parameters.ackTimeout * (1 + jitter * (parameters.ackRandomFactor - 1)));
      return { kind: 'awaitingAcknowledgement', transmissions: 1, timeout, deadline: now + timeout };
    }
    case 'awaitingAcknowledgement':
      switch (input) {
        case 'send':
          return state;
        case 'acknowledgement':
          return mode === 'confirmable'
            ? completed('acknowledged', transmissions)
            : { kind: 'awaitingResponse', transmissions, deadline: now + parameters.separateResponseTimeout };
        case 'response':
          // A response without an Acknowledgement before it counts as one. RFC 7252 §5.2.2.
          return completed('response', transmissions);
        case 'reset':
          return completed('reset', transmissions);
        case 'deadline': {
          if (transmissions > parameters.maxRetransmit) return completed('timeout', transmissions);
          const timeout = state.timeout * 2;
          return {
            kind: 'awaitingAcknowledgement',
            transmissions: transmissions + 1,
            timeout,
            deadline: now + timeout,
          };
        }
      }
      break;
    case 'awaitingResponse':
      switch (input) {
        case 'send':
        case 'acknowledgement':
          return state;
        case 'response':
          return completed('response', transmissions);
        case 'reset':
          return completed('reset', transmissions);
        case 'deadline':
          return completed('timeout', transmissions);
      }
  }
  return state;
}

function completed(outcome: TransmissionOutcome, transmissions: number): TransmissionState {
  return { kind: 'completed', outcome, transmissions, deadline: Infinity };
}
