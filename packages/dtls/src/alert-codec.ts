/**
 * The alert message, two bytes: level and description. RFC 5246 §7.2.
 */
import { ALERTS } from './alert-table.ts';
import type { AlertDescription, AlertLevel } from './alert-table.ts';
import type { Malformed } from './malformed.ts';

const LEVELS: Readonly<Record<AlertLevel, number>> = { warning: 1, fatal: 2 };

export interface Alert {
  readonly level: AlertLevel;
  readonly description: AlertDescription;
}

export function decodeAlert(content: Uint8Array): Alert | Malformed {
  if (content.length !== 2) return WRONG_LENGTH;
  const level = content[0] === LEVELS.warning ? 'warning' : content[0] === LEVELS.fatal ? 'fatal' : undefined;
  if (level === undefined) return WRONG_LEVEL;
  const number = content[1]!;
  return { level, description: ALERTS.find((row) => row.number === number)?.name ?? `alert ${number}` };
}

export function encodeAlert(level: AlertLevel, description: AlertDescription): Uint8Array {
  const number = ALERTS.find((row) => row.name === description)?.number ?? Number(description.slice('alert '.length));
  return Uint8Array.of(LEVELS[level], number);
}

const WRONG_LENGTH: Malformed = Object.freeze({ malformed: 'alert: not two bytes' });
const WRONG_LEVEL: Malformed = Object.freeze({ malformed: 'alert: neither a warning nor fatal' });
