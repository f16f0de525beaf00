import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Codes } from '@lapwing/coap';
import {
  advanceRegistration,
  NEVER_AGAIN,
  nextUpdateAt,
  registrationDeadline,
  type RegistrationInput,
  type RegistrationParameters,
  type RegistrationState,
} from './registration-state.ts';

const PARAMETERS: RegistrationParameters = {
  lifetimeSeconds: 300,
  initialDelaySeconds: 0,
  retryCount: 3,
  retryTimerSeconds: 60,
  sequenceDelaySeconds: 3600,
  sequenceCount: 2,
};
const NOW = 1_000_000;
const LOCATION = ['rd', 'a'];

const STATES = {
  idle: { kind: 'idle', version: '1.2' },
  waiting: { kind: 'waiting', version: '1.2', deadline: NOW, attempt: 2, sequence: 2 },
  waitingLonger: { kind: 'waiting', version: '1.2', deadline: NOW + 1, attempt: 2, sequence: 2 },
  registering: {
    kind: 'registering',
    version: '1.2',
    sentAt: NOW - 500,
    attempt: 1,
    sequence: 1,
    updateWanted: false,
  },
  registeringStale: {
    kind: 'registering',
    version: '1.2',
    sentAt: NOW - 500,
    attempt: 1,
    sequence: 1,
    updateWanted: true,
  },
  registered: { kind: 'registered', version: '1.2', location: LOCATION, deadline: NOW },
  registeredLonger: { kind: 'registered', version: '1.2', location: LOCATION, deadline: NOW + 1 },
  updating: { kind: 'updating', version: '1.2', location: LOCATION, sentAt: NOW - 500, updateWanted: false },
  updatingStale: { kind: 'updating', version: '1.2', location: LOCATION, sentAt: NOW - 500, updateWanted: true },
  deregistering: { kind: 'deregistering', version: '1.2', location: LOCATION, then: 'closed' },
  disabling: { kind: 'deregistering', version: '1.2', location: LOCATION, then: { disabledSeconds: 10 } },
  closed: { kind: 'closed', version: '1.2' },
} as const satisfies Record<string, RegistrationState>;

const INPUTS = {
  begin: { kind: 'begin' },
  deadline: { kind: 'deadline' },
  accepted: { kind: 'accepted', location: LOCATION },
  notFound: { kind: 'refused', code: Codes.notFound },
  oldVersion: { kind: 'refused', code: Codes.preconditionFailed },
  failed: { kind: 'failed', reason: 'timeout' },
  updateWanted: { kind: 'updateWanted' },
  disable: { kind: 'disable', seconds: 10 },
  close: { kind: 'close' },
  profileRefused: { kind: 'profileRefused' },
  suspend: { kind: 'suspend' },
  abandon: { kind: 'abandon' },
} as const satisfies Record<string, RegistrationInput>;

/** New state, action and announcement; '=' is the identical state. */
type Expected = string;

