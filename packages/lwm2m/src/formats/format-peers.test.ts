/** What real peers send and what we send them: each trap of formats seen between implementations is a test. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ObjectDefinitions, formatPath, isMalformed, pathOf } from '../index.ts';
import type { DataType, DefinitionLookup, NodeEntry, Path, ResourceDefinition, Value } from '../index.ts';
import { decodePathList, decodePayload, encodePathList, encodePayload } from './content-format.ts';
import type { DecodeContext } from './format.ts';

const definitions = new ObjectDefinitions();
const TEXT = 0;
const CBOR = 60;
const SENML_JSON = 110;
const SENML_CBOR = 112;
const SENML_ETCH_CBOR = 322;
const TLV = 11542;
const LWM2M_JSON = 11543;
const LWM2M_CBOR = 11544;

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const at = (path: Path, more: Partial<DecodeContext> = {}): DecodeContext => ({ path, definitions, ...more });
/** A look-up that has one type for everything. */
const only = (type: DataType): DefinitionLookup => ({
  object: () => undefined,
  resource: () => ({ type }) as ResourceDefinition,
});

const decoded = (format: number, payload: Uint8Array, context: DecodeContext): readonly NodeEntry[] => {
  const found = decodePayload(format, payload, context);
  assert.ok(!isMalformed(found), isMalformed(found) ? found.malformed : '');
  return found;
};
const values = (format: number, payload: Uint8Array, context: DecodeContext): readonly (readonly [string, unknown])[] =>
  decoded(format, payload, context).map((entry) => [
    formatPath(entry.path),
    entry.kind === 'value' ? entry.value.value : entry.kind,
  ]);
const refused = (format: number, payload: Uint8Array, context: DecodeContext): string => {
  const found = decodePayload(format, payload, context);
  assert.ok(isMalformed(found), JSON.stringify(found));
  return found.malformed;
};
const entry = (path: Path, value: Value, timestamp?: number): NodeEntry => {
  assert.ok(path.kind === 'resource' || path.kind === 'resourceInstance');
  return timestamp === undefined ? { kind: 'value', path, value } : { kind: 'value', path, value, timestamp };
};
const encoded = (format: number, entries: readonly NodeEntry[], context: DecodeContext): Uint8Array => {
  const bytes = encodePayload(format, entries, context);
  assert.ok(!isMalformed(bytes), isMalformed(bytes) ? bytes.malformed : '');
  return bytes;
};

describe('Zephyr', () => {
  it('sends Time in CBOR as a tagged text that ends in NUL', () => {
    const payload = hex(`c0 78 1a ${hexOf(utf8('1970-01-01T00:00:01-00:00'))} 00`);
    assert.deepEqual(values(CBOR, payload, at(pathOf(3, 0, 13))), [['/3/0/13', 1]]);
  });

  it('sends Objlnk in CBOR as a text that ends in NUL', () => {
    const payload = hex('64 313a3200');
    assert.deepEqual(decoded(CBOR, payload, at(pathOf(1, 0, 10)))[0], {
      kind: 'value',
      path: pathOf(1, 0, 10),
      value: { type: 'objlnk', value: { objectId: 1, objectInstanceId: 2 } },
    });
  });

  it('never shortens floats', () => {
    assert.deepEqual(values(CBOR, hex('fb 4008000000000000'), at(pathOf(3303, 0, 5700))), [['/3303/0/5700', 3]]);
    assert.deepEqual(values(TLV, hex('e8 1644 08 4008000000000000'), at(pathOf(3303, 0))), [['/3303/0/5700', 3]]);
  });
});

