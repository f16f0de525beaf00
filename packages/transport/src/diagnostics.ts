/**
 * The channels on which the transport reports what it caught, refused and counted. Subscribe with
 * `node:diagnostics_channel`.
 *
 * `lapwing.transport.error`: `{ error }`, thrown by an event handler, by a layer or by the socket.
 * `lapwing.dtls.refused`: `{ local, from, refusal }`, a handshake that failed, and why.
 * `lapwing.dtls.closed`: `{ local, from, identity, reason }`, an association that ended otherwise than by our closing it.
 * `lapwing.dtls.forged`: `{ local, from, identity, count }`, records of an association that did not authenticate: at
 *   `forgedRecordsReported` of them and at each doubling.
 * `lapwing.dtls.counters`: `{ local, counters }`, at most once a second and driver while datagrams arrive.
 */
import { channel } from 'node:diagnostics_channel';
import type { CloseReason, DtlsCounters, Refusal } from '@lapwing/dtls';
import type { PeerAddress } from './driver.ts';

export const TRANSPORT_ERROR_CHANNEL = 'lapwing.transport.error';
export const DTLS_REFUSED_CHANNEL = 'lapwing.dtls.refused';
export const DTLS_CLOSED_CHANNEL = 'lapwing.dtls.closed';
export const DTLS_FORGED_CHANNEL = 'lapwing.dtls.forged';
export const DTLS_COUNTERS_CHANNEL = 'lapwing.dtls.counters';

const errors = channel(TRANSPORT_ERROR_CHANNEL);
const refused = channel(DTLS_REFUSED_CHANNEL);
const closed = channel(DTLS_CLOSED_CHANNEL);
const forged = channel(DTLS_FORGED_CHANNEL);
const counters = channel(DTLS_COUNTERS_CHANNEL);

export function reportTransportError(error: unknown): void {
  if (errors.hasSubscribers) errors.publish({ error });
}

export function reportRefused(event: {
  readonly local: PeerAddress;
  readonly from: PeerAddress;
  readonly refusal: Refusal;
}): void {
  if (refused.hasSubscribers) refused.publish(event);
}

export function reportClosed(event: {
  readonly local: PeerAddress;
  readonly from: PeerAddress;
  readonly identity: string | undefined;
  readonly reason: CloseReason;
}): void {
  if (closed.hasSubscribers) closed.publish(event);
}

export function reportForged(event: {
  readonly local: PeerAddress;
  readonly from: PeerAddress;
  readonly identity: string | undefined;
  readonly count: number;
}): void {
  if (forged.hasSubscribers) forged.publish(event);
}

export const wantsDtlsCounters = (): boolean => counters.hasSubscribers;

export function publishDtlsCounters(local: PeerAddress, values: DtlsCounters): void {
  counters.publish({ local, counters: values });
}
