/** What a way to PC/SC has to offer: which cards are in, and a connection to one. */
import { OperationFailed } from '@lapwing/coap';
import type { CardConnection } from '@lapwing/smartcard';

export interface ReaderState {
  readonly name: string;
  /** Another one for every card put in. Undefined: no card is in. */
  readonly insertion: string | undefined;
}

export interface CardReadersListener {
  /** All readers that there are now, whenever anything about them changed. */
  follow(readers: readonly ReaderState[]): void;
  /** The service went away. Nothing comes after it. */
  fail(error: OperationFailed): void;
}

/** An open way to PC/SC. It has told its listener of all readers when it is handed out. */
export interface CardReaders {
  /** Undefined: there is no card, or no such reader. */
  connect(readerName: string): Promise<CardConnection | undefined>;
  close(): Promise<void>;
}

/** Rejects with OperationFailed when the service cannot be reached. */
export type OpenCardReaders = (listener: CardReadersListener) => Promise<CardReaders>;

/** PC/SC did not do it; trying again can help. */
export const pcscFailed = (what: string, cause?: unknown): OperationFailed =>
  new OperationFailed('PCSC_FAILED', what, { retryable: true, cause });
