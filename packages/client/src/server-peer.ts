/**
 * The peer a server is reached as. Over coap it is the same for ever. Over coaps it is one per DTLS association, opened
 * when something is to be sent and there is none; the next one resumes the session of the last, where the server agreed
 * to one.
 */
import { UsageError, type Peer } from '@lapwing/coap';
import { ALERTS, type ConnectOptions, type Refusal, type SessionState } from '@lapwing/dtls';
import { isSecure, type AssociationEvent, type Driver, type PeerAddress, type SecureDriver } from '@lapwing/transport';

export class ServerPeer {
  readonly address: PeerAddress;
  readonly #secure: SecureDriver | undefined;
  readonly #options: ConnectOptions | undefined;
  readonly #changed: (peer: Peer, previous: Peer | undefined) => void;
  #current: Peer<PeerAddress>;
  #session: SessionState | undefined;
  #refusal: Refusal | undefined;

  /**
   * @param options  for coaps.
   * @param changed  another peer stands for the server now; also called for the first.
   */
  constructor(
    driver: Driver,
    address: PeerAddress,
    options: ConnectOptions | undefined,
    changed: (peer: Peer, previous: Peer | undefined) => void,
  ) {
    this.address = address;
    this.#secure = isSecure(driver) ? driver : undefined;
    if (this.#secure !== undefined && options === undefined)
      throw new UsageError(`the server at ${address.host} is reached over coaps and has no credentials`);
    this.#options = options;
    this.#changed = changed;
    this.#current = driver.peer(address);
    changed(this.#current, undefined);
  }

  /** Where requests of the server come from. */
  get current(): Peer<PeerAddress> {
    return this.#current;
  }

  /** Why the last handshake failed; undefined when it did not. */
  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  /** The peer to send to. What is sent before the handshake is complete waits for it. */
  reach(): Peer<PeerAddress> {
    const secure = this.#secure;
    if (secure === undefined || secure.association(this.#current) !== undefined) return this.#current;
    this.#refusal = undefined;
    const session = this.#session;
    const previous = this.#current;
    this.#current = secure.connect(this.address, {
      ...this.#options!,
      ...(session === undefined ? {} : { session }),
    });
    this.#changed(this.#current, previous);
    return this.#current;
  }

  /** The server does not answer: it may have forgotten the association. */
  drop(): void {
    this.#secure?.disconnect(this.#current);
  }

  /** @returns whether the association the server was reached by has ended. */
  handle(event: AssociationEvent): boolean {
    if (event.kind === 'lookup' || event.peer !== this.#current) return false;
    switch (event.kind) {
      case 'opened':
        this.#refusal = undefined;
        this.#session = this.#secure?.session(event.peer);
        return false;
      case 'refused':
        this.#refusal = event.refusal;
        // Whatever was wrong, the next attempt begins from nothing.
        this.#session = undefined;
        return false;
      case 'closed':
        if (event.reason === 'peer-alert') this.#session = undefined;
        return true;
      case 'moved':
        return false;
    }
  }
}

/** The number of the alert that ended the handshake, /1/x/11, and what OMA TS Transport wants done about it. */
export function alertOf(refusal: Refusal): { readonly number: number; readonly isFinal: boolean } | undefined {
  const { alert } = refusal;
  if (alert === undefined) return undefined;
  const row = ALERTS.find(({ name }) => name === alert);
  if (row !== undefined) return { number: row.number, isFinal: row.lwm2m === 'fail' };
  const number = Number(/^alert (\d+)$/.exec(alert)?.[1]);
  return Number.isInteger(number) ? { number, isFinal: false } : undefined;
}
