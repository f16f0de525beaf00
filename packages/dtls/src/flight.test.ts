import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { transmitFlight } from './flight.ts';
import type { RecordSource } from './flight.ts';
import type { FlightItem } from './handshake/handshake.ts';
import { Reassembler } from './handshake/reassembler.ts';
import { DEFAULT_DTLS_PARAMETERS } from './parameters.ts';

const OVERHEAD = { 0: 13, 1: 35 } as const;
const CCS = 20;
const HANDSHAKE = 22;

/** Records of a made-up layout: type, epoch, length, filler up to the overhead, content. */
const source: RecordSource = {
  overhead: (epoch) => OVERHEAD[epoch],
  seal(epoch, kind, content) {
    const record = new Uint8Array(OVERHEAD[epoch] + content.length);
    record.set([kind === 'handshake' ? HANDSHAKE : CCS, epoch, content.length >>> 8, content.length & 0xff]);
    record.set(content, OVERHEAD[epoch]);
    return record;
  },
};

const message = (type: number, messageSeq: number, length: number, epoch: 0 | 1 = 0): FlightItem => ({
  kind: 'message',
  epoch,
  message: { type, messageSeq, body: Uint8Array.from({ length }, (_, index) => (index * 7 + type) & 0xff) },
});

function datagramsOf(items: readonly FlightItem[], maxDatagramBytes: number, maxFragmentLength = 16_384): Uint8Array[] {
  const datagrams: Uint8Array[] = [];
  transmitFlight(items, source, { maxDatagramBytes, maxFragmentLength }, (datagram) => datagrams.push(datagram));
  return datagrams;
}

function recordsOf(datagram: Uint8Array): { kind: number; epoch: 0 | 1; content: Uint8Array }[] {
  const records = [];
  for (let at = 0; at < datagram.length;) {
    const epoch = datagram[at + 1] === 1 ? 1 : 0;
    const end = at + OVERHEAD[epoch] + ((datagram[at + 2]! << 8) | datagram[at + 3]!);
    records.push({ kind: datagram[at]!, epoch, content: datagram.subarray(at + OVERHEAD[epoch], end) } as const);
    at = end;
  }
  return records;
}

describe('transmitFlight (RFC 6347 §4.2.3)', () => {
  it('puts a small flight into one datagram, one message per record', () => {
    const datagrams = datagramsOf([message(16, 2, 10), { kind: 'changeCipherSpec' }, message(20, 3, 12, 1)], 1200);
    assert.equal(datagrams.length, 1);
    assert.deepEqual(
      recordsOf(datagrams[0]!).map(({ kind, epoch, content }) => [kind, epoch, content.length]),
      [
        [HANDSHAKE, 0, 22],
        [CCS, 0, 1],
        [HANDSHAKE, 1, 24],
      ],
    );
  });

  for (const maxDatagramBytes of [192, 256, 300, 512, 1200]) {
    for (const maxFragmentLength of [512, 16_384]) {
      it(`fits into ${maxDatagramBytes} bytes and fragments of ${maxFragmentLength}, and reassembles`, () => {
        const items = [message(2, 0, 90), message(11, 1, 3_000), message(12, 2, 148), message(14, 3, 0)];
        const datagrams = datagramsOf(items, maxDatagramBytes, maxFragmentLength);
        const reassembler = new Reassembler(0, DEFAULT_DTLS_PARAMETERS);
        for (const datagram of datagrams) {
          assert.ok(datagram.length <= maxDatagramBytes);
          for (const { content } of recordsOf(datagram)) {
            assert.ok(content.length <= maxFragmentLength);
            assert.equal(reassembler.addRecord(content, 0), 'accepted');
          }
        }
        for (const item of items) {
          assert.ok(item.kind === 'message');
          const { type, messageSeq, body } = reassembler.next()!;
          assert.deepEqual({ type, messageSeq, body }, item.message);
        }
        const total = 90 + 3_000 + 148;
        assert.ok(
          datagrams.length <= Math.ceil(total / (maxDatagramBytes - 13 - 12 - 48)) + 1,
          'no datagram is wasted',
        );
      });
    }
  }

  it('stops adding records when the sequence numbers are used up', () => {
    const datagrams: Uint8Array[] = [];
    transmitFlight(
      [message(20, 3, 12, 1)],
      { ...source, seal: () => undefined },
      { maxDatagramBytes: 1200, maxFragmentLength: 16_384 },
      (datagram) => datagrams.push(datagram),
    );
    assert.deepEqual(datagrams, []);
  });
});
