/**
 * The recorded handshakes of `vectors.json`, replayed: the endpoint in the place of the server against what the client
 * sent, and in the place of the client against what the server sent.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeCrypto } from '@lapwing/transport';
import { decodeFragment } from '../src/handshake/fragment-codec.ts';
import { HANDSHAKE_TYPES } from '../src/handshake/handshake-type-table.ts';
import { decodeClientHello, decodeHelloVerifyRequest, decodeServerHello } from '../src/handshake/hello-codec.ts';
import { decodeEcdheServerKeyExchange } from '../src/handshake/key-exchange-codec.ts';
import { Reassembler } from '../src/handshake/reassembler.ts';
import { deriveKeys } from '../src/key-schedule.ts';
import { isMalformed } from '../src/malformed.ts';
import { DEFAULT_DTLS_PARAMETERS } from '../src/parameters.ts';
import { CONTENT_TYPES } from '../src/record/content-type-table.ts';
import { createProtection } from '../src/record/create-protection.ts';
import type { Protection } from '../src/record/protection.ts';
import { leftovers, NOTHING_LEFT } from './endpoint-fixture.ts';
import { RECORDED_IDENTITY, RecordedMeeting, Recording } from './recorded-peer.ts';
import type { RecordedRole } from './recorded-peer.ts';
import { contentOf, contentTypeOf, fromHex, toHex, TRANSCRIPTS } from './transcripts.ts';
import type { RecordedRecord } from './transcripts.ts';

const CLOSE_NOTIFY = '0100';

/** Opens what the endpoint seals in the last handshake, with the keys of the recording. */
function ownProtection(recording: Recording): Protection {
  const { suite, role, recording: file } = recording;
  const last = recording.handshakes.length - 1;
  const { client, server } = deriveKeys(
    nodeCrypto.importSecret(fromHex(file.master_secret)),
    recording.random('c2s', last),
    recording.random('s2c', last),
    suite,
    nodeCrypto,
  );
  return createProtection(
    {
      suite,
      client,
      server,
      encryptThenMac: file.etm,
      clientToServerId: file.server_cid === undefined ? undefined : fromHex(file.server_cid),
      serverToClientId: file.client_cid === undefined ? undefined : fromHex(file.client_cid),
      maxFragmentLength: 2 ** 14,
    },
    role,
    nodeCrypto,
  );
}

const isFirst = (record: Uint8Array): boolean => record.subarray(3, 11).every((byte) => byte === 0);

/** The plaintext messages of the endpoint's last handshake, by type. */
function ownMessages(records: readonly Uint8Array[]): ReadonlyMap<number, Uint8Array> {
  const reassembler = new Reassembler(0, DEFAULT_DTLS_PARAMETERS);
  const bodies = new Map<number, Uint8Array>();
  for (const record of records.slice(records.findLastIndex(isFirst))) {
    if (record[0] !== CONTENT_TYPES.handshake || record[4] !== 0) continue;
    reassembler.addRecord(record.subarray(13), 0);
    for (let message = reassembler.next(); message !== undefined; message = reassembler.next()) {
      bodies.set(message.type, message.body);
    }
  }
  return bodies;
}

/** What of a message does not depend on the taste of an implementation. */
function essence(type: number, body: Uint8Array): unknown {
  switch (type) {
    case HANDSHAKE_TYPES.client_hello: {
      const hello = decodeClientHello(body);
      if (isMalformed(hello)) return hello;
      const { connectionId, extendedMasterSecret } = hello.extensions;
      return [hello.version, hello.random, hello.sessionId, hello.cookie, connectionId, extendedMasterSecret ?? true];
    }
    case HANDSHAKE_TYPES.hello_verify_request: {
      const request = decodeHelloVerifyRequest(body);
      return isMalformed(request) ? request : request.cookie;
    }
    case HANDSHAKE_TYPES.server_hello: {
      const hello = decodeServerHello(body);
      if (isMalformed(hello)) return hello;
      const { connectionId, extendedMasterSecret, encryptThenMac, ...rest } = hello.extensions;
      const types = [rest.clientCertificateTypes, rest.serverCertificateTypes];
      return [
        hello.version,
        hello.random,
        hello.cipherSuite,
        connectionId,
        extendedMasterSecret,
        encryptThenMac,
        types,
      ];
    }
    case HANDSHAKE_TYPES.server_key_exchange: {
      const exchange = decodeEcdheServerKeyExchange(body);
      return isMalformed(exchange) ? exchange : [exchange.group, exchange.publicBytes, exchange.signature];
    }
    default:
      return toHex(body);
  }
}

