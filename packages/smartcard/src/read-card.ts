/**
 * Reading what a smartcard holds for LwM2M bootstrap, OMA TS Core 1.1 Appendix G:
 *
 *     MANAGE CHANNEL ─ EF(ICCID) ─ EF(DIR) ─ SELECT PKCS#15 ─ EF(ODF) ─ EF(DODF)s ─ [VERIFY] ─ EF LwM2M_Bootstrap
 */
import { UsageError } from '@lapwing/coap';
import { isMalformed } from '@lapwing/lwm2m';
import { SelectBy, StatusWords, isSuccess, triesLeft, verifyCommand, type Transmit } from './apdu.ts';
import { decodeBootstrapFile, usedBytes, type BootstrapObject } from './bootstrap-file.ts';
import { hex } from './bytes.ts';
import { CardSession, isFailure, type CardFailure } from './card-session.ts';
import {
  PKCS15_AID,
  findBootstrapRecord,
  findDataObjectDirectories,
  findPkcs15Application,
  type CardPath,
} from './pkcs15.ts';

/** What came of reading a card. `iccid` tells cards apart; undefined when the card has none. */
export type CardReading = CardContent | CardOutcome;

export interface CardContent {
  readonly kind: 'read';
  readonly iccid: string | undefined;
  /** The content of EF LwM2M_Bootstrap without the padding. It has keys in it. */
  readonly file: Uint8Array;
  /** None: the file was never written, or says that it is empty. `instances` are views of `file`. */
  readonly objects: readonly BootstrapObject[];
}

/** Why there is nothing to bootstrap from. `reason` is one sentence. */
export type CardOutcome = Stop & { readonly iccid: string | undefined };

type Stop = NoData | PinNeeded | PinRefused | CardFailure;

/** A card, but not one for LwM2M: this is missing on it. */
interface NoData {
  readonly kind: 'noData';
  readonly missing: 'PKCS#15 application' | 'EF(ODF)' | 'EF(DODF)' | 'LwM2M record' | 'EF LwM2M_Bootstrap';
  readonly reason: string;
}

/** The file is private: the option `pin` is needed. */
interface PinNeeded {
  readonly kind: 'pinNeeded';
  readonly reason: string;
}

/** The PIN is wrong, blocked, or was not tried because only one try is left. */
interface PinRefused {
  readonly kind: 'pinRefused';
  readonly triesLeft: number | undefined;
  readonly reason: string;
}

export interface CardPin {
  /** Its characters, 1 to 8 digits. */
  readonly code: string;
  /** Which PIN of the card it is, P2 of VERIFY. Default 1, the PIN of the application on a UICC. */
  readonly reference?: number;
}

export interface ReadCardOptions {
  /** For a private file. It is never tried when the card says that one try is left, so reading never blocks a card. */
  readonly pin?: CardPin;
  /** Commands that one reading may take. Default 1024: a file of 32 KiB takes about 150. */
  readonly maxCommands?: number;
}

export const DEFAULT_MAX_COMMANDS = 1024;

/** Applications on a card that are looked through. ETSI TS 102 221 has a handful. */
const MAX_DIRECTORY_RECORDS = 32;
const MAX_DIRECTORIES = 8;

const FILES = {
  mf: Uint8Array.of(0x3f, 0x00),
  directory: Uint8Array.of(0x2f, 0x00),
  iccid: Uint8Array.of(0x2f, 0xe2),
  objectDirectory: Uint8Array.of(0x50, 0x31),
} as const;

const APPLICATION = 'the PKCS#15 application';
const BOOTSTRAP_FILE = 'EF LwM2M_Bootstrap';

/**
 * Read the card. Whatever the card answers is an outcome.
 *
 * @throws what `transmit` rejects with, and UsageError for a `pin` that is none.
 */
export async function readCard(transmit: Transmit, { maxCommands, pin }: ReadCardOptions = {}): Promise<CardReading> {
  const encoded = pin === undefined ? undefined : encodePin(pin);
  return readCardWith(transmit, () => encoded, maxCommands);
}

/** As `readCard`, with the PIN chosen once it is known which card it is. */
export async function readCardWith(
  transmit: Transmit,
  pinOf: (iccid: string | undefined) => EncodedPin | undefined,
  maxCommands: number = DEFAULT_MAX_COMMANDS,
): Promise<CardReading> {
  const session = new CardSession(transmit, maxCommands);
  let reading: CardReading;
  try {
    reading = await readOn(session, pinOf);
  } catch (error) {
    // The reader failed: closing is tried, and its failure says no more than the first one did.
    await session.closeChannel().catch(() => undefined);
    throw error;
  }
  await session.closeChannel();
  return reading;
}

export interface EncodedPin {
  readonly reference: number;
  /** Eight bytes, FF after the digits. ETSI TS 102 221 §9.5.1. */
  readonly bytes: Uint8Array;
}

