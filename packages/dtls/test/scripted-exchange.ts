/**
 * What both scripted peers know of one handshake, and how they put messages into records. A scripted peer is no engine:
 * it sends what it is told, in any order, as valid as it can be made from what it has seen.
 */
import type { DtlsCrypto, EphemeralKey, SecretKey } from '../src/crypto.ts';
import { encodeFragment } from '../src/handshake/fragment-codec.ts';
import type { HandshakeMessage } from '../src/handshake/handshake.ts';
import { HANDSHAKE_TYPES, handshakeTypeName } from '../src/handshake/handshake-type-table.ts';
import type { HandshakeTypeName } from '../src/handshake/handshake-type-table.ts';
import { agreedMasterSecret, ecdhePremaster, securityParameters } from '../src/handshake/key-agreement.ts';
import type { HelloAgreement } from '../src/handshake/key-agreement.ts';
import { Reassembler } from '../src/handshake/reassembler.ts';
import type { ReceivedMessage } from '../src/handshake/reassembler.ts';
import { Transcript } from '../src/handshake/transcript.ts';
import { pskPremaster, verifyData } from '../src/key-schedule.ts';
import { DEFAULT_DTLS_PARAMETERS } from '../src/parameters.ts';
import { CONTENT_TYPES } from '../src/record/content-type-table.ts';
import { createProtection } from '../src/record/create-protection.ts';
import type { Protection } from '../src/record/protection.ts';
import { encodePlaintextRecord, RecordCursor } from '../src/record/record-header.ts';

export type ScriptedRole = 'client' | 'server';

/** What a scripted peer proves itself with, rightly or wrongly. */
export type ScriptedCredentials =
  | { readonly kind: 'psk'; readonly identity: Uint8Array; readonly key: SecretKey }
  /** The body of its Certificate message, and the key it signs with: of that certificate or not. */
  | { readonly kind: 'rpk' | 'x509'; readonly certificate: Uint8Array; readonly privateKey: SecretKey };

/** Something to send, and what to do once it has counted. */
export interface Prepared {
  readonly datagram: Uint8Array;
  readonly isProtected: boolean;
  /** Of a handshake message. */
  readonly messageSeq: number | undefined;
  /** Handshake messages before it that its content rests on. */
  readonly basis: number;
  /** It joins the handshake: the transcript has it, and the next message has the next number. */
  commit(): void;
}

/** What was read of the other side: a handshake message, 'change_cipher_spec', 'application_data', `alert 40`, 'unreadable'. */
export type Sighting = string;

export class Exchange {
  readonly crypto: DtlsCrypto;
  readonly role: ScriptedRole;
  readonly credentials: ScriptedCredentials;
  readonly transcript: Transcript;
  /** Messages in the transcript. */
  counted = 0;
  /** `message_seq` of the next message we send. */
  nextSeq = 0;
  writeSequence = 0;
  agreement: HelloAgreement | undefined;
  ephemeral: EphemeralKey | undefined;
  /** Of the other side, for the key exchange. */
  peerPublicBytes: Uint8Array | undefined;
  master: SecretKey | undefined;
  read: Protection | undefined;
  write: Protection | undefined;
  readonly reassembler: Reassembler = new Reassembler(0, DEFAULT_DTLS_PARAMETERS);

  constructor(crypto: DtlsCrypto, role: ScriptedRole, credentials: ScriptedCredentials) {
    this.crypto = crypto;
    this.role = role;
    this.credentials = credentials;
    this.transcript = new Transcript(crypto);
  }

  count(message: HandshakeMessage): void {
    this.transcript.append(message);
    this.counted++;
  }

  get hasKeys(): boolean {
    return this.write !== undefined;
  }

  /** From what has been seen so far; nothing happens where that does not suffice. */
  makeKeys(): void {
    const { agreement, crypto, role } = this;
    const premaster = agreement && this.#premaster();
    if (agreement === undefined || premaster === undefined) return;
    this.master = agreedMasterSecret(premaster, agreement, this.transcript, crypto);
    const parameters = securityParameters(this.master, agreement, crypto);
    this.read = createProtection(parameters, role === 'client' ? 'server' : 'client', crypto);
    this.write = createProtection(parameters, role, crypto);
  }

  /** Of our Finished; of zeros while there is no secret. */
  verifyData(): Uint8Array {
    if (this.master === undefined) return new Uint8Array(12);
    return verifyData(this.master, this.role, this.transcript.hash(), this.crypto);
  }

  #premaster(): SecretKey | undefined {
    const { credentials, crypto, ephemeral, peerPublicBytes } = this;
    if (credentials.kind === 'psk') return pskPremaster(credentials.key, crypto);
    return ephemeral && peerPublicBytes && ecdhePremaster(ephemeral, peerPublicBytes, crypto);
  }
}

