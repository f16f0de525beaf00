/**
 * Which requests belong to the same transfer: same peer, method and options, those aside that describe the single
 * message. RFC 7959 §2.4 and §2.5, RFC 9175 §3.3 (Request-Tag is compared like any other option).
 */
import type { Code, Option } from '../message.ts';
import { OPTIONS, isNoCacheKey } from '../option-table.ts';

export interface RequestIdentity {
  readonly code: Code;
  readonly options: readonly Option[];
}

/** Describe one message of a transfer, not the transfer. Size1 and Size2 are NoCacheKey already. */
const OF_ONE_MESSAGE: ReadonlySet<number> = new Set([
  OPTIONS.observe.number,
  OPTIONS.block1.number,
  OPTIONS.block2.number,
  OPTIONS.echo.number,
  OPTIONS.noResponse.number,
  OPTIONS.hopLimit.number,
]);

/** Requesters leave out what describes a body they do not send again. */
const OF_A_BODY: ReadonlySet<number> = new Set([OPTIONS.contentFormat.number, OPTIONS.requestTag.number]);

/** The next block of a request body. */
export const isSameUpload = (a: RequestIdentity, b: RequestIdentity): boolean => isSame(a, b, false);

/** The request for the next block of the response to `first`. */
export const isSameDownload = (first: RequestIdentity, next: RequestIdentity): boolean => isSame(first, next, true);

function isSame(a: RequestIdentity, b: RequestIdentity, ignoresBody: boolean): boolean {
  if (a.code !== b.code) return false;
  const left = a.options;
  const right = b.options;
  let i = 0;
  let j = 0;
  for (;;) {
    while (i < left.length && isIgnored(left[i]!.number, ignoresBody)) i++;
    while (j < right.length && isIgnored(right[j]!.number, ignoresBody)) j++;
    if (i === left.length || j === right.length) return i === left.length && j === right.length;
    if (!isEqual(left[i]!, right[j]!)) return false;
    i++;
    j++;
  }
}

const isIgnored = (number: number, ignoresBody: boolean): boolean =>
  OF_ONE_MESSAGE.has(number) || isNoCacheKey(number) || (ignoresBody && OF_A_BODY.has(number));

function isEqual(a: Option, b: Option): boolean {
  if (a.number !== b.number || a.value.length !== b.value.length) return false;
  for (let index = 0; index < a.value.length; index++) if (a.value[index] !== b.value[index]) return false;
  return true;
}
