/** IEEE 754 numbers and their bits, big-endian as TLV and CBOR write them. Scratch views are shared: no call yields. */
const double = new Float64Array(1);
const single = new Float32Array(double.buffer);
const bytes = new Uint8Array(double.buffer);
const words = new Uint32Array(double.buffer);
const littleEndian = ((): boolean => {
  double[0] = 1;
  return bytes[7] !== 0;
})();

export function readFloat64(from: Uint8Array, at: number): number {
  for (let index = 0; index < 8; index++) bytes[littleEndian ? 7 - index : index] = from[at + index] as number;
  return double[0] as number;
}

export function writeFloat64(value: number, to: Uint8Array, at: number): void {
  double[0] = value;
  for (let index = 0; index < 8; index++) to[at + index] = bytes[littleEndian ? 7 - index : index] as number;
}

export function float32OfBits(bits: number): number {
  words[0] = bits;
  return single[0] as number;
}

export function bitsOfFloat32(value: number): number {
  single[0] = value;
  return words[0] as number;
}

/** RFC 8949 Appendix D. */
export function float16OfBits(bits: number): number {
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  const magnitude =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction === 0
          ? Infinity
          : NaN
        : (fraction + 1024) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/** The half precision bits of the same number; undefined when half precision cannot hold it exactly. */
export function bitsOfFloat16(value: number): number | undefined {
  if (Number.isNaN(value)) return 0x7e00;
  if (Math.fround(value) !== value) return undefined;
  const bits = bitsOfFloat32(value);
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00;
  if (exponent === 0 && fraction === 0) return sign;
  const halfExponent = exponent - 112;
  if (halfExponent >= 31) return undefined;
  if (halfExponent > 0) return (fraction & 0x1fff) === 0 ? sign | (halfExponent << 10) | (fraction >>> 13) : undefined;
  // Subnormal: the leading 1 becomes explicit and the fraction moves down.
  const shift = 14 - halfExponent;
  if (shift > 24) return undefined;
  const whole = fraction | 0x800000;
  return (whole & ((1 << shift) - 1)) === 0 ? sign | (whole >>> shift) : undefined;
}
