/**
 * Everything that leaves an endpoint: records under the next sequence number, and datagrams to a peer within the
 * amplification bound. Nothing else takes a sequence number, so that none is used twice.
 */
import { encodeAlert } from './alert-codec.ts';
import type { AlertDescription, AlertLevel } from './alert-table.ts';
import type { DtlsAssociation } from './association.ts';
import { countDrop } from './counters.ts';
import type { DropReason, DtlsCounters } from './counters.ts';
import type { DtlsOutbox } from './events.ts';
import { transmitFlight } from './flight.ts';
import type { FlightItem } from './handshake/handshake.ts';
import type { DtlsParameters } from './parameters.ts';
import { CONTENT_TYPES } from './record/content-type-table.ts';
import { encodePlaintextRecord, RECORD_HEADER_LENGTH, SEQUENCE_LIMIT } from './record/record-header.ts';

/** Before there are keys: header, nonce and tag of an AEAD suite, with a Connection ID of 10 bytes. */
const EXPECTED_OVERHEAD_BYTES = 48;

export class RecordSender {
  readonly #parameters: DtlsParameters;
  readonly #counters: DtlsCounters;

  constructor(parameters: DtlsParameters, counters: DtlsCounters) {
    this.#parameters = parameters;
    this.#counters = counters;
  }

  /** A record of epoch 1; undefined when its sequence numbers are used up or all that are reserved are used. */
  seal(association: DtlsAssociation, contentType: number, content: Uint8Array): Uint8Array | undefined {
    const { writeSequence, reservedUntil, write } = association;
    if (writeSequence >= SEQUENCE_LIMIT || writeSequence >= reservedUntil || write === undefined) return undefined;
    association.writeSequence = writeSequence + 1;
    this.#counters.recordsSent++;
    return write.seal(contentType, 1, writeSequence, content);
  }

  /** False: to a new address that has not answered yet, this would be more than it may be sent. RFC 9146 §6. */
  transmit(association: DtlsAssociation, datagram: Uint8Array, out: DtlsOutbox): boolean {
    if (association.unansweredBudget !== Infinity) {
      if (datagram.length > association.unansweredBudget) {
        countDrop(this.#counters, 'amplification');
        return false;
      }
      association.unansweredBudget -= datagram.length;
      association.hasAskedNewAddress = true;
    }
    this.#counters.datagramsSent++;
    out.transmit(association.address, datagram);
    return true;
  }

  /** One record of application data in a datagram of its own; else why not. */
  sendData(association: DtlsAssociation, plaintext: Uint8Array, out: DtlsOutbox): 'sent' | 'exhausted' | DropReason {
    if (plaintext.length > this.maxPlaintext(association)) return this.#dropped('too-large-to-send');
    const record = this.seal(association, CONTENT_TYPES.applicationData, plaintext);
    if (record === undefined) {
      return association.writeSequence >= SEQUENCE_LIMIT ? 'exhausted' : this.#dropped('reservation-used');
    }
    if (!this.transmit(association, record, out)) return 'amplification';
    if (association.writeSequence === association.reservationLowAt) out.emit({ kind: 'reservationLow', association });
    return 'sent';
  }

  /** Application bytes that fit into one datagram, and one record. */
  maxPlaintext(association: DtlsAssociation): number {
    const { write, parameters, role } = association;
    const asked = role === 'client' ? this.#parameters.maxFragmentLength : undefined;
    const overhead = write?.overhead ?? EXPECTED_OVERHEAD_BYTES;
    const fits = this.#parameters.maxDatagramBytes - overhead;
    return Math.max(0, Math.min(fits, parameters?.maxFragmentLength ?? asked ?? fits));
  }

  #dropped(reason: DropReason): DropReason {
    countDrop(this.#counters, reason);
    return reason;
  }

  sendFlight(
    association: DtlsAssociation,
    items: readonly FlightItem[],
    maxFragmentLength: number,
    out: DtlsOutbox,
  ): void {
    transmitFlight(
      items,
      {
        overhead: (epoch) => (epoch === 0 ? RECORD_HEADER_LENGTH : association.write!.overhead),
        seal: (epoch, kind, content) => {
          const contentType = kind === 'handshake' ? CONTENT_TYPES.handshake : CONTENT_TYPES.changeCipherSpec;
          return epoch === 0
            ? this.#plain(association, contentType, content)
            : this.seal(association, contentType, content);
        },
      },
      { maxDatagramBytes: this.#parameters.maxDatagramBytes, maxFragmentLength },
      (datagram) => this.transmit(association, datagram, out),
    );
  }

  /** In the epoch we write in. */
  sendAlert(association: DtlsAssociation, level: AlertLevel, description: AlertDescription, out: DtlsOutbox): void {
    const content = encodeAlert(level, description);
    const isProtected = association.state === 'open' || association.progress?.writesEpoch1 === true;
    const record = isProtected
      ? this.seal(association, CONTENT_TYPES.alert, content)
      : this.#plain(association, CONTENT_TYPES.alert, content);
    if (record !== undefined) this.transmit(association, record, out);
  }

  #plain(association: DtlsAssociation, contentType: number, content: Uint8Array): Uint8Array {
    this.#counters.recordsSent++;
    return encodePlaintextRecord(contentType, association.plainSequence++, content);
  }
}
