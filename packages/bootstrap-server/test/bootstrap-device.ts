/**
 * A device for the tests: CoAP and what a Bootstrap needs of LwM2M, over any driver. It obeys, unless `onRequest` says
 * otherwise, and keeps what it was asked.
 */
import {
  buildOptions,
  Codes,
  CONTENT_FORMATS,
  formatCode,
  readOption,
  readOptions,
  type Code,
  type Exchange,
  type IncomingResponse,
  type OptionValues,
  type OutgoingResponse,
  type Peer,
} from '@lapwing/coap';
import {
  comparePaths,
  decodeBootstrapOperation,
  decodePayload,
  formatPath,
  isMalformed,
  isWithin,
  ObjectDefinitions,
  objectInstancePath,
  pathOf,
  valueToJs,
  type BootstrapOperation,
  type JsValue,
  type NodeEntry,
  type ObjectInstancePath,
} from '@lapwing/lwm2m';
import type { Driver, PeerAddress } from '@lapwing/transport';

export interface Asked {
  /** "DELETE /0", "PUT /0/1", "GET /", "POST /bs". */
  readonly what: string;
  readonly operation: BootstrapOperation;
  readonly contentFormat: number | undefined;
  readonly payload: Uint8Array;
}

export interface Answer {
  readonly code: string;
  readonly contentFormat: number | undefined;
  readonly payload: Uint8Array;
  readonly text: string;
}

const METHODS: ReadonlyMap<Code, string> = new Map([
  [Codes.get, 'GET'],
  [Codes.put, 'PUT'],
  [Codes.post, 'POST'],
  [Codes.delete, 'DELETE'],
]);

const definitions = new ObjectDefinitions();

export class BootstrapDevice {
  readonly driver: Driver;
  readonly asked: Asked[] = [];
  /** What it has, by the path of the Resource. */
  readonly values: Map<string, JsValue> = new Map();
  /** The Object Instance of its account with the Bootstrap-Server. */
  account: ObjectInstancePath = objectInstancePath(0, 0);
  version: string | undefined = '1.1';
  /** How often it was told that the Bootstrap is over. */
  finished = 0;
  /** Answers in place of the device; undefined: the device does; 'silence': nobody does. */
  onRequest: (asked: Asked) => OutgoingResponse | 'silence' | undefined = () => undefined;
  readonly #peer: () => Peer<PeerAddress>;

  constructor(driver: Driver, peer: () => Peer<PeerAddress>) {
    this.driver = driver;
    this.#peer = peer;
    this.values.set(`${formatPath(this.account)}/0`, 'coap://bootstrap.example');
    this.values.set(`${formatPath(this.account)}/1`, true);
    this.values.set('/3/0/0', 'Lapwing');
    driver.onEvent = (event): void => {
      if (event.kind === 'response') settle(event.exchange, event.response);
      else if (event.kind === 'failed') settle(event.exchange, undefined);
      else if (event.kind === 'request') {
        const { request } = event;
        const response = this.#answer(request);
        if (response === 'silence') driver.turn((now) => driver.endpoint.ignore(now, request));
        else driver.turn((now, out) => driver.endpoint.respond(now, request, response, out));
      }
    };
  }

