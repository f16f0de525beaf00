/**
 * Which Content-Format an answer has, and payloads to entries and back for this client's tree. OMA TS Core §7.5:
 * what the server accepts; without a wish TLV in LwM2M 1.0, later the plain form of a single value and SenML CBOR.
 */
import { Codes, CONTENT_FORMATS } from '@lapwing/coap';
import {
  decodePathList,
  decodePayload,
  encodePayload,
  formatPath,
  isMalformed,
  LWM2M_CONTENT_FORMATS,
} from '@lapwing/lwm2m';
import type { LwM2mVersion, NodeEntry, Path } from '@lapwing/lwm2m';
import type { ObjectTree } from './object-tree.ts';
import { badRequest, isRefusal, refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** Each costs a read, and in an observation conditions of its own. */
const MAX_COMPOSITE_PATHS = 1024;

export interface Encoded {
  readonly contentFormat: number;
  readonly payload: Uint8Array;
}

export class PayloadFormat {
  readonly #tree: ObjectTree;
  /** "" or "/lwm2m". */
  readonly #alternatePath: string;

  constructor(tree: ObjectTree, alternatePath: string) {
    this.#tree = tree;
    this.#alternatePath = alternatePath;
  }

  /** @returns 4.06 when the wanted format is not spoken, or cannot carry these entries. */
  encodeAnswer(
    path: Path,
    entries: readonly NodeEntry[],
    accept: number | undefined,
    version: LwM2mVersion,
  ): Encoded | Refusal {
    if (accept !== undefined) return this.encode(path, entries, accept);
    for (const contentFormat of preferences(path, entries, version)) {
      const encoded = this.encode(path, entries, contentFormat);
      if (!isRefusal(encoded)) return encoded;
    }
    return refusal(Codes.notAcceptable, 'no format can carry this');
  }

  encode(path: Path, entries: readonly NodeEntry[], contentFormat: number): Encoded | Refusal {
    const format = LWM2M_CONTENT_FORMATS.get(contentFormat);
    if (format === undefined || !format.canCarry(path)) {
      return refusal(Codes.notAcceptable, `Content-Format ${contentFormat} is not available here`);
    }
    const payload = encodePayload(contentFormat, entries, this.#context(path));
    return isMalformed(payload) ? refusal(Codes.notAcceptable, payload.malformed) : { contentFormat, payload };
  }

  /** @returns 4.15 for a format that is not spoken or does not fit the path, 4.00 for bytes that are none of it. */
  decode(path: Path, contentFormat: number, payload: Uint8Array): readonly NodeEntry[] | Refusal {
    const format = LWM2M_CONTENT_FORMATS.get(contentFormat);
    if (format === undefined || !format.canCarry(path)) {
      return refusal(Codes.unsupportedContentFormat, `Content-Format ${contentFormat} is not taken here`);
    }
    const entries = decodePayload(contentFormat, payload, this.#context(path));
    return isMalformed(entries) ? badRequest(entries.malformed) : entries;
  }

  /** The paths of a composite, each once: a list that names the whole tree over and over costs no more than one. */
  decodePaths(contentFormat: number, payload: Uint8Array): readonly Path[] | Refusal {
    if (LWM2M_CONTENT_FORMATS.get(contentFormat)?.decodePaths === undefined) {
      return refusal(Codes.unsupportedContentFormat, `Content-Format ${contentFormat} carries no list of paths`);
    }
    const paths = decodePathList(contentFormat, payload, this.#context({ kind: 'root' }));
    if (isMalformed(paths)) return badRequest(paths.malformed);
    const distinct = new Map(paths.map((path) => [formatPath(path), path]));
    return distinct.size <= MAX_COMPOSITE_PATHS
      ? [...distinct.values()]
      : refusal(Codes.requestEntityTooLarge, `a composite has at most ${MAX_COMPOSITE_PATHS} paths here`);
  }

  #context(path: Path): Parameters<typeof decodePayload>[2] {
    return { path, definitions: this.#tree.definitions, alternatePath: this.#alternatePath };
  }
}

/** Formats whose values can have timestamps: SenML and the LwM2M JSON of 1.0. */
const TIMED_FORMATS: ReadonlySet<number> = new Set([
  CONTENT_FORMATS.senmlJson.number,
  CONTENT_FORMATS.senmlCbor.number,
  CONTENT_FORMATS.lwm2mJson.number,
]);
export const carriesTime = (contentFormat: number): boolean => TIMED_FORMATS.has(contentFormat);

const FORMAT = {
  text: CONTENT_FORMATS.text.number,
  opaque: CONTENT_FORMATS.opaque.number,
  senmlCbor: CONTENT_FORMATS.senmlCbor.number,
  tlv: CONTENT_FORMATS.tlv.number,
};

function preferences(path: Path, entries: readonly NodeEntry[], version: LwM2mVersion): readonly number[] {
  if (version === '1.0') return [FORMAT.tlv];
  const [entry] = entries;
  const isSingle = path.kind === 'resourceInstance' || (path.kind === 'resource' && entry?.path.kind === 'resource');
  if (isSingle && entry?.kind === 'value') {
    return [entry.value.type === 'opaque' ? FORMAT.opaque : FORMAT.text, FORMAT.senmlCbor, FORMAT.tlv];
  }
  return [FORMAT.senmlCbor, FORMAT.tlv];
}
