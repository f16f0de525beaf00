/** Groups of the ECDHE suites. RFC 8422 §5.1.1; LwM2M forbids groups under 255 bits. */
import type { GroupName } from './crypto.ts';

export interface NamedGroup {
  readonly name: GroupName;
  /** IANA "TLS Supported Groups"; the number of `/0/x/18`. */
  readonly number: number;
  /** Of a public key as it is sent: an uncompressed point, or the coordinate of x25519. */
  readonly publicBytes: number;
}

export const NAMED_GROUPS: readonly NamedGroup[] = [
  { name: 'secp256r1', number: 23, publicBytes: 65 },
  { name: 'x25519', number: 29, publicBytes: 32 },
];

export function namedGroupByNumber(number: number): NamedGroup | undefined {
  return NAMED_GROUPS.find((group) => group.number === number);
}

export function namedGroupByName(name: GroupName): NamedGroup {
  return NAMED_GROUPS.find((group) => group.name === name)!;
}
