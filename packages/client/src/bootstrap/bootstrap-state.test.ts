import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BootstrapReason } from '../api.ts';
import { advanceBootstrap, bootstrapDeadline, isUnderWay } from './bootstrap-state.ts';
import type { BootstrapInput, BootstrapState, BootstrapStep, BootstrapTimes } from './bootstrap-state.ts';

const NOW = 1_000_000;
/** When a configuration that is under way is too late. */
const UNTIL = NOW + 300_000;
const TIMES: BootstrapTimes = {
  holdOff: 5_000,
  silence: 247_000,
  retry: 60_000,
  maxRetry: 300_000,
  maxDuration: 600_000,
};

/** States by name; the reason is one that is repeated unless the name says so. */
const STATES = {
  idle: { kind: 'idle' },
  waiting: { kind: 'waiting', reason: 'unreachable', deadline: NOW + 1, attempt: 2 },
  due: { kind: 'waiting', reason: 'unreachable', deadline: NOW, attempt: 2 },
  requesting: { kind: 'requesting', reason: 'unreachable', attempt: 2, pack: false },
  packing: { kind: 'requesting', reason: 'unreachable', attempt: 2, pack: true },
  triggered: { kind: 'requesting', reason: 'server-trigger', attempt: 1, pack: false },
  configuring: { kind: 'configuring', reason: 'unreachable', attempt: 2, deadline: NOW + 1, until: UNTIL },
  silent: { kind: 'configuring', reason: 'unreachable', attempt: 2, deadline: NOW, until: UNTIL },
  finishing: { kind: 'finishing', reason: 'unreachable', attempt: 2 },
  closed: { kind: 'closed' },
} satisfies Record<string, BootstrapState>;
type StateName = keyof typeof STATES;

const INPUTS = {
  'begin, no server': { kind: 'begin', reason: 'no-server' },
  'begin, trigger': { kind: 'begin', reason: 'server-trigger' },
  deadline: { kind: 'deadline' },
  accepted: { kind: 'accepted' },
  refused: { kind: 'refused' },
  failed: { kind: 'failed' },
  packUnusable: { kind: 'packUnusable' },
  operation: { kind: 'operation' },
  finish: { kind: 'finish' },
  saved: { kind: 'saved' },
  notSaved: { kind: 'notSaved' },
  abandon: { kind: 'abandon' },
  close: { kind: 'close' },
} satisfies Record<string, BootstrapInput>;
type InputName = keyof typeof INPUTS;

const IDLE = { state: STATES.idle } as const;
const CLOSED = { state: STATES.closed } as const;
const given = { kind: 'failed', retryAt: Infinity } as const;
/** The second attempt has failed: two minutes. */
const FAILED: BootstrapStep = {
  state: { kind: 'waiting', reason: 'unreachable', deadline: NOW + 120_000, attempt: 3 },
  outcome: { kind: 'failed', retryAt: NOW + 120_000 },
};
const ENDED: BootstrapStep = { ...IDLE, outcome: given };
const request = (reason: BootstrapReason, attempt: number, pack: boolean): BootstrapStep => ({
  state: { kind: 'requesting', reason, attempt, pack },
  action: pack ? 'requestPack' : 'request',
});
const configuring = (reason: BootstrapReason, attempt: number, until = NOW + 600_000): BootstrapStep => ({
  state: { kind: 'configuring', reason, attempt, deadline: NOW + 247_000, until },
});
const SAVING = (reason: BootstrapReason, attempt: number): BootstrapStep => ({
  state: { kind: 'finishing', reason, attempt },
  action: 'save',
});
const OURS = configuring('unreachable', 2);
const GOES_ON = configuring('unreachable', 2, UNTIL);

