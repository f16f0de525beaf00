/**
 * The test vectors of the formats, each both ways as far as it says so. A vector that we do not follow stands in
 * DEPARTURES with the reason, and its test fails should we ever begin to follow it.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { ObjectDefinitions, isMalformed, pathOf } from '../index.ts';
import type { DataType, DefinitionLookup, Malformed, NodeEntry, Path, ResourceDefinition, Value } from '../index.ts';
import { decodePathList, decodePayload, encodePathList, encodePayload } from './content-format.ts';
import type { DecodeContext } from './format.ts';
import { BackwardWriter } from './tlv/backward-writer.ts';
import { TlvCursor } from './tlv/tlv-cursor.ts';
import { writeTlvHeader } from './tlv/tlv-encoder.ts';

type ExpectedNode = readonly [path: string, type: string, value: unknown, time?: number];
type Tree = readonly [kind: string, id: number, value: string | readonly Tree[]];
interface Expected {
  readonly nodes?: readonly ExpectedNode[];
  readonly paths?: readonly string[];
  readonly error?: string;
  readonly type?: string;
  readonly value?: unknown;
  readonly bigint?: string;
  readonly header?: {
    readonly kind: string;
    readonly id: number;
    readonly length: number;
    readonly valueOffset?: number;
  };
  readonly tree?: readonly Tree[];
}
interface Vector {
  readonly id: string;
  readonly group: string;
  readonly dir: 'both' | 'decode' | 'encode';
  readonly cf: number;
  readonly path?: string;
  readonly hex?: string;
  readonly text?: string;
  readonly root?: string;
  readonly reencoded?: string;
  readonly expected: Expected;
  readonly src: string;
  readonly ref: string;
}

const { vectors } = JSON.parse(
  readFileSync(new URL('../../test/data/format-vectors.json', import.meta.url), 'utf8'),
) as { readonly vectors: readonly Vector[] };

/** 65535 is reserved, so Zephyr's test Object 65535 becomes 65534. */
function renumbered(vector: Vector): Vector {
  if (vector.path !== '/65535/0') return vector;
  const nodes = (vector.expected.nodes ?? []).map(([path, ...rest]): ExpectedNode => [
    path.replace('65535', '65534'),
    ...rest,
  ]);
  const hex = vector.hex?.replace(Buffer.from('/65535/').toString('hex'), Buffer.from('/65534/').toString('hex'));
  return {
    ...vector,
    path: '/65534/0',
    ...(hex === undefined ? {} : { hex }),
    expected: { ...vector.expected, nodes },
  };
}

function untyped(vector: Vector): Vector {
  if (!WITHOUT_DEFINITIONS.test(vector.id)) return vector;
  const nodes = (vector.expected.nodes ?? []).map(([path, , ...rest]): ExpectedNode => [path, 'Number', ...rest]);
  return { ...vector, expected: { ...vector.expected, nodes } };
}

const ROOT_HAS_FULL_NAMES =
  'Wakaama tells a request without a path from one for "/" and writes base name "/" for the latter; the examples of the ' +
  'specification for composites and Send have full names, and so have ours';
const INDEFINITE_STRINGS = 'RFC 8949 §3.2.3 allows strings of indefinite length; Wakaama does not read them, we do';
const GATEWAY = 'an entry has no place for the prefix of a device behind a Gateway, so such names are refused';
const ONE_VALUE_KEPT = 'Wakaama forgets times and keeps the last of several values; we do not drop values in silence';
const OUTSIDE_DROPPED = 'Wakaama leaves out what is not below the request; we write what we are given, with full names';

/** What we do otherwise, in which direction, and why. */
const FLOATS_ARE_FLOATS = 'a Float without fraction is a CBOR float: Leshan takes no integer for one';
const DEPARTURES: Readonly<
  Record<string, { readonly decode?: string; readonly encode?: string; readonly reencode?: string }>
