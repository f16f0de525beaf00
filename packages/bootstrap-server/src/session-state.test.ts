import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Codes } from '@lapwing/coap';
import { pathOf } from '@lapwing/lwm2m';
import type { PlannedOperation } from './plan.ts';
import {
  actionOf,
  advance,
  beginning,
  type SessionInput,
  type SessionScript,
  type SessionState,
} from './session-state.ts';

const DISCOVER: PlannedOperation = { kind: 'discover', path: pathOf() };
const READ: PlannedOperation = { kind: 'read', path: pathOf(1) };
const DELETE: PlannedOperation = { kind: 'delete', path: pathOf(0), required: false };
const REQUIRED_DELETE: PlannedOperation = { kind: 'delete', path: pathOf(3303), required: true };
const WRITE: PlannedOperation = { kind: 'write', path: pathOf(0, 1), entries: [] };

const script = (changes: Partial<SessionScript> = {}): SessionScript => ({
  discovers: [DISCOVER],
  plan: [READ, DELETE, REQUIRED_DELETE, WRITE],
  formats: [11542, 112],
  stores: true,
  maxRepairs: 1,
  ...changes,
});

const STATES: Readonly<Record<string, SessionState>> = {
  discovering: { kind: 'discovering', round: 0, step: 0 },
  planning: { kind: 'planning', round: 0 },
  'planning a repair': { kind: 'planning', round: 1 },
  reading: { kind: 'configuring', round: 0, step: 0, format: 0 },
  deleting: { kind: 'configuring', round: 0, step: 1, format: 0 },
  'deleting what must go': { kind: 'configuring', round: 0, step: 2, format: 0 },
  writing: { kind: 'configuring', round: 0, step: 3, format: 0 },
  'writing in the other format': { kind: 'configuring', round: 0, step: 3, format: 1 },
  'writing a repair': { kind: 'configuring', round: 1, step: 3, format: 0 },
  storing: { kind: 'storing', round: 0 },
  finishing: { kind: 'finishing', round: 0 },
  'finishing a repair': { kind: 'finishing', round: 1 },
  ended: { kind: 'ended', outcome: { kind: 'finished' } },
};

const answered = (code: (typeof Codes)[keyof typeof Codes]): SessionInput => ({
  kind: 'answered',
  code,
  reason: 'why',
});

const INPUTS: Readonly<Record<string, SessionInput>> = {
  '2.04': answered(Codes.changed),
  '4.00': answered(Codes.badRequest),
  '4.04': answered(Codes.notFound),
  '4.05': answered(Codes.methodNotAllowed),
  '4.06': answered(Codes.notAcceptable),
  '4.15': answered(Codes.unsupportedContentFormat),
  '5.00': answered(Codes.internalServerError),
  timeout: { kind: 'failed', reason: 'timeout' },
  reset: { kind: 'failed', reason: 'reset' },
  'bad-response': { kind: 'failed', reason: 'bad-response' },
  'body-too-large': { kind: 'failed', reason: 'body-too-large' },
  'peer-closed': { kind: 'failed', reason: 'peer-closed' },
  'request cancelled': { kind: 'failed', reason: 'cancelled' },
  done: { kind: 'done' },
  impossible: { kind: 'impossible', reason: 'no way' },
  stop: { kind: 'stop', outcome: { kind: 'replaced' } },
};

/** A state in few letters, with its outcome when it is over. */
function short(state: SessionState): string {
  switch (state.kind) {
    case 'configuring':
      return `configuring ${state.step} in ${state.format}${state.round > 0 ? ' again' : ''}`;
    case 'discovering':
      return `discovering ${state.step}${state.round > 0 ? ' again' : ''}`;
    case 'ended': {
      const { kind, ...rest } = state.outcome;
      const details = Object.entries(rest)
        .filter(([name]) => name !== 'code')
        .map(([, value]) => value);
      return [`ended ${kind}`, ...details].join(' ');
    }
    default:
      return `${state.kind}${state.round > 0 ? ' again' : ''}`;
  }
}

/** What each input leads to; '-' is: nothing happens. The columns are `INPUTS`. */
const ANY_END = {
  'peer-closed': 'ended connection-closed',
  'request cancelled': 'ended cancelled',
  done: '-',
  impossible: 'ended configuration-unusable no way',
  stop: 'ended replaced',
};
const every = (next: string, ...names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, next]));
const CODES = ['2.04', '4.00', '4.04', '4.05', '4.06', '4.15', '5.00'];
const FAILURES = ['timeout', 'reset', 'bad-response', 'body-too-large'];
const WAITING = {
  ...every('-', ...CODES, ...FAILURES, 'peer-closed', 'request cancelled'),
  impossible: ANY_END.impossible,
  stop: ANY_END.stop,
};

