/**
 * The options that say which block of a body a message carries, put into its place among the others. RFC 7959 §2.1, §4.
 */
import { encodeBlockOption, type BlockOption } from '../block-option.ts';
import { withOption } from '../exchange/option-order.ts';
import type { Option } from '../message.ts';
import { encodeUint } from '../option-access.ts';
import { OPTIONS } from '../option-table.ts';

export const withBlock1 = (options: readonly Option[], block: BlockOption): Option[] =>
  withOption(options, { number: OPTIONS.block1.number, value: encodeBlockOption(block) });

export const withBlock2 = (options: readonly Option[], block: BlockOption): Option[] =>
  withOption(options, { number: OPTIONS.block2.number, value: encodeBlockOption(block) });

/** @param bytes  at most 4 GiB - 1, which is all the option can say. */
export const withSize1 = (options: readonly Option[], bytes: number): Option[] =>
  withOption(options, { number: OPTIONS.size1.number, value: encodeUint(Math.min(bytes, 0xffffffff)) });

export const withSize2 = (options: readonly Option[], bytes: number): Option[] =>
  withOption(options, { number: OPTIONS.size2.number, value: encodeUint(Math.min(bytes, 0xffffffff)) });
