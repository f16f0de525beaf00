import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromHex, messageOf, rowOf, title, toHex, vectorsOf } from '../test/vectors.ts';
import { Codes, code } from './code-table.ts';
import { UsageError } from './errors.ts';
import { decodeMessage, encodeMessage, encodedLength, isMalformedMessage, messageIdOf } from './message-codec.ts';
import type { MalformedReason } from './message-codec.ts';
import { MessageType, messageId } from './message.ts';
import type { Message } from './message.ts';

const VECTORS = [...vectorsOf('coap'), ...vectorsOf('coap-lwm2m')];

/**
 * Vectors that this codec takes although their source rejects them: Wakaama calls a Content-Format of three bytes a
 * format error. RFC 7252 §5.4.3 makes it an unrecognised option, which is elective and thus ignored (§5.4.1); see
 * `option-access.test.ts`.
 */
const TAKEN = new Set(['coap/w-cf-3bytes']);

const bytes = (text: string): Uint8Array => fromHex(text.replace(/[\s|]/g, ''));
const decoded = (datagram: Uint8Array): Message => {
  const message = decodeMessage(datagram);
  assert.ok(!isMalformedMessage(message), toHex(datagram));
  return message;
};

describe('CoAP vectors (RFC 7252 §3)', () => {
  for (const vector of VECTORS) {
    const datagram = bytes(vector.hex!);
    const { coap, error } = vector.expected;
    if (coap !== undefined) {
      it(`decodes ${title(vector)}`, () => assert.deepEqual(rowOf(decoded(datagram)), coap));
      it(`encodes ${title(vector)}`, () => assert.equal(toHex(encodeMessage(messageOf(coap))), vector.hex));
    } else if (TAKEN.has(vector.id)) {
      it(`takes ${title(vector)}`, () => assert.equal(toHex(encodeMessage(decoded(datagram))), vector.hex));
    } else {
      assert.equal(error, 'format', vector.id);
      it(`rejects ${title(vector)}`, () => assert.ok(isMalformedMessage(decodeMessage(datagram))));
    }
    it(`takes or rejects every truncation of ${vector.id} without throwing, and writes back what it takes`, () => {
      for (let length = 0; length < datagram.length; length++) {
        const message = decodeMessage(datagram.subarray(0, length));
        if (isMalformedMessage(message)) continue;
        assert.equal(toHex(encodeMessage(message)), toHex(datagram.subarray(0, length)));
      }
    });
  }
});

describe('malformed datagrams (RFC 7252 §3, §4.2, §4.3)', () => {
  const ROWS: readonly (readonly [hex: string, reason: MalformedReason, reaction: 'reset' | 'ignore'])[] = [
    ['', 'too-short', 'ignore'],
    ['40', 'too-short', 'ignore'],
    ['40 01 00', 'too-short', 'ignore'],
    ['00 01 0001', 'unknown-version', 'ignore'],
    ['80 01 0001', 'unknown-version', 'ignore'],
    ['c0 01 0001', 'unknown-version', 'ignore'],
    ['49 01 0001 0000000000000000 00', 'token-too-long', 'reset'],
    ['5f 01 0001 000000000000000000000000000000', 'token-too-long', 'ignore'],
    ['48 01 0001 00000000000000', 'too-short', 'reset'],
    ['51 01 0001', 'too-short', 'ignore'],
    ['41 00 0001 aa', 'empty-message-with-content', 'reset'],
    ['41 00 0001', 'empty-message-with-content', 'reset'],
    ['40 00 0001 ff', 'empty-message-with-content', 'reset'],
    ['60 00 0001 c0', 'empty-message-with-content', 'ignore'],
    ['70 00 0001 c0', 'empty-message-with-content', 'ignore'],
    ['50 00 0001', 'empty-non-confirmable', 'ignore'],
    ['40 20 0001', 'reserved-code-class', 'reset'],
    ['50 3f 0001', 'reserved-code-class', 'ignore'],
    ['40 c1 0001', 'reserved-code-class', 'reset'],
    ['60 e1 0001', 'reserved-code-class', 'ignore'],
    ['60 01 0001', 'acknowledgement-with-request', 'ignore'],
    ['70 45 0001', 'reset-with-content', 'ignore'],
    ['40 01 0001 f0', 'reserved-option-nibble', 'reset'],
    ['40 01 0001 0f', 'reserved-option-nibble', 'reset'],
    ['60 45 0001 fe', 'reserved-option-nibble', 'ignore'],
    ['40 01 0001 b4 616263', 'truncated-option', 'reset'],
    ['40 01 0001 d0', 'truncated-option', 'reset'],
    ['40 01 0001 e0 00', 'truncated-option', 'reset'],
    ['40 01 0001 0d', 'truncated-option', 'reset'],
    ['40 01 0001 0e 00', 'truncated-option', 'reset'],
    ['40 01 0001 de 00 00', 'truncated-option', 'reset'],
    ['50 01 0001 bd 00', 'truncated-option', 'ignore'],
    ['40 01 0001 e0 ffff', 'option-number-too-large', 'reset'],
    ['40 01 0001 e0 fef2 10', 'option-number-too-large', 'reset'],
    ['40 01 0001 ff', 'empty-payload-after-marker', 'reset'],
    ['50 45 0001 c0 ff', 'empty-payload-after-marker', 'ignore'],
  ];
  for (const [hex, malformed, reaction] of ROWS) {
    it(`${malformed} in "${hex}": ${reaction}`, () =>
      assert.deepEqual(decodeMessage(bytes(hex)), { malformed, reaction }));
  }

  it('rejects with the same frozen value each time, so that rejecting allocates nothing', () => {
    const first = decodeMessage(bytes('40 01 0001 f0'));
    assert.equal(decodeMessage(bytes('42 02 9999 0102 0f')), first);
    assert.ok(Object.isFrozen(first));
  });

  it('reads the Message ID of a malformed datagram, which the Reset needs (§4.2)', () => {
    assert.equal(messageIdOf(bytes('40 01 beef f0')), 0xbeef);
  });
});