  /** Undefined: no answer. */
  ask(
    code: Code,
    path: string,
    options: OptionValues = {},
    payload: Uint8Array = new Uint8Array(0),
  ): Promise<Answer | undefined> {
    return new Promise((resolve) => {
      const request = {
        code,
        options: buildOptions({ uriPath: path.split('/').slice(1), ...options }),
        payload,
        context: (response: IncomingResponse | undefined): void => resolve(response && answerOf(response)),
      };
      this.driver.turn((now, out) => this.driver.endpoint.request(now, this.#peer(), request, out));
    });
  }

  request(...uriQuery: readonly string[]): Promise<Answer | undefined> {
    return this.ask(Codes.post, '/bs', { uriQuery });
  }

  /** What was asked, in order. */
  get operations(): readonly string[] {
    return this.asked.map(({ what }) => what);
  }

  /** Resources below the path, by path. */
  below(path: string): Readonly<Record<string, JsValue>> {
    return Object.fromEntries([...this.values].filter(([each]) => each.startsWith(`${path}/`)).sort());
  }

  #answer(request: Parameters<typeof decodeBootstrapOperation>[0]): OutgoingResponse | 'silence' {
    const operation = decodeBootstrapOperation(request);
    const path = `/${readOptions(request.options, 'uriPath').join('/')}`;
    if (operation.kind === 'refusal') return reply(operation.code, operation.reason);
    const asked: Asked = {
      what: `${METHODS.get(request.code)} ${path}`,
      operation,
      contentFormat: readOption(request.options, 'contentFormat'),
      payload: request.payload.slice(),
    };
    this.asked.push(asked);
    return this.onRequest(asked) ?? this.obey(asked);
  }

  obey({ operation }: Asked): OutgoingResponse {
    switch (operation.kind) {
      case 'bootstrapDiscover':
        return reply(Codes.content, this.#links(), { contentFormat: CONTENT_FORMATS.linkFormat.number });
      case 'bootstrapRead':
        return reply(Codes.methodNotAllowed);
      case 'bootstrapDelete':
        this.#delete(operation.path);
        return reply(Codes.deleted);
      case 'bootstrapWrite': {
        const { contentFormat, path, payload } = operation;
        const entries = decodePayload(contentFormat, payload, { path, definitions });
        if (isMalformed(entries)) return reply(Codes.badRequest, entries.malformed);
        if (path.kind === 'objectInstance') this.#delete(path, true);
        this.apply(entries);
        return reply(Codes.changed);
      }
      case 'bootstrapFinish':
        this.finished++;
        return reply(Codes.changed);
    }
  }

  apply(entries: readonly NodeEntry[]): void {
    for (const entry of entries)
      if (entry.kind === 'value') this.values.set(formatPath(entry.path), valueToJs(entry.value));
  }

  #delete(path: Parameters<typeof isWithin>[1], replaces = false): void {
    for (const key of [...this.values.keys()]) {
      const at = pathOf(...key.split('/').slice(1).map(Number));
      const isSpared = !replaces && (isWithin(at, this.account) || isWithin(at, objectInstancePath(3, 0)));
      if (isWithin(at, path) && !isSpared) this.values.delete(key);
    }
  }

  #links(): string {
    const instances = new Map<string, ObjectInstancePath>();
    for (const key of this.values.keys()) {
      const [objectId, instance] = key.split('/').slice(1).map(Number);
      const path = objectInstancePath(objectId!, instance!);
      instances.set(formatPath(path), path);
    }
    const links = [...instances.values()].sort(comparePaths).map((path) => {
      const text = formatPath(path);
      const shortServerId = this.values.get(path.objectId === 0 ? `${text}/10` : `${text}/0`) as number | undefined;
      if (path.objectId > 1 || shortServerId === undefined) return `<${text}>`;
      const uri = this.values.get(`${text}/0`) as string;
      return `<${text}>;ssid=${shortServerId}${path.objectId === 0 ? `;uri="${uri}"` : ''}`;
    });
    return [...(this.version === undefined ? [] : [`</>;lwm2m=${this.version}`]), ...links].join(',');
  }
}

function settle(exchange: Exchange, response: IncomingResponse | undefined): void {
  (exchange.context as (response: IncomingResponse | undefined) => void)(response);
}

const answerOf = ({ code, options, payload }: IncomingResponse): Answer => ({
  code: formatCode(code),
  contentFormat: readOption(options, 'contentFormat'),
  payload: payload.slice(),
  text: new TextDecoder().decode(payload),
});

export const reply = (code: Code, payload: Uint8Array | string = '', options: OptionValues = {}): OutgoingResponse => ({
  code,
  options: buildOptions(options),
  payload: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
});
