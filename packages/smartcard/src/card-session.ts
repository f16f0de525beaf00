/**
 * A conversation with a card on one logical channel: commands one after the other, files selected and read whole.
 * What the card refuses is a value; the number of commands is bounded, whatever the card answers.
 */
import { decodeBerTlvs, valueOf } from './ber-tlv.ts';
import {
  SELECT_ANSWERS,
  StatusWords,
  closeChannelCommand,
  decodeResponse,
  encodeCommand,
  formatStatusWord,
  getResponseCommand,
  isSuccess,
  openChannelCommand,
  readBinaryByShortIdCommand,
  readBinaryCommand,
  readRecordCommand,
  selectCommand,
  type Command,
  type CommandName,
  type Response,
  type Transmit,
} from './apdu.ts';
import { MAX_FILE_BYTES } from './bootstrap-file.ts';
import { concatenated } from './bytes.ts';
import { isMalformed } from '@lapwing/lwm2m';

/** Why a card did not do what it was asked. */
export type CardFailure =
  | {
      /** The card answered with an error. */
      readonly kind: 'refused';
      readonly command: CommandName;
      /** The file or PIN it was about. */
      readonly about: string;
      readonly statusWord: number;
      readonly reason: string;
    }
  | {
      /** The card answered what makes no sense. */
      readonly kind: 'malformed';
      readonly reason: string;
    }
  | {
      /** The card was not done after so many commands. */
      readonly kind: 'tooManyCommands';
      readonly reason: string;
    };

export const isFailure = (value: unknown): value is CardFailure =>
  typeof value === 'object' && value !== null && 'kind' in value && 'reason' in value;

/** Bytes asked for at once; 256 is possible, and written as 00, which not every card takes for that. */
const CHUNK_BYTES = 255;
const NO_BYTES = new Uint8Array(0);
const MAX_CHANNEL = 19;
/** GET RESPONSEs to one command. A whole short response needs one. */
const MAX_PARTS = 8;
/** Tags of what SELECT answers: an FCI template has the FCP template or its fields in it. ISO 7816-4 §5.3.3. */
const FCP_TEMPLATE = 0x62;
const FCI_TEMPLATE = 0x6f;
/** Field of an FCP template: bytes in a transparent file without structural information. */
const FILE_SIZE = 0x80;

export interface SelectedFile {
  readonly about: string;
  /** Undefined: the card did not say. */
  readonly fileBytes: number | undefined;
}

export class CardSession {
  readonly #transmit: Transmit;
  readonly #maxCommands: number;
  #commands = 0;
  /** 0 is the basic channel, which is always open. */
  #channel = 0;

  constructor(transmit: Transmit, maxCommands: number) {
    this.#transmit = transmit;
    this.#maxCommands = maxCommands;
  }

  /** Move to a logical channel of our own, so that whoever uses the basic one is not disturbed; stay there if there is none. */
  async openChannel(): Promise<CardFailure | undefined> {
    const response = await this.exchange(openChannelCommand());
    if (isFailure(response)) return response;
    if (!isSuccess(response.statusWord)) return undefined;
    const [channel] = response.data;
    if (response.data.length !== 1 || channel === undefined || channel === 0 || channel > MAX_CHANNEL) {
      return { kind: 'malformed', reason: `MANAGE CHANNEL opened no channel from 1 to ${MAX_CHANNEL}` };
    }
    this.#channel = channel;
    return undefined;
  }

  /** Give the logical channel back. It does not count as a command, so that it is always possible. */
  async closeChannel(): Promise<void> {
    const channel = this.#channel;
    if (channel === 0) return;
    this.#channel = 0;
    await this.#transmit(encodeCommand(closeChannelCommand(channel), 0));
  }

  /**
   * One command, the whole response: what the card holds back (61xx) is fetched, a wrong Le (6Cxx) corrected once.
   * ISO 7816-4 §5.1.3.
   */
  async exchange(command: Command): Promise<Response | CardFailure> {
    let response = await this.#send(command);
    if (isFailure(response)) return response;
    if (response.statusWord >> 8 === 0x6c) {
      response = await this.#send({ ...command, expected: response.statusWord & 0xff || 256 });
      if (isFailure(response)) return response;
    }
    const parts = [response.data];
    while (response.statusWord >> 8 === 0x61) {
      if (parts.length > MAX_PARTS) {
        return { kind: 'malformed', reason: `${describe(command)} has more than ${MAX_PARTS} parts of a response` };
      }
      const next = await this.#send(getResponseCommand(command.about, response.statusWord & 0xff || 256));
      if (isFailure(next)) return next;
      response = next;
      parts.push(response.data);
    }
    return { data: concatenated(parts), statusWord: response.statusWord };
  }

