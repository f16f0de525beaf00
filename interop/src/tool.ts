/** Programs we did not write: found, or the suite skips with the reason; run, with everything they printed. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

/** False when the program is there, else why the suite is skipped. With LAPWING_REQUIRE_TOOLS=1 a missing one is an error. */
export function missingTool(name: string, debianPackage: string): false | string {
  if (spawnSync('which', [name]).status === 0) return false;
  const reason = `${name} is not installed (Debian package ${debianPackage})`;
  if (process.env['LAPWING_REQUIRE_TOOLS'] === '1') throw new Error(reason);
  return reason;
}

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Run a program to its end. */
export async function runTool(name: string, args: readonly string[], input?: Uint8Array): Promise<Finished> {
  const child = spawn(name, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.end(input);
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout: Buffer.concat(stdout).toString('latin1'), stderr: Buffer.concat(stderr).toString() };
}

/** A program that runs until it is disposed. */
export function startTool(name: string, args: readonly string[]): AsyncDisposable & { readonly child: ChildProcess } {
  const child = spawn(name, args, { stdio: 'ignore' });
  const closed = once(child, 'close');
  return {
    child,
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill('SIGKILL');
      await closed;
    },
  };
}

/** A UDP port that nobody uses now. For programs that cannot take port 0. */
export async function freeUdpPort(host = '127.0.0.1'): Promise<number> {
  const socket = createSocket('udp4');
  const port = await boundTo(socket, 0, host);
  await closed(socket);
  return port!;
}

/** The first of two UDP ports in a row that nobody uses now. For programs that take the next one for DTLS. */
export async function freeUdpPortPair(host = '127.0.0.1'): Promise<number> {
  for (;;) {
    const sockets = [createSocket('udp4'), createSocket('udp4')] as const;
    const first = await boundTo(sockets[0], 0, host);
    const next = await boundTo(sockets[1], first! + 1, host);
    for (const socket of sockets) await closed(socket);
    if (next !== undefined) return first!;
  }
}

/** Undefined: somebody has that port. */
async function boundTo(socket: Socket, port: number, host: string): Promise<number | undefined> {
  try {
    socket.bind(port, host);
    await once(socket, 'listening');
    return socket.address().port;
  } catch {
    return undefined;
  }
}

/** The first of two TCP ports in a row that nobody uses now. */
export async function freeTcpPortPair(): Promise<number> {
  for (;;) {
    const servers = [createServer(), createServer()] as const;
    const first = await listening(servers[0], 0);
    const next = await listening(servers[1], first! + 1);
    for (const server of servers) await new Promise((resolve) => server.close(resolve));
    if (next !== undefined) return first!;
  }
}

/** Undefined: somebody has that port. */
async function listening(server: Server, port: number): Promise<number | undefined> {
  try {
    server.listen(port);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch {
    return undefined;
  }
}

async function closed(socket: Socket): Promise<void> {
  socket.close();
  await once(socket, 'close');
}

/** A program still running then has lost its way: it is killed, and the test that waits for it fails. */
const PATIENCE = 30_000;

/** A program that is talked to: what it printed is waited for, never time. */
export class Conversation implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly closed: Promise<number | null>;
  #output = '';
  #isClosed = false;
  /** Where the next `waitFor` begins to look. */
  #seen = 0;
  #changed: () => void = () => undefined;

  /** @param patience  ms that it may run. */
  constructor(name: string, args: readonly string[], patience: number = PATIENCE) {
    const child = spawn(name, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: patience, killSignal: 'SIGKILL' });
    this.child = child;
    const take = (chunk: Buffer): void => {
      this.#output += chunk.toString('latin1');
      this.#changed();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    // It may end before it has read everything.
    child.stdin.on('error', () => undefined);
    this.closed = once(child, 'close').then(([status]) => {
      this.#isClosed = true;
      this.#changed();
      return status as number | null;
    });
  }

  /** All it printed, on both channels. */
  get output(): string {
    return this.#output;
  }

  /** The first match after the last one. Rejects when the program ends without it. */
  async waitFor(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.#output.slice(this.#seen));
      if (match !== null) {
        this.#seen += match.index + match[0].length;
        return match[0];
      }
      if (this.#isClosed) throw new Error(`${String(pattern)} was not printed:\n${this.#output}`);
      await new Promise<void>((resolve) => (this.#changed = resolve));
    }
  }

  write(text: string): void {
    this.child.stdin?.write(text);
  }

  /** No more input: most programs say goodbye then and end. */
  end(): void {
    this.child.stdin?.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) this.child.kill('SIGKILL');
    await this.closed;
  }
}