describe('Leshan', () => {
  it('sends Time with CBOR tag 1, in CBOR and in LwM2M CBOR', () => {
    assert.deepEqual(values(CBOR, hex('c1 1a 5182428f'), at(pathOf(3, 0, 13))), [['/3/0/13', 1_367_491_215]]);
    const nested = hex('a1 83 03 00 0d c1 1a 5182428f');
    assert.deepEqual(values(LWM2M_CBOR, nested, at(pathOf(3, 0, 13))), [['/3/0/13', 1_367_491_215]]);
  });

  it('sends SenML times as decimal fractions', () => {
    const payload = hex('81 a3 21 66 2f332f302f39 22 c4 82 22 1b 000000e8d4a51000 02 01');
    assert.deepEqual(decoded(SENML_CBOR, payload, at(pathOf(3, 0, 9))), [
      entry(pathOf(3, 0, 9), { type: 'integer', value: 1 }, 1_000_000_000),
    ]);
  });

  it('takes a Float of SenML CBOR as a float alone: an integer is 4.00 there (seen from 2.0.0-SNAPSHOT)', () => {
    const temperature = (value: number): NodeEntry => entry(pathOf(3303, 0, 5700), { type: 'float', value });
    for (const [value, bits] of [
      [23, 'f9 4dc0'],
      [0, 'f9 0000'],
      [-4, 'f9 c400'],
      [100_000, 'fa 47c35000'],
      [2 ** 40 + 1, 'fb 4270000000001000'],
    ] as const) {
      const payload = hex(`81 a2 00 6c ${hexOf(utf8('/3303/0/5700'))} 02 ${bits}`);
      assert.deepEqual(encoded(SENML_CBOR, [temperature(value)], at(pathOf())), payload);
      assert.deepEqual(decoded(SENML_CBOR, payload, at(pathOf())), [temperature(value)]);
    }
    const refusedThere = hex(`81 a2 00 6c ${hexOf(utf8('/3303/0/5700'))} 02 17`);
    assert.deepEqual(decoded(SENML_CBOR, refusedThere, at(pathOf())), [temperature(23)]);
  });

  it('splits the path anywhere between base name and name', () => {
    const payload = utf8('{"bn":"3/0/1","e":[{"n":"1/0","v":0},{"n":"1/1","v":0}]}');
    assert.deepEqual(values(LWM2M_JSON, payload, at(pathOf(3, 0, 11))), [
      ['/3/0/11/0', 0],
      ['/3/0/11/1', 0],
    ]);
  });
});

describe('Anjay', () => {
  it('sends absolute SenML times as doubles with fractions', () => {
    // Base time 1700000000.25.
    const payload = hex('82 a4 22 fb 41d954fc40100000 21 65 2f332f302f 00 61 39 02 01 a3 00 61 39 06 01 02 02');
    assert.deepEqual(decoded(SENML_CBOR, payload, at(pathOf(3, 0))), [
      entry(pathOf(3, 0, 9), { type: 'integer', value: 1 }, 1_700_000_000.25),
      entry(pathOf(3, 0, 9), { type: 'integer', value: 2 }, 1_700_000_001.25),
    ]);
  });

  it('sends relative SenML times, which count from the arrival', () => {
    const payload = utf8('[{"n":"/3/0/9","v":1,"t":-5},{"n":"/3/0/9","v":2}]');
    const now = 1_700_000_000;
    assert.deepEqual(decoded(SENML_JSON, payload, at(pathOf(), { now })), [
      entry(pathOf(3, 0, 9), { type: 'integer', value: 1 }, now - 5),
      entry(pathOf(3, 0, 9), { type: 'integer', value: 2 }),
    ]);
    assert.deepEqual(
      decoded(SENML_JSON, payload, at(pathOf()))[0],
      entry(pathOf(3, 0, 9), { type: 'integer', value: 1 }, -5),
    );
  });

  it('counts times below 2^28 from the arrival, later ones from 1970 (RFC 8428 §4.5.3)', () => {
    const now = 1_700_000_000;
    const timeOf = (bt: number): number | undefined => {
      const [first] = decoded(SENML_JSON, utf8(`[{"bt":${bt},"n":"/3/0/9","v":1}]`), at(pathOf(), { now }));
      return first?.kind === 'value' ? first.timestamp : undefined;
    };
    assert.equal(timeOf(2 ** 28 - 1), now + 2 ** 28 - 1);
    assert.equal(timeOf(2 ** 28), 2 ** 28);
    assert.equal(timeOf(0), undefined);
  });

  it('has a base name with a slash at the end, without, or none', () => {
    for (const text of [
      '[{"bn":"/3/0/","n":"9","v":7}]',
      '[{"bn":"/3/0/9","v":7}]',
      '[{"bn":"/3/0/9/","v":7}]',
      '[{"bn":"/3/0","n":"/9","v":7}]',
      '[{"n":"/3/0/9","v":7}]',
    ]) {
      assert.deepEqual(values(SENML_JSON, utf8(text), at(pathOf(3, 0, 9))), [['/3/0/9', 7]], text);
    }
  });
});

