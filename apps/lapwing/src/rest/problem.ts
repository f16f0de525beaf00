/**
 * RFC 9457 problems: every answer that is not a success has this shape, and the CoAP code when a device gave one.
 *
 * Four planes stay apart: what the caller of REST did wrong (`badRequest`), what a device refused (`refusal`), what never
 * completed (`OperationFailed`), and our own faults, of which nothing but their existence is told.
 */
import { formatCode, OperationFailed, UsageError } from '@lapwing/coap';
import type { Refused } from '@lapwing/server';
import { sentence } from './sentence.ts';

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

export interface ProblemBody {
  /** "urn:lapwing:problem:…"; stable, for programs. */
  readonly type: string;
  /** What the type means, the same for each of its occurrences. */
  readonly title: string;
  readonly status: number;
  /** One sentence about this occurrence. */
  readonly detail: string;
  /** "4.04", when a device answered. */
  readonly coapCode?: string;
  /** Where in the request, as a JSON Pointer into the body or a name of a query parameter. */
  readonly field?: string;
}

/** Thrown by routes and rendered in one place; it never leaves the REST layer. */
export class Problem extends Error {
  readonly body: ProblemBody;
  constructor(body: ProblemBody) {
    super(body.detail);
    this.body = body;
  }
  override get name(): string {
    return 'Problem';
  }
}

