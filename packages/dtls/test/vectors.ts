/** The vectors of `vectors.json`, which names the source of each, in the shape that the tests use. */
import { readFileSync } from 'node:fs';

export interface CcmVector {
  readonly source: string;
  readonly key: string;
  readonly nonce: string;
  readonly aad: string;
  readonly pt: string;
  readonly taglen: number;
  readonly ct_tag: string;
}

export interface PrfVector {
  readonly source: string;
  readonly hash: 'sha256' | 'sha384';
  readonly secret: string;
  readonly label: string;
  readonly seed: string;
  readonly out: string;
}

export interface TranscriptRecord {
  readonly dir: 'c2s' | 's2c';
  readonly type: number;
  readonly epoch: number;
  readonly seq: number;
  readonly cid: string;
  readonly record: string;
  /** Epoch 1: what is inside, and of which type. */
  readonly content?: string;
  readonly inner?: string;
  readonly inner_type?: number;
}

/** A whole association, captured. */
export interface Transcript {
  readonly name: string;
  readonly suite: string;
  readonly ems: boolean;
  readonly etm: boolean;
  /** The Connection ID on records to the client, and on records to the server; absent: none was agreed. */
  readonly client_cid?: string;
  readonly server_cid?: string;
  readonly client_random: string;
  readonly server_random: string;
  readonly master_secret: string;
  readonly key_block: string;
  readonly resumed: boolean;
  /** Key in hex, then how it reads. */
  readonly psk?: string;
  readonly records: readonly TranscriptRecord[];
}

interface Vectors {
  readonly ccm: readonly CcmVector[];
  readonly tls12_prf: readonly PrfVector[];
  readonly dtls12_transcripts: readonly Transcript[];
  readonly negative: readonly { readonly id: string; readonly what: string; readonly datagram?: string }[];
}

export const VECTORS: Vectors = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8')) as Vectors;

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