describe('options that need extension bytes (RFC 7252 §3.1)', () => {
  const lengths = [0, 1, 12, 13, 14, 268, 269, 270, 1034, 65_804];
  const numbers = [0, 1, 12, 13, 268, 269, 270, 65_535];
  for (const number of numbers) {
    it(`option ${number} comes back whatever its length`, () => {
      for (const length of lengths) {
        const value = new Uint8Array(length).fill(0x61);
        const datagram = encodeMessage(message({ options: [{ number, value }] }));
        const [option, ...others] = decoded(datagram).options;
        assert.deepEqual(others, []);
        assert.equal(option?.number, number);
        assert.deepEqual(option.value, value);
      }
    });
  }

  it('takes a delta and a length of two bytes each', () => {
    const { options } = decoded(bytes(`40 01 0001 ee 0001 0000 ${'61'.repeat(269)}`));
    assert.deepEqual(
      options.map(({ number, value }) => [number, value.length]),
      [[270, 269]],
    );
  });
});

describe('encoding (RFC 7252 §3)', () => {
  it('gives a buffer of exactly the message, backed by no larger one', () => {
    const datagram = encodeMessage(message({ token: bytes('0102'), payload: bytes('aabb') }));
    assert.equal(toHex(datagram), '420100010102ffaabb');
    assert.equal(datagram.buffer.byteLength, datagram.length);
    assert.equal(encodedLength(message({ token: bytes('0102'), payload: bytes('aabb') })), datagram.length);
  });

  it('does not change when the datagram it was decoded from does', () => {
    const original = bytes('42 01 0001 0102 b1 33 ff aabb');
    const copy = encodeMessage(decoded(original));
    original.fill(0);
    assert.equal(toHex(copy), '420100010102b133ffaabb');
  });

  const token = new Uint8Array(9);
  const option = (number: number, length = 0) => ({ number, value: new Uint8Array(length) });
  const MISUSED: readonly (readonly [string, Partial<Message>])[] = [
    ['a token of 9 bytes', { token }],
    ['options out of order', { options: [option(12), option(11)] }],
    ['an option number above 65535', { options: [option(65_536)] }],
    ['an option of 65805 bytes', { options: [option(1, 65_805)] }],
  ];
  for (const [what, part] of MISUSED) {
    it(`refuses ${what} with UsageError`, () => assert.throws(() => encodeMessage(message(part)), UsageError));
  }
});

describe('whatever the bytes', () => {
  const SEED = 0x2545_f491;

  it('120,000 seeded datagrams, random and mutated vectors, never throw; those taken are written back as they were', () => {
    const random = mulberry32(SEED);
    const whole = VECTORS.map((vector) => bytes(vector.hex!));
    let taken = 0;
    for (let round = 0; round < 120_000; round++) {
      const datagram = round % 3 === 0 ? noise(random) : mutated(whole[round % whole.length]!, random);
      const context = `seed ${SEED}, round ${round}: ${toHex(datagram)}`;
      const message = decodeMessage(datagram);
      if (isMalformedMessage(message)) continue;
      taken++;
      // Delta and length have one encoding each, so what was taken is written back byte for byte.
      assert.ok(same(encodeMessage(message), datagram), context);
    }
    assert.ok(taken > 20_000, `only ${taken} datagrams were messages: the run says too little`);
  });
});

const message = (part: Partial<Message> = {}): Message => ({
  type: MessageType.confirmable,
  code: Codes.get,
  messageId: messageId(1),
  token: new Uint8Array(0),
  options: [],
  payload: new Uint8Array(0),
  ...part,
});

it('codes of unknown detail pass: what they mean is decided above (RFC 7252 §5.8, §5.9)', () => {
  assert.equal(decoded(bytes('40 1f 0001')).code, code(0, 31));
  assert.equal(decoded(bytes('60 5e 0001')).code, code(2, 30));
});

type Random = (below: number) => number;

function mulberry32(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Half of it starts like a message, so that the options are reached. */
function noise(random: Random): Uint8Array {
  const datagram = Uint8Array.from({ length: random(64) }, () => random(256));
  if (random(2) === 0 && datagram.length > 3) {
    datagram[0] = 0x40 | random(64);
    datagram[1] = [1, 2, 3, 0x44, 0x45, 0x84][random(6)]!;
  }
  return datagram;
}

function mutated(vector: Uint8Array, random: Random): Uint8Array {
  let datagram = Uint8Array.from(vector);
  for (let changes = 1 + random(3); changes > 0; changes--) {
    const at = random(datagram.length + 1);
    const kind = random(4);
    if (kind === 0) datagram[at] = random(256);
    else if (kind === 1) datagram[at]! ^= 1 << random(8);
    else if (kind === 2) datagram = datagram.slice(0, at);
    else datagram = Uint8Array.from([...datagram.subarray(0, at), random(256), ...datagram.subarray(at)]);
  }
  return datagram;
}

const same = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, index) => byte === other[index]);