/** @throws UsageError */
export function encodePin({ code, reference = 1 }: CardPin): EncodedPin {
  if (!/^\d{1,8}$/.test(code)) throw new UsageError('a PIN of a card has 1 to 8 digits');
  if (!Number.isInteger(reference) || reference < 1 || reference > 0xff) {
    throw new UsageError(`PIN reference ${reference}: from 1 to 255`);
  }
  const bytes = new Uint8Array(8).fill(0xff);
  bytes.set(new TextEncoder().encode(code));
  return { reference, bytes };
}

async function readOn(
  session: CardSession,
  pinOf: (iccid: string | undefined) => EncodedPin | undefined,
): Promise<CardReading> {
  const failure = await session.openChannel();
  if (failure !== undefined) return { ...failure, iccid: undefined };
  const iccid = await readIccid(session);
  if (isFailure(iccid)) return { ...iccid, iccid: undefined };
  const found = await readFile(session, pinOf(iccid));
  if (isStop(found)) return { ...found, iccid };
  const objects = decodeBootstrapFile(found);
  if (isMalformed(objects)) return { kind: 'malformed', iccid, reason: objects.malformed };
  return { kind: 'read', iccid, file: found, objects };
}

const isStop = (value: Uint8Array | Stop): value is Stop => isFailure(value);

const noData = (missing: NoData['missing']): NoData => ({
  kind: 'noData',
  missing,
  reason: `the card has no ${missing}`,
});

/** Only a UICC has it: what the card refuses here is no failure. Its digits are stored with the two of a byte swapped. */
async function readIccid(session: CardSession): Promise<string | undefined | CardFailure> {
  const content = await readFixedFile(session, FILES.iccid, 'EF(ICCID)');
  if (isFailure(content)) return content.kind === 'refused' ? undefined : content;
  return hex(content.map((byte) => (byte >> 4) | ((byte & 0x0f) << 4))).replace(/f+$/, '');
}

/** A transparent file directly below the MF. */
async function readFixedFile(
  session: CardSession,
  fileId: Uint8Array,
  about: string,
): Promise<Uint8Array | CardFailure> {
  const mf = await session.select('the MF', SelectBy.fileId, FILES.mf);
  if (isFailure(mf)) return mf;
  const selected = await session.select(about, SelectBy.fileId, fileId);
  return isFailure(selected) ? selected : session.readBinary(selected);
}

/** From nothing to the content of EF LwM2M_Bootstrap. */
async function readFile(session: CardSession, pin: EncodedPin | undefined): Promise<Uint8Array | Stop> {
  const stop = await selectApplication(session);
  if (stop !== undefined) return stop;
  const objectDirectory = await readPath(
    session,
    { path: FILES.objectDirectory, index: 0, length: undefined },
    'EF(ODF)',
  );
  if (isFailure(objectDirectory)) return isMissing(objectDirectory) ? noData('EF(ODF)') : objectDirectory;
  const directories = findDataObjectDirectories(objectDirectory);
  if (isMalformed(directories)) return { kind: 'malformed', reason: `EF(ODF): ${directories.malformed}` };
  if (directories.length === 0) return noData('EF(DODF)');
  // The failure of one directory does not hide the file that another leads to, and is told if there is none.
  let first: Stop | undefined;
  for (const directory of directories.slice(0, MAX_DIRECTORIES)) {
    const found = await readByDirectory(session, directory, pin);
    if (found === undefined) continue;
    // A PIN that was refused is not tried a second time in one reading.
    if (!isStop(found) || found.kind === 'pinRefused') return found;
    first ??= found;
  }
  return first ?? noData('LwM2M record');
}

/** By the AID that EF(DIR) has, else by its path; a card without an EF(DIR) may have the application all the same. */
async function selectApplication(session: CardSession): Promise<Stop | undefined> {
  const directory = await readDirectory(session);
  if (isFailure(directory) && directory.kind !== 'refused') return directory;
  const named = isFailure(directory) ? undefined : findPkcs15Application(directory);
  const application = isMalformed(named) ? undefined : named;
  const byAid = await session.select(APPLICATION, SelectBy.aid, application?.aid ?? PKCS15_AID);
  if (!isFailure(byAid)) return undefined;
  if (byAid.kind !== 'refused') return byAid;
  if (isMalformed(named)) return { kind: 'malformed', reason: `EF(DIR): ${named.malformed}` };
  if (application?.path === undefined) return noData('PKCS#15 application');
  const byPath = await selectPath(session, application.path, APPLICATION);
  return isFailure(byPath) ? byPath : undefined;
}

