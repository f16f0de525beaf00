/**
 * A request to a device as a promise: the edge where events of the core become promises. It is settled exactly once,
 * by the response, a failure, the caller's signal, or the end of the registration.
 */
import { OperationFailed, type Exchange, type FailureReason, type IncomingResponse, type Peer } from '@lapwing/coap';
import { isSecure, type Driver } from '@lapwing/transport';
import type { CallOptions, PendingOperation, WriteOptions } from './api.ts';
import type { DeviceRequest } from './device-requests.ts';
import type { WheelEntry } from './lifetime-wheel.ts';
import type { RegistrationRecord } from './registration-record.ts';
import type { QueuedRequest } from './request-queues.ts';
import type { SavedOperation, SavedRequest } from './snapshot.ts';

/** What this package puts into the `context` of its exchanges. */
export interface ExchangeOwner extends NotificationReceiver {
  /** @param observing  notifications follow. */
  onResponse(response: IncomingResponse, observing: boolean, exchange: Exchange): void;
  onFailure(reason: FailureReason, exchange: Exchange): void;
  /** The device has this much of the payload. */
  onProgress?(acknowledgedBytes: number): void;
}

/** Who takes an exchange over when it observes. */
export interface NotificationReceiver {
  onNotification(response: IncomingResponse, exchange: Exchange): void;
  onObservationEnded(exchange: Exchange): void;
}

/** How a request is sent, and for one that was kept over a planned stop, what it was before. */
export type SendOptions = CallOptions &
  Pick<WriteOptions, 'onProgress'> & {
    readonly origin?: Pick<PendingOperation, 'operationId' | 'createdAt' | 'expiresAt'>;
  };

export type ReadResponse<Result> = (response: IncomingResponse, observing: boolean, exchange: Exchange) => Result;

/**
 * Send a request to the device of this registration; when it sleeps, as soon as it is awake.
 *
 * @param read  makes the result from the response, whose views are valid only meanwhile; an OperationFailed it throws
 *   rejects the promise.
 * @param receiver  gets what comes after a response that observes.
 */
export function sendRequest<Result>(
  record: RegistrationRecord,
  request: DeviceRequest,
  options: SendOptions,
  read: ReadResponse<Result>,
  receiver?: NotificationReceiver,
): Promise<Result> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    if (record.ended) return reject(notRegistered(record));
    if (signal?.aborted === true) return reject(aborted(record, signal));
    // In queue mode it will come back with another one.
    if (!record.queueMode && isUnassociated(record)) return reject(failure(record, 'peer-closed', undefined));
    const reported = options.onProgress === undefined ? request : { ...request, reportsProgress: true };
    new PendingRequest(record, reported, options, read, receiver, resolve, reject);
  });
}

/** What waits for an answer or to be sent, in this order. */
export function pendingOperations({ pending, queue }: RegistrationRecord): readonly PendingOperation[] {
  if (pending === undefined) return [];
  const described = new Map([...pending].map((request) => [request.operationId, request.describe()]));
  const waiting = (queue?.waiting ?? []).flatMap(({ operationId }) => described.get(operationId) ?? []);
  return [...[...described.values()].filter(({ state }) => state === 'sent'), ...waiting];
}

/** False when it is not pending any more. */
export function cancelRequest(record: RegistrationRecord, operationId: string): boolean {
  const request = [...(record.pending ?? [])].find((each) => each.operationId === operationId);
  if (request === undefined) return false;
  const name = record.endpointClientName;
  request.abandon(new OperationFailed('CANCELLED', `the request to "${name}" was cancelled`, { retryable: false }));
  return true;
}

/** Its DTLS association has ended, and no new one has brought the registration back: nothing reaches it. */
export const isUnassociated = ({ driver, peer }: RegistrationRecord): boolean =>
  isSecure(driver) && driver.association(peer) === undefined;

/** Reject whatever still waits for an answer of this device, with `reason`. */
export function abandonRequests(
  record: RegistrationRecord,
  reason: (record: RegistrationRecord, operationId: string) => OperationFailed,
): void {
  const pending = record.pending;
  record.pending = undefined;
  if (pending === undefined) return;
  // The last one first: the end of one that is under way would send the next.
  for (const request of [...pending].reverse()) request.abandon(reason(record, request.operationId));
}

/** The server stops: what was sent already, or goes with its caller, is rejected; what waits otherwise is `pending`, in order. */
export function holdRequests(record: RegistrationRecord): void {
  const held = record.queues.stop(record).filter((request) => request.save() !== undefined);
  for (const request of held) record.pending?.delete(request);
  abandonRequests(record, serverClosed);
  if (held.length > 0) record.pending = new Set(held);
}

