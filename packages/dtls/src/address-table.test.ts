import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AddressTable, ipv4Bits } from './address-table.ts';

describe('ipv4Bits', () => {
  const rows: readonly (readonly [string, number])[] = [
    ['0.0.0.0', 0],
    ['127.0.0.1', 0x7f000001],
    ['255.255.255.255', 0xffffffff],
    ['192.168.1.10', 0xc0a8010a],
    ['::1', -1],
    ['fe80::1%eth0', -1],
    ['::ffff:1.2.3.4', -1],
  ];
  for (const [host, bits] of rows) it(`${host} is ${bits}`, () => assert.equal(ipv4Bits(host), bits));
});

describe('AddressTable', () => {
  it('keeps addresses and ports apart, of both families', () => {
    const table = new AddressTable<string>();
    const rows: readonly (readonly [string, number])[] = [
      ['10.0.0.1', 1],
      ['10.0.0.1', 2],
      ['10.0.0.2', 1],
      ['255.255.255.255', 65535],
      ['2001:db8::1', 1],
      ['2001:db8::1', 2],
    ];
    for (const [host, port] of rows) table.set(host, port, `${host} ${port}`);
    assert.equal(table.size, rows.length);
    for (const [host, port] of rows) assert.equal(table.find(host, port), `${host} ${port}`);
    for (const [host, port] of rows) table.delete(host, port);
    assert.equal(table.size, 0);
  });

  it('sweeps a few rows at a time and begins again at the end', () => {
    const table = new AddressTable<number>();
    for (let i = 0; i < 10; i++) table.set('10.0.0.1', i, i);
    const seen: number[] = [];
    for (let round = 0; round < 6; round++) {
      table.sweep(4, (value) => {
        seen.push(value);
        return value === 3;
      });
    }
    assert.deepEqual(new Set(seen), new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    assert.equal(seen.filter((value) => value === 3).length, 1, 'what was deleted is not seen again');
    assert.ok(seen.filter((value) => value === 0).length > 1, 'it begins again');
    assert.equal(table.size, 9);
  });
});
