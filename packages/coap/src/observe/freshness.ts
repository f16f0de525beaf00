/**
 * Which of two notifications is the newer one. RFC 7641 §3.4.
 */
const HALF_RANGE = 2 ** 23;
/** After this long the sequence numbers say nothing. In ms. */
const SEQUENCE_NUMBER_LIFETIME = 128_000;

/**
 * True when the notification with sequence number `candidate` is newer than the latest one, which had `latest`.
 *
 * @param latest  24-bit value of the Observe option of the newest notification so far.
 * @param candidate  that of the one that has just arrived.
 * @param elapsed  ms between the arrivals of the two.
 */
export const isNewerNotification = (latest: number, candidate: number, elapsed: number): boolean =>
  (latest < candidate && candidate - latest < HALF_RANGE) ||
  (latest > candidate && latest - candidate > HALF_RANGE) ||
  elapsed > SEQUENCE_NUMBER_LIFETIME;
