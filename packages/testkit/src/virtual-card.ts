/**
 * A smartcard made of data: a file system after ETSI TS 102 221 that answers command APDUs, with the habits that cards
 * differ in. `lwm2mCardFiles` lays it out as OMA TS Core 1.1 Appendix G wants it.
 */

export interface TransparentFile {
  readonly kind: 'transparent';
  content: Uint8Array;
  /** Read only after VERIFY. */
  readonly isPrivate?: boolean;
}

export interface RecordFile {
  readonly kind: 'records';
  readonly records: readonly Uint8Array[];
}

export interface DirectoryFile {
  readonly kind: 'directory';
  readonly aid?: Uint8Array;
  /** By file identifier. */
  readonly files: ReadonlyMap<number, CardFile>;
}

export type CardFile = TransparentFile | RecordFile | DirectoryFile;

export interface CardHabits {
  /** Logical channels beside the basic one; 0: MANAGE CHANNEL is not known. */
  readonly channels: number;
  /** The first number that MANAGE CHANNEL gives out. */
  readonly firstChannel: number;
  /** P2 of SELECT that it knows. */
  readonly selectAnswers: readonly number[];
  /** Whether its answers to SELECT have the size of a file. */
  readonly tellsSize: boolean;
  /** T=0: what answers a command with data is fetched by GET RESPONSE. */
  readonly holdsBack: boolean;
  /** READ with an Le that goes beyond the end: an answer with a warning, without one, 6Cxx, 6700. */
  readonly beyondEnd: 'warning' | 'short' | 'wrongLe' | 'wrongLength';
  /** At most so many bytes in an answer to READ BINARY. */
  readonly maxReadBytes: number;
  /** Status word of success, for a card with something for a SIM toolkit: 0x9110. */
  readonly success: number;
  /** SELECT by AID. */
  readonly selectsByAid: boolean;
}

export interface CardPinState {
  readonly reference: number;
  /** Eight bytes as VERIFY carries them. */
  readonly value: Uint8Array;
  readonly maxTries: number;
}

const DEFAULT_HABITS: CardHabits = {
  channels: 3,
  firstChannel: 1,
  selectAnswers: [0x04, 0x0c],
  tellsSize: true,
  holdsBack: false,
  beyondEnd: 'warning',
  maxReadBytes: 256,
  success: 0x9000,
  selectsByAid: true,
};

interface Channel {
  directory: DirectoryFile;
  file: CardFile;
  isVerified: boolean;
}

type Answer = number | { readonly data: Uint8Array; readonly statusWord?: number };

const MF = 0x3f00;

export class VirtualCard {
  readonly atr: Uint8Array;
  readonly master: DirectoryFile;
  /** The commands it got, in hexadecimal, since the last reset. */
  readonly commands: string[] = [];
  readonly #habits: CardHabits;
  readonly #pin: CardPinState | undefined;
  readonly #channels = new Map<number, Channel>();
  #triesLeft: number;
  #heldBack = new Uint8Array(0);

  constructor(
    master: DirectoryFile,
    options: { readonly atr?: Uint8Array; readonly habits?: Partial<CardHabits>; readonly pin?: CardPinState } = {},
  ) {
    this.master = master;
    // T=0 and T=1, historical bytes "LWM2M". ISO 7816-3 §8.
    this.atr = options.atr ?? Uint8Array.from([0x3b, 0x85, 0x80, 0x01, 0x4c, 0x57, 0x4d, 0x32, 0x4d, 0x33]);
    this.#habits = { ...DEFAULT_HABITS, ...options.habits };
    this.#pin = options.pin;
    this.#triesLeft = options.pin?.maxTries ?? 0;
    this.reset();
  }

