/**
 * An open association as bytes: what another endpoint needs to go on with it. A secret: whoever has it reads and forges the
 * traffic, and whoever goes on with it twice reuses nonces. See `sealSnapshot`.
 *
 *     format version | head | replay window | keys of the client | of the server | Connection IDs | host | principal | SNI | session
 */
import { type CipherSuite, cipherSuiteByNumber } from '../cipher-suite-table.ts';
import type { Principal } from '../credentials.ts';
import type { DtlsCrypto } from '../crypto.ts';
import type { RemoteAddress } from '../events.ts';
import { KEY_BLOCK_PARTS } from '../key-schedule.ts';
import { isMalformed, type Malformed } from '../malformed.ts';
import type { DirectionKeys, SecurityParameters } from '../record/protection.ts';
import { SEQUENCE_LIMIT } from '../record/record-header.ts';
import type { ReplayWindowState } from '../record/replay-window.ts';
import { decodePrincipal, decodeText, encodePrincipal, encodeText } from './principal-codec.ts';
import { decodeSections, encodeSections } from './sections.ts';
import { decodeSession, encodeSession } from './session-codec.ts';
import type { SessionState } from './session.ts';

export interface ExportedAssociation {
  /** Of the exporting side. */
  readonly role: 'client' | 'server';
  /** Of the peer. */
  readonly address: RemoteAddress;
  readonly epoch: number;
  /** The next one to use; 2^48: none is left. */
  readonly writeSequence: number;
  readonly replayWindow: ReplayWindowState;
  readonly parameters: SecurityParameters;
  readonly extendedMasterSecret: boolean;
  readonly principal: Principal;
  readonly serverName: string | undefined;
  /** ms since 1970. */
  readonly openedAt: number;
  /** Only where it is to be resumed later: it holds the master secret. */
  readonly session: SessionState | undefined;
}

const FORMAT_VERSION = 1;
const WHAT = 'exported association';
const SECTIONS = 10;
/** Role, suite, flags, epoch, write sequence, newest + 1, fragment length, port, time. */
const HEAD_LENGTH = 1 + 2 + 1 + 2 + 8 + 8 + 2 + 2 + 8;
const ROLES = ['client', 'server'] as const;
const FLAGS = {
  extendedMasterSecret: 1,
  encryptThenMac: 2,
  clientToServerId: 4,
  serverToClientId: 8,
  serverName: 16,
  session: 32,
} as const;
const ALL_FLAGS = 63;
/** RFC 6066 §4. */
const FRAGMENT_LENGTHS: readonly number[] = [512, 1024, 2048, 4096, 16384];
const MAX_CONNECTION_ID = 255;
const EMPTY = new Uint8Array(0);

export function encodeAssociationState(state: ExportedAssociation, crypto: DtlsCrypto): Uint8Array {
  const { parameters, serverName, session } = state;
  const head = new Uint8Array(HEAD_LENGTH);
  const view = new DataView(head.buffer);
  view.setUint8(0, ROLES.indexOf(state.role));
  view.setUint16(1, parameters.suite.number);
  view.setUint8(
    3,
    (state.extendedMasterSecret ? FLAGS.extendedMasterSecret : 0) |
      (parameters.encryptThenMac ? FLAGS.encryptThenMac : 0) |
      (parameters.clientToServerId === undefined ? 0 : FLAGS.clientToServerId) |
      (parameters.serverToClientId === undefined ? 0 : FLAGS.serverToClientId) |
      (serverName === undefined ? 0 : FLAGS.serverName) |
      (session === undefined ? 0 : FLAGS.session),
  );
  view.setUint16(4, state.epoch);
  view.setBigUint64(6, BigInt(state.writeSequence));
  view.setBigUint64(14, BigInt(state.replayWindow.newest + 1));
  view.setUint16(22, parameters.maxFragmentLength);
  view.setUint16(24, state.address.port);
  view.setBigUint64(26, BigInt(Math.floor(state.openedAt)));
  const secrets = [
    encodeKeys(parameters.client, crypto),
    encodeKeys(parameters.server, crypto),
    session === undefined ? EMPTY : encodeSession(session, crypto),
  ] as const;
  const sections = encodeSections([
    head,
    encodeWords(state.replayWindow.words),
    secrets[0],
    secrets[1],
    parameters.clientToServerId ?? EMPTY,
    parameters.serverToClientId ?? EMPTY,
    encodeText(state.address.host),
    encodePrincipal(state.principal),
    encodeText(serverName ?? ''),
    secrets[2],
  ]);
  for (const secret of secrets) secret.fill(0);
  const bytes = new Uint8Array(1 + sections.length);
  bytes[0] = FORMAT_VERSION;
  bytes.set(sections, 1);
  sections.fill(0);
  return bytes;
}

