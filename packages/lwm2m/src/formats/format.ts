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
  /**
   * Seconds since 1970 when the payload arrived. With it times below 2^28, which RFC 8428 §4.5.3 counts from now, become
   * absolute; without it they stay as the payload gave them.
   */
  readonly now?: number;
}

export interface EncodeContext {
  readonly path: Path;
  readonly definitions: DefinitionLookup;
  readonly versionOf?: (objectId: number) => string | undefined;
  /** Written before every SenML name, as LwM2M 1.2.1 wants; leave it out for older peers. */
  readonly alternatePath?: string;
}

export type DecodeEntries = (payload: Uint8Array, context: DecodeContext) => readonly NodeEntry[] | Malformed;
/** Malformed when the format cannot carry these entries (text with two values, opaque with a float). */
export type EncodeEntries = (entries: readonly NodeEntry[], context: EncodeContext) => Uint8Array | Malformed;
/** The paths a Read-Composite or Observe-Composite asks for. */
export type DecodePaths = (payload: Uint8Array, context: DecodeContext) => readonly Path[] | Malformed;
export type EncodePaths = (paths: readonly Path[], context: EncodeContext) => Uint8Array | Malformed;
