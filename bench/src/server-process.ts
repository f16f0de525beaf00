/** The servers under load, each in a process of its own. */
import { fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { dtlsLoad, load } from './generator.ts';

/** What a server of ours answers about its memory, after a full collection. In bytes. */
export interface MemoryReport {
  readonly heapUsed: number;
  /** Typed arrays and other memory outside of the heap. */
  readonly external: number;
  readonly rss: number;
  /** What the server itself counts, such as registrations or bytes of the duplicate filter. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface ServerProcess extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** Only of the servers below `servers/`. */
  memory(): Promise<MemoryReport>;
}

/** Start `servers/<name>.ts`, which sends its port as its first message. */
export async function startNodeServer(name: string, ...arguments_: readonly string[]): Promise<ServerProcess> {
  const child = fork(join(import.meta.dirname, 'servers', `${name}.ts`), arguments_, {
    execArgv: ['--conditions=src', '--expose-gc', ...profilingOf(name)],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit').then(([status]) => {
    throw new Error(`the server ${name} ended with status ${status}`);
  });
  const message = async <T>(): Promise<T> => (await Promise.race([once(child, 'message'), ended]))[0] as T;
  const { port } = await message<{ readonly port: number }>();
  return {
    pid: child.pid!,
    port,
    memory: () => {
      const answer = message<MemoryReport>();
      child.send('memory');
      return answer;
    },
    [Symbol.asyncDispose]: () => stop(child, ended),
  };
}

/** LAPWING_BENCH_PROFILE=<folder>: every server of ours leaves a CPU profile there when it stops. */
function profilingOf(name: string): readonly string[] {
  const folder = process.env['LAPWING_BENCH_PROFILE'];
  return folder === undefined
    ? []
    : ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}-${Date.now()}.cpuprofile`];
}

/** Start a program that takes its port as an argument, and wait until it answers. */
export async function startProgram(
  program: string,
  argumentsFor: (port: number) => readonly string[],
  probe: string,
): Promise<ServerProcess> {
  const port = await freePort();
  const child = spawn(program, argumentsFor(port), { stdio: 'ignore' });
  const ended = once(child, 'exit').then(([status]) => {
    throw new Error(`${program} ended with status ${status}`);
  });
  const target = { pid: child.pid!, uri: `coap://127.0.0.1:${port}${probe}` };
  for (let attempt = 0; attempt < 20; attempt++) {
    const [result] = await Promise.race([load(['-n', '1', '-c', '1', '-w', '1', '-T', '250'], target, 'get'), ended]);
    if (result?.completed === 1) {
      return {
        pid: target.pid,
        port,
        memory: () => Promise.reject(new Error(`${program} does not tell its memory`)),
        [Symbol.asyncDispose]: () => stop(child, ended),
      };
    }
  }
  child.kill('SIGKILL');
  throw new Error(`${program} does not answer`);
}

/** The same for one that takes CoAP on the port it is given and CoAP over DTLS on the next; `probe` for `dtlsload`. */
export async function startDtlsProgram(
  program: string,
  argumentsFor: (port: number) => readonly string[],
  probe: readonly string[],
): Promise<ServerProcess> {
  const port = await freePort();
  const child = spawn(program, argumentsFor(port), { stdio: 'ignore' });
  const ended = once(child, 'exit').then(([status]) => {
    throw new Error(`${program} ended with status ${status}`);
  });
  const target = { pid: child.pid!, port: port + 1 };
  for (let attempt = 0; attempt < 20; attempt++) {
    const result = await Promise.race([dtlsLoad(['-c', '1', '-d', '0.2', '-W', '0', ...probe], target), ended]);
    if (result.handshakes.completed > 0) {
      return {
        ...target,
        memory: () => Promise.reject(new Error(`${program} does not tell its memory`)),
        [Symbol.asyncDispose]: () => stop(child, ended),
      };
    }
  }
  child.kill('SIGKILL');
  throw new Error(`${program} does not answer`);
}

/** Where a program is in the PATH, or undefined. */
export function programPath(program: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

async function stop(child: ChildProcess, ended: Promise<never>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  // Disconnecting tells a server of ours to close its socket and end, so that a profile can be written.
  if (child.connected) child.disconnect();
  else child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended.catch(() => undefined);
  clearTimeout(killer);
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}
