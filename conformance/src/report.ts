/** `docs/conformance.md` and the line of the README, made from the catalogue and the results of a run. */
import type { Case, Chapter } from './catalogue.ts';

/** Of a case with a test. */
export type Result = 'passes' | 'fails';
export type Results = (id: string) => Result;

interface Totals {
  readonly passes: number;
  readonly fails: number;
  readonly open: number;
}

/** Cases that can be proved, not those that are the same as another or have no procedure. */
export function totalsOf(cases: readonly Case[], results: Results): Totals {
  const states = cases.map(({ id, standing }) => (standing.kind === 'tested' ? results(id) : standing.kind));
  const count = (state: (typeof states)[number]): number => states.filter((each) => each === state).length;
  return { passes: count('passes'), fails: count('fails'), open: count('open') };
}

export function renderReport(chapters: readonly Chapter[], results: Results): string {
  const filled = chapters.filter(({ cases }) => cases.length > 0);
  const lines = [
    '# Conformance',
    '',
    'What the Client and the Server are held to, case by case. This file is made by `npm run conformance`; a test fails when it is stale.',
    '',
    'Each case runs in virtual time for every version of LwM2M it is about, and for every content format or kind of credential where it says so, through the public API of [`@lapwing/client`](client-library.md), [`@lapwing/server`](server-library.md) and [`@lapwing/bootstrap-server`](bootstrap-server-library.md). No case is run again when it fails.',
    '',
    '| | passes | open | |',
    '|---|---|---|---|',
    ...filled.map(({ title, cases }) => {
      const { passes, fails, open } = totalsOf(cases, results);
      return `| [${title}](#${anchorOf(title)}) | ${passes} | ${open} | ${fails === 0 ? '' : `${fails} fail`} |`;
    }),
    '',
    'A case of the OMA Enabler Test Specification keeps the id of the release that brought it: those of 1.1 are run for 1.2 as well, and one that is also about 1.0 is `LightweightM2M-1.0-int-…` with the same number there. Where a procedure contradicts the Objects or itself, the test says what it does instead.',
    '',
  ];
  for (const { title, source, cases } of filled) {
    lines.push(`## ${title}`, '', source, '', '| Id | Title | LwM2M | Test | State |', '|---|---|---|---|---|');
    for (const each of cases) lines.push(rowOf(each, results));
    lines.push('');
  }
  return lines.join('\n');
}

function rowOf({ id, title, versions, standing }: Case, results: Results): string {
  const cells = (test: string, state: string): string =>
    `| ${id} | ${title} | ${versions.join(', ')} | ${test} | ${state} |`;
  switch (standing.kind) {
    case 'tested':
      return cells(`[${nameOf(standing.file)}](../conformance/src/${standing.file})`, results(id));
    case 'open':
      return cells('', `open: ${standing.why}`);
    case 'same':
      return cells('', `the same as ${standing.as}`);
    case 'void':
      return cells('', `none: ${standing.why}`);
  }
}

const nameOf = (file: string): string => file.replace(/\.test\.ts$/, '');
/** As GitHub makes the anchors of headings. */
const anchorOf = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');

export const MARKS = ['<!-- conformance: npm run conformance -->', '<!-- /conformance -->'] as const;

/** What stands between the marks in the README. */
export function renderTotals(chapters: readonly Chapter[], results: Results): string {
  const isOma = ({ title }: Chapter): boolean => title.startsWith('OMA: ');
  const oma = totalsOf(
    chapters.filter(isOma).flatMap(({ cases }) => cases),
    results,
  );
  const own = totalsOf(
    chapters.filter((each) => !isOma(each)).flatMap(({ cases }) => cases),
    results,
  );
  const all = oma.passes + oma.fails + oma.open;
  const failing = oma.fails === 0 ? '' : `, ${oma.fails} fail`;
  const more = own.passes === 0 ? '' : ` ${own.passes} further scenarios pass, ${own.open} are open.`;
  return `of its ${all} cases that have a procedure ${oma.passes} pass and ${oma.open} are open${failing}.${more}`;
}

/** @throws Error without the marks. */
export function withTotals(readme: string, totals: string): string {
  const [begin, end] = MARKS.map((mark) => readme.indexOf(mark));
  if (begin === -1 || end === -1) throw new Error(`the README has no ${MARKS.join(' … ')}`);
  return `${readme.slice(0, begin! + MARKS[0].length)}${totals}${readme.slice(end)}`;
}
