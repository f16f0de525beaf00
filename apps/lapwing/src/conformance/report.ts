/** A report for people, for programs, and for what shows the tests of a build (JUnit XML). */
import type { CaseResult, Report } from './run.ts';
import type { Verdict } from './conformance-case.ts';

const WORD: Readonly<Record<Verdict['outcome'], string>> = { passed: 'passed ', failed: 'FAILED ', skipped: 'skipped' };

/** The lines of a case: one, and one more for each check that failed. */
export function caseLines({ id, title, verdict, checks }: CaseResult, width: number): readonly string[] {
  const passed = checks.filter((check) => check.verdict.outcome === 'passed').length;
  const count = checks.length === 0 ? '' : `${passed}/${checks.length}`;
  const head = `${WORD[verdict.outcome]}  ${id.padEnd(width)}  ${count.padStart(7)}  ${title}`;
  const failures = checks.flatMap((check) =>
    check.verdict.outcome === 'failed' ? [`           ${check.target}: ${check.verdict.why}`] : [],
  );
  const why = verdict.outcome === 'skipped' ? [`           ${verdict.why}`] : [];
  return [head, ...why, ...failures];
}

export function summaryLine({ device, lwm2mVersion, duration, cases, cutShort }: Report): string {
  const count = (outcome: Verdict['outcome']): number =>
    cases.filter(({ verdict }) => verdict.outcome === outcome).length;
  const checks = cases.reduce((sum, each) => sum + each.checks.length, 0);
  const end = cutShort === undefined ? '' : ` ${cutShort} Cases are missing.`;
  return `${device}, LwM2M ${lwm2mVersion}: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped; ${checks} checks in ${(duration / 1000).toFixed(1)} s.${end}`;
}

/** The JSON of `--json`. */
export function reportJson({ device, lwm2mVersion, startedAt, duration, cases, cutShort }: Report): object {
  return {
    device,
    lwm2mVersion,
    startedAt: startedAt.toISOString(),
    duration: Math.round(duration),
    ...(cutShort === undefined ? {} : { cutShort }),
    cases: cases.map(({ id, title, oma, verdict, checks }) => ({
      id,
      title,
      oma,
      ...verdict,
      checks: checks.map((check) => ({ target: check.target, ...check.verdict, duration: Math.round(check.duration) })),
    })),
  };
}

/** One testcase per check; a case without checks is one that was skipped. */
export function junit({ device, startedAt, duration, cases, cutShort }: Report): string {
  const rows = cases.flatMap(({ id, title, verdict, checks }) =>
    checks.length === 0
      ? [testcase(id, title, 0, verdict)]
      : checks.map((check) => testcase(id, check.target, check.duration, check.verdict)),
  );
  if (cutShort !== undefined) rows.push(testcase('run', 'runs to its end', 0, { outcome: 'failed', why: cutShort }));
  const count = (outcome: string): number => rows.filter((row) => row.outcome === outcome).length;
  const head = `tests="${rows.length}" failures="${count('failed')}" skipped="${count('skipped')}" time="${seconds(duration)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${head}>`,
    `  <testsuite name="${escape(device)}" timestamp="${startedAt.toISOString().slice(0, 19)}" errors="0" ${head}>`,
    ...rows.map(({ xml }) => xml),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function testcase(
  id: string,
  name: string,
  duration: number,
  verdict: Verdict,
): { readonly outcome: string; readonly xml: string } {
  const open = `    <testcase classname="lapwing.conformance.${id}" name="${escape(name)}" time="${seconds(duration)}"`;
  if (verdict.outcome === 'passed') return { outcome: 'passed', xml: `${open}/>` };
  const element = verdict.outcome === 'failed' ? 'failure' : 'skipped';
  return {
    outcome: verdict.outcome,
    xml: `${open}>\n      <${element} message="${escape(verdict.why)}"/>\n    </testcase>`,
  };
}

const seconds = (ms: number): string => (ms / 1000).toFixed(3);

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** For an attribute in double quotes; what XML 1.0 cannot have at all becomes U+FFFD. */
const escape = (text: string): string =>
  text
    .replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? '')
    .replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '\uFFFD')
    .replaceAll(/[\t\n\r]/g, ' ');
