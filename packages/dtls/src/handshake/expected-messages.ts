/**
 * Which messages the peer may send next, as a list that is built once from what was agreed and shortened from the front:
 * the state of a handshake. What to do with a message is a function of that list alone. RFC 5246 §7.3, 6347 §4.2.4.
 *
 *   server   (ClientHello with a cookie) ─► [Certificate] ClientKeyExchange [CertificateVerify] (CCS) Finished ─► done
 *            resumed                     ─► (CCS) Finished ─► done
 *   client   {HelloVerifyRequest} ServerHello
 *              PSK    ─► [ServerKeyExchange] ServerHelloDone
 *              ECDHE  ─► Certificate ServerKeyExchange [CertificateRequest] ServerHelloDone
 *              then   ─► [NewSessionTicket] (CCS) Finished ─► done
 *            resumed  ─► [NewSessionTicket] (CCS) Finished ─► done
 *
 * ChangeCipherSpec is no handshake message: it counts only where it stands in the list, and everywhere else it is
 * nothing. It is what changes the epoch: before it messages come in epoch 0, after it in epoch 1.
 */
import type { HandshakeTypeName } from './handshake-type-table.ts';

export type PeerMessage = HandshakeTypeName | 'change_cipher_spec';

export interface Expectation {
  readonly message: PeerMessage;
  /** Optional: the one behind it may come at once. */
  readonly presence: 'required' | 'optional';
}

/** Empty: the handshake has ended, or has not begun. */
export type Expected = readonly Expectation[];

/**
 * - accepted: it stands next in the list.
 * - dropped: as if it had never come. Wrong epoch, a Finished too early, a hello that begins something else.
 * - refused: it ends the handshake with `unexpected_message`.
 */
export type Judgement = 'accepted' | 'dropped' | 'refused';

const required = (message: PeerMessage): Expectation => ({ message, presence: 'required' });
const optional = (message: PeerMessage): Expectation => ({ message, presence: 'optional' });

const TO_THE_END = [required('change_cipher_spec'), required('finished')] as const;

export const NOTHING: Expected = [];

/** What a server expects after its flight. */
export function expectedFromClient(what: 'full' | 'full-with-certificate' | 'resumed'): Expected {
  switch (what) {
    case 'full':
      return [required('client_key_exchange'), ...TO_THE_END];
    case 'full-with-certificate':
      return [required('certificate'), required('client_key_exchange'), required('certificate_verify'), ...TO_THE_END];
    case 'resumed':
      return TO_THE_END;
  }
}

/** What a client expects after its ClientHello. */
export function expectedHello(what: 'cookie-or-hello' | 'hello'): Expected {
  const hello = required('server_hello');
  return what === 'hello' ? [hello] : [optional('hello_verify_request'), hello];
}

/** What a client expects behind the ServerHello of a full handshake, up to the end of that flight. */
export function expectedFromServer(keyExchange: 'psk' | 'ecdhe-ecdsa'): Expected {
  if (keyExchange === 'psk') return [optional('server_key_exchange'), required('server_hello_done')];
  return [
    required('certificate'),
    required('server_key_exchange'),
    optional('certificate_request'),
    required('server_hello_done'),
  ];
}

/** What a client expects after its own flight, or at once when the session is resumed. */
export function expectedAtTheEnd(ticket: 'ticket-promised' | 'no-ticket'): Expected {
  return ticket === 'ticket-promised' ? [required('new_session_ticket'), ...TO_THE_END] : TO_THE_END;
}

/** The message must be one `judge` has accepted. */
export function after(expected: Expected, message: PeerMessage): Expected {
  return expected.slice(expected.findIndex((expectation) => expectation.message === message) + 1);
}

/** Whether a message is among those that may come next. */
export function isNext(expected: Expected, message: PeerMessage): boolean {
  for (const expectation of expected) {
    if (expectation.message === message) return true;
    if (expectation.presence === 'required') return false;
  }
  return false;
}

export function judge(
  role: 'client' | 'server',
  expected: Expected,
  message: HandshakeTypeName | undefined,
  epoch: 0 | 1,
): Judgement {
  const first = expected[0];
  if (first === undefined) return 'dropped';
  if (epoch !== (first.message === 'finished' ? 1 : 0)) return 'dropped';
  if (message !== undefined && isNext(expected, message)) return 'accepted';
  // A Finished before its ChangeCipherSpec proves nothing and costs nothing. RFC 6347 §4.2.8 leaves it to us; an alert
  // would let one forged datagram end a handshake.
  if (message === 'finished') return 'dropped';
  // RFC 5246 §7.4.1.1: ignored while a handshake is under way.
  if (role === 'client' && message === 'hello_request') return 'dropped';
  // A new ClientHello begins a handshake of its own, with a cookie of its own, and leaves this one alone.
  if (role === 'server' && message === 'client_hello' && epoch === 0) return 'dropped';
  return 'refused';
}

/** The names of what may come next. */
export function namesOf(expected: Expected): readonly string[] {
  const names: string[] = [];
  for (const expectation of expected) {
    names.push(expectation.message);
    if (expectation.presence === 'required') break;
  }
  return names;
}