  /** Logical channels that are open, without the basic one. */
  get openChannels(): readonly number[] {
    return [...this.#channels.keys()].filter((number) => number > 0);
  }

  get triesLeft(): number {
    return this.#triesLeft;
  }

  reset(): void {
    this.commands.length = 0;
    this.#channels.clear();
    this.#openChannel(0);
  }

  /** The response APDU to a command APDU. */
  respond(command: Uint8Array): Uint8Array {
    this.commands.push(Buffer.from(command).toString('hex'));
    const answer = this.#answer(command);
    if (typeof answer === 'number') return Uint8Array.of(answer >> 8, answer & 0xff);
    const statusWord = answer.statusWord ?? this.#habits.success;
    return Uint8Array.of(...answer.data, statusWord >> 8, statusWord & 0xff);
  }

  #answer(command: Uint8Array): Answer {
    const [classByte = 0, instruction, p1 = 0, p2 = 0] = command;
    if (command.length < 4) return 0x6700;
    const channel = this.#channels.get((classByte & 0x40) === 0 ? classByte & 0x03 : (classByte & 0x0f) + 4);
    if ((classByte & 0xa0) !== 0 || channel === undefined) return 0x6881;
    const { data, expected } = bodyOf(command);
    const heldBack = this.#heldBack;
    this.#heldBack = new Uint8Array(0);
    switch (instruction) {
      case 0x70:
        return this.#manageChannel(p1, p2);
      case 0xa4:
        return this.#select(channel, p1, p2, data);
      case 0xb0:
        return this.#readBinary(channel, p1, p2, expected ?? 256);
      case 0xb2:
        return this.#readRecord(channel, p1, p2, expected ?? 256);
      case 0x20:
        return this.#verify(channel, p2, data);
      case 0xc0:
        return heldBack.length === 0 ? 0x6985 : { data: heldBack };
      default:
        return 0x6d00;
    }
  }

