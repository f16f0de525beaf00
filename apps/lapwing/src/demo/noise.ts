/** Smooth noise as a pure function of time, so that a simulated value can be asked for at any moment and repeats exactly. */

/** In [-1, 1], the same for the same seed and position; neighbouring whole positions are independent, between them it glides. */
export function noise(seed: number, position: number): number {
  const left = Math.floor(position);
  const fraction = position - left;
  const glide = fraction * fraction * (3 - 2 * fraction);
  const from = lattice(seed, left);
  return from + (lattice(seed, left + 1) - from) * glide;
}

/** A 32-bit integer hash (the finalizer of MurmurHash3) of seed and position, mapped to [-1, 1]. */
function lattice(seed: number, position: number): number {
  let hash = Math.imul(seed, 0x9e3779b1) ^ Math.imul(position, 0x85ebca77);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x7fffffff - 1;
}
