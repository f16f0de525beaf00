/**
 * The lists of Objects that devices may name instead of sending them: a JSON object of lists in link format by Profile ID,
 * like {"6:27354b9a": "</1/0>,</3/0>"}. OMA TS Core 1.2 §6.2.1.
 */
import { readFile } from 'node:fs/promises';
import { isMalformed, isProfileId, parseObjectLinks } from '@lapwing/lwm2m';
import { StartFailure } from './start-failure.ts';

/** Rejects with StartFailure, before a port is bound. */
export async function readProfiles(file: string | undefined): Promise<Readonly<Record<string, string>>> {
  if (file === undefined) return {};
  const failure = (why: string, cause?: unknown): StartFailure =>
    new StartFailure(`The profiles file ${file} cannot be used: ${why}. Correct it, or name another with --profiles.`, {
      cause,
    });
  let parsed: unknown;
  try {
    // Editors on Windows begin a file with a byte order mark.
    parsed = JSON.parse((await readFile(file, 'utf8')).replace(/^\uFEFF/, ''));
  } catch (error) {
    throw failure((error as Error).message, error);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw failure('it must hold one JSON object, like {"6:27354b9a": "</1/0>,</3/0>"}');
  }
  for (const [id, links] of Object.entries(parsed)) {
    const why = wrongProfile(id, links);
    if (why !== undefined) throw failure(why);
  }
  return parsed as Readonly<Record<string, string>>;
}

function wrongProfile(id: string, links: unknown): string | undefined {
  if (!isProfileId(id)) return `"${id}" is no Profile ID, like 6:27354b9a`;
  if (typeof links !== 'string') return `profile ${id} must be text in link format, like "</1/0>,</3/0>"`;
  const list = parseObjectLinks(links, '1.2');
  if (isMalformed(list)) return `profile ${id}: ${list.malformed}`;
  return list.objects.length === 0 ? `profile ${id} has no Object` : undefined;
}
