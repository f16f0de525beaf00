/** How a test says which case of the catalogue it proves. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { CASES } from './catalogue.ts';

/**
 * Registers a test for each version of LwM2M that the case is about, or, with `variants`, for each of these too (formats,
 * kinds of credentials). A test's name begins with the id of the case.
 */
export function proves(id: string, test: (version: LwM2mVersion) => Promise<void>): void;
export function proves<Variant extends string>(
  id: string,
  variants: readonly Variant[],
  test: (version: LwM2mVersion, variant: Variant) => Promise<void>,
): void;
export function proves(id: string, ...rest: readonly unknown[]): void {
  const known = CASES.get(id);
  assert.ok(known?.standing.kind === 'tested', `${id} is not in the catalogue as tested`);
  const test = rest.at(-1) as (version: LwM2mVersion, variant?: string) => Promise<void>;
  const variants = rest.length === 2 ? (rest[0] as readonly string[]) : [undefined];
  for (const version of known.versions) {
    for (const variant of variants) {
      const condition = variant === undefined ? `LwM2M ${version}` : `LwM2M ${version}, ${variant}`;
      it(`${id} ${known.title} (${condition})`, () => test(version, variant));
    }
  }
}
