/**
 * How many handshakes are under way, in all and per host. Every place taken is given back by the one `release` of the
 * handshake's end, whatever the end was: places that leak would in time refuse everybody.
 */
import { AddressTable } from './address-table.ts';
import type { RemoteAddress } from './events.ts';
import type { DtlsParameters } from './parameters.ts';

export class HandshakeLimits {
  readonly #maxHandshakes: number;
  readonly #maxPerHost: number;
  #taken = 0;
  /** By host alone (port 0); empty when there is no bound per host. */
  readonly #perHost = new AddressTable<number>();

  constructor(parameters: Pick<DtlsParameters, 'maxHandshakes' | 'maxHandshakesPerHost'>) {
    this.#maxHandshakes = parameters.maxHandshakes;
    this.#maxPerHost = parameters.maxHandshakesPerHost;
  }

  get taken(): number {
    return this.#taken;
  }

  /** No host has a place left. */
  get isFull(): boolean {
    return this.#taken >= this.#maxHandshakes;
  }

  get hosts(): number {
    return this.#perHost.size;
  }

  /** False: the bound is reached and nothing was taken. */
  take(address: RemoteAddress): boolean {
    if (this.isFull) return false;
    if (this.#maxPerHost !== Infinity) {
      const ofHost = this.#perHost.find(address.host, 0) ?? 0;
      if (ofHost >= this.#maxPerHost) return false;
      this.#perHost.set(address.host, 0, ofHost + 1);
    }
    this.#taken++;
    return true;
  }

  release(address: RemoteAddress): void {
    this.#taken--;
    if (this.#maxPerHost === Infinity) return;
    const left = (this.#perHost.find(address.host, 0) ?? 1) - 1;
    if (left > 0) this.#perHost.set(address.host, 0, left);
    else this.#perHost.delete(address.host, 0);
  }
}
