/** A session as bytes, a secret: the inside of a ticket, and part of an exported association that can be resumed later. */
import { cipherSuiteByName, cipherSuiteByNumber } from '../cipher-suite-table.ts';
import type { DtlsCrypto } from '../crypto.ts';
import { MASTER_SECRET_LENGTH } from '../key-schedule.ts';
import { isMalformed, type Malformed } from '../malformed.ts';
import { decodePrincipal, decodeText, encodePrincipal, encodeText } from './principal-codec.ts';
import { decodeSections, encodeSections } from './sections.ts';
import type { SessionState } from './session.ts';

/** Version, suite, flags, creation time. */
const HEAD_LENGTH = 1 + 2 + 1 + 8;
const FORMAT_VERSION = 1;
const WHAT = 'session';

const FLAGS = { extendedMasterSecret: 1, encryptThenMac: 2, serverName: 4, ticket: 8 } as const;
const ALL_FLAGS = 15;

export function encodeSession(session: SessionState, crypto: DtlsCrypto): Uint8Array {
  const head = new Uint8Array(HEAD_LENGTH);
  const view = new DataView(head.buffer);
  view.setUint8(0, FORMAT_VERSION);
  view.setUint16(1, cipherSuiteByName(session.suite).number);
  view.setUint8(
    3,
    (session.extendedMasterSecret ? FLAGS.extendedMasterSecret : 0) |
      (session.encryptThenMac ? FLAGS.encryptThenMac : 0) |
      (session.serverName === undefined ? 0 : FLAGS.serverName) |
      (session.ticket === undefined ? 0 : FLAGS.ticket),
  );
  view.setBigUint64(4, BigInt(Math.floor(session.createdAt)));
  const master = crypto.exportSecret(session.masterSecret);
  const bytes = encodeSections([
    head,
    master,
    encodePrincipal(session.principal),
    encodeText(session.serverName ?? ''),
    session.id,
    session.ticket ?? new Uint8Array(0),
    session.credentialCheck ?? new Uint8Array(0),
  ]);
  master.fill(0);
  return bytes;
}

/** Copies: the bytes may go. */
export function decodeSession(bytes: Uint8Array, crypto: DtlsCrypto): SessionState | Malformed {
  const sections = decodeSections(bytes, WHAT);
  if (isMalformed(sections)) return sections;
  const [head, master, principalBytes, serverName, id, ticket, credentialCheck] = sections;
  if (sections.length !== 7 || head?.length !== HEAD_LENGTH || master?.length !== MASTER_SECRET_LENGTH) {
    return { malformed: `${WHAT}: sections that are not those of one` };
  }
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const version = view.getUint8(0);
  if (version !== FORMAT_VERSION) return { malformed: `${WHAT}: of version ${version}, not ${FORMAT_VERSION}` };
  const suite = cipherSuiteByNumber(view.getUint16(1));
  if (suite === undefined) return { malformed: `${WHAT}: of cipher suite ${view.getUint16(1)}` };
  const flags = view.getUint8(3);
  const createdAt = Number(view.getBigUint64(4));
  if (flags > ALL_FLAGS || !Number.isSafeInteger(createdAt)) return { malformed: `${WHAT}: flags ${flags}` };
  const hasServerName = (flags & FLAGS.serverName) !== 0;
  const hasTicket = (flags & FLAGS.ticket) !== 0;
  if ((!hasServerName && serverName!.length > 0) || (!hasTicket && ticket!.length > 0)) {
    return { malformed: `${WHAT}: a section that is not announced` };
  }
  const principal = decodePrincipal(principalBytes!);
  if (isMalformed(principal)) return principal;
  return {
    id: id!.slice(),
    ticket: hasTicket ? ticket!.slice() : undefined,
    suite: suite.name,
    masterSecret: crypto.importSecret(master),
    extendedMasterSecret: (flags & FLAGS.extendedMasterSecret) !== 0,
    encryptThenMac: (flags & FLAGS.encryptThenMac) !== 0,
    principal,
    credentialCheck: credentialCheck!.length > 0 ? credentialCheck!.slice() : undefined,
    serverName: hasServerName ? decodeText(serverName!) : undefined,
    createdAt,
  };
}