> = {
  'senml-cbor/w3': { encode: ROOT_HAS_FULL_NAMES },
  'senml-cbor/w11': { encode: ROOT_HAS_FULL_NAMES },
  'senml-cbor/w12': { encode: ROOT_HAS_FULL_NAMES },
  'senml-cbor/w10b': { reencode: ROOT_HAS_FULL_NAMES },
  'senml-cbor/w10e': { reencode: OUTSIDE_DROPPED },
  'senml-cbor/w2': { reencode: ONE_VALUE_KEPT },
  'senml-cbor/w7': { encode: FLOATS_ARE_FLOATS },
  'lwm2m-cbor/gateway-prefix': { decode: GATEWAY },
  'senml-json/spec-gw-read': { decode: GATEWAY },
  'cbor/w60': { decode: INDEFINITE_STRINGS },
  'cbor/w61': { decode: INDEFINITE_STRINGS },
  // "optional" in the vectors: implementations differ, and we read them.
  'senml-cbor/w30': { decode: 'RFC 8949 §3.2.2 allows arrays of indefinite length; we read them' },
  'senml-cbor/w31': { decode: 'RFC 8949 §3.2.2 allows maps of indefinite length; we read them' },
};

/** The registry has Integers where these have fractions: Wakaama's test knows no definitions, so neither do we here. */
const WITHOUT_DEFINITIONS = /^senml-(cbor\/w10[a-e]|json\/w10)$/;

const paths = (text: string | undefined): Path => {
  // "/dp" is where Send goes; what it carries has absolute names.
  if (text === undefined || text === '/dp') return { kind: 'root' };
  // Without the prefix of a device behind a Gateway, which is no id.
  const ids = text.split('/').filter((segment) => /^[0-9]+$/.test(segment));
  return pathOf(...(ids.map(Number) as [number, number, number, number]));
};
const bytesOf = (vector: Vector): Uint8Array =>
  vector.hex === undefined ? new TextEncoder().encode(vector.text) : Uint8Array.from(Buffer.from(vector.hex, 'hex'));
const hexOf = (bytes: Uint8Array | Malformed): string | Malformed =>
  isMalformed(bytes) ? bytes : Buffer.from(bytes).toString('hex');

const registry = new ObjectDefinitions();

/** The registry, and for Objects that it does not know the types the vector itself gives. */
function definitionsFor(vector: Vector): DefinitionLookup {
  if (WITHOUT_DEFINITIONS.test(vector.id)) return { object: () => undefined, resource: () => undefined };
  const own = new Map<string, DataType>();
  for (const [path, type] of vector.expected.nodes ?? []) {
    const [, object, , resource] = path.split('/');
    if (type !== 'Number' && type !== 'null') own.set(`${Number(object)}/${Number(resource)}`, dataType(type));
  }
  return {
    object: (objectId, version) => registry.object(objectId, version),
    resource: (objectId, resourceId, version) => {
      const type = registry.object(objectId) === undefined ? own.get(`${objectId}/${resourceId}`) : undefined;
      return type === undefined ? registry.resource(objectId, resourceId, version) : ({ type } as ResourceDefinition);
    },
  };
}
const dataType = (name: string): DataType => name.toLowerCase() as DataType;

const contextOf = (vector: Vector): DecodeContext => ({
  path: paths(vector.root === undefined ? vector.path : vector.path?.slice(vector.root.length)),
  definitions: definitionsFor(vector),
  ...(vector.root === undefined ? {} : { alternatePath: vector.root }),
});

function entryOf([text, type, wire, time]: ExpectedNode): NodeEntry {
  const path = paths(text);
  assert.ok(path.kind === 'resource' || path.kind === 'resourceInstance', text);
  if (type === 'null') return { kind: 'remove', path };
  const value = valueOf(type, wire);
  return time === undefined ? { kind: 'value', path, value } : { kind: 'value', path, value, timestamp: time };
}

