/**
 * When a session may be taken up again. RFC 5246 §7.3, 5077 §3, 7627 §5.3, 7366 §3.1, 6066 §3.
 *
 * Only sessions with Extended Master Secret are resumed, by either side: without it, whoever sits between two handshakes
 * can give both the same master secret and have one resumed as the other (RFC 7627 §1). What fits in no way is a full
 * handshake, which costs nothing but its time: the address has answered a cookie.
 */
import { cipherSuiteByName } from '../cipher-suite-table.ts';
import type { ClientCredentials, Principal, ServerCredentials } from '../credentials.ts';
import type { DtlsCrypto } from '../crypto.ts';
import type { DtlsParameters } from '../parameters.ts';
import type { SessionCache, SessionState } from '../session/session.ts';
import { clientCheck, isBegunWith, trustAnchorsCheck } from './credential-check.ts';
import { failure } from './handshake-failure.ts';
import type { HandshakeFailure } from './handshake.ts';
import type { DecodedClientHello } from './hello-codec.ts';
import { encryptsThenMacs } from './server-negotiation.ts';

/** For a server: the session a ClientHello asks for, where it may be resumed. */
export function resumableSession(
  hello: DecodedClientHello,
  credentials: ServerCredentials,
  parameters: DtlsParameters,
  sessions: SessionCache,
  unixTime: number,
  crypto: DtlsCrypto,
): SessionState | HandshakeFailure | undefined {
  const session = rememberedSession(hello, parameters, sessions, unixTime);
  if (session?.extendedMasterSecret !== true) return undefined;
  if (hello.extensions.extendedMasterSecret !== true) {
    return failure(
      'insecure-resumption',
      'handshake_failure',
      'the client resumes a session that began with Extended Master Secret and leaves it out now (RFC 7627 §5.3)',
    );
  }
  const suite = cipherSuiteByName(session.suite);
  const fits =
    hello.cipherSuites.includes(suite.number) &&
    parameters.cipherSuites.includes(suite.name) &&
    hello.extensions.serverName === session.serverName &&
    encryptsThenMacs(suite, hello.extensions) === session.encryptThenMac &&
    acceptsKind(credentials, session.principal) &&
    (session.principal.kind !== 'x509' ||
      isBegunWith(session, trustAnchorsCheck(credentials.trustAnchors, crypto), crypto));
  return fits ? session : undefined;
}

function rememberedSession(
  hello: DecodedClientHello,
  parameters: DtlsParameters,
  sessions: SessionCache,
  unixTime: number,
): SessionState | undefined {
  const ticket = hello.extensions.sessionTicket;
  // With a ticket the session ID only tells the client whether the ticket was taken. RFC 5077 §3.4.
  if (ticket !== undefined && ticket.length > 0) {
    return parameters.tickets ? sessions.openTicket(ticket, unixTime) : undefined;
  }
  return hello.sessionId.length > 0 ? sessions.find(hello.sessionId, unixTime) : undefined;
}

/** Whether a client that proved itself in this way would still be asked to. */
function acceptsKind(credentials: ServerCredentials, principal: Principal): boolean {
  switch (principal.kind) {
    case 'psk':
      return credentials.psk !== undefined;
    case 'anonymous':
      return credentials.clientAuthentication === 'none';
    case 'rpk':
    case 'x509':
      return (
        credentials.clientAuthentication === 'required' && credentials.clientCertificateTypes.includes(principal.kind)
      );
  }
}

/** For a client: whether a session can be offered with these credentials, suites and name. */
export function isOfferable(
  session: SessionState,
  credentials: ClientCredentials,
  suites: DtlsParameters['cipherSuites'],
  serverName: string | undefined,
  age: { readonly unixTime: number; readonly sessionLifetime: number },
  crypto: DtlsCrypto,
): boolean {
  const keyExchange = credentials.kind === 'psk' ? 'psk' : 'ecdhe-ecdsa';
  return (
    session.extendedMasterSecret &&
    (session.id.length > 0 || session.ticket !== undefined) &&
    suites.includes(session.suite) &&
    cipherSuiteByName(session.suite).keyExchange === keyExchange &&
    isProvenBy(session.principal, credentials, crypto) &&
    // Credentials that were changed since begin anew.
    isBegunWith(session, clientCheck(credentials, crypto), crypto) &&
    session.serverName === serverName &&
    age.unixTime - session.createdAt < age.sessionLifetime
  );
}

function isProvenBy(principal: Principal, credentials: ClientCredentials, crypto: DtlsCrypto): boolean {
  switch (credentials.kind) {
    case 'psk':
      return principal.kind === 'psk' && crypto.equal(principal.identity, credentials.identity);
    case 'rpk':
      return principal.kind === 'rpk' && crypto.equal(principal.publicKey, credentials.serverPublicKey);
    case 'x509':
      return principal.kind === 'x509';
  }
}
