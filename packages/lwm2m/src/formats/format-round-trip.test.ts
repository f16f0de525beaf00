/** Whatever entries there are: written and read again they are the same, in each format that can carry them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { comparePaths, formatPath, isMalformed, pathOf } from '../index.ts';
import type { DataType, DefinitionLookup, NodeEntry, Path, ResourceDefinition, Value } from '../index.ts';
import { decodePathList, decodePayload, encodePathList, encodePayload } from './content-format.ts';
import type { DecodeContext } from './format.ts';

/** The same cases every time; a failure prints how to repeat it alone. */
fc.configureGlobal({ seed: 20_261_122 });

const TYPES: readonly DataType[] = [
  'string',
  'integer',
  'unsigned',
  'float',
  'boolean',
  'opaque',
  'time',
  'objlnk',
  'corelnk',
];

/** A Resource's type follows from its id, in every Object; ids from 10 have Resource Instances. */
const typeOf = (resourceId: number): DataType => TYPES[resourceId % TYPES.length]!;
const definitions: DefinitionLookup = {
  object: () => undefined,
  resource: (_objectId, resourceId) => ({ type: typeOf(resourceId) }) as ResourceDefinition,
};

const narrow = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value);
const id = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 65_534 }));
const signed = fc.oneof(fc.bigInt({ min: -300n, max: 300n }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
const unsigned = fc.oneof(fc.bigInt({ min: 0n, max: 300n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
const finite = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
);
const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }));

const valueOf = (type: DataType): fc.Arbitrary<Value> => {
  switch (type) {
    case 'integer':
    case 'time':
      return signed.map((value): Value => ({ type, value: narrow(value) }));
    case 'unsigned':
      return unsigned.map((value): Value => ({ type, value: narrow(value) }));
    case 'float':
      return finite.map((value): Value => ({ type, value }));
    case 'boolean':
      return fc.boolean().map((value): Value => ({ type, value }));
    case 'opaque':
      return fc.uint8Array({ maxLength: 300 }).map((value): Value => ({ type, value }));
    case 'objlnk':
      return fc
        .tuple(fc.integer({ min: 0, max: 65_535 }), fc.integer({ min: 0, max: 65_535 }))
        .map(([objectId, objectInstanceId]): Value => ({ type, value: { objectId, objectInstanceId } }));
    case 'string':
    case 'corelnk':
      return text.map((value): Value => ({ type, value }));
    case 'none':
      return fc.constant<Value>({ type, value: null });
  }
};

const entryBelow = (objectId: fc.Arbitrary<number>, objectInstanceId: fc.Arbitrary<number>): fc.Arbitrary<NodeEntry> =>
  fc
    .tuple(objectId, objectInstanceId, fc.integer({ min: 0, max: 300 }), id)
    .chain(([object, instance, resource, last]) =>
      valueOf(typeOf(resource)).map((value): NodeEntry => ({
        kind: 'value',
        path: resource < 10 ? pathOf(object, instance, resource) : pathOf(object, instance, resource, last),
        value,
      })),
    );

/** In the order of their paths, each path once. */
const entriesOf = (
  entry: fc.Arbitrary<NodeEntry>,
  options: { readonly maxLength?: number } = {},
): fc.Arbitrary<NodeEntry[]> =>
  fc
    .uniqueArray(entry, { maxLength: options.maxLength ?? 20, selector: ({ path }) => formatPath(path) })
    .map((entries) => entries.sort((a, b) => comparePaths(a.path, b.path)));

function assertRoundTrip(format: number, entries: readonly NodeEntry[], path: Path): void {
  const context: DecodeContext = { path, definitions };
  const payload = encodePayload(format, entries, context);
  assert.ok(!isMalformed(payload), isMalformed(payload) ? payload.malformed : '');
  assert.deepEqual(decodePayload(format, payload, context), entries);
}

const NAMES = { 110: 'SenML JSON', 112: 'SenML CBOR', 320: 'SenML-ETCH JSON', 322: 'SenML-ETCH CBOR' } as const;

describe('entries written and read again', () => {
  for (const [number, name] of [...Object.entries(NAMES), ['11543', 'LwM2M JSON'], ['11544', 'LwM2M CBOR']] as const) {
    const format = Number(number);
    it(`${name}: of any Objects, at the root`, () => {
      fc.assert(fc.property(entriesOf(entryBelow(id, id)), (entries) => assertRoundTrip(format, entries, pathOf())));
    });
  }

  for (const format of [110, 112, 11542, 11543, 11544]) {
    it(`Content-Format ${format}: of one Object`, () => {
      const entry = entryBelow(fc.constant(3), id);
      fc.assert(fc.property(entriesOf(entry), (entries) => assertRoundTrip(format, entries, pathOf(3))));
    });
    it(`Content-Format ${format}: of one Object Instance`, () => {
      const entry = entryBelow(fc.constant(3), fc.constant(7));
      fc.assert(fc.property(entriesOf(entry), (entries) => assertRoundTrip(format, entries, pathOf(3, 7))));
    });
    it(`Content-Format ${format}: of one multiple-instance Resource`, () => {
      const entry = fc
        .tuple(id, valueOf(typeOf(20)))
        .map(([last, value]): NodeEntry => ({ kind: 'value', path: pathOf(3, 7, 20, last), value }));
      fc.assert(fc.property(entriesOf(entry), (entries) => assertRoundTrip(format, entries, pathOf(3, 7, 20))));
    });
  }

  for (const format of [0, 60, 110, 112, 11542, 11543, 11544]) {
    it(`Content-Format ${format}: of one Resource, and of one Resource Instance, of each type`, () => {
      for (const resourceId of TYPES.keys()) {
        fc.assert(
          fc.property(valueOf(typeOf(resourceId)), (value) => {
            const resource = pathOf(3, 0, resourceId);
            assertRoundTrip(format, [{ kind: 'value', path: resource, value }], resource);
            const instance = pathOf(3, 0, resourceId, 65_534);
            assertRoundTrip(format, [{ kind: 'value', path: instance, value }], instance);
          }),
          { numRuns: 60 },
        );
      }
    });
  }

  it('opaque: any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (value) => {
        assertRoundTrip(
          42,
          [{ kind: 'value', path: pathOf(3, 0, 5), value: { type: 'opaque', value } }],
          pathOf(3, 0, 5),
        );
      }),
    );
  });

  for (const format of [60, 112, 11542, 11544]) {
    it(`Content-Format ${format}: floats that are not finite`, () => {
      for (const value of [NaN, Infinity, -Infinity, -0]) {
        assertRoundTrip(
          format,
          [{ kind: 'value', path: pathOf(3, 0, 3), value: { type: 'float', value } }],
          pathOf(3, 0, 3),
        );
      }
    });
  }

  for (const format of [110, 112, 11543]) {
    it(`Content-Format ${format}: with a time each, in any order`, () => {
      const time = fc.oneof(
        fc.constant(undefined),
        fc.integer({ min: 2 ** 28, max: 2 ** 40 }),
        fc.integer({ min: -10_000, max: -1 }),
        fc.double({ min: 2 ** 28, max: 2 ** 33, noNaN: true }),
      );
      const timed = fc.tuple(entryBelow(id, id), time).map(([entry, timestamp]): NodeEntry => {
        assert.ok(entry.kind === 'value');
        return timestamp === undefined ? entry : { ...entry, timestamp };
      });
      const selector = (entry: NodeEntry): string =>
        `${formatPath(entry.path)} ${entry.kind === 'value' && entry.timestamp}`;
      fc.assert(
        fc.property(fc.uniqueArray(timed, { maxLength: 20, selector }), (entries) => {
          assertRoundTrip(format, entries, pathOf());
        }),
      );
    });
  }

  for (const format of [320, 322]) {
    it(`Content-Format ${format}: values and removals mixed`, () => {
      const removal = fc.tuple(id, id, id, id).map((ids): NodeEntry => ({ kind: 'remove', path: pathOf(...ids) }));
      const patch = fc.array(fc.oneof(removal, entryBelow(fc.constant(9), id)), { maxLength: 12 });
      const selector = (entry: NodeEntry): string => formatPath(entry.path);
      fc.assert(
        fc.property(patch, (entries) => {
          const once = [...new Map(entries.map((entry) => [selector(entry), entry])).values()];
          assertRoundTrip(format, once, pathOf());
        }),
      );
    });
  }

  it('LwM2M CBOR: removals', () => {
    const removal = fc.tuple(id, id, id, id).map((ids): NodeEntry => ({ kind: 'remove', path: pathOf(...ids) }));
    fc.assert(fc.property(entriesOf(removal), (entries) => assertRoundTrip(11544, entries, pathOf())));
  });

  for (const format of [110, 112, 11542, 11544]) {
    it(`Content-Format ${format}: Object Instances with nothing in them`, () => {
      const empty = id.map((instance): NodeEntry => ({ kind: 'empty', path: pathOf(3, instance) }));
      fc.assert(
        fc.property(fc.uniqueArray(empty, { maxLength: 5, selector: ({ path }) => formatPath(path) }), (entries) => {
          assertRoundTrip(
            format,
            [...entries].sort((a, b) => comparePaths(a.path, b.path)),
            pathOf(3),
          );
        }),
      );
    });
  }
});

describe('lists of paths written and read again', () => {
  const path = fc
    .array(id, { maxLength: 4 })
    .map((ids): Path => pathOf(...(ids as unknown as [number, number, number, number])));
  for (const [number, name] of Object.entries(NAMES)) {
    for (const alternatePath of [undefined, '/lwm2m']) {
      it(`${name}${alternatePath === undefined ? '' : ', with an alternate path'}`, () => {
        fc.assert(
          fc.property(fc.array(path, { maxLength: 20 }), (paths) => {
            const context: DecodeContext = {
              path: pathOf(),
              definitions,
              ...(alternatePath === undefined ? {} : { alternatePath }),
            };
            const payload = encodePathList(Number(number), paths, context);
            assert.ok(!isMalformed(payload));
            assert.deepEqual(decodePathList(Number(number), payload, context), paths);
          }),
        );
      });
    }
  }
});
