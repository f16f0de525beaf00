/** A server's answer in one line, for events and errors. */
import { codeName, decodeUtf8, formatCode } from '@lapwing/coap';
import type { Code, FailureReason } from '@lapwing/coap';

const MAX_DIAGNOSTIC_BYTES = 200;

/** "4.03 Forbidden: unknown endpoint"; of the diagnostic payload a line at most. RFC 7252 §5.5.2. */
export function describeAnswer(code: Code, payload: Uint8Array): string {
  const name = `${formatCode(code)} ${codeName(code) ?? ''}`.trim();
  const text = decodeUtf8(payload.subarray(0, MAX_DIAGNOSTIC_BYTES)) ?? '';
  const diagnostic = text.replaceAll(/\p{Cc}+/gu, ' ').trim();
  return diagnostic === '' ? name : `${name}: ${diagnostic}`;
}

export const FAILURES: Readonly<Record<FailureReason, string>> = {
  timeout: 'no answer from the server',
  reset: 'the server answered with a Reset',
  cancelled: 'the request was cancelled',
  'body-too-large': 'the answer of the server is too large',
  'bad-response': 'the answer of the server is not understood',
  'peer-closed': 'the association with the server was closed',
};
