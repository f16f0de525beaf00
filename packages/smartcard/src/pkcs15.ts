/**
 * What leads to EF LwM2M_Bootstrap on a card, in the syntax of PKCS#15 1.1 (ISO 7816-15):
 *
 *     EF(DIR)  61 { 4F AID "A0 00 00 00 63 PKCS-15", 51 path }         the application
 *     EF(ODF)  A7 { Path }                                             its EF(DODF)s, the most important first
 *     EF(DODF) 30 | A1 { attributes, applicationOID 2.23.43.9.1, … Path }   the file
 *
 * OMA TS Core 1.1 Appendix G.
 */
import { isMalformed, malformed, type Malformed } from '@lapwing/lwm2m';
import { decodeBerTlvs, valueOf, type BerTlv } from './ber-tlv.ts';
import { sameBytes } from './bytes.ts';

/** PKCS#15 §6.4: RID A0 00 00 00 63, then "PKCS-15". */
export const PKCS15_AID: Uint8Array = Uint8Array.of(0xa0, 0, 0, 0, 0x63, 0x50, 0x4b, 0x43, 0x53, 0x2d, 0x31, 0x35);

/** 2.23.43.9.1, without tag and length. */
const LWM2M_BOOTSTRAP_OID = Uint8Array.of(0x67, 0x2b, 0x09, 0x01);

const TAGS = {
  applicationTemplate: 0x61,
  aid: 0x4f,
  path: 0x51,
  /** ODF: dataObjects [7]. */
  dataObjects: 0xa7,
  sequence: 0x30,
  octetString: 0x04,
  objectIdentifier: 0x06,
  integer: 0x02,
  bitString: 0x03,
  utf8String: 0x0c,
  /** Path: length [0]. */
  pathLength: 0x80,
  /** DODF: externalIDO [0], oidDO [1]; an opaqueDO is a SEQUENCE. */
  externalDataObject: 0xa0,
  oidDataObject: 0xa1,
  /** DataObject: typeAttributes [1]. */
  typeAttributes: 0xa1,
} as const;

/** Where a file is, and what part of it is meant. PKCS#15 §6.1.5 "Path". */
export interface CardPath {
  /** Two bytes: a file of the current DF. More: from the MF (3F 00) or from the current DF. One: a short EF identifier. */
  readonly path: Uint8Array;
  /** First byte of the content that is meant. */
  readonly index: number;
  /** Bytes of the content that are meant. Undefined: all that follow. */
  readonly length: number | undefined;
}

/** A card application of EF(DIR). */
export interface CardApplication {
  readonly aid: Uint8Array;
  readonly path: Uint8Array | undefined;
}

/** A record of EF(DODF) for LwM2M bootstrap. */
export interface BootstrapRecord {
  readonly label: string | undefined;
  /** The flag "private": it takes a PIN to read the file. PKCS#15 §6.1.8. */
  readonly isPrivate: boolean;
  readonly path: CardPath;
}

/** The PKCS#15 application, if a record of EF(DIR) names it. A malformed record is passed over. */
export function findPkcs15Application(records: readonly Uint8Array[]): CardApplication | Malformed | undefined {
  let first: Malformed | undefined;
  for (const record of records) {
    const applications = decodeApplications(record);
    if (isMalformed(applications)) {
      first ??= applications;
      continue;
    }
    const found = applications.find(({ aid }) => sameBytes(aid.subarray(0, PKCS15_AID.length), PKCS15_AID));
    if (found !== undefined) return found;
  }
  return first;
}

/** A record has one template; an EF(DIR) that is transparent has them all in a row. */
function decodeApplications(record: Uint8Array): readonly CardApplication[] | Malformed {
  const templates = decodeBerTlvs(record);
  if (isMalformed(templates)) return templates;
  const found: CardApplication[] = [];
  for (const { tag, value } of templates) {
    if (tag !== TAGS.applicationTemplate) continue;
    const fields = decodeBerTlvs(value);
    if (isMalformed(fields)) return fields;
    const aid = valueOf(fields, TAGS.aid);
    if (aid !== undefined) found.push({ aid, path: valueOf(fields, TAGS.path) });
  }
  return found;
}

/** The paths of the EF(DODF)s in an EF(ODF), in its order, which is their priority. */
export function findDataObjectDirectories(objectDirectory: Uint8Array): readonly CardPath[] | Malformed {
  const entries = decodeBerTlvs(objectDirectory);
  if (isMalformed(entries)) return entries;
  const paths: CardPath[] = [];
  for (const { tag, value } of entries) {
    if (tag !== TAGS.dataObjects) continue;
    const content = decodeBerTlvs(value);
    if (isMalformed(content)) return content;
    const sequence = valueOf(content, TAGS.sequence);
    const path = sequence === undefined ? undefined : decodePath(sequence);
    if (isMalformed(path)) return path;
    if (path !== undefined) paths.push(path);
  }
  return paths;
}

