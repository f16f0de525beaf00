/** Our CoAP endpoint over a driver, asked and answering through promises, for tests against other people's programs. */
import {
  Codes,
  OperationFailed,
  buildOptions,
  readOptions,
  type CoapEvent,
  type CoapParameters,
  type Exchange,
  type IncomingRequest,
  type IncomingResponse,
  type Outbox,
  type OutgoingRequest,
  type Peer,
} from '@lapwing/coap';
import { UdpDriver, type Driver, type PeerAddress } from '@lapwing/transport';

type Handler = (request: IncomingRequest, now: number, out: Outbox) => void;

interface Waiting {
  resolve(response: IncomingResponse): void;
  reject(error: Error): void;
  onNotification?: ((response: IncomingResponse) => void) | undefined;
}

export class CoapPeer<Below extends Driver = UdpDriver> implements AsyncDisposable {
  readonly driver: Below;
  readonly #waiting = new Map<Exchange, Waiting>();
  readonly #handlers = new Map<string, Handler>();
  /** Every event that was neither a request nor an answer waited for. */
  readonly otherEvents: CoapEvent[] = [];

  static async open(coap: Partial<CoapParameters> = {}): Promise<CoapPeer> {
    return new CoapPeer(await UdpDriver.bind({ host: '127.0.0.1', port: 0, coap }));
  }

  constructor(driver: Below) {
    this.driver = driver;
    driver.onEvent = (event) => this.#handle(event);
  }

  get port(): number {
    return this.driver.localAddress.port;
  }

  /** Answer requests for a path, e.g. "rd/1". */
  handle(path: string, handler: Handler): void {
    this.#handlers.set(path, handler);
  }

  /** The answer, whole. Rejects with OperationFailed when none comes. */
  request(
    to: PeerAddress | Peer<PeerAddress>,
    request: OutgoingRequest,
    onNotification?: (response: IncomingResponse) => void,
  ): { readonly exchange: Exchange; readonly answer: Promise<IncomingResponse> } {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingResponse>();
    const exchange = this.driver.turn((now, out) =>
      this.driver.endpoint.request(now, 'address' in to ? to : this.driver.peer(to), request, out),
    );
    this.#waiting.set(exchange, { resolve, reject, onNotification });
    return { exchange, answer: promise };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.driver.close();
  }

  #handle(event: CoapEvent): void {
    switch (event.kind) {
      case 'request': {
        const path = readOptions(event.request.options, 'uriPath').join('/');
        const handler = this.#handlers.get(path);
        this.driver.turn((now, out) => {
          if (handler !== undefined) handler(event.request, now, out);
          else {
            this.driver.endpoint.respond(
              now,
              event.request,
              { code: Codes.notFound, options: buildOptions({}), payload: new Uint8Array(0) },
              out,
            );
          }
        });
        return;
      }
      case 'response':
        this.#waiting.get(event.exchange)?.resolve(keep(event.response));
        return;
      case 'notification':
        this.#waiting.get(event.exchange)?.onNotification?.(keep(event.response));
        return;
      case 'failed':
        this.#waiting
          .get(event.exchange)
          ?.reject(
            new OperationFailed(event.reason.toUpperCase(), `the request failed: ${event.reason}`, { retryable: true }),
          );
        return;
      default:
        this.otherEvents.push(event);
    }
  }
}

/** The views of an event end with it. */
const keep = (response: IncomingResponse): IncomingResponse => ({
  code: response.code,
  options: response.options.map(({ number, value }) => ({ number, value: value.slice() })),
  payload: response.payload.slice(),
});
