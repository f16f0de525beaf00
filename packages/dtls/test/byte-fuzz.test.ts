/**
 * The recorded handshakes with their bytes changed on the way: bits flipped, records cut short, lengthened, left out,
 * doubled, swapped and made up. Nothing throws, nothing opens that should not, nothing is delivered that was not sent, and
 * nothing is left. Each run is reproduced by its seed.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONTENT_TYPES } from '../src/record/content-type-table.ts';
import { leftovers, NOTHING_LEFT } from './endpoint-fixture.ts';
import { RecordedMeeting, Recording } from './recorded-peer.ts';
import { seededRandom } from './seeded.ts';
import type { Seeded } from './seeded.ts';
import { contentOf, contentTypeOf, fromHex, toHex, TRANSCRIPTS } from './transcripts.ts';
import type { RecordedRecord } from './transcripts.ts';

const RUNS_PER_SIDE = 150;
const HANDSHAKE_MESSAGE_TYPES = { clientHello: 1, helloVerifyRequest: 3 };

/** A record of the recording, changed or not. */
interface Arriving {
  readonly bytes: Uint8Array;
  /** Which one it was made from; undefined: none. */
  readonly source: number | undefined;
}

/** Records without which the handshake cannot complete. */
function neededFor(recording: Recording): ReadonlySet<number> {
  const needed = new Set<number>();
  let isOver = false;
  let hellos = 0;
  for (const [index, record] of recording.incoming.entries()) {
    if (isOver) break;
    const contentType = contentTypeOf(record);
    if (contentType !== CONTENT_TYPES.handshake && contentType !== CONTENT_TYPES.changeCipherSpec) continue;
    const type = contentType === CONTENT_TYPES.handshake && record.epoch === 0 ? contentOf(record)[0] : undefined;
    // A client gets along without a cookie exchange, and a server without the first ClientHello.
    const isOptional =
      type === HANDSHAKE_MESSAGE_TYPES.helloVerifyRequest ||
      (type === HANDSHAKE_MESSAGE_TYPES.clientHello && hellos++ === 0);
    if (!isOptional) needed.add(index);
    isOver = record.epoch === 1;
  }
  return needed;
}

/** In epoch 0 nothing authenticates version and sequence number of a record. */
function isIntact(changed: Uint8Array, original: Uint8Array): boolean {
  if (changed.length < original.length) return false;
  const isProtected = original[4] === 1;
  return original.every(
    (byte, at) => byte === changed[at] || (!isProtected && (at === 1 || at === 2 || (at > 4 && at < 11))),
  );
}

/** One to four changes. */
function changed(records: readonly Uint8Array[], random: Seeded): readonly Arriving[] {
  const stream: Arriving[] = records.map((bytes, source) => ({ bytes: bytes.slice(), source }));
  for (let changes = 1 + random.integer(4); changes > 0 && stream.length > 0; changes--) {
    const at = random.integer(stream.length);
    const { bytes, source } = stream[at]!;
    switch (random.integer(8)) {
      case 0:
      case 1:
        for (let flips = 1 + random.integer(3); flips > 0; flips--) {
          bytes[random.integer(bytes.length)]! ^= 1 << random.integer(8);
        }
        break;
      case 2:
        stream[at] = { bytes: bytes.slice(0, random.integer(bytes.length)), source };
        break;
      case 3:
        stream[at] = { bytes: Uint8Array.from([...bytes, ...noise(random, 1 + random.integer(40))]), source };
        break;
      case 4:
        stream.splice(at, 1);
        break;
      case 5:
        stream.splice(random.integer(stream.length), 0, { bytes: bytes.slice(), source });
        break;
      case 6: {
        const other = random.integer(stream.length);
        [stream[at], stream[other]] = [stream[other]!, stream[at]!];
        break;
      }
      default:
        stream.splice(at, 0, { bytes: madeUp(bytes, random), source: undefined });
    }
  }
  return stream;
}

function noise(random: Seeded, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.integer(256));
}

/** Noise behind a header that is nearly right. */
function madeUp(like: Uint8Array, random: Seeded): Uint8Array {
  const bytes = noise(random, 26 + random.integer(120));
  bytes.set(like.subarray(0, Math.min(13, like.length)));
  bytes[0] = 20 + random.integer(6);
  bytes[11] = 0;
  bytes[12] = bytes.length - 13;
  if (random.chance(0.5)) bytes.set(like.subarray(13, 25), 13);
  return bytes;
}

function isData(record: RecordedRecord): boolean {
  return record.epoch === 1 && contentTypeOf(record) === CONTENT_TYPES.applicationData;
}

describe('recorded handshakes with changed bytes', () => {
  for (const [number, file] of TRANSCRIPTS.entries()) {
    for (const role of ['server', 'client'] as const) {
      it(`${file.name}: a ${role} survives ${RUNS_PER_SIDE} of them`, () => {
        const recording = new Recording(file, role);
        // One handshake of a recording that has two.
        const end = recording.incoming.findIndex(({ epoch, seq }, index) => index > 0 && epoch === 0 && seq === 0);
        const incoming = end === -1 ? recording.incoming : recording.incoming.slice(0, end);
        const records = incoming.map(({ record }) => fromHex(record));
        const needed = neededFor(recording);
        const sent = incoming.filter(isData).map((record) => toHex(contentOf(record)));
        let opened = 0;
        for (let run = 0; run < RUNS_PER_SIDE; run++) {
          const seed = 1 + run + RUNS_PER_SIDE * (2 * number + (role === 'client' ? 1 : 0));
          const random = seededRandom(seed);
          const stream = changed(records, random);
          const meeting = new RecordedMeeting(recording);
          meeting.begin();
          for (const { bytes } of stream) meeting.arrive(bytes);

          const intact = new Set(
            stream
              .filter(({ bytes, source }) => source !== undefined && isIntact(bytes, records[source]!))
              .map(({ source }) => source),
          );
          const mayOpen = [...needed].every((index) => intact.has(index));
          if (!mayOpen) assert.equal(meeting.opened.length, 0, `seed ${seed}`);
          opened += meeting.opened.length;
          // Each of what was sent at most once.
          const left = [...sent];
          for (const data of meeting.delivered.map(toHex)) {
            const at = left.indexOf(data);
            assert.ok(at >= 0, `seed ${seed}: delivered ${data}`);
            left.splice(at, 1);
          }
          meeting.finish();
          assert.deepEqual(leftovers(meeting), NOTHING_LEFT, `seed ${seed}`);
        }
        // Some changes do no harm: the test is worth nothing if none ever opens.
        assert.ok(opened > RUNS_PER_SIDE / 20, `${opened} opened`);
        assert.ok(opened < RUNS_PER_SIDE, `${opened} opened`);
      });
    }
  }
});
