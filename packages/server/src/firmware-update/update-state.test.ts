/** Every stage of a firmware update × every input. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FIRMWARE_FAILURES, FIRMWARE_OUTCOMES } from './update-outcome.ts';
import {
  advanceUpdate,
  DEVICE_RESULTS,
  DEVICE_STATES,
  type FirmwareUpdateInput,
  type FirmwareUpdateState,
} from './update-state.ts';

const STATES = {
  preparing: { kind: 'preparing' },
  resetting: { kind: 'resetting' },
  pushing: { kind: 'pushing' },
  offering: { kind: 'offering' },
  diagnosing: { kind: 'diagnosing', reason: '4.13' },
  downloading: { kind: 'downloading' },
  starting: { kind: 'starting' },
  installing: { kind: 'installing' },
  deferred: { kind: 'deferred' },
  told: { kind: 'verifying', told: true },
  untold: { kind: 'verifying', told: false },
  ended: { kind: 'ended', outcome: 'succeeded' },
} as const satisfies Readonly<Record<string, FirmwareUpdateState>>;

const INPUTS = {
  accepted: { kind: 'accepted' },
  refused: { kind: 'refused', reason: '4.05' },
  unanswered: { kind: 'unanswered', reason: 'silence' },
  unsupported: { kind: 'unsupported', reason: 'no Object 5' },
  'version new': { kind: 'version', is: 'new' },
  'version same': { kind: 'version', is: 'same' },
  'version wrong': { kind: 'version', is: 'wrong' },
  'version unknown': { kind: 'version', is: 'unknown' },
  cancel: { kind: 'cancel' },
  expired: { kind: 'expired' },
} as const satisfies Readonly<Record<string, FirmwareUpdateInput>>;

type Row = Readonly<Partial<Record<keyof typeof INPUTS, string>>>;

/** What each input leads to by push; what is not named changes nothing. */
const TABLE: Readonly<Record<keyof typeof STATES, Row>> = {
  preparing: {
    refused: 'refused',
    unanswered: 'unreachable',
    unsupported: 'unsupported',
    cancel: 'cancelled',
    expired: 'unreachable',
  },
  resetting: {
    accepted: '> pushing',
    refused: 'refused',
    unanswered: 'unreachable',
    cancel: 'cancelled',
    expired: 'unreachable',
  },
  pushing: {
    accepted: '> downloading',
    refused: '> diagnosing',
    unanswered: 'unreachable',
    cancel: 'cancelled',
    expired: 'unreachable',
  },
  offering: {
    accepted: '> downloading',
    refused: '> diagnosing',
    unanswered: 'unreachable',
    cancel: 'cancelled',
    expired: 'unreachable',
  },
  diagnosing: { refused: 'refused', unanswered: 'refused', cancel: 'cancelled', expired: 'unreachable' },
  downloading: { cancel: 'cancelled', expired: 'downloadTooSlow' },
  starting: { accepted: '> installing', refused: 'refused', unanswered: '> installing', expired: 'unreachable' },
  installing: { expired: 'notBack' },
  deferred: { cancel: 'cancelled', expired: 'deferred' },
  told: {
    'version new': 'succeeded',
    'version same': 'succeeded',
    'version unknown': 'succeeded',
    expired: 'wrongVersion',
  },
  untold: {
    'version new': 'succeeded',
    'version same': 'notInstalled',
    'version wrong': 'notInstalled',
    'version unknown': 'notInstalled',
    expired: 'wrongVersion',
  },
  ended: {},
};

/** By what the device reports, "state result"; "state *" is any result that has no row of its own. */
const REPORTS: Readonly<Record<keyof typeof STATES, Readonly<Record<string, string>>>> = {
  preparing: {
    'idle *': '> pushing',
    'downloading *': '> resetting',
    'downloaded *': '> resetting',
    'updating *': 'busy',
  },
  diagnosing: { '* *': 'refused', 'idle failure': 'failure' },
  downloading: { 'idle failure': 'failure', 'downloaded *': '> starting', 'updating *': '> installing' },
  installing: {
    'idle *': '> verifying',
    'idle failure': 'failure',
    'downloaded failure': 'failure',
    'downloaded deferred': '> deferred',
  },
  deferred: {
    'idle *': '> verifying',
    'idle failure': 'failure',
    'downloaded failure': 'failure',
    'updating *': '> installing',
    'downloading *': '> installing',
  },
  resetting: {},
  pushing: {},
  offering: {},
  starting: {},
  told: {},
  untold: {},
  ended: {},
};

const shown = (state: FirmwareUpdateState | undefined): string | undefined =>
  state === undefined ? undefined : state.kind === 'ended' ? state.outcome : `> ${state.kind}`;

describe('a firmware update', () => {
  for (const [name, state] of Object.entries(STATES) as [keyof typeof STATES, FirmwareUpdateState][]) {
    it(`${name}: every input leads where the table says`, () => {
      for (const [inputName, input] of Object.entries(INPUTS)) {
        const wanted = TABLE[name][inputName as keyof typeof INPUTS];
        assert.equal(shown(advanceUpdate(state, input, { delivery: 'push' })), wanted, inputName);
      }
    });

    it(`${name}: every State with every Update Result leads where the table says (/5/0/3, /5/0/5)`, () => {
      for (const deviceState of DEVICE_STATES) {
        for (const result of DEVICE_RESULTS) {
          const isFailure = result === 'cancelled' || (FIRMWARE_FAILURES as readonly string[]).includes(result);
          const rows = REPORTS[name];
          const row =
            rows[`${deviceState} ${result}`] ??
            (isFailure ? rows[`${deviceState} failure`] : undefined) ??
            rows[`${deviceState} *`] ??
            rows['* *'];
          const wanted = row !== 'failure' ? row : result === 'cancelled' ? 'cancelledByDevice' : result;
          const next = advanceUpdate(state, { kind: 'report', state: deviceState, result }, { delivery: 'push' });
          assert.equal(shown(next), wanted, `${deviceState} ${result}`);
          if (next?.kind === 'verifying') assert.equal(next.told, result === 'success');
        }
      }
    });
  }

  it('by pull the device is told where to fetch in place of being sent the package', () => {
    const idle = { kind: 'report', state: 'idle', result: 'initial' } as const;
    assert.deepEqual(advanceUpdate(STATES.preparing, idle, { delivery: 'pull' }), { kind: 'offering' });
    assert.deepEqual(advanceUpdate(STATES.resetting, INPUTS.accepted, { delivery: 'pull' }), { kind: 'offering' });
  });

  it('what the device refused with is told in the end, whatever else is known', () => {
    const report = { kind: 'report', state: 'idle', result: 'storage' } as const;
    assert.deepEqual(advanceUpdate(STATES.pushing, INPUTS.refused, { delivery: 'push' }), {
      kind: 'diagnosing',
      reason: '4.05',
    });
    assert.deepEqual(advanceUpdate(STATES.diagnosing, report, { delivery: 'push' }), {
      kind: 'ended',
      outcome: 'storage',
      reason: '4.13',
    });
  });

  it('every outcome has a sentence', () => {
    for (const sentence of Object.values(FIRMWARE_OUTCOMES)) assert.match(sentence, /^The .*\.$/);
  });
});
