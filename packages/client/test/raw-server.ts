/**
 * A LwM2M Server for tests: a CoAP endpoint that answers the registration interface as a test says, and sends any request,
 * sensible or not. On a simulated network, so time is virtual.
 */
import {
  buildOptions,
  Codes,
  decodeUtf8,
  formatCode,
  readOption,
  readOptions,
  type Code,
  type CoapEvent,
  type CoapParameters,
  type Exchange,
  type IncomingRequest,
  type IncomingResponse,
  type OptionValues,
  type Peer,
} from '@lapwing/coap';
import type { SimulatedNetwork } from '@lapwing/testkit';
import type { Driver, PeerAddress } from '@lapwing/transport';

/** A request of the registration interface, as a test wants to see it. */
export interface Arrival {
  readonly at: number;
  /** "POST /rd?ep=a&lt=300" */
  readonly line: string;
  readonly payload: string;
}

export interface Answer {
  /** "2.05", or "failed: timeout". */
  readonly code: string;
  readonly format: number | undefined;
  readonly bytes: Uint8Array;
  /** The payload as text. */
  readonly text: string;
  readonly location: string;
}

const METHODS = {
  GET: Codes.get,
  PUT: Codes.put,
  POST: Codes.post,
  DELETE: Codes.delete,
  FETCH: Codes.fetch,
  iPATCH: Codes.ipatch,
};

/** What to answer on the registration or bootstrap interface; undefined: nothing at all. */
export type RegistrationAnswer =
  | {
      readonly code: Code;
      readonly location?: readonly string[];
      readonly contentFormat?: number;
      readonly payload?: string;
    }
  | undefined;

export class RawServer {
  readonly driver: Driver;
  readonly arrivals: Arrival[] = [];
  /** Notifications by the path observed. */
  readonly notifications: {
    readonly at: number;
    readonly path: string;
    readonly code: string;
    readonly bytes: Uint8Array;
    readonly text: string;
  }[] = [];
  /** May be replaced: the default accepts everything. */
  answer: (request: IncomingRequest, line: string) => RegistrationAnswer;
  readonly #network: SimulatedNetwork;
  readonly #pending = new Map<Exchange, (answer: Answer) => void>();
  readonly #observed = new Map<Exchange, string>();
  #registrations = 0;
  peer: Peer | undefined;

  constructor(
    network: SimulatedNetwork,
    at: PeerAddress | Driver = { host: '10.0.0.1', port: 5683 },
    parameters: Partial<CoapParameters> = {},
  ) {
    this.#network = network;
    this.driver = 'endpoint' in at ? at : network.driver(at, parameters);
    this.driver.onEvent = (event): void => this.#handle(event);
    this.answer = (request): RegistrationAnswer => this.accept(request);
  }

  accept(request: IncomingRequest): RegistrationAnswer {
    const path = readOptions(request.options, 'uriPath');
    if (request.code === Codes.delete) return { code: Codes.deleted };
    if (path.at(-1) === 'rd') return { code: Codes.created, location: [...path, `r${++this.#registrations}`] };
    return { code: Codes.changed };
  }

  /** Lines of what arrived since the last call. */
  taken(): readonly string[] {
    return this.arrivals.splice(0).map(({ line }) => line);
  }

  /** Send a request, "PUT /3303/0/5700?pmin=5", and let virtual time pass until it is answered. */
  async request(line: string, options: OptionValues = {}, payload: Uint8Array | string = ''): Promise<Answer> {
    const answer = this.start(line, options, payload);
    let settled: Answer | undefined;
    void answer.then((value) => (settled = value));
    for (let waited = 0; settled === undefined && waited < 400_000; waited += 100) await this.#network.run(100);
    if (settled === undefined) throw new Error(`${line} was never answered`);
    return settled;
  }

