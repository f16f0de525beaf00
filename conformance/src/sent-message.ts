/** Messages as they go over a simulated network in plaintext, for cases that name codes, parameters and formats. */
import { codeName, decodeMessage, formatCode, readOption, readOptions } from '@lapwing/coap';

/** One message as it was sent. */
export interface SentMessage {
  /** "POST /rd?lwm2m=1.1", "2.04". */
  readonly line: string;
  readonly type: number;
  readonly observe: number | undefined;
  readonly accept: number | undefined;
  readonly contentFormat: number | undefined;
  readonly payload: Uint8Array;
}

/** Undefined for what is no CoAP message: a record of DTLS. */
export function describeMessage(datagram: Uint8Array): SentMessage | undefined {
  const message = decodeMessage(datagram);
  if ('malformed' in message) return undefined;
  const { code, options, type, payload } = message;
  const isRequest = code > 0 && code < 32;
  const queries = readOptions(options, 'uriQuery');
  const target = `/${readOptions(options, 'uriPath').join('/')}${queries.length === 0 ? '' : `?${queries.join('&')}`}`;
  return {
    line: isRequest ? `${codeName(code) ?? formatCode(code)} ${target}` : formatCode(code),
    type,
    observe: readOption(options, 'observe'),
    accept: readOption(options, 'accept'),
    contentFormat: readOption(options, 'contentFormat'),
    payload: payload.slice(),
  };
}
