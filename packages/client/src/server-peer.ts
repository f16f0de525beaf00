/**
 * The peer a server is reached as. Over coap it is the same while the server's address is. Over coaps it is one per DTLS
 * association, opened when something is to be sent and there is none; the next one resumes the session of the last, where
 * the server agreed to one.
 */
import { Peer, UsageError } from '@lapwing/coap';
import { ALERTS, type ConnectOptions, type Refusal, type SessionState } from '@lapwing/dtls';
import { isSecure, type AssociationEvent, type Driver, type PeerAddress, type SecureDriver } from '@lapwing/transport';

/** Where a server is: its address, or how to find it. */
export interface ServerLocation {
  /** Undefined: it has to be looked up. */
  readonly address: PeerAddress | undefined;
  /** For a server that is known by name; looked up anew when it does not answer. */
  readonly lookUp?: (() => Promise<PeerAddress>) | undefined;
}

/** ms a look-up of a server's name may take: MAX_TRANSMIT_WAIT, as an answer may. RFC 7252 §4.8.2. */
export const LOOK_UP_TIMEOUT = 93_000;

export class ServerPeer {
  readonly #driver: Driver;
  readonly #secure: SecureDriver | undefined;
  readonly #options: ConnectOptions | undefined;
  readonly #lookUp: (() => Promise<PeerAddress>) | undefined;
  readonly #changed: (peer: Peer<PeerAddress>, previous: Peer<PeerAddress> | undefined) => void;
  readonly #isShared: (peer: Peer) => boolean;
  #isForgotten = false;
  #address: PeerAddress | undefined;
  #current: Peer<PeerAddress>;
  #session: SessionState | undefined;
  #refusal: Refusal | undefined;

  /**
   * @param options  for coaps.
   * @param changed  another peer stands for the server now; also called for the first.
   * @param isShared  somebody else is met at this peer, too: over coap an address has one.
   */
  constructor(
    driver: Driver,
    { address, lookUp }: ServerLocation,
    options: ConnectOptions | undefined,
    changed: (peer: Peer<PeerAddress>, previous: Peer<PeerAddress> | undefined) => void,
    isShared: (peer: Peer) => boolean,
  ) {
    this.#driver = driver;
    if (options !== undefined && !isSecure(driver)) {
      throw new UsageError('a server of coaps cannot be reached: the driver speaks coap alone');
    }
    this.#secure = options !== undefined && isSecure(driver) ? driver : undefined;
    this.#options = options;
    this.#lookUp = lookUp;
    this.#address = address;
    this.#changed = changed;
    this.#isShared = isShared;
    // Before it has been found there is nothing to send to, and nobody does.
    this.#current = address === undefined ? new Peer({ host: '', port: 0 }) : this.#peerAt(address);
    changed(this.#current, undefined);
  }

  /** Where it was found last; undefined while it has to be looked up. */
  get address(): PeerAddress | undefined {
    return this.#address;
  }

  /** Where requests of the server come from. */
  get current(): Peer<PeerAddress> {
    return this.#current;
  }

  /** Why the last handshake failed; undefined when it did not. */
  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  /** Find out where the server is; undefined when that is known. Rejects when its name is not found. */
  locate(): Promise<void> | undefined {
    if (this.#address !== undefined || this.#lookUp === undefined) return undefined;
    return this.#lookUp().then((address) => this.#place(address));
  }

  #place(address: PeerAddress): void {
    // Found too late: nobody looks for it any more.
    if (this.#isForgotten) return;
    const previous = this.#current;
    if (previous.address.host !== address.host || previous.address.port !== address.port) {
      const next = this.#peerAt(address);
      // It may say that this cannot be.
      this.#changed(next, previous);
      this.#leave(previous);
      this.#current = next;
    }
    this.#address = address;
  }

  #peerAt(address: PeerAddress): Peer<PeerAddress> {
    const driver = this.#driver;
    return this.#secure === undefined && isSecure(driver) ? driver.plainPeer(address) : driver.peer(address);
  }

  #leave(peer: Peer<PeerAddress>): void {
    const driver = this.#driver;
    this.#secure?.disconnect(peer);
    if (this.#secure === undefined && isSecure(driver) && !this.#isShared(peer)) driver.forgetPlainPeer(peer);
  }

  /** The peer to send to. What is sent before the handshake is complete waits for it. */
  reach(): Peer<PeerAddress> {
    const secure = this.#secure;
    const address = this.#address;
    if (secure === undefined || address === undefined) return this.#current;
    if (secure.association(this.#current) !== undefined) return this.#current;
    this.#refusal = undefined;
    const session = this.#session;
    const previous = this.#current;
    this.#current = secure.connect(address, {
      ...this.#options!,
      ...(session === undefined ? {} : { session }),
    });
    this.#changed(this.#current, previous);
    return this.#current;
  }

  /** This client has no more to do with the server. */
  forget(): void {
    this.#isForgotten = true;
    this.#leave(this.#current);
  }

  /** The server does not answer: it may have forgotten the association. */
  drop(): void {
    this.#secure?.disconnect(this.#current);
    // It may have moved.
    if (this.#lookUp !== undefined) this.#address = undefined;
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
