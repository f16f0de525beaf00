/**
 * Command and response APDUs, ISO 7816-4 §5.1 and ETSI TS 102 221 §10 and §11: the few commands that reading takes,
 * and what their status words mean.
 */

/** What the card answers to one command APDU: data and two bytes of status. Rejects when reader or card are gone. */
export type Transmit = (commandApdu: Uint8Array) => Promise<Uint8Array>;

export type CommandName = 'SELECT' | 'READ BINARY' | 'READ RECORD' | 'GET RESPONSE' | 'MANAGE CHANNEL' | 'VERIFY';

export interface Command {
  readonly name: CommandName;
  /** What it is about, for messages: "EF(ODF)". */
  readonly about: string;
  readonly instruction: number;
  readonly p1: number;
  readonly p2: number;
  readonly data?: Uint8Array;
  /** Bytes that are expected, 1 to 256. Undefined: none. */
  readonly expected?: number;
}

export interface Response {
  readonly data: Uint8Array;
  readonly statusWord: number;
}

/** A short command APDU for a logical channel: 0 to 3 in the first interindustry class, to 19 in the further one. */
export function encodeCommand({ instruction, p1, p2, data, expected }: Command, channel: number): Uint8Array {
  const header = [classByte(channel), instruction, p1, p2];
  const body = data === undefined || data.length === 0 ? [] : [data.length, ...data];
  return Uint8Array.from([...header, ...body, ...(expected === undefined ? [] : [expected & 0xff])]);
}

/** ISO 7816-4 §5.4.1. */
const classByte = (channel: number): number => (channel < 4 ? channel : 0x40 | (channel - 4));

/** Undefined for fewer than the two bytes of the status word. */
export function decodeResponse(bytes: Uint8Array): Response | undefined {
  const end = bytes.length - 2;
  if (end < 0) return undefined;
  return { data: bytes.subarray(0, end), statusWord: (bytes[end]! << 8) | bytes[end + 1]! };
}

export const StatusWords = {
  endOfFile: 0x6282,
  wrongLength: 0x6700,
  commandIncompatible: 0x6981,
  securityStatusNotSatisfied: 0x6982,
  authenticationBlocked: 0x6983,
  conditionsNotSatisfied: 0x6985,
  fileNotFound: 0x6a82,
  recordNotFound: 0x6a83,
  incorrectP1P2: 0x6a86,
  referenceNotFound: 0x6a88,
  wrongP1P2: 0x6b00,
} as const;

/**
 * The command was carried out: 9000, 91xx (the card has something for a SIM toolkit as well), 92xx (after retries), and
 * the warnings 62xx.
 */
export const isSuccess = (statusWord: number): boolean =>
  statusWord === 0x9000 || [0x91, 0x92, 0x62].includes(statusWord >> 8);

/** Tries that a PIN has left, of 63Cx. */
export const triesLeft = (statusWord: number): number | undefined =>
  (statusWord & 0xfff0) === 0x63c0 ? statusWord & 0x0f : undefined;

/** "6A82". */
export const formatStatusWord = (statusWord: number): string => statusWord.toString(16).padStart(4, '0').toUpperCase();

const INSTRUCTIONS = {
  verify: 0x20,
  manageChannel: 0x70,
  select: 0xa4,
  readBinary: 0xb0,
  readRecord: 0xb2,
  getResponse: 0xc0,
} as const;

/** What SELECT names the file by, P1. ETSI TS 102 221 table 11.1. */
export const SelectBy = { fileId: 0x00, aid: 0x04, pathFromMf: 0x08, pathFromCurrentDf: 0x09 } as const;
/** What SELECT answers, P2: its FCP template (UICC), its FCI template (other cards), nothing. */
export const SELECT_ANSWERS: readonly number[] = [0x04, 0x00, 0x0c];

export const selectCommand = (about: string, by: number, name: Uint8Array, answer: number): Command => ({
  name: 'SELECT',
  about,
  instruction: INSTRUCTIONS.select,
  p1: by,
  p2: answer,
  data: name,
  ...(answer === 0x0c ? {} : { expected: 256 }),
});

/** Of the selected file. `offset` at most 0x7FFF: P1 has 7 bits of it. */
export const readBinaryCommand = (about: string, offset: number, expected: number): Command => ({
  name: 'READ BINARY',
  about,
  instruction: INSTRUCTIONS.readBinary,
  p1: offset >> 8,
  p2: offset & 0xff,
  expected,
});

/** Of the file with this short EF identifier, which is the selected file after it. */
export const readBinaryByShortIdCommand = (about: string, shortId: number, expected: number): Command => ({
  ...readBinaryCommand(about, 0, expected),
  p1: 0x80 | shortId,
});

/** Of the selected file, by its number from 1. */
export const readRecordCommand = (about: string, recordNumber: number): Command => ({
  name: 'READ RECORD',
  about,
  instruction: INSTRUCTIONS.readRecord,
  p1: recordNumber,
  p2: 0x04,
  expected: 256,
});

export const getResponseCommand = (about: string, expected: number): Command => ({
  name: 'GET RESPONSE',
  about,
  instruction: INSTRUCTIONS.getResponse,
  p1: 0,
  p2: 0,
  expected,
});

/** The card answers the number of the channel. */
export const openChannelCommand = (): Command => ({
  name: 'MANAGE CHANNEL',
  about: 'open',
  instruction: INSTRUCTIONS.manageChannel,
  p1: 0x00,
  p2: 0x00,
  expected: 1,
});

export const closeChannelCommand = (channel: number): Command => ({
  name: 'MANAGE CHANNEL',
  about: 'close',
  instruction: INSTRUCTIONS.manageChannel,
  p1: 0x80,
  p2: channel,
});

/** Without a PIN it asks how many tries are left and takes none. ETSI TS 102 221 §11.1.9. */
export const verifyCommand = (reference: number, pin?: Uint8Array): Command => ({
  name: 'VERIFY',
  about: `PIN ${reference}`,
  instruction: INSTRUCTIONS.verify,
  p1: 0,
  p2: reference,
  ...(pin === undefined ? {} : { data: pin }),
});
