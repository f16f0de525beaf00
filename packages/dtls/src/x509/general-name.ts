/** GeneralName: the forms of names in subjectAltName and nameConstraints. RFC 5280 §4.2.1.6. */
import { DerTag, constructedContextTag, contextTag, type DerReader } from './der-reader.ts';
import { decodeAscii, readName, type DistinguishedName } from './distinguished-name.ts';

export type GeneralName =
  | { readonly kind: 'dns'; readonly text: string }
  | { readonly kind: 'uri'; readonly text: string }
  | { readonly kind: 'email'; readonly text: string }
  /** 4 or 16 bytes; in a constraint the mask follows. */
  | { readonly kind: 'ip'; readonly bytes: Uint8Array }
  | { readonly kind: 'directory'; readonly name: DistinguishedName }
  /** otherName, x400Address, ediPartyName, registeredID: which one, and no more. */
  | { readonly kind: 'other'; readonly tag: number };

const OTHER_NAME = constructedContextTag(0);
const RFC822_NAME = contextTag(1);
const DNS_NAME = contextTag(2);
const X400_ADDRESS = constructedContextTag(3);
const DIRECTORY_NAME = constructedContextTag(4);
const EDI_PARTY_NAME = constructedContextTag(5);
const URI = contextTag(6);
const IP_ADDRESS = contextTag(7);
const REGISTERED_ID = contextTag(8);

/** @param addressLengths  how many bytes an iPAddress may have: 4 and 16, or twice that in a constraint. */
export function readGeneralName(
  reader: DerReader,
  what: string,
  addressLengths: readonly [number, number],
): GeneralName {
  const tag = reader.nextTag;
  switch (tag) {
    case RFC822_NAME:
      return { kind: 'email', text: readText(reader, tag, what) };
    case DNS_NAME:
      return { kind: 'dns', text: readText(reader, tag, what) };
    case URI:
      return { kind: 'uri', text: readText(reader, tag, what) };
    case IP_ADDRESS: {
      const bytes = reader.content(tag, what);
      if (!addressLengths.includes(bytes.length)) reader.fail(`${what} has an IP address of ${bytes.length} bytes`);
      return { kind: 'ip', bytes };
    }
    case DIRECTORY_NAME: {
      const inside = reader.enter(tag, what);
      const name = readName(inside, what);
      inside.end(what);
      return { kind: 'directory', name };
    }
    case OTHER_NAME:
    case X400_ADDRESS:
    case EDI_PARTY_NAME:
    case REGISTERED_ID:
      reader.any(what);
      return { kind: 'other', tag };
    default:
      reader.fail(`${what} has no name of a known form`);
      return { kind: 'other', tag: DerTag.null };
  }
}

/** An IA5String without control characters: a NUL or a line break in a name only serves to deceive. */
function readText(reader: DerReader, tag: number, what: string): string {
  const text = decodeAscii(reader.content(tag, what));
  if (text === undefined || /[^\x20-\x7e]/.test(text)) {
    reader.fail(`${what} has a name with characters other than printable ASCII`);
    return '';
  }
  return text;
}
