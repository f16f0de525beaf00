/** IP addresses as bytes and as text. RFC 791, RFC 4291 §2.2, text as RFC 5952 recommends. */

/** 4 or 16 bytes; undefined for text that is no IP address. */
export function parseIpAddress(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** @param bytes  4 or 16 of them. */
export function formatIpAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups: number[] = [];
  for (let index = 0; index < 16; index += 2) groups.push((bytes[index]! << 8) | bytes[index + 1]!);
  // The longest run of zero groups, the first of equals, becomes `::` when it has two or more.
  let start = 0;
  let length = 0;
  for (let first = 0; first < 8; first++) {
    let run = 0;
    while (first + run < 8 && groups[first + run] === 0) run++;
    if (run > length) [start, length] = [first, run];
  }
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  return length < 2 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

function parseIpv4(text: string): Uint8Array | undefined {
  if (!/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text)) return undefined;
  const parts = text.split('.').map(Number);
  return parts.every((part) => part < 256) ? Uint8Array.from(parts) : undefined;
}

function parseIpv6(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined;
  // An IPv4 address may stand for the last two groups.
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const ipv4 = dotted === null ? undefined : parseIpv4(dotted[2]!);
  if (dotted !== null && ipv4 === undefined) return undefined;
  const plain =
    ipv4 === undefined
      ? text
      : `${dotted![1]!}${((ipv4[0]! << 8) | ipv4[1]!).toString(16)}:${((ipv4[2]! << 8) | ipv4[3]!).toString(16)}`;

  const halves = plain.split('::');
  if (halves.length > 2) return undefined;
  const [left, right] = halves.map((half) => (half === '' ? [] : half.split(':'))) as [string[], string[] | undefined];
  const known = left.length + (right?.length ?? 0);
  if (right === undefined ? known !== 8 : known > 7) return undefined;
  const groups = [...left, ...Array<string>(8 - known).fill('0'), ...(right ?? [])];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return Uint8Array.from(
    groups.flatMap((group) => {
      const value = parseInt(group, 16);
      return [value >> 8, value & 0xff];
    }),
  );
}
