/**
 * Keeps web pages of other sites out of an API that has no login: a name that resolves to this machine must be one we
 * know (DNS rebinding), and what changes something must not come from a foreign page (cross-site request forgery).
 */
import type { IncomingHttpHeaders } from 'node:http';
import { problem, type Problem } from './problem.ts';

export interface OriginGuardOptions {
  /** The address the HTTP server is bound to. */
  readonly httpHost: string;
  /** Further names the server may be called by. */
  readonly allowedHosts: readonly string[];
}

const LOOPBACK_NAMES: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

/** True for an address that only this machine can reach. */
export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host);

/** What is wrong with where a request comes from, if anything. */
export function foreignRequest(
  method: string,
  headers: IncomingHttpHeaders,
  options: OriginGuardOptions,
): Problem | undefined {
  const host = hostName(headers.host ?? '');
  // Bound to the network, the server cannot know by which names people reach it.
  if (isLoopback(options.httpHost) && !LOOPBACK_NAMES.includes(host) && !options.allowedHosts.includes(host)) {
    return problem(
      'misdirected-host',
      `The Host header names "${host}"; allow that name with --http-allowed-hosts when it is this server.`,
    );
  }
  if (SAFE_METHODS.includes(method)) return undefined;
  const { origin } = headers;
  const sameOrigin = origin === undefined || URL.parse(origin)?.host === headers.host?.toLowerCase();
  // Browsers say by themselves where a request comes from; other programs send neither header.
  const fromElsewhere = headers['sec-fetch-site'] === 'cross-site' || headers['sec-fetch-site'] === 'same-site';
  if (sameOrigin && !fromElsewhere) return undefined;
  return problem(
    'forbidden-origin',
    'Only pages of this server may change something; this request comes from another.',
  );
}

/** "localhost:8080" and "LOCALHOST" are "localhost"; "[::1]:8080" is "[::1]". */
function hostName(header: string): string {
  return (/^(\[[^\]]*\]|[^:]*)(?::\d*)?$/.exec(header)?.[1] ?? header).toLowerCase();
}
