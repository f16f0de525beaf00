import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  advanceFirmware,
  FIRMWARE_STATES,
  type FirmwareInput,
  type FirmwareProblem,
  type FirmwareState,
} from './firmware-update-state.ts';

const INPUTS = ['begin', 'received', 'failed', 'reset', 'cancel', 'update', 'deferred', 'installed', 'installFailed'];
const no = undefined;

// In the order of INPUTS. One row per line: the columns are the point.
// prettier-ignore
const TABLE: Readonly<Record<FirmwareState, readonly (string | undefined)[]>> = {
  idle:        ['downloading initial', no, 'idle uri', 'idle initial', no, no, no, no, no],
  downloading: [no, 'downloaded initial', 'idle uri', 'idle initial', 'idle cancelled', no, no, no, no],
  downloaded:  [no, no, no, 'idle initial', 'idle cancelled', 'updating initial', no, no, no],
  updating:    [no, no, no, no, no, no, 'downloaded deferred', 'idle success', 'downloaded updateFailed'],
};

describe('the state of a Firmware Update, every state with every input (Object 5)', () => {
  for (const state of Object.keys(FIRMWARE_STATES) as FirmwareState[]) {
    INPUTS.forEach((kind, index) => {
      const expected = TABLE[state][index];
      it(`${state} + ${kind} → ${expected ?? 'not allowed'}`, () => {
        const step = advanceFirmware(state, { kind, problem: 'uri' } as FirmwareInput);
        assert.equal(step === undefined ? undefined : `${step.state} ${step.result}`, expected);
      });
    });
  }

  it('every problem with a package is a result, and leads to Idle', () => {
    const problems: readonly FirmwareProblem[] = [
      'storage',
      'memory',
      'connectionLost',
      'integrity',
      'packageType',
      'uri',
      'protocol',
    ];
    for (const problem of problems) {
      assert.deepEqual(advanceFirmware('downloading', { kind: 'failed', problem }), { state: 'idle', result: problem });
    }
  });
});
