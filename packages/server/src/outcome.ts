/**
 * How a device answered: its refusal is an ordinary result with its code. An operation that got no answer at all
 * rejects with `OperationFailed` instead.
 */
import type { Code } from '@lapwing/coap';

export interface Accepted<T> {
  readonly ok: true;
  readonly code: Code;
  readonly value: T;
}
export interface Refused {
  readonly ok: false;
  readonly code: Code;
  /** "4.04 Not Found", with the diagnostic payload when there is one. */
  readonly reason: string;
}
export type Outcome<T> = Accepted<T> | Refused;