/** EF(DIR) has records on a UICC; on other cards it may be transparent. ISO 7816-4 §8.2.1.1. */
async function readDirectory(session: CardSession): Promise<readonly Uint8Array[] | CardFailure> {
  const mf = await session.select('the MF', SelectBy.fileId, FILES.mf);
  if (isFailure(mf)) return mf;
  const selected = await session.select('EF(DIR)', SelectBy.fileId, FILES.directory);
  if (isFailure(selected)) return selected;
  const records = await session.readRecords('EF(DIR)', MAX_DIRECTORY_RECORDS);
  const isTransparent =
    isFailure(records) && records.kind === 'refused' && records.statusWord === StatusWords.commandIncompatible;
  if (!isTransparent) return records;
  const content = await session.readBinary(selected);
  return isFailure(content) ? content : [content];
}

/** Undefined: this EF(DODF) has no record for LwM2M bootstrap. */
async function readByDirectory(
  session: CardSession,
  directory: CardPath,
  pin: EncodedPin | undefined,
): Promise<Uint8Array | Stop | undefined> {
  const content = await readPath(session, directory, 'EF(DODF)');
  if (isFailure(content)) return isMissing(content) ? noData('EF(DODF)') : content;
  const record = findBootstrapRecord(content);
  if (record === undefined) return undefined;
  if (isMalformed(record)) return { kind: 'malformed', reason: `EF(DODF): ${record.malformed}` };
  if (record.isPrivate && pin !== undefined) {
    const refused = await verifyPin(session, pin);
    if (refused !== undefined) return refused;
  }
  const file = await readPath(session, record.path, BOOTSTRAP_FILE, usedBytes);
  if (!isFailure(file)) return file;
  if (isMissing(file)) return noData(BOOTSTRAP_FILE);
  if (file.kind !== 'refused' || file.statusWord !== StatusWords.securityStatusNotSatisfied) return file;
  const reason = `${BOOTSTRAP_FILE} is read with a PIN${record.isPrivate ? '' : ', though its record does not say so'}`;
  if (pin === undefined || record.isPrivate) return { kind: 'pinNeeded', reason };
  const refused = await verifyPin(session, pin);
  return refused ?? readPath(session, record.path, BOOTSTRAP_FILE, usedBytes);
}

/** Undefined: the card took it. */
async function verifyPin(session: CardSession, { bytes, reference }: EncodedPin): Promise<Stop | undefined> {
  const status = await session.exchange(verifyCommand(reference));
  if (isFailure(status)) return status;
  if (isSuccess(status.statusWord)) return undefined;
  const left = triesLeft(status.statusWord);
  if (left !== undefined && left < 2) {
    return { kind: 'pinRefused', triesLeft: left, reason: `PIN ${reference} was not tried; tries left: ${left}` };
  }
  if (status.statusWord === StatusWords.authenticationBlocked) {
    return { kind: 'pinRefused', triesLeft: 0, reason: `PIN ${reference} is blocked` };
  }
  const verified = await session.exchange(verifyCommand(reference, bytes));
  if (isFailure(verified)) return verified;
  if (isSuccess(verified.statusWord)) return undefined;
  const after = triesLeft(verified.statusWord);
  const reason = `PIN ${reference} is refused${after === undefined ? '' : `; tries left: ${after}`}`;
  return { kind: 'pinRefused', triesLeft: after, reason };
}

/** The part of a file that a path means. */
async function readPath(
  session: CardSession,
  { index, length, path }: CardPath,
  about: string,
  used?: (read: Uint8Array) => number | undefined,
): Promise<Uint8Array | CardFailure> {
  // A path of one byte is a short EF identifier in its upper 5 bits. ISO 7816-4 §7.4.1.
  const shortId = path.length === 1 ? path[0]! >> 3 : undefined;
  const selected = shortId === undefined ? await selectPath(session, path, about) : { about, fileBytes: undefined };
  if (isFailure(selected)) return selected;
  const usedOfFile =
    used === undefined
      ? undefined
      : (read: Uint8Array): number | undefined => {
          const bytes = used(read.subarray(index));
          return bytes === undefined ? undefined : index + bytes;
        };
  const content = await session.readBinary(selected, usedOfFile, shortId);
  if (isFailure(content)) return content;
  return content.subarray(index, length === undefined ? undefined : index + length);
}

/** By file identifier in the current DF, by path from the MF when it begins with it, else from the current DF. */
function selectPath(session: CardSession, path: Uint8Array, about: string): ReturnType<CardSession['select']> {
  if (path.length === 2) return session.select(about, SelectBy.fileId, path);
  const isFromMf = path[0] === FILES.mf[0] && path[1] === FILES.mf[1];
  return isFromMf
    ? session.select(about, SelectBy.pathFromMf, path.subarray(2))
    : session.select(about, SelectBy.pathFromCurrentDf, path);
}

/** The card has no such file. */
const isMissing = (failure: CardFailure): boolean =>
  failure.kind === 'refused' && failure.statusWord === StatusWords.fileNotFound;
