/**
 * Queue mode: requests for a device that sleeps wait here until it is awake, and go out one at a time. OMA TS Core §6.5
 * (Queue Mode Operation), Transport §6.5.
 *
 * A client is awake from whatever it sends (Register, Update, Send, notification, answer) for MAX_TRANSMIT_WAIT. One that
 * does not answer in spite of all transmissions is asleep again; what waits behind that request goes on waiting.
 *
 *   asleep ──heard──> awake ──────heard──────> awake, for as long again
 *     ^                 │ nothing heard for clientAwakeTime
 *     └─────────────────┴ a request is not answered
 *
 * A device that sleeps with nothing to be told costs two empty fields of its record; there is no timer per device.
 */
import { OperationFailed, UsageError, type Peer } from '@lapwing/coap';
import type { TimedLayer } from '@lapwing/transport';
import { LifetimeWheel, type WheelEntry } from './lifetime-wheel.ts';
import type { ServerParameters } from './parameters.ts';
import type { RegistrationRecord } from './registration-record.ts';
import { isUnassociated, type Abandonable } from './requests.ts';

/** A request that can wait for its device. */
export interface QueuedRequest extends WheelEntry, Abandonable {
  /** Where it was sent; undefined while it waits. */
  readonly sentTo: Peer | undefined;
  /** Send it to where the device is registered now. */
  start(): void;
  /** The device has registered anew. */
  moveTo(record: RegistrationRecord): void;
  /** No answer came in time. */
  expire(): void;
}

/** The requests of one device, in the order in which they will be sent. */
export interface RequestQueue {
  waiting: QueuedRequest[];
  /** Sent, and to be answered before the next one. */
  underWay: QueuedRequest | undefined;
}

/** How long a device that has been heard stays awake. The wheel finds a later deadline by itself. */
export class AwakeWindow implements WheelEntry {
  readonly record: RegistrationRecord;
  deadline: number;
  wheelSlot = -1;
  nextInSlot: WheelEntry | undefined = undefined;
  previousInSlot: WheelEntry | undefined = undefined;

  constructor(record: RegistrationRecord, deadline: number) {
    this.record = record;
    this.deadline = deadline;
  }
}

export interface QueueListener {
  awake(record: RegistrationRecord): void;
  asleep(record: RegistrationRecord): void;
  /** What waits for this device is not what it was. */
  pendingChanged(record: RegistrationRecord): void;
}

/** ms: windows and deadlines are found at most this late. */
const GRANULARITY = 100;

export class RequestQueues implements TimedLayer {
  readonly #awakeTime: number;
  readonly #maxHeld: number;
  readonly #listener: QueueListener;
  readonly #windows = new LifetimeWheel<AwakeWindow>(GRANULARITY, 2_048);
  readonly #deadlines = new LifetimeWheel<QueuedRequest>(GRANULARITY);
  #operations = 0;

  constructor(
    { clientAwakeTime, maxHeldRequests }: Pick<ServerParameters, 'clientAwakeTime' | 'maxHeldRequests'>,
    listener: QueueListener,
  ) {
    this.#awakeTime = clientAwakeTime;
    this.#maxHeld = maxHeldRequests;
    this.#listener = listener;
  }