function valueOf(name: string, wire: unknown): Value {
  const type = name === 'Number' ? (Number.isInteger(Number(wire)) ? 'integer' : 'float') : dataType(name);
  switch (type) {
    case 'integer':
    case 'unsigned':
    case 'time': {
      const exact = BigInt(wire as string | number);
      return { type, value: Number.isSafeInteger(Number(exact)) ? Number(exact) : exact };
    }
    case 'float':
      return { type, value: FLOATS[wire as string] ?? (wire as number) };
    case 'opaque':
      return { type, value: Uint8Array.from(Buffer.from(wire as string, 'hex')) };
    case 'objlnk': {
      const [objectId, objectInstanceId] = (wire as string).split(':').map(Number) as [number, number];
      return { type, value: { objectId, objectInstanceId } };
    }
    default:
      return { type, value: wire } as Value;
  }
}
const FLOATS: Readonly<Record<string, number>> = { inf: Infinity, '-inf': -Infinity, nan: NaN };

/** A number of unknown type is right as an integer or as a float; times are compared to the millisecond. */
function comparable(entry: NodeEntry, untyped: boolean): unknown {
  if (entry.kind !== 'value') return entry;
  const timestamp = entry.timestamp === undefined ? undefined : Math.round(entry.timestamp * 1000);
  const value = untyped && typeof entry.value.value === 'number' ? entry.value.value : entry.value;
  return { ...entry, value, timestamp };
}

function follows(id: string, reason: string | undefined, check: () => void): void {
  if (reason === undefined) check();
  else assert.throws(check, { name: 'AssertionError' }, `${id} is followed now; it departs no more`);
}

describe('node payloads', () => {
  for (const given of vectors) {
    const vector = untyped(renumbered(given));
    const { id, cf, dir, expected } = vector;
    const departure = DEPARTURES[id] ?? {};
    const context = (): DecodeContext => contextOf(vector);
    const { nodes } = expected;
    if (nodes !== undefined) {
      if (dir !== 'encode') {
        it(`${id} decodes (${vector.src}, ${vector.ref})`, () => {
          follows(id, departure.decode, () => {
            const found = decodePayload(cf, bytesOf(vector), context());
            assert.ok(!isMalformed(found), isMalformed(found) ? found.malformed : '');
            assert.deepEqual(
              found.map((entry, at) => comparable(entry, nodes[at]?.[1] === 'Number')),
              nodes.map((node) => comparable(entryOf(node), node[1] === 'Number')),
            );
          });
        });
      }
      if (dir !== 'decode') {
        it(`${id} encodes (${vector.src}, ${vector.ref})`, () => {
          follows(id, departure.encode, () => {
            const encoded = encodePayload(cf, nodes.map(entryOf), context());
            assert.deepEqual(hexOf(encoded), hexOf(bytesOf(vector)));
          });
        });
      }
      const { reencoded } = vector;
      if (reencoded !== undefined) {
        it(`${id} encodes again without times (${vector.src}, ${vector.ref})`, () => {
          follows(id, departure.reencode, () => {
            const entries = nodes.map((node) => entryOf([node[0], node[1], node[2]]));
            const encoded = encodePayload(cf, entries, context());
            assert.ok(!isMalformed(encoded), isMalformed(encoded) ? encoded.malformed : '');
            if (vector.hex !== undefined) assert.equal(hexOf(encoded), reencoded);
            else assert.deepEqual(JSON.parse(new TextDecoder().decode(encoded)), JSON.parse(reencoded));
          });
        });
      }
    }
    if (expected.paths !== undefined) {
      const wanted = expected.paths;
      it(`${id} as a list of paths (${vector.src}, ${vector.ref})`, () => {
        const found = decodePathList(cf, bytesOf(vector), context());
        assert.deepEqual(found, wanted.map(paths));
        if (dir === 'both')
          assert.equal(hexOf(encodePathList(cf, wanted.map(paths), context())), hexOf(bytesOf(vector)));
      });
    }
  }
});

