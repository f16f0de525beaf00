import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { title, vectorsOf } from '../test/vectors.ts';
import { UsageError } from './errors.ts';
import { DEFAULT_LINK_FORMAT_LIMITS, formatLinks, linkParameter, parseLinks } from './link-format.ts';
import type { Link } from './link-format.ts';

type Row = readonly [target: string, ...parameters: (readonly string[])[]];

/** In the notation of the vectors: ["name"], ["name", "value"] or ["name", "value", "q"] for a quoted one. */
const rowOf = ({ target, parameters }: Link): Row => [
  target,
  ...parameters.map(({ name, value, quoted }) =>
    value === undefined ? [name] : quoted === true ? [name, value, 'q'] : [name, value],
  ),
];
const parsed = (text: string): readonly Link[] => {
  const links = parseLinks(text);
  if ('malformed' in links) assert.fail(`${text}: ${links.malformed}`);
  return links;
};
const rejects = (payload: string | Uint8Array, reason: RegExp): void => {
  const links = parseLinks(payload);
  assert.ok('malformed' in links);
  assert.match(links.malformed, reason);
};

describe('link format vectors (RFC 6690 §2)', () => {
  for (const vector of vectorsOf('link-format')) {
    const text = vector.text!;
    const { links, error, ok } = vector.expected;
    if (links !== undefined) {
      it(`reads ${title(vector)}`, () => assert.deepEqual(parsed(text).map(rowOf), links));
      it(`writes what it read from ${vector.id} so that it reads the same`, () => {
        const once = parsed(text);
        assert.deepEqual(parsed(formatLinks(once)), once);
      });
    } else if (error === 'strict-only') {
      it(`takes the blanks of ${title(vector)}`, () => {
        assert.deepEqual(parsed(text), parsed(text.replaceAll(' ', '')));
      });
    } else if (error === 'rejected') {
      it(`rejects ${title(vector)}`, () => rejects(text, /expected at character \d+, found/));
    } else {
      // The remaining ones judge the values of LwM2M attributes, which are nothing special to the link format.
      assert.ok(ok === true || error === 'invalid attribute value', vector.id);
      it(`reads the syntax of ${title(vector)}`, () => assert.equal(parsed(text).length, 1));
    }
    it(`reads or rejects every truncation of ${vector.id} without throwing`, () => {
      for (let length = 0; length < text.length; length++) parseLinks(text.slice(0, length));
    });
  }
});

describe('reading links', () => {
  it('an empty payload holds none', () => {
    assert.deepEqual(parsed(''), []);
    assert.deepEqual(parsed('  '), []);
    assert.deepEqual(parseLinks(new Uint8Array(0)), []);
  });

  it('takes bytes, and rejects those that are not UTF-8', () => {
    assert.deepEqual(parseLinks(new TextEncoder().encode('</3/0>;title="Gerät"')), [
      { target: '/3/0', parameters: [{ name: 'title', value: 'Gerät', quoted: true }] },
    ]);
    rejects(Uint8Array.of(0x3c, 0x2f, 0xff, 0x3e), /UTF-8/);
  });

  it('says where the text goes wrong', () => {
    rejects('</3/0>,<3/1>', /^an absolute path expected at character 8, found "3"$/);
    rejects('</3/0>;ver=', /^a value expected at character 11, found the end$/);
  });

  it('takes parameters that end in a star (RFC 5987), and blanks of every kind', () => {
    assert.deepEqual(parsed("</a>;\r\n title*=UTF-8''x%20y ,\t</b>").map(rowOf), [
      ['/a', ['title*', "UTF-8''x%20y"]],
      ['/b'],
    ]);
  });

  it('takes the version without a link only at the very beginning (OMA TS 1.0 §5.2.7.3)', () => {
    assert.deepEqual(parsed('lwm2m=1.0;x=1').map(rowOf), [['/', ['lwm2m', '1.0'], ['x', '1']]]);
    rejects('</0/0>,lwm2m=1.0', /"<" expected/);
    rejects('ver=1.0,</0/0>', /"<" expected/);
  });

  it('rejects a control character inside quotes', () => rejects('</a>;t="\u0000"', /expected at character 8/));

  it('gives a parameter by name: its first value, an empty text without one, undefined when absent', () => {
    const [link] = parsed('</3>;ver=1.1;ver=2;obs');
    assert.equal(linkParameter(link!, 'ver'), '1.1');
    assert.equal(linkParameter(link!, 'obs'), '');
    assert.equal(linkParameter(link!, 'ct'), undefined);
  });

  it('stops at each of its limits, and says which', () => {
    const limits = { ...DEFAULT_LINK_FORMAT_LIMITS, maxBytes: 40, maxLinks: 2, maxParametersPerLink: 2 };
    const reason = (text: string): string => {
      const links = parseLinks(text, limits);
      return 'malformed' in links ? links.malformed : 'taken';
    };
    assert.equal(reason('</1>,</2>'), 'taken');
    assert.equal(reason('</1>,</2>,</3>'), 'more links than the limit of 2');
    assert.equal(reason('</1>;a;b'), 'taken');
    assert.equal(reason('</1>;a;b;c'), 'more parameters than the limit of 2');
    assert.equal(reason(`</${'1'.repeat(38)}>`), '41 bytes are more than the limit of 40');
  });

  it('never throws, whatever the text (50,000 seeded texts from the characters that matter)', () => {
    let state = 0x2545_f491;
    const random = (below: number): number =>
      ((state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 16) % below;
    const alphabet = [
      '<',
      '>',
      '/',
      ';',
      ',',
      '=',
      '"',
      '\\',
      ' ',
      '%',
      '4',
      'a',
      'lwm2m=',
      '\u00fc',
      '\ud83d',
      '</1>',
      ';b="c"',
    ];
    let taken = 0;
    for (let round = 0; round < 50_000; round++) {
      const text = Array.from({ length: random(12) }, () => alphabet[random(alphabet.length)]!).join('');
      const links = parseLinks(text);
      if ('malformed' in links) continue;
      taken++;
      assert.deepEqual(parseLinks(formatLinks(links)), links, text);
    }
    assert.ok(taken > 500, `${taken} texts were links`);
  });
});

describe('writing links (RFC 6690 §2)', () => {
  it('writes no blanks, and quotes only where the value is no token or the parameter asks for it', () => {
    const text = formatLinks([
      {
        target: '/',
        parameters: [
          { name: 'rt', value: 'oma.lwm2m', quoted: true },
          { name: 'ct', value: '60 110' },
        ],
      },
      { target: '/3/0', parameters: [{ name: 'ver', value: '1.1' }, { name: 'title', value: 'a' }, { name: 'obs' }] },
      {
        target: '/5',
        parameters: [
          { name: 'n', value: 'say "\\"' },
          { name: 'e', value: '' },
        ],
      },
    ]);
    assert.equal(text, '</>;rt="oma.lwm2m";ct="60 110",</3/0>;ver=1.1;title="a";obs,</5>;n="say \\"\\\\\\"";e=""');
  });

  const one = (target: string, name = 'a', value = 'b') => [{ target, parameters: [{ name, value }] }];
  for (const links of [
    one('3/0'),
    one(''),
    one('//a'),
    one('/a?b'),
    one('/%4'),
    one('/ü'),
    one('/a', ''),
    one('/a', 'b c'),
    one('/a', 'b', '\n'),
  ]) {
    it(`refuses ${JSON.stringify(links)} with UsageError`, () => assert.throws(() => formatLinks(links), UsageError));
  }
});
