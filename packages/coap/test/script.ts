/**
 * Exchanges written down as the RFCs draw them: one line per datagram, event or pause, played against one endpoint.
 *
 *   < CON GET 7d34 t=20 Path=temperature            arrives
 *   > ACK 2.05 7d34 t=20 "22.3 C"                   is transmitted next
 *   ! request GET /temperature                      is the next event
 *   @ 2000                                          ms pass
 *
 * A function is what the application does. The endpoint's randomness is a counter from 0x1001, so its first Message ID,
 * tokens and the retransmission times (no jitter) are known.
 */
import assert from 'node:assert/strict';
import {
  buildOptions,
  Codes,
  CoapEndpoint,
  decodeMessage,
  encodeBlockOption,
  encodeMessage,
  formatCode,
  messageId,
  type MessageType,
  OPTIONS,
  parseCode,
  Peer,
  readBlockOption,
  readOption,
  readOptions,
  sizeExponentFor,
  type CoapEvent,
  type CoapParameters,
  type Code,
  type Exchange,
  type IncomingRequest,
  type Message,
  type ObserveRelation,
  type Option,
  type OptionValues,
  type OutgoingRequest,
  type OutgoingResponse,
} from '@lapwing/coap';

export type Step = string | ((play: Play) => void);

/** The endpoint on stage, and what the application may do with it. */
export class Play {
  readonly endpoint: CoapEndpoint;
  readonly peer: Peer = new Peer('peer');
  now = 0;
  /** The newest of each, for the application's steps. */
  request: IncomingRequest | undefined = undefined;
  exchange: Exchange | undefined = undefined;
  relation: ObserveRelation | undefined = undefined;
  readonly transmitted: string[] = [];
  readonly events: string[] = [];

  constructor(parameters: Partial<CoapParameters>) {
    let next = 0x1000;
    this.endpoint = new CoapEndpoint({ parameters, random: () => ++next });
  }

  transmit(peer: Peer, datagram: Uint8Array): void {
    assert.equal(peer, this.peer, 'to the wrong peer');
    const message = decodeMessage(datagram);
    assert.ok(!('malformed' in message), 'a malformed datagram was transmitted');
    this.transmitted.push(describe(message));
  }

  emit(event: CoapEvent): void {
    if ('request' in event) this.request = event.request;
    if (event.kind === 'bodyWanted' && 'token' in event.of) this.request = event.of;
    this.events.push(describeEvent(event));
  }

  ask(request: Pick<OutgoingRequest, 'code'> & Partial<OutgoingRequest> & { readonly path?: string }): void {
    const { path, ...rest } = request;
    const options = path === undefined ? [] : buildOptions({ uriPath: path.split('/') });
    const { exchange } = this;
    const cancelled = request.cancelObservation === undefined ? {} : { cancelObservation: exchange! };
    const complete: OutgoingRequest = { options, payload: new Uint8Array(0), ...rest, ...cancelled };
    this.exchange = this.endpoint.request(this.now, this.peer, complete, this);
  }

  answer(
    code: Code,
    body: string | Uint8Array | OutgoingResponse['payload'] = '',
    extra: Partial<OutgoingResponse> = {},
  ): void {
    const payload = typeof body === 'string' ? text(body) : body;
    const response = { code, options: [], payload, ...extra };
    const relation = this.endpoint.respond(this.now, this.request!, response, this);
    if (relation !== undefined) this.relation = relation;
  }

  notify(code: Code, body: string | Uint8Array, confirmable?: boolean): void {
    const payload = typeof body === 'string' ? text(body) : body;
    this.endpoint.notify(this.now, this.relation!, { code, options: [], payload }, this, confirmable);
  }

  cancel(): void {
    this.endpoint.cancel(this.now, this.exchange!, this);
  }

  provide(bytes: Uint8Array, last: boolean, of: Exchange | IncomingRequest = this.exchange ?? this.request!): void {
    this.endpoint.provideBody(this.now, of, bytes, last, this);
  }

  continue(of: Exchange | IncomingRequest = this.exchange ?? this.request!): void {
    this.endpoint.continueBody(this.now, of, this);
  }
}

