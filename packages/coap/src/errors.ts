/** The caller broke an API's contract; data from the network never causes it. */
export class UsageError extends Error {
  readonly code = 'USAGE';
  override get name(): string {
    return 'UsageError';
  }
}

/** The awaited operation did not complete: no answer, cancelled, closed. `retryable` says whether trying again can help. */
export class OperationFailed extends Error {
  /** Stable identifier for logs, REST problem types and `switch`: 'TIMEOUT', 'RESET', 'CANCELLED', 'BODY_TOO_LARGE', 'BAD_RESPONSE', 'PEER_CLOSED', 'NOT_REGISTERED', 'QUEUE_FULL', 'CLOSED'. */
  readonly code: string;
  readonly retryable: boolean;
  constructor(code: string, message: string, options: { readonly retryable: boolean; readonly cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable;
  }
  override get name(): string {
    return 'OperationFailed';
  }
}