/** Every input that changes something; all others leave the state as it is. */
const TABLE: Readonly<Record<StateName, Partial<Readonly<Record<InputName, BootstrapStep>>>>> = {
  idle: {
    'begin, no server': { state: { kind: 'waiting', reason: 'no-server', deadline: NOW + 5_000, attempt: 1 } },
    'begin, trigger': request('server-trigger', 1, true),
    operation: configuring('unsolicited', 1),
    close: CLOSED,
  },
  waiting: {
    'begin, trigger': request('unreachable', 2, true),
    operation: OURS,
    abandon: IDLE,
    close: CLOSED,
  },
  due: {
    'begin, trigger': request('unreachable', 2, true),
    deadline: request('unreachable', 2, true),
    operation: OURS,
    abandon: IDLE,
    close: CLOSED,
  },
  requesting: {
    accepted: OURS,
    operation: OURS,
    refused: FAILED,
    failed: FAILED,
    packUnusable: request('unreachable', 2, false),
    finish: SAVING('unreachable', 2),
    abandon: ENDED,
    close: { ...CLOSED, outcome: given },
  },
  packing: {
    accepted: OURS,
    operation: OURS,
    refused: request('unreachable', 2, false),
    failed: FAILED,
    packUnusable: request('unreachable', 2, false),
    finish: SAVING('unreachable', 2),
    abandon: ENDED,
    close: { ...CLOSED, outcome: given },
  },
  triggered: {
    accepted: configuring('server-trigger', 1),
    operation: configuring('server-trigger', 1),
    refused: ENDED,
    failed: ENDED,
    packUnusable: request('server-trigger', 1, false),
    finish: SAVING('server-trigger', 1),
    abandon: ENDED,
    close: { ...CLOSED, outcome: given },
  },
  configuring: {
    accepted: GOES_ON,
    operation: GOES_ON,
    finish: SAVING('unreachable', 2),
    abandon: ENDED,
    close: { ...CLOSED, outcome: given },
  },
  silent: {
    deadline: FAILED,
    accepted: GOES_ON,
    operation: GOES_ON,
    finish: SAVING('unreachable', 2),
    abandon: ENDED,
    close: { ...CLOSED, outcome: given },
  },
  finishing: {
    saved: { ...IDLE, outcome: { kind: 'finished' } },
    notSaved: FAILED,
    close: { ...CLOSED, outcome: given },
  },
  closed: {},
};

describe('the course of a bootstrap: every state and every input (OMA TS Core §6.1)', () => {
  for (const state of Object.keys(STATES) as StateName[]) {
    for (const input of Object.keys(INPUTS) as InputName[]) {
      const expected = TABLE[state][input];
      it(`${state} + ${input}${expected === undefined ? ': nothing' : ` → ${expected.state.kind}`}`, () => {
        const before = STATES[state];
        const step = advanceBootstrap(before, INPUTS[input], NOW, TIMES, true);
        if (expected !== undefined) return assert.deepEqual(step, expected);
        assert.equal(step.state, before);
        assert.deepEqual(Object.keys(step), ['state']);
      });
    }
  }

  it('the pause doubles with each attempt, up to the longest', () => {
    const pauses = [1, 2, 3, 4, 5, 40].map((attempt) => {
      const { outcome } = advanceBootstrap({ ...STATES.requesting, attempt }, INPUTS.failed, NOW, TIMES, true);
      return outcome?.kind === 'failed' ? outcome.retryAt - NOW : undefined;
    });
    assert.deepEqual(pauses, [60_000, 120_000, 240_000, 300_000, 300_000, 300_000]);
  });

  it('a Bootstrap-Server that is never silent has a bounded time all the same', () => {
    const state = { ...STATES.configuring, until: NOW + 100 };
    const { state: after } = advanceBootstrap(state, INPUTS.operation, NOW, TIMES, true);
    assert.equal(bootstrapDeadline(after), NOW + 100);
    assert.deepEqual(advanceBootstrap(after, INPUTS.deadline, NOW + 100, TIMES, true).outcome?.kind, 'failed');
  });

  it('without hold-off time, and without packs, the Bootstrap-Request goes at once', () => {
    const step = advanceBootstrap(STATES.idle, INPUTS['begin, no server'], NOW, { ...TIMES, holdOff: 0 }, false);
    assert.deepEqual(step, request('no-server', 1, false));
  });

  it('only waiting and configuring are for a time, and only from the request to the saving the client is configured', () => {
    assert.deepEqual(
      Object.entries(STATES).map(([name, state]) => [name, bootstrapDeadline(state) - NOW, isUnderWay(state)]),
      [
        ['idle', Infinity, false],
        ['waiting', 1, false],
        ['due', 0, false],
        ['requesting', Infinity, true],
        ['packing', Infinity, true],
        ['triggered', Infinity, true],
        ['configuring', 1, true],
        ['silent', 0, true],
        ['finishing', Infinity, true],
        ['closed', Infinity, false],
      ],
    );
  });
});