/** Where a single value of a type stands: a Resource of an Object that only this look-up knows. */
const VALUE_PATH = pathOf(10_000, 0, 1);
const valueContext = (type: string | undefined): DecodeContext => ({
  path: VALUE_PATH,
  definitions: {
    object: () => undefined,
    resource: () => (type === undefined ? undefined : ({ type: dataType(type) } as ResourceDefinition)),
  },
});

describe('single values', () => {
  for (const vector of vectors) {
    const { id, cf, dir, expected, group } = vector;
    if (expected.type === undefined || expected.error !== undefined) continue;
    const value = valueOf(expected.type, expected.value);
    const entry: NodeEntry = { kind: 'value', path: VALUE_PATH, value };
    const context = valueContext(expected.type);
    // A TLV value alone is no payload: its header goes before it.
    const payload = group === 'tlv-value' ? tlvRecord(bytesOf(vector)) : bytesOf(vector);
    const format = group === 'tlv-value' ? 11542 : cf;
    it(`${id} as ${expected.type} decodes (${vector.src}, ${vector.ref})`, () => {
      assert.deepEqual(decodePayload(format, payload, context), [entry]);
    });
    if (dir === 'both') {
      it(`${id} as ${expected.type} encodes (${vector.src}, ${vector.ref})`, () => {
        assert.equal(hexOf(encodePayload(format, [entry], context)), hexOf(payload));
      });
    }
  }
});

function tlvRecord(value: Uint8Array): Uint8Array {
  const out = new BackwardWriter();
  out.bytes(value);
  writeTlvHeader(out, 0xc0, 1, value.length);
  return out.finish();
}

describe('numbers beyond 2^53', () => {
  for (const vector of vectors) {
    const { id, expected, cf } = vector;
    if (expected.bigint === undefined) continue;
    it(`${id} stays exact without a definition (${vector.src}, ${vector.ref})`, () => {
      const found = decodePayload(cf, bytesOf(vector), {
        path: { kind: 'root' },
        definitions: { object: () => undefined, resource: () => undefined },
      });
      assert.ok(!isMalformed(found) && found[0]?.kind === 'value');
      assert.equal(found[0].value.value, BigInt(expected.bigint as string));
    });
  }
});

describe('TLV records', () => {
  const kinds = { OI: 'objectInstance', RI: 'resourceInstance', MR: 'multipleResource', R: 'resource' } as const;
  const typeBits = { OI: 0x00, RI: 0x40, MR: 0x80, R: 0xc0 } as const;

  const tree = (bytes: Uint8Array, start: number, end: number): readonly Tree[] | string => {
    const cursor = new TlvCursor(bytes, start, end);
    const records: Tree[] = [];
    while (cursor.next()) {
      const { kind, id, valueStart, length } = cursor;
      const after = valueStart + length;
      const short = (Object.keys(kinds) as (keyof typeof kinds)[]).find(
        (key) => kinds[key] === kind,
      ) as keyof typeof kinds;
      const inside = short === 'OI' || short === 'MR' ? tree(bytes, valueStart, after) : undefined;
      if (typeof inside === 'string') return inside;
      records.push([short, id, inside ?? Buffer.from(bytes.subarray(valueStart, after)).toString('hex')]);
    }
    return cursor.failure ?? records;
  };

  for (const vector of vectors) {
    const { id, dir, expected } = vector;
    const { header } = expected;
    if (header !== undefined) {
      const kind = header.kind as keyof typeof kinds;
      it(`${id}: the header is read${dir === 'both' ? ' and written' : ''} (${vector.src}, ${vector.ref})`, () => {
        const bytes = bytesOf(vector);
        const cursor = new TlvCursor(bytes, 0, bytes.length);
        assert.equal(cursor.readHeader(), true);
        const found = { kind: cursor.kind, id: cursor.id, length: cursor.length };
        assert.deepEqual(found, { kind: kinds[kind], id: header.id, length: header.length });
        if (header.valueOffset !== undefined) assert.equal(cursor.valueStart, header.valueOffset);
        if (dir !== 'both') return;
        const out = new BackwardWriter();
        writeTlvHeader(out, typeBits[kind], header.id, header.length);
        assert.equal(hexOf(out.finish()), vector.hex);
      });
    }
    if (expected.tree !== undefined) {
      it(`${id}: the records nest as written (${vector.src}, ${vector.ref})`, () => {
        const bytes = bytesOf(vector);
        assert.deepEqual(tree(bytes, 0, bytes.length), expected.tree);
      });
    }
    if (expected.error !== undefined && vector.group === 'tlv' && vector.path === undefined) {
      it(`${id} is refused as a tree (${vector.src}, ${vector.ref})`, () => {
        const bytes = bytesOf(vector);
        assert.equal(typeof tree(bytes, 0, bytes.length), 'string');
      });
    }
  }
});

