/**
 * The names of SenML and OMA JSON: base name and name joined as they are, RFC 8428 §4.5.1, giving the path of a node.
 * OMA TS Core 1.2 §7.5.6, Transport 1.2.1 §6.4.1 for the alternate path.
 *
 * Taken besides "/3/0/9", since peers write it: the peer's alternate path in front; a slash at the end; leading zeros; no
 * slash in front, which then is absolute if that lies at or below the request's path, and else relative to it.
 */
import { malformed } from '../malformed.ts';
import type { Malformed } from '../malformed.ts';
import { ROOT, formatPath, pathIds } from '../path.ts';
import type { Path } from '../path.ts';
import { HIGHEST_ID_AT_LEVEL, objectAt, objectInstanceAt, resourceAt, resourceInstanceAt } from './entry-path.ts';
import type { DecodeContext } from './format.ts';

const SLASH = 0x2f;
const ZERO = 0x30;
const MAX_LEVELS = 4;

/** Reads one payload's names; the ids it fills are its own, so that a name costs nothing but its path. */
export class NodeNames {
  readonly #requestPath: Path;
  readonly #requestIds: readonly number[];
  readonly #alternatePath: string;
  readonly #ids: number[] = [0, 0, 0, 0];
  #levels = 0;

  constructor(context: Pick<DecodeContext, 'path' | 'alternatePath'>) {
    this.#requestPath = context.path;
    this.#requestIds = pathIds(context.path);
    this.#alternatePath = withoutEndSlash(context.alternatePath ?? '');
  }

  path(name: string): Path | Malformed {
    if (name === '') return this.#requestPath;
    let start = 0;
    const alternate = this.#alternatePath;
    if (alternate !== '' && name.startsWith(alternate)) {
      const next = name.charCodeAt(alternate.length);
      if (next === SLASH || Number.isNaN(next)) start = alternate.length;
    }
    if (start === name.length) return ROOT;
    if (!this.#parse(name, start)) return malformed(`the name ${JSON.stringify(shorten(name))} is no path`);
    if (name.charCodeAt(start) !== SLASH && !this.#isBelowRequest()) {
      if (!this.#prependRequest()) {
        return malformed(
          `the name ${JSON.stringify(shorten(name))} is no path, and none below ${formatPath(this.#requestPath)}`,
        );
      }
    }
    return this.#built();
  }

  #parse(name: string, from: number): boolean {
    let levels = 0;
    let at = name.charCodeAt(from) === SLASH ? from + 1 : from;
    while (at < name.length) {
      if (levels === MAX_LEVELS) return false;
      const highest = HIGHEST_ID_AT_LEVEL[levels] as number;
      const first = at;
      let id = 0;
      for (; at < name.length; at++) {
        const digit = name.charCodeAt(at) - ZERO;
        if (digit < 0 || digit > 9) break;
        id = id * 10 + digit;
        if (id > highest) return false;
      }
      if (at === first) return false;
      this.#ids[levels++] = id;
      if (at === name.length) break;
      if (name.charCodeAt(at++) !== SLASH) return false;
    }
    this.#levels = levels;
    return true;
  }

  #isBelowRequest(): boolean {
    const wanted = this.#requestIds;
    if (this.#levels < wanted.length) return false;
    for (let level = 0; level < wanted.length; level++) if (wanted[level] !== this.#ids[level]) return false;
    return true;
  }

  #prependRequest(): boolean {
    const wanted = this.#requestIds;
    if (this.#levels + wanted.length > MAX_LEVELS) return false;
    const below = this.#ids.slice(0, this.#levels);
    for (let level = 0; level < below.length; level++) {
      const id = below[level] as number;
      if (id > (HIGHEST_ID_AT_LEVEL[wanted.length + level] as number)) return false;
      this.#ids[wanted.length + level] = id;
    }
    for (let level = 0; level < wanted.length; level++) this.#ids[level] = wanted[level] as number;
    this.#levels += wanted.length;
    return true;
  }

  #built(): Path {
    const [object, objectInstance, resource, resourceInstance] = this.#ids as [number, number, number, number];
    switch (this.#levels) {
      case 0:
        return ROOT;
      case 1:
        return objectAt(object);
      case 2:
        return objectInstanceAt(object, objectInstance);
      case 3:
        return resourceAt(object, objectInstance, resource);
      default:
        return resourceInstanceAt(object, objectInstance, resource, resourceInstance);
    }
  }
}

/** "/lwm2m" for "/lwm2m/"; nothing for the root, which is what stands in front of names anyway. */
export const withoutEndSlash = (path: string): string => (path.endsWith('/') ? path.slice(0, -1) : path);

const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
