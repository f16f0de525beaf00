/**
 * An operation that a client answers with an error code: an ordinary value inside, `OperationRefused` for handlers,
 * which have no other way to say it. OMA TS Core §6.3, Transport §6.4 (response codes per operation).
 */
import { Codes } from '@lapwing/coap';
import type { Code } from '@lapwing/coap';
import { formatPath } from '@lapwing/lwm2m';
import type { Path } from '@lapwing/lwm2m';

export interface Refusal {
  readonly refused: Code;
  /** One sentence for the diagnostic payload; never anything a handler's error said. */
  readonly reason: string;
}
export const refusal = (code: Code, reason: string): Refusal => ({ refused: code, reason });
export const isRefusal = (value: unknown): value is Refusal =>
  typeof value === 'object' && value !== null && 'refused' in value;

/** Thrown by a handler to refuse an operation with a code of its choice; the message goes to the server. */
export class OperationRefused extends Error {
  readonly refusedWith: Code;
  constructor(code: Code, message: string) {
    super(message);
    this.refusedWith = code;
  }
  override get name(): string {
    return 'OperationRefused';
  }
}

/** A handler threw or rejected; what it said stays on this side. */
export class HandlerFailed extends Error {
  readonly path: Path;
  readonly operation: HandlerOperation;
  constructor(path: Path, operation: HandlerOperation, cause: unknown) {
    super(`the ${operation} handler failed`, { cause });
    this.path = path;
    this.operation = operation;
  }
  override get name(): string {
    return 'HandlerFailed';
  }
}
/** 'internal' is no handler but a fault of this library. */
export type HandlerOperation = 'read' | 'write' | 'execute' | 'create' | 'delete' | 'changed' | 'internal';

export const notFound = (what: string): Refusal => refusal(Codes.notFound, `${what} does not exist`);
export const notAllowed = (reason: string): Refusal => refusal(Codes.methodNotAllowed, reason);
export const badRequest = (reason: string): Refusal => refusal(Codes.badRequest, reason);
export const unauthorized = (path: Path): Refusal =>
  refusal(Codes.unauthorized, `the Access Control Object does not allow this on ${formatPath(path)}`);
