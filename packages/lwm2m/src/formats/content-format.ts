/**
 * The content formats of LwM2M by their CoAP Content-Format number, and the one way into and out of a payload.
 * OMA TS Core 1.2 §7.5, Transport 1.2 §6.4. 1541 to 1544 are the numbers of 1.0 drafts, still sent by old devices.
 */
import { malformed } from '../malformed.ts';
import type { Malformed } from '../malformed.ts';
import type { NodeEntry } from '../node.ts';
import type { Path } from '../path.ts';
import { holdsOneValue } from './entry-path.ts';
import type { DecodeContext, DecodeEntries, DecodePaths, EncodeContext, EncodeEntries, EncodePaths } from './format.ts';
import { decodeCbor, encodeCbor } from './cbor-format.ts';
import { decodeLwm2mCbor } from './lwm2m-cbor/lwm2m-cbor-decoder.ts';
import { encodeLwm2mCbor } from './lwm2m-cbor/lwm2m-cbor-encoder.ts';
import { decodeLwm2mJson, encodeLwm2mJson } from './lwm2m-json.ts';
import { decodeOpaque, encodeOpaque } from './opaque-format.ts';
import { decodeSenmlCbor, decodeSenmlCborPaths, decodeSenmlEtchCbor } from './senml/senml-cbor-decoder.ts';
import { decodeSenmlEtchJson, decodeSenmlJson, decodeSenmlJsonPaths } from './senml/senml-json-decoder.ts';
import { encodeSenmlEtchJson, encodeSenmlJson, encodeSenmlJsonPaths } from './senml/senml-json-encoder.ts';
import { encodeSenmlCbor, encodeSenmlCborPaths, encodeSenmlEtchCbor } from './senml/senml-cbor-encoder.ts';
import { decodeText, encodeText } from './text-format.ts';
import { decodeTlv } from './tlv/tlv-decoder.ts';
import { encodeTlv } from './tlv/tlv-encoder.ts';

export interface ContentFormatEntry {
  /** As people call it: "SenML CBOR". */
  readonly name: string;
  readonly decode: DecodeEntries;
  readonly encode: EncodeEntries;
  /** Lists of paths, for Read-Composite and Observe-Composite. */
  readonly decodePaths?: DecodePaths;
  readonly encodePaths?: EncodePaths;
  /** Whether a request or response about this path can have this format. */
  readonly canCarry: (path: Path) => boolean;
}

const anyPath = (): boolean => true;
const belowRoot = (path: Path): boolean => path.kind !== 'root';

const TEXT: ContentFormatEntry = {
  name: 'plain text',
  decode: decodeText,
  encode: encodeText,
  canCarry: holdsOneValue,
};
const OPAQUE: ContentFormatEntry = {
  name: 'opaque',
  decode: decodeOpaque,
  encode: encodeOpaque,
  canCarry: holdsOneValue,
};
const CBOR: ContentFormatEntry = { name: 'CBOR', decode: decodeCbor, encode: encodeCbor, canCarry: holdsOneValue };
const SENML_JSON: ContentFormatEntry = {
  name: 'SenML JSON',
  decode: decodeSenmlJson,
  encode: encodeSenmlJson,
  decodePaths: decodeSenmlJsonPaths,
  encodePaths: encodeSenmlJsonPaths,
  canCarry: anyPath,
};
const SENML_ETCH_JSON: ContentFormatEntry = {
  ...SENML_JSON,
  name: 'SenML-ETCH JSON',
  decode: decodeSenmlEtchJson,
  encode: encodeSenmlEtchJson,
};
const LWM2M_JSON: ContentFormatEntry = {
  name: 'LwM2M JSON',
  decode: decodeLwm2mJson,
  encode: encodeLwm2mJson,
  canCarry: belowRoot,
};
const LWM2M_CBOR: ContentFormatEntry = {
  name: 'LwM2M CBOR',
  decode: decodeLwm2mCbor,
  encode: encodeLwm2mCbor,
  canCarry: anyPath,
};
const SENML_CBOR: ContentFormatEntry = {
  name: 'SenML CBOR',
  decode: decodeSenmlCbor,
  encode: encodeSenmlCbor,
  decodePaths: decodeSenmlCborPaths,
  encodePaths: encodeSenmlCborPaths,
  canCarry: anyPath,
};
const SENML_ETCH_CBOR: ContentFormatEntry = {
  ...SENML_CBOR,
  name: 'SenML-ETCH CBOR',
  decode: decodeSenmlEtchCbor,
  encode: encodeSenmlEtchCbor,
};
const TLV: ContentFormatEntry = { name: 'TLV', decode: decodeTlv, encode: encodeTlv, canCarry: belowRoot };

/** By Content-Format number. */
export const LWM2M_CONTENT_FORMATS: ReadonlyMap<number, ContentFormatEntry> = new Map([
  [0, TEXT],
  [42, OPAQUE],
  [60, CBOR],
  [110, SENML_JSON],
  [112, SENML_CBOR],
  [320, SENML_ETCH_JSON],
  [322, SENML_ETCH_CBOR],
  [11542, TLV],
  [11543, LWM2M_JSON],
  [11544, LWM2M_CBOR],
  [1541, TEXT],
  [1542, TLV],
  [1543, LWM2M_JSON],
  [1544, OPAQUE],
]);

/** Every Content-Format number that payloads of nodes may have. */
export const supportedFormats: readonly number[] = [...LWM2M_CONTENT_FORMATS.keys()];

/** The entries of a payload, or why it is none of this format. */
export function decodePayload(
  contentFormat: number,
  payload: Uint8Array,
  context: DecodeContext,
): readonly NodeEntry[] | Malformed {
  return LWM2M_CONTENT_FORMATS.get(contentFormat)?.decode(payload, context) ?? unknownFormat(contentFormat);
}

/** Malformed when the format cannot carry these entries. */
export function encodePayload(
  contentFormat: number,
  entries: readonly NodeEntry[],
  context: EncodeContext,
): Uint8Array | Malformed {
  return LWM2M_CONTENT_FORMATS.get(contentFormat)?.encode(entries, context) ?? unknownFormat(contentFormat);
}

/** The list of paths in the body of a Read-Composite or Observe-Composite. */
export function decodePathList(
  contentFormat: number,
  payload: Uint8Array,
  context: DecodeContext,
): readonly Path[] | Malformed {
  return LWM2M_CONTENT_FORMATS.get(contentFormat)?.decodePaths?.(payload, context) ?? noPathLists(contentFormat);
}

export function encodePathList(
  contentFormat: number,
  paths: readonly Path[],
  context: EncodeContext,
): Uint8Array | Malformed {
  return LWM2M_CONTENT_FORMATS.get(contentFormat)?.encodePaths?.(paths, context) ?? noPathLists(contentFormat);
}

const unknownFormat = (contentFormat: number): Malformed =>
  malformed(`Content-Format ${contentFormat} is none that carries nodes`);
const noPathLists = (contentFormat: number): Malformed =>
  malformed(`Content-Format ${contentFormat} is none that carries lists of paths`);
