/**
 * The CoAP options as data: the IANA registry "CoAP Option Numbers". Types, length checks, critical-option handling
 * and the typed access of `option-access.ts` are derived from these rows.
 *
 * RFC 7252 §5.10, RFC 7641 §2 (Observe), RFC 7959 §2.1 and §4 (Block, Size), RFC 7967 §2 (No-Response), RFC 8613 §2
 * (OSCORE), RFC 8768 §3 (Hop-Limit), RFC 9175 §2.2 and §3.2 (Echo, Request-Tag), RFC 9177 §4.1 (Q-Block), RFC 9668 §3.1
 * (EDHOC), OCF Core Specification (OCF-*).
 */
export interface OptionDefinition {
  readonly number: number;
  /** As the registry spells it. */
  readonly name: string;
  readonly format: 'empty' | 'opaque' | 'uint' | 'string';
  /** Inclusive bounds on the encoded value, in bytes. */
  readonly minLength: number;
  readonly maxLength: number;
  readonly repeatable: boolean;
}

// One row per line: the columns are the point.
// prettier-ignore
export const OPTIONS = {
  ifMatch:       { number: 1,    name: 'If-Match',       format: 'opaque', minLength: 0, maxLength: 8,    repeatable: true },
  uriHost:       { number: 3,    name: 'Uri-Host',       format: 'string', minLength: 1, maxLength: 255,  repeatable: false },
  etag:          { number: 4,    name: 'ETag',           format: 'opaque', minLength: 1, maxLength: 8,    repeatable: true },
  ifNoneMatch:   { number: 5,    name: 'If-None-Match',  format: 'empty',  minLength: 0, maxLength: 0,    repeatable: false },
  observe:       { number: 6,    name: 'Observe',        format: 'uint',   minLength: 0, maxLength: 3,    repeatable: false },
  uriPort:       { number: 7,    name: 'Uri-Port',       format: 'uint',   minLength: 0, maxLength: 2,    repeatable: false },
  locationPath:  { number: 8,    name: 'Location-Path',  format: 'string', minLength: 0, maxLength: 255,  repeatable: true },
  oscore:        { number: 9,    name: 'OSCORE',         format: 'opaque', minLength: 0, maxLength: 255,  repeatable: false },
  uriPath:       { number: 11,   name: 'Uri-Path',       format: 'string', minLength: 0, maxLength: 255,  repeatable: true },
  contentFormat: { number: 12,   name: 'Content-Format', format: 'uint',   minLength: 0, maxLength: 2,    repeatable: false },
  maxAge:        { number: 14,   name: 'Max-Age',        format: 'uint',   minLength: 0, maxLength: 4,    repeatable: false },
  uriQuery:      { number: 15,   name: 'Uri-Query',      format: 'string', minLength: 0, maxLength: 255,  repeatable: true },
  hopLimit:      { number: 16,   name: 'Hop-Limit',      format: 'uint',   minLength: 1, maxLength: 1,    repeatable: false },
  accept:        { number: 17,   name: 'Accept',         format: 'uint',   minLength: 0, maxLength: 2,    repeatable: false },
  qBlock1:       { number: 19,   name: 'Q-Block1',       format: 'uint',   minLength: 0, maxLength: 3,    repeatable: false },
  locationQuery: { number: 20,   name: 'Location-Query', format: 'string', minLength: 0, maxLength: 255,  repeatable: true },
  edhoc:         { number: 21,   name: 'EDHOC',          format: 'empty',  minLength: 0, maxLength: 0,    repeatable: false },
  block2:        { number: 23,   name: 'Block2',         format: 'uint',   minLength: 0, maxLength: 3,    repeatable: false },
  block1:        { number: 27,   name: 'Block1',         format: 'uint',   minLength: 0, maxLength: 3,    repeatable: false },
  size2:         { number: 28,   name: 'Size2',          format: 'uint',   minLength: 0, maxLength: 4,    repeatable: false },
  qBlock2:       { number: 31,   name: 'Q-Block2',       format: 'uint',   minLength: 0, maxLength: 3,    repeatable: true },
  proxyUri:      { number: 35,   name: 'Proxy-Uri',      format: 'string', minLength: 1, maxLength: 1034, repeatable: false },
  proxyScheme:   { number: 39,   name: 'Proxy-Scheme',   format: 'string', minLength: 1, maxLength: 255,  repeatable: false },
  size1:         { number: 60,   name: 'Size1',          format: 'uint',   minLength: 0, maxLength: 4,    repeatable: false },
  echo:          { number: 252,  name: 'Echo',           format: 'opaque', minLength: 1, maxLength: 40,   repeatable: false },
  noResponse:    { number: 258,  name: 'No-Response',    format: 'uint',   minLength: 0, maxLength: 1,    repeatable: false },
  requestTag:    { number: 292,  name: 'Request-Tag',    format: 'opaque', minLength: 0, maxLength: 8,    repeatable: true },
  ocfAcceptContentFormatVersion:
                 { number: 2049, name: 'OCF-Accept-Content-Format-Version', format: 'uint', minLength: 0, maxLength: 2, repeatable: false },
  ocfContentFormatVersion:
                 { number: 2053, name: 'OCF-Content-Format-Version',        format: 'uint', minLength: 0, maxLength: 2, repeatable: false },
} as const;

export type OptionName = keyof typeof OPTIONS;

type ValueOf<Format extends OptionDefinition['format']> = Format extends 'uint'
  ? number
  : Format extends 'string'
    ? string
    : Format extends 'empty'
      ? true
      : Uint8Array;

/** TypeScript type of one value of an option, read off the table: a number, a string, `true` or bytes. */
export type OptionValue<Name extends OptionName> = ValueOf<(typeof OPTIONS)[Name]['format']>;

/** Names of the options that may occur more than once in a message. */
export type RepeatableOptionName = {
  [Name in OptionName]: (typeof OPTIONS)[Name]['repeatable'] extends true ? Name : never;
}[OptionName];

const ROWS: Readonly<Record<OptionName, OptionDefinition>> = OPTIONS;

const BY_NUMBER: ReadonlyMap<number, OptionDefinition> = new Map(
  Object.values(ROWS).map((definition) => [definition.number, definition]),
);

/** The row of an option number, undefined for a number that nobody registered. */
export const optionDefinition = (optionNumber: number): OptionDefinition | undefined => BY_NUMBER.get(optionNumber);

/** Odd numbers are critical: a receiver that does not know one must not guess. RFC 7252 §5.4.1. */
export const isCritical = (optionNumber: number): boolean => (optionNumber & 1) === 1;
/** A proxy that does not know the option must not forward the message. RFC 7252 §5.4.2. */
export const isUnsafe = (optionNumber: number): boolean => (optionNumber & 2) === 2;
/** The option is not part of the cache key; meaningful only when it is safe to forward. RFC 7252 §5.4.2. */
export const isNoCacheKey = (optionNumber: number): boolean => (optionNumber & 0x1e) === 0x1c;
