/** The `lapwing` command as a process of its own, with its REST API. */
import { fileURLToPath } from 'node:url';
import { Conversation } from './tool.ts';

const MAIN = fileURLToPath(new URL('../../apps/lapwing/src/main.ts', import.meta.url));

export interface LapwingOptions {
  readonly dataDir: string;
  readonly coapsPort: number;
}

export class LapwingProcess implements AsyncDisposable {
  readonly #program: Conversation;
  readonly #url: string;

  static async start({ dataDir, coapsPort }: LapwingOptions): Promise<LapwingProcess> {
    const words = ['serve', '--no-demo', '--no-bootstrap', '--data-dir', dataDir, '--http-port', '0'];
    words.push('--coap-host', '127.0.0.1', '--coap-port', '0', '--coaps-host', '127.0.0.1', '--coaps-port');
    const program = new Conversation(process.execPath, ['--conditions=src', MAIN, ...words, String(coapsPort)]);
    const url = await program.waitFor(/http:\/\/localhost:\d+/);
    await program.waitFor(/Ctrl\+C stops/);
    return new LapwingProcess(program, url);
  }

  private constructor(program: Conversation, url: string) {
    this.#program = program;
    this.#url = url;
  }

  /** The JSON of an answer that is a success. */
  async call<Body>(method: string, path: string, body?: unknown): Promise<Body> {
    const json =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(`${this.#url}/api/v1${path}`, { method, ...json });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as Body;
  }

  /** The values a device notifies from now on, by its stream of events. */
  async notifiedValues(device: string): Promise<AsyncGenerator<unknown, void>> {
    const response = await fetch(`${this.#url}/api/v1/events?type=notification&device=${device}`);
    return valuesOf(response.body!.pipeThrough(new TextDecoderStream()));
  }

  async counters(): Promise<Readonly<Record<string, number>>> {
    return (await this.call<{ readonly counters: Readonly<Record<string, number>> }>('GET', '/server')).counters;
  }

  /** As an operator stops it. Answers the exit code. */
  stop(): Promise<number | null> {
    this.#program.child.kill('SIGTERM');
    return this.#program.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
  }
}

async function* valuesOf(stream: AsyncIterable<string>): AsyncGenerator<unknown, void> {
  let text = '';
  for await (const part of stream) {
    const blocks = (text + part).split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) {
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (data === undefined) continue;
      const { entries } = JSON.parse(data) as { readonly entries: readonly { readonly value: unknown }[] };
      for (const { value } of entries) yield value;
    }
  }
}
