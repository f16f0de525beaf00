/**
 * An endpoint in the place of one side of a recorded handshake, with the randomness, the ephemeral key and the signatures
 * of that side, so that what the other side sent fits.
 *
 * Two things cannot be reproduced and are supplied: the order of extensions and the tickets of our own messages are not
 * the recorded ones, so the handshake hash is taken over the recorded ones in their place (and over what really arrived
 * from the other side); and where only the master secret of an ECDHE handshake is recorded, it is what the key agreement
 * comes to.
 */
import { nodeCrypto } from '@lapwing/transport';
import { cipherSuiteByNumber } from '../src/cipher-suite-table.ts';
import type { CipherSuite } from '../src/cipher-suite-table.ts';
import type { ServerCredentials } from '../src/credentials.ts';
import type { DtlsCrypto, GroupName, SecretKey } from '../src/crypto.ts';
import { DtlsEndpoint } from '../src/endpoint.ts';
import type { ConnectOptions } from '../src/endpoint.ts';
import type { Association } from '../src/association.ts';
import type { DtlsEvent, DtlsOutbox, RemoteAddress } from '../src/events.ts';
import {
  decodeCertificateChain,
  decodeCertificateVerify,
  decodeRawPublicKey,
} from '../src/handshake/certificate-codec.ts';
import { encodeFragment, FRAGMENT_HEADER_BYTES } from '../src/handshake/fragment-codec.ts';
import { HANDSHAKE_TYPES } from '../src/handshake/handshake-type-table.ts';
import type { HandshakeTypeName } from '../src/handshake/handshake-type-table.ts';
import { decodeHelloVerifyRequest, decodeServerHello } from '../src/handshake/hello-codec.ts';
import { decodeEcdheClientKeyExchange, decodeEcdheServerKeyExchange } from '../src/handshake/key-exchange-codec.ts';
import { isMalformed } from '../src/malformed.ts';
import type { Malformed } from '../src/malformed.ts';
import { namedGroupByNumber } from '../src/named-group-table.ts';
import { NOW } from './handshake-pair.ts';
import { RecordCursor } from '../src/record/record-header.ts';
import { keyPair } from './machine-credentials.ts';
import { fromHex, handshakesOf } from './transcripts.ts';
import type { RecordedHandshake, RecordedMessage, RecordedRecord } from './transcripts.ts';

export type RecordedRole = 'client' | 'server';

export const RECORDED_IDENTITY: Uint8Array = new TextEncoder().encode('dev1');
const RECORDED_KEY = new TextEncoder().encode('secretPSK');

const DIRECTIONS = { client: 'c2s', server: 's2c' } as const;

/** P_SHA256 asks for blocks over A(i), label and session hash: 32 + 22 + 32 bytes; see `key-schedule.ts`. */
const MASTER_SECRET_BLOCK_INPUT = 86;

function decoded<Value>(value: Value | Malformed): Value {
  if (isMalformed(value)) throw new Error(value.malformed);
  return value;
}

/** What a recorded handshake consists of, from the side that the endpoint takes. */
export class Recording {
  readonly recording: RecordedHandshake;
  readonly role: RecordedRole;
  readonly suite: CipherSuite;
  readonly handshakes: readonly (readonly RecordedMessage[])[];

  constructor(recording: RecordedHandshake, role: RecordedRole) {
    this.recording = recording;
    this.role = role;
    this.suite = cipherSuiteByNumber(Number(recording.suite))!;
    this.handshakes = handshakesOf(recording);
  }

  /** Of the side that the endpoint takes. */
  get own(): 'c2s' | 's2c' {
    return DIRECTIONS[this.role];
  }

  /** What the other side sent. */
  get incoming(): readonly RecordedRecord[] {
    return this.recording.records.filter(({ dir }) => dir !== this.own);
  }

  /** What the endpoint's side sent. */
  get outgoing(): readonly RecordedRecord[] {
    return this.recording.records.filter(({ dir }) => dir === this.own);
  }

  message(name: HandshakeTypeName, dir?: 'c2s' | 's2c', handshake = 0): RecordedMessage | undefined {
    return this.handshakes[handshake]!.find(
      (message) => message.type === HANDSHAKE_TYPES[name] && (dir === undefined || message.dir === dir),
    );
  }

