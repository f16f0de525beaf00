/**
 * A value is a union by LwM2M data type. Integer, Unsigned and Time are `number` when safe, else `bigint`, so 64 bits
 * survive exactly. Time is in seconds since 1970. Opaque bytes are the holder's own copy.
 */
export type DataType =
  'string' | 'integer' | 'unsigned' | 'float' | 'boolean' | 'opaque' | 'time' | 'objlnk' | 'corelnk' | 'none';

export interface ObjectLink {
  /** 65535:65535 is the null link. */
  readonly objectId: number;
  readonly objectInstanceId: number;
}

export type Value =
  | { readonly type: 'string' | 'corelnk'; readonly value: string }
  | { readonly type: 'integer' | 'unsigned' | 'time'; readonly value: number | bigint }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'opaque'; readonly value: Uint8Array }
  | { readonly type: 'objlnk'; readonly value: ObjectLink }
  /** A Resource without a value: executable, or CBOR null. */
  | { readonly type: 'none'; readonly value: null };