describe('Wakaama', () => {
  it('pads the base64 of vd, which has none in SenML', () => {
    for (const text of ['MA==', 'MA']) {
      const payload = utf8(`[{"bn":"/5/0/0","vd":"${text}"}]`);
      assert.deepEqual(values(SENML_JSON, payload, at(pathOf(5, 0, 0))), [['/5/0/0', Uint8Array.of(0x30)]]);
    }
  });

  it('refuses items of indefinite length, so nothing we write has any', () => {
    const many = Array.from({ length: 40 }, (_, id) => entry(pathOf(3, 0, 11, id), { type: 'integer', value: id }));
    for (const format of [SENML_CBOR, LWM2M_CBOR]) {
      const bytes = encoded(format, many, at(pathOf(3, 0)));
      assert.equal([...bytes].includes(0x9f) || [...bytes].includes(0xbf) || [...bytes].includes(0xff), false);
    }
  });
});

describe('old devices', () => {
  it('use the Content-Formats 1541 to 1544', () => {
    assert.deepEqual(values(1541, utf8('12'), at(pathOf(3, 0, 9))), [['/3/0/9', 12]]);
    assert.deepEqual(values(1542, hex('c1 09 0c'), at(pathOf(3, 0))), [['/3/0/9', 12]]);
    assert.deepEqual(values(1543, utf8('{"bn":"/3/0/9","e":[{"v":12}]}'), at(pathOf(3, 0, 9))), [['/3/0/9', 12]]);
    assert.deepEqual(values(1544, hex('0c'), at(pathOf(5, 0, 0))), [['/5/0/0', Uint8Array.of(12)]]);
  });

  it('print the null link in hexadecimal', () => {
    const link = { objectId: 65_535, objectInstanceId: 65_535 };
    assert.deepEqual(values(TEXT, utf8('FFFF:FFFF'), at(pathOf(1, 0, 10))), [['/1/0/10', link]]);
    assert.deepEqual(values(SENML_JSON, utf8('[{"n":"/1/0/10","vlo":"ffff:ffff"}]'), at(pathOf())), [
      ['/1/0/10', link],
    ]);
    assert.equal(
      new TextDecoder().decode(
        encoded(TEXT, [entry(pathOf(1, 0, 10), { type: 'objlnk', value: link })], at(pathOf(1, 0, 10))),
      ),
      '65535:65535',
    );
  });

  it('leave out the base name in LwM2M JSON and name what is below the request', () => {
    assert.deepEqual(values(LWM2M_JSON, utf8('{"e":[{"n":"9","v":12}]}'), at(pathOf(3, 0))), [['/3/0/9', 12]]);
    assert.deepEqual(values(LWM2M_JSON, utf8('{"e":[{"v":12}]}'), at(pathOf(3, 0, 9))), [['/3/0/9', 12]]);
  });
});