export interface Abandonable {
  /** Of the Server object, unique. */
  readonly operationId: string;
  abandon(error: OperationFailed): void;
  /** For a snapshot, while it waits; undefined when it goes with its caller. */
  save(): SavedOperation | undefined;
  /** For people and programs that look at what is pending. */
  describe(): PendingOperation;
}

class PendingRequest<Result> implements ExchangeOwner, Abandonable, QueuedRequest {
  readonly operationId: string;
  /** ms on the driver's clock; Infinity: as long as it takes. */
  readonly deadline: number;
  wheelSlot = -1;
  nextInSlot: WheelEntry | undefined = undefined;
  previousInSlot: WheelEntry | undefined = undefined;
  sentTo: Peer | undefined = undefined;
  #record: RegistrationRecord;
  readonly #request: DeviceRequest;
  readonly #createdAt: number;
  /** ms since 1970, worked out once: the two clocks are not read at the same moment. */
  readonly #expiresAt: number;
  readonly #onProgress: WriteOptions['onProgress'];
  readonly #outlivesCaller: boolean;
  readonly #read: ReadResponse<Result>;
  readonly #receiver: NotificationReceiver | undefined;
  readonly #resolve: (result: Result) => void;
  readonly #reject: (error: unknown) => void;
  readonly #signal: AbortSignal | undefined;
  #driver: Driver;
  #exchange: Exchange | undefined;
  #settled = false;

  constructor(
    record: RegistrationRecord,
    request: DeviceRequest,
    { signal, timeout, onProgress, keepOverStop = true, origin }: SendOptions,
    read: ReadResponse<Result>,
    receiver: NotificationReceiver | undefined,
    resolve: (result: Result) => void,
    reject: (error: unknown) => void,
  ) {
    this.operationId = origin?.operationId ?? record.queues.nextOperationId();
    this.#record = record;
    this.#driver = record.driver;
    this.#createdAt = origin?.createdAt ?? record.driver.unixTime();
    this.#expiresAt = origin?.expiresAt ?? (timeout === undefined ? Infinity : this.#createdAt + timeout);
    this.deadline = timeout === undefined ? Infinity : record.driver.now() + timeout;
    this.#request = request;
    this.#onProgress = onProgress;
    this.#outlivesCaller = keepOverStop && onProgress === undefined;
    this.#read = read;
    this.#receiver = receiver;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#signal = signal;
    (record.pending ??= new Set()).add(this);
    signal?.addEventListener('abort', this.#onAbort);
    try {
      record.queues.submit(record, this);
    } catch (error) {
      this.#fail(error);
    }
  }

  start(): void {
    const { driver, peer } = this.#record;
    this.#driver = driver;
    this.sentTo = peer;
    try {
      driver.turn((now, out) => {
        const timeout = this.deadline === Infinity ? {} : { timeout: Math.max(this.deadline - now, 0) };
        this.#exchange = driver.endpoint.request(now, peer, { ...this.#request, ...timeout, context: this }, out);
      });
    } catch (error) {
      this.#fail(
        error instanceof OperationFailed && error.code === 'QUEUE_FULL'
          ? new OperationFailed('QUEUE_FULL', `too many requests wait for "${this.#record.endpointClientName}"`, {
              retryable: true,
              cause: error,
            })
          : error,
      );
    }
  }

  moveTo(record: RegistrationRecord): void {
    this.#leave();
    this.#record = record;
    (record.pending ??= new Set()).add(this);
  }

  expire(): void {
    const name = this.#record.endpointClientName;
    this.#fail(new OperationFailed('TIMEOUT', `"${name}" was not awake in time`, { retryable: true }));
  }

  describe(): PendingOperation {
    const { operation, paths } = this.#request;
    return {
      operationId: this.operationId,
      operation,
      paths,
      state: this.sentTo === undefined ? 'waiting' : 'sent',
      createdAt: this.#createdAt,
      expiresAt: this.#expiresAt,
    };
  }

