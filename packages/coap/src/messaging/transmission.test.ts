import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  advanceTransmission,
  WAITING,
  type TransmissionInput,
  type TransmissionMode,
  type TransmissionParameters,
  type TransmissionState,
} from './transmission.ts';

const P: TransmissionParameters = {
  ackTimeout: 2_000,
  ackRandomFactor: 1.5,
  maxRetransmit: 4,
  separateResponseTimeout: 93_000,
};
const NOW = 1_000;

const first: TransmissionState = { kind: 'awaitingAcknowledgement', transmissions: 1, timeout: 2_000, deadline: 3_000 };
const last: TransmissionState = { kind: 'awaitingAcknowledgement', transmissions: 5, timeout: 32_000, deadline: 3_000 };
const awaitingResponse: TransmissionState = { kind: 'awaitingResponse', transmissions: 1, deadline: 94_000 };
const done: TransmissionState = { kind: 'completed', outcome: 'response', transmissions: 1, deadline: Infinity };

const label = (state: TransmissionState): string =>
  state.kind === 'completed' ? state.outcome : `${state.kind} x${state.transmissions}`;

type Row = Readonly<Record<TransmissionInput, string>>;
// Every state crossed with every input, for every mode: adding one without a row fails to compile.
const TABLE: readonly (readonly [string, TransmissionState, Readonly<Record<TransmissionMode, Row>>])[] = [
  [
    'waiting',
    WAITING,
    ((): Record<TransmissionMode, Row> => {
      const waits = 'waiting x0';
      const row = { acknowledgement: waits, response: waits, reset: waits, deadline: waits, cancel: 'cancelled' };
      return {
        confirmableRequest: { ...row, send: 'awaitingAcknowledgement x1' },
        confirmable: { ...row, send: 'awaitingAcknowledgement x1' },
        nonConfirmableRequest: { ...row, send: 'awaitingResponse x1' },
      };
    })(),
  ],
  [
    'awaiting the Acknowledgement',
    first,
    ((): Record<TransmissionMode, Row> => {
      const row = {
        send: 'awaitingAcknowledgement x1',
        response: 'response',
        reset: 'reset',
        deadline: 'awaitingAcknowledgement x2',
        cancel: 'cancelled',
      };
      return {
        confirmableRequest: { ...row, acknowledgement: 'awaitingResponse x1' },
        confirmable: { ...row, acknowledgement: 'acknowledged' },
        nonConfirmableRequest: { ...row, acknowledgement: 'awaitingResponse x1' },
      };
    })(),
  ],
  [
    'after the last transmission',
    last,
    ((): Record<TransmissionMode, Row> => {
      const row = {
        send: 'awaitingAcknowledgement x5',
        response: 'response',
        reset: 'reset',
        deadline: 'timeout',
        cancel: 'cancelled',
      };
      return {
        confirmableRequest: { ...row, acknowledgement: 'awaitingResponse x5' },
        confirmable: { ...row, acknowledgement: 'acknowledged' },
        nonConfirmableRequest: { ...row, acknowledgement: 'awaitingResponse x5' },
      };
    })(),
  ],
  [
    'awaiting the response',
    awaitingResponse,
    ((): Record<TransmissionMode, Row> => {
      const row = {
        send: 'awaitingResponse x1',
        acknowledgement: 'awaitingResponse x1',
        response: 'response',
        reset: 'reset',
        deadline: 'timeout',
        cancel: 'cancelled',
      };
      return { confirmableRequest: row, confirmable: row, nonConfirmableRequest: row };
    })(),
  ],
  [
    'completed',
    done,
    ((): Record<TransmissionMode, Row> => {
      const row = {
        send: 'response',
        acknowledgement: 'response',
        response: 'response',
        reset: 'response',
        deadline: 'response',
        cancel: 'response',
      };
      return { confirmableRequest: row, confirmable: row, nonConfirmableRequest: row };
    })(),
  ],
];

describe('transmission (RFC 7252 §4.2)', () => {
  for (const [name, state, modes] of TABLE) {
    for (const [mode, row] of Object.entries(modes)) {
      for (const [input, expected] of Object.entries(row)) {
        it(`${mode}, ${name}: ${input} -> ${expected}`, () => {
          const after = advanceTransmission(state, input as TransmissionInput, NOW, mode as TransmissionMode, 0, P);
          assert.equal(label(after), expected);
          if (label(state) === expected) assert.equal(after, state, 'the same state is the same object');
        });
      }
    }
  }

  for (const [jitter, times] of [
    [0, [2_000, 6_000, 14_000, 30_000, 62_000]],
    [0.999_999_999, [2_999, 8_997, 20_993, 44_985, 92_969]],
  ] as const) {
    it(`sends again at ${times.slice(0, 4).join(', ')} ms and gives up at ${times[4]} ms with jitter ${jitter} (§4.8.2)`, () => {
      const deadlines: number[] = [];
      let state = advanceTransmission(WAITING, 'send', 0, 'confirmableRequest', jitter, P);
      while (state.kind !== 'completed') {
        deadlines.push(state.deadline);
        state = advanceTransmission(state, 'deadline', state.deadline, 'confirmableRequest', 0, P);
      }
      assert.deepEqual(deadlines, times);
      assert.equal(state.outcome, 'timeout');
      assert.equal(state.transmissions, 5);
    });
  }
});