/** Numbers the records and reads those of the other side. */
export class ScriptedWire {
  /** Of the Connection IDs on the records of the other side. */
  readonly #connectionIdLength: number;
  readonly #cursor = new RecordCursor();
  #sequence = 0;

  constructor(connectionIdLength: number) {
    this.#connectionIdLength = connectionIdLength;
  }

  plain(contentType: number, content: Uint8Array): Uint8Array {
    return encodePlaintextRecord(contentType, this.#sequence++, content);
  }

  sealed(exchange: Exchange, contentType: number, content: Uint8Array): Uint8Array {
    return exchange.write!.seal(contentType, 1, exchange.writeSequence++, content);
  }

  /** A handshake message, whole; protected where wanted and keys are known. */
  message(
    exchange: Exchange,
    name: HandshakeTypeName,
    body: Uint8Array,
    protection: 'plain' | 'protected',
    commit: (message: HandshakeMessage) => void = () => {},
  ): Prepared {
    const message = { type: HANDSHAKE_TYPES[name], messageSeq: exchange.nextSeq, body };
    const content = encodeFragment(message, 0, body.length);
    const isProtected = protection === 'protected' && exchange.hasKeys;
    return {
      datagram: isProtected
        ? this.sealed(exchange, CONTENT_TYPES.handshake, content)
        : this.plain(CONTENT_TYPES.handshake, content),
      isProtected,
      messageSeq: message.messageSeq,
      basis: exchange.counted,
      commit: () => {
        exchange.nextSeq++;
        exchange.count(message);
        commit(message);
      },
    };
  }

  changeCipherSpec(): Prepared {
    return this.#other(this.plain(CONTENT_TYPES.changeCipherSpec, Uint8Array.of(1)), false);
  }

  applicationData(exchange: Exchange | undefined, text: Uint8Array): Prepared {
    return exchange?.hasKeys === true
      ? this.#other(this.sealed(exchange, CONTENT_TYPES.applicationData, text), true)
      : this.#other(this.plain(CONTENT_TYPES.applicationData, text), false);
  }

  #other(datagram: Uint8Array, isProtected: boolean): Prepared {
    return { datagram, isProtected, messageSeq: undefined, basis: 0, commit: () => {} };
  }

  /**
   * Walks over a datagram of the other side.
   *
   * @param exchanges whose keys to try.
   * @param onHandshake what to do with the content of a handshake record.
   */
  read(
    datagram: Uint8Array,
    exchanges: () => readonly (Exchange | undefined)[],
    onHandshake: (content: Uint8Array, epoch: 0 | 1, exchange: Exchange | undefined) => readonly Sighting[],
  ): readonly Sighting[] {
    const seen: Sighting[] = [];
    const cursor = this.#cursor;
    cursor.enter(datagram, this.#connectionIdLength);
    while (cursor.next()) {
      if (cursor.epoch === 0) {
        const content = cursor.fragment();
        if (cursor.contentType === CONTENT_TYPES.handshake) seen.push(...onHandshake(content, 0, undefined));
        else seen.push(nameOf(cursor.contentType, content));
        continue;
      }
      const record = cursor.record();
      let reader: Exchange | undefined;
      let opened;
      for (const exchange of exchanges()) {
        opened = exchange?.read?.open(record);
        reader = exchange;
        if (opened !== undefined) break;
      }
      if (opened === undefined) seen.push('unreadable');
      else if (opened.contentType === CONTENT_TYPES.handshake) seen.push(...onHandshake(opened.content, 1, reader));
      else seen.push(nameOf(opened.contentType, opened.content));
    }
    return seen;
  }
}

/** Adds a record to the messages of an exchange, and has each that is whole looked at. */
export function readMessages(
  exchange: Exchange,
  content: Uint8Array,
  epoch: 0 | 1,
  look: (name: HandshakeTypeName, message: ReceivedMessage) => void,
): readonly Sighting[] {
  const seen: Sighting[] = [];
  exchange.reassembler.addRecord(content, epoch);
  for (let message = exchange.reassembler.next(); message !== undefined; message = exchange.reassembler.next()) {
    const name = handshakeTypeName(message.type) as HandshakeTypeName;
    look(name, message);
    seen.push(name);
  }
  return seen;
}

function nameOf(contentType: number, content: Uint8Array): Sighting {
  switch (contentType) {
    case CONTENT_TYPES.changeCipherSpec:
      return 'change_cipher_spec';
    case CONTENT_TYPES.alert:
      return `alert ${content[1]}`;
    case CONTENT_TYPES.applicationData:
      return 'application_data';
    default:
      return `content type ${contentType}`;
  }
}
