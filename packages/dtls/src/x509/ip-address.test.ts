import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatIpAddress, parseIpAddress } from './ip-address.ts';

const toHex = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');

describe('IP addresses as text (RFC 4291 §2.2, RFC 5952 §4)', () => {
  const ROWS: readonly (readonly [text: string, hex: string, canonical?: string])[] = [
    ['192.0.2.1', 'c0000201'],
    ['0.0.0.0', '00000000'],
    ['::', '0'.repeat(32)],
    ['::1', `${'0'.repeat(31)}1`],
    ['2001:db8::1', '20010db8000000000000000000000001'],
    ['2001:DB8:0:0:0:0:0:1', '20010db8000000000000000000000001', '2001:db8::1'],
    // RFC 5952 §4.2.2 and §4.2.3: one zero group stays, the longest run is shortened, the first of two.
    ['2001:db8:0:1:1:1:1:1', '20010db8000000010001000100010001'],
    ['2001:0:0:1:0:0:0:1', '20010000000000010000000000000001', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['1::', '00010000000000000000000000000000'],
    ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201', '::ffff:c000:201'],
    ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221', '64:ff9b::c000:221'],
  ];
  for (const [text, hex, canonical = text] of ROWS) {
    it(`${text} is ${hex}`, () => {
      const bytes = parseIpAddress(text);
      assert.equal(toHex(bytes), hex);
      assert.equal(formatIpAddress(bytes!), canonical);
    });
  }

  const NONE = [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.256',
    '1.2.3.4 ',
    '0x1.2.3.4',
    ':',
    ':::',
    '1::2::3',
    '1:2',
  ];
  const NONE6 = [
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::12345',
    '::g',
    '::1.2.3',
    '::1.2.3.4.5',
    'fe80::1%eth0',
    '[::1]',
  ];
  for (const text of [...NONE, ...NONE6, '1.2.3.4::', '::1.2.3.4:5', ':1:2:3:4:5:6:7', '0'.repeat(5000) + ':1']) {
    it(`${text.slice(0, 30)} is none`, () => assert.equal(parseIpAddress(text), undefined));
  }
});
