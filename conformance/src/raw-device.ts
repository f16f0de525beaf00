/**
 * A device without a stack: it registers and answers in lockstep, message by message, and may say what a device should
 * not. Over plain coap, on a simulated network.
 */
import assert from 'node:assert/strict';
import { buildOptions, Codes, decodeUtf8, formatCode, readOptions, type Code, type Message } from '@lapwing/coap';
import { LwM2mServer, type Device } from '@lapwing/server';
import { SimulatedNetwork, type ScriptedMessage, type ScriptedPeer } from '@lapwing/testkit';

export const CON = 0;
export const NON = 1;
export const ACK = 2;
export const RST = 3;

const SERVER = { host: '10.0.0.1', port: 5683 };
export const RAW_NAME = 'raw';
const LINKS = '</1/0>,</3/0>';

interface Content {
  readonly code?: Code;
  readonly contentFormat?: number | undefined;
  readonly observe?: number | undefined;
  readonly payload?: Uint8Array | string;
}

export interface RawAnswer {
  /** "2.01". */
  readonly code: string;
  /** Location-Path. */
  readonly location: readonly string[];
  /** The payload as text. */
  readonly text: string;
}

/** A server, and one device in the hands of the case. */
export class RawScene implements AsyncDisposable {
  readonly network = new SimulatedNetwork();
  readonly server: LwM2mServer;
  readonly peer: ScriptedPeer;
  #messageId = 1000;

  constructor() {
    this.server = new LwM2mServer({ drivers: [this.network.driver(SERVER)] });
    this.peer = this.network.scriptedPeer({ host: '10.3.0.1', port: 5683 });
  }

  /** @throws Error while it is not registered. */
  get device(): Device {
    const device = this.server.device(RAW_NAME);
    assert.ok(device !== undefined, 'it is not registered');
    return device;
  }

  /** @returns the Location-Path. */
  async register(version: string, queries: readonly string[] = []): Promise<readonly string[]> {
    const all = [`ep=${RAW_NAME}`, 'lt=600', `lwm2m=${version}`, ...queries];
    const answer = await this.post(['rd'], all, { contentFormat: 40, payload: LINKS });
    assert.equal(answer.code, '2.01', answer.text);
    return answer.location;
  }

  /** A Confirmable POST, and its answer. */
  post(path: readonly string[], queries: readonly string[], content: Content = {}): Promise<RawAnswer> {
    return this.request(Codes.post, path, queries, content);
  }

  async request(
    code: Code,
    uriPath: readonly string[],
    uriQuery: readonly string[] = [],
    { contentFormat, payload = '' }: Content = {},
  ): Promise<RawAnswer> {
    const messageId = this.#messageId++;
    const options = buildOptions({ uriPath, uriQuery, contentFormat });
    this.peer.send(SERVER, { type: CON, code, messageId, options, payload: bytesOf(payload) });
    await this.network.run(100);
    const answer = this.peer.take();
    assert.deepEqual([answer.type, answer.messageId], [ACK, messageId]);
    return {
      code: formatCode(answer.code),
      location: readOptions(answer.options, 'locationPath'),
      text: decodeUtf8(answer.payload) ?? '',
    };
  }

  /** The request of the server that arrives now. */
  async arrived(): Promise<Message> {
    await this.network.run(100);
    const request = this.peer.take();
    assert.ok(request.code > 0 && request.code < 32, 'a request');
    return request;
  }

  /** In the Acknowledgement. */
  async answer(request: Message, content: Content): Promise<void> {
    const { messageId, token } = request;
    this.peer.send(SERVER, { type: ACK, messageId, token, ...contentOf(content) });
    await this.network.run(100);
  }

  /** @returns the message that comes back: an Acknowledgement or a Reset; undefined: nothing. */
  async notify(token: Uint8Array, content: Content, type: 0 | 1 = CON): Promise<Message | undefined> {
    const messageId = this.#messageId++;
    this.peer.send(SERVER, { type, messageId, token, ...contentOf(content) });
    await this.network.run(100);
    const [message, ...others] = this.peer.takeAll();
    assert.equal(others.length, 0);
    if (message !== undefined) assert.equal(message.messageId, messageId);
    return message;
  }

  /** What came of the promise; the case answers what it asks for, so it is not waited for long. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let done = false;
    const mark = (): void => void (done = true);
    promise.then(mark, mark);
    await this.network.run(100);
    assert.ok(done, 'not settled');
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.settle(this.server.close());
  }
}

const bytesOf = (content: Uint8Array | string): Uint8Array =>
  typeof content === 'string' ? new TextEncoder().encode(content) : content;

const contentOf = ({
  code = Codes.content,
  contentFormat,
  observe,
  payload = '',
}: Content): Pick<ScriptedMessage, 'code' | 'options' | 'payload'> => ({
  code,
  options: buildOptions({ observe, contentFormat }),
  payload: bytesOf(payload),
});
