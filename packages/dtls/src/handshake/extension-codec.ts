/**
 * The extensions of ClientHello and ServerHello: RFC 5246 §7.4.1.4 and what `EXTENSIONS` names.
 */
import { UsageError } from '../errors.ts';
import { EXTENSIONS, extensionByNumber } from '../extension-table.ts';
import type { Extension } from '../extension-table.ts';
import { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';

export type MaxFragmentLength = 512 | 1024 | 2048 | 4096;

/** What is absent was not sent. Views of the message. */
export interface Extensions {
  /** A DNS name; '' is the server's acknowledgement. */
  readonly serverName?: string | undefined;
  readonly maxFragmentLength?: MaxFragmentLength | undefined;
  readonly supportedGroups?: readonly number[] | undefined;
  readonly ecPointFormats?: readonly number[] | undefined;
  readonly signatureAlgorithms?: readonly number[] | undefined;
  /** From a server exactly one. */
  readonly clientCertificateTypes?: readonly number[] | undefined;
  readonly serverCertificateTypes?: readonly number[] | undefined;
  readonly encryptThenMac?: true | undefined;
  readonly extendedMasterSecret?: true | undefined;
  /** Empty: the client has none; the server will send one. RFC 5077 §3.2. */
  readonly sessionTicket?: Uint8Array | undefined;
  /** What the sender wants on the records it receives; may be empty. RFC 9146 §3. */
  readonly connectionId?: Uint8Array | undefined;
  /** `renegotiated_connection`: empty in a first handshake. RFC 5746 §3.2. */
  readonly renegotiationInfo?: Uint8Array | undefined;
}

/** Whose hello it is. */
export type HelloSide = 'client' | 'server';

export interface DecodedExtensions {
  readonly extensions: Extensions;
  /** The numbers of all, also those nobody knows, in the order sent. */
  readonly types: readonly number[];
}

/** More are malformed: the registry has fewer, and finding duplicates takes the square of it. */
const MAX_EXTENSIONS = 64;
const MAX_SERVER_NAME_BYTES = 255;
const HOST_NAME = 0;

const NO_EXTENSIONS: DecodedExtensions = Object.freeze({ extensions: {}, types: [] });

type MutableExtensions = { -readonly [Field in keyof Extensions]: Extensions[Field] };

/** Everything that is left of a hello. Problems are the reader's. */
export function readExtensions(reader: ByteReader, side: HelloSide): DecodedExtensions {
  // A hello may end before the block of extensions. RFC 5246 §7.4.1.2.
  if (reader.remaining === 0) return NO_EXTENSIONS;
  const block = new ByteReader(reader.vector16('extensions'), 'extensions');
  const extensions: MutableExtensions = {};
  const types: number[] = [];
  while (block.remaining > 0 && !reader.failed) {
    const type = block.uint16('an extension');
    const data = block.vector16('an extension');
    if (block.failed) reader.fail('ends within an extension');
    else if (types.includes(type)) reader.fail(`extension ${type} is there twice`);
    else if (types.length === MAX_EXTENSIONS) reader.fail(`more than ${MAX_EXTENSIONS} extensions`);
    types.push(type);
    const extension = extensionByNumber(type);
    if (extension !== undefined && !reader.failed) readExtension(extension, data, side, extensions, reader);
  }
  return { extensions, types };
}

/** Nothing at all is written where there are none. */
export function writeExtensions(writer: ByteWriter, extensions: Extensions, side: HelloSide): void {
  let start: number | undefined;
  for (const extension of EXTENSIONS) {
    if (extensions[extension.field] === undefined) continue;
    start ??= writer.begin(2);
    writer.uint16(extension.number);
    const data = writer.begin(2);
    writeExtension(extension, extensions, side, writer);
    writer.end(data, 2);
  }
  if (start !== undefined) writer.end(start, 2);
}

function readExtension(
  extension: Extension,
  data: Uint8Array,
  side: HelloSide,
  into: MutableExtensions,
  outer: ByteReader,
): void {
  const reader = new ByteReader(data, extension.name);
  const fill = (value: unknown): void => {
    (into as Record<string, unknown>)[extension.field] = value;
  };
  switch (extension.form) {
    case 'server-name':
      if (side === 'server') fill('');
      else into.serverName = readServerNames(reader);
      break;
    case 'max-fragment-length':
      into.maxFragmentLength = readMaxFragmentLength(reader);
      break;
    case 'uint16-list':
      fill(reader.uint16s('its list'));
      break;
    case 'uint8-list':
      fill(readUint8s(reader));
      break;
    case 'certificate-types':
      fill(side === 'server' ? [reader.uint8('its type')] : readUint8s(reader));
      break;
    case 'flag':
      fill(true);
      break;
    case 'opaque':
      fill(reader.bytes(data.length, 'it'));
      break;
    case 'vector8':
      fill(reader.vector8('it'));
      break;
  }
  const problem = reader.finish();
  if (problem !== undefined) outer.fail(problem.malformed);
}

function readUint8s(reader: ByteReader): readonly number[] {
  const bytes = reader.vector8('its list');
  if (bytes.length === 0) reader.fail('is empty');
  return Array.from(bytes);
}

/** One byte: 1 is 512 and so on. */
function readMaxFragmentLength(reader: ByteReader): MaxFragmentLength | undefined {
  const code = reader.uint8('its code');
  if (code >= 1 && code <= 4) return (256 << code) as MaxFragmentLength;
  reader.fail(`code ${code} is not defined`);
  return undefined;
}

/** The host name; names of other kinds are skipped. */
function readServerNames(reader: ByteReader): string | undefined {
  const list = new ByteReader(reader.vector16('its list'), 'list');
  let hostName: string | undefined;
  if (list.remaining === 0) reader.fail('is empty');
  while (list.remaining > 0 && !reader.failed) {
    const type = list.uint8('a name');
    const name = list.vector16('a name');
    if (list.failed) reader.fail('ends within a name');
    else if (type === HOST_NAME && hostName !== undefined) reader.fail('two host names');
    else if (type === HOST_NAME) hostName = readHostName(name, reader);
  }
  return hostName;
}

/** ASCII, as the A-labels of RFC 6066 §3 are. */
function readHostName(bytes: Uint8Array, reader: ByteReader): string | undefined {
  if (bytes.length === 0 || bytes.length > MAX_SERVER_NAME_BYTES) {
    reader.fail(`a host name of ${bytes.length} bytes`);
    return undefined;
  }
  for (const byte of bytes) {
    if (byte <= 0x20 || byte >= 0x7f) {
      reader.fail('a host name that is not ASCII');
      return undefined;
    }
  }
  return String.fromCharCode(...bytes);
}

function writeExtension(extension: Extension, extensions: Extensions, side: HelloSide, writer: ByteWriter): void {
  const value = extensions[extension.field];
  switch (extension.form) {
    case 'server-name':
      if (side === 'client') writeServerName(value as string, writer);
      break;
    case 'max-fragment-length':
      writer.uint8(Math.log2(value as number) - 8);
      break;
    case 'uint16-list':
      writer.uint16s(value as readonly number[]);
      break;
    case 'uint8-list':
      writer.vector8(Uint8Array.from(value as readonly number[]));
      break;
    case 'certificate-types':
      if (side === 'client') writer.vector8(Uint8Array.from(value as readonly number[]));
      else writer.uint8((value as readonly number[])[0]!);
      break;
    case 'flag':
      break;
    case 'opaque':
      writer.bytes(value as Uint8Array);
      break;
    case 'vector8':
      writer.vector8(value as Uint8Array);
      break;
  }
}

function writeServerName(name: string, writer: ByteWriter): void {
  if (!/^[\x21-\x7e]{1,255}$/.test(name)) throw new UsageError(`'${name}' is no server name in ASCII`);
  const list = writer.begin(2);
  writer.uint8(HOST_NAME);
  const start = writer.begin(2);
  for (let i = 0; i < name.length; i++) writer.uint8(name.charCodeAt(i));
  writer.end(start, 2);
  writer.end(list, 2);
}
