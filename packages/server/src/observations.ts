/**
 * The Server's side of Observe: one shared state per device and path, and the async iterators that read it.
 * OMA TS Core §6.4 (Information Reporting), RFC 7641.
 *
 *   observe ──2.05──> active ──notification──> active
 *                      │  ^
 *                      │  │ asked again and 2.05
 *    not registered,   v  │
 *    moved, no answer  waiting
 *
 *   Both end when cancelled, refused (by an answer or an error notification), or with the device or server removed.
 *
 * An observation is meant to last: it is restored when the device registers anew, moves, or comes with another
 * association.
 */
import { isServerError, OperationFailed, type Exchange, type IncomingResponse } from '@lapwing/coap';
import {
  formatAttributeQueries,
  formatPath,
  nodeAt,
  ROOT,
  type NotificationAttributes,
  type Path,
} from '@lapwing/lwm2m';
import type { Driver } from '@lapwing/transport';
import type {
  Notification,
  Observation,
  ObservationEndReason,
  CallOptions,
  ObservationInfo,
  ReadResult,
} from './api.ts';
import { cancelPath, observePath, type EncodedContent, type ObserveRequest } from './device-requests.ts';
import { accepted, refused, type Outcome } from './outcome.ts';
import type { RegistrationRecord } from './registration-record.ts';
import {
  isUnassociated,
  sendRequest,
  type ExchangeOwner,
  type NotificationReceiver,
  type SendOptions,
} from './requests.ts';
import { readCompositeContent, readContent, type ResponseDecoding } from './response-content.ts';
import { waitFor } from './shared-wait.ts';
import type { SavedObservation } from './snapshot.ts';

/** Whom an observation tells what happens to it. */
export interface ObservationListener extends ResponseDecoding {
  /** Notifications an iterator holds for a reader that is slower than the device. */
  readonly notificationBuffer: number;
  nextObservationId(): string;
  observed(observation: ObservationInfo): void;
  notified(observation: ObservationInfo, notification: Notification): void;
  notificationUnread(observation: ObservationInfo, error: unknown): void;
  observationEnded(observation: ObservationInfo, reason: ObservationEndReason): void;
  /** A registration that is over has no observations left to be restored. */
  nothingKept(record: RegistrationRecord): void;
}

/** What is observed and how: one path, or a list of them with its encoding. */
export type ObserveTarget = ObserveRequest;

export const pathTarget = (
  path: Path,
  accept: number | undefined,
  attributes: NotificationAttributes | undefined,
): ObserveTarget => ({ path, paths: undefined, list: undefined, accept, attributes });

export const listTarget = (
  paths: readonly Path[],
  list: EncodedContent,
  accept: number | undefined,
  attributes: NotificationAttributes | undefined,
): ObserveTarget => ({ path: ROOT, paths, list, accept, attributes });

/** What tells observations of one device apart. With other attributes it is another one, with its own notifications. */
function keyOf({ path, paths, attributes = {} }: ObserveTarget): string {
  const what = paths === undefined ? formatPath(path) : `[${paths.map(formatPath).join()}]`;
  const queries = formatAttributeQueries(attributes);
  return queries.length === 0 ? what : `${what}?${queries.join('&')}`;
}

/**
 * Observe what the target says, or share the observation of it that there is.
 *
 * Rejects with OperationFailed 'NOT_OBSERVABLE' when the device answers the value but will not notify.
 */
export async function observe(
  record: RegistrationRecord,
  target: ObserveTarget,
  options: CallOptions,
  listener: ObservationListener,
): Promise<Outcome<Observation>> {
  const key = keyOf(target);
  const { driver } = record;
  const { signal, timeout } = options;
  const deadline = timeout === undefined ? Infinity : driver.now() + timeout;
  let left = options;
  for (;;) {
    const known = record.observations?.get(key);
    if (known === undefined) break;
    // Another caller is asking just now. When that fails it says nothing about us (its signal, its timeout): ask ourselves.
    const outcome = await waitFor(record, known.begun.catch(unlessClosed), signal, deadline);
    if (known.active) return accepted(known.code, known.hold());
    if (outcome !== undefined && !outcome.ok) return outcome;
    if (timeout !== undefined) left = { ...options, timeout: Math.max(deadline - driver.now(), 0) };
  }
  const state = new ObservationState(record, target, left, listener);
  (record.observations ??= new Map()).set(key, state);
  const outcome = await state.begin();
  return outcome.ok ? accepted(outcome.code, state.hold()) : outcome;
}