/** Copies: the bytes may go. */
export function decodeAssociationState(bytes: Uint8Array, crypto: DtlsCrypto): ExportedAssociation | Malformed {
  if (bytes.length === 0) return { malformed: `${WHAT}: empty` };
  if (bytes[0] !== FORMAT_VERSION) return { malformed: `${WHAT}: of version ${bytes[0]}, not ${FORMAT_VERSION}` };
  const sections = decodeSections(bytes.subarray(1), WHAT);
  if (isMalformed(sections)) return sections;
  if (sections.length !== SECTIONS) return { malformed: `${WHAT}: ${sections.length} sections, not ${SECTIONS}` };
  const [head, words, clientKeys, serverKeys, toServerId, toClientId, host, principalBytes, serverName, sessionBytes] =
    sections as Sections;
  if (head.length !== HEAD_LENGTH) return { malformed: `${WHAT}: a head of ${head.length} bytes` };
  const fields = decodeHead(head);
  if (isMalformed(fields)) return fields;
  const { flags, suite } = fields;
  const has = (flag: keyof typeof FLAGS): boolean => (flags & FLAGS[flag]) !== 0;
  if (
    (!has('clientToServerId') && toServerId.length > 0) ||
    (!has('serverToClientId') && toClientId.length > 0) ||
    (!has('serverName') && serverName.length > 0) ||
    (!has('session') && sessionBytes.length > 0)
  ) {
    return { malformed: `${WHAT}: a section that is not announced` };
  }
  if (toServerId.length > MAX_CONNECTION_ID || toClientId.length > MAX_CONNECTION_ID) {
    return { malformed: `${WHAT}: a Connection ID of more than ${MAX_CONNECTION_ID} bytes` };
  }
  if (words.length === 0 || words.length % 4 !== 0) return { malformed: `${WHAT}: a window of ${words.length} bytes` };
  if (host.length === 0) return { malformed: `${WHAT}: without an address` };
  const client = decodeKeys(clientKeys, suite.cipher, crypto);
  if (isMalformed(client)) return client;
  const server = decodeKeys(serverKeys, suite.cipher, crypto);
  if (isMalformed(server)) return server;
  const principal = decodePrincipal(principalBytes);
  if (isMalformed(principal)) return principal;
  const session = has('session') ? decodeSession(sessionBytes, crypto) : undefined;
  if (isMalformed(session)) return session;
  return {
    role: fields.role,
    address: { host: decodeText(host), port: fields.port },
    epoch: fields.epoch,
    writeSequence: fields.writeSequence,
    replayWindow: { newest: fields.newest, words: decodeWords(words) },
    parameters: {
      suite,
      client,
      server,
      encryptThenMac: has('encryptThenMac'),
      clientToServerId: has('clientToServerId') ? toServerId.slice() : undefined,
      serverToClientId: has('serverToClientId') ? toClientId.slice() : undefined,
      maxFragmentLength: fields.maxFragmentLength,
    },
    extendedMasterSecret: has('extendedMasterSecret'),
    principal,
    serverName: has('serverName') ? decodeText(serverName) : undefined,
    openedAt: fields.openedAt,
    session,
  };
}

type Bytes = Uint8Array;
type Sections = [Bytes, Bytes, Bytes, Bytes, Bytes, Bytes, Bytes, Bytes, Bytes, Bytes];

interface Head {
  readonly role: 'client' | 'server';
  readonly suite: CipherSuite;
  readonly flags: number;
  readonly epoch: number;
  readonly writeSequence: number;
  readonly newest: number;
  readonly maxFragmentLength: number;
  readonly port: number;
  readonly openedAt: number;
}

function decodeHead(head: Uint8Array): Head | Malformed {
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const role = ROLES[view.getUint8(0)];
  if (role === undefined) return { malformed: `${WHAT}: of role ${view.getUint8(0)}` };
  const suite = cipherSuiteByNumber(view.getUint16(1));
  if (suite === undefined) return { malformed: `${WHAT}: of cipher suite ${view.getUint16(1)}` };
  const flags = view.getUint8(3);
  if (flags > ALL_FLAGS) return { malformed: `${WHAT}: flags ${flags}` };
  const epoch = view.getUint16(4);
  if (epoch === 0) return { malformed: `${WHAT}: of epoch 0` };
  const writeSequence = Number(view.getBigUint64(6));
  const newest = Number(view.getBigUint64(14)) - 1;
  if (writeSequence > SEQUENCE_LIMIT || newest >= SEQUENCE_LIMIT) {
    return { malformed: `${WHAT}: a sequence number of more than 48 bits` };
  }
  const maxFragmentLength = view.getUint16(22);
  if (!FRAGMENT_LENGTHS.includes(maxFragmentLength)) {
    return { malformed: `${WHAT}: fragments of ${maxFragmentLength} bytes` };
  }
  const openedAt = Number(view.getBigUint64(26));
  if (!Number.isSafeInteger(openedAt)) return { malformed: `${WHAT}: of an impossible time` };
  const port = view.getUint16(24);
  return { role, suite, flags, epoch, writeSequence, newest, maxFragmentLength, port, openedAt };
}

/** In the order of the key block: MAC key where there is one, key, IV. */
function encodeKeys({ macKey, key, iv }: DirectionKeys, crypto: DtlsCrypto): Uint8Array {
  const mac = macKey === undefined ? EMPTY : crypto.exportSecret(macKey);
  const write = crypto.exportSecret(key);
  const bytes = new Uint8Array(mac.length + write.length + iv.length);
  bytes.set(mac);
  bytes.set(write, mac.length);
  bytes.set(iv, mac.length + write.length);
  mac.fill(0);
  write.fill(0);
  return bytes;
}

function decodeKeys(bytes: Uint8Array, cipher: CipherSuite['cipher'], crypto: DtlsCrypto): DirectionKeys | Malformed {
  const { mac, key, iv } = KEY_BLOCK_PARTS[cipher];
  if (bytes.length !== mac + key + iv) return { malformed: `${WHAT}: ${bytes.length} bytes of keys` };
  return {
    macKey: mac === 0 ? undefined : crypto.importSecret(bytes.subarray(0, mac)),
    key: crypto.importSecret(bytes.subarray(mac, mac + key)),
    iv: bytes.slice(mac + key),
  };
}

function encodeWords(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => view.setUint32(4 * i, word));
  return bytes;
}

function decodeWords(bytes: Uint8Array): readonly number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i));
}
