/** Text or bytes that are not what they should be: a value, not an exception, because input from outside is ordinary. */
export interface Malformed {
  /** One sentence: what is wrong, where, with the numbers. */
  readonly malformed: string;
}
export const malformed = (reason: string): Malformed => ({ malformed: reason });
export const isMalformed = (value: unknown): value is Malformed =>
  typeof value === 'object' && value !== null && 'malformed' in value;
