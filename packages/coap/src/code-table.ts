/**
 * Method and response codes as data. RFC 7252 §12.1, RFC 7959 §2.9, RFC 8132 §7, RFC 8516 §4, RFC 8768 §6.
 */
import { UsageError } from './errors.ts';
import type { Branded } from './message.ts';

/** Class and detail packed in one byte, as on the wire: 2.05 is 0x45. RFC 7252 §3. */
export type Code = Branded<number, 'Code'>;

/**
 * The code of a class and a detail: `code(2, 5)` is 2.05.
 *
 * @throws UsageError unless the class is an integer from 0 to 7 and the detail one from 0 to 31.
 */
export function code(klass: number, detail: number): Code {
  if (!isWhole(klass, 7) || !isWhole(detail, 31))
    throw new UsageError(`no CoAP code has class ${klass}, detail ${detail}`);
  return pack(klass, detail);
}

const isWhole = (value: number, highest: number): boolean => Number.isInteger(value) && value >= 0 && value <= highest;
const pack = (klass: number, detail: number): Code => ((klass << 5) | detail) as Code;

/** Class, detail, and the name as the registry spells it. */
type CodeRow = readonly [klass: number, detail: number, name: string];

const TABLE = {
  empty: [0, 0, 'Empty'],

  get: [0, 1, 'GET'],
  post: [0, 2, 'POST'],
  put: [0, 3, 'PUT'],
  delete: [0, 4, 'DELETE'],
  fetch: [0, 5, 'FETCH'],
  patch: [0, 6, 'PATCH'],
  ipatch: [0, 7, 'iPATCH'],

  created: [2, 1, 'Created'],
  deleted: [2, 2, 'Deleted'],
  valid: [2, 3, 'Valid'],
  changed: [2, 4, 'Changed'],
  content: [2, 5, 'Content'],
  continue: [2, 31, 'Continue'],

  badRequest: [4, 0, 'Bad Request'],
  unauthorized: [4, 1, 'Unauthorized'],
  badOption: [4, 2, 'Bad Option'],
  forbidden: [4, 3, 'Forbidden'],
  notFound: [4, 4, 'Not Found'],
  methodNotAllowed: [4, 5, 'Method Not Allowed'],
  notAcceptable: [4, 6, 'Not Acceptable'],
  requestEntityIncomplete: [4, 8, 'Request Entity Incomplete'],
  conflict: [4, 9, 'Conflict'],
  preconditionFailed: [4, 12, 'Precondition Failed'],
  requestEntityTooLarge: [4, 13, 'Request Entity Too Large'],
  unsupportedContentFormat: [4, 15, 'Unsupported Content-Format'],
  unprocessableEntity: [4, 22, 'Unprocessable Entity'],
  tooManyRequests: [4, 29, 'Too Many Requests'],

  internalServerError: [5, 0, 'Internal Server Error'],
  notImplemented: [5, 1, 'Not Implemented'],
  badGateway: [5, 2, 'Bad Gateway'],
  serviceUnavailable: [5, 3, 'Service Unavailable'],
  gatewayTimeout: [5, 4, 'Gateway Timeout'],
  proxyingNotSupported: [5, 5, 'Proxying Not Supported'],
  hopLimitReached: [5, 8, 'Hop Limit Reached'],
} as const;

const ROWS: Readonly<Record<CodeKey, CodeRow>> = TABLE;

export type CodeKey = keyof typeof TABLE;

/** `Codes.content` is 2.05, `Codes.get` is 0.01, and so on for every registered code. */
export const Codes: Readonly<Record<CodeKey, Code>> = Object.freeze(
  Object.fromEntries(Object.entries(ROWS).map(([key, [klass, detail]]) => [key, pack(klass, detail)])) as Record<
    CodeKey,
    Code
  >,
);

const NAMES: readonly (string | undefined)[] = ((): (string | undefined)[] => {
  const names = new Array<string | undefined>(256).fill(undefined);
  for (const [klass, detail, name] of Object.values(ROWS)) names[pack(klass, detail)] = name;
  return names;
})();

/** 0 for Empty and requests, 2, 4 and 5 for responses; 1, 6 and 7 are reserved on UDP. RFC 7252 §3. */
export const codeClass = (code: Code): number => code >> 5;
export const codeDetail = (code: Code): number => code & 0x1f;

/** "2.05": the detail always has two digits. RFC 7252 §5.2. */
export const formatCode = (code: Code): string => `${code >> 5}.${String(code & 0x1f).padStart(2, '0')}`;

/** The code written as "2.05", or undefined when the text is not one. */
export function parseCode(text: string): Code | undefined {
  const match = /^([0-7])\.([0-3]\d)$/.exec(text);
  if (match === null) return undefined;
  const detail = Number(match[2]);
  return detail > 31 ? undefined : pack(Number(match[1]), detail);
}

/** "Content" for 2.05; undefined for a code that nobody registered. */
export const codeName = (code: Code): string | undefined => NAMES[code];

/** Class 0 without the Empty code, whether the method is known or not. RFC 7252 §5.8. */
export const isRequest = (code: Code): boolean => code !== 0 && code >> 5 === 0;
/** Classes 2 to 5, whether the code is known or not. RFC 7252 §5.9. */
export const isResponse = (code: Code): boolean => code >> 5 >= 2 && code >> 5 <= 5;
export const isSuccess = (code: Code): boolean => code >> 5 === 2;
export const isClientError = (code: Code): boolean => code >> 5 === 4;
export const isServerError = (code: Code): boolean => code >> 5 === 5;
