/** operationIds that operations.test.ts calls, so that the test of all others leaves them out. */
export const OPERATIONS_TESTED_APART: readonly string[] = [
  'readComposite',
  'writeComposite',
  'observeComposite',
  'cancelCompositeObservation',
  'readAttributes',
  'listPending',
  'reorderPending',
  'cancelPending',
];
