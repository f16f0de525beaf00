/** The log: pino's JSON lines, or one readable line per message where a person reads along. */
import { type DestinationStream, type Logger, pino } from 'pino';
import type { Configuration } from './configuration.ts';

export interface LogOptions {
  readonly level: Configuration['logLevel'];
  /** Lines for people instead of JSON. */
  readonly readable: boolean;
  readonly destination: { write(text: string): unknown };
}

export function createLog({ level, readable, destination }: LogOptions): Logger {
  const stream: DestinationStream = {
    write: (line) => void destination.write(readable ? readableLine(line) : line),
  };
  return pino({ level, base: null, redact: { paths: REDACTED, censor: '…' } }, stream);
}

/** What clients send to prove who they are has no place in a log. */
const REDACTED = ['req.headers.authorization', 'req.headers.cookie', '*.password', '*.secretKey'];

/** "12:30:05 warn  a simulated device did not start (device demo-light)". */
export function readableLine(json: string): string {
  const { time, level, msg, err, ...rest } = JSON.parse(json) as Record<string, unknown> & {
    readonly err?: { readonly message?: string; readonly stack?: string };
  };
  const clock = new Date(Number(time)).toISOString().slice(11, 19);
  const name = (pino.levels.labels[Number(level)] ?? '').padEnd(5);
  const details = Object.entries(rest).map(
    ([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const cause = err === undefined ? '' : `: ${err.message ?? JSON.stringify(err)}`;
  return `${clock} ${name} ${typeof msg === 'string' ? msg : ''}${cause}${details.length > 0 ? ` (${details.join(', ')})` : ''}\n`;
}
