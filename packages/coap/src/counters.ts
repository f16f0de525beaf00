/**
 * What a CoAP endpoint counts: plain numbers that only grow, one per reason, for metrics and for tests.
 */
import type { MalformedReason } from './message-codec.ts';

export interface CoapCounters {
  datagramsReceived: number;
  datagramsSent: number;
  /** Of those sent: repetitions of a Confirmable message. RFC 7252 §4.2. */
  retransmissions: number;
  /** Datagrams that are no CoAP message, by reason. */
  readonly malformed: Partial<Record<MalformedReason, number>>;
  /** Confirmable and Non-confirmable messages seen before. RFC 7252 §4.5. */
  duplicates: number;
  /** Entries of the duplicate filter dropped before their lifetime, because it was full. */
  forgottenEarly: number;
  /** Replies that found no room in the duplicate filter, so that a duplicate will be ignored. */
  repliesNotKept: number;
  resetsSent: number;
  resetsReceived: number;
  /** Empty Confirmable messages answered with Reset. RFC 7252 §4.3. */
  pingsAnswered: number;
  /** Acknowledgements and Resets whose Message ID belongs to nothing outstanding, or to another token. */
  unmatchedAcknowledgements: number;
  /** Responses and notifications whose token nobody waits for. */
  unmatchedResponses: number;
  /** Requests and responses with a critical option that is not understood. RFC 7252 §5.4.1. */
  badOptions: number;
  /** Transmissions given up without an Acknowledgement, and exchanges without a response. */
  timeouts: number;
  /** Notifications that arrived after a newer one. RFC 7641 §3.4. */
  staleNotifications: number;
  /** Notifications replaced by a newer state before they were sent. RFC 7641 §4.5.2. */
  supersededNotifications: number;
  /** Requests answered 5.03 because too many wait for the application. */
  requestsRefused: number;
  /** Observations refused because the peer holds `maxRelationsPerPeer`. */
  relationsRefused: number;
  /** Bodies in blocks that were forgotten before they were complete, and those that did not fit together. */
  abandonedBodies: number;
  /** Bodies refused because of `maxBodyBytes` or `maxTotalBodyBytes`. */
  bodiesRefused: number;
  /** Messages not sent because every Message ID was used within EXCHANGE_LIFETIME, or the peer's queue was full. */
  messagesDropped: number;
}

export function newCounters(): CoapCounters {
  return {
    datagramsReceived: 0,
    datagramsSent: 0,
    retransmissions: 0,
    malformed: {},
    duplicates: 0,
    forgottenEarly: 0,
    repliesNotKept: 0,
    resetsSent: 0,
    resetsReceived: 0,
    pingsAnswered: 0,
    unmatchedAcknowledgements: 0,
    unmatchedResponses: 0,
    badOptions: 0,
    timeouts: 0,
    staleNotifications: 0,
    supersededNotifications: 0,
    requestsRefused: 0,
    relationsRefused: 0,
    abandonedBodies: 0,
    bodiesRefused: 0,
    messagesDropped: 0,
  };
}
