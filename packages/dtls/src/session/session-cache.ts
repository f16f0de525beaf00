/**
 * The server's memory of sessions: those with an ID are kept here, least recently used out first (RFC 5246 §F.1.4); those
 * with a ticket are kept by the client (RFC 5077). Both end `sessionLifetime` after the full handshake, resumed or not.
 */
import type { DtlsCrypto } from '../crypto.ts';
import { isMalformed } from '../malformed.ts';
import type { DtlsParameters } from '../parameters.ts';
import { decodeSession, encodeSession } from './session-codec.ts';
import type { SessionCache, SessionState } from './session.ts';
import { TicketKeys } from './ticket-keys.ts';

/** A longer ticket would not leave its ClientHello in one datagram, and a fragmented one gets no cookie. */
const MAX_TICKET_BYTES = 768;
const NO_TICKET = new Uint8Array(0);
/** Entries looked at for their age whenever one is kept, so that old ones go without a timer. */
const SWEPT = 2;

export class ServerSessionCache implements SessionCache {
  readonly #parameters: Pick<DtlsParameters, 'maxSessions' | 'sessionLifetime'>;
  readonly #crypto: DtlsCrypto;
  readonly #ticketKeys: TicketKeys;
  /** By session ID, which is no secret: it travels in the clear. The least recently used comes first. */
  readonly #sessions = new Map<string, SessionState>();

  constructor(parameters: Pick<DtlsParameters, 'maxSessions' | 'sessionLifetime'>, crypto: DtlsCrypto) {
    this.#parameters = parameters;
    this.#crypto = crypto;
    this.#ticketKeys = new TicketKeys(parameters.sessionLifetime, crypto);
  }

  get size(): number {
    return this.#sessions.size;
  }

  find(id: Uint8Array, unixTime: number): SessionState | undefined {
    const key = keyOf(id);
    const session = this.#sessions.get(key);
    if (session === undefined) return undefined;
    this.#sessions.delete(key);
    if (this.#isOver(session, unixTime)) return undefined;
    this.#sessions.set(key, session);
    return session;
  }

  keep(session: SessionState, unixTime: number): void {
    if (session.id.length === 0 || this.#parameters.maxSessions === 0) return;
    const key = keyOf(session.id);
    this.#sessions.delete(key);
    let looked = 0;
    for (const [oldKey, old] of this.#sessions) {
      const isFull = this.#sessions.size >= this.#parameters.maxSessions;
      if (!isFull && looked++ >= SWEPT) break;
      if (isFull || this.#isOver(old, unixTime)) this.#sessions.delete(oldKey);
    }
    this.#sessions.set(key, session);
  }

  forget(id: Uint8Array): void {
    this.#sessions.delete(keyOf(id));
  }

  sealTicket(session: SessionState, unixTime: number): Uint8Array {
    const bytes = encodeSession({ ...session, id: NO_TICKET, ticket: undefined }, this.#crypto);
    const ticket = this.#ticketKeys.seal(bytes, unixTime);
    bytes.fill(0);
    return ticket.length > MAX_TICKET_BYTES ? NO_TICKET : ticket;
  }

  openTicket(ticket: Uint8Array, unixTime: number): SessionState | undefined {
    if (ticket.length > MAX_TICKET_BYTES) return undefined;
    const bytes = this.#ticketKeys.open(ticket, unixTime);
    if (bytes === undefined) return undefined;
    const session = decodeSession(bytes, this.#crypto);
    bytes.fill(0);
    if (isMalformed(session) || this.#isOver(session, unixTime)) return undefined;
    return { ...session, ticket: ticket.slice() };
  }

  /** Also when it was made in a future further away than that: the clock was set back. */
  #isOver(session: SessionState, unixTime: number): boolean {
    return Math.abs(unixTime - session.createdAt) >= this.#parameters.sessionLifetime;
  }
}

function keyOf(id: Uint8Array): string {
  return String.fromCharCode(...id);
}