  /** As `request`, without letting time pass. */
  start(line: string, options: OptionValues = {}, payload: Uint8Array | string = ''): Promise<Answer> {
    const [method = '', target = ''] = line.split(' ');
    const [path = '', query] = target.split('?');
    const code = METHODS[method as keyof typeof METHODS];
    const { observe, ...rest } = options as OptionValues & { readonly observe?: number };
    const { peer } = this;
    if (peer === undefined) throw new Error('no client has registered');
    // Observe: 1 cancels the observation of this path.
    const cancelled = observe === 1 ? [...this.#observed].find(([, observed]) => observed === path)?.[0] : undefined;
    return new Promise<Answer>((resolve) => {
      const exchange = this.driver.turn((now, out) =>
        this.driver.endpoint.request(
          now,
          peer,
          {
            code,
            options: buildOptions({
              uriPath: path.split('/').filter((segment) => segment !== ''),
              uriQuery: query === undefined ? [] : query.split('&'),
              ...rest,
            }),
            payload: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
            observe: observe === 0,
            ...(cancelled !== undefined && { cancelObservation: cancelled }),
          },
          out,
        ),
      );
      if (observe === 0) this.#observed.set(exchange, path);
      this.#pending.set(exchange, resolve);
    });
  }

  /** Forget the observation of this path: the next notification is answered with Reset. */
  cancelObservation(path: string): void {
    for (const [exchange, observed] of this.#observed) {
      if (observed !== path) continue;
      this.#observed.delete(exchange);
      this.driver.turn((now, out) => this.driver.endpoint.cancel(now, exchange, out));
    }
  }

  #handle(event: CoapEvent): void {
    switch (event.kind) {
      default:
        return;
      case 'request':
        return this.#handleRequest(event.request);
      case 'response':
        return this.#settle(event.exchange, answerOf(event.response));
      case 'notification': {
        const { code, bytes, text } = answerOf(event.response);
        const path = this.#observed.get(event.exchange) ?? '';
        this.notifications.push({ at: this.#network.now(), path, code, bytes, text });
        return;
      }
      case 'observationEnded':
        if (event.response !== undefined) {
          const { code, bytes, text } = answerOf(event.response);
          const path = this.#observed.get(event.exchange) ?? '';
          this.notifications.push({ at: this.#network.now(), path, code, bytes, text });
        }
        return;
      case 'failed':
        return this.#settle(event.exchange, {
          code: `failed: ${event.reason}`,
          format: undefined,
          bytes: new Uint8Array(0),
          text: '',
          location: '',
        });
    }
  }

  #handleRequest(request: IncomingRequest): void {
    this.peer = request.peer;
    const method = Object.entries(METHODS).find(([, code]) => code === request.code)?.[0] ?? formatCode(request.code);
    const queries = readOptions(request.options, 'uriQuery');
    const line = `${method} /${readOptions(request.options, 'uriPath').join('/')}${queries.length > 0 ? `?${queries.join('&')}` : ''}`;
    this.arrivals.push({ at: this.#network.now(), line, payload: decodeUtf8(request.payload) ?? '' });
    const answer = this.answer(request, line);
    this.driver.turn((now, out) => {
      if (answer === undefined) {
        this.driver.endpoint.ignore(now, request);
        return;
      }
      const { code, location = [], contentFormat, payload = '' } = answer;
      const options = buildOptions({ locationPath: location, contentFormat });
      this.driver.endpoint.respond(now, request, { code, options, payload: new TextEncoder().encode(payload) }, out);
    });
  }

  #settle(exchange: Exchange, answer: Answer): void {
    this.#pending.get(exchange)?.(answer);
    this.#pending.delete(exchange);
  }
}

function answerOf({ code, options, payload }: IncomingResponse): Answer {
  const bytes = payload.slice();
  return {
    code: formatCode(code),
    format: readOption(options, 'contentFormat'),
    bytes,
    text: decodeUtf8(bytes) ?? '',
    location: readOptions(options, 'locationPath').join('/'),
  };
}
