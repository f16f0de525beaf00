/** What the commands share that ask a running server: the options that name it, files, and how answers are printed. */
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { RequestFailed } from './rest-client.ts';
import type { Terminal } from './serve.ts';

export interface Flags {
  readonly url: string;
  readonly json?: boolean;
}

export function restCommand(parent: Command, terminal: Terminal, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option('--url <url>', 'the server', terminal.env['LAPWING_URL'] ?? 'http://localhost:8080')
    .option('--json', 'print the answer of the REST API as it is');
}

/** The answer as JSON where that is asked for, else the lines. */
export function show(terminal: Terminal, flags: Flags, answer: unknown, lines: readonly string[]): void {
  terminal.stdout.write(
    flags.json === true ? `${JSON.stringify(answer)}\n` : lines.map((line) => `${line}\n`).join(''),
  );
}

/** Rejects with RequestFailed. @param file  "-" for the standard input. */
export async function textOf(file: string, terminal: Terminal): Promise<string> {
  try {
    return file === '-' ? await text(Readable.from(terminal.stdin ?? [])) : await readFile(file, 'utf8');
  } catch (error) {
    throw new RequestFailed(`${file} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}
