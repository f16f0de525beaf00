/**
 * `lapwing conformance`: the cases against a device that is connected to a running server, over its REST API.
 *
 * Exit codes: 0 nothing failed, 1 it could not be run (no server, no such device, cut short), 2 not understood,
 * 3 a case failed.
 */
import { writeFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { CASES } from './conformance/cases.ts';
import type { ConformanceCase } from './conformance/conformance-case.ts';
import { DeviceUnderTest } from './conformance/device-under-test.ts';
import { caseLines, junit, reportJson, summaryLine } from './conformance/report.ts';
import { runConformance } from './conformance/run.ts';
import { RequestFailed, RestClient } from './rest-client.ts';
import { type Flags, restCommand } from './rest-command.ts';
import type { Terminal } from './serve.ts';

interface ConformanceFlags extends Flags {
  readonly destructive?: boolean;
  readonly junit?: string;
  readonly only?: readonly ConformanceCase[];
  /** ms. */
  readonly timeout: number;
}

/** Thrown when the device failed a case: the report has been printed. */
export class CasesFailed extends Error {
  override get name(): string {
    return 'CasesFailed';
  }
}

export function conformanceCommand(program: Command, terminal: Terminal): void {
  restCommand(program, terminal, 'conformance <device>', 'hold a connected device against LwM2M, case by case')
    .option('--destructive', 'also what reboots the device or would harm one that does not refuse it')
    .option('--junit <file>', 'write a report as JUnit XML')
    .option('--only <cases>', 'these cases, separated by commas', casesNamed)
    .option('--timeout <ms>', 'how long the device may take to answer a request', wholeNumber, 10_000)
    .addHelpText('after', `\nCases:\n${CASES.map(caseHelp).join('\n')}`)
    .action((device: string, flags: ConformanceFlags) => conformance(device, flags, terminal));
}

async function conformance(name: string, flags: ConformanceFlags, terminal: Terminal): Promise<void> {
  const print = (lines: readonly string[]): void => {
    if (flags.json !== true) terminal.stdout.write(lines.map((line) => `${line}\n`).join(''));
  };
  const ending = new AbortController();
  const end = (): void => ending.abort();
  terminal.once('SIGINT', end);
  terminal.once('SIGTERM', end);
  try {
    const { timeout, only: cases = CASES } = flags;
    const device = await DeviceUnderTest.survey(new RestClient(flags.url), name, { timeout });
    const width = Math.max(...cases.map(({ id }) => id.length));
    const report = await runConformance(device, {
      cases,
      destructive: flags.destructive === true,
      signal: ending.signal,
      each: (result) => print(caseLines(result, width)),
    });
    print(['', summaryLine(report)]);
    if (flags.json === true) terminal.stdout.write(`${JSON.stringify(reportJson(report))}\n`);
    if (flags.junit !== undefined) await write(flags.junit, junit(report));
    if (report.cases.some(({ verdict }) => verdict.outcome === 'failed')) throw new CasesFailed();
    if (report.cutShort !== undefined) throw new RequestFailed(report.cutShort);
  } finally {
    terminal.off('SIGINT', end);
    terminal.off('SIGTERM', end);
  }
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new RequestFailed(`The report cannot be written to ${file}: ${(error as Error).message}.`, { cause: error });
  }
}

const caseHelp = ({ id, title, destructive }: ConformanceCase): string =>
  `  ${id.padEnd(30)}  ${title}${destructive === true ? ' (--destructive)' : ''}`;

function casesNamed(text: string): readonly ConformanceCase[] {
  const ids = text.split(',');
  const unknown = ids.find((id) => !CASES.some((each) => each.id === id));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no case "${unknown}"; --help lists them.`);
  return CASES.filter(({ id }) => ids.includes(id));
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 600_000) {
    throw new InvalidArgumentError('It takes a whole number from 1 to 600000.');
  }
  return value;
}
