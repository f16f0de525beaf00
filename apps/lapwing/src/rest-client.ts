/** The REST API of a running server, as the subcommands of `lapwing` use it. */
import type { ProblemBody } from './rest/problem.ts';

/** The server, or the device behind it, said no; or there is no server. One sentence. */
export class RequestFailed extends Error {
  /** Of the answer; undefined when there was none. */
  readonly status: number | undefined;
  /** What the server said of it, as far as it did. */
  readonly problem: Partial<ProblemBody>;
  constructor(
    message: string,
    {
      status,
      problem = {},
      ...options
    }: ErrorOptions & { readonly status?: number; readonly problem?: Partial<ProblemBody> } = {},
  ) {
    super(message, options);
    this.status = status;
    this.problem = problem;
  }
  override get name(): string {
    return 'RequestFailed';
  }
}

export class RestClient {
  readonly #api: string;

  /** @param url  "http://localhost:8080". */
  constructor(url: string) {
    this.#api = `${url.replace(/\/+$/, '')}/api/v1`;
  }

  async call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const json =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    return this.#answer(await this.#fetch(path, { method, ...json }));
  }

  /** POST a text or bytes that are no JSON. */
  async upload<Answer>(path: string, mediaType: string, body: string | Blob): Promise<Answer> {
    const headers = { 'content-type': mediaType };
    return this.#answer(await this.#fetch(path, { method: 'POST', body, headers }));
  }

  /** The data of server-sent events, until the signal or the end of the server. */
  async *events<Data>(query: string, signal: AbortSignal): AsyncGenerator<Data, void, undefined> {
    const response = await this.#fetch(`/events?${query}`, { signal });
    let text = '';
    const decoded = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream());
    for await (const part of decoded) {
      text += part;
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data !== undefined) yield JSON.parse(data) as Data;
      }
    }
  }

  async #answer<Answer>(response: Response): Promise<Answer> {
    return (response.status === 204 ? undefined : await response.json()) as Answer;
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(this.#api + path, init);
    } catch (error) {
      if (init.signal?.aborted === true) throw error;
      throw new RequestFailed(`No Lapwing server answers at ${this.#api}; start one, or name it with --url.`, {
        cause: error,
      });
    }
    if (response.ok) return response;
    const problem = (await response.json().catch(() => ({}))) as Partial<ProblemBody>;
    const { status } = response;
    throw new RequestFailed(problem.detail ?? `The server answered ${status}.`, { status, problem });
  }
}
