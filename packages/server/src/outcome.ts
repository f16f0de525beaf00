/**
 * How a device answered: its refusal is an ordinary result with its code. An operation that got no answer at all
 * rejects with `OperationFailed` instead.
 */
import { codeName, formatCode, type Code, type IncomingResponse } from '@lapwing/coap';

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

/** What `unwrap` throws when the device said no. */
export class DeviceRefused extends Error {
  readonly code: Code;
  constructor(refused: Refused) {
    super(`the device answered ${refused.reason}`);
    this.code = refused.code;
  }
  override get name(): string {
    return 'DeviceRefused';
  }
}

/**
 * The value, for callers to whom a refusal is exceptional.
 *
 * @throws DeviceRefused when the device refused.
 */
export function unwrap<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new DeviceRefused(outcome);
  return outcome.value;
}

/** For this package. */
export const accepted = <T>(code: Code, value: T): Accepted<T> => ({ ok: true, code, value });

export function refused({ code, payload }: IncomingResponse): Refused {
  const name = codeName(code);
  const status = name === undefined ? formatCode(code) : `${formatCode(code)} ${name}`;
  const diagnostic = printable(payload);
  return { ok: false, code, reason: diagnostic === '' ? status : `${status}: ${diagnostic}` };
}

const MAX_DIAGNOSTIC = 300;

/** A diagnostic payload is text for people (RFC 7252 §5.5.2), but a device may send anything. */
function printable(payload: Uint8Array): string {
  const text = new TextDecoder().decode(payload.subarray(0, MAX_DIAGNOSTIC));
  return text.replace(/[\p{Cc}\p{Cf}\ufffd\s]+/gu, ' ').trim();
}
