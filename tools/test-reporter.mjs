// A quiet reporter: a line per file, everything about failures, the reasons of skips, and the totals.
import { relative } from 'node:path';
import { inspect } from 'node:util';

export default async function* report(source) {
  const files = new Map();
  const of = (file) => {
    if (!files.has(file)) files.set(file, { passed: 0, failed: 0, skipped: 0 });
    return files.get(file);
  };
  let failed = 0;
  let passed = 0;
  let skipped = 0;
  const failures = [];
  const skips = [];

  for await (const { type, data } of source) {
    const name = data?.file ? relative(process.cwd(), data.file) : '(no file)';
    if (type === 'test:stderr' || type === 'test:stdout') {
      yield data.message;
    } else if (type === 'test:pass' || type === 'test:fail') {
      const isSuite = data.details?.type === 'suite';
      const file = of(name);
      if (type === 'test:fail') {
        // A parent that failed only because a child did would be counted twice.
        if (data.details?.error?.failureType === 'subtestsFailed') continue;
        file.failed++;
        failed++;
        failures.push({ name, data });
      } else if (data.skip !== undefined && data.skip !== false) {
        file.skipped++;
        skipped++;
        skips.push(`${name}: ${data.name} — ${data.skip === true || data.skip === '' ? 'no reason given' : data.skip}`);
      } else if (!isSuite && data.name !== data.file && data.nesting >= 0) {
        file.passed++;
        passed++;
      }
    } else if (type === 'test:summary' && data.file) {
      // Its own counts: a test registered by a shared function belongs to that function's file.
      const { passed: p, failed: f, skipped: s } = data.counts;
      yield `${data.success ? 'ok  ' : 'FAIL'} ${name}  ${p} passed${f ? `, ${f} failed` : ''}${s ? `, ${s} skipped` : ''}  (${(data.duration_ms / 1000).toFixed(1)} s)\n`;
    }
  }
  for (const { name, data } of failures) {
    const error = data.details?.error;
    yield `\nFAILED ${name}:${data.line ?? '?'}  ${data.name}\n${inspect(error?.cause ?? error, { depth: 6, breakLength: 120 }).replace(/^/gm, '  ')}\n`;
  }
  if (skips.length > 0) yield `\nskipped:\n${skips.map((line) => `  ${line}\n`).join('')}`;
  yield `\n${passed} passed, ${failed} failed, ${skipped} skipped\n`;
}
