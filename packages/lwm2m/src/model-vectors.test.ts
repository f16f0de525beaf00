/**
 * The test vectors of paths, attributes, Execute arguments, queries and lists of links. A vector that we do not follow
 * stands in DEPARTURES with the reason, and its test fails should we ever begin to follow it.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  formatAttributeQueries,
  formatExecuteArguments,
  formatObjectLink,
  formatPath,
  isMalformed,
  checkAttributes,
  notificationAttributes,
  parseAttributeQueries,
  parseAttributeValue,
  parseDiscover,
  parseExecuteArguments,
  parseObjectLink,
  parseObjectLinks,
  parsePath,
  parseRegisterQueries,
  parseUpdateQueries,
  pathIds,
} from './index.ts';
import type { NotificationAttributes } from './index.ts';

type LinkParameter = readonly [name: string, value?: string, quoted?: 'q'];
interface Vector {
  readonly id: string;
  readonly group: string;
  readonly dir: 'both' | 'decode';
  readonly text: string;
  readonly src: string;
  readonly ref?: string;
  readonly expected: {
    readonly error?: string;
    readonly path?: readonly number[];
    readonly value?: string;
    readonly args?: readonly (readonly [number, string?])[];
    readonly attributes?: readonly (readonly [string, number?])[];
    readonly query?: Readonly<Record<string, string | null>>;
    readonly links?: readonly (readonly [target: string, ...parameters: LinkParameter[]])[];
    readonly ok?: true;
  };
}
const { vectors } = JSON.parse(readFileSync(new URL('../test/data/model-vectors.json', import.meta.url), 'utf8')) as {
  readonly vectors: readonly Vector[];
};

const DEPARTURES: ReadonlyMap<string, string> = new Map([
  ['attr/sem-pmin=50&pmax=49', 'a pmax below pmin is ignored by the Client, not refused (OMA TS Core §7.3.2)'],
  ['attr/dim=2', 'dim is a property: a Discover shows it, a Write-Attributes cannot write it'],
  ['link/lw--3-0-11-dim-256', 'the limit of 255 was raised to 65535 in 1.2.1'],
]);

function suite(group: string, follow: (vector: Vector) => void): void {
  describe(`vectors: ${group}`, () => {
    const rows = vectors.filter((vector) => vector.group === group);
    assert.ok(rows.length > 0);
    for (const vector of rows) {
      const departure = DEPARTURES.get(vector.id);
      const name = `${vector.id} (${vector.src} ${vector.ref ?? ''})`;
      if (departure === undefined) it(name, () => follow(vector));
      else
        it(`${name} is not followed: ${departure}`, () => assert.throws(() => follow(vector), assert.AssertionError));
    }
  });
}

suite('path', ({ text, expected, dir }) => {
  const path = parsePath(text);
  if (expected.error !== undefined) return assert.ok(isMalformed(path));
  assert.ok(!isMalformed(path));
  assert.deepEqual(pathIds(path), expected.path);
  if (dir === 'both') assert.equal(formatPath(path), text);
});

suite('objlnk', ({ text, expected }) => {
  const link = parseObjectLink(text);
  assert.equal(link === undefined ? undefined : formatObjectLink(link), expected.value);
});

suite('execute-args', ({ text, expected, dir }) => {
  const given = parseExecuteArguments(text);
  if (expected.error !== undefined) return assert.ok(isMalformed(given));
  assert.ok(!isMalformed(given));
  assert.deepEqual(
    given.map(({ digit, value }) => (value === undefined ? [digit] : [digit, value])),
    expected.args,
  );
  if (dir === 'both') assert.equal(formatExecuteArguments(given), text);
});

suite('attributes', ({ text, expected }) => {
  const changes = parseAttributeQueries(text.split('&'));
  if (expected.error === 'inconsistent') {
    assert.ok(!isMalformed(changes));
    return assert.ok(checkAttributes(changes as NotificationAttributes) !== undefined);
  }
  if (expected.error !== undefined) return assert.ok(isMalformed(changes));
  assert.ok(!isMalformed(changes));
  assert.deepEqual(
    changes,
    Object.fromEntries((expected.attributes ?? []).map(([name, value = null]) => [name, value])),
  );
  assert.deepEqual([...formatAttributeQueries(changes)].sort(), text.split('&').sort());
});

suite('uri', ({ text, expected }) => {
  const queries = text.slice(text.indexOf('?') + 1).split('&');
  const { ep, lt, lwm2m, b, Q, sms } = expected.query ?? {};
  if (text.startsWith('POST /rd/')) {
    const update = parseUpdateQueries(queries);
    assert.ok(!isMalformed(update));
    return assert.equal(update.lifetimeSeconds, Number(lt));
  }
  const register = parseRegisterQueries(queries);
  assert.ok(!isMalformed(register));
  assert.equal(register.endpointClientName, ep);
  assert.equal(register.lifetimeSeconds, Number(lt ?? 86_400));
  assert.equal(register.lwm2mVersion, lwm2m ?? '1.0');
  assert.equal(register.binding, b ?? 'U');
  assert.equal(register.queueMode, Q === null);
  assert.equal(register.smsNumber, sms ?? undefined);
});

suite('link-format', ({ id, text, expected }) => {
  const discovered = parseDiscover(text);
  assert.ok(!isMalformed(discovered));
  if (expected.links === undefined) {
    // A single attribute that is valid or not: what is not is left out of the numbers.
    const [link] = discovered;
    const { dimension, attributes = {} } = link ?? {};
    const ssid = attributes['ssid'];
    const found =
      dimension !== undefined ||
      Object.keys(notificationAttributes(attributes)).length > 0 ||
      (ssid !== undefined && typeof parseAttributeValue('ssid', ssid) === 'number');
    return assert.equal(found, expected.ok === true);
  }
  if (id.includes('alt')) {
    const links = parseObjectLinks(text, '1.2');
    assert.ok(!isMalformed(links));
    assert.equal(links.alternatePath, '/lwm2m');
    const announced = new Set(expected.links.slice(1).map(([target]) => Number(target.split('/')[2])));
    return assert.deepEqual(new Set(links.objects.map(({ objectId }) => objectId)), announced);
  }
  assert.deepEqual(
    discovered.map(({ path }) => formatPath(path)),
    expected.links.map(([target]) => target),
  );
  for (const [at, [, ...parameters]] of expected.links.entries()) {
    const { version, dimension, attributes } = discovered[at] as (typeof discovered)[number];
    const given = new Map(parameters.map(([name, value]) => [name, value ?? '']));
    assert.equal(version, given.get('ver'));
    assert.equal(dimension, given.has('dim') ? Number(given.get('dim')) : undefined);
    given.delete('ver');
    given.delete('dim');
    assert.deepEqual({ ...attributes }, Object.fromEntries(given));
  }
});