const STOPPED: ReadonlySet<string> = new Set(['CLOSED', 'SUSPENDED']);

/** A closed server can ask nobody. */
function unlessClosed(error: unknown): undefined {
  if (error instanceof OperationFailed && STOPPED.has(error.code)) throw error;
}

/**
 * Go on with an observation that another Server object began. False when it cannot be: its token is in use.
 *
 * Nobody holds it yet: whoever observes the path shares it.
 */
export function resumeObservation(
  record: RegistrationRecord,
  saved: SavedObservation,
  listener: ObservationListener,
): boolean {
  const { format: accept, path, paths, list, attributes } = saved;
  const target: ObserveTarget = { path, paths, list, accept, attributes };
  const state = new ObservationState(record, target, {}, listener, saved);
  if (state.ended) return false;
  (record.observations ??= new Map()).set(state.key, state);
  return true;
}

/** Ask for what was to be observed, and not asked for yet, when another Server object was stopped. */
export function resumeObserve(
  record: RegistrationRecord,
  target: ObserveTarget,
  options: SendOptions,
  listener: ObservationListener,
): Promise<Outcome<ReadResult>> {
  const state = new ObservationState(record, target, options, listener);
  (record.observations ??= new Map()).set(state.key, state);
  return state.begin();
}

/** End every observation of a registration that is no more. */
export function endObservations(record: RegistrationRecord, reason: ObservationEndReason): void {
  if (record.observations === undefined) return;
  for (const state of [...record.observations.values()]) state.end(reason);
  record.observations = undefined;
}

/** The client speaks from another address: what it observes for the old one it cannot deliver, so ask again. */
export function renewObservations({ observations }: RegistrationRecord): void {
  if (observations === undefined) return;
  for (const state of [...observations.values()]) state.renew();
}

/** The client was heard: ask again for what it could not be asked for before. */
export function restoreObservations({ observations }: RegistrationRecord): void {
  if (observations === undefined) return;
  for (const state of [...observations.values()]) if (state.waiting && !state.isAsking) state.renew();
}

/** The registration is over: nothing more comes, until `moveObservations` says where the client is registered now. */
export function suspendObservations({ observations }: RegistrationRecord): void {
  if (observations === undefined) return;
  for (const state of [...observations.values()]) state.suspend();
}

/** To the registration that follows this one. OMA TS Core §6.4: it knows of no observation, so ask for all of them. */
export function moveObservations(from: RegistrationRecord, to: RegistrationRecord): void {
  const { observations } = from;
  if (observations === undefined) return;
  from.observations = undefined;
  for (const state of observations.values()) state.moveTo(to);
  if (observations.size > 0) to.observations = observations;
}

export class ObservationState implements ObservationInfo, NotificationReceiver {
  readonly observationId: string;
  readonly endpointClientName: string;
  readonly path: Path;
  readonly paths: readonly Path[] | undefined;
  readonly attributes: NotificationAttributes | undefined;
  /** Of the record's observations. */
  readonly key: string;
  startedAt = 0;
  lastNotification: Notification | undefined = undefined;
  code: Outcome<ReadResult>['code'] = 0 as Outcome<ReadResult>['code'];
  initial: ReadResult | undefined = undefined;
  ended = false;
  /** Settles with the answer to the request that observes. */
  begun: Promise<Outcome<ReadResult>>;
  #record: RegistrationRecord;
  readonly #target: ObserveTarget;
  readonly #listener: ObservationListener;
  readonly #readers = new Set<NotificationReader>();
  #exchange: Exchange | undefined;
  #driver: Driver;
  /** Ends the request that asks anew. */
  #asking: AbortController | undefined;
  #holders = 0;

