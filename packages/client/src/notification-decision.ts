/**
 * When a change is worth a notification, as pure functions. OMA TS Core §5.1.2 and §6.4 (1.2.1 wording: crossing counts
 * both ways, pmax may equal pmin).
 *
 * Conditions decide whether a change matters, pmin and pmax decide when it is told:
 *
 *     last notification          + pmin                        + pmax
 *     ──┴──────────────────────────┼──────────────────────────────┼────► time
 *       a change that matters      │ a change that matters        │ nothing mattered
 *       waits for pmin; the value  │ is told at once              │ the value of
 *       of that moment is told     │                              │ that moment is told
 */
import { valueEquals } from '@lapwing/lwm2m';
import type { Value } from '@lapwing/lwm2m';

/** Effective values, after inheritance; seconds as in the attributes. */
export interface ChangeConditions {
  readonly gt?: number | undefined;
  readonly lt?: number | undefined;
  readonly st?: number | undefined;
  /** 0 falling, 1 rising. */
  readonly edge?: 0 | 1 | undefined;
}

export interface ReportingPeriods {
  /** Seconds; 0 or absent: none. */
  readonly pmin?: number | undefined;
  /** Seconds; absent, 0 or less than pmin: none. */
  readonly pmax?: number | undefined;
}

/** The value crossed `threshold`, upwards or downwards; starting on it counts as either side. */
export const crossed = (last: number | bigint, current: number | bigint, threshold: number): boolean =>
  (last <= threshold && current > threshold) || (last >= threshold && current < threshold);

/**
 * Whether a Resource (or Resource Instance) that was last told as `last` and is now `current` has changed in a way its
 * conditions ask for. `undefined` is a Resource that does not exist: appearing and vanishing always matter.
 *
 * Without any condition, and for values that a condition cannot be applied to, every change matters.
 */
export function changeMatters(
  last: Value | undefined,
  current: Value | undefined,
  conditions: ChangeConditions,
): boolean {
  if (last === undefined || current === undefined) return last !== current;
  if (last.type === 'boolean' && current.type === 'boolean' && conditions.edge !== undefined) {
    return last.value !== current.value && current.value === (conditions.edge === 1);
  }
  const before = numberOf(last);
  const after = numberOf(current);
  const { gt, lt, st } = conditions;
  if (before === undefined || after === undefined || (gt === undefined && lt === undefined && st === undefined)) {
    return !valueEquals(last, current);
  }
  return (
    (gt !== undefined && crossed(before, after, gt)) ||
    (lt !== undefined && crossed(before, after, lt)) ||
    (st !== undefined && stepReached(before, after, st))
  );
}

export type NotificationDecision =
  | { readonly kind: 'notify' }
  /** Nothing to say before `deadline` (ms; Infinity: until something changes). */
  | { readonly kind: 'wait'; readonly deadline: number };

/**
 * What to do at `now`, ms, about an observation whose last notification left at `lastNotifiedAt`.
 *
 * @param changed  a change that matters has been seen since; once seen it stays, even if the value came back.
 */
export function decideNotification(
  now: number,
  lastNotifiedAt: number,
  periods: ReportingPeriods,
  changed: boolean,
): NotificationDecision {
  const pmin = periods.pmin ?? 0;
  const pmax = periods.pmax ?? 0;
  const notBefore = lastNotifiedAt + pmin * 1000;
  // pmax 0 and pmax below pmin are ignored.
  const atLatest = pmax > 0 && pmax >= pmin ? lastNotifiedAt + pmax * 1000 : Infinity;
  const deadline = changed ? notBefore : atLatest;
  return now >= deadline ? { kind: 'notify' } : { kind: 'wait', deadline };
}

const numberOf = (value: Value): number | bigint | undefined =>
  value.type === 'integer' || value.type === 'unsigned' || value.type === 'time' || value.type === 'float'
    ? value.value
    : undefined;

/** |after − before| ≥ step, exact for 64-bit integers. */
function stepReached(before: number | bigint, after: number | bigint, step: number): boolean {
  if (typeof before === 'number' && typeof after === 'number') return Math.abs(after - before) >= step;
  // One of them is outside the safe range of number, so both are integers.
  const difference = BigInt(after) - BigInt(before);
  return (difference < 0n ? -difference : difference) >= step;
}
