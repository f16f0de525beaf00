import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  changeAttributes,
  checkAttributeLevels,
  checkAttributes,
  checkAttributeValues,
  effectiveAttributes,
  formatAttributeQueries,
  formatNumber,
  isMalformed,
  objectInstancePath,
  objectPath,
  parseAttributeQueries,
  parseAttributeValue,
  resourcePath,
} from './index.ts';
import type { AttributeChanges } from './index.ts';

const finite = fc
  .double({ noNaN: true, noDefaultInfinity: true, min: -1e200, max: 1e200 })
  .filter((number) => number === 0 || Math.abs(number) > 1e-200);
const anyChanges: fc.Arbitrary<AttributeChanges> = fc.record(
  {
    pmin: fc.option(fc.nat()),
    pmax: fc.option(fc.nat()),
    gt: fc.option(finite),
    lt: fc.option(finite),
    st: fc.option(finite.map(Math.abs)),
    epmin: fc.option(fc.nat()),
    edge: fc.option(fc.constantFrom(0 as const, 1 as const)),
    con: fc.option(fc.constantFrom(0 as const, 1 as const)),
    hqmax: fc.option(fc.nat()),
  },
  { requiredKeys: [] },
);

describe('attribute queries', () => {
  it('come back the same from what is written', () => {
    fc.assert(
      fc.property(anyChanges, (changes) => {
        const read = parseAttributeQueries(formatAttributeQueries(changes));
        assert.ok(!isMalformed(read));
        // The sign of zero is not kept.
        assert.deepEqual(JSON.parse(JSON.stringify(read)), JSON.parse(JSON.stringify(changes)));
      }),
    );
  });

  it('set with a value and unset without (OMA TS Core §6.3.4)', () => {
    assert.deepEqual(parseAttributeQueries(['pmin=10', 'pmax', 'gt=-1.5']), { pmin: 10, pmax: null, gt: -1.5 });
  });

  it('that are unknown, read-only, doubled or of the wrong form are 4.00', () => {
    const rows = [
      'foo=1',
      '',
      'dim=2',
      'ver=1.0',
      'st=-1',
      'pmin=1.5',
      'edge=2',
      'con',
      'gt=1e5',
      'gt=+1',
      'gt=.5',
      'constructor',
    ];
    for (const query of rows) {
      if (query !== 'con') assert.ok(isMalformed(parseAttributeQueries([query])), query);
    }
    assert.ok(isMalformed(parseAttributeQueries(['pmin=1', 'pmin=2'])));
    assert.ok(isMalformed(parseAttributeQueries(['pmin', 'pmin'])));
  });

  it('have numbers without exponent, however small or large', () => {
    assert.equal(formatNumber(1e21), '1000000000000000000000');
    assert.equal(formatNumber(-1.5e-7), '-0.00000015');
    assert.equal(formatNumber(1.25e22), '12500000000000000000000');
    fc.assert(
      fc.property(finite, (number) => {
        assert.match(formatNumber(number), /^-?\d+(\.\d+)?$/);
        assert.equal(Number(formatNumber(number)), number + 0);
      }),
    );
  });
});

describe('attribute values from a program', () => {
  it('are refused when the syntax has no place for them', () => {
    assert.ok(isMalformed(checkAttributeValues({ pmin: 1.5 })));
    assert.ok(isMalformed(checkAttributeValues({ pmax: -1 })));
    assert.ok(isMalformed(checkAttributeValues({ st: -0.5 })));
    assert.ok(isMalformed(checkAttributeValues({ gt: NaN })));
    assert.ok(isMalformed(checkAttributeValues({ lt: Infinity })));
    // 307 zeros do not fit a Uri-Query.
    assert.ok(isMalformed(checkAttributeValues({ lt: 1e307 })));
    assert.equal(checkAttributeValues({ gt: -40.25, pmin: 0, pmax: null, st: 0 }), undefined);
  });

  it('of a dimension end at 65535, of a Short Server ID at 65534', () => {
    assert.equal(parseAttributeValue('dim', '65535'), 65535);
    assert.ok(isMalformed(parseAttributeValue('dim', '65536')));
    assert.ok(isMalformed(parseAttributeValue('ssid', '65535')));
    assert.ok(isMalformed(parseAttributeValue('ssid', '0')));
  });
});

describe('rules between attributes', () => {
  it('lt stays below gt, with room for two steps (OMA TS Core §7.3.2)', () => {
    assert.equal(checkAttributes({ lt: 1, gt: 6, st: 1 }), undefined);
    assert.equal(checkAttributes({ lt: 1, st: 100 }), undefined);
    assert.ok(isMalformed(checkAttributes({ lt: 5, gt: 5 })));
    assert.ok(isMalformed(checkAttributes({ lt: 6, gt: 5 })));
    assert.deepEqual(checkAttributes({ lt: 10, gt: 12, st: 1 }), {
      malformed: 'lt + 2 st must be less than gt, but 10 + 2 × 1 is not less than 12',
    });
    assert.ok(isMalformed(checkAttributes({ epmin: 10, epmax: 10 })));
  });

  it('gt goes to a Resource, not to an Object or Object Instance; pmin to all', () => {
    assert.equal(checkAttributeLevels({ pmin: 1 }, objectPath(3)), undefined);
    assert.equal(checkAttributeLevels({ gt: 1, edge: 1 }, resourcePath(3, 0, 9)), undefined);
    assert.deepEqual(checkAttributeLevels({ gt: 1 }, objectInstancePath(3, 0)), {
      malformed: 'gt goes to a Resource or a Resource Instance, not to an Object Instance',
    });
  });

  it('a change sets, unsets and leaves alone', () => {
    assert.deepEqual(changeAttributes({ pmin: 1, pmax: 9 }, { pmin: null, gt: 5 }), { pmax: 9, gt: 5 });
  });

  it('the nearest level wins, attribute by attribute', () => {
    const resource = { gt: 50 };
    const objectInstance = { pmax: 60 };
    const object = { pmin: 10, pmax: 100 };
    const server = { pmin: 1, pmax: 0 };
    assert.deepEqual(effectiveAttributes([resource, undefined, objectInstance, object, server]), {
      gt: 50,
      pmax: 60,
      pmin: 10,
    });
  });

  it('a pmax of 0 or below pmin does not hold, one equal to pmin does', () => {
    assert.deepEqual(effectiveAttributes([{ pmax: 0 }]), {});
    assert.deepEqual(effectiveAttributes([{ pmax: 49 }, { pmin: 50 }]), { pmin: 50 });
    assert.deepEqual(effectiveAttributes([{ pmax: 50 }, { pmin: 50 }]), { pmin: 50, pmax: 50 });
  });
});