/** Play the steps; everything transmitted and every event must be in them, each kind in its order. */
export function play(steps: readonly Step[], parameters: Partial<CoapParameters> = {}): Play {
  const stage = new Play(parameters);
  for (const [index, step] of steps.entries()) {
    const where = `step ${index + 1}: ${typeof step === 'string' ? step : 'the application'}`;
    if (typeof step !== 'string') {
      step(stage);
      continue;
    }
    const rest = step.slice(1).trim();
    switch (step[0]) {
      case '<':
        assert.deepEqual(stage.transmitted, [], `${where}: transmitted before it`);
        stage.endpoint.handleDatagram(stage.now, stage.peer, parseMessage(rest), stage);
        break;
      case '>':
        assert.equal(stage.transmitted.shift(), rest, where);
        break;
      case '!':
        assert.equal(stage.events.shift(), rest, where);
        break;
      case '@': {
        assert.deepEqual(stage.transmitted, [], `${where}: transmitted before it`);
        assert.deepEqual(stage.events, [], `${where}: emitted before it`);
        // Step by step, as a driver's timer would.
        const until = stage.now + Number(rest);
        while (stage.endpoint.nextDeadline() <= until) {
          stage.now = Math.max(stage.now, stage.endpoint.nextDeadline());
          stage.endpoint.handleTimeout(stage.now, stage);
        }
        stage.now = until;
        break;
      }
      default:
        assert.fail(`${where}: no such step`);
    }
  }
  assert.deepEqual(stage.transmitted, [], 'transmitted after the last step');
  assert.deepEqual(stage.events, [], 'emitted after the last step');
  return stage;
}

/** `size` bytes that differ from block to block. */
export function body(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => 97 + ((index >> 4) % 26));
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const TYPES = ['CON', 'NON', 'ACK', 'RST'] as const;
const METHODS = ['EMPTY', 'GET', 'POST', 'PUT', 'DELETE', 'FETCH', 'PATCH', 'iPATCH'] as const;

export function describe(message: Message): string {
  const { type, code, messageId: id, token, options, payload } = message;
  const parts: string[] = [TYPES[type], describeCode(code), hexNumber(id)];
  if (token.length > 0) parts.push(`t=${hex(token)}`);
  parts.push(...describeOptions(options));
  if (payload.length > 0) parts.push(describePayload(payload));
  return parts.join(' ');
}

function describeCode(code: Code): string {
  return METHODS[code] ?? formatCode(code);
}

function describeOptions(options: readonly Option[]): string[] {
  const parts: string[] = [];
  const add = (name: string, value: string | number | Uint8Array | undefined): void => {
    if (value !== undefined) parts.push(`${name}=${value instanceof Uint8Array ? hex(value) : String(value)}`);
  };
  add('Observe', readOption(options, 'observe'));
  const path = readOptions(options, 'uriPath');
  if (path.length > 0) add('Path', path.join('/'));
  for (const [name, key] of [
    ['Block1', 'block1'],
    ['Block2', 'block2'],
  ] as const) {
    const block = readBlockOption(options, key);
    if (block !== undefined) add(name, `${block.num}/${block.more ? 1 : 0}/${16 << block.szx}`);
  }
  add('Size1', readOption(options, 'size1'));
  add('Size2', readOption(options, 'size2'));
  add('ETag', readOption(options, 'etag'));
  add('Echo', readOption(options, 'echo'));
  add('Tag', readOptions(options, 'requestTag')[0]);
  return parts;
}

function describePayload(payload: Uint8Array): string {
  return payload.length <= 15
    ? `"${new TextDecoder().decode(payload)}"`
    : `*${payload.length}:${String.fromCharCode(payload[0]!)}`;
}