  #openChannel(number: number): void {
    this.#channels.set(number, { directory: this.master, file: this.master, isVerified: false });
  }

  #manageChannel(p1: number, p2: number): Answer {
    const { channels, firstChannel } = this.#habits;
    if (channels === 0) return 0x6d00;
    if (p1 === 0x80) return this.#channels.delete(p2) ? this.#habits.success : 0x6200;
    for (let number = firstChannel; number < firstChannel + channels; number++) {
      if (this.#channels.has(number)) continue;
      this.#openChannel(number);
      return { data: Uint8Array.of(number) };
    }
    return 0x6a81;
  }

  #select(channel: Channel, by: number, answer: number, name: Uint8Array): Answer {
    if (!this.#habits.selectAnswers.includes(answer)) return 0x6a86;
    const found = this.#find(channel, by, name);
    if (typeof found === 'number') return found;
    channel.file = found.file;
    channel.directory = found.directory;
    if (answer === 0x0c) return this.#habits.success;
    const fcp = Uint8Array.from(this.#fcpOf(found.file));
    const template = answer === 0x00 ? Uint8Array.of(0x6f, fcp.length, ...fcp) : fcp;
    if (!this.#habits.holdsBack) return { data: template };
    this.#heldBack = template;
    return 0x6100 | template.length;
  }

  #find(channel: Channel, by: number, name: Uint8Array): { file: CardFile; directory: DirectoryFile } | number {
    if (by === 0x04) {
      const application = this.#habits.selectsByAid ? this.#applicationOf(name) : undefined;
      return application === undefined ? 0x6a82 : { file: application, directory: application };
    }
    if (![0x00, 0x08, 0x09].includes(by) || name.length === 0 || name.length % 2 !== 0) return 0x6a86;
    let directory = by === 0x08 ? this.master : channel.directory;
    let file: CardFile = directory;
    for (let at = 0; at < name.length; at += 2) {
      const id = (name[at]! << 8) | name[at + 1]!;
      const next = id === MF ? this.master : directory.files.get(id);
      if (next === undefined) return 0x6a82;
      file = next;
      if (next.kind === 'directory') directory = next;
    }
    return { file, directory };
  }

  /** A partial name selects as well. */
  #applicationOf(name: Uint8Array): DirectoryFile | undefined {
    for (const file of this.master.files.values()) {
      if (file.kind !== 'directory' || file.aid === undefined) continue;
      if (Buffer.compare(file.aid.subarray(0, name.length), name) === 0) return file;
    }
    return undefined;
  }

  #fcpOf(file: CardFile): readonly number[] {
    const descriptor = file.kind === 'directory' ? 0x78 : file.kind === 'transparent' ? 0x41 : 0x42;
    const fields = [0x82, 0x02, descriptor, 0x21];
    if (file.kind === 'transparent' && this.#habits.tellsSize) {
      fields.push(0x80, 0x02, file.content.length >> 8, file.content.length & 0xff);
    }
    return [0x62, fields.length, ...fields];
  }

  #readBinary(channel: Channel, p1: number, p2: number, expected: number): Answer {
    let offset = (p1 << 8) | p2;
    if ((p1 & 0x80) !== 0) {
      // Short EF identifiers are the lower 5 bits of file identifiers here.
      const found = [...channel.directory.files].find(([id]) => (id & 0x1f) === (p1 & 0x1f));
      if (found === undefined) return 0x6a82;
      channel.file = found[1];
      offset = p2;
    }
    const { file } = channel;
    if (file.kind !== 'transparent') return file.kind === 'records' ? 0x6981 : 0x6986;
    if (file.isPrivate === true && !channel.isVerified) return 0x6982;
    if (offset > file.content.length || (offset === file.content.length && expected > 0)) return 0x6b00;
    return this.#upTo(file.content.subarray(offset), expected, this.#habits.maxReadBytes);
  }

  #readRecord(channel: Channel, number: number, p2: number, expected: number): Answer {
    if (channel.file.kind !== 'records') return 0x6981;
    if (p2 !== 0x04) return 0x6a86;
    const record = channel.file.records[number - 1];
    if (record === undefined) return 0x6a83;
    if (this.#habits.holdsBack && expected !== record.length) return 0x6c00 | record.length;
    return this.#upTo(record, Math.min(expected, record.length), 256);
  }

  #upTo(available: Uint8Array, expected: number, maxBytes: number): Answer {
    const data = available.subarray(0, Math.min(expected, maxBytes));
    if (expected <= available.length) return { data };
    switch (this.#habits.beyondEnd) {
      case 'warning':
        return data.length < available.length ? { data } : { data, statusWord: 0x6282 };
      case 'short':
        return { data };
      case 'wrongLe':
        return 0x6c00 | available.length;
      case 'wrongLength':
        return 0x6700;
    }
  }

  #verify(channel: Channel, reference: number, data: Uint8Array): Answer {
    const pin = this.#pin;
    if (pin === undefined || reference !== pin.reference) return 0x6a88;
    if (this.#triesLeft === 0) return 0x6983;
    if (data.length === 0) return channel.isVerified ? this.#habits.success : 0x63c0 | this.#triesLeft;
    channel.isVerified = Buffer.compare(data, pin.value) === 0;
    this.#triesLeft = channel.isVerified ? pin.maxTries : this.#triesLeft - 1;
    return channel.isVerified ? this.#habits.success : 0x63c0 | this.#triesLeft;
  }
}

function bodyOf(command: Uint8Array): { readonly data: Uint8Array; readonly expected: number | undefined } {
  const none = new Uint8Array(0);
  if (command.length === 4) return { data: none, expected: undefined };
  const first = command[4]!;
  if (command.length === 5) return { data: none, expected: first === 0 ? 256 : first };
  const last = command[5 + first];
  return { data: command.subarray(5, 5 + first), expected: last === undefined ? undefined : last === 0 ? 256 : last };
}

const der = (tag: number, ...content: readonly number[]): readonly number[] => [
  tag,
  ...(content.length < 0x80 ? [] : [0x81]),
  content.length,
  ...content,
];
const uint16 = (value: number): readonly number[] => [value >> 8, value & 0xff];
const derPath = (...fileIds: readonly number[]): readonly number[] =>
  der(0x30, ...der(0x04, ...fileIds.flatMap(uint16)));
const text = (value: string): readonly number[] => [...new TextEncoder().encode(value)];

/** "PKCS-15" behind its RID. */
const PKCS15_AID = [0xa0, 0, 0, 0, 0x63, ...text('PKCS-15')];
/** 06 04 67 2B 09 01. */
const BOOTSTRAP_OID = der(0x06, 0x67, 0x2b, 0x09, 0x01);