  /** Windows and deadlines that are watched. */
  get usage(): { readonly awake: number; readonly deadlines: number } {
    return { awake: this.#windows.size, deadlines: this.#deadlines.size };
  }

  nextOperationId(): string {
    return String(++this.#operations);
  }

  /** Operations that were given an id so far. */
  get operations(): number {
    return this.#operations;
  }

  /** The ids that another Server object has given stay with their operations. False when some of them are taken here. */
  continueOperationIds(given: number): boolean {
    if (this.#operations > 0) return false;
    this.#operations = given;
    return true;
  }

  isAwake(record: RegistrationRecord): boolean {
    return !record.queueMode || (record.awake !== undefined && record.driver.now() < record.awake.deadline);
  }

  /**
   * Send a request as soon as its device takes it.
   *
   * @throws OperationFailed 'QUEUE_FULL'.
   */
  submit(record: RegistrationRecord, request: QueuedRequest): void {
    if (!record.queueMode && record.queue === undefined) return request.start();
    const queue = (record.queue ??= { waiting: [], underWay: undefined });
    if (queue.waiting.length >= this.#maxHeld)
      throw new OperationFailed('QUEUE_FULL', `${this.#maxHeld} requests wait for "${record.endpointClientName}"`, {
        retryable: true,
      });
    queue.waiting.push(request);
    // In a turn, so that the driver sees the deadline.
    record.driver.turn((now) => {
      this.#deadlines.place(now, request);
      this.#sendNext(record);
    });
    this.#listener.pendingChanged(record);
  }

  /** The client has sent something. Called after it has its answer. */
  heard(record: RegistrationRecord): void {
    if (!record.queueMode) return record.queue === undefined ? undefined : this.#sendAll(record);
    const now = record.driver.now();
    const deadline = now + this.#awakeTime;
    if (record.awake !== undefined && now < record.awake.deadline) {
      record.awake.deadline = deadline;
    } else {
      this.#close(record);
      const window = new AwakeWindow(record, deadline);
      record.awake = window;
      record.driver.turn(() => this.#windows.place(now, window));
      this.#listener.awake(record);
    }
    const { queue } = record;
    if (queue === undefined) return;
    // It has moved: what was sent to where it is no more keeps nothing waiting.
    if (queue.underWay !== undefined && queue.underWay.sentTo !== record.peer) queue.underWay = undefined;
    this.#sendNext(record);
  }

  /** A request is over, however it ended. @param unanswered  all transmissions were in vain. */
  settled(record: RegistrationRecord, request: QueuedRequest, unanswered: boolean): void {
    this.#deadlines.remove(request);
    const { queue } = record;
    if (queue === undefined) return;
    const at = queue.waiting.indexOf(request);
    if (at >= 0) queue.waiting.splice(at, 1);
    if (queue.underWay === request) queue.underWay = undefined;
    else if (at < 0) return;
    if (record.ended) return;
    if (unanswered && record.queueMode) this.#fallAsleep(record);
    this.#sendNext(record);
    this.#listener.pendingChanged(record);
  }

  /**
   * Change the order: those named come first, in this order, the others keep theirs behind. Ids of what waits no more
   * are passed over.
   *
   * @throws UsageError when an id is named twice.
   */
  reorder(record: RegistrationRecord, operationIds: readonly string[]): void {
    if (new Set(operationIds).size < operationIds.length) throw new UsageError('an operation is named twice');
    const { queue } = record;
    if (queue === undefined) return;
    const byId = new Map(queue.waiting.map((request) => [request.operationId, request]));
    const first = operationIds.flatMap((id) => byId.get(id) ?? []);
    const others = queue.waiting.filter((request) => !operationIds.includes(request.operationId));
    queue.waiting = [...first, ...others];
    this.#listener.pendingChanged(record);
  }

  /** The device has registered anew: what waits goes to the new registration. */
  move(from: RegistrationRecord, to: RegistrationRecord): void {
    const { queue } = from;
    this.#close(from);
    if (queue === undefined) return;
    const { waiting } = queue;
    queue.waiting = [];
    if (waiting.length === 0) return;
    to.queue = { waiting, underWay: undefined };
    for (const request of waiting) request.moveTo(to);
  }

  /** The server stops: nothing more is sent. Answers what waits, in order. */
  stop(record: RegistrationRecord): readonly QueuedRequest[] {
    const waiting = record.queue?.waiting ?? [];
    this.forget(record);
    return waiting;
  }

  /** The registration is no more; its requests are settled by whoever ends it. */
  forget(record: RegistrationRecord): void {
    this.#close(record);
    record.queue = undefined;
  }

  nextDeadline(): number {
    return Math.min(this.#windows.nextDeadline(), this.#deadlines.nextDeadline());
  }

  handleTimeout(now: number): void {
    this.#windows.advance(now, ({ record }) => this.#fallAsleep(record));
    this.#deadlines.advance(now, (request) => request.expire());
  }

  /** Nobody has to be awake for it any more. */
  #sendAll(record: RegistrationRecord): void {
    const { waiting } = record.queue!;
    this.forget(record);
    for (const request of waiting) {
      this.#deadlines.remove(request);
      request.start();
    }
    this.#listener.pendingChanged(record);
  }

  #sendNext(record: RegistrationRecord): void {
    const queue = record.queue!;
    if (queue.underWay !== undefined) return;
    const next = queue.waiting[0];
    if (next === undefined) {
      record.queue = undefined;
      return;
    }
    if (record.ended || !this.isAwake(record) || isUnassociated(record)) return;
    queue.waiting.shift();
    queue.underWay = next;
    this.#deadlines.remove(next);
    next.start();
  }

  #fallAsleep(record: RegistrationRecord): void {
    if (record.awake === undefined) return;
    this.#close(record);
    if (!record.ended) this.#listener.asleep(record);
  }

  #close(record: RegistrationRecord): void {
    const { awake } = record;
    if (awake === undefined) return;
    this.#windows.remove(awake);
    record.awake = undefined;
  }
}