const isData = (record: RecordedRecord): boolean =>
  record.epoch === 1 && contentTypeOf(record) === CONTENT_TYPES.applicationData;

/** Recordings whose protected records came out byte for byte. */
let exact = 0;

describe('recorded handshakes (Mbed TLS 3.6.6, GnuTLS 3.7.9)', () => {
  for (const file of TRANSCRIPTS) {
    for (const role of ['server', 'client'] as const satisfies readonly RecordedRole[]) {
      it(`${file.name}: a ${role} in place of the recorded one completes, reads every record and writes what it wrote`, () => {
        const recording = new Recording(file, role);
        const meeting = new RecordedMeeting(recording);
        const lastBegins = recording.outgoing.findLastIndex(({ epoch, seq }) => epoch === 0 && seq === 0);
        const data = recording.outgoing.slice(lastBegins).filter(isData);
        meeting.onOpened = (association) => {
          if (meeting.opened.length < recording.handshakes.length) return;
          for (const record of data) meeting.endpoint.send(0, association, contentOf(record), meeting);
        };
        meeting.begin();
        for (const [index, { record, epoch, seq }] of recording.incoming.entries()) {
          // The answer to a second connection.
          if (index > 0 && epoch === 0 && seq === 0) meeting.begin();
          meeting.arrive(fromHex(record));
        }

        const opened = meeting.events.filter((event) => event.kind === 'opened');
        assert.deepEqual(
          opened.map(({ resumed }) => resumed),
          file.resumed ? [false, true] : [false],
        );
        const { principal } = opened.at(-1)!.association;
        if (recording.suite.keyExchange === 'psk') {
          assert.deepEqual(principal, { kind: 'psk', identity: RECORDED_IDENTITY });
        } else {
          const isProven = role === 'client' || recording.isRaw;
          assert.equal(principal?.kind, isProven ? (recording.isRaw ? 'rpk' : 'x509') : 'anonymous');
        }
        assert.deepEqual(
          meeting.delivered.map(toHex),
          recording.incoming.filter(isData).map((record) => toHex(contentOf(record))),
        );
        const closings = recording.incoming.filter(
          (record) => contentTypeOf(record) === CONTENT_TYPES.alert && toHex(contentOf(record)) === CLOSE_NOTIFY,
        );
        assert.equal(meeting.endpoint.counters.closed['peer-closed'] ?? 0, closings.length);
        assert.deepEqual(meeting.endpoint.counters.dropped, {});

        const own = ownMessages(meeting.records);
        const last = recording.handshakes.at(-1)!;
        for (const { type, dir, body, epoch } of last) {
          if (dir !== recording.own || epoch === 1 || type === HANDSHAKE_TYPES.new_session_ticket) continue;
          if (type === HANDSHAKE_TYPES.client_hello && body !== last[2]!.body) continue;
          assert.deepEqual(essence(type, own.get(type)!), essence(type, body), `message ${type}`);
        }

        // Finished and data, under the keys of the recording; byte for byte where nothing else can be.
        const protection = ownProtection(recording);
        const readable = meeting.records
          .map((record) => ({ record, opened: protection.open(record) }))
          .filter(({ opened }) => opened !== undefined);
        const finished = decodeFragment(readable[0]!.opened!.content, 0);
        assert.ok(!isMalformed(finished));
        assert.equal(finished.type, HANDSHAKE_TYPES.finished);
        const recorded = last.find(({ type, dir }) => type === HANDSHAKE_TYPES.finished && dir === recording.own)!;
        assert.equal(toHex(finished.bytes), toHex(recorded.body));
        const sent = readable.slice(1, 1 + data.length);
        assert.deepEqual(
          sent.map(({ opened }) => toHex(opened!.content)),
          data.map((record) => toHex(contentOf(record))),
        );
        // Mbed TLS fills records with a Connection ID up, and has cut a Finished in two.
        const isExact = file.client_cid === undefined && data[0]?.seq === 1;
        if (isExact) {
          exact++;
          assert.deepEqual(
            sent.map(({ record }) => toHex(record)),
            data.map(({ record }) => record),
          );
        }
        if (file.client_cid === undefined && finished.messageSeq === recorded.messageSeq && isExact) {
          const inFile = recording.outgoing.find(({ epoch, seq }) => epoch === 1 && seq === 0)!;
          assert.equal(toHex(readable[0]!.record), inFile.record);
        }
        meeting.finish();
        assert.deepEqual(leftovers(meeting), NOTHING_LEFT);
      });
    }
  }

  it('protected records came out byte for byte where no padding and no cut is a matter of taste', () => {
    assert.equal(exact, 7);
  });
});
