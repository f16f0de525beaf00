/** The caller broke the API's contract; data from the network never causes it. */
export class UsageError extends Error {
  readonly code = 'USAGE';
  override get name(): string {
    return 'UsageError';
  }
}
