/**
 * What the suite proves, case by case: where a case comes from, which versions of LwM2M it is about, and the test that
 * proves it, or why there is none. `docs/conformance.md` is made from it.
 */
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { GAPS } from './catalogue/gaps.ts';
import { OMA_CASES } from './catalogue/oma-cases.ts';
import { SCENARIOS } from './catalogue/scenarios.ts';

export interface Case {
  /** Unique in the catalogue: names of tests begin with it. */
  readonly id: string;
  readonly title: string;
  readonly versions: readonly LwM2mVersion[];
  readonly standing: Standing;
}

export type Standing =
  /** Proved by this file, relative to `conformance/src`. */
  | { readonly kind: 'tested'; readonly file: string }
  /** Not yet, and why. */
  | { readonly kind: 'open'; readonly why: string }
  /** The source says that it is the same as another case. */
  | { readonly kind: 'same'; readonly as: string }
  /** The source has no procedure for it, or took it back. */
  | { readonly kind: 'void'; readonly why: string };

export interface Chapter {
  readonly title: string;
  /** A sentence on where the cases come from. */
  readonly source: string;
  readonly cases: readonly Case[];
}

export const CHAPTERS: readonly Chapter[] = [
  ...OMA_CASES,
  {
    title: 'Scenarios',
    source:
      'Behaviour that integration tests of other implementations hold a client and a server to, in our own words and tests.',
    cases: SCENARIOS,
  },
  { title: 'What the OMA cases leave out', source: 'Cases of our own.', cases: GAPS },
];

export const CASES: ReadonlyMap<string, Case> = new Map(
  CHAPTERS.flatMap(({ cases }) => cases.map((each) => [each.id, each] as const)),
);

export const tested = (file: string): Standing => ({ kind: 'tested', file });
export const open = (why: string): Standing => ({ kind: 'open', why });