function describeEvent(event: CoapEvent): string {
  switch (event.kind) {
    case 'request': {
      const { code, options, payload, observe, streamed } = event.request;
      const path = readOptions(options, 'uriPath').join('/');
      const words = ['request', describeCode(code), `/${path}`, observe, streamed ? 'streamed' : undefined];
      return [...words, payload.length > 0 ? describePayload(payload) : undefined]
        .filter((word) => word !== undefined)
        .join(' ');
    }
    case 'response':
    case 'notification': {
      const { code, payload } = event.response;
      const observing = event.kind === 'response' && event.observing ? ' observing' : '';
      return `${event.kind} ${describeCode(code)}${observing}${payload.length > 0 ? ` ${describePayload(payload)}` : ''}`;
    }
    case 'observationEnded':
      return `observationEnded${event.response === undefined ? '' : ` ${describeCode(event.response.code)}`}`;
    case 'failed':
    case 'relationEnded':
      return `${event.kind} ${event.reason}`;
    case 'requestBlock':
    case 'responseBlock':
      return `${event.kind} ${event.offset} ${event.more ? 'more' : 'last'} ${describePayload(event.payload)}`;
    case 'bodyWanted':
      return `bodyWanted ${event.offset} ${event.length}`;
    case 'requestProgress':
      return `requestProgress ${event.acknowledgedBytes}`;
    case 'requestAbandoned':
    case 'trace':
      return event.kind;
  }
}

/** A line, or `hex:…` for bytes as they are. */
function parseMessage(line: string): Uint8Array {
  if (line.startsWith('hex:')) return Uint8Array.from(Buffer.from(line.slice(4).replaceAll(' ', ''), 'hex'));
  const payloadAt = line.search(/ ["*]/);
  const head = payloadAt < 0 ? line : line.slice(0, payloadAt);
  const [type, code, id, ...fields] = head.split(' ');
  let token = new Uint8Array(0);
  const values: { -readonly [Name in keyof OptionValues]: OptionValues[Name] } = {};
  const options: Option[] = [];
  for (const field of fields) {
    const [name, value = ''] = field.split('=');
    const bytes = (): Uint8Array => Uint8Array.from(Buffer.from(value, 'hex'));
    switch (name) {
      case 't':
        token = Uint8Array.from(bytes());
        break;
      case 'Observe':
        values.observe = Number(value);
        break;
      case 'Path':
        values.uriPath = value.split('/');
        break;
      case 'Block1':
      case 'Block2': {
        const [num, more, size] = value.split('/').map(Number);
        const number = name === 'Block1' ? OPTIONS.block1.number : OPTIONS.block2.number;
        options.push({
          number,
          value: encodeBlockOption({ num: num!, more: more === 1, szx: sizeExponentFor(size!) }),
        });
        break;
      }
      case 'Size1':
        values.size1 = Number(value);
        break;
      case 'Size2':
        values.size2 = Number(value);
        break;
      case 'ETag':
        values.etag = [bytes()];
        break;
      case 'Echo':
        values.echo = bytes();
        break;
      case 'Tag':
        values.requestTag = [bytes()];
        break;
      case 'Format':
        values.contentFormat = Number(value);
        break;
      case 'NoResponse':
        values.noResponse = Number(value);
        break;
      default:
        options.push({ number: Number(name), value: bytes() });
    }
  }
  const payload = payloadAt < 0 ? '' : line.slice(payloadAt + 1);
  const method = METHODS.indexOf(code as (typeof METHODS)[number]);
  return encodeMessage({
    type: TYPES.indexOf(type as (typeof TYPES)[number]) as MessageType,
    code: method >= 0 ? (method as Code) : parseCode(code!)!,
    messageId: messageId(Number.parseInt(id!, 16)),
    token,
    options: [...buildOptions(values), ...options].sort((a, b) => a.number - b.number),
    payload: payload.startsWith('*') ? blockOf(payload) : text(payload.slice(1, -1)),
  });
}

/** "*64:a": 64 bytes of `body`, from the first block that begins with "a". */
function blockOf(payload: string): Uint8Array {
  const [size, first] = payload.slice(1).split(':');
  const offset = (first!.charCodeAt(0) - 97) * 16;
  return body(offset + Number(size)).subarray(offset);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const hexNumber = (value: number): string => value.toString(16).padStart(4, '0');

export { Codes };
