/** What a case of `lapwing conformance` is, and how the answers of a device are judged. */
import type { Answer, DeviceUnderTest } from './device-under-test.ts';

export interface ConformanceCase {
  /** Stable, for `--only` and for reports. */
  readonly id: string;
  readonly title: string;
  /** The cases of the OMA test specification that it is made after. */
  readonly oma?: readonly string[];
  /** Reboots the device, or could leave it other than it was found. */
  readonly destructive?: true;
  /** What the device must have for it: the reason when there is nothing to check. */
  readonly needs: string;
  readonly checks: (device: DeviceUnderTest) => readonly Check[];
}

/** One thing that is judged by itself. */
export interface Check {
  /** What it is about, as "/3/0/9 as text/plain". Unique in its case. */
  readonly target: string;
  /** Leaves the device as it was, whatever the verdict. */
  readonly run: () => Verdict | Promise<Verdict>;
}

export type Verdict =
  | { readonly outcome: 'passed' }
  | { readonly outcome: 'failed'; readonly why: string }
  /** Nothing can be said: the device may lack what is asked for. */
  | { readonly outcome: 'skipped'; readonly why: string };

export const PASSED: Verdict = { outcome: 'passed' };
export const onlyIf = (isSo: boolean, why: string): Verdict => (isSo ? PASSED : failed(why));
export const failed = (why: string): Verdict => ({ outcome: 'failed', why });
export const skipped = (why: string): Verdict => ({ outcome: 'skipped', why });

/** Passed when the device answered one of these codes. Without a right to it nothing can be said, where rights exist. */
export function answered(device: DeviceUnderTest, answer: Answer<unknown>, ...codes: readonly string[]): Verdict {
  if (answer.code !== undefined && codes.includes(answer.code)) return PASSED;
  const said = answer.ok ? `The device answered ${answer.code}.` : answer.said;
  if (answer.code === '4.01' && device.object(2) !== undefined) {
    return skipped(`${said} Its access control gives this server no right to it.`);
  }
  return failed(`Expected ${codes.join(' or ')}. ${said}`);
}

/** The first verdict that is not passed. */
export async function allOf(...steps: readonly (() => Promise<Verdict> | Verdict)[]): Promise<Verdict> {
  for (const step of steps) {
    const verdict = await step();
    if (verdict.outcome !== 'passed') return verdict;
  }
  return PASSED;
}

/** Judge, then put back what was changed; what could not be put back is a failure of its own. */
export async function thenRestore(judged: Promise<Verdict>, restore: () => Promise<Verdict>): Promise<Verdict> {
  let verdict: Verdict;
  try {
    verdict = await judged;
  } catch (error) {
    await restore();
    throw error;
  }
  const restored = await restore();
  if (restored.outcome === 'passed') return verdict;
  const before = verdict.outcome === 'failed' ? `${verdict.why} ` : '';
  return failed(`${before}It was left changed: ${restored.why}`);
}
