/**
 * Firmware updates of devices (Object 5): one course per device, driven by what it answers and reports. OMA TS Core,
 * Object Firmware Update.
 *
 * The package is one buffer for all devices it goes to: what is sent are views of it. Nothing waits in a loop: a course
 * goes on when its request is answered or its device is heard (notification, Register, Update, awake).
 */
import { EventEmitter } from 'node:events';
import { OperationFailed, UsageError } from '@lapwing/coap';
import type { TimedLayer } from '@lapwing/transport';
import { LifetimeWheel } from '../lifetime-wheel.ts';
import type { LwM2mServer } from '../server.ts';
import { FirmwareUpdateCourse } from './firmware-update.ts';
import type { FirmwareUpdate, FirmwareUpdateListener, FirmwareUpdateRequest } from './firmware-update.ts';

export interface FirmwareUpdateEvents {
  /** Another stage, or more of the package is there. */
  changed: [update: FirmwareUpdate];
}

export interface FirmwareUpdateParameters {
  /** Updates under way at once. */
  readonly maxUpdates: number;
  /** Updates that have ended and are remembered; the oldest are forgotten first. */
  readonly maxEnded: number;
  /**
   * The name or IP address that devices reach this server by, for packages that they fetch from here. Default: the address
   * of the socket; one that listens on every address has none but for devices on this machine.
   */
  readonly host: string | undefined;
}

const DEFAULTS: FirmwareUpdateParameters = { maxUpdates: 10_000, maxEnded: 10_000, host: undefined };

export class FirmwareUpdates extends EventEmitter<FirmwareUpdateEvents> {
  readonly #server: LwM2mServer;
  readonly #parameters: FirmwareUpdateParameters;
  readonly #underWay = new Map<string, FirmwareUpdateCourse>();
  /** In the order in which they ended. */
  readonly #ended = new Map<string, FirmwareUpdateCourse>();
  readonly #deadlines = new LifetimeWheel<FirmwareUpdateCourse>();
  readonly #timed: TimedLayer = {
    nextDeadline: () => this.#deadlines.nextDeadline(),
    handleTimeout: (now) => this.#deadlines.advance(now, (course) => course.expire()),
  };

  constructor(server: LwM2mServer, parameters: Partial<FirmwareUpdateParameters> = {}) {
    super();
    this.#server = server;
    this.#parameters = { ...DEFAULTS, ...parameters };
    server.on('registered', ({ endpointClientName }) => this.#underWay.get(endpointClientName)?.heard('registered'));
    server.on('updated', ({ endpointClientName }) => this.#underWay.get(endpointClientName)?.heard('updated'));
    server.on('awake', ({ endpointClientName }) => this.#underWay.get(endpointClientName)?.heard('updated'));
    server.on('notified', ({ endpointClientName, path }) => {
      if (path.kind === 'resource' && path.objectId === FIRMWARE_UPDATE)
        this.#underWay.get(endpointClientName)?.heard('notified');
    });
    server.drivers[0]?.attach(this.#timed);
  }

  /**
   * Begin to update a device. What comes of it is in `of`, in `changed` events and in the promise `ended`.
   *
   * @throws OperationFailed 'NOT_REGISTERED', or 'TOO_MANY' updates at once.
   * @throws UsageError when an update of this device is under way, or when the package is to be fetched from here and the
   *   server does not know by which host.
   */
  start(endpointClientName: string, request: FirmwareUpdateRequest): FirmwareUpdate {
    const device = this.#server.device(endpointClientName);
    if (device === undefined)
      throw new OperationFailed('NOT_REGISTERED', `"${endpointClientName}" is not registered`, { retryable: false });
    if (this.#underWay.has(endpointClientName))
      throw new UsageError(`an update of "${endpointClientName}" is under way; cancel it first`);
    const { maxUpdates } = this.#parameters;
    if (this.#underWay.size >= maxUpdates)
      throw new OperationFailed('TOO_MANY', `${maxUpdates} firmware updates are under way already`, {
        retryable: true,
      });
    const driver = this.#server.drivers[0]!;
    const host = 'package' in request ? (request.host ?? this.#parameters.host) : undefined;
    const listener: FirmwareUpdateListener = {
      changed: (changed) => this.emit('changed', changed),
      ended: (ended) => this.#end(ended),
      // In a turn, so that the driver sees the deadline.
      reschedule: (moved) => driver.turn((now) => this.#deadlines.place(now, moved)),
    };
    const course = new FirmwareUpdateCourse(device, endpointClientName, request, driver, listener, (bytes, onFetched) =>
      this.#server.offer({ endpointClientName, bytes, contentFormat: OCTET_STREAM, onFetched }, host),
    );
    this.#underWay.set(endpointClientName, course);
    this.#ended.delete(endpointClientName);
    course.begin();
    return course;
  }

  /** The update of a device that is under way, else its last one. */
  of(endpointClientName: string): FirmwareUpdate | undefined {
    return this.#underWay.get(endpointClientName) ?? this.#ended.get(endpointClientName);
  }

  /** Those under way, then those that ended, the latest first. */
  all(): readonly FirmwareUpdate[] {
    return [...this.#underWay.values(), ...[...this.#ended.values()].reverse()];
  }

  /** What is held now. */
  get usage(): { readonly underWay: number; readonly ended: number; readonly deadlines: number } {
    return { underWay: this.#underWay.size, ended: this.#ended.size, deadlines: this.#deadlines.size };
  }

  #end(course: FirmwareUpdateCourse): void {
    const { endpointClientName } = course;
    this.#deadlines.remove(course);
    this.#underWay.delete(endpointClientName);
    this.#ended.set(endpointClientName, course);
    if (this.#ended.size <= this.#parameters.maxEnded) return;
    for (const oldest of this.#ended.keys()) {
      this.#ended.delete(oldest);
      return;
    }
  }
}

const FIRMWARE_UPDATE = 5;
const OCTET_STREAM = 42;
