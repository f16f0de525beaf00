/** The vectors of the primitives in `vectors.json`, which names the source of each. Transcripts: `transcripts.ts`. */
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

const file = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8')) as {
  readonly ccm: readonly CcmVector[];
  readonly tls12_prf: readonly PrfVector[];
};

export const CCM_VECTORS: readonly CcmVector[] = file.ccm;
export const PRF_VECTORS: readonly PrfVector[] = file.tls12_prf;
