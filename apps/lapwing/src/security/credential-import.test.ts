import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { isMalformed } from '@lapwing/lwm2m';
import { securityInfo } from '@lapwing/server';
import { importFromCsv, importFromJsonLines, type ImportedLine } from './credential-import.ts';

const SPKI = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' });

/** Line, and the device with its identity or the complaint. */
const shown = (lines: readonly ImportedLine[]): (readonly [number, string])[] =>
  lines.map(({ line, entry }) => {
    if (isMalformed(entry)) return [line, entry.malformed];
    const { endpointClientName, kind, identity } = securityInfo(entry);
    return [line, `${endpointClientName} ${kind} ${identity?.replace(/^sha-256;.*/, '#') ?? '-'}`];
  });

describe('credentials are imported from JSON Lines', () => {
  it('one a line, and lines that are wrong are told by their number', () => {
    const text = [
      '{"device":"a","kind":"psk","identity":"id a","key":"000102"}',
      '',
      '{"device":"b","kind":"psk","key":"0g"}',
      '{"device":"c","kind":"psk"}',
      `{"device":"d","kind":"rpk","publicKey":"${SPKI.toString('base64')}"}\r`,
      '{"device":"e","kind":"x509"}',
      '{"device":"f","kind":"oscore"}',
      '{"device":"g","kind":"psk","key":7}',
      '{"device":"h","kind":"rpk","key":"00","publicKey":"AA=="}',
      '{"kind":"psk","key":"00"}',
      '{"device":"i","kind":"psk","key":"00","colour":"red"}',
      '[]',
      '{',
    ].join('\n');
    assert.deepEqual(shown(importFromJsonLines(text)), [
      [1, 'a psk id a'],
      [3, 'key: 1 to 64 bytes are needed, in hexadecimal'],
      [4, 'key: one is needed, in hexadecimal'],
      [5, 'd rpk #'],
      [6, 'e x509 -'],
      [7, 'kind: psk, rpk or x509 is needed'],
      [8, 'key: text is needed'],
      [9, 'key: a credential of kind rpk has none'],
      [10, 'device: an Endpoint Client Name is needed'],
      [11, 'there is no field "colour"'],
      [12, 'this is no JSON object'],
      [13, 'this is not JSON'],
    ]);
  });
});

describe('credentials are imported from CSV (RFC 4180)', () => {
  it('by the names of the columns, with quoted fields and either end of line', () => {
    const text =
      '\uFEFFdevice,key,identity\r\nurn:imei:1,00:01:02,"a ""quoted"", name"\r\n\nb,ff,\n"two\nlines",01,0x00ff\n' +
      'c,01\nd,"01,e\n';
    const lines = importFromCsv(text);
    assert.ok(!isMalformed(lines));
    assert.deepEqual(shown(lines), [
      [2, 'urn:imei:1 psk a "quoted", name'],
      [4, 'b psk b'],
      [5, 'two\nlines psk 0x00ff'],
      [7, 'there are 2 fields for 3 columns'],
      [8, 'a quoted field does not end, or goes on after its end'],
    ]);
  });

  it('of every kind', () => {
    const lines = importFromCsv(`device,kind,publicKey,key\nd,rpk,${SPKI.toString('hex')},\ne,x509,,\nf,,,0011`);
    assert.ok(!isMalformed(lines));
    assert.deepEqual(shown(lines), [
      [2, 'd rpk #'],
      [3, 'e x509 -'],
      [4, 'f psk f'],
    ]);
  });

  for (const [text, sentence] of [
    ['', 'a first line with the names of the columns is needed'],
    [
      'device,secret\na,00',
      'there is no column "secret"; there are device, kind, identity, key, publicKey, certificate',
    ],
    ['identity,key\na,00', 'a column "device" is needed'],
  ] as const) {
    it(`not without a header that is understood: ${JSON.stringify(text)}`, () => {
      const refused = importFromCsv(text);
      assert.ok(isMalformed(refused));
      assert.equal(refused.malformed, sentence);
    });
  }
});
