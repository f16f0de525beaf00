import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { DropReason } from '../counters.ts';
import { encodePlaintextRecord, RecordCursor, VERSION_1_0, VERSION_1_2, writeHeader } from './record-header.ts';

interface Seen {
  readonly contentType: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly record: string;
  readonly fragment: string;
  readonly connectionId: string;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
}

function walk(datagram: Uint8Array, connectionIdLength: number): { seen: Seen[]; stopped: DropReason | undefined } {
  const cursor = new RecordCursor();
  cursor.enter(datagram, connectionIdLength);
  const seen: Seen[] = [];
  while (cursor.next()) {
    const { contentType, epoch, sequence } = cursor;
    seen.push({
      contentType,
      epoch,
      sequence,
      record: hex(cursor.record()),
      fragment: hex(cursor.fragment()),
      connectionId: hex(cursor.connectionId()),
    });
  }
  assert.equal(cursor.next(), false);
  return { seen, stopped: cursor.stopped };
}

describe('the records of a datagram (RFC 6347 §4.1)', () => {
  it('one after the other, with and without a Connection ID (RFC 9146 §4)', () => {
    const plain = bytesOf('16fefd 0000 000000000005 0003 010203');
    const withId = bytesOf('19fefd 0001 ffffffffffff cafe 0002 0405');
    const { seen, stopped } = walk(Uint8Array.from([...plain, ...withId]), 2);
    assert.equal(stopped, undefined);
    assert.deepEqual(seen, [
      { contentType: 22, epoch: 0, sequence: 5, record: hex(plain), fragment: '010203', connectionId: '' },
      {
        contentType: 25,
        epoch: 1,
        sequence: 2 ** 48 - 1,
        record: hex(withId),
        fragment: '0405',
        connectionId: 'cafe',
      },
    ]);
  });

  it('none at all in an empty datagram', () =>
    assert.deepEqual(walk(new Uint8Array(0), 6), { seen: [], stopped: undefined }));

  it('an empty fragment is one', () => {
    const { seen, stopped } = walk(bytesOf('17fefd 0001 000000000000 0000'), 0);
    assert.deepEqual([seen.length, stopped], [1, undefined]);
  });

  const STOPS: readonly { what: string; datagram: string; idLength?: number; reason: DropReason }[] = [
    { what: 'a keepalive of one byte', datagram: '00', reason: 'short-record' },
    { what: 'a header cut off', datagram: '16fefd 0000 000000000005 00', reason: 'short-record' },
    { what: 'a Connection ID cut off', datagram: '19fefd 0001 000000000005 cafe', idLength: 6, reason: 'short-record' },
    {
      what: 'a length cut off behind a Connection ID',
      datagram: '19fefd 0001 000000000005 cafe 00',
      idLength: 2,
      reason: 'short-record',
    },
    { what: 'a fragment cut off', datagram: '16fefd 0000 000000000005 0003 0102', reason: 'record-length' },
    {
      what: 'a length above 2^14 + 2048',
      datagram: `16fefd 0000 000000000005 4801 ${'00'.repeat(0x4801)}`,
      reason: 'record-length',
    },
    { what: 'an unknown version', datagram: '160303 0000 000000000005 0000', reason: 'unknown-version' },
    {
      what: 'a version of TLS with another first byte',
      datagram: '16ff00 0000 000000000005 0000',
      reason: 'unknown-version',
    },
    { what: 'version fe00 in epoch 1', datagram: '17fe00 0001 000000000005 0000', reason: 'unknown-version' },
    { what: 'version 1.0 in epoch 1', datagram: '17feff 0001 000000000005 0000', reason: 'unknown-version' },
    { what: 'heartbeat', datagram: '18fefd 0000 000000000005 0000', reason: 'unknown-content-type' },
    { what: 'a CoAP message', datagram: '44016b0001020304b472642f61a0c2ff00', reason: 'unknown-content-type' },
    {
      what: 'the unified header of DTLS 1.3',
      datagram: '2f0001000c000000000000000000000000',
      reason: 'unknown-content-type',
    },
    {
      what: 'a Connection ID where none is used',
      datagram: '19fefd 0001 000000000005 0000',
      reason: 'connection-id-unexpected',
    },
    {
      what: 'a Connection ID in epoch 0',
      datagram: '19fefd 0000 000000000005 cafe 0000',
      idLength: 2,
      reason: 'connection-id-unexpected',
    },
  ];
  for (const { what, datagram, idLength = 0, reason } of STOPS) {
    it(`${what} ends the walk: ${reason}`, () =>
      assert.deepEqual(walk(bytesOf(datagram), idLength), { seen: [], stopped: reason }));

    it(`${what} after a record leaves that record`, () => {
      const { seen, stopped } = walk(bytesOf(`15fefd 0000 000000000000 0002 0100 ${datagram}`), idLength);
      assert.deepEqual([seen.length, stopped], [1, reason]);
    });
  }

  // fe00 was seen on the wire from Mbed TLS 2.28.3, in Anjay 3.14: a ClientHello of 1.2 in such a record.
  for (const version of [VERSION_1_0, 0xfe00, 0xfefe, 0xfefc]) {
    it(`version ${version.toString(16)} is read in epoch 0 (RFC 6347 §4.2.1, RFC 5246 §E.1)`, () => {
      assert.equal(walk(encodePlaintextRecord(22, 0, new Uint8Array(3), version), 6).stopped, undefined);
    });
  }

  it('a length of exactly 2^14 + 2048 is read', () => {
    assert.equal(walk(bytesOf(`17fefd 0001 000000000005 4800 ${'00'.repeat(0x4800)}`), 0).stopped, undefined);
  });

  it('what was written is read again, whatever the fields', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(20, 21, 22, 23, 25),
        fc.integer({ min: 1, max: 0xffff }),
        fc.oneof(fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.constantFrom(2 ** 32 - 1, 2 ** 32, 2 ** 47, 2 ** 48 - 1)),
        fc.uint8Array({ minLength: 1, maxLength: 255 }),
        fc.uint8Array({ maxLength: 40 }),
        (contentType, epoch, sequence, id, fragment) => {
          const idLength = contentType === 25 ? id.length : 0;
          const record = new Uint8Array(13 + idLength + fragment.length);
          const at = writeHeader(record, contentType, epoch, sequence, contentType === 25 ? id : undefined);
          assert.equal(at, 13 + idLength);
          record.set(fragment, at);
          const { seen, stopped } = walk(record, id.length);
          assert.equal(stopped, undefined);
          assert.deepEqual(seen, [
            {
              contentType,
              epoch,
              sequence,
              record: hex(record),
              fragment: hex(fragment),
              connectionId: contentType === 25 ? hex(id) : '',
            },
          ]);
        },
      ),
    );
  });

  it('any bytes, with any length of Connection ID, are walked over without an exception and to an end', () => {
    const almost = fc
      .tuple(
        fc.constantFrom(20, 21, 22, 23, 25),
        fc.constantFrom(VERSION_1_0, VERSION_1_2),
        fc.uint8Array({ maxLength: 60 }),
      )
      .map(([type, version, rest]) => Uint8Array.from([type, version >> 8, version & 255, ...rest]));
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 80 }), almost),
        fc.integer({ min: 0, max: 20 }),
        (datagram, length) => {
          const { seen } = walk(datagram, length);
          assert.ok(seen.length <= datagram.length / 13);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('the cursor can be used for the next datagram', () => {
    const cursor = new RecordCursor();
    cursor.enter(bytesOf('00'), 0);
    assert.equal(cursor.next(), false);
    assert.equal(cursor.stopped, 'short-record');
    cursor.enter(encodePlaintextRecord(21, 3, bytesOf('0100')), 0);
    assert.equal(cursor.stopped, undefined);
    assert.ok(cursor.next());
    assert.deepEqual([cursor.contentType, cursor.version, cursor.sequence], [21, VERSION_1_2, 3]);
  });
});
