/**
 * Records of epoch 1 on their way in: put off until they can be opened, checked against the replay window, opened, and
 * handed to the handshake or to the open association. RFC 6347 §4.1.2, 4.2.8.
 */
import type { AssociationTables } from './association-tables.ts';
import type { DtlsAssociation } from './association.ts';
import { countDrop } from './counters.ts';
import type { DropReason, DtlsCounters } from './counters.ts';
import type { DtlsOutbox, RemoteAddress } from './events.ts';
import type { DeferredRecord } from './handshake-progress.ts';
import { wrongKey } from './handshakes.ts';
import type { Handshakes } from './handshakes.ts';
import type { OpenAssociations } from './open-associations.ts';
import type { DtlsParameters } from './parameters.ts';
import { CONTENT_TYPES } from './record/content-type-table.ts';
import type { OpenedRecord } from './record/protection.ts';

/** Records of a handshake that must be the peer's Finished and do not decrypt, until its key is called wrong. */
const WRONG_FINISHED = 3;

/** What became of a protected record; 'foreign': it is of another association, or of nobody. */
export type Opening = 'handled' | 'dropped' | 'foreign';

export interface ProtectedSurroundings {
  readonly parameters: DtlsParameters;
  readonly counters: DtlsCounters;
  readonly tables: AssociationTables;
  readonly handshakes: Handshakes;
  readonly open: OpenAssociations;
}

export class ProtectedRecords {
  readonly #parameters: DtlsParameters;
  readonly #counters: DtlsCounters;
  readonly #tables: AssociationTables;
  readonly #handshakes: Handshakes;
  readonly #open: OpenAssociations;

  constructor({ parameters, counters, tables, handshakes, open }: ProtectedSurroundings) {
    this.#parameters = parameters;
    this.#counters = counters;
    this.#tables = tables;
    this.#handshakes = handshakes;
    this.#open = open;
  }

  handle(
    now: number,
    association: DtlsAssociation,
    from: RemoteAddress,
    contentType: number,
    sequence: number,
    record: Uint8Array,
    out: DtlsOutbox,
  ): Opening {
    if (association.progress !== undefined && !association.progress.readsEpoch1) {
      return this.#defer(association, { contentType, sequence, bytes: record });
    }
    return this.#openRecord(now, association, from, contentType, sequence, record, out);
  }

  /** Goes on with what was put off, where it can be opened now. */
  openDeferred(now: number, association: DtlsAssociation, out: DtlsOutbox): void {
    const { deferredRecords, progress } = association;
    if (deferredRecords === undefined || association.state === 'closed') return;
    if (progress !== undefined && !progress.readsEpoch1) return;
    association.deferredRecords = undefined;
    if (progress !== undefined) progress.deferredRecordBytes = 0;
    // Data before the Finished is deferred again; the Finished, when it is handled, comes back here for it.
    for (const { contentType, sequence, bytes } of deferredRecords) {
      if (association.read === undefined) return;
      this.#openRecord(now, association, association.address, contentType, sequence, bytes, out);
    }
  }

  #openRecord(
    now: number,
    association: DtlsAssociation,
    from: RemoteAddress,
    contentType: number,
    sequence: number,
    record: Uint8Array,
    out: DtlsOutbox,
  ): Opening {
    const isNumbered = contentType === CONTENT_TYPES.tls12Cid;
    if (isNumbered !== association.isFoundByConnectionId) {
      this.#drop(isNumbered ? 'connection-id-unexpected' : 'connection-id-expected');
      return 'foreign';
    }
    const window = association.window!;
    if (!window.isFresh(sequence)) return this.#drop('replayed');
    if (!this.#mayTry(now, association)) return this.#drop('forged-too-often');
    const opened = association.read!.open(record);
    if (opened === undefined) return this.#forged(now, association, out);
    if (association.progress !== undefined) {
      if (opened.contentType === CONTENT_TYPES.applicationData) {
        return this.#defer(association, { contentType, sequence, bytes: record });
      }
      window.mark(sequence);
      this.#handleInHandshake(now, association, opened, out);
      return 'handled';
    }
    const order = window.isNewest(sequence) ? 'newest' : 'older';
    window.mark(sequence);
    this.#tables.activity.touch(association, now);
    this.#open.arrivedFrom(association, from, record.length, order, out);
    this.#open.handleContent(now, association, opened, out);
    return 'handled';
  }

  /** Of epoch 1, before the handshake is complete: the peer's Finished, and its alerts. */
  #handleInHandshake(now: number, association: DtlsAssociation, opened: OpenedRecord, out: DtlsOutbox): void {
    const { contentType, content } = opened;
    if (contentType === CONTENT_TYPES.handshake) {
      this.#handshakes.handleRecord(now, association, content, 1, out);
      this.openDeferred(now, association, out);
    } else if (contentType === CONTENT_TYPES.alert) {
      this.#handshakes.handleAlert(association, content, out);
    } else {
      this.#drop(
        contentType === CONTENT_TYPES.changeCipherSpec ? 'unexpected-change-cipher-spec' : 'unknown-content-type',
      );
    }
  }

  /** Records of epoch 1 that wait for the ChangeCipherSpec, and application data that waits for the Finished. */
  #defer(association: DtlsAssociation, record: DeferredRecord): Opening {
    const { maxDeferredRecords, maxDeferredBytes } = this.#parameters;
    const progress = association.progress!;
    const deferred = (association.deferredRecords ??= []);
    const bytes = progress.deferredRecordBytes + record.bytes.length;
    if (deferred.length >= maxDeferredRecords || bytes > maxDeferredBytes) return this.#drop('deferred-full');
    deferred.push({ ...record, bytes: record.bytes.slice() });
    progress.deferredRecordBytes = bytes;
    return 'handled';
  }

  /** So many failed attempts per second and no more: each costs as much as a true record. */
  #mayTry(now: number, association: DtlsAssociation): boolean {
    if (association.forgedInSecond < this.#parameters.forgedRecordsPerSecond) return true;
    if (now - association.forgedSecond < 1_000) return false;
    association.forgedInSecond = 0;
    return true;
  }

  /** RFC 9147 §4.5.3: reported early, closed only at a bound that no short attack reaches. */
  #forged(now: number, association: DtlsAssociation, out: DtlsOutbox): Opening {
    const { forgedRecordsReported, forgedRecordsClosed } = this.#parameters;
    this.#drop('forged');
    if (now - association.forgedSecond >= 1_000) {
      association.forgedSecond = now;
      association.forgedInSecond = 0;
    }
    association.forgedInSecond++;
    const count = ++association.forgedRecords;
    const { progress } = association;
    if (progress !== undefined) {
      if (progress.machine.expects.includes('finished') && ++progress.forgedFinished >= WRONG_FINISHED) {
        this.#handshakes.refuse(association, wrongKey(progress.machine.claimedIdentity), out);
      }
      return 'foreign';
    }
    const doublings = Math.log2(count / forgedRecordsReported);
    if (doublings >= 0 && Number.isInteger(doublings)) out.emit({ kind: 'forgedRecords', association, count });
    if (count >= forgedRecordsClosed) this.#open.close(association, 'forged-records', out);
    return 'foreign';
  }

  #drop(reason: DropReason): 'dropped' {
    countDrop(this.#counters, reason);
    return 'dropped';
  }
}
