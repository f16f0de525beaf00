import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Lookup } from './events.ts';
import { Lookups } from './lookups.ts';

const from = { host: '10.0.0.1', port: 1 };
const psk = (name: string, serverName?: string): Lookup => ({
  kind: 'psk',
  from,
  identity: new TextEncoder().encode(name),
  serverName,
});
const rpk = (): Lookup => ({ kind: 'rpk', from, publicKey: Uint8Array.of(1), serverName: undefined });

describe('Lookups', () => {
  it('shares a question for the same identity, and closes it once', () => {
    const lookups = new Lookups<string>(10);
    const first = psk('a');
    const pending = lookups.ask(first, 'one')!;
    assert.equal(lookups.ask(psk('a'), 'two'), pending);
    assert.equal(lookups.size, 1);
    assert.equal(lookups.take(first), pending);
    assert.deepEqual([...pending.waiters], ['one', 'two']);
    assert.equal(lookups.take(first), undefined, 'answered once');
    assert.equal(lookups.size, 0);
    assert.notEqual(lookups.ask(psk('a'), 'three'), pending, 'and then asked anew');
  });

  it('shares nothing between identities, server names and keys', () => {
    const lookups = new Lookups<number>(10);
    const rows = [psk('a'), psk('b'), psk('a', 'host'), psk('ahost'), rpk(), rpk()];
    const pending = new Set(rows.map((lookup, index) => lookups.ask(lookup, index)));
    assert.equal(pending.size, rows.length);
    assert.equal(lookups.size, rows.length);
  });

  it('holds no more than it may, but lets those in that share', () => {
    const lookups = new Lookups<string>(1);
    const lookup = psk('a');
    lookups.ask(lookup, 'one');
    assert.equal(lookups.ask(psk('b'), 'two'), undefined);
    assert.equal(lookups.ask(psk('a'), 'three')?.lookup, lookup);
    lookups.take(lookup);
    assert.notEqual(lookups.ask(psk('b'), 'two'), undefined);
  });
});