  /** @param saved  to go on with; without it the device is asked. */
  constructor(
    record: RegistrationRecord,
    target: ObserveTarget,
    options: SendOptions,
    listener: ObservationListener,
    saved?: SavedObservation,
  ) {
    this.observationId = listener.nextObservationId();
    this.endpointClientName = record.endpointClientName;
    this.path = target.path;
    this.paths = target.paths;
    this.attributes = target.attributes;
    this.key = keyOf(target);
    this.#record = record;
    this.#target = target;
    this.#listener = listener;
    this.#driver = record.driver;
    this.begun = saved === undefined ? this.#ask(options) : Promise.resolve(this.#goOn(saved));
    // Those who share it look at the outcome themselves; whoever began it awaits `begin`.
    this.begun.catch(ignore);
  }

  get active(): boolean {
    return this.initial !== undefined && !this.ended;
  }

  get waiting(): boolean {
    return this.active && this.#exchange === undefined;
  }

  get isAsking(): boolean {
    return this.#asking !== undefined;
  }

  async begin(): Promise<Outcome<ReadResult>> {
    try {
      const outcome = await this.begun;
      if (!outcome.ok) this.#forget();
      return outcome;
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  hold(): Observation {
    this.#holders++;
    return new ObservationHandle(this);
  }

  /** One of those who observe lets go; the last one cancels. */
  release(): void {
    if (--this.#holders === 0) void this.cancel('passive');
  }

  read(handle: ObservationHandle): NotificationReader {
    const reader = new NotificationReader(handle, this.#listener.notificationBuffer, (gone) =>
      this.#readers.delete(gone),
    );
    if (this.lastNotification !== undefined) reader.push(this.lastNotification);
    if (this.ended) reader.end();
    else this.#readers.add(reader);
    return reader;
  }

  async cancel(mode: 'active' | 'passive'): Promise<void> {
    const exchange = this.#exchange;
    const record = this.#record;
    if (this.ended) return;
    if (mode === 'passive' || exchange === undefined || record.ended) return this.end('cancelled');
    const request = cancelPath(record, this.#target);
    this.#exchange = undefined;
    this.end('cancelled');
    await sendRequest(record, { ...request, cancelObservation: exchange }, {}, ignore);
  }

  end(reason: ObservationEndReason): void {
    if (this.ended) return;
    const begun = this.initial !== undefined;
    this.ended = true;
    this.#forget();
    this.#cancelExchange();
    this.#stopAsking();
    for (const reader of [...this.#readers]) reader.end();
    this.#readers.clear();
    if (begun) this.#listener.observationEnded(this, reason);
  }

  /** Ask the device anew. It ends when the device says no; when no answer comes it waits to be asked again. */
  renew(): void {
    if (!this.active) return;
    this.#cancelExchange();
    this.#stopAsking();
    const asking = new AbortController();
    this.#asking = asking;
    const settled = (refused: boolean): void => {
      // It may move on before it has answered: then what becomes of this request says nothing any more.
      if (this.#asking !== asking) return;
      this.#asking = undefined;
      if (refused) this.end('refused');
    };
    // The observation itself is what a snapshot keeps.
    this.#ask({ signal: asking.signal, keepOverStop: false }).then(
      (outcome) => settled(!outcome.ok && !isServerError(outcome.code)),
      (error: unknown) => settled(!(error instanceof OperationFailed && NO_ANSWER.has(error.code))),
    );
  }

  /** The registration is over. What has not begun ends with its request. */
  suspend(): void {
    if (!this.active) return this.end('registration-ended');
    this.#cancelExchange();
    this.#stopAsking();
  }

  moveTo(record: RegistrationRecord): void {
    this.#cancelExchange();
    this.#record = record;
  }

  onNotification(response: IncomingResponse, exchange: Exchange): void {
    if (this.ended || exchange !== this.#exchange) return;
    this.#record.queues.heard(this.#record);
    try {
      this.#notify(this.#contentOf(response));
    } catch (error) {
      // A notification that cannot be read costs that notification; the next may be good.
      this.#listener.notificationUnread(this, error);
    }
  }

  onObservationEnded(exchange: Exchange): void {
    // One that was given up for a new one, or by us, is not news.
    if (exchange !== this.#exchange) return;
    this.#exchange = undefined;
    // The association ended under it: the client is asked again when it comes back with another one.
    if (isUnassociated(this.#record)) return;
    this.end('refused');
  }

  /** For a snapshot; undefined while it has not begun. */
  save(): SavedObservation | undefined {
    if (!this.active) return undefined;
    const driver = this.#driver;
    const exchange = this.#exchange;
    const { initial, lastNotification, startedAt, code } = this;
    const { path, paths, list, accept: format, attributes } = this.#target;
    return {
      path,
      paths,
      list,
      format,
      attributes,
      code,
      startedAt,
      initial: { entries: initial!.entries, contentFormat: initial!.contentFormat },
      lastNotification:
        lastNotification === undefined
          ? undefined
          : {
              entries: lastNotification.entries,
              contentFormat: lastNotification.contentFormat,
              receivedAt: lastNotification.receivedAt,
            },
      onWire: exchange === undefined ? undefined : driver.endpoint.exportObservation(driver.now(), exchange),
    };
  }

  #goOn({ code, startedAt, initial, lastNotification, onWire, path }: SavedObservation): Outcome<ReadResult> {
    this.startedAt = startedAt;
    this.code = code as Outcome<ReadResult>['code'];
    this.initial = { ...initial, path, node: nodeAt(initial.entries, path) };
    this.lastNotification =
      lastNotification === undefined
        ? undefined
        : { ...lastNotification, path, node: nodeAt(lastNotification.entries, path) };
    // Without an association, as without one on the wire, the device is asked again when it comes back.
    if (onWire !== undefined && !isUnassociated(this.#record)) {
      const { endpoint } = this.#driver;
      const { peer } = this.#record;
      const owner: ExchangeOwner = {
        onResponse: ignore,
        onFailure: ignore,
        onNotification: (response, exchange) => this.onNotification(response, exchange),
        onObservationEnded: (exchange) => this.onObservationEnded(exchange),
      };
      const request = { ...observePath(this.#record, this.#target), context: owner };
      this.#exchange = endpoint.importObservation(this.#driver.now(), peer, request, onWire);
      this.ended = this.#exchange === undefined;
    }
    return accepted(this.code, this.initial);
  }

  /** Ask the device, for the first time or anew. */
  #ask(options: SendOptions): Promise<Outcome<ReadResult>> {
    const record = this.#record;
    const { driver } = record;
    const request = observePath(record, this.#target);
    return sendRequest(
      record,
      request,
      options,
      (response, observing, exchange) => {
        if (this.initial === undefined || exchange.peer === this.#record.peer)
          return this.#begun(response, observing, exchange);
        // The client has moved on, and was asked anew where it is: this answer is about an address it has left.
        cancelExchange(driver, exchange);
        throw notObservable(record, this.#what);
      },
      this,
    );
  }

  #begun(response: IncomingResponse, observing: boolean, exchange: Exchange): Outcome<ReadResult> {
    if (response.code >> 5 !== 2) return refused(response);
    if (!observing) throw notObservable(this.#record, this.#what);
    this.#exchange = exchange;
    this.#driver = this.#record.driver;
    let content: ReadResult;
    try {
      content = this.#contentOf(response);
    } catch (error) {
      this.#cancelExchange();
      throw error;
    }
    // It was ended while the answer was on its way.
    if (this.ended) this.#cancelExchange();
    if (this.initial !== undefined) {
      this.#notify(content);
      return accepted(response.code, content);
    }
    this.code = response.code;
    this.initial = content;
    this.startedAt = this.#record.driver.unixTime();
    this.#listener.observed(this);
    return accepted(response.code, content);
  }

  #contentOf(response: IncomingResponse): ReadResult {
    const { path, paths, list } = this.#target;
    return paths === undefined || list === undefined
      ? readContent(this.#record, path, response, this.#listener)
      : readCompositeContent(this.#record, paths, list.contentFormat, response, this.#listener);
  }

  get #what(): string {
    return (this.paths ?? [this.path]).map(formatPath).join(', ');
  }

  #notify(content: ReadResult): void {
    const notification: Notification = { ...content, receivedAt: this.#record.driver.unixTime() };
    this.lastNotification = notification;
    for (const reader of this.#readers) reader.push(notification);
    this.#listener.notified(this, notification);
  }

  /** The next notification of a forgotten exchange is answered with Reset, which tells the client. RFC 7641 §3.6. */
  #cancelExchange(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (exchange !== undefined) cancelExchange(this.#driver, exchange);
  }

  #forget(): void {
    const record = this.#record;
    if (record.observations?.get(this.key) === this) record.observations.delete(this.key);
    if (record.observations?.size !== 0) return;
    record.observations = undefined;
    if (record.ended) this.#listener.nothingKept(record);
  }

  #stopAsking(): void {
    const asking = this.#asking;
    this.#asking = undefined;
    asking?.abort();
  }
}

/** Failures after which the device may well agree when it is heard the next time. */
const NO_ANSWER: ReadonlySet<string> = new Set([
  'TIMEOUT',
  'PEER_CLOSED',
  'NOT_REGISTERED',
  'QUEUE_FULL',
  'CANCELLED',
  'CLOSED',
]);

/** What `observe` answers: each caller's own hold on the shared state. */
class ObservationHandle implements Observation {
  readonly #state: ObservationState;
  #released = false;
  #missed = 0;

  constructor(state: ObservationState) {
    this.#state = state;
  }

  get observationId(): string {
    return this.#state.observationId;
  }
  get endpointClientName(): string {
    return this.#state.endpointClientName;
  }
  get path(): Path {
    return this.#state.path;
  }
  get paths(): readonly Path[] | undefined {
    return this.#state.paths;
  }
  get attributes(): NotificationAttributes | undefined {
    return this.#state.attributes;
  }
  get waiting(): boolean {
    return this.#state.waiting;
  }
  get startedAt(): number {
    return this.#state.startedAt;
  }
  get lastNotification(): Notification | undefined {
    return this.#state.lastNotification;
  }
  get initial(): ReadResult {
    return this.#state.initial!;
  }
  get missed(): number {
    return this.#missed;
  }
  get ended(): boolean {
    return this.#state.ended;
  }

  cancel(mode: 'active' | 'passive' = 'passive'): Promise<void> {
    this.#released = true;
    return this.#state.cancel(mode);
  }

  [Symbol.asyncIterator](): AsyncIterator<Notification, undefined> {
    return this.#state.read(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.release();
    return Promise.resolve();
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#state.release();
  }

  /** A reader was too slow for this many more. */
  countMissed(): void {
    this.#missed++;
  }
}

class NotificationReader implements AsyncIterator<Notification, undefined> {
  readonly #handle: ObservationHandle;
  readonly #limit: number;
  readonly #onReturn: (reader: NotificationReader) => void;
  readonly #buffer: Notification[] = [];
  readonly #waiting: ((result: IteratorResult<Notification, undefined>) => void)[] = [];
  #ended = false;

  constructor(handle: ObservationHandle, limit: number, onReturn: (reader: NotificationReader) => void) {
    this.#handle = handle;
    this.#limit = limit;
    this.#onReturn = onReturn;
  }

  push(notification: Notification): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return waiting({ done: false, value: notification });
    if (this.#buffer.length >= this.#limit) {
      this.#buffer.shift();
      this.#handle.countMissed();
    }
    this.#buffer.push(notification);
  }

  end(): void {
    this.#ended = true;
    for (const waiting of this.#waiting.splice(0)) waiting(DONE);
  }

  next(): Promise<IteratorResult<Notification, undefined>> {
    const notification = this.#buffer.shift();
    if (notification !== undefined) return Promise.resolve({ done: false, value: notification });
    if (this.#ended) return Promise.resolve(DONE);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<Notification, undefined>> {
    this.#onReturn(this);
    this.#buffer.length = 0;
    this.end();
    this.#handle.release();
    return Promise.resolve(DONE);
  }
}

const DONE: IteratorResult<Notification, undefined> = Object.freeze({ done: true, value: undefined });

function cancelExchange(driver: Driver, exchange: Exchange): void {
  if (exchange.state !== 'done') driver.turn((now, out) => driver.endpoint.cancel(now, exchange, out));
}

const notObservable = (record: RegistrationRecord, what: string): OperationFailed =>
  new OperationFailed(
    'NOT_OBSERVABLE',
    `"${record.endpointClientName}" answered the value of ${what} but will not notify`,
    { retryable: false },
  );

function ignore(): void {
  // The answer to a cancellation changes nothing: the observation is over either way.
}