// One row per line: the columns are the point.
// prettier-ignore
const TABLE: Record<keyof typeof STATES, Record<keyof typeof INPUTS, Expected>> = {
  idle: {
    begin: 'registering 1.2 1/1 !register', deadline: '=', accepted: '=', notFound: '=', oldVersion: '=', failed: '=',
    updateWanted: '=', disable: '=', close: 'closed',
    profileRefused: '=', suspend: '=', abandon: 'closed',
  },
  waiting: {
    begin: 'registering 1.2 1/1 !register', deadline: 'registering 1.2 2/2 !register', accepted: '=', notFound: '=',
    oldVersion: '=', failed: '=', updateWanted: '=', disable: '=', close: 'closed',
    profileRefused: '=', suspend: '=', abandon: 'closed',
  },
  waitingLonger: {
    begin: 'registering 1.2 1/1 !register', deadline: '=', accepted: '=', notFound: '=', oldVersion: '=', failed: '=',
    updateWanted: '=', disable: '=', close: 'closed',
    profileRefused: '=', suspend: '=', abandon: 'closed',
  },
  registering: {
    begin: 'registering 1.2 1/1 !register', deadline: '=', accepted: 'registered 206500 #registered',
    notFound: 'waiting 2/1 60000 #registrationFailed', oldVersion: 'registering 1.1 1/1 !register',
    failed: 'waiting 2/1 60000 #registrationFailed', updateWanted: 'registering 1.2 1/1 +', disable: '=', close: 'closed',
    profileRefused: 'registering 1.2 1/1 !register', suspend: 'waiting 1/1 0', abandon: 'closed',
  },
  registeringStale: {
    begin: 'registering 1.2 1/1 !register', deadline: '=', accepted: 'updating !update #registered',
    notFound: 'waiting 2/1 60000 #registrationFailed', oldVersion: 'registering 1.1 1/1 !register',
    failed: 'waiting 2/1 60000 #registrationFailed', updateWanted: '=', disable: '=', close: 'closed',
    profileRefused: 'registering 1.2 1/1 !register', suspend: 'waiting 1/1 0', abandon: 'closed',
  },
  registered: {
    begin: 'registering 1.2 1/1 !register #lost', deadline: 'updating !update', accepted: '=', notFound: '=',
    oldVersion: '=', failed: '=', updateWanted: 'updating !update', disable: 'deregistering 10 !deregister',
    close: 'deregistering closed !deregister',
    profileRefused: '=', suspend: '=', abandon: 'closed',
  },
  registeredLonger: {
    begin: 'registering 1.2 1/1 !register #lost', deadline: '=', accepted: '=', notFound: '=', oldVersion: '=',
    failed: '=', updateWanted: 'updating !update', disable: 'deregistering 10 !deregister',
    close: 'deregistering closed !deregister',
    profileRefused: '=', suspend: 'registered 0', abandon: 'closed',
  },
  updating: {
    begin: 'registering 1.2 1/1 !register #lost', deadline: '=', accepted: 'registered 206500 #updated',
    notFound: 'registering 1.2 1/1 !register #lost', oldVersion: 'registering 1.2 1/1 !register #lost',
    failed: 'registering 1.2 1/1 !register #lost', updateWanted: 'updating +', disable: 'deregistering 10 !deregister',
    close: 'deregistering closed !deregister',
    profileRefused: '=', suspend: 'registered 0', abandon: 'closed',
  },
  updatingStale: {
    begin: 'registering 1.2 1/1 !register #lost', deadline: '=', accepted: 'updating !update #updated',
    notFound: 'registering 1.2 1/1 !register #lost', oldVersion: 'registering 1.2 1/1 !register #lost',
    failed: 'registering 1.2 1/1 !register #lost', updateWanted: '=', disable: 'deregistering 10 !deregister',
    close: 'deregistering closed !deregister',
    profileRefused: '=', suspend: 'registered 0', abandon: 'closed',
  },
  deregistering: {
    begin: '=', deadline: '=', accepted: 'closed #deregistered', notFound: 'closed #deregistered',
    oldVersion: 'closed #deregistered', failed: 'closed #deregistered', updateWanted: '=', disable: '=', close: '=',
    profileRefused: '=', suspend: 'closed #deregistered', abandon: 'closed',
  },
  disabling: {
    begin: '=', deadline: '=', accepted: 'waiting 1/1 10000 #deregistered', notFound: 'waiting 1/1 10000 #deregistered',
    oldVersion: 'waiting 1/1 10000 #deregistered', failed: 'waiting 1/1 10000 #deregistered', updateWanted: '=',
    disable: '=', close: 'deregistering closed',
    profileRefused: '=', suspend: 'waiting 1/1 10000 #deregistered', abandon: 'closed',
  },
  closed: {
    begin: '=', deadline: '=', accepted: '=', notFound: '=', oldVersion: '=', failed: '=', updateWanted: '=',
    disable: '=', close: '=',
    profileRefused: '=', suspend: '=', abandon: '=',
  },
};