/** The first record of an EF(DODF) that is for LwM2M bootstrap. A malformed one of another application is passed over. */
export function findBootstrapRecord(dataObjectDirectory: Uint8Array): BootstrapRecord | Malformed | undefined {
  const entries = decodeBerTlvs(dataObjectDirectory);
  if (isMalformed(entries)) return entries;
  let first: Malformed | undefined;
  for (const entry of entries) {
    const record = decodeRecord(entry);
    if (isMalformed(record)) first ??= record;
    else if (record !== undefined) return record;
  }
  return first;
}

/** Undefined: of another application. */
function decodeRecord({ tag, value }: BerTlv): BootstrapRecord | Malformed | undefined {
  if (tag !== TAGS.sequence && tag !== TAGS.oidDataObject && tag !== TAGS.externalDataObject) return undefined;
  const attributes = decodeBerTlvs(value);
  if (isMalformed(attributes)) return attributes;
  const [common, ofClass] = attributes.filter((each) => each.tag === TAGS.sequence);
  const typed = valueOf(attributes, TAGS.typeAttributes);
  if (ofClass === undefined || typed === undefined) return undefined;
  const commonFields = decodeBerTlvs(common!.value);
  if (isMalformed(commonFields)) return commonFields;
  const classFields = decodeBerTlvs(ofClass.value);
  if (isMalformed(classFields)) return classFields;
  const typeFields = flattened(typed);
  if (isMalformed(typeFields)) return typeFields;
  const identifiers = [...classFields, ...typeFields].filter((each) => each.tag === TAGS.objectIdentifier);
  if (!identifiers.some((each) => isBootstrapOid(each.value))) return undefined;
  const path = findPath(typeFields);
  if (isMalformed(path)) return path;
  if (path === undefined) return malformed('the record for LwM2M bootstrap in EF(DODF) has no path');
  const label = valueOf(commonFields, TAGS.utf8String) ?? valueOf(classFields, TAGS.utf8String);
  const flags = valueOf(commonFields, TAGS.bitString);
  return {
    label: label === undefined ? undefined : new TextDecoder().decode(label),
    isPrivate: flags !== undefined && flags.length > 1 && (flags[1]! & 0x80) !== 0,
    path,
  };
}

/** The fields of typeAttributes: a Path by itself (opaqueDO), or an OID with one in a sequence around both (oidDO). */
function flattened(typed: Uint8Array): readonly BerTlv[] | Malformed {
  const outer = decodeBerTlvs(typed);
  if (isMalformed(outer)) return outer;
  const all = [...outer];
  for (const { tag, value } of outer) {
    if (tag !== TAGS.sequence) continue;
    const inner = decodeBerTlvs(value);
    if (isMalformed(inner)) return inner;
    all.push(...inner);
  }
  return all;
}

/** The first sequence that begins with an octet string. */
function findPath(fields: readonly BerTlv[]): CardPath | Malformed | undefined {
  for (const { tag, value } of fields) {
    if (tag !== TAGS.sequence || value[0] !== TAGS.octetString) continue;
    return decodePath(value);
  }
  return undefined;
}

/** `Path ::= SEQUENCE { path OCTET STRING, index INTEGER OPTIONAL, length [0] INTEGER OPTIONAL }`. */
function decodePath(sequence: Uint8Array): CardPath | Malformed | undefined {
  const fields = decodeBerTlvs(sequence);
  if (isMalformed(fields)) return fields;
  const path = valueOf(fields, TAGS.octetString);
  if (path === undefined || path.length === 0) return undefined;
  const length = valueOf(fields, TAGS.pathLength);
  return {
    path,
    index: unsigned(valueOf(fields, TAGS.integer) ?? new Uint8Array(0)),
    length: length === undefined ? undefined : unsigned(length),
  };
}

/** Numbers above what a file can hold count as that. */
const unsigned = (bytes: Uint8Array): number => bytes.reduce((value, byte) => Math.min(value * 256 + byte, 0xffff), 0);

/** Cards in the field wrap the OID twice: 06 06 06 04 67 2B 09 01. */
function isBootstrapOid(value: Uint8Array): boolean {
  const inner = value[0] === TAGS.objectIdentifier && value[1] === value.length - 2 ? value.subarray(2) : value;
  return sameBytes(inner, LWM2M_BOOTSTRAP_OID);
}
