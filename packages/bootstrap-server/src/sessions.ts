/** The sessions that run, by name and by peer, and the newest of those that have ended. All of it bounded. */
import { DeadlineQueue, type Peer } from '@lapwing/coap';
import type { PeerAddress } from '@lapwing/transport';
import type { BootstrapSession, SessionQuery } from './api.ts';
import type { BootstrapServerParameters } from './parameters.ts';
import type { Session } from './session.ts';

export class Sessions {
  readonly #parameters: BootstrapServerParameters;
  /** In the order of their beginning. */
  readonly #byName = new Map<string, Session>();
  readonly #byPeer = new Map<Peer, Session>();
  readonly #perHost = new Map<string, number>();
  /** The host each was counted under: that of a peer may change. */
  readonly #hosts = new Map<Session, string>();
  readonly #ended: Session[] = [];
  readonly deadlines: DeadlineQueue<Session> = new DeadlineQueue<Session>();

  constructor(parameters: BootstrapServerParameters) {
    this.#parameters = parameters;
  }

  get running(): number {
    return this.#byName.size;
  }

  get ended(): number {
    return this.#ended.length;
  }

  all(): Iterable<Session> {
    return this.#byName.values();
  }

  byName(endpointClientName: string): Session | undefined {
    return this.#byName.get(endpointClientName);
  }

  byPeer(peer: Peer): Session | undefined {
    return this.#byPeer.get(peer);
  }

  /** Whether one more may begin; one of the same name or peer makes room. */
  hasRoomFor(endpointClientName: string, peer: Peer<PeerAddress>): boolean {
    const replaced = new Set([this.#byName.get(endpointClientName), this.#byPeer.get(peer)]);
    replaced.delete(undefined);
    const { host } = peer.address;
    const leaving = [...replaced].filter((session) => this.#hosts.get(session!) === host).length;
    return (
      this.#byName.size - replaced.size < this.#parameters.maxSessions &&
      (this.#perHost.get(host) ?? 0) - leaving < this.#parameters.maxSessionsPerAddress
    );
  }

  add(session: Session, now: number): void {
    const { host } = session.peer.address;
    this.#byName.set(session.endpointClientName, session);
    this.#byPeer.set(session.peer, session);
    this.#hosts.set(session, host);
    this.#perHost.set(host, (this.#perHost.get(host) ?? 0) + 1);
    this.deadlines.set(session, now + this.#parameters.sessionTimeout);
  }

  /** It has ended. */
  remove(session: Session): void {
    this.deadlines.clear(session);
    const host = this.#hosts.get(session);
    if (host !== undefined) {
      this.#hosts.delete(session);
      this.#byName.delete(session.endpointClientName);
      this.#byPeer.delete(session.peer);
      const others = this.#perHost.get(host)! - 1;
      if (others === 0) this.#perHost.delete(host);
      else this.#perHost.set(host, others);
    }
    // Shown from now on among those that have ended.
    this.#ended.push(session);
    if (this.#ended.length > this.#parameters.maxEndedSessions) this.#ended.shift();
  }

  /** The newest first. */
  list({ endpointClientName, running, limit = 100 }: SessionQuery): readonly BootstrapSession[] {
    const found: BootstrapSession[] = [];
    const isWanted = (session: Session): boolean =>
      endpointClientName === undefined || session.endpointClientName === endpointClientName;
    const take = (sessions: readonly Session[]): void => {
      for (let index = sessions.length - 1; index >= 0 && found.length < limit; index--)
        if (isWanted(sessions[index]!)) found.push(sessions[index]!);
    };
    if (running !== false) take([...this.#byName.values()]);
    if (running !== true) take(this.#ended);
    return found;
  }
}