  /** As hashed: from the ClientHello with the cookie on. */
  hashed(handshake: number): readonly RecordedMessage[] {
    const messages = this.handshakes[handshake]!;
    return messages.slice(messages.findLastIndex(({ type }) => type === HANDSHAKE_TYPES.client_hello));
  }

  random(dir: 'c2s' | 's2c', handshake: number): Uint8Array {
    return this.message(dir === 'c2s' ? 'client_hello' : 'server_hello', dir, handshake)!.body.subarray(2, 34);
  }

  get connectionId(): Uint8Array | undefined {
    const { client_cid, server_cid } = this.recording;
    const id = this.role === 'client' ? client_cid : server_cid;
    return id === undefined ? undefined : fromHex(id);
  }

  get group(): GroupName {
    const exchange = this.message('server_key_exchange');
    return exchange === undefined
      ? 'secp256r1'
      : namedGroupByNumber(decoded(decodeEcdheServerKeyExchange(exchange.body)).group)!.name;
  }

  publicBytes(dir: 'c2s' | 's2c'): Uint8Array {
    return dir === 's2c'
      ? decoded(decodeEcdheServerKeyExchange(this.message('server_key_exchange')!.body)).publicBytes
      : decoded(decodeEcdheClientKeyExchange(this.message('client_key_exchange')!.body));
  }

  certificateOf(dir: 'c2s' | 's2c'): Uint8Array {
    const { body } = this.message('certificate', dir)!;
    return this.isRaw ? decoded(decodeRawPublicKey(body)) : decoded(decodeCertificateChain(body))[0]!;
  }

  get isRaw(): boolean {
    return this.recording.name.includes('rpk');
  }

  get cookie(): Uint8Array {
    return decoded(decodeHelloVerifyRequest(this.message('hello_verify_request')!.body)).cookie;
  }

  get sessionId(): Uint8Array {
    return decoded(decodeServerHello(this.message('server_hello')!.body)).sessionId;
  }
}

/** The randomness of the recorded side, and its secrets where they are not known. */
function recordedCrypto(recording: Recording): DtlsCrypto {
  const { role, own } = recording;
  const marks = { cookie: new Uint8Array(32).fill(0xc0), premaster: new Uint8Array(32).fill(0xbb) };
  const tagged = new Map<SecretKey, keyof typeof marks>();
  const sessionId = recording.sessionId.length > 0 ? recording.sessionId : new Uint8Array(32).fill(0x51);
  const randoms = recording.handshakes.map((_, handshake) => recording.random(own, handshake));
  const draws =
    role === 'client'
      ? randoms
      : [marks.cookie, marks.cookie, ...(recording.recording.ems ? [sessionId] : []), ...randoms];
  const ivs = recording.outgoing
    .filter(({ epoch }) => epoch === 1)
    .map(({ record, type }) => ivOf(record, type, recording));
  const master = fromHex(recording.recording.master_secret);
  let masterBlocks = 0;

  return {
    ...nodeCrypto,
    randomBytes(length) {
      if (length === 32) return (draws.shift() ?? nodeCrypto.randomBytes(32)).slice();
      if (length === recording.connectionId?.length) return recording.connectionId.slice();
      return (length === 16 ? ivs.shift() : undefined) ?? nodeCrypto.randomBytes(length);
    },
    importSecret(bytes) {
      const mark = (Object.keys(marks) as (keyof typeof marks)[]).find((name) => nodeCrypto.equal(marks[name], bytes));
      const key = nodeCrypto.importSecret(bytes);
      if (mark !== undefined) tagged.set(key, mark);
      return key;
    },
    hmac(name, key, bytes) {
      switch (tagged.get(key)) {
        case 'cookie':
          return recording.cookie.slice();
        case 'premaster':
          if (bytes.length !== MASTER_SECRET_BLOCK_INPUT) return new Uint8Array(32);
          // 48 bytes are a block and a half.
          return new Uint8Array([...master, ...master.subarray(0, 16)]).slice(
            32 * (masterBlocks % 2),
            32 * (masterBlocks++ % 2) + 32,
          );
        case undefined:
          return nodeCrypto.hmac(name, key, bytes);
      }
    },
    hash: (name, bytes) => nodeCrypto.hash(name, withRecordedMessages(recording, bytes)),
    sign() {
      const name = role === 'server' ? 'server_key_exchange' : 'certificate_verify';
      const { body } = recording.message(name, own)!;
      const signed = role === 'server' ? decodeEcdheServerKeyExchange(body) : decodeCertificateVerify(body);
      return decoded<{ readonly signature: Uint8Array }>(signed).signature.slice();
    },
    verify: (name, key, bytes, signature) =>
      nodeCrypto.verify(name, key, withRecordedMessages(recording, bytes), signature),
    generateEphemeral: (group) => ({
      group,
      privateKey: nodeCrypto.importSecret(new Uint8Array(16)),
      publicBytes: recording.publicBytes(own).slice(),
    }),
    agree: () => marks.premaster.slice(),
  };
}

