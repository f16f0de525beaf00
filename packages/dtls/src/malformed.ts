/** Bytes that are not what they should be: a value, never an exception. */
export interface Malformed {
  /** What is wrong and where, in a few words. */
  readonly malformed: string;
}

export function isMalformed(value: unknown): value is Malformed {
  return typeof value === 'object' && value !== null && 'malformed' in value;
}
