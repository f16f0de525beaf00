/** Smartcards as a source of bootstrap information for a Client: read again whenever it asks. OMA TS Core 1.2 §5.2.2. */
import { createHash } from 'node:crypto';
import { hex } from './bytes.ts';
import type { BootstrapObject } from './bootstrap-file.ts';
import type { Transmit } from './apdu.ts';
import { encodePin, readCardWith } from './read-card.ts';
import type { CardOutcome, CardReading, EncodedPin, ReadCardOptions } from './read-card.ts';

/** What a Client takes its bootstrap information from. */
export interface SmartcardSource {
  /** Undefined: no card, or a card without LwM2M data. Rejects only when the reader itself fails. */
  read(): Promise<SmartcardContent | undefined>;
}

export interface SmartcardContent {
  readonly objects: readonly BootstrapObject[];
  /** Of the card and what it holds: another one when either has changed. It tells nothing of the content. */
  readonly fingerprint: string;
}

/** A card that is powered, until `close`. */
export interface CardConnection {
  /** Answer to Reset. ISO 7816-3 §8. */
  readonly atr: Uint8Array;
  readonly transmit: Transmit;
  close(): Promise<void>;
}

/** What a reading came to, without the keys that a card holds: it may be logged. */
export type SmartcardReading =
  | { readonly kind: 'noCard' }
  | { readonly kind: 'read'; readonly iccid: string | undefined; readonly objectIds: readonly number[] }
  | CardOutcome;

export interface SmartcardSourceOptions extends ReadCardOptions {
  /** Power the card. Undefined: there is none. Rejects when the reader fails. */
  readonly connect: () => Promise<CardConnection | undefined>;
  /** Called with every reading before `read` answers: why it is undefined, or what was found. */
  readonly onReading?: (reading: SmartcardReading) => void;
}

/**
 * A source over one card reader. Readings do not overlap: the second of two waits for the first.
 *
 * A PIN that a card refused is not tried again on that card before it was taken out.
 *
 * @throws UsageError for a `pin` that is none.
 */
export function smartcardSource({ connect, maxCommands, onReading, pin }: SmartcardSourceOptions): SmartcardSource {
  const encodedPin = pin === undefined ? undefined : encodePin(pin);
  let last: Promise<unknown> = Promise.resolve();
  /** The card that refused the PIN. */
  let refusedBy: string | undefined;

  const readOnce = async (): Promise<SmartcardContent | undefined> => {
    const card = await connect();
    if (card === undefined) {
      refusedBy = undefined;
      onReading?.({ kind: 'noCard' });
      return undefined;
    }
    const identityOf = (iccid: string | undefined): string => iccid ?? hex(card.atr);
    let reading: CardReading;
    try {
      const pinOf = (iccid: string | undefined): EncodedPin | undefined =>
        identityOf(iccid) === refusedBy ? undefined : encodedPin;
      reading = await readCardWith(card.transmit, pinOf, maxCommands);
    } finally {
      await card.close();
    }
    const identity = identityOf(reading.iccid);
    if (reading.kind === 'pinRefused') refusedBy = identity;
    if (reading.kind !== 'read') {
      onReading?.(reading);
      return undefined;
    }
    const { file, iccid, objects } = reading;
    onReading?.({ kind: 'read', iccid, objectIds: objects.map(({ objectId }) => objectId) });
    return objects.length === 0 ? undefined : { objects, fingerprint: fingerprintOf(identity, file) };
  };

  return {
    read(): Promise<SmartcardContent | undefined> {
      const reading = last.then(readOnce);
      // The next reading begins when this one has ended, however it did; whoever asked for this one is told.
      last = reading.catch(() => undefined);
      return reading;
    },
  };
}

/** A digest, because the file has keys in it and a fingerprint is kept and compared. */
function fingerprintOf(card: string, file: Uint8Array): string {
  return createHash('sha256').update(`${card}:`).update(file).digest('hex');
}