const refusedAs = (operation: string, path: string): Record<string, string> => ({
  ...every(`ended operation-refused ${operation} ${path} why`, ...CODES.slice(1)),
  timeout: `ended timeout ${operation} ${path}`,
  reset: `ended operation-failed ${operation} ${path} reset`,
  'bad-response': `ended operation-failed ${operation} ${path} bad-response`,
  'body-too-large': `ended operation-failed ${operation} ${path} body-too-large`,
  ...ANY_END,
});

const TABLE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // Whatever comes of it, the device is configured.
  discovering: { ...every('planning', ...CODES, ...FAILURES), ...ANY_END },
  planning: { ...WAITING, done: 'configuring 0 in 0' },
  'planning a repair': { ...WAITING, done: 'configuring 0 in 0 again' },
  // LwM2M 1.0 has no Bootstrap-Read; a device that is silent is another matter.
  reading: {
    ...every('configuring 1 in 0', ...CODES, ...FAILURES),
    timeout: 'ended timeout read /1',
    ...ANY_END,
  },
  // Nothing there, or Object Instances only: Bootstrap-Finish will tell.
  deleting: { ...refusedAs('delete', '/0'), ...every('configuring 2 in 0', '2.04', '4.00', '4.04', '4.05') },
  'deleting what must go': { ...refusedAs('delete', '/3303'), ...every('configuring 3 in 0', '2.04', '4.04') },
  writing: { ...refusedAs('write', '/0/1'), '2.04': 'storing', ...every('configuring 3 in 1', '4.06', '4.15') },
  'writing in the other format': { ...refusedAs('write', '/0/1'), '2.04': 'storing' },
  'writing a repair': {
    ...refusedAs('write', '/0/1'),
    '2.04': 'finishing again',
    ...every('configuring 3 in 1 again', '4.06', '4.15'),
  },
  storing: { ...WAITING, done: 'finishing' },
  finishing: {
    ...refusedAs('finish', '/bs'),
    ...every('ended finish-refused why', ...CODES),
    '2.04': 'ended finished',
    '4.06': 'discovering 0 again',
  },
  'finishing a repair': {
    ...refusedAs('finish', '/bs'),
    ...every('ended finish-refused why', ...CODES),
    '2.04': 'ended finished',
  },
  ended: every('-', ...Object.keys(INPUTS)),
};

describe('the states of a Bootstrap', () => {
  assert.deepEqual(Object.keys(TABLE), Object.keys(STATES));
  for (const [name, state] of Object.entries(STATES)) {
    it(`${name}: every input leads where the table says`, () => {
      assert.deepEqual(Object.keys(TABLE[name]!).sort(), Object.keys(INPUTS).sort());
      for (const [inputName, input] of Object.entries(INPUTS)) {
        const next = advance(state, input, script());
        const wanted = TABLE[name]![inputName];
        if (wanted === '-') assert.equal(next, state, `${name}, ${inputName}`);
        else assert.equal(short(next), wanted, `${name}, ${inputName}`);
      }
    });
  }

  it('begins without Discover when none is wanted', () => {
    assert.equal(short(beginning(script())), 'discovering 0');
    assert.equal(short(beginning(script({ discovers: [] }))), 'planning');
  });

  it('asks one Discover after another', () => {
    const two = script({ discovers: [DISCOVER, DISCOVER] });
    assert.equal(short(advance(STATES.discovering!, INPUTS['2.04']!, two)), 'discovering 1');
  });

  it('goes from the plan to Bootstrap-Finish when there is nothing to configure', () => {
    const empty = script({ plan: [], stores: false });
    assert.equal(short(advance(STATES.planning!, INPUTS.done!, empty)), 'finishing');
  });

  it('stores nothing when nothing was made', () => {
    assert.equal(short(advance(STATES.writing!, INPUTS['2.04']!, script({ stores: false }))), 'finishing');
  });

  it('repairs nothing with maxRepairs 0', () => {
    const next = advance(STATES.finishing!, INPUTS['4.06']!, script({ maxRepairs: 0 }));
    assert.equal(short(next), 'ended finish-refused why');
  });

  it('says for each state what is to be done', () => {
    const said = Object.entries(STATES).map(([name, state]) => {
      const action = actionOf(state, script());
      const what = action.kind === 'ask' ? `${action.operation.kind} ${action.contentFormat}` : action.kind;
      return `${name}: ${what}`;
    });
    assert.deepEqual(said, [
      'discovering: discover 11542',
      'planning: plan',
      'planning a repair: plan',
      'reading: read 11542',
      'deleting: delete 11542',
      'deleting what must go: delete 11542',
      'writing: write 11542',
      'writing in the other format: write 112',
      'writing a repair: write 11542',
      'storing: store',
      'finishing: finish 11542',
      'finishing a repair: finish 11542',
      'ended: end',
    ]);
  });
});
