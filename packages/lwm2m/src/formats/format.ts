/** The contract every content format signs. */
import type { Malformed } from '../malformed.ts';
import type { NodeEntry } from '../node.ts';
import type { Path } from '../path.ts';
import type { DefinitionLookup } from '../object-model/definition.ts';

/** Bounds on what a payload may claim; beyond them it is malformed. */
export interface FormatLimits {
  /** Nesting of containers; 16. */
  readonly maxDepth: number;
  /** Entries in one payload; 65,536. */
  readonly maxEntries: number;
  /** Bytes of the payload; 4 MiB. */
  readonly maxBytes: number;
}

export interface DecodeContext {
  /** The path of the request (for composites and Send: the root). Relative names and TLV are resolved against it. */
  readonly path: Path;
  /** Types come from here. For Objects it does not know, each format documents its fallback. */
  readonly definitions: DefinitionLookup;
  /** Object version for the look-up, by Object ID; absent: the latest. */
  readonly versionOf?: (objectId: number) => string | undefined;
  readonly limits?: Partial<FormatLimits>;
  /** Alternate path of the peer, e.g. "/lwm2m": accepted and removed in SenML names. */
  readonly alternatePath?: string;
}

export interface EncodeContext {
  readonly path: Path;
  readonly definitions: DefinitionLookup;
  readonly versionOf?: (objectId: number) => string | undefined;
  readonly alternatePath?: string;
}

export type DecodeEntries = (payload: Uint8Array, context: DecodeContext) => readonly NodeEntry[] | Malformed;
/** Malformed when the format cannot carry these entries (text with two values, opaque with a float). */
export type EncodeEntries = (entries: readonly NodeEntry[], context: EncodeContext) => Uint8Array | Malformed;
