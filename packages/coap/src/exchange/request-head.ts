/**
 * The options of a request that the CoAP layer itself acts on, read in one pass. RFC 7252 §5.4, RFC 7641 §2,
 * RFC 7959 §2.1, RFC 7967 §2.
 */
import { RESERVED_SIZE_EXPONENT, decodeBlockOption, type BlockOption } from '../block-option.ts';
import { Codes } from '../code-table.ts';
import type { Code, Option } from '../message.ts';
import { decodeUint, optionSet, unknownCritical } from '../option-access.ts';
import { OPTIONS } from '../option-table.ts';

export interface RequestHead {
  readonly observe: 'register' | 'deregister' | undefined;
  /** As in the No-Response option; 0 when every response is wanted. */
  readonly unwantedClasses: number;
  readonly block1: BlockOption | undefined;
  readonly block2: BlockOption | undefined;
  /** Size1, the announced length of the body in bytes. */
  readonly bodyBytes: number | undefined;
  /** The code to refuse it with: a critical option is not understood, a block size is reserved. */
  readonly refusal: Code | undefined;
}

/** Critical options of a request that this layer or the application acts on. */
const UNDERSTOOD = optionSet(
  'ifMatch',
  'uriHost',
  'ifNoneMatch',
  'uriPort',
  'uriPath',
  'uriQuery',
  'accept',
  'block1',
  'block2',
  'proxyUri',
  'proxyScheme',
);

const PLAIN: RequestHead = Object.freeze({
  observe: undefined,
  unwantedClasses: 0,
  block1: undefined,
  block2: undefined,
  bodyBytes: undefined,
  refusal: undefined,
});

export function readRequestHead(options: readonly Option[]): RequestHead {
  if (unknownCritical(options, UNDERSTOOD) !== undefined) return { ...PLAIN, refusal: Codes.badOption };
  let observe: RequestHead['observe'];
  let unwantedClasses = 0;
  let block1: BlockOption | undefined;
  let block2: BlockOption | undefined;
  let bodyBytes: number | undefined;
  let refusal: Code | undefined;
  let isPlain = true;
  for (let index = 0; index < options.length; index++) {
    const { number, value } = options[index]!;
    switch (number) {
      case OPTIONS.observe.number:
        if (value.length > OPTIONS.observe.maxLength) break;
        isPlain = false;
        observe = OBSERVE_VALUES[decodeUint(value)];
        break;
      case OPTIONS.block1.number:
        isPlain = false;
        block1 = decodeBlockOption(value);
        if (block1?.szx === RESERVED_SIZE_EXPONENT) refusal = Codes.badRequest;
        break;
      case OPTIONS.block2.number:
        isPlain = false;
        block2 = decodeBlockOption(value);
        if (block2?.szx === RESERVED_SIZE_EXPONENT) refusal = Codes.badRequest;
        break;
      case OPTIONS.size1.number:
        if (value.length > OPTIONS.size1.maxLength) break;
        isPlain = false;
        bodyBytes = decodeUint(value);
        break;
      case OPTIONS.noResponse.number:
        if (value.length > OPTIONS.noResponse.maxLength) break;
        isPlain = false;
        unwantedClasses = decodeUint(value);
        break;
      case OPTIONS.proxyUri.number:
      case OPTIONS.proxyScheme.number:
        isPlain = false;
        refusal = Codes.proxyingNotSupported;
    }
  }
  return isPlain ? PLAIN : { observe, unwantedClasses, block1, block2, bodyBytes, refusal };
}

const OBSERVE_VALUES: readonly RequestHead['observe'][] = ['register', 'deregister'];
