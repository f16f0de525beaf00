/**
 * Many credentials in one text: JSON Lines, or CSV (RFC 4180) with a header line that names the columns. Each becomes an
 * entry or a sentence that names its line.
 */
import { isMalformed, malformed, type Malformed } from '@lapwing/lwm2m';
import type { SecurityEntry } from '@lapwing/server';
import { credentialFrom, type CredentialInput, isWrongField } from './credential-input.ts';

export interface ImportedLine {
  /** Counted from 1; of a CSV record that runs over several, the first. */
  readonly line: number;
  readonly entry: SecurityEntry | Malformed;
}

export const MAX_IMPORT_BYTES: number = 32 * 1024 * 1024;

export function importFromJsonLines(text: string): readonly ImportedLine[] {
  const imported: ImportedLine[] = [];
  for (const [index, content] of text.split('\n').entries()) {
    if (content.trim() === '') continue;
    imported.push({ line: index + 1, entry: entryFrom(parseJson(content)) });
  }
  return imported;
}

/** Malformed when the header is not understood. */
export function importFromCsv(text: string): readonly ImportedLine[] | Malformed {
  const [header, ...records] = csvRecords(text.replace(/^\uFEFF/, ''));
  if (header === undefined || header.isBroken) return malformed('a first line with the names of the columns is needed');
  const columns = header.fields.map((name) => name.trim());
  const unknown = columns.find((name) => !FIELDS.includes(name as keyof CredentialInput));
  if (unknown !== undefined) return malformed(`there is no column "${unknown}"; there are ${FIELDS.join(', ')}`);
  if (!columns.includes('device')) return malformed('a column "device" is needed');
  return records.map(({ line, fields, isBroken }) => {
    if (isBroken) return { line, entry: malformed('a quoted field does not end, or goes on after its end') };
    if (fields.length !== columns.length) {
      return { line, entry: malformed(`there are ${fields.length} fields for ${columns.length} columns`) };
    }
    const given = columns.flatMap((name, index) => (fields[index] === '' ? [] : [[name, fields[index]] as const]));
    return { line, entry: entryFrom({ kind: 'psk', ...Object.fromEntries(given) }) };
  });
}

const FIELDS: readonly (keyof CredentialInput)[] = ['device', 'kind', 'identity', 'key', 'publicKey', 'certificate'];
const KINDS: readonly unknown[] = ['psk', 'rpk', 'x509'] satisfies CredentialInput['kind'][];

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return malformed('this is not JSON');
  }
}

function entryFrom(json: unknown): SecurityEntry | Malformed {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return malformed('this is no JSON object');
  if (isMalformed(json)) return json;
  for (const [name, value] of Object.entries(json)) {
    if (!FIELDS.includes(name as keyof CredentialInput)) return malformed(`there is no field "${name.slice(0, 40)}"`);
    if (typeof value !== 'string') return malformed(`${name}: text is needed`);
  }
  const input = json as Partial<CredentialInput>;
  const { device, kind, key } = input;
  if (device === undefined) return malformed('device: an Endpoint Client Name is needed');
  if (kind === undefined || !KINDS.includes(kind)) return malformed('kind: psk, rpk or x509 is needed');
  // Nobody would ever be told a key that is made here.
  if (kind === 'psk' && key === undefined) return malformed('key: one is needed, in hexadecimal');
  const credential = credentialFrom({ ...input, device, kind });
  return isWrongField(credential) ? malformed(`${credential.field}: ${credential.malformed}`) : credential.entry;
}

interface CsvRecord {
  readonly line: number;
  readonly fields: readonly string[];
  readonly isBroken: boolean;
}

/** Empty lines are left out. */
function csvRecords(text: string): readonly CsvRecord[] {
  const records: CsvRecord[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const begin = line;
    const fields: string[] = [];
    let isBroken = false;
    for (;;) {
      FIELD.lastIndex = at;
      const [whole = '', quoted, bare] = FIELD.exec(text) ?? [];
      fields.push(quoted === undefined ? (bare ?? '') : quoted.replaceAll('""', '"'));
      isBroken ||= bare?.includes('"') === true;
      at += whole.length;
      line += whole.split('\n').length - 1;
      if (text[at] === ',') {
        at++;
        continue;
      }
      END_OF_LINE.lastIndex = at;
      const [rest = ''] = END_OF_LINE.exec(text) ?? [];
      isBroken ||= !/^\r?\n?$/.test(rest);
      at += rest.length;
      line += rest.endsWith('\n') ? 1 : 0;
      break;
    }
    if (fields.length > 1 || fields[0] !== '' || isBroken) records.push({ line: begin, fields, isBroken });
  }
  return records;
}

/** A quoted field or a bare one, from `lastIndex` on. */
const FIELD = /"((?:[^"]|"")*)"|([^,\r\n]*)/y;
const END_OF_LINE = /[^\n]*(?:\n|$)/y;
