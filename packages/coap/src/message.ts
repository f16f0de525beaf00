/**
 * A CoAP message as the layers share it. RFC 7252 §3.
 *
 * Everything here is a view into the datagram it was decoded from: copy what you keep past the event.
 */
import type { Code } from './code-table.ts';

export type { Code } from './code-table.ts';

declare const brand: unique symbol;
export type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** 16-bit identifier that pairs a message with its Acknowledgement or Reset. RFC 7252 §4.4. */
export type MessageId = Branded<number, 'MessageId'>;
export const messageId = (value: number): MessageId => (value & 0xffff) as MessageId;

export const MessageType = { confirmable: 0, nonConfirmable: 1, acknowledgement: 2, reset: 3 } as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

export interface Option {
  readonly number: number;
  /** View into the datagram. */
  readonly value: Uint8Array;
}

export interface Message {
  readonly type: MessageType;
  readonly code: Code;
  readonly messageId: MessageId;
  /** 0 to 8 bytes; a view into the datagram. */
  readonly token: Uint8Array;
  /** Ascending by option number. */
  readonly options: readonly Option[];
  /** View into the datagram, empty when absent. */
  readonly payload: Uint8Array;
}
