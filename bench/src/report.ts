/** Tables for people, JSON for machines. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { MIB } from './scenario.ts';
import type { ScenarioResult, Table } from './scenario.ts';

/** A table as Markdown, its columns padded so that it reads in a terminal too. */
export function formatTable({ title, columns, rows, notes }: Table): string {
  const lines = [`### ${title}`, ''];
  if (columns.length > 0) {
    const widths = columns.map((column, index) => Math.max(column.length, ...rows.map((row) => row[index]!.length)));
    const line = (cells: readonly string[]): string =>
      `| ${cells.map((cell, index) => (index === 0 ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!))).join(' | ')} |`;
    lines.push(
      line(columns),
      `|${widths.map((width, index) => (index === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`,
    );
    lines.push(...rows.map(line), '');
  }
  lines.push(...notes.map((note) => `- ${note}`));
  if (notes.length > 0) lines.push('');
  return lines.join('\n');
}

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryMib: number;
  readonly kernel: string;
  readonly node: string;
}

export const describeMachine = (): Machine => ({
  processor: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length,
  memoryMib: Math.round(totalmem() / MIB),
  kernel: `${process.platform} ${release()}`,
  node: process.version,
});

/** Write `bench/results/<moment>.json`; answers its path. */
export function writeResults(moment: Date, quick: boolean, results: Readonly<Record<string, ScenarioResult>>): string {
  const folder = join(import.meta.dirname, '../results');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${moment.toISOString().replaceAll(':', '-')}.json`);
  writeFileSync(path, `${JSON.stringify({ moment, quick, machine: describeMachine(), results }, undefined, 1)}\n`);
  return path;
}
