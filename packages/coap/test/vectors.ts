/** The vectors of `vectors.json`, which name their sources: RFCs, OMA specifications, the tests of other stacks. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeBlockOption } from '../src/block-option.ts';
import { formatCode, parseCode } from '../src/code-table.ts';
import { MessageType, messageId } from '../src/message.ts';
import type { Message, Option } from '../src/message.ts';
import { encodeUint, decodeUint } from '../src/option-access.ts';
import { optionDefinition } from '../src/option-table.ts';

type OptionRow = readonly [number: number, name: string, value: unknown];
export interface CoapRow {
  readonly type: 'CON' | 'NON' | 'ACK' | 'RST';
  readonly code: string;
  readonly mid: number;
  readonly token: string;
  readonly options: readonly OptionRow[];
  readonly payload: string;
}
type LinkRow = readonly [target: string, ...parameters: (readonly [name: string, value?: string, quoted?: 'q'])[]];

export interface Vector {
  readonly group: string;
  readonly id: string;
  /** 'both': the bytes are also what an encoder writes. */
  readonly dir: 'both' | 'decode';
  readonly src: string;
  readonly ref: string;
  readonly note?: string;
  readonly hex?: string;
  readonly text?: string;
  readonly size?: number;
  readonly v1?: number;
  readonly v2?: number;
  readonly elapsedSeconds?: number;
  readonly expected: {
    readonly error?: string;
    readonly ok?: boolean;
    readonly coap?: CoapRow;
    readonly links?: readonly LinkRow[];
    readonly num?: number;
    readonly more?: boolean;
    readonly szx?: number;
    readonly newer?: boolean;
    /** The blocks of a transfer, one by one. */
    readonly steps?: readonly {
      readonly payload: string;
      readonly num: number;
      readonly more: boolean;
      readonly status: '2.31' | 'done' | 'retransmission';
    }[];
    readonly query?: Readonly<Record<string, string | null>>;
  };
}

const { vectors } = JSON.parse(readFileSync(join(import.meta.dirname, 'vectors.json'), 'utf8')) as {
  readonly vectors: readonly Vector[];
};

export const vectorsOf = (group: string): readonly Vector[] => {
  const found = vectors.filter((vector) => vector.group === group);
  if (found.length === 0) throw new Error(`no vector in group ${group}`);
  return found;
};

export const title = ({ id, note, src, ref }: Vector): string =>
  `${id}${note === undefined ? '' : `, ${note}`} (${src} ${ref})`;

export const fromHex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (byte) => parseInt(byte, 16));
export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

const TYPES = {
  CON: MessageType.confirmable,
  NON: MessageType.nonConfirmable,
  ACK: MessageType.acknowledgement,
  RST: MessageType.reset,
};
const TYPE_NAMES = ['CON', 'NON', 'ACK', 'RST'] as const;

/** A decoded message in the notation of the vectors. */
export const rowOf = (message: Message): CoapRow => ({
  type: TYPE_NAMES[message.type],
  code: formatCode(message.code),
  mid: message.messageId,
  token: toHex(message.token),
  options: message.options.map(optionRow),
  payload: toHex(message.payload),
});

function optionRow({ number, value }: Option): OptionRow {
  const definition = optionDefinition(number);
  const name = definition?.name ?? String(number);
  if (name === 'Block1' || name === 'Block2') return [number, name, { ...decodeBlockOption(value) }];
  if (definition?.format === 'uint') return [number, name, decodeUint(value)];
  if (definition?.format === 'string') return [number, name, new TextDecoder().decode(value)];
  return [number, name, toHex(value)];
}

export function messageOf(row: CoapRow): Message {
  return {
    type: TYPES[row.type],
    code: parseCode(row.code)!,
    messageId: messageId(row.mid),
    token: fromHex(row.token),
    options: row.options.map(([number, , value]) => ({ number, value: optionBytes(number, value) })),
    payload: fromHex(row.payload),
  };
}

function optionBytes(number: number, value: unknown): Uint8Array {
  if (typeof value === 'number') return encodeUint(value);
  if (typeof value === 'object') {
    const { num, more, szx } = value as { num: number; more: boolean; szx: number };
    return encodeUint(num * 16 + (more ? 8 : 0) + szx);
  }
  return optionDefinition(number)?.format === 'string'
    ? new TextEncoder().encode(value as string)
    : fromHex(value as string);
}
