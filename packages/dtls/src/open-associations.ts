/**
 * What an open association does with a record that was authenticated, where its peer is, and how it ends.
 * RFC 5246 §7.2, 6347 §4.2.4, 9146 §6.
 */
import { decodeAlert } from './alert-codec.ts';
import type { DtlsAssociation } from './association.ts';
import type { AssociationTables } from './association-tables.ts';
import { countDrop } from './counters.ts';
import type { DtlsCounters } from './counters.ts';
import type { DtlsOutbox, RemoteAddress } from './events.ts';
import { decodeFragment } from './handshake/fragment-codec.ts';
import type { Fragment } from './handshake/fragment-codec.ts';
import { HANDSHAKE_TYPES } from './handshake/handshake-type-table.ts';
import type { LastFlight } from './handshake-progress.ts';
import { isMalformed } from './malformed.ts';
import type { DtlsParameters } from './parameters.ts';
import { CONTENT_TYPES } from './record/content-type-table.ts';
import type { OpenedRecord } from './record/protection.ts';
import type { RecordSender } from './record-sender.ts';
import type { CloseReason } from './refusal.ts';
import { retransmissionStep } from './retransmission.ts';
import type { SessionCache } from './session/session.ts';

export interface OpenSurroundings {
  readonly parameters: DtlsParameters;
  readonly counters: DtlsCounters;
  readonly tables: AssociationTables;
  readonly sender: RecordSender;
  readonly sessions: SessionCache | undefined;
}

export class OpenAssociations {
  readonly #surroundings: OpenSurroundings;

  constructor(surroundings: OpenSurroundings) {
    this.#surroundings = surroundings;
  }

  handleContent(now: number, association: DtlsAssociation, opened: OpenedRecord, out: DtlsOutbox): void {
    switch (opened.contentType) {
      case CONTENT_TYPES.applicationData:
        // Data shows that the peer has completed: it will not ask again.
        association.lastFlight = undefined;
        out.deliver(association, opened.content);
        return;
      case CONTENT_TYPES.alert:
        this.#handleAlert(association, opened.content, out);
        return;
      case CONTENT_TYPES.handshake:
        this.#handleHandshake(now, association, opened.content, out);
        return;
      case CONTENT_TYPES.changeCipherSpec:
        countDrop(this.#surroundings.counters, 'unexpected-change-cipher-spec');
        return;
      default:
        countDrop(this.#surroundings.counters, 'unknown-content-type');
    }
  }

  /**
   * Where an authenticated record came from. Only the newest of all moves the association: a replay, or one that was
   * held back, does not. RFC 9146 §6.
   */
  arrivedFrom(
    association: DtlsAssociation,
    from: RemoteAddress,
    recordBytes: number,
    order: 'newest' | 'older',
    out: DtlsOutbox,
  ): void {
    const { parameters, counters, tables } = this.#surroundings;
    if (association.isAt(from)) {
      if (association.unansweredBudget === Infinity) return;
      // Something reached the new address, and the peer speaks on from there.
      if (association.hasAskedNewAddress && order === 'newest') association.unansweredBudget = Infinity;
      else association.unansweredBudget += parameters.amplificationFactor * recordBytes;
      return;
    }
    if (order === 'older' || !association.isFoundByConnectionId) return;
    const before = association.address;
    tables.move(association, from);
    association.unansweredBudget = parameters.amplificationFactor * recordBytes;
    association.hasAskedNewAddress = false;
    counters.addressChanges++;
    out.emit({ kind: 'moved', association, from: before });
  }

  /** What was kept for the time after the handshake is needed no more. */
  forgetHandshake(association: DtlsAssociation): void {
    association.lastFlight = undefined;
    association.cookie = undefined;
  }

  /** It ends, and the layer above is told. */
  close(association: DtlsAssociation, reason: CloseReason, out: DtlsOutbox): void {
    this.#surroundings.tables.leaveOpen(association);
    this.count(reason);
    out.emit({ kind: 'closed', association, reason });
  }

  count(reason: CloseReason): void {
    const { closed } = this.#surroundings.counters;
    closed[reason] = (closed[reason] ?? 0) + 1;
  }

  #handleAlert(association: DtlsAssociation, content: Uint8Array, out: DtlsOutbox): void {
    const { counters, sender, sessions } = this.#surroundings;
    const alert = decodeAlert(content);
    if (isMalformed(alert)) {
      countDrop(counters, 'malformed-alert');
    } else if (alert.description === 'close_notify') {
      sender.sendAlert(association, 'warning', 'close_notify', out);
      this.close(association, 'peer-closed', out);
    } else if (alert.level === 'fatal') {
      // What ended in an error must not be resumed. RFC 5246 §7.2.2.
      if (association.sessionId !== undefined) sessions?.forget(association.sessionId);
      association.session = undefined;
      this.close(association, 'peer-alert', out);
    }
  }

  #handleHandshake(now: number, association: DtlsAssociation, content: Uint8Array, out: DtlsOutbox): void {
    const { parameters, counters, sender } = this.#surroundings;
    const fragment = decodeFragment(content, 0);
    const { lastFlight } = association;
    if (isMalformed(fragment)) {
      countDrop(counters, 'malformed-fragment');
    } else if (lastFlight !== undefined && isSameFinished(fragment, lastFlight)) {
      const { state, effect } = retransmissionStep(lastFlight.retransmission, 'peerRepeated', now, parameters);
      lastFlight.retransmission = state;
      if (effect !== 'transmit') return;
      counters.flightsRetransmitted++;
      sender.sendFlight(association, lastFlight.items, lastFlight.maxFragmentLength, out);
    } else if (fragment.type === HANDSHAKE_TYPES.hello_request || fragment.type === HANDSHAKE_TYPES.client_hello) {
      this.#refuseRenegotiation(now, association, out);
    } else {
      countDrop(counters, 'unexpected-message');
    }
  }

  /** RFC 5746 §4.5, at most once per interval. */
  #refuseRenegotiation(now: number, association: DtlsAssociation, out: DtlsOutbox): void {
    const { parameters, counters, sender } = this.#surroundings;
    countDrop(counters, 'renegotiation');
    if (now - association.renegotiationRefusedAt < parameters.retransmissionTimeout) return;
    association.renegotiationRefusedAt = now;
    sender.sendAlert(association, 'warning', 'no_renegotiation', out);
  }
}

/** Type, number and content: what merely looks like it asks for nothing. */
function isSameFinished(fragment: Fragment, { peerFinished }: LastFlight): boolean {
  const { body, type, messageSeq } = peerFinished;
  return (
    fragment.type === type &&
    fragment.messageSeq === messageSeq &&
    fragment.bytes.length === body.length &&
    body.every((byte, index) => byte === fragment.bytes[index])
  );
}