describe('payloads that are refused', () => {
  for (const vector of vectors) {
    const { id, cf, expected, group } = vector;
    if (expected.error === undefined) continue;
    it(`${id}: ${expected.error} (${vector.src}, ${vector.ref})`, () => {
      follows(id, DEPARTURES[id]?.decode, () => {
        const single = group === 'cbor-value' || group === 'text-value' || group === 'objlnk';
        const context = single ? valueContext(group === 'objlnk' ? 'Objlnk' : expected.type) : contextOf(vector);
        const inside = group === 'tlv' && context.path.kind === 'root' ? { ...context, path: pathOf(17) } : context;
        const found = expected.error?.endsWith('in a path list')
          ? decodePathList(cf, bytesOf(vector), inside)
          : decodePayload(cf, bytesOf(vector), inside);
        assert.ok(isMalformed(found), JSON.stringify(found));
        assert.match(found.malformed, /^[^\n]{8,200}$/);
      });
    });
  }
});

const vectorNamed = (id: string): Vector => {
  const vector = vectors.find((candidate) => candidate.id === id);
  assert.ok(vector !== undefined, id);
  return vector;
};

it('senml-cbor/rfc8428: records that name no nodes are refused by their name, version 5 is not (RFC 8428 §6)', () => {
  const vector = vectorNamed('senml-cbor/rfc8428');
  assert.deepEqual(decodePayload(112, bytesOf(vector), contextOf(vector)), {
    malformed: 'the name "urn:dev:ow:10e2073a0108006:voltage" is no path',
  });
});

it('tlv/corelnk-3442: a Corelnk is its link-format text (LwM2mNodeDecoderTest ENCODED_OBJ3442)', () => {
  const vector = vectorNamed('tlv/corelnk-3442');
  const found = decodePayload(11542, bytesOf(vector), contextOf(vector));
  assert.ok(!isMalformed(found) && found[0]?.kind === 'value');
  assert.deepEqual(found[0].path, pathOf(3442, 0, 180));
  assert.deepEqual(found[0].value, {
    type: 'corelnk',
    value:
      '</>;rt="oma.lwm2m";ct="60 110 112 1542 1543 11542 11543",</1>;ver=1.1,</1/0>,</2>,</3>;ver=1.1,</3/0>,</3442/0>',
  });
  assert.equal(hexOf(encodePayload(11542, found, { ...contextOf(vector), path: pathOf(3442) })), vector.hex);
});

it('every vector of every format is tested', () => {
  const apart = ['senml-cbor/rfc8428', 'tlv/corelnk-3442'];
  const known = ['nodes', 'paths', 'error', 'type', 'bigint', 'header', 'tree'];
  for (const { id, expected } of vectors) assert.ok(apart.includes(id) || known.some((key) => key in expected), id);
});