function describeStep(state: RegistrationState, input: RegistrationInput, parameters = PARAMETERS): string {
  const step = advanceRegistration(state, input, NOW, parameters);
  if (step.state === state) {
    assert.deepEqual(step, { state }, 'an unchanged state asks for nothing');
    return '=';
  }
  const next = step.state;
  const parts: string[] = [next.kind];
  if (next.kind === 'registering') parts.push(next.version, `${next.attempt}/${next.sequence}`);
  if (next.kind === 'waiting') parts.push(`${next.attempt}/${next.sequence}`, String(next.deadline - NOW));
  if (next.kind === 'registered') parts.push(String(next.deadline - NOW));
  if (next.kind === 'deregistering') {
    parts.push(next.then === 'closed' ? 'closed' : String(next.then.disabledSeconds));
  }
  if ('updateWanted' in next && next.updateWanted) parts.push('+');
  if (step.action !== undefined) parts.push(`!${step.action}`);
  if (step.announce !== undefined) parts.push(`#${step.announce.kind}`);
  return parts.join(' ');
}

describe('the life of a registration, every state with every input', () => {
  for (const [stateName, row] of Object.entries(TABLE)) {
    for (const [inputName, expected] of Object.entries(row)) {
      it(`${stateName} + ${inputName} → ${expected}`, () => {
        const state = STATES[stateName as keyof typeof STATES];
        const input = INPUTS[inputName as keyof typeof INPUTS];
        assert.equal(describeStep(state, input), expected);
      });
    }
  }
});

describe('when a registration begins and is tried again (/1/x/14, /1/x/17 to 20)', () => {
  it('the first attempt waits for the Initial Registration Delay Timer', () => {
    assert.equal(
      describeStep(STATES.idle, INPUTS.begin, { ...PARAMETERS, initialDelaySeconds: 5 }),
      'waiting 1/1 5000',
    );
  });

  it('the pause doubles with each attempt of a sequence', () => {
    const second: RegistrationState = { ...STATES.registering, attempt: 2 };
    assert.equal(describeStep(second, INPUTS.failed), 'waiting 3/1 120000 #registrationFailed');
  });

  it('after the last attempt of a sequence the next sequence follows the Sequence Delay Timer', () => {
    const last: RegistrationState = { ...STATES.registering, attempt: 3 };
    const { state, announce } = advanceRegistration(last, INPUTS.failed, NOW, PARAMETERS);
    assert.deepEqual(state, { kind: 'waiting', version: '1.2', deadline: NOW + 3_600_000, attempt: 1, sequence: 2 });
    assert.deepEqual(announce, { kind: 'registrationFailed', retryAt: NOW + 3_600_000, final: false });
  });

  it('after the last sequence the failure is final, and the sequences begin anew after the delay', () => {
    const last: RegistrationState = { ...STATES.registering, attempt: 3, sequence: 2 };
    const { state, announce } = advanceRegistration(last, INPUTS.failed, NOW, PARAMETERS);
    assert.deepEqual(state, { kind: 'waiting', version: '1.2', deadline: NOW + 3_600_000, attempt: 1, sequence: 1 });
    assert.deepEqual(announce, { kind: 'registrationFailed', retryAt: NOW + 3_600_000, final: true });
  });

  it('a Sequence Delay Timer of MAX_VALUE ends the attempts, until the application begins anew', () => {
    const parameters = { ...PARAMETERS, retryCount: 1, sequenceCount: 1, sequenceDelaySeconds: NEVER_AGAIN };
    const { state } = advanceRegistration(STATES.registering, INPUTS.failed, NOW, parameters);
    assert.equal(registrationDeadline(state), Infinity);
    assert.equal(describeStep(state, INPUTS.begin, parameters), 'registering 1.2 1/1 !register');
  });

  it('4.12 is answered with the next lower version, and in 1.0 it is a failure like any other', () => {
    const v11: RegistrationState = { ...STATES.registering, version: '1.1' };
    const v10: RegistrationState = { ...STATES.registering, version: '1.0' };
    assert.equal(describeStep(v11, INPUTS.oldVersion), 'registering 1.0 1/1 !register');
    assert.equal(describeStep(v10, INPUTS.oldVersion), 'waiting 2/1 60000 #registrationFailed');
  });
});

describe('when the next Update is due', () => {
  for (const [lifetimeSeconds, after] of [
    [20, 10_000],
    [186, 93_000],
    [300, 207_000],
    [86_400, 86_307_000],
    [0, Infinity],
  ] as const) {
    it(`a lifetime of ${lifetimeSeconds} s: after ${after} ms, half of it or 93 s before its end`, () => {
      assert.equal(nextUpdateAt(0, lifetimeSeconds), after);
    });
  }
});
