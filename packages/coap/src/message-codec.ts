/**
 * CoAP message codec. RFC 7252 §3.
 *
 * Pure functions over bytes. A datagram is decoded once; the views in the result are shared by every layer above.
 */
import type { Code } from './code-table.ts';
import { UsageError } from './errors.ts';
import { MessageType, messageId } from './message.ts';
import type { Message, MessageId, Option } from './message.ts';

export type MalformedReason =
  /** Fewer bytes than the header and the token it announces. */
  | 'too-short'
  | 'unknown-version'
  /** Token length 9 to 15. */
  | 'token-too-long'
  /** Option delta or length nibble 15 outside of the payload marker. */
  | 'reserved-option-nibble'
  /** An option runs past the end of the datagram. */
  | 'truncated-option'
  /** The sum of the deltas is above 65535. */
  | 'option-number-too-large'
  | 'empty-payload-after-marker'
  /** Code 0.00 with a token, options or a payload. */
  | 'empty-message-with-content'
  /** Code class 1, 6 or 7. */
  | 'reserved-code-class'
  /** A Non-confirmable message must carry a request or a response. RFC 7252 §4.3. */
  | 'empty-non-confirmable'
  /** An Acknowledgement carries a response or nothing. RFC 7252 §4.2. */
  | 'acknowledgement-with-request'
  /** A Reset is always empty. RFC 7252 §4.2. */
  | 'reset-with-content';

/** A datagram that is not a CoAP message: a value, because hostile input is ordinary input. */
export interface MalformedMessage {
  readonly malformed: MalformedReason;
  /**
   * What the receiver owes the sender: a Reset with `messageIdOf(datagram)` for a Confirmable message, silence for
   * everything else. RFC 7252 §4.2 and §4.3; §3 for an unknown version.
   */
  readonly reaction: 'reset' | 'ignore';
}

const HEADER_LENGTH = 4;
const PAYLOAD_MARKER = 0xff;
const MAX_TOKEN_LENGTH = 8;
const MAX_OPTION_NUMBER = 0xffff;
/** Largest value of a two-byte extension: 269 + 65535. RFC 7252 §3.1. */
const MAX_OPTION_LENGTH = 269 + 0xffff;
const NO_BYTES: Uint8Array = new Uint8Array(0);
const NO_OPTIONS: readonly Option[] = Object.freeze([]);

type Rejection = readonly [confirmable: MalformedMessage, other: MalformedMessage];

/** Frozen instances, so that rejecting a datagram allocates nothing. */
const rejection = (malformed: MalformedReason): Rejection => [
  Object.freeze({ malformed, reaction: 'reset' }),
  Object.freeze({ malformed, reaction: 'ignore' }),
];
const TOO_SHORT = rejection('too-short');
const UNKNOWN_VERSION = rejection('unknown-version');
const TOKEN_TOO_LONG = rejection('token-too-long');
const RESERVED_NIBBLE = rejection('reserved-option-nibble');
const TRUNCATED_OPTION = rejection('truncated-option');
const NUMBER_TOO_LARGE = rejection('option-number-too-large');
const EMPTY_PAYLOAD = rejection('empty-payload-after-marker');
const EMPTY_WITH_CONTENT = rejection('empty-message-with-content');
const RESERVED_CLASS = rejection('reserved-code-class');
const EMPTY_NON_CONFIRMABLE = rejection('empty-non-confirmable');
const ACKNOWLEDGEMENT_WITH_REQUEST = rejection('acknowledgement-with-request');
const RESET_WITH_CONTENT = rejection('reset-with-content');

export const isMalformedMessage = (message: Message | MalformedMessage): message is MalformedMessage =>
  'malformed' in message;

/** The Message ID of any datagram of at least four bytes, well-formed or not: what a Reset needs. */
export const messageIdOf = (datagram: Uint8Array): MessageId => messageId((datagram[2]! << 8) | datagram[3]!);

