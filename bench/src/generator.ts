/**
 * The load generator `bench/native/coapload.c`: compiled when it is older than its source, run once per measurement.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const source: string = join(import.meta.dirname, '../native/coapload.c');
const binary: string = join(import.meta.dirname, '../bin/coapload');

/** One phase as the generator reports it. */
export interface PhaseResult {
  readonly phase: string;
  readonly seconds: number;
  readonly completed: number;
  /** Answers per second. */
  readonly rate: number;
  readonly failed: number;
  readonly lost: number;
  readonly resets: number;
  readonly stray: number;
  readonly latency_us: { readonly mean: number; readonly p50: number; readonly p99: number; readonly max: number };
  /** True when a client used its Message IDs up within EXCHANGE_LIFETIME. */
  readonly mid_reuse: boolean;
  readonly codes: Readonly<Record<string, number>>;
  readonly server: {
    readonly cpu_s: number;
    readonly cpu_us_per_request: number;
    readonly rss_kib: number;
    readonly peak_kib: number;
  };
  /** Cores that everything else on the machine used meanwhile: above some tenths the figures are worth less. */
  readonly foreign_cores: number;
}

/** Compile what is needed; answers why there is no generator, or undefined. */
export function prepareGenerator(): string | undefined {
  if (process.platform !== 'linux') return 'the load generator needs Linux';
  const built = statSync(binary, { throwIfNoEntry: false });
  if (built !== undefined && built.mtimeMs >= statSync(source).mtimeMs) return undefined;
  mkdirSync(join(binary, '..'), { recursive: true });
  const { status, error, stderr } = spawnSync('cc', ['-O2', '-Wall', '-Wextra', '-o', binary, source, '-lm'], {
    encoding: 'utf8',
  });
  if (error !== undefined) return `no C compiler to build the load generator with (${error.message})`;
  return status === 0 ? undefined : `the load generator does not compile: ${stderr}`;
}

/** Run the generator against a server on this machine; one result per phase. */
export async function load(
  arguments_: readonly string[],
  target: { readonly pid: number; readonly uri: string },
  method: 'get' | 'lwm2m',
): Promise<readonly PhaseResult[]> {
  const { stdout } = await promisify(execFile)(
    binary,
    ['--json', '--pid', String(target.pid), ...arguments_, method, target.uri],
    { maxBuffer: 1 << 20 },
  );
  return stdout
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as PhaseResult);
}

/** What makes a measurement worthless, in one sentence; undefined when nothing does. */
export function flaw(result: PhaseResult): string | undefined {
  const { phase, completed, failed, lost, resets } = result;
  if (completed === 0) return `${phase}: no answer at all`;
  if (failed > 0) return `${phase}: ${failed} of ${completed} answers were errors: ${JSON.stringify(result.codes)}`;
  if (lost > completed / 100) return `${phase}: ${lost} requests had no answer, ${completed} had one`;
  if (resets > 0) return `${phase}: ${resets} messages were answered with Reset`;
  return undefined;
}
