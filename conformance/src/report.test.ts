/** The catalogue, the tests and `docs/conformance.md` say the same. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CASES, CHAPTERS, type Case, type Chapter } from './catalogue.ts';
import { MARKS, renderReport, renderTotals, totalsOf, withTotals, type Results } from './report.ts';

const here = import.meta.dirname;
const root = join(here, '../..');
const ALL_PASS: Results = () => 'passes';
const all = CHAPTERS.flatMap(({ cases }) => cases);

describe('the catalogue', () => {
  it('has every id once, and the one that another is the same as', () => {
    assert.equal(CASES.size, all.length);
    for (const { id, standing } of all) {
      if (standing.kind === 'same') assert.ok(CASES.has(standing.as), `${id} is the same as ${standing.as}`);
    }
  });

  it('has the 155 cases of the OMA test specification', () => {
    const oma = CHAPTERS.filter(({ title }) => title.startsWith('OMA: ')).flatMap(({ cases }) => cases);
    const count = (kind: Case['standing']['kind']): number =>
      oma.filter(({ standing }) => standing.kind === kind).length;
    assert.deepEqual([oma.length, count('tested') + count('open'), count('same'), count('void')], [155, 117, 6, 32]);
  });

  it('names for each tested case the file that proves it', () => {
    const texts = new Map<string, string>();
    for (const { id, standing } of all) {
      if (standing.kind !== 'tested') continue;
      const text = texts.get(standing.file) ?? readFileSync(join(here, standing.file), 'utf8');
      texts.set(standing.file, text);
      assert.ok(text.includes(`'${id}'`), `${standing.file} does not prove ${id}`);
    }
    const files = globSync('*/*.test.ts', { cwd: here }).map((file) => file.replaceAll('\\', '/'));
    assert.deepEqual(
      files.filter((file) => !texts.has(file)),
      [],
      'files that prove nothing',
    );
  });
});

describe('docs/conformance.md', () => {
  // Whether the cases pass the suite itself says: it fails with one that does not.
  it('is what the catalogue says (else: npm run conformance)', () =>
    assert.equal(readFileSync(join(root, 'docs/conformance.md'), 'utf8'), renderReport(CHAPTERS, ALL_PASS)));

  it('has its totals in the README', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    assert.equal(readme, withTotals(readme, renderTotals(CHAPTERS, ALL_PASS)));
  });
});

describe('the report', () => {
  const versions = ['1.1', '1.2'] as const;
  const chapter: Chapter = {
    title: 'OMA: Some, of these',
    source: 'Made up.',
    cases: [
      { id: 'a', title: 'A', versions, standing: { kind: 'tested', file: 'oma/x.test.ts' } },
      { id: 'b', title: 'B', versions, standing: { kind: 'tested', file: 'oma/x.test.ts' } },
      { id: 'c', title: 'C', versions, standing: { kind: 'open', why: 'not yet' } },
      { id: 'd', title: 'D', versions, standing: { kind: 'same', as: 'a' } },
      { id: 'e', title: 'E', versions, standing: { kind: 'void', why: 'empty' } },
    ],
  };
  const results: Results = (id) => (id === 'b' ? 'fails' : 'passes');

  it('tells what passes, what fails, what is open and why', () => {
    assert.deepEqual(totalsOf(chapter.cases, results), { passes: 1, fails: 1, open: 1 });
    const text = renderReport([chapter, { title: 'Nothing', source: '', cases: [] }], results);
    for (const line of [
      '| [OMA: Some, of these](#oma-some-of-these) | 1 | 1 | 1 fail |',
      '| a | A | 1.1, 1.2 | [oma/x](../conformance/src/oma/x.test.ts) | passes |',
      '| b | B | 1.1, 1.2 | [oma/x](../conformance/src/oma/x.test.ts) | fails |',
      '| c | C | 1.1, 1.2 |  | open: not yet |',
      '| d | D | 1.1, 1.2 |  | the same as a |',
      '| e | E | 1.1, 1.2 |  | none: empty |',
    ]) {
      assert.ok(text.split('\n').includes(line), line);
    }
    assert.doesNotMatch(text, /Nothing/);
    assert.match(renderTotals([chapter], results), /^of its 3 cases .* 1 pass and 1 are open, 1 fail\.$/);
  });

  it('replaces what stands between the marks, and nothing else', () => {
    const readme = `a\n- ${MARKS.join('old')}\nb\n`;
    assert.equal(withTotals(readme, 'new'), `a\n- ${MARKS.join('new')}\nb\n`);
    assert.throws(() => withTotals('nothing', 'new'), /has no/);
  });
});
