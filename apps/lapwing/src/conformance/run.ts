/** Runs cases against a device, one check after the other: it has one mouth. */
import type { Check, ConformanceCase, Verdict } from './conformance-case.ts';
import { skipped } from './conformance-case.ts';
import type { DeviceUnderTest } from './device-under-test.ts';

export interface CheckResult {
  readonly target: string;
  readonly verdict: Verdict;
  /** ms. */
  readonly duration: number;
}

export interface CaseResult {
  readonly id: string;
  readonly title: string;
  readonly oma: readonly string[];
  /** Failed when one check is, passed when one is and none failed. */
  readonly verdict: Verdict;
  readonly checks: readonly CheckResult[];
}

export interface Report {
  readonly device: string;
  readonly lwm2mVersion: string;
  readonly startedAt: Date;
  /** ms. */
  readonly duration: number;
  readonly cases: readonly CaseResult[];
  /** A signal ended it, or the device fell silent: cases are missing. */
  readonly cutShort?: string;
}

export interface RunOptions {
  readonly cases: readonly ConformanceCase[];
  readonly destructive: boolean;
  /** Ends the run after the check that is under way, so that what it changed is put back. */
  readonly signal: AbortSignal;
  readonly each: (result: CaseResult) => void;
}

/** Requests without an answer after which the device is given up. */
const MAX_SILENCES = 3;

export async function runConformance(device: DeviceUnderTest, options: RunOptions): Promise<Report> {
  const startedAt = new Date();
  const began = performance.now();
  const cases: CaseResult[] = [];
  const whyToEnd = (): string | undefined => {
    if (options.signal.aborted) return 'It was interrupted.';
    return device.silences >= MAX_SILENCES ? `The device left ${device.silences} requests unanswered.` : undefined;
  };
  for (const each of options.cases) {
    if (whyToEnd() !== undefined) break;
    const result = await runCase(each, device, options.destructive, whyToEnd);
    cases.push(result);
    options.each(result);
  }
  const cutShort = whyToEnd();
  const { name, lwm2mVersion } = device;
  const report = { device: name, lwm2mVersion, startedAt, duration: performance.now() - began, cases };
  return cutShort === undefined ? report : { ...report, cutShort };
}

async function runCase(
  { id, title, oma = [], needs, destructive, checks }: ConformanceCase,
  device: DeviceUnderTest,
  mayDestroy: boolean,
  whyToEnd: () => string | undefined,
): Promise<CaseResult> {
  if (destructive === true && !mayDestroy) {
    return { id, title, oma, verdict: skipped('It is run with --destructive only.'), checks: [] };
  }
  const results: CheckResult[] = [];
  for (const check of checks(device)) {
    if (whyToEnd() !== undefined) break;
    results.push(await runCheck(check));
  }
  const verdict = results.length === 0 ? skipped(`The device does not have what it takes: ${needs}.`) : sum(results);
  return { id, title, oma, verdict, checks: results };
}

async function runCheck({ target, run }: Check): Promise<CheckResult> {
  const began = performance.now();
  const verdict = await run();
  return { target, verdict, duration: performance.now() - began };
}

function sum(results: readonly CheckResult[]): Verdict {
  const verdicts = results.map(({ verdict }) => verdict);
  return (
    verdicts.find(({ outcome }) => outcome === 'failed') ??
    verdicts.find(({ outcome }) => outcome === 'passed') ??
    verdicts[0] ??
    skipped('')
  );
}