/** The endpoint, as the recorded side was set up. */
function recordedEndpoint(recording: Recording): DtlsEndpoint {
  const { suite, role, group } = recording;
  return new DtlsEndpoint({
    crypto: recordedCrypto(recording),
    unixTime: () => NOW,
    parameters: {
      cipherSuites: [suite.name],
      groups: group === 'x25519' ? ['x25519', 'secp256r1'] : ['secp256r1'],
      connectionIdLength: recording.connectionId?.length ?? 'off',
      tickets: role === 'client',
    },
    ...(role === 'server' && { server: serverCredentials(recording) }),
  });
}

function serverCredentials(recording: Recording): ServerCredentials {
  const isCertified = recording.suite.keyExchange !== 'psk';
  const { privateKey } = PLACEHOLDER;
  return {
    ...(!isCertified
      ? { psk: {} }
      : recording.isRaw
        ? { rawPublicKey: { publicKey: recording.certificateOf('s2c'), privateKey } }
        : { certificate: { chain: [recording.certificateOf('s2c')], privateKey } }),
    clientAuthentication: recording.message('certificate_request') === undefined ? 'none' : 'required',
    clientCertificateTypes: ['rpk', 'x509'],
    trustAnchors: [],
  };
}

function recordedConnect(recording: Recording): ConnectOptions {
  const { privateKey } = PLACEHOLDER;
  if (recording.suite.keyExchange === 'psk') {
    return { credentials: { kind: 'psk', identity: RECORDED_IDENTITY, key: recordedKey() } };
  }
  const server = recording.certificateOf('s2c');
  if (recording.isRaw) {
    const own = { publicKey: recording.certificateOf('c2s'), privateKey };
    return { credentials: { kind: 'rpk', own, serverPublicKey: server } };
  }
  // This certificate and no other, whoever issued it: usage 3.
  return {
    credentials: { kind: 'x509', server: { usage: 3, certificate: server, matchingType: 0, trustAnchors: [] } },
  };
}

function recordedKey(): SecretKey {
  return nodeCrypto.importSecret(RECORDED_KEY);
}

/** Signs nothing: the recorded signatures stand in its place. */
const PLACEHOLDER = keyPair();

const PEER: RemoteAddress = { host: '127.0.0.1', port: 5684 };

/** The endpoint among what the other side sent, and what came of it. */
export class RecordedMeeting implements DtlsOutbox {
  readonly recording: Recording;
  readonly endpoint: DtlsEndpoint;
  /** Of the endpoint, in order. */
  readonly records: Uint8Array[] = [];
  readonly events: DtlsEvent[] = [];
  readonly delivered: Uint8Array[] = [];
  association: Association | undefined;
  /** Called as soon as an association is open. */
  onOpened: (association: Association) => void = () => {};
  readonly #cursor = new RecordCursor();
  readonly #unhandled: DtlsEvent[] = [];

  constructor(recording: Recording) {
    this.recording = recording;
    this.endpoint = recordedEndpoint(recording);
  }

  /** A client begins; a server waits. */
  begin(): void {
    if (this.recording.role === 'server') return;
    const session = this.association && this.endpoint.sessionOf(this.association);
    const options = { ...recordedConnect(this.recording), ...(session && { session }) };
    this.association = this.endpoint.connect(0, PEER, options, this);
    this.#settle();
  }

