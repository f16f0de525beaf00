/** Answers to requests: one shared path from a response to the driver, and the responses that are always the same. */
import {
  Codes,
  type Code,
  type IncomingRequest,
  type Option,
  type Outbox,
  type OutgoingResponse,
  type Peer,
} from '@lapwing/coap';
import type { Driver, PeerAddress } from '@lapwing/transport';

const NO_OPTIONS: readonly Option[] = Object.freeze([]);
const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();

export const CHANGED: OutgoingResponse = { code: Codes.changed, options: NO_OPTIONS, payload: NO_BYTES };
export const DELETED: OutgoingResponse = { code: Codes.deleted, options: NO_OPTIONS, payload: NO_BYTES };

/** An error response with its reason as diagnostic payload. RFC 7252 §5.5.2. */
export const refuse = (code: Code, reason: string): OutgoingResponse => ({
  code,
  options: NO_OPTIONS,
  payload: encoder.encode(reason),
});

export class Responder {
  readonly driver: Driver;
  #request: IncomingRequest | undefined;
  #response: OutgoingResponse | undefined;

  constructor(driver: Driver) {
    this.driver = driver;
  }

  /** In the turn of the request or any later one; exactly once per request. */
  respond(request: IncomingRequest, response: OutgoingResponse): void {
    this.#request = request;
    this.#response = response;
    this.driver.turn(this.#input);
  }

  peerOf(request: IncomingRequest): Peer<PeerAddress> {
    return request.peer as Peer<PeerAddress>;
  }

  // Made once, because answering is the hot path.
  readonly #input = (now: number, out: Outbox): void => {
    this.driver.endpoint.respond(now, this.#request!, this.#response!, out);
    this.#request = undefined;
    this.#response = undefined;
  };
}
