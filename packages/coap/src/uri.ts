/**
 * CoAP URIs to options and back. RFC 7252 §6.4 (decomposing), §6.5 (composing), RFC 8323 §8 (schemes of reliable
 * transports).
 */
import { UsageError } from './errors.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

/** Default ports of the schemes. RFC 7252 §6.1 and §6.2, RFC 8323 §8. */
export const URI_SCHEMES = {
  coap: { port: 5683 },
  coaps: { port: 5684 },
  'coap+tcp': { port: 5683 },
  'coaps+tcp': { port: 5684 },
} as const;

export type UriScheme = keyof typeof URI_SCHEMES;

/** The path and the query of a URI, as the values of Uri-Path and Uri-Query: percent-decoded. */
export interface UriReference {
  readonly uriPath: readonly string[];
  readonly uriQuery: readonly string[];
}

export interface CoapUri extends UriReference {
  readonly scheme: UriScheme;
  /** In lower case; an IPv6 address stands without its brackets. */
  readonly host: string;
  /** The default of the scheme when the URI has none. */
  readonly port: number;
}

/** One sentence: what is wrong with the URI. */
export interface MalformedUri {
  readonly malformed: string;
}

/** Decompose an absolute URI. Never throws. */
export function parseUri(text: string): CoapUri | MalformedUri {
  const parts = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^#]*)$/i.exec(text);
  if (parts === null) return { malformed: `not an absolute URI without a fragment: ${text}` };
  const scheme = parts[1]!.toLowerCase();
  if (!isScheme(scheme))
    return { malformed: `the scheme must be one of ${Object.keys(URI_SCHEMES).join(', ')}, not ${scheme}` };

  const authority = /^(?:\[([0-9a-f:.]+)\]|([^@:[\]]+))(?::(\d{0,5}))?$/i.exec(parts[2]!);
  if (authority === null) return { malformed: `no host and port: ${parts[2]}` };
  const host = authority[1] ?? percentDecoded(authority[2]!);
  if (host === undefined) return { malformed: `bad percent-encoding in ${parts[2]}` };
  const port = authority[3] === undefined || authority[3] === '' ? URI_SCHEMES[scheme].port : Number(authority[3]);
  if (port < 1 || port > 65_535) return { malformed: `ports are 1 to 65535, not ${port}` };

  const reference = parseUriReference(parts[3]!);
  return 'malformed' in reference ? reference : { scheme, host: host.toLowerCase(), port, ...reference };
}

/** Decompose what follows the authority: `/rd/5a3f?lt=60&b=U`. Never throws. */
export function parseUriReference(text: string): UriReference | MalformedUri {
  const mark = text.indexOf('?');
  const path = mark < 0 ? text : text.slice(0, mark);
  const query = mark < 0 ? undefined : text.slice(mark + 1);
  if (path !== '' && !path.startsWith('/')) return { malformed: `the path must begin with a slash: ${path}` };
  // A path that is empty or a lone slash has no segments at all. RFC 7252 §6.4.
  const segments = path === '' || path === '/' ? [] : path.slice(1).split('/');
  const uriPath = segments.map(percentDecoded);
  const uriQuery = query === undefined ? [] : query.split('&').map(percentDecoded);
  return allDecoded(uriPath) && allDecoded(uriQuery)
    ? { uriPath, uriQuery }
    : { malformed: `bad percent-encoding in ${text}` };
}

/** Compose what follows the authority; at least a slash. RFC 7252 §6.5. */
export function formatUriReference({ uriPath, uriQuery }: UriReference): string {
  const path = `/${uriPath.map((segment) => percentEncoded(segment, IN_PATH)).join('/')}`;
  return uriQuery.length === 0 ? path : `${path}?${uriQuery.map((each) => percentEncoded(each, IN_QUERY)).join('&')}`;
}

/** Compose an absolute URI; the port is left out when it is the default. @throws UsageError for an unknown scheme. */
export function formatUri({ scheme, host, port, ...reference }: CoapUri): string {
  if (!isScheme(scheme)) throw new UsageError(`no CoAP scheme: ${String(scheme)}`);
  const name = host.includes(':') ? `[${host}]` : percentEncoded(host, IN_HOST);
  const suffix = port === URI_SCHEMES[scheme].port ? '' : `:${port}`;
  return `${scheme}://${name}${suffix}${formatUriReference(reference)}`;
}

/** Name and value of a Uri-Query such as `lt=60`; the value is undefined without "=", as in `Q`. */
export function splitQuery(argument: string): readonly [name: string, value: string | undefined] {
  const equals = argument.indexOf('=');
  return equals < 0 ? [argument, undefined] : [argument.slice(0, equals), argument.slice(equals + 1)];
}

const isScheme = (text: string): text is UriScheme => Object.hasOwn(URI_SCHEMES, text);

const allDecoded = (texts: readonly (string | undefined)[]): texts is readonly string[] => !texts.includes(undefined);

function percentDecoded(text: string): string | undefined {
  if (!text.includes('%')) return text;
  const source = encodeUtf8(text);
  const bytes = new Uint8Array(source.length);
  let length = 0;
  for (let at = 0; at < source.length; at++) {
    if (source[at] !== 0x25) {
      bytes[length++] = source[at]!;
      continue;
    }
    const digits = String.fromCharCode(source[at + 1] ?? 0, source[at + 2] ?? 0);
    if (!/^[0-9a-f]{2}$/i.test(digits)) return undefined;
    bytes[length++] = parseInt(digits, 16);
    at += 2;
  }
  return decodeUtf8(bytes.subarray(0, length));
}

/** What may stand unescaped: pchar of RFC 3986 §3.3; in a query also "/" and "?" but not the "&" between arguments. */
const IN_PATH = /[A-Za-z0-9._~!$&'()*+,;=:@-]/;
const IN_QUERY = /[A-Za-z0-9._~!$'()*+,;=:@/?-]/;
const IN_HOST = /[A-Za-z0-9._~!$&'()*+,;=-]/;

function percentEncoded(text: string, allowed: RegExp): string {
  let encoded = '';
  for (const byte of encodeUtf8(text)) {
    const character = String.fromCharCode(byte);
    encoded += allowed.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