/** Every problem type there is. The names are part of the public API. */
const PROBLEMS = {
  'bad-request': { status: 400, title: 'The request is not well formed' },
  'forbidden-origin': { status: 403, title: 'The request comes from a page of another site' },
  'unknown-device': { status: 404, title: 'No device of this name is registered' },
  'unknown-observation': { status: 404, title: 'This path is not observed' },
  'unknown-operation': { status: 404, title: 'The device has no such pending operation' },
  'unknown-definition': { status: 404, title: 'No definition of this Object is known' },
  'unknown-credential': { status: 404, title: 'The device has no such credential' },
  'unknown-trust-anchor': { status: 404, title: 'This certificate is not trusted' },
  'unknown-configuration': { status: 404, title: 'There is no bootstrap configuration for the device' },
  'unknown-session': { status: 404, title: 'There is no such bootstrap session' },
  'unknown-firmware': { status: 404, title: 'There is no such firmware image' },
  'unknown-update': { status: 404, title: 'No firmware update of this device is known' },
  'not-found': { status: 404, title: 'There is nothing at this address' },
  'method-not-allowed': { status: 405, title: 'This address does not know the method' },
  'credential-exists': { status: 409, title: 'The device has a credential of this kind' },
  'identity-taken': { status: 409, title: 'Another device has this identity or public key' },
  'update-under-way': { status: 409, title: 'A firmware update of the device is under way' },
  'update-not-cancellable': { status: 409, title: 'The firmware update cannot be cancelled any more' },
  'session-ended': { status: 409, title: 'The bootstrap session has ended' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body has a media type that is not understood here' },
  'misdirected-host': { status: 421, title: 'The Host header names a host that is not this server' },
  'internal-error': { status: 500, title: 'Something failed in the server' },
  'device-refused': { status: 502, title: 'The device refused' },
  'device-answer-malformed': { status: 502, title: 'The answer of the device cannot be understood' },
  'device-answer-too-large': { status: 502, title: 'The answer of the device is too large' },
  'device-not-observing': { status: 502, title: 'The device gave the value but will not notify' },
  'device-reset': { status: 502, title: 'The device rejected the message' },
  'too-many-streams': { status: 503, title: 'Too many event streams are open' },
  'not-available': { status: 503, title: 'The operation was given up' },
  'operation-kept': { status: 503, title: 'The server stops; the operation is kept and goes out after its start' },
  'store-full': { status: 507, title: 'There is no room for more' },
  'device-timeout': { status: 504, title: 'The device did not answer in time' },
} as const;

export type ProblemName = keyof typeof PROBLEMS;

export function problem(
  name: ProblemName,
  detail: string,
  more: Partial<Pick<ProblemBody, 'status' | 'coapCode' | 'field'>> = {},
): Problem {
  return new Problem({ type: `urn:lapwing:problem:${name}`, ...PROBLEMS[name], detail, ...more });
}

export const badRequest = (detail: string, field?: string): Problem =>
  problem('bad-request', detail, field === undefined ? {} : { field });

/** HTTP status for a refusal, by CoAP code. What is not listed: 400 for a 4.xx, 502 for the rest. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  '4.00': 400,
  '4.01': 403,
  '4.03': 403,
  '4.04': 404,
  '4.05': 405,
  '4.06': 406,
  '4.09': 409,
  '4.12': 412,
  '4.13': 413,
  '4.15': 415,
  '4.22': 422,
  '4.29': 429,
};

/** A device said no: an ordinary answer that HTTP shows as a problem. */
export function refusal(refused: Refused): Problem {
  const coapCode = formatCode(refused.code);
  const status = STATUS_BY_CODE[coapCode] ?? (coapCode.startsWith('4.') ? 400 : 502);
  return problem('device-refused', `The device answered ${refused.reason}.`, { status, coapCode });
}

/** For every route at once: only one takes XML, one CSV and JSON Lines, one octets. */
const MEDIA_TYPES =
  'Send the body as application/json, an object XML as application/xml, an import as text/csv or application/x-ndjson, firmware as application/octet-stream.';

const NAME_BY_FAILURE: Readonly<Record<string, ProblemName>> = {
  TIMEOUT: 'device-timeout',
  RESET: 'device-reset',
  CANCELLED: 'not-available',
  BODY_TOO_LARGE: 'device-answer-too-large',
  BAD_RESPONSE: 'device-answer-malformed',
  PEER_CLOSED: 'not-available',
  QUEUE_FULL: 'not-available',
  NOT_OBSERVABLE: 'device-not-observing',
  NOT_REGISTERED: 'unknown-device',
  CLOSED: 'not-available',
  SUSPENDED: 'operation-kept',
  IDENTITY_TAKEN: 'identity-taken',
  STORE_FULL: 'store-full',
  TOO_MANY: 'not-available',
};

/** Errors of the HTTP framework that say what the caller did wrong, by their code, and what the caller can do. */
const BY_FASTIFY_CODE: Readonly<Record<string, readonly [ProblemName, detail: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [
    'body-too-large',
    'The body is larger than this server takes; send less, or start it with a larger --max-body-bytes.',
  ],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', MEDIA_TYPES],
  FST_ERR_CTP_EMPTY_TYPE: ['unsupported-media-type', MEDIA_TYPES],
  FST_ERR_CTP_INVALID_JSON_BODY: ['bad-request', 'The body is not valid JSON; correct it and send it again.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['bad-request', 'The body is not as long as its Content-Length says.'],
  FST_ERR_BAD_URL: [
    'bad-request',
    'The URL is not well formed: percent-encode each part of it as UTF-8, a "%" of its own as "%25".',
  ],
};

/** The problem for whatever a route threw. `internal-error` says nothing about its cause: that belongs in the log. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof OperationFailed) {
    const name = NAME_BY_FAILURE[error.code] ?? 'internal-error';
    return problem(name, name === 'internal-error' ? INTERNAL_DETAIL : sentence(error.message));
  }
  if (error instanceof UsageError) return badRequest(sentence(error.message));
  if (isAbort(error)) return problem('not-available', 'The request was given up before the device answered.');
  const { code, statusCode, message } = error as { code?: unknown; statusCode?: unknown; message?: unknown };
  const known = typeof code === 'string' ? BY_FASTIFY_CODE[code] : undefined;
  if (known !== undefined) return problem(...known);
  // The files of the console: what lies outside their folder is as little there as what does not exist.
  if (statusCode === 403) return problem('not-found', 'There is nothing here: the path leads out of the console.');
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return problem('bad-request', sentence(String(message)), { status: statusCode });
  }
  return problem('internal-error', INTERNAL_DETAIL);
}

/** What Node.js could not read as HTTP, by its code. */
export function unreadableRequest(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return problem('bad-request', 'The URL and the headers are larger than 16 KiB together; send less.', {
      status: 431,
    });
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return problem('bad-request', 'The request did not arrive in time; send it again.', { status: 408 });
  }
  return problem('bad-request', 'This is no HTTP request that can be understood; check its method and its headers.');
}

const INTERNAL_DETAIL = "The server's log says more.";

const isAbort = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');