describe('TLV of a multiple-instance Resource', () => {
  const two = [
    ['/3/0/6/0', 1],
    ['/3/0/6/1', 5],
  ];
  for (const [shape, payload] of [
    ['bare Resource Instances', '410001 410105'],
    ['a Multiple Resource', '8606 410001 410105'],
    ['an Object Instance around it', '080008 8606 410001 410105'],
  ] as const) {
    it(`is read as ${shape} when the request names the Resource`, () => {
      assert.deepEqual(values(TLV, hex(payload), at(pathOf(3, 0, 6))), two);
    });
  }

  it('needs its Multiple Resource when the request names the Object Instance', () => {
    assert.equal(refused(TLV, hex('410001 410105'), at(pathOf(3, 0))), '/3/0: Resource Instance 0 among Resources');
  });

  it('is one Resource Instance when the request names that', () => {
    for (const payload of ['410105', '8306 410105', '080005 8306 410105']) {
      assert.deepEqual(values(TLV, hex(payload), at(pathOf(3, 0, 6, 1))), [['/3/0/6/1', 5]]);
    }
    assert.match(refused(TLV, hex('410001'), at(pathOf(3, 0, 6, 1))), /Resource Instance 0 where 1 was asked for/);
  });
});

describe('TLV without an Object Instance record for an Object path', () => {
  it('is of instance 0 when the Object has one only', () => {
    assert.deepEqual(values(TLV, hex('c10964'), at(pathOf(3))), [['/3/0/9', 100]]);
  });

  it('leaves the choice of the id to the client when there may be several (Create)', () => {
    assert.deepEqual(values(TLV, hex('c10201'), at(pathOf(1))), [['/1/65535/2', 1]]);
    const create = [entry(pathOf(1, 65_535, 2), { type: 'integer', value: 1 })];
    assert.deepEqual(decoded(TLV, encoded(TLV, create, at(pathOf(1))), at(pathOf(1))), create);
  });
});

describe('LwM2M CBOR', () => {
  it('is written as the examples of the specification have it (OMA TS Core 1.2.2 §7.5.4)', () => {
    for (const [path, payload] of [
      [pathOf(3, 0, 0), 'a1 83030000 74 4f70656e204d6f62696c6520416c6c69616e6365'],
      [pathOf(3, 0, 6), 'a1 83030006 a2 0001 0105'],
      [pathOf(1), 'a1 01 a2 00 a2 00 1865 01 1a00015180 01 a2 00 1866 01 1a00015180'],
      [pathOf(3, 0), 'a1 820300 a3 00 61 41 06 a2 0001 0105 0b a1 0000'],
    ] as const) {
      const entries = decoded(LWM2M_CBOR, hex(payload), at(path));
      assert.equal(hexOf(encoded(LWM2M_CBOR, entries, at(path))), payload.replaceAll(' ', ''));
    }
  });

  it('takes keys relative to the request, as 1.2.0 had them, when they cannot be absolute', () => {
    for (const [path, payload] of [
      [pathOf(3, 0), 'a1 09 1864'],
      [pathOf(3, 0, 9), 'a1 83030009 1864'],
      [pathOf(3), 'a1 00 a1 09 1864'],
      [pathOf(3), 'a1 82 00 09 1864'],
    ] as const) {
      assert.deepEqual(values(LWM2M_CBOR, hex(payload), at(path)), [['/3/0/9', 100]], payload);
    }
  });

  it('takes what can be absolute as absolute', () => {
    // Below /3 the key [3, 0, 9] could also mean /3/3/0/9.
    assert.deepEqual(values(LWM2M_CBOR, hex('a1 83030009 1864'), at(pathOf(3))), [['/3/0/9', 100]]);
  });

  it('refuses a path given twice, however its keys are cut', () => {
    assert.match(refused(LWM2M_CBOR, hex('a2 83030009 01 820300 a1 09 02'), at(pathOf())), /\/3\/0\/9: two values/);
  });

  it('refuses the prefix of a device behind a Gateway by name', () => {
    assert.match(refused(LWM2M_CBOR, hex('a1 84 63643031 03 00 09 01'), at(pathOf())), /Gateway/);
  });
});

