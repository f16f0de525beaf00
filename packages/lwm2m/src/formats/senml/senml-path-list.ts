/**
 * A fetch pack: the paths of a Read-Composite or Observe-Composite, one record each. OMA TS Core 1.2 §7.5.6, RFC 8790
 * §3.1. A value or a time, which would select among values, is refused.
 */
import { malformed } from '../../malformed.ts';
import type { Malformed } from '../../malformed.ts';
import { formatPath } from '../../path.ts';
import type { Path } from '../../path.ts';
import type { DecodeContext } from '../format.ts';
import { maxEntriesOf, tooManyEntries } from '../limits.ts';
import { NodeNames } from '../node-name.ts';
import type { SenmlRecord } from './senml-record.ts';

export class SenmlPathList {
  readonly paths: Path[] = [];
  readonly #maxEntries: number;
  readonly #names: NodeNames;
  #baseName = '';

  constructor(context: DecodeContext) {
    this.#maxEntries = maxEntriesOf(context);
    this.#names = new NodeNames(context);
  }

  add(record: SenmlRecord): Malformed | undefined {
    if (this.paths.length >= this.#maxEntries) return tooManyEntries(this.#maxEntries);
    if (record.baseName !== undefined) this.#baseName = record.baseName;
    const path = this.#names.path(this.#baseName + record.name);
    if ('malformed' in path) return path;
    if (record.field !== undefined) return malformed(`${formatPath(path)}: a value in a list of paths`);
    if (record.time !== undefined || record.baseTime !== undefined) {
      return malformed(`${formatPath(path)}: a time in a list of paths`);
    }
    this.paths.push(path);
    return undefined;
  }
}
