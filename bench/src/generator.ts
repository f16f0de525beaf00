/**
 * The load generators `bench/native/coapload.c` and `dtlsload.c`: compiled when older than their sources, run once per
 * measurement.
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const binary: string = join(import.meta.dirname, '../bin/coapload');
const dtlsBinary: string = join(import.meta.dirname, '../bin/dtlsload');

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
  return compile('coapload', ['-lm']);
}

/** The same for the generator of DTLS, which needs OpenSSL's headers (Debian package libssl-dev). */
export function prepareDtlsGenerator(): string | undefined {
  return compile('dtlsload', ['-lssl', '-lcrypto']);
}

function compile(name: string, libraries: readonly string[]): string | undefined {
  if (process.platform !== 'linux') return 'the load generator needs Linux';
  const source = join(import.meta.dirname, `../native/${name}.c`);
  const target = join(import.meta.dirname, `../bin/${name}`);
  const built = statSync(target, { throwIfNoEntry: false });
  if (built !== undefined && built.mtimeMs >= statSync(source).mtimeMs) return undefined;
  mkdirSync(join(target, '..'), { recursive: true });
  const { status, error, stderr } = spawnSync('cc', ['-O2', '-Wall', '-Wextra', '-o', target, source, ...libraries], {
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

/** What `dtlsload -J` reports. */
export interface DtlsLoadResult {
  readonly seconds: number;
  readonly failed: number;
  readonly timeouts: number;
  readonly server: {
    readonly cpu_s: number;
    /** Per handshake, or per request where there were requests. */
    readonly cpu_us: number;
    readonly rss_kib: number;
  };
  readonly handshakes: DtlsLoadCount;
  readonly requests: DtlsLoadCount;
}

interface DtlsLoadCount {
  readonly completed: number;
  readonly rate: number;
  readonly p50_us: number;
  readonly p99_us: number;
}

/** Handshakes with OpenSSL as the client, and GETs over them. */
export async function dtlsLoad(
  arguments_: readonly string[],
  target: { readonly pid: number; readonly port: number },
): Promise<DtlsLoadResult> {
  const { stdout } = await promisify(execFile)(dtlsBinary, [
    '-J',
    '-P',
    String(target.pid),
    ...arguments_,
    `coaps://127.0.0.1:${target.port}/time`,
  ]);
  return JSON.parse(stdout) as DtlsLoadResult;
}

/** Open so many associations and keep them idle while `measure` runs. */
export async function whileIdle<Result>(
  associations: number,
  arguments_: readonly string[],
  target: { readonly pid: number; readonly port: number },
  measure: () => Promise<Result>,
): Promise<Result> {
  const uri = `coaps://127.0.0.1:${target.port}/time`;
  const child = spawn(dtlsBinary, ['-J', '-H', '-c', String(associations), ...arguments_, uri], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  try {
    const [line] = (await Promise.race([once(child.stdout.setEncoding('utf8'), 'data'), ended])) as unknown[];
    if (typeof line !== 'string' || !line.startsWith('idle')) throw new Error('dtlsload ended before all were open');
    return await measure();
  } finally {
    child.stdin.end();
    await ended;
  }
}