describe('the alternate path (OMA TS Transport 1.2.1 §6.4.1)', () => {
  const context = at(pathOf(), { alternatePath: '/lwm2m' });

  it('is taken in names and left out, and names without it are taken too', () => {
    for (const name of ['/lwm2m/3/0/9', '/3/0/9']) {
      assert.deepEqual(values(SENML_JSON, utf8(`[{"n":"${name}","v":1}]`), context), [['/3/0/9', 1]]);
    }
    assert.deepEqual(decodePathList(SENML_JSON, utf8('[{"n":"/lwm2m"},{"n":"/lwm2m/"},{"n":"/lwm2m/3"}]'), context), [
      pathOf(),
      pathOf(),
      pathOf(3),
    ]);
  });

  it('is no prefix of a longer word', () => {
    assert.match(refused(SENML_JSON, utf8('[{"n":"/lwm2mx/3/0/9","v":1}]'), context), /is no path/);
    assert.match(refused(SENML_JSON, utf8('[{"n":"/lwm2m3/0/9","v":1}]'), context), /is no path/);
  });

  it('is written in front of names and base names', () => {
    const nine = [entry(pathOf(3, 0, 9), { type: 'integer', value: 1 })];
    const text = (path: Path): string => new TextDecoder().decode(encoded(SENML_JSON, nine, { ...context, path }));
    assert.equal(text(pathOf()), '[{"n":"/lwm2m/3/0/9","v":1}]');
    assert.equal(text(pathOf(3, 0)), '[{"bn":"/lwm2m/3/0/","n":"9","v":1}]');
    const list = encodePathList(SENML_JSON, [pathOf(3, 0)], context);
    assert.ok(!isMalformed(list));
    assert.equal(new TextDecoder().decode(list), '[{"n":"/lwm2m/3/0"}]');
  });
});

