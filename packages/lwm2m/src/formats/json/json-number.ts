/** A number as JSON writes it, RFC 8259 §6; undefined for what JSON has no number for. */
export function formatJsonNumber(value: number | bigint): string | undefined {
  if (typeof value === 'bigint') return value.toString();
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? String(value) : undefined;
}