/** Decode one datagram. Never throws; the views in the result live as long as the datagram's bytes stay as they are. */
export function decodeMessage(datagram: Uint8Array): Message | MalformedMessage {
  const end = datagram.length;
  if (end < HEADER_LENGTH) return TOO_SHORT[1];
  const first = datagram[0]!;
  if (first >> 6 !== 1) return UNKNOWN_VERSION[1];
  const type = ((first >> 4) & 3) as MessageType;
  const rejected = type === MessageType.confirmable ? 0 : 1;
  const code = datagram[1]!;
  const tokenLength = first & 0x0f;

  if (code === 0) {
    if (end > HEADER_LENGTH || tokenLength > 0) return EMPTY_WITH_CONTENT[rejected];
    if (type === MessageType.nonConfirmable) return EMPTY_NON_CONFIRMABLE[rejected];
    return {
      type,
      code: code as Code,
      messageId: messageIdOf(datagram),
      token: NO_BYTES,
      options: NO_OPTIONS,
      payload: NO_BYTES,
    };
  }
  const klass = code >> 5;
  if (klass === 1 || klass > 5) return RESERVED_CLASS[rejected];
  if (type === MessageType.reset) return RESET_WITH_CONTENT[rejected];
  if (type === MessageType.acknowledgement && klass === 0) return ACKNOWLEDGEMENT_WITH_REQUEST[rejected];
  if (tokenLength > MAX_TOKEN_LENGTH) return TOKEN_TOO_LONG[rejected];
  let at = HEADER_LENGTH + tokenLength;
  if (at > end) return TOO_SHORT[rejected];

  const options: Option[] = [];
  let payload = NO_BYTES;
  let number = 0;
  while (at < end) {
    const head = datagram[at++]!;
    if (head === PAYLOAD_MARKER) {
      if (at === end) return EMPTY_PAYLOAD[rejected];
      payload = datagram.subarray(at);
      break;
    }
    let delta = head >> 4;
    let length = head & 0x0f;
    if (delta === 15 || length === 15) return RESERVED_NIBBLE[rejected];
    // The delta's extension bytes come before the length's. RFC 7252 §3.1.
    if (delta > 12) {
      if (delta === 13) {
        if (at + 1 > end) return TRUNCATED_OPTION[rejected];
        delta = datagram[at]! + 13;
        at += 1;
      } else {
        if (at + 2 > end) return TRUNCATED_OPTION[rejected];
        delta = ((datagram[at]! << 8) | datagram[at + 1]!) + 269;
        at += 2;
      }
    }
    if (length > 12) {
      if (length === 13) {
        if (at + 1 > end) return TRUNCATED_OPTION[rejected];
        length = datagram[at]! + 13;
        at += 1;
      } else {
        if (at + 2 > end) return TRUNCATED_OPTION[rejected];
        length = ((datagram[at]! << 8) | datagram[at + 1]!) + 269;
        at += 2;
      }
    }
    const next = at + length;
    if (next > end) return TRUNCATED_OPTION[rejected];
    number += delta;
    if (number > MAX_OPTION_NUMBER) return NUMBER_TOO_LARGE[rejected];
    options.push({ number, value: length === 0 ? NO_BYTES : datagram.subarray(at, next) });
    at = next;
  }
  return {
    type,
    code: code as Code,
    messageId: messageIdOf(datagram),
    token: tokenLength === 0 ? NO_BYTES : datagram.subarray(HEADER_LENGTH, HEADER_LENGTH + tokenLength),
    options,
    payload,
  };
}

/**
 * Encode `message` into a fresh buffer of exactly its length.
 *
 * @throws UsageError if the token has more than 8 bytes, the options are not in ascending order, or one of them cannot
 * be expressed.
 */
export function encodeMessage(message: Message): Uint8Array {
  const { token, options, payload } = message;
  const bytes = new Uint8Array(encodedLength(message));
  bytes[0] = 0x40 | (message.type << 4) | token.length;
  bytes[1] = message.code;
  bytes[2] = message.messageId >> 8;
  bytes[3] = message.messageId & 0xff;
  let at = copy(token, bytes, HEADER_LENGTH);
  let previous = 0;
  for (let index = 0; index < options.length; index++) {
    const { number, value } = options[index]!;
    const delta = number - previous;
    const length = value.length;
    previous = number;
    bytes[at++] = (nibble(delta) << 4) | nibble(length);
    if (delta > 12) at = writeExtension(bytes, at, delta);
    if (length > 12) at = writeExtension(bytes, at, length);
    at = copy(value, bytes, at);
  }
  if (payload.length > 0) {
    bytes[at++] = PAYLOAD_MARKER;
    copy(payload, bytes, at);
  }
  return bytes;
}

/** Bytes that `encodeMessage` will need. @throws UsageError as `encodeMessage` does. */
export function encodedLength({ token, options, payload }: Pick<Message, 'token' | 'options' | 'payload'>): number {
  if (token.length > MAX_TOKEN_LENGTH) throw new UsageError(`a token has at most 8 bytes, not ${token.length}`);
  let length = HEADER_LENGTH + token.length;
  let previous = 0;
  for (let index = 0; index < options.length; index++) {
    const { number, value } = options[index]!;
    const delta = number - previous;
    if (delta < 0) throw new UsageError(`option ${number} comes after option ${previous}: sort them ascending`);
    if (number > MAX_OPTION_NUMBER) throw new UsageError(`option numbers end at 65535, ${number} is too large`);
    if (value.length > MAX_OPTION_LENGTH) throw new UsageError(`option ${number} has ${value.length} bytes`);
    length += 1 + extensionLength(delta) + extensionLength(value.length) + value.length;
    previous = number;
  }
  return payload.length === 0 ? length : length + 1 + payload.length;
}

const nibble = (value: number): number => (value < 13 ? value : value < 269 ? 13 : 14);
const extensionLength = (value: number): number => (value < 13 ? 0 : value < 269 ? 1 : 2);

function writeExtension(bytes: Uint8Array, at: number, value: number): number {
  if (value < 269) {
    bytes[at] = value - 13;
    return at + 1;
  }
  bytes[at] = (value - 269) >> 8;
  bytes[at + 1] = (value - 269) & 0xff;
  return at + 2;
}

/** A loop beats `set` for the few bytes of an option: the call alone costs as much as copying 30 bytes. */
function copy(source: Uint8Array, target: Uint8Array, at: number): number {
  const length = source.length;
  if (length > 32) target.set(source, at);
  else for (let index = 0; index < length; index++) target[at + index] = source[index]!;
  return at + length;
}