describe('types', () => {
  it('follow the version of the Object that the device registered', () => {
    const seen: string[] = [];
    const lookup: DefinitionLookup = {
      object: (objectId, version) => (seen.push(`${objectId} ${version}`), definitions.object(objectId, version)),
      resource: (objectId, resourceId, version) => definitions.resource(objectId, resourceId, version),
    };
    decoded(TLV, hex('c10965 c10a01'), { path: pathOf(3, 0), definitions: lookup, versionOf: () => '1.1' });
    assert.deepEqual(seen, ['3 1.1']);
  });

  it('that are wrong are named with path, expectation and finding', () => {
    for (const [format, payload, path, sentence] of [
      [
        SENML_JSON,
        utf8('[{"n":"/3/0/9","vs":"full"}]'),
        pathOf(),
        '/3/0/9: expected an Integer, found the text "full"',
      ],
      [SENML_JSON, utf8('[{"n":"/3/0/0","v":7}]'), pathOf(), '/3/0/0: expected a String, found the number 7'],
      [SENML_JSON, utf8('[{"n":"/1/0/6","v":1}]'), pathOf(), '/1/0/6: expected a Boolean, found the number 1'],
      [SENML_JSON, utf8('[{"n":"/3/0/9","v":0.5}]'), pathOf(), '/3/0/9: expected an Integer, found the number 0.5'],
      [SENML_JSON, utf8('[{"n":"/3/0/9","v":null}]'), pathOf(), '/3/0/9: expected an Integer, found null'],
      [CBOR, hex('f5'), pathOf(3, 0, 9), '/3/0/9: expected an Integer, found the boolean true'],
      [CBOR, hex('42 0102'), pathOf(3, 0, 0), '/3/0/0: expected a String, found 2 bytes'],
      [
        CBOR,
        hex('1b ffffffffffffffff'),
        pathOf(3, 0, 9),
        '/3/0/9: 18446744073709551615 does not fit the 64 bits of an Integer',
      ],
      [TLV, hex('c3 09 010203'), pathOf(3, 0), '/3/0/9: expected an Integer, found 3 bytes'],
      [TLV, hex('c1 06 02'), pathOf(1, 0), '/1/0/6: expected a Boolean, found the byte 2'],
      [TEXT, utf8('full'), pathOf(3, 0, 9), '/3/0/9: expected an Integer, found the text "full"'],
      [TEXT, utf8('2'), pathOf(1, 0, 6), '/1/0/6: expected a Boolean, found the text "2"'],
      [42, hex('00'), pathOf(3, 0, 9), '/3/0/9: expected an Integer, found 1 bytes'],
    ] as const) {
      assert.equal(refused(format, payload, at(path)), sentence);
    }
  });

  it('of Objects nobody knows are what the wire says, or bytes where it says nothing', () => {
    const path = pathOf(33_000, 0, 1);
    const nobody: DefinitionLookup = { object: () => undefined, resource: () => undefined };
    const typeOf = (format: number, payload: Uint8Array): unknown => {
      const [first] = decoded(format, payload, { path, definitions: nobody });
      return first?.kind === 'value' ? first.value.type : undefined;
    };
    assert.equal(typeOf(CBOR, hex('1864')), 'integer');
    assert.equal(typeOf(CBOR, hex('1b ffffffffffffffff')), 'unsigned');
    assert.equal(typeOf(CBOR, hex('f93c00')), 'float');
    assert.equal(typeOf(CBOR, hex('c1 01')), 'time');
    assert.equal(typeOf(CBOR, hex('6141')), 'string');
    assert.equal(typeOf(CBOR, hex('4141')), 'opaque');
    assert.equal(typeOf(CBOR, hex('f5')), 'boolean');
    assert.equal(typeOf(SENML_JSON, utf8('[{"vlo":"1:2"}]')), 'objlnk');
    assert.equal(typeOf(SENML_JSON, utf8('[{"v":20.0}]')), 'float');
    assert.equal(typeOf(LWM2M_JSON, utf8('{"e":[{"sv":"QQ=="}]}')), 'string');
    assert.equal(typeOf(TLV, hex('c10141')), 'opaque');
    assert.equal(typeOf(TEXT, utf8('7')), 'string');
  });

  it('take integers for floats and whole floats for integers', () => {
    assert.deepEqual(values(SENML_CBOR, hex('81 a2 00 6c 2f333330332f302f35373030 02 16'), at(pathOf())), [
      ['/3303/0/5700', 22],
    ]);
    assert.deepEqual(values(SENML_JSON, utf8('[{"n":"/3/0/9","v":1e2}]'), at(pathOf())), [['/3/0/9', 100]]);
    assert.deepEqual(
      values(CBOR, hex('fb 43e0000000000000'), { path: pathOf(3, 0, 9), definitions: only('unsigned') }),
      [['/3/0/9', 2n ** 63n]],
    );
  });
});

