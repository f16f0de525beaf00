/**
 * A device for the tests: CoAP without LwM2M, so that it can say anything, on the simulated network. It answers requests
 * as its `onRequest` says, and keeps what it was asked.
 */
import {
  buildOptions,
  Codes,
  formatCode,
  readOption,
  readOptions,
  type Code,
  type CoapParameters,
  type Exchange,
  type IncomingRequest,
  type IncomingResponse,
  type ObserveRelation,
  type OptionValues,
  type OutgoingResponse,
} from '@lapwing/coap';
import type { SimulatedDriver, SimulatedNetwork } from '@lapwing/testkit';
import type { PeerAddress } from '@lapwing/transport';

export interface Asked {
  readonly code: Code;
  /** "/3/0/9", as sent. */
  readonly path: string;
  readonly queries: readonly string[];
  readonly contentFormat: number | undefined;
  readonly accept: number | undefined;
  readonly observe: IncomingRequest['observe'];
  readonly payload: Uint8Array;
}

export interface Answer {
  readonly code: string;
  readonly location: readonly string[];
  readonly options: IncomingResponse['options'];
  readonly text: string;
}

/** An answer, nothing at all, or whatever the test builds itself. */
export type Reply = OutgoingResponse | undefined;

export class SimulatedDevice {
  readonly driver: SimulatedDriver;
  readonly asked: Asked[] = [];
  /** By path. */
  readonly relations: Map<string, ObserveRelation> = new Map();
  readonly ended: string[] = [];
  registrationId = '';
  onRequest: (asked: Asked) => Reply = () => reply(Codes.notFound);
  readonly #server: PeerAddress;
  readonly #network: SimulatedNetwork;

  constructor(
    network: SimulatedNetwork,
    server: PeerAddress,
    address: PeerAddress,
    parameters: Partial<CoapParameters> = {},
  ) {
    this.#network = network;
    this.#server = server;
    this.driver = network.driver(address, parameters);
    this.driver.onEvent = (event): void => {
      if (event.kind === 'request') this.#answer(event.request);
      else if (event.kind === 'response') settle(event.exchange, event.response);
      else if (event.kind === 'failed') settle(event.exchange, undefined);
      else if (event.kind === 'relationEnded') this.ended.push(event.reason);
    };
  }

  /** Send a request and run the network until it is answered. */
  async ask(code: Code, path: string, options: OptionValues = {}, payload: Uint8Array | string = ''): Promise<Answer> {
    const answers: (IncomingResponse | undefined)[] = [];
    this.begin(code, path, options, payload, (response) => answers.push(response));
    for (let waited = 0; answers.length === 0 && waited < 300_000; waited += 100) await this.#network.run(100);
    const response = answers[0];
    if (response === undefined) throw new Error(`no answer to ${path}`);
    return {
      code: formatCode(response.code),
      location: readOptions(response.options, 'locationPath'),
      options: response.options,
      text: new TextDecoder().decode(response.payload),
    };
  }

  begin(
    code: Code,
    path: string,
    options: OptionValues,
    payload: Uint8Array | string,
    settled: (response: IncomingResponse | undefined) => void,
  ): void {
    const peer = this.driver.peer(this.#server);
    const uriPath = path.split('/').slice(1);
    const request = {
      code,
      options: buildOptions({ uriPath, ...options }),
      payload: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
      context: settled,
    };
    this.driver.turn((now, out) => this.driver.endpoint.request(now, peer, request, out));
  }

  /** Register with these queries and links, and remember the id. */
  async register(queries: readonly string[], links = '</1/0>,</3/0>', contentFormat = 40): Promise<Answer> {
    const answer = await this.ask(Codes.post, '/rd', { contentFormat, uriQuery: queries }, links);
    this.registrationId = answer.location[1] ?? '';
    return answer;
  }

  update(queries: readonly string[] = [], links = ''): Promise<Answer> {
    const contentFormat = links === '' ? undefined : 40;
    return this.ask(Codes.post, `/rd/${this.registrationId}`, { contentFormat, uriQuery: queries }, links);
  }

  deregister(): Promise<Answer> {
    return this.ask(Codes.delete, `/rd/${this.registrationId}`);
  }

  notify(path: string, response: OutgoingResponse, confirmable?: boolean): void {
    const relation = this.relations.get(path);
    if (relation === undefined) throw new Error(`nobody observes ${path}`);
    this.driver.turn((now, out) => this.driver.endpoint.notify(now, relation, response, out, confirmable));
  }

  #answer(request: IncomingRequest): void {
    const asked: Asked = {
      code: request.code,
      path: `/${readOptions(request.options, 'uriPath').join('/')}`,
      queries: readOptions(request.options, 'uriQuery'),
      contentFormat: readOption(request.options, 'contentFormat'),
      accept: readOption(request.options, 'accept'),
      observe: request.observe,
      payload: request.payload.slice(),
    };
    this.asked.push(asked);
    const response = this.onRequest(asked);
    if (response === undefined) return;
    const relation = this.driver.turn((now, out) => this.driver.endpoint.respond(now, request, response, out));
    if (relation !== undefined) this.relations.set(asked.path, relation);
  }
}

function settle(exchange: Exchange, response: IncomingResponse | undefined): void {
  const settled = exchange.context as ((response: IncomingResponse | undefined) => void) | undefined;
  settled?.(response === undefined ? undefined : { ...response, payload: response.payload.slice() });
}

export const reply = (
  code: Code,
  payload: Uint8Array | string = '',
  options: OptionValues = {},
  observe = false,
): OutgoingResponse => ({
  code,
  options: buildOptions(options),
  payload: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
  ...(observe ? { observe } : {}),
});