  arrive(datagram: Uint8Array): void {
    this.endpoint.handleDatagram(0, PEER, datagram.slice(), this);
    this.#settle();
  }

  /** Time passes until nothing is left to wait for. */
  finish(): void {
    for (const association of this.opened) this.endpoint.forget(association);
    for (let now = this.endpoint.nextDeadline(); now < Infinity; now = this.endpoint.nextDeadline()) {
      this.endpoint.handleTimeout(now, this);
      this.#settle();
    }
  }

  get opened(): readonly Association[] {
    return this.events.filter((event) => event.kind === 'opened').map(({ association }) => association);
  }

  transmit(_to: RemoteAddress, datagram: Uint8Array): void {
    const { client_cid = '', server_cid = '' } = this.recording.recording;
    this.#cursor.enter(datagram, (this.recording.role === 'server' ? client_cid : server_cid).length / 2);
    while (this.#cursor.next()) this.records.push(this.#cursor.record().slice());
  }
  deliver(_association: Association, plaintext: Uint8Array): void {
    this.delivered.push(plaintext.slice());
  }
  emit(event: DtlsEvent): void {
    this.events.push(event);
    this.#unhandled.push(event);
  }

  #settle(): void {
    for (let event = this.#unhandled.shift(); event !== undefined; event = this.#unhandled.shift()) {
      if (event.kind === 'lookup') {
        const isPsk = event.lookup.kind === 'psk';
        this.endpoint.answer(0, event.lookup, isPsk ? { kind: 'key', key: recordedKey() } : { kind: 'accepted' }, this);
      } else if (event.kind === 'opened') {
        this.association = event.association;
        this.onOpened(event.association);
      }
    }
  }
}

/** The transcript with our own messages as they were recorded; anything else as it is. */
function withRecordedMessages(recording: Recording, bytes: Uint8Array): Uint8Array {
  const ours = messagesIn(bytes);
  if (ours === undefined) return bytes;
  const random = bytes.subarray(FRAGMENT_HEADER_BYTES + 2, FRAGMENT_HEADER_BYTES + 34);
  const handshake = recording.handshakes.findIndex((_, index) =>
    nodeCrypto.equal(recording.random('c2s', index), random),
  );
  if (handshake === -1) return bytes;
  const joined: Uint8Array[] = [];
  let at = 0;
  let afterFinished = false;
  for (const message of recording.hashed(handshake)) {
    const isOwn = message.dir === recording.own;
    const isTicket = message.type === HANDSHAKE_TYPES.new_session_ticket;
    if (at === ours.length && !(isOwn && isTicket && afterFinished)) break;
    if (isOwn) {
      joined.push(encodeFragment(message, 0, message.body.length));
      if (ours[at]?.[0] === message.type) at++;
    } else {
      joined.push(ours[at++]!);
    }
    afterFinished = message.type === HANDSHAKE_TYPES.finished;
  }
  return at < ours.length ? bytes : Uint8Array.from(joined.flatMap((each) => [...each]));
}

/** Undefined: these bytes are no transcript. */
function messagesIn(bytes: Uint8Array): readonly Uint8Array[] | undefined {
  if (bytes[0] !== HANDSHAKE_TYPES.client_hello || bytes.length < FRAGMENT_HEADER_BYTES + 34) return undefined;
  const messages: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < FRAGMENT_HEADER_BYTES) return undefined;
    const end = at + FRAGMENT_HEADER_BYTES + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
    if (end > bytes.length) return undefined;
    messages.push(bytes.subarray(at, end));
    at = end;
  }
  return messages;
}

/** In front of the ciphertext of a CBC record. */
function ivOf(record: string, type: number, recording: Recording): Uint8Array | undefined {
  if (recording.suite.cipher !== 'aes-128-cbc-sha256') return undefined;
  const { client_cid = '', server_cid = '' } = recording.recording;
  const idLength = type === 25 ? (recording.role === 'client' ? server_cid : client_cid).length / 2 : 0;
  return fromHex(record).subarray(13 + idLength, 29 + idLength);
}