describe('SenML packs (RFC 8428)', () => {
  it('add the base value exactly, also beyond 2^53 (§4.5.4)', () => {
    const payload = utf8('[{"bv":9007199254740993,"n":"/1/0/2","v":1},{"bv":0.5,"n":"/3303/0/5700","v":1}]');
    assert.deepEqual(values(SENML_JSON, payload, at(pathOf())), [
      ['/1/0/2', 9_007_199_254_740_994n],
      ['/3303/0/5700', 1.5],
    ]);
  });

  it('keep base fields for the records that follow (§4.1)', () => {
    const payload = utf8(
      '[{"bn":"/3/0/","bt":1700000000,"n":"9","v":1},{"n":"9","v":2,"t":1},{"bt":0,"bn":"/1/0/","n":"1","v":3}]',
    );
    assert.deepEqual(decoded(SENML_JSON, payload, at(pathOf())), [
      entry(pathOf(3, 0, 9), { type: 'integer', value: 1 }, 1_700_000_000),
      entry(pathOf(3, 0, 9), { type: 'integer', value: 2 }, 1_700_000_001),
      entry(pathOf(1, 0, 1), { type: 'integer', value: 3 }),
    ]);
  });

  it('pass over units, sums and fields nobody knows (§4.4)', () => {
    const payload = utf8('[{"bu":"Cel","bs":1,"n":"/3/0/9","u":"%","s":3,"ut":5,"foo":{"n":[1]},"v":1}]');
    assert.deepEqual(values(SENML_JSON, payload, at(pathOf())), [['/3/0/9', 1]]);
  });

  it('are refused for two values at one place and time, not for a history', () => {
    const twice = '[{"n":"/3/0/9","v":1},{"n":"/1/0/1","v":1},{"n":"/3/0/9","v":2}]';
    assert.equal(refused(SENML_JSON, utf8(twice), at(pathOf())), '/3/0/9: two values without a time between them');
    const history = '[{"n":"/3/0/9","v":1,"t":-2},{"n":"/3/0/9","v":2,"t":-1},{"n":"/3/0/9","v":3}]';
    assert.equal(decoded(SENML_JSON, utf8(history), at(pathOf())).length, 3);
  });

  it('are refused for a field given twice, and for a record without a value', () => {
    assert.match(refused(SENML_JSON, utf8('[{"n":"/3/0/9","n":"/3/0/9","v":1}]'), at(pathOf())), /the field n twice/);
    assert.match(refused(SENML_CBOR, hex('81 a3 00 66 2f332f302f39 02 01 02 02'), at(pathOf())), /the field v twice/);
    assert.equal(refused(SENML_JSON, utf8('[{"n":"/3/0/9"}]'), at(pathOf())), '/3/0/9: no value');
    assert.match(refused(SENML_JSON, utf8('[{"n":"/3/0","v":1}]'), at(pathOf())), /a value where there is no Resource/);
  });

  it('write a history of one Resource with its base time once', () => {
    const history = [1_700_000_000, 1_700_000_010, 1_700_000_020].map((time, value) =>
      entry(pathOf(3, 0, 9), { type: 'integer', value }, time),
    );
    const bytes = encoded(SENML_JSON, history, at(pathOf(3, 0, 9)));
    assert.equal(
      new TextDecoder().decode(bytes),
      '[{"bn":"/3/0/9","bt":1700000000,"v":0},{"t":10,"v":1},{"t":20,"v":2}]',
    );
  });

  it('remove by null in SenML-ETCH only (RFC 8790 §3.2)', () => {
    const payload = hex('81 a2 00 69 2f332f302f31312f30 02 f6');
    assert.deepEqual(decoded(SENML_ETCH_CBOR, payload, at(pathOf())), [{ kind: 'remove', path: pathOf(3, 0, 11, 0) }]);
    assert.equal(refused(SENML_CBOR, payload, at(pathOf())), '/3/0/11/0: expected an Integer, found null');
    const removal: NodeEntry = { kind: 'remove', path: pathOf(3, 0, 11, 0) };
    const inPlain = encodePayload(SENML_CBOR, [removal], at(pathOf()));
    assert.ok(isMalformed(inPlain));
    assert.equal(inPlain.malformed, '/3/0/11/0: only SenML-ETCH can remove a node');
  });

  it('with names alone say which Object Instances there are', () => {
    const payload = utf8('[{"n":"/3303/0"},{"n":"/3303/1/5700","v":1}]');
    assert.deepEqual(decoded(SENML_JSON, payload, at(pathOf(3303))), [
      { kind: 'empty', path: pathOf(3303, 0) },
      entry(pathOf(3303, 1, 5700), { type: 'float', value: 1 }),
    ]);
  });
});

