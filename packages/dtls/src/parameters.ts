/**
 * Every bound and duration of a DTLS endpoint. Times in ms, sizes in bytes.
 */
import type { CipherSuiteName } from './cipher-suite-table.ts';
import type { GroupName } from './crypto.ts';
import { UsageError } from './errors.ts';

export interface DtlsParameters {
  /** In order of preference. The CBC suites are implemented, and off by default. */
  readonly cipherSuites: readonly CipherSuiteName[];
  readonly groups: readonly GroupName[];
  /** Of the datagrams we send, UDP payload. Flights are fragmented to it. */
  readonly maxDatagramBytes: number;
  /** RFC 6066 §4: what a client asks for; undefined: nothing. A server grants what it is asked. */
  readonly maxFragmentLength: 512 | 1024 | 2048 | 4096 | undefined;

  /** Bytes of the Connection ID we ask the peer to put on its records: 6 for servers, 0 for clients (theirs only). 'off': do not negotiate. RFC 9146. */
  readonly connectionIdLength: number | 'off';
  /** The first bytes of each of our Connection IDs, so that a node knows its own. Not secret. */
  readonly nodeId: Uint8Array;
  /** Bytes sent to a new address of an association stay within this factor of the bytes it sent, until it has answered. */
  readonly amplificationFactor: number;

  /** First retransmission; doubled up to the maximum. RFC 6347 §4.2.4; RFC 7925 §11 recommends 9 s for constrained links. */
  readonly retransmissionTimeout: number;
  readonly maxRetransmissionTimeout: number;
  /** Retransmissions of one flight. */
  readonly maxRetransmissions: number;
  /** A handshake that has not completed by then fails. */
  readonly handshakeTimeout: number;

  readonly cookieLifetime: number;
  readonly maxAssociations: number;
  /** Handshakes under way after a valid cookie. */
  readonly maxHandshakes: number;
  /** Of those, from one IP address; Infinity: no bound, because a carrier's NAT puts a fleet behind one address. */
  readonly maxHandshakesPerHost: number;
  /** When there are as many as may be, one whose client has said nothing new for this long makes room for another. */
  readonly handshakeStaleAfter: number;
  /** When the table is full, an association silent for this long makes room for a new one. */
  readonly staleAfter: number;
  /** One handshake message; certificate chains may need 16,384. */
  readonly maxHandshakeMessageBytes: number;
  /** Handshake messages that arrived too early, kept per handshake. */
  readonly maxFutureMessages: number;
  /** Records of the next epoch, and application data to send, kept while the handshake lasts. */
  readonly maxDeferredRecords: number;
  readonly maxDeferredBytes: number;
  readonly maxLookups: number;
  readonly lookupTimeout: number;
  /** Records that fail authentication: reported at, closed at. RFC 9147 §4.5.3 gives the reasons for such limits. */
  readonly forgedRecordsReported: number;
  readonly forgedRecordsClosed: number;
  /** Failed decryptions tried per association and second; further records of it are dropped unopened. */
  readonly forgedRecordsPerSecond: number;
  readonly maxSessions: number;
  readonly sessionLifetime: number;
  /** Issue and accept tickets. RFC 5077. */
  readonly tickets: boolean;
  /** Tell a client that its PSK identity is unknown (OMA's alert table), or go on to a wrong Finished as RFC 4279 §2 allows. */
  readonly unknownIdentityAlert: boolean;
  /** Require Extended Master Secret of every peer; else preferred. RFC 7627. */
  readonly requireExtendedMasterSecret: boolean;
  /** Bits of the replay window, a multiple of 32. */
  readonly replayWindow: number;
  /** Write sequence numbers reserved ahead in the snapshot of a running association, so that a crash reuses none. */
  readonly sequenceReservation: number;
}

export const DEFAULT_DTLS_PARAMETERS: DtlsParameters = Object.freeze({
  cipherSuites: [
    'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8',
    'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
    'TLS_PSK_WITH_AES_128_CCM_8',
    'TLS_PSK_WITH_AES_128_GCM_SHA256',
  ] as const,
  groups: ['secp256r1', 'x25519'] as const,
  maxDatagramBytes: 1200,
  maxFragmentLength: undefined,
  connectionIdLength: 6,
  nodeId: new Uint8Array(0),
  amplificationFactor: 3,
  retransmissionTimeout: 2_000,
  maxRetransmissionTimeout: 60_000,
  maxRetransmissions: 5,
  handshakeTimeout: 120_000,
  cookieLifetime: 60_000,
  maxAssociations: 150_000,
  maxHandshakes: 5_000,
  maxHandshakesPerHost: Infinity,
  // Beyond the first retransmission of a client with the timer of RFC 7925 §11.
  handshakeStaleAfter: 15_000,
  staleAfter: 30 * 60_000,
  maxHandshakeMessageBytes: 8_192,
  maxFutureMessages: 10,
  maxDeferredRecords: 10,
  maxDeferredBytes: 8_192,
  maxLookups: 5_000,
  lookupTimeout: 5_000,
  forgedRecordsReported: 2 ** 10,
  forgedRecordsClosed: 2 ** 24,
  // Some 25 ms of work. Beyond it true records are dropped with the forged, so it is not to be reached cheaply.
  forgedRecordsPerSecond: 1_000,
  maxSessions: 10_000,
  sessionLifetime: 24 * 3_600_000,
  tickets: true,
  unknownIdentityAlert: true,
  requireExtendedMasterSecret: false,
  replayWindow: 64,
  sequenceReservation: 1_024,
});

/** What every parameter that is a count, a size or a duration must at least be; Infinity is a value of each. */
const LEAST: Readonly<Partial<Record<keyof DtlsParameters, number>>> = {
  // Room for a record with the longest overhead (CBC) and a piece of a handshake message.
  maxDatagramBytes: 192,
  amplificationFactor: 1,
  retransmissionTimeout: 1,
  maxRetransmissionTimeout: 1,
  maxRetransmissions: 0,
  handshakeTimeout: 1,
  cookieLifetime: 1,
  maxAssociations: 1,
  maxHandshakes: 1,
  maxHandshakesPerHost: 1,
  handshakeStaleAfter: 0,
  staleAfter: 0,
  maxHandshakeMessageBytes: 256,
  maxFutureMessages: 0,
  maxDeferredRecords: 0,
  maxDeferredBytes: 0,
  maxLookups: 1,
  lookupTimeout: 1,
  forgedRecordsReported: 1,
  forgedRecordsClosed: 1,
  forgedRecordsPerSecond: 1,
  maxSessions: 0,
  sessionLifetime: 1,
  replayWindow: 64,
  sequenceReservation: 2,
};

/** @throws UsageError when a parameter is out of its range. */
export function checkedParameters(given: Partial<DtlsParameters> = {}): DtlsParameters {
  const parameters = { ...DEFAULT_DTLS_PARAMETERS, ...given };
  for (const [name, least] of Object.entries(LEAST)) {
    const value = parameters[name as keyof DtlsParameters];
    if (typeof value !== 'number' || !(value >= least)) {
      throw new UsageError(`${name} is ${String(value)}; it must be at least ${least}`);
    }
  }
  if (parameters.replayWindow % 32 !== 0) {
    throw new UsageError(`replayWindow is ${parameters.replayWindow}; it must be a multiple of 32`);
  }
  if (parameters.cipherSuites.length === 0) throw new UsageError('cipherSuites is empty');
  return parameters;
}
