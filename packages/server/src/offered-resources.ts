/**
 * What single devices may fetch from the Server by GET, in blocks: firmware, for one. RFC 7252 §5.8.1, RFC 7959 §2.4.
 *
 * Nobody can make the Server send much to somebody else: the path of an offer is random, and only the device it was made to
 * is answered. Over coaps that is whoever proves the identity of its registration, in any association; over coap whoever
 * sends from its IP address, as many devices fetch from another port. Nothing is kept of a transfer, so that any number of
 * devices may fetch one buffer.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  blockBytesOf,
  buildOptions,
  Codes,
  OperationFailed,
  OPTIONS,
  readBlockOption,
  readOption,
  type IncomingRequest,
  type Option,
  type OutgoingResponse,
  type Peer,
} from '@lapwing/coap';
import type { PeerAddress } from '@lapwing/transport';
import type { Registration } from './api.ts';
import { refuse } from './responder.ts';

export interface Offer {
  readonly endpointClientName: string;
  /** Served as it is, without a copy: do not reuse the buffer. */
  readonly bytes: Uint8Array;
  readonly contentFormat: number;
  /** The device has all bytes before this one; told with each of its requests. */
  readonly onFetched?: (bytes: number) => void;
}

interface Offered extends Offer {
  readonly options: readonly Option[];
}

const FIRST = 'get';
const PATH_BYTES = 12;
const NOT_FOUND: OutgoingResponse = refuse(Codes.notFound, 'there is nothing here');
const READ_ONLY: OutgoingResponse = refuse(Codes.methodNotAllowed, 'this can only be read');

export class OfferedResources {
  readonly #limit: number;
  readonly #registered: (endpointClientName: string) => Registration | undefined;
  readonly #byName = new Map<string, Offered>();
  /** One buffer that is offered to many is hashed once. */
  readonly #tags = new WeakMap<Uint8Array, Uint8Array>();

  constructor(limit: number, registered: (endpointClientName: string) => Registration | undefined) {
    this.#limit = limit;
    this.#registered = registered;
  }

  get size(): number {
    return this.#byName.size;
  }

  /**
   * @returns the segments of its path.
   * @throws OperationFailed 'TOO_MANY'.
   */
  add(offer: Offer): readonly [string, string] {
    if (this.#byName.size >= this.#limit)
      throw new OperationFailed('TOO_MANY', `${this.#limit} resources are offered already`, { retryable: true });
    const name = randomBytes(PATH_BYTES).toString('base64url');
    const { bytes, contentFormat } = offer;
    this.#byName.set(name, { ...offer, options: buildOptions({ etag: [this.#tagOf(bytes)], contentFormat }) });
    return [FIRST, name];
  }

  remove([, name]: readonly [string, string]): void {
    this.#byName.delete(name);
  }

  /** To whom it is not offered, it is not there. */
  answer(request: IncomingRequest): OutgoingResponse {
    const offered = this.#byName.size === 0 ? undefined : this.#find(request.options);
    if (offered === undefined || !this.#isFor(offered, request.peer as Peer<PeerAddress>)) return NOT_FOUND;
    if (request.code !== Codes.get) return READ_ONLY;
    const { bytes, contentFormat, options, onFetched } = offered;
    const accept = readOption(request.options, 'accept');
    if (accept !== undefined && accept !== contentFormat)
      return refuse(Codes.notAcceptable, `this has Content-Format ${contentFormat} only`);
    const asked = readBlockOption(request.options, 'block2');
    if (asked !== undefined) onFetched?.(Math.min(asked.num * blockBytesOf(asked.szx), bytes.length));
    return { code: Codes.content, options, payload: bytes, answeredAnew: true };
  }

  #find(options: readonly Option[]): Offered | undefined {
    const path = options.filter(({ number }) => number === OPTIONS.uriPath.number);
    if (path.length !== 2) return undefined;
    const [first, name] = path.map(({ value }) => new TextDecoder().decode(value));
    return first === FIRST ? this.#byName.get(name!) : undefined;
  }

  #isFor({ endpointClientName }: Offer, { address, security }: Peer<PeerAddress>): boolean {
    const registration = this.#registered(endpointClientName);
    if (registration === undefined || registration.security.kind !== security.kind) return false;
    return security.kind === 'none'
      ? registration.address.host === address.host
      : registration.security.identity === security.identity;
  }

  #tagOf(bytes: Uint8Array): Uint8Array {
    let tag = this.#tags.get(bytes);
    if (tag === undefined) {
      tag = new Uint8Array(createHash('sha256').update(bytes).digest().subarray(0, TAG_BYTES));
      this.#tags.set(bytes, tag);
    }
    return tag;
  }
}

const TAG_BYTES = 8;
