/** Which of the Server's few resources a request is for, told from the bytes of its Uri-Path. OMA TS Transport §6.4. */
import { OPTIONS, type Option } from '@lapwing/coap';

export type Route =
  /** /rd, or /rd/{registrationId}. */
  | { readonly kind: 'registration'; readonly registrationId: Uint8Array | undefined }
  /** /dp; clients with an alternate path may put it before. */
  | { readonly kind: 'send'; readonly alternatePath: string }
  /** /.well-known/core. */
  | { readonly kind: 'core' }
  | { readonly kind: 'unknown' };

/** An empty last segment, as in /rd/, is passed over. */
export function routeOf(options: readonly Option[]): Route {
  let first: Uint8Array | undefined;
  let last: Uint8Array | undefined;
  let segments = 0;
  let start = 0;
  for (let index = 0; index < options.length; index++) {
    const { number, value } = options[index]!;
    if (number > URI_PATH) break;
    if (number < URI_PATH || value.length === 0) continue;
    if (segments++ === 0) {
      first = value;
      start = index;
    } else {
      last = value;
    }
  }
  if (first === undefined) return UNKNOWN;
  if (segments === 1) {
    if (is(first, RD)) return REGISTER;
    return is(first, DP) ? SEND : UNKNOWN;
  }
  if (segments === 2) {
    if (is(first, RD)) return { kind: 'registration', registrationId: last };
    if (is(first, WELL_KNOWN) && is(last!, CORE)) return CORE_LINKS;
  }
  return is(last!, DP) ? { kind: 'send', alternatePath: pathText(options, start, segments - 1) } : UNKNOWN;
}

const URI_PATH = OPTIONS.uriPath.number;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const RD = bytesOf('rd');
const DP = bytesOf('dp');
const WELL_KNOWN = bytesOf('.well-known');
const CORE = bytesOf('core');

const REGISTER: Route = Object.freeze({ kind: 'registration', registrationId: undefined });
const SEND: Route = Object.freeze({ kind: 'send', alternatePath: '' });
const CORE_LINKS: Route = Object.freeze({ kind: 'core' });
const UNKNOWN: Route = Object.freeze({ kind: 'unknown' });

function is(value: Uint8Array, wanted: Uint8Array): boolean {
  if (value.length !== wanted.length) return false;
  for (let index = 0; index < wanted.length; index++) if (value[index] !== wanted[index]) return false;
  return true;
}

function pathText(options: readonly Option[], start: number, segments: number): string {
  const decoder = new TextDecoder();
  return options
    .slice(start)
    .filter(({ number, value }) => number === URI_PATH && value.length > 0)
    .slice(0, segments)
    .map(({ value }) => `/${decoder.decode(value)}`)
    .join('');
}
