/**
 * Which codes answer which operation, and what they mean there: OMA TS Transport §6.4, "Operation to method and URI
 * mapping", as a table. Codes of CoAP itself (4.02, 4.08, 4.13, 5.xx) may answer anything.
 */
import { Codes, codeName, formatCode, isClientError, isServerError } from '@lapwing/coap';
import type { Code } from '@lapwing/coap';
import type { Operation } from './operation.ts';

type Meaning = readonly [code: Code, meaning: string];

const BAD_REQUEST: Meaning = [Codes.badRequest, 'the request does not follow its format or its rules'];
const UNAUTHORIZED: Meaning = [Codes.unauthorized, 'this Server has no access right for it'];
const NOT_FOUND: Meaning = [Codes.notFound, 'the path leads to nothing'];
const NOT_ALLOWED: Meaning = [Codes.methodNotAllowed, 'what is there does not allow this operation'];
const NOT_ACCEPTABLE: Meaning = [Codes.notAcceptable, 'the Client cannot answer in the wanted Content-Format'];
const INCOMPLETE: Meaning = [Codes.requestEntityIncomplete, 'a block of the payload is missing'];
const TOO_LARGE: Meaning = [Codes.requestEntityTooLarge, 'the payload is larger than the Client takes'];
const UNSUPPORTED: Meaning = [Codes.unsupportedContentFormat, 'the Client does not read this Content-Format'];

const COMMON = [BAD_REQUEST, UNAUTHORIZED, NOT_FOUND, NOT_ALLOWED] as const;
const READING: readonly Meaning[] = [[Codes.content, 'here it is'], ...COMMON, NOT_ACCEPTABLE];
const OBSERVING: readonly Meaning[] = [[Codes.content, 'here it is; notifications follow'], ...COMMON, NOT_ACCEPTABLE];
const CANCELLING: readonly Meaning[] = [[Codes.content, 'here it is, for the last time'], ...COMMON, NOT_ACCEPTABLE];
const CHANGED: Meaning = [Codes.changed, 'done'];

const RESPONSES: Readonly<Record<Operation['kind'], ReadonlyMap<Code, string>>> = {
  read: new Map(READING),
  discover: new Map([[Codes.content, 'here are the links'], ...COMMON]),
  write: new Map([
    [Codes.changed, 'written'],
    [Codes.continue, 'the next block is wanted'],
    ...COMMON,
    NOT_ACCEPTABLE,
    INCOMPLETE,
    TOO_LARGE,
    UNSUPPORTED,
  ]),
  writeAttributes: new Map([CHANGED, ...COMMON]),
  execute: new Map([CHANGED, ...COMMON]),
  create: new Map([
    [Codes.created, 'created'],
    [Codes.continue, 'the next block is wanted'],
    ...COMMON,
    NOT_ACCEPTABLE,
    UNSUPPORTED,
  ]),
  delete: new Map([[Codes.deleted, 'deleted'], ...COMMON]),
  observe: new Map(OBSERVING),
  cancelObserve: new Map(CANCELLING),
  readComposite: new Map([...READING, UNSUPPORTED]),
  writeComposite: new Map([CHANGED, ...COMMON, NOT_ACCEPTABLE, UNSUPPORTED]),
  observeComposite: new Map([...OBSERVING, UNSUPPORTED]),
  cancelObserveComposite: new Map([...CANCELLING, UNSUPPORTED]),
};

/** The codes the specification lists for this operation, with what they mean. */
export const responsesOf = (kind: Operation['kind']): ReadonlyMap<Code, string> => RESPONSES[kind];

/** True for a code that this operation may be answered with. Errors of CoAP and of the Client as such always may. */
export const isExpectedResponse = (kind: Operation['kind'], code: Code): boolean =>
  RESPONSES[kind].has(code) || isClientError(code) || isServerError(code);

/** "4.05 Method Not Allowed: what is there does not allow this operation". */
export function describeResponse(kind: Operation['kind'], code: Code): string {
  const name = codeName(code);
  const meaning = RESPONSES[kind].get(code);
  return formatCode(code) + (name === undefined ? '' : ` ${name}`) + (meaning === undefined ? '' : `: ${meaning}`);
}
