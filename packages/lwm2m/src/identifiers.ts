/** The 16-bit ids of the LwM2M model, branded so that one cannot stand in for another. 65535 is reserved (MAX_ID). */
import { UsageError } from '@lapwing/coap';
import type { Branded } from '@lapwing/coap';

export type ObjectId = Branded<number, 'ObjectId'>;
export type ObjectInstanceId = Branded<number, 'ObjectInstanceId'>;
export type ResourceId = Branded<number, 'ResourceId'>;
export type ResourceInstanceId = Branded<number, 'ResourceInstanceId'>;
/** 1 to 65534. */
export type ShortServerId = Branded<number, 'ShortServerId'>;

/** Reserved id: "no instance" in Objlnk, "choose one" in Create, "object level" in Access Control. */
export const MAX_ID = 65535;

export type LwM2mVersion = '1.0' | '1.1' | '1.2';

/** @throws UsageError unless it is an integer from 0 to 65534. */
export const objectId = (value: number): ObjectId => within(value, 0, 65534, 'Object ID') as ObjectId;
/** 65535 is allowed here: in the content of a Create it means "the client chooses". @throws UsageError outside 0 to 65535. */
export const objectInstanceId = (value: number): ObjectInstanceId =>
  within(value, 0, MAX_ID, 'Object Instance ID') as ObjectInstanceId;
/** @throws UsageError unless it is an integer from 0 to 65534. */
export const resourceId = (value: number): ResourceId => within(value, 0, 65534, 'Resource ID') as ResourceId;
/** @throws UsageError unless it is an integer from 0 to 65534. */
export const resourceInstanceId = (value: number): ResourceInstanceId =>
  within(value, 0, 65534, 'Resource Instance ID') as ResourceInstanceId;
/** @throws UsageError unless it is an integer from 1 to 65534. */
export const shortServerId = (value: number): ShortServerId =>
  within(value, 1, 65534, 'Short Server ID') as ShortServerId;

function within(value: number, lowest: number, highest: number, what: string): number {
  if (Number.isInteger(value) && value >= lowest && value <= highest) return value;
  throw new UsageError(`${what} must be an integer from ${lowest} to ${highest}, not ${value}`);
}

/** An id as a path or a link writes it: decimal, no sign, no leading zero, 0 to 65534. Undefined for anything else. */
export const parseId = (text: string): number | undefined => parseIdAt(text, 0, text.length);

/** The same for the characters from `start` up to, not including, `end`. */
export function parseIdAt(text: string, start: number, end: number): number | undefined {
  const length = end - start;
  if (length < 1 || length > 5) return undefined;
  let id = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    if (digit === 0 && id === 0 && length > 1) return undefined;
    id = id * 10 + digit;
  }
  return id < MAX_ID ? id : undefined;
}

const VERSIONS: readonly string[] = ['1.0', '1.1', '1.2'] satisfies readonly LwM2mVersion[];
/** True for a version of the LwM2M enabler this stack speaks. */
export const isLwM2mVersion = (text: string): text is LwM2mVersion => VERSIONS.includes(text);