  /** As `exchange`, and an error of the card is a failure. */
  async require(command: Command): Promise<Response | CardFailure> {
    const response = await this.exchange(command);
    return isFailure(response) || isSuccess(response.statusWord) ? response : refusal(command, response);
  }

  /** Select a file. A card that does not know one form of answer is asked for the next. */
  async select(about: string, by: number, name: Uint8Array): Promise<SelectedFile | CardFailure> {
    let last: CardFailure | undefined;
    for (const answer of SELECT_ANSWERS) {
      const response = await this.require(selectCommand(about, by, name, answer));
      if (!isFailure(response)) return { about, fileBytes: fileBytesOf(response.data) };
      last = response;
      const isAboutForm =
        last.kind === 'refused' &&
        (last.statusWord === StatusWords.incorrectP1P2 || last.statusWord === StatusWords.wrongP1P2);
      if (!isAboutForm) break;
    }
    return last!;
  }

  /** The records of the selected file, the first ones. */
  async readRecords(about: string, maxRecords: number): Promise<readonly Uint8Array[] | CardFailure> {
    const records: Uint8Array[] = [];
    while (records.length < maxRecords) {
      const command = readRecordCommand(about, records.length + 1);
      const response = await this.exchange(command);
      if (isFailure(response)) return response;
      if (!isSuccess(response.statusWord)) {
        // Behind the last record some cards have no record, others no such parameter.
        if (records.length > 0 || response.statusWord === StatusWords.recordNotFound) break;
        return refusal(command, response);
      }
      records.push(response.data);
    }
    return records;
  }

  /**
   * The content of the selected file, up to its end.
   *
   * @param usedBytes  how much of the file says something, from what was read so far; reading stops there.
   * @param shortId  read the file with this short EF identifier instead of the selected one.
   */
  async readBinary(
    { about, fileBytes }: SelectedFile,
    usedBytes?: (read: Uint8Array) => number | undefined,
    shortId?: number,
  ): Promise<Uint8Array | CardFailure> {
    let read: Uint8Array = NO_BYTES;
    let end = Math.min(fileBytes ?? MAX_FILE_BYTES, MAX_FILE_BYTES);
    let chunkBytes = CHUNK_BYTES;
    while (read.length < end) {
      const expected = Math.min(chunkBytes, end - read.length);
      const command =
        shortId !== undefined && read.length === 0
          ? readBinaryByShortIdCommand(about, shortId, expected)
          : readBinaryCommand(about, read.length, expected);
      const response = await this.exchange(command);
      if (isFailure(response)) return response;
      const { data, statusWord } = response;
      // Where the size is not known, the end shows as an offset outside of the file, or as an Le that goes beyond it.
      if (statusWord === StatusWords.wrongP1P2 && read.length > 0) break;
      if (statusWord === StatusWords.wrongLength && expected > 1) {
        chunkBytes = expected >> 1;
        continue;
      }
      if (statusWord === StatusWords.wrongLength && read.length > 0) break;
      if (!isSuccess(statusWord)) return refusal(command, response);
      if (data.length === 0) break;
      read = concatenated([read, data]);
      end = Math.min(end, usedBytes?.(read) ?? end);
      if (statusWord === StatusWords.endOfFile) break;
    }
    return read.subarray(0, end);
  }

  async #send(command: Command): Promise<Response | CardFailure> {
    if (this.#commands === this.#maxCommands) {
      return { kind: 'tooManyCommands', reason: `the card was not read after ${this.#maxCommands} commands` };
    }
    this.#commands++;
    const bytes = await this.#transmit(encodeCommand(command, this.#channel));
    return (
      decodeResponse(bytes) ?? {
        kind: 'malformed',
        reason: `${describe(command)} is answered by ${bytes.length} bytes, fewer than a status word`,
      }
    );
  }
}

function refusal(command: Command, { statusWord }: Response): CardFailure {
  const reason = `${describe(command)} is refused with ${formatStatusWord(statusWord)}`;
  return { kind: 'refused', command: command.name, about: command.about, statusWord, reason };
}

const describe = ({ name, about }: Command): string => `${name} (${about})`;

/** The size of the file that SELECT answered with, if it did and says so. */
function fileBytesOf(answer: Uint8Array): number | undefined {
  let fields = decodeBerTlvs(answer);
  for (const template of [FCI_TEMPLATE, FCP_TEMPLATE]) {
    if (isMalformed(fields)) return undefined;
    const inner = valueOf(fields, template);
    if (inner !== undefined) fields = decodeBerTlvs(inner);
  }
  if (isMalformed(fields)) return undefined;
  return valueOf(fields, FILE_SIZE)?.reduce((size, byte) => Math.min(size * 256 + byte, MAX_FILE_BYTES), 0);
}
