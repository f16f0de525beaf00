/** The extensions of a certificate. RFC 5280 §4.2. */
import { DerReader, DerTag, constructedContextTag, contextTag } from './der-reader.ts';
import { readGeneralName, type GeneralName } from './general-name.ts';
import { EXTENSION_OIDS, KEY_USAGES, type KeyUsageName } from './object-identifier-table.ts';

/** Each bounds the work that one certificate can cause. */
const MAX_EXTENSIONS = 64;
const MAX_NAMES = 128;
const MAX_PURPOSES = 64;
const MAX_PATH_LENGTH = 0xffff;

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** The content of the OCTET STRING, a view. */
  readonly value: Uint8Array;
}

export interface NameConstraints {
  /** A form of name that does not occur here is permitted altogether. */
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

/** What is undefined is not in the certificate. */
export interface CertificateExtensions {
  readonly extensions: readonly Extension[];
  /** Object identifiers of the critical ones this package does not act on. */
  readonly unknownCritical: readonly string[];
  readonly basicConstraints: BasicConstraints | undefined;
  readonly keyUsage: readonly KeyUsageName[] | undefined;
  /** Object identifiers. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly subjectAltName: readonly GeneralName[] | undefined;
  readonly nameConstraints: NameConstraints | undefined;
  readonly subjectKeyIdentifier: Uint8Array | undefined;
  readonly authorityKeyIdentifier: Uint8Array | undefined;
}

export interface BasicConstraints {
  readonly ca: boolean;
  /** Certificates of authorities that may follow below; undefined: any number. */
  readonly pathLength: number | undefined;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** @param explicit  what is inside of `[3]`; undefined for a certificate without. Failures are the reader's. */
export function readExtensions(explicit: DerReader | undefined): CertificateExtensions {
  const extensions: Extension[] = [];
  const unknownCritical: string[] = [];
  const known: Writable<CertificateExtensions> = {
    extensions,
    unknownCritical,
    basicConstraints: undefined,
    keyUsage: undefined,
    extendedKeyUsage: undefined,
    subjectAltName: undefined,
    nameConstraints: undefined,
    subjectKeyIdentifier: undefined,
    authorityKeyIdentifier: undefined,
  };
  if (explicit === undefined) return known;

  const list = explicit.enter(DerTag.sequence, 'the extensions');
  explicit.end('the extensions');
  if (!list.hasMore) list.fail('the extensions are empty');
  const seen = new Set<string>();
  while (list.hasMore) {
    if (extensions.length === MAX_EXTENSIONS) list.fail(`more than ${MAX_EXTENSIONS} extensions`);
    const each = list.enter(DerTag.sequence, 'an extension');
    const oid = each.objectIdentifier('the name of an extension');
    // DER leaves FALSE, the default, out; enough certificates in the field write it, and it says nothing else.
    const critical = each.nextTag === DerTag.boolean && each.boolean('the critical flag');
    const value = each.content(DerTag.octetString, 'the value of an extension');
    each.end('an extension');
    // Two of a kind would be one for each reader. RFC 5280 §4.2.
    if (seen.has(oid)) list.fail(`two extensions ${oid}`);
    seen.add(oid);
    extensions.push({ oid, critical, value });

    const parse = PARSERS[oid];
    if (parse !== undefined) {
      const inside = DerReader.over(value, value.length);
      parse(inside, known);
      inside.end('the value of an extension');
      if (inside.malformed !== undefined) list.fail(inside.malformed.malformed);
    } else if (critical) unknownCritical.push(oid);
  }
  return known;
}

const PARSERS: Readonly<Record<string, (reader: DerReader, into: Writable<CertificateExtensions>) => void>> = {
  [EXTENSION_OIDS.basicConstraints]: (reader, into) => {
    const inside = reader.enter(DerTag.sequence, 'basicConstraints');
    const ca = inside.nextTag === DerTag.boolean && inside.boolean('cA');
    const pathLength = inside.hasMore ? inside.smallInteger('pathLenConstraint', MAX_PATH_LENGTH) : undefined;
    inside.end('basicConstraints');
    if (!ca && pathLength !== undefined) inside.fail('pathLenConstraint without cA');
    into.basicConstraints = { ca, pathLength };
  },
  [EXTENSION_OIDS.keyUsage]: (reader, into) => {
    const bits = reader.namedBits('keyUsage');
    if (bits === 0) reader.fail('keyUsage without any usage');
    into.keyUsage = KEY_USAGES.filter((_, index) => (bits & (1 << index)) !== 0);
  },
  [EXTENSION_OIDS.extendedKeyUsage]: (reader, into) => {
    const inside = reader.enter(DerTag.sequence, 'extKeyUsage');
    const purposes: string[] = [];
    while (inside.hasMore) {
      purposes.push(inside.objectIdentifier('a purpose of extKeyUsage'));
      if (purposes.length > MAX_PURPOSES) inside.fail(`more than ${MAX_PURPOSES} purposes in extKeyUsage`);
    }
    if (purposes.length === 0) inside.fail('extKeyUsage without any purpose');
    into.extendedKeyUsage = purposes;
  },
  [EXTENSION_OIDS.subjectAltName]: (reader, into) => {
    const inside = reader.enter(DerTag.sequence, 'subjectAltName');
    const names: GeneralName[] = [];
    while (inside.hasMore) {
      names.push(readGeneralName(inside, 'subjectAltName', [4, 16]));
      // Never "too many, so none": the Common Name must not take their place.
      if (names.length > MAX_NAMES) inside.fail(`more than ${MAX_NAMES} names in subjectAltName`);
    }
    if (names.length === 0) inside.fail('subjectAltName without any name');
    into.subjectAltName = names;
  },
  [EXTENSION_OIDS.nameConstraints]: (reader, into) => {
    const inside = reader.enter(DerTag.sequence, 'nameConstraints');
    const permitted = readSubtrees(inside, 0);
    const excluded = readSubtrees(inside, 1);
    inside.end('nameConstraints');
    if (permitted === undefined && excluded === undefined) inside.fail('nameConstraints without any subtree');
    into.nameConstraints = { permitted: permitted ?? [], excluded: excluded ?? [] };
  },
  [EXTENSION_OIDS.subjectKeyIdentifier]: (reader, into) => {
    into.subjectKeyIdentifier = reader.content(DerTag.octetString, 'subjectKeyIdentifier');
  },
  [EXTENSION_OIDS.authorityKeyIdentifier]: (reader, into) => {
    const inside = reader.enter(DerTag.sequence, 'authorityKeyIdentifier');
    if (inside.nextTag === contextTag(0)) {
      into.authorityKeyIdentifier = inside.content(contextTag(0), 'the key of authorityKeyIdentifier');
    }
    if (inside.nextTag === constructedContextTag(1)) inside.any('the issuer of authorityKeyIdentifier');
    if (inside.nextTag === contextTag(2)) inside.any('the serial number of authorityKeyIdentifier');
    inside.end('authorityKeyIdentifier');
  },
};

function readSubtrees(constraints: DerReader, number: 0 | 1): readonly GeneralName[] | undefined {
  const what = number === 0 ? 'permittedSubtrees' : 'excludedSubtrees';
  const list = constraints.enterOptional(constructedContextTag(number), what);
  if (list === undefined) return undefined;
  const names: GeneralName[] = [];
  while (list.hasMore) {
    const subtree = list.enter(DerTag.sequence, what);
    names.push(readGeneralName(subtree, what, [8, 32]));
    // `minimum` and `maximum` are not used with these forms of names. RFC 5280 §4.2.1.10.
    subtree.end(what);
    if (names.length > MAX_NAMES) list.fail(`more than ${MAX_NAMES} names in ${what}`);
  }
  if (names.length === 0) list.fail(`${what} is empty`);
  return names;
}
