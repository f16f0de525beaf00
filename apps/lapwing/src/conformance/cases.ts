/** The cases of `lapwing conformance`, in the order in which they are run. */
import { COMPOSING } from './cases/composing.ts';
import { CREATING } from './cases/creating.ts';
import { DESTRUCTIVE } from './cases/destructive.ts';
import { DISCOVERING } from './cases/discovering.ts';
import { EXECUTING } from './cases/executing.ts';
import { READING } from './cases/reading.ts';
import { REPORTING } from './cases/reporting.ts';
import { WRITING } from './cases/writing.ts';
import type { ConformanceCase } from './conformance-case.ts';

export const CASES: readonly ConformanceCase[] = [
  ...READING,
  ...DISCOVERING,
  ...WRITING,
  ...EXECUTING,
  ...REPORTING,
  ...COMPOSING,
  ...CREATING,
  ...DESTRUCTIVE,
];