export interface LwM2mCardLayout {
  /** Content of EF LwM2M_Bootstrap. Undefined: the card has no such file. */
  readonly file?: Uint8Array;
  /** Digits of the ICCID; even number of them. */
  readonly iccid?: string;
  readonly isPrivate?: boolean;
  /** Replace or remove files of the application, by identifier. */
  readonly application?: ReadonlyMap<number, CardFile | undefined>;
  /** Replace or remove files below the MF, by identifier. */
  readonly master?: ReadonlyMap<number, CardFile | undefined>;
}

/** File identifiers that cards have by default. */
export const LWM2M_CARD_FILES = {
  iccid: 0x2fe2,
  directory: 0x2f00,
  application: 0x7f50,
  objectDirectory: 0x5031,
  dataObjectDirectory: 0x6430,
  bootstrap: 0x6432,
} as const;

/** A UICC: another application first, then PKCS#15 with its directories; records and files are padded as on real ones. */
export function lwm2mCardFiles({
  application,
  file,
  iccid = '8949012345678901234f',
  isPrivate = false,
  master,
}: LwM2mCardLayout): DirectoryFile {
  const ids = LWM2M_CARD_FILES;
  const flags = isPrivate ? der(0x03, 0x07, 0x80) : [];
  const attributes = der(0x30, ...der(0x0c, ...text('LwM2M Bootstrap')), ...flags);
  const bootstrapRecord = der(
    0x30,
    ...attributes,
    ...der(0x30, ...BOOTSTRAP_OID),
    ...der(0xa1, ...derPath(ids.bootstrap)),
  );
  const otherRecord = der(
    0x30,
    ...der(0x30, ...der(0x0c, ...text('WAP'))),
    ...der(0x30, ...der(0x06, 0x67, 0x2b, 0x01, 0x01)),
    ...der(0xa1, ...derPath(0x6431)),
  );
  const applicationFiles = withReplaced(application, [
    [
      ids.objectDirectory,
      padded([...der(0xa8, ...derPath(0x4401)), ...der(0xa7, ...derPath(ids.dataObjectDirectory))]),
    ],
    [ids.dataObjectDirectory, padded([...otherRecord, ...bootstrapRecord])],
    [ids.bootstrap, file === undefined ? undefined : { kind: 'transparent', content: file, isPrivate }],
  ]);
  const usim = der(0x61, ...der(0x4f, 0xa0, 0, 0, 0, 0x87, 0x10, 0x02), ...der(0x50, ...text('USIM')));
  const pkcs15 = der(0x61, ...der(0x4f, ...PKCS15_AID), ...der(0x51, ...uint16(MF), ...uint16(ids.application)));
  const masterFiles = withReplaced(master, [
    [ids.iccid, { kind: 'transparent', content: swappedDigits(iccid) }],
    [ids.directory, { kind: 'records', records: [usim, pkcs15].map((record) => paddedTo(48, record)) }],
    [ids.application, { kind: 'directory', aid: Uint8Array.from(PKCS15_AID), files: applicationFiles }],
  ]);
  return { kind: 'directory', files: masterFiles };
}

function withReplaced(
  replaced: ReadonlyMap<number, CardFile | undefined> = new Map(),
  files: readonly (readonly [number, CardFile | undefined])[],
): ReadonlyMap<number, CardFile> {
  const all = new Map<number, CardFile | undefined>([...files, ...replaced]);
  return new Map([...all].flatMap(([id, file]) => (file === undefined ? [] : [[id, file] as const])));
}

const paddedTo = (bytes: number, content: readonly number[]): Uint8Array =>
  Uint8Array.from([...content, ...new Array<number>(Math.max(0, bytes - content.length)).fill(0xff)]);

const padded = (content: readonly number[]): CardFile => ({
  kind: 'transparent',
  content: paddedTo(content.length + 20, content),
});

const swappedDigits = (digits: string): Uint8Array =>
  Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(`${pair[1]}${pair[0]}`, 16));
