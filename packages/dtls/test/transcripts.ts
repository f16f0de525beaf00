/** The recorded handshakes of `vectors.json`, which names their sources. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Reassembler } from '../src/handshake/reassembler.ts';
import type { ReceivedMessage } from '../src/handshake/reassembler.ts';
import { DEFAULT_DTLS_PARAMETERS } from '../src/parameters.ts';

export interface RecordedRecord {
  /** From client to server, or back. */
  readonly dir: 'c2s' | 's2c';
  readonly type: number;
  readonly epoch: number;
  readonly seq: number;
  readonly record: string;
  /** What an independent decoder found in it, in epoch 1. */
  readonly content?: string;
  /** The content type inside a record of type tls12_cid. */
  readonly inner_type?: number;
}

export interface RecordedHandshake {
  readonly name: string;
  readonly description: string;
  readonly source: string;
  /** In hexadecimal, with 0x. */
  readonly suite: string;
  readonly ems: boolean;
  readonly etm: boolean;
  readonly resumed: boolean;
  readonly client_random: string;
  readonly server_random: string;
  readonly master_secret: string;
  readonly key_block: string;
  /** The key in hexadecimal, then how it reads. */
  readonly psk?: string;
  readonly client_cid?: string;
  readonly server_cid?: string;
  readonly records: readonly RecordedRecord[];
}

export interface RecordedMessage extends ReceivedMessage {
  readonly dir: 'c2s' | 's2c';
}

export interface NegativeVector {
  readonly id: string;
  readonly what: string;
  readonly datagram?: string;
  readonly expect: string;
  readonly ref: string;
}

const FILE = join(import.meta.dirname, 'vectors.json');
const CONTENT_TYPE_HANDSHAKE = 22;
const RECORD_HEADER_BYTES = 13;

const file = JSON.parse(readFileSync(FILE, 'utf8')) as {
  readonly dtls12_transcripts: readonly RecordedHandshake[];
  readonly negative: readonly NegativeVector[];
};

export const TRANSCRIPTS: readonly RecordedHandshake[] = file.dtls12_transcripts;
export const NEGATIVE_VECTORS: readonly NegativeVector[] = file.negative;

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function transcript(name: string): RecordedHandshake {
  return TRANSCRIPTS.find((candidate) => candidate.name === name)!;
}

/** What the record carries, decrypted in epoch 1. */
export function contentOf(record: RecordedRecord): Uint8Array {
  return fromHex(record.content ?? record.record.slice(2 * RECORD_HEADER_BYTES));
}

export function contentTypeOf(record: RecordedRecord): number {
  return record.inner_type ?? record.type;
}

/** The handshakes of a recording one after the other, each as its whole messages in the order they were completed. */
export function handshakesOf(recording: RecordedHandshake): readonly (readonly RecordedMessage[])[] {
  const handshakes: RecordedMessage[][] = [];
  let sides: Record<'c2s' | 's2c', Reassembler> | undefined;
  for (const record of recording.records) {
    if (contentTypeOf(record) !== CONTENT_TYPE_HANDSHAKE) continue;
    if (record.dir === 'c2s' && record.epoch === 0 && record.seq === 0) {
      sides = { c2s: new Reassembler(0, DEFAULT_DTLS_PARAMETERS), s2c: new Reassembler(0, DEFAULT_DTLS_PARAMETERS) };
      handshakes.push([]);
    }
    const side = sides![record.dir];
    const outcome = side.addRecord(contentOf(record), record.epoch as 0 | 1);
    if (outcome !== 'accepted') throw new Error(`${recording.name}: ${outcome}`);
    for (let message = side.next(); message !== undefined; message = side.next()) {
      handshakes.at(-1)!.push({ ...message, dir: record.dir });
    }
  }
  return handshakes;
}
