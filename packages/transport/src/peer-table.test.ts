import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '@lapwing/coap';
import { normalizeHost, PeerTable } from './peer-table.ts';

const idle = (): boolean => true;

describe('normalizeHost', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['0:0:0:0:0:ffff:7f00:1', '127.0.0.1'],
    ['2001:DB8:0::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
  ];
  for (const [host, normal] of rows)
    it(`${host} is written ${normal}`, () => assert.equal(normalizeHost(host), normal));

  it('refuses a name, because nothing here resolves names', () => {
    assert.throws(() => normalizeHost('localhost'), UsageError);
  });
});

describe('the peers of a socket', () => {
  it('one address is one peer, however it is spelled and whoever asks', () => {
    const table = new PeerTable(10, idle);
    const v4 = table.arrivedFrom('10.0.0.1', 5683);
    assert.equal(table.at({ host: '::ffff:10.0.0.1', port: 5683 }), v4);
    const v6 = table.arrivedFrom('2001:db8::1', 5683);
    assert.equal(table.at({ host: '2001:DB8:0::1', port: 5683 }), v6);
    assert.notEqual(table.arrivedFrom('10.0.0.1', 5684), v4);
    assert.equal(table.size, 3);
  });

  it('refuses a port that is none', () => {
    const table = new PeerTable(10, idle);
    for (const port of [0, -1, 65536, 1.5]) assert.throws(() => table.at({ host: '10.0.0.1', port }), UsageError);
  });

  it('forgets only peers that were silent, idle and held by no procedure', () => {
    const busy = new Set<unknown>();
    const table = new PeerTable(100, (peer) => !busy.has(peer));
    const silent = table.arrivedFrom('10.0.0.1', 1)!;
    const spoke = table.arrivedFrom('10.0.0.2', 1)!;
    spoke.lastActivity = 1000;
    const registered = table.arrivedFrom('10.0.0.3', 1)!;
    registered.context = {};
    const waiting = table.arrivedFrom('10.0.0.4', 1)!;
    busy.add(waiting);
    table.arrivedFrom('2001:db8::1', 1);
    table.sweep(100, 500);
    assert.equal(table.size, 3);
    assert.equal(table.forgotten, 2);
    assert.notEqual(table.arrivedFrom('10.0.0.1', 1), silent);
    assert.equal(table.arrivedFrom('10.0.0.2', 1), spoke);
    assert.equal(table.arrivedFrom('10.0.0.3', 1), registered);
    assert.equal(table.arrivedFrom('10.0.0.4', 1), waiting);
  });

  it('sweeps a few rows at a time and comes round to all of them', () => {
    const table = new PeerTable(10_000, idle);
    for (let port = 1; port <= 1000; port++) table.arrivedFrom('10.0.0.1', port);
    table.sweep(10, 0);
    assert.equal(table.size, 990);
    for (let turn = 0; turn < 120; turn++) table.sweep(10, 0);
    assert.equal(table.size, 0);
  });

  it('a full table gives up idle peers for a stranger, and refuses the stranger when all are in use', () => {
    const table = new PeerTable(100, idle);
    for (let port = 1; port <= 100; port++) table.arrivedFrom('10.0.0.1', port)!.lastActivity = port;
    assert.ok(table.arrivedFrom('10.0.0.2', 1) !== undefined);
    assert.ok(table.size <= 100);
    const held = new PeerTable(3, idle);
    for (let port = 1; port <= 3; port++) held.arrivedFrom('10.0.0.1', port)!.context = {};
    assert.equal(held.arrivedFrom('10.0.0.2', 1), undefined);
    assert.equal(held.arrivedFrom('2001:db8::1', 1), undefined);
    assert.equal(held.refused, 2);
    assert.equal(held.size, 3);
  });

  it('a forgotten peer that is sent to again gets its place back, so that the answer finds it', () => {
    const table = new PeerTable(10, idle);
    const peer = table.at({ host: '10.0.0.1', port: 1 });
    table.sweep(10, 0);
    assert.equal(table.size, 0);
    const usurper = table.arrivedFrom('10.0.0.1', 1);
    table.restore(peer);
    assert.equal(table.arrivedFrom('10.0.0.1', 1), peer);
    assert.notEqual(usurper, peer);
  });

  it('a forgotten peer does not displace one that is in use', () => {
    const table = new PeerTable(10, idle);
    const peer = table.at({ host: '10.0.0.1', port: 1 });
    table.sweep(10, 0);
    const registered = table.arrivedFrom('10.0.0.1', 1)!;
    registered.context = {};
    table.restore(peer);
    assert.equal(table.arrivedFrom('10.0.0.1', 1), registered);
  });
});
