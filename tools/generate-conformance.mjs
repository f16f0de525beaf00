// `npm run conformance`: runs the conformance suite, and writes docs/conformance.md and the totals in the README.
// A case passes when all of its tests did, and it had one for every version.
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { CASES, CHAPTERS } from '../conformance/src/catalogue.ts';
import { renderReport, renderTotals, withTotals } from '../conformance/src/report.ts';

const root = join(import.meta.dirname, '..');
const files = globSync(join(root, 'conformance/src/*/*.test.ts')).sort();

const passed = new Map();
const failed = new Set();
const stream = run({ files, concurrency: 2, execArgv: ['--conditions=src', '--disable-warning=ExperimentalWarning'] });
const idOf = (name) => name.split(' ', 1)[0];
stream.on('test:pass', ({ name, skip }) => {
  const id = idOf(name);
  if (CASES.has(id) && skip === undefined) passed.set(id, (passed.get(id) ?? 0) + 1);
});
stream.on('test:fail', ({ name, details }) => {
  if (CASES.has(idOf(name))) failed.add(idOf(name));
  else if (details.error.failureType !== 'subtestsFailed') process.exitCode = 1;
  console.error(`FAILED ${name}`);
});
for await (const _ of stream);

const results = (id) =>
  !failed.has(id) && (passed.get(id) ?? 0) >= CASES.get(id).versions.length ? 'passes' : 'fails';
writeFileSync(join(root, 'docs/conformance.md'), renderReport(CHAPTERS, results));
const readme = join(root, 'README.md');
writeFileSync(readme, withTotals(readFileSync(readme, 'utf8'), renderTotals(CHAPTERS, results)));

console.log(renderTotals(CHAPTERS, results));
const failing = [...CASES.values()].filter(({ id, standing }) => standing.kind === 'tested' && results(id) === 'fails');
for (const { id, title } of failing) console.error(`fails: ${id} ${title}`);
if (failing.length > 0) process.exitCode = 1;
