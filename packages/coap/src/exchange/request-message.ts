/**
 * The options and the payload of the message a request sends next. RFC 7641 §2, RFC 7959 §2.1, RFC 9175.
 */
import type { SizeExponent } from '../block-option.ts';
import { withBlock1, withBlock2, withSize1, withSize2 } from '../blockwise/block-options.ts';
import type { Option } from '../message.ts';
import { encodeUint } from '../option-access.ts';
import { OPTIONS } from '../option-table.ts';
import { withOption } from './option-order.ts';
import type { RequestExchange } from './request-exchange.ts';

const LARGEST_SIZE_EXPONENT: SizeExponent = 6;
const NO_BYTES: Uint8Array = new Uint8Array(0);
const REGISTER: Option = { number: OPTIONS.observe.number, value: encodeUint(0) };
const DEREGISTER: Option = { number: OPTIONS.observe.number, value: encodeUint(1) };

/**
 * @param isObservation  the message registers an observation.
 * @param szx  of the blocks this side prefers.
 */
export function requestMessage(
  { request, upload, download, echo, requestTag }: RequestExchange,
  isObservation: boolean,
  szx: SizeExponent,
): { readonly options: readonly Option[]; readonly payload: Uint8Array } {
  let { options } = request;
  let payload = NO_BYTES;
  if (echo !== undefined) options = withOption(options, { number: OPTIONS.echo.number, value: echo });
  if (requestTag !== undefined) options = withOption(options, { number: OPTIONS.requestTag.number, value: requestTag });
  if (isObservation) options = withOption(options, REGISTER);
  else if (request.cancelObservation !== undefined && download === undefined) options = withOption(options, DEREGISTER);
  if (download !== undefined) {
    // The body of the request is not sent again. RFC 7959 §3.3.
    return { options: withBlock2(options, download.wanted), payload };
  }
  if (upload === undefined) {
    if (request.payload instanceof Uint8Array) payload = request.payload;
  } else {
    const block = upload.block();
    payload = block.payload;
    // A stream that fits into one message needs no blocks.
    if (block.option.more || block.option.num > 0) options = withBlock1(options, block.option);
    if (block.option.more && block.option.num === 0 && upload.size !== undefined)
      options = withSize1(options, upload.size);
  }
  // Early negotiation: the responder shall not begin with blocks larger than ours. RFC 7959 §2.4.
  if (szx < LARGEST_SIZE_EXPONENT) options = withBlock2(options, { num: 0, more: false, szx });
  if (request.responseBody === 'stream') options = withSize2(options, 0);
  return { options, payload };
}
