/**
 * A Bootstrap-Server in the hands of a case, message by message, over coap and coaps: it accepts every Bootstrap-Request,
 * and asks only what it is told to.
 */
import assert from 'node:assert/strict';
import type { KeyObject } from 'node:crypto';
import {
  buildOptions,
  codeName,
  Codes,
  decodeUtf8,
  formatCode,
  readOption,
  readOptions,
  type Code,
  type CoapEvent,
  type Exchange,
  type IncomingRequest,
  type IncomingResponse,
  type Peer,
} from '@lapwing/coap';
import { decodePayload, isMalformed, ObjectDefinitions } from '@lapwing/lwm2m';
import type { SimulatedNetwork } from '@lapwing/testkit';
import { isSecure, type Driver } from '@lapwing/transport';
import { at, payloadOf, type Given } from './given.ts';
import { valuesOf, type Values } from './operator.ts';
import { settle } from './virtual-time.ts';

export interface ScriptedAnswer {
  readonly code: Code;
  readonly contentFormat?: number;
  readonly payload?: Uint8Array;
}

export interface AskedFor {
  /** "2.05". */
  readonly code: string;
  readonly contentFormat: number | undefined;
  /** The payload as text, and as content of the path that was asked for when it is some. */
  readonly text: string;
  readonly values: Values;
}

const TLV = 11542;
const METHODS = new Map([Codes.get, Codes.put, Codes.post, Codes.delete].map((code) => [codeName(code)!, code]));
const definitions = new ObjectDefinitions();

export class ScriptedBootstrapServer {
  /** What is answered to "POST /bs?ep=…" and "GET /bspack?ep=…"; the default has no packs. */
  onRequest: (line: string) => ScriptedAnswer = (line) => ({
    code: line.startsWith('POST /bs') ? Codes.changed : Codes.methodNotAllowed,
  });
  readonly #network: SimulatedNetwork;
  readonly #drivers: readonly Driver[];
  readonly #lines: string[] = [];
  readonly #waiting = new Map<Exchange, (response: IncomingResponse | string) => void>();
  #client: { readonly driver: Driver; readonly peer: Peer } | undefined;

  /** @param key  of every device that comes with a pre-shared key. */
  constructor(network: SimulatedNetwork, drivers: readonly Driver[], key: KeyObject) {
    this.#network = network;
    this.#drivers = drivers;
    for (const driver of drivers) driver.onEvent = (event): void => this.#handle(driver, event);
    for (const driver of drivers.filter(isSecure)) {
      driver.onAssociation = (event): void => {
        if (event.kind !== 'lookup') return;
        driver.answer(event.lookup, event.lookup.kind === 'psk' ? { kind: 'key', key } : { kind: 'accepted' });
      };
    }
  }

  /** What the client asked for since the last call. */
  taken(): readonly string[] {
    return this.#lines.splice(0);
  }

  /**
   * Ask the client for an operation, "PUT /1/0", and let virtual time pass until it has answered.
   *
   * @param given  what to write.
   * @param options  Accept of a Discover or Read, Content-Format of a Write; default TLV.
   */
  async ask(
    line: string,
    given?: Given,
    { contentFormat = TLV, accept }: { readonly contentFormat?: number; readonly accept?: number } = {},
  ): Promise<AskedFor> {
    const [method = '', path = ''] = line.split(' ');
    const code = METHODS.get(method);
    assert.ok(code !== undefined && this.#client !== undefined, `${line}: nobody to ask`);
    const { driver, peer } = this.#client;
    const options = buildOptions({
      uriPath: path.split('/').filter((segment) => segment !== ''),
      accept,
      contentFormat: given === undefined ? undefined : contentFormat,
    });
    const payload = given === undefined ? new Uint8Array(0) : payloadOf(path, given, contentFormat);
    const answered = new Promise<IncomingResponse | string>((resolve) => {
      driver.turn((now, out) =>
        this.#waiting.set(driver.endpoint.request(now, peer, { code, options, payload }, out), resolve),
      );
    });
    const response = await settle(this.#network, answered);
    if (typeof response === 'string') return { code: response, contentFormat: undefined, text: '', values: {} };
    const format = readOption(response.options, 'contentFormat');
    const entries =
      format === undefined || path === '/bs'
        ? []
        : decodePayload(format, response.payload, { path: at(path), definitions });
    return {
      code: formatCode(response.code),
      contentFormat: format,
      text: decodeUtf8(response.payload) ?? '',
      values: isMalformed(entries) ? {} : valuesOf(entries),
    };
  }

  /** Each in turn, and each has to be answered with this code. */
  async demand(steps: readonly (readonly [line: string, code: string, given?: Given])[]): Promise<void> {
    for (const [line, code, given] of steps) {
      const answer = await this.ask(line, given);
      assert.equal(answer.code, code, `${line}: ${answer.text}`);
    }
  }

  async close(): Promise<void> {
    for (const driver of this.#drivers) await driver.close();
  }

  #handle(driver: Driver, event: CoapEvent): void {
    switch (event.kind) {
      case 'request':
        return this.#handleRequest(driver, event.request);
      case 'response':
        return this.#settle(event.exchange, { ...event.response, payload: event.response.payload.slice() });
      case 'failed':
        return this.#settle(event.exchange, event.reason);
      default:
    }
  }

  #handleRequest(driver: Driver, request: IncomingRequest): void {
    this.#client = { driver, peer: request.peer };
    const queries = readOptions(request.options, 'uriQuery').join('&');
    const path = `/${readOptions(request.options, 'uriPath').join('/')}`;
    const line = `${codeName(request.code) ?? formatCode(request.code)} ${path}${queries === '' ? '' : `?${queries}`}`;
    this.#lines.push(line);
    const { code, contentFormat, payload = new Uint8Array(0) } = this.onRequest(line);
    driver.turn((now, out) =>
      driver.endpoint.respond(now, request, { code, options: buildOptions({ contentFormat }), payload }, out),
    );
  }

  #settle(exchange: Exchange, outcome: IncomingResponse | string): void {
    this.#waiting.get(exchange)?.(outcome);
    this.#waiting.delete(exchange);
  }
}
