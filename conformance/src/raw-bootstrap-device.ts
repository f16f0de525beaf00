/** A device without a stack of LwM2M that asks a Bootstrap-Server over coap, and answers what it is asked as a case says. */
import { buildOptions, codeName, Codes, formatCode, readOption, readOptions, type Code } from '@lapwing/coap';
import type { SimulatedDriver, SimulatedNetwork } from '@lapwing/testkit';
import type { PeerAddress } from '@lapwing/transport';
import { until } from './virtual-time.ts';

/** What the Bootstrap-Server asks. */
export interface Asked {
  /** "PUT /0/1". */
  readonly line: string;
  readonly contentFormat: number | undefined;
}

const NO_BYTES = new Uint8Array(0);

export class RawBootstrapDevice implements AsyncDisposable {
  readonly #network: SimulatedNetwork;
  readonly #driver: SimulatedDriver;
  readonly #server: PeerAddress;
  readonly #codes: string[] = [];

  /** @param answer  the code for each operation. */
  constructor(network: SimulatedNetwork, server: PeerAddress, answer: (asked: Asked) => Code = () => Codes.changed) {
    this.#network = network;
    this.#server = server;
    this.#driver = network.driver({ host: '10.3.0.1', port: 5683 });
    this.#driver.onEvent = (event): void => {
      if (event.kind === 'response') this.#codes.push(formatCode(event.response.code));
      if (event.kind !== 'request') return;
      const { request } = event;
      const line = `${codeName(request.code)} /${readOptions(request.options, 'uriPath').join('/')}`;
      const code = answer({ line, contentFormat: readOption(request.options, 'contentFormat') });
      this.#driver.turn((now, out) =>
        this.#driver.endpoint.respond(now, request, { code, options: [], payload: NO_BYTES }, out),
      );
    };
  }

  /** A Bootstrap-Request with these queries. @returns "2.04". */
  async request(...uriQuery: readonly string[]): Promise<string> {
    const options = buildOptions({ uriPath: ['bs'], uriQuery });
    const peer = this.#driver.peer(this.#server);
    this.#driver.turn((now, out) =>
      this.#driver.endpoint.request(now, peer, { code: Codes.post, options, payload: NO_BYTES }, out),
    );
    await until(this.#network, () => this.#codes.length > 0);
    return this.#codes.shift()!;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#driver.close();
  }
}
