/**
 * The time of a value in SenML and OMA JSON: base time plus time, RFC 8428 §4.5.3. Below 2^28 it counts from now. Zero
 * says "now" and so says nothing.
 */
const FIRST_ABSOLUTE = 2 ** 28;

/** Seconds since 1970 if `now` is given or the time is absolute; else seconds from now; undefined for "now". */
export function entryTime(sum: number, now: number | undefined): number | undefined {
  if (sum === 0) return undefined;
  return now !== undefined && sum < FIRST_ABSOLUTE ? now + sum : sum;
}