it('TLV and LwM2M CBOR put what belongs together side by side, ids ascending', () => {
  const entries = [
    entry(pathOf(3, 0, 9), { type: 'integer', value: 9 }),
    entry(pathOf(3, 0, 6, 1), { type: 'integer', value: 61 }),
    entry(pathOf(3, 0, 1), { type: 'string', value: 'A' }),
    entry(pathOf(3, 0, 6, 0), { type: 'integer', value: 60 }),
  ];
  assert.equal(hexOf(encoded(TLV, entries, at(pathOf(3, 0)))), 'c10141' + '8606' + '41003c' + '41013d' + 'c10909');
  assert.equal(hexOf(encoded(LWM2M_CBOR, entries, at(pathOf(3, 0)))), 'a1820300a3016141' + '06a200183c01183d' + '0909');
  assert.equal(entries[0]?.path.kind, 'resource');
});

it('LwM2M JSON has a base time unless that would blur the times', () => {
  const timed = (...times: readonly number[]): string => {
    const history = times.map((time) => entry(pathOf(3, 0, 9), { type: 'integer', value: 1 }, time));
    return new TextDecoder().decode(encoded(LWM2M_JSON, history, at(pathOf(3, 0, 9))));
  };
  assert.equal(timed(1_700_000_000, 1_700_000_010), '{"bn":"/3/0/9","bt":1700000000,"e":[{"v":1},{"t":10,"v":1}]}');
  assert.equal(timed(1_700_000_000.7, -0.1), '{"bn":"/3/0/9","e":[{"t":1700000000.7,"v":1},{"t":-0.1,"v":1}]}');
});

describe('what a format cannot carry', () => {
  const nine = entry(pathOf(3, 0, 9), { type: 'integer', value: 1 });
  const cannot = (format: number, entries: readonly NodeEntry[], path: Path): string => {
    const found = encodePayload(format, entries, at(path));
    assert.ok(isMalformed(found));
    return found.malformed;
  };

  it('is refused with a sentence', () => {
    assert.match(cannot(TEXT, [nine, nine], pathOf(3, 0)), /plain text carries exactly one value, not 2 entries/);
    assert.match(cannot(42, [nine], pathOf(3, 0, 9)), /an octet stream carries an Opaque, not an Integer/);
    assert.match(cannot(TLV, [nine, nine], pathOf(3, 0)), /\/3\/0\/9: TLV carries one value for a path, not two/);
    assert.match(cannot(TLV, [nine], pathOf()), /TLV names no Objects/);
    assert.match(cannot(TLV, [nine], pathOf(4)), /\/3\/0\/9 is not below \/4/);
    assert.match(cannot(TLV, [{ kind: 'remove', path: pathOf(3, 0, 9) }], pathOf(3, 0)), /TLV cannot say/);
    const infinite = entry(pathOf(3, 0, 9), { type: 'float', value: Infinity });
    assert.match(cannot(SENML_JSON, [infinite], pathOf()), /JSON has no form for the float Infinity/);
    assert.match(cannot(TEXT, [infinite], pathOf(3, 0, 9)), /plain text has no form for the float Infinity/);
    for (const format of [SENML_JSON, SENML_CBOR, LWM2M_JSON]) {
      const never = entry(pathOf(3, 0, 9), { type: 'integer', value: 1 }, NaN);
      assert.equal(cannot(format, [never], pathOf()), '/3/0/9: NaN is no time');
    }
    const wide = entry(pathOf(3, 0, 9), { type: 'integer', value: 2n ** 63n });
    for (const format of [TEXT, CBOR, SENML_JSON, SENML_CBOR, TLV, LWM2M_JSON, LWM2M_CBOR]) {
      assert.match(cannot(format, [wide], pathOf(3, 0, 9)), /does not fit the 64 bits of an Integer/);
    }
    assert.match(cannot(999, [nine], pathOf()), /Content-Format 999 is none that carries nodes/);
    const value = entry(pathOf(3, 0, 6), { type: 'integer', value: 1 });
    const below = entry(pathOf(3, 0, 6, 0), { type: 'integer', value: 1 });
    assert.match(cannot(LWM2M_CBOR, [value, below], pathOf()), /\/3\/0\/6\/0 is below \/3\/0\/6/);
  });
});