  save(): SavedOperation | undefined {
    if (!this.#outlivesCaller) return undefined;
    const request = savedRequest(this.#request);
    if (request === undefined) return undefined;
    const { operation, paths, observed, alternative } = this.#request;
    return {
      operationId: this.operationId,
      operation,
      paths,
      createdAt: this.#createdAt,
      expiresAt: this.#expiresAt,
      request,
      alternative: alternative === undefined ? undefined : savedRequest(alternative()),
      observed,
    };
  }

  onResponse(response: IncomingResponse, observing: boolean, exchange: Exchange): void {
    this.#record.queues.heard(this.#record);
    if (!this.#settle()) return;
    try {
      this.#resolve(this.#read(response, observing, exchange));
    } catch (error) {
      this.#reject(error);
    }
  }

  onFailure(reason: FailureReason, exchange: Exchange): void {
    // Whoever waits no longer than it pleases learns nothing about the device.
    const unanswered = reason === 'timeout' && this.#driver.now() < this.deadline;
    this.#fail(failure(this.#record, reason, exchange), unanswered);
  }

  onProgress(acknowledgedBytes: number): void {
    this.#record.queues.heard(this.#record);
    this.#onProgress?.(acknowledgedBytes);
  }

  onNotification(response: IncomingResponse, exchange: Exchange): void {
    this.#receiver?.onNotification(response, exchange);
  }

  onObservationEnded(exchange: Exchange): void {
    this.#receiver?.onObservationEnded(exchange);
    this.#fail(failure(this.#record, 'cancelled', undefined));
  }

  abandon(error: OperationFailed): void {
    this.#fail(error);
    this.#cancelExchange();
  }

  readonly #onAbort = (): void => {
    this.#fail(aborted(this.#record, this.#signal!));
    this.#cancelExchange();
  };

  #cancelExchange(): void {
    const exchange = this.#exchange;
    if (exchange === undefined || exchange.state === 'done') return;
    const driver = this.#driver;
    driver.turn((now, out) => driver.endpoint.cancel(now, exchange, out));
  }

  #fail(error: unknown, unanswered = false): void {
    if (this.#settle(unanswered)) this.#reject(error);
  }

  /** True the first time. */
  #settle(unanswered = false): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#leave();
    this.#record.queues.settled(this.#record, this, unanswered);
    return true;
  }

  #leave(): void {
    const record = this.#record;
    record.pending?.delete(this);
    if (record.pending?.size === 0) record.pending = undefined;
  }
}

export const notRegistered = (record: RegistrationRecord): OperationFailed =>
  new OperationFailed('NOT_REGISTERED', `"${record.endpointClientName}" is not registered any more`, {
    retryable: false,
  });

/** It was asked of a registration that another one has taken the place of; the device has forgotten whom to answer. */
export const registeredAnew = ({ endpointClientName }: RegistrationRecord): OperationFailed =>
  new OperationFailed('CANCELLED', `the request to "${endpointClientName}" was cancelled: it has registered anew`, {
    retryable: true,
  });

export const serverClosed = (): OperationFailed =>
  new OperationFailed('CLOSED', 'the server was closed', { retryable: false });

/** What it waits for is in the snapshot now. */
export const serverSuspended = ({ endpointClientName }: RegistrationRecord, operationId: string): OperationFailed =>
  new OperationFailed(
    'SUSPENDED',
    `the server is being stopped; operation ${operationId} is kept, and goes out when "${endpointClientName}" is awake after the restart`,
    { retryable: false },
  );

/** Streams and requests about other exchanges end with the process. */
const savedRequest = ({ code, options, payload, cancelObservation }: DeviceRequest): SavedRequest | undefined =>
  payload instanceof Uint8Array && cancelObservation === undefined ? { code, options, payload } : undefined;

export const aborted = (record: RegistrationRecord, signal: AbortSignal): OperationFailed =>
  new OperationFailed('CANCELLED', `the request to "${record.endpointClientName}" was cancelled`, {
    retryable: false,
    cause: signal.reason,
  });

export const badResponse = (record: RegistrationRecord, reason: string): OperationFailed =>
  new OperationFailed('BAD_RESPONSE', `"${record.endpointClientName}" answered with what it should not: ${reason}`, {
    retryable: false,
  });

function failure(record: RegistrationRecord, reason: FailureReason, exchange: Exchange | undefined): OperationFailed {
  const name = `"${record.endpointClientName}"`;
  switch (reason) {
    case 'timeout': {
      const times = exchange?.transmissions ?? 0;
      const text = `no answer from ${name} after ${times} transmission${times === 1 ? '' : 's'}`;
      return new OperationFailed('TIMEOUT', text, { retryable: true });
    }
    case 'reset':
      return new OperationFailed('RESET', `${name} answered with Reset`, { retryable: false });
    case 'cancelled':
      return new OperationFailed('CANCELLED', `the request to ${name} was cancelled`, { retryable: false });
    case 'body-too-large':
      return new OperationFailed('BODY_TOO_LARGE', `the answer of ${name} is larger than allowed`, {
        retryable: false,
      });
    case 'bad-response':
      return badResponse(record, 'blocks that do not fit together, or an option that is not understood');
    case 'peer-closed':
      return new OperationFailed('PEER_CLOSED', `the connection to ${name} was closed`, { retryable: true });
  }
}
