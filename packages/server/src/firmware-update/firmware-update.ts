/**
 * The course of one update: what is asked of the device on entering each stage of `update-state.ts`, and what its answers
 * mean.
 */
import { OperationFailed, UsageError } from '@lapwing/coap';
import {
  objectInstancePath,
  resourcePath,
  type NodeEntry,
  type ObjectInstancePath,
  type ResourcePath,
} from '@lapwing/lwm2m';
import type { Driver } from '@lapwing/transport';
import type { CallOptions, Device, Observation } from '../api.ts';
import { reportServerError } from '../diagnostics.ts';
import type { WheelEntry } from '../lifetime-wheel.ts';
import type { Outcome } from '../outcome.ts';
import { FIRMWARE_OUTCOMES, type FirmwareUpdateOutcome } from './update-outcome.ts';
import {
  advanceUpdate,
  DEVICE_RESULTS,
  DEVICE_STATES,
  type FirmwareUpdateInput,
  type FirmwareUpdateStage,
  type FirmwareUpdateState,
} from './update-state.ts';

export type FirmwareUpdateRequest = (
  | {
      /** Written to the device. Kept until it has it, so do not reuse the buffer; one buffer serves any number of devices. */
      readonly package: Uint8Array;
      /** 'pull': it is not written, but offered, and the device fetches it from this server. Default 'push'. */
      readonly delivery?: 'push' | 'pull';
      /** By pull: the name or IP address that the device reaches this server by; default that of `FirmwareUpdates`. */
      readonly host?: string;
    }
  | {
      /** Where the device fetches the package: coap, coaps, http or https, as it supports. At most 255 bytes. */
      readonly packageUri: string;
    }
) & {
  /** /3/0/3 as it will be; when it is another in the end the update has failed. */
  readonly version?: string;
  /** ms without anything heard of the update, until it is given up. Default 1 h. */
  readonly timeout?: number;
};

/** An update of a device, under way or ended. Its properties change; `changed` events of `FirmwareUpdates` say when. */
export interface FirmwareUpdate {
  readonly endpointClientName: string;
  readonly delivery: 'push' | 'pull';
  readonly stage: FirmwareUpdateStage;
  /** Of the package the device has acknowledged; 0 when it fetches it elsewhere. */
  readonly sentBytes: number;
  /** Undefined when the device fetches it elsewhere. */
  readonly totalBytes: number | undefined;
  /** /3/0/3 before and since; undefined while they are not known. */
  readonly versionBefore: string | undefined;
  readonly versionAfter: string | undefined;
  /** ms since 1970. */
  readonly startedAt: number;
  readonly changedAt: number;
  readonly outcome: FirmwareUpdateOutcome | undefined;
  /** How it ended, in words. */
  readonly explanation: string | undefined;
  /** Settles with the end; never rejects. */
  readonly ended: Promise<FirmwareUpdateOutcome>;
  /** False when the device installs already, or has ended. */
  cancel(): boolean;
}

/** What is offered to the device, by pull from here. */
export type OfferPackage = (
  bytes: Uint8Array,
  onFetched: (bytes: number) => void,
) => { readonly uri: string; readonly withdraw: () => void };

/** What a course tells. */
export interface FirmwareUpdateListener {
  changed(update: FirmwareUpdateCourse): void;
  ended(update: FirmwareUpdateCourse): void;
  reschedule(update: FirmwareUpdateCourse): void;
}

const DEFAULT_TIMEOUT = 3_600_000;
const OCTET_STREAM = 42;
const MAX_URI_BYTES = 255;
const ID = { package: 0, packageUri: 1, update: 2, state: 3, result: 5, delivery: 9, cancel: 10 } as const;
const FIRMWARE_VERSION = resourcePath(3, 0, 3);

export class FirmwareUpdateCourse implements FirmwareUpdate, WheelEntry {
  readonly endpointClientName: string;
  readonly delivery: 'push' | 'pull';
  readonly totalBytes: number | undefined;
  readonly startedAt: number;
  readonly ended: Promise<FirmwareUpdateOutcome>;
  sentBytes = 0;
  versionBefore: string | undefined = undefined;
  versionAfter: string | undefined = undefined;
  changedAt: number;
  deadline: number;
  wheelSlot = -1;
  nextInSlot: WheelEntry | undefined = undefined;
  previousInSlot: WheelEntry | undefined = undefined;
  readonly #device: Device;
  readonly #driver: Driver;
  readonly #listener: FirmwareUpdateListener;
  readonly #expectedVersion: string | undefined;
  readonly #timeout: number;
  readonly #uri: string;
  readonly #settle: (outcome: FirmwareUpdateOutcome) => void;
  /** By pull from here, until the device has it. */
  #offer: ReturnType<OfferPackage> | undefined;
  /** Released as soon as the device has it. */
  #package: Uint8Array | undefined;
  #state: FirmwareUpdateState = { kind: 'preparing' };
  /** Ends what is asked in a stage that is over. */
  #asking = new AbortController();
  /** The device is being asked where it is; `again` when it was heard meanwhile. */
  #looking: 'no' | 'yes' | 'again' = 'no';
  #observation: Observation | undefined;
  /** /5/0. */
  #at: ObjectInstancePath = objectInstancePath(5, 0);

  constructor(
    device: Device,
    endpointClientName: string,
    request: FirmwareUpdateRequest,
    driver: Driver,
    listener: FirmwareUpdateListener,
    offer: OfferPackage,
  ) {
    this.endpointClientName = endpointClientName;
    const bytes = 'package' in request ? request.package : undefined;
    if (bytes !== undefined && bytes.length < 2) throw new UsageError('a package has two bytes or more');
    this.delivery = 'package' in request ? (request.delivery ?? 'push') : 'pull';
    this.totalBytes = bytes?.length;
    if (bytes !== undefined && this.delivery === 'pull')
      this.#offer = offer(bytes, (fetched) => this.#fetched(fetched));
    else this.#package = bytes;
    this.#uri = 'package' in request ? (this.#offer?.uri ?? '') : request.packageUri;
    if (this.delivery === 'pull' && !isUsable(this.#uri)) {
      this.#offer?.withdraw();
      throw new UsageError(`a package URI has a scheme and at most ${MAX_URI_BYTES} bytes`);
    }
    this.startedAt = this.changedAt = driver.unixTime();
    this.#expectedVersion = request.version;
    this.#timeout = request.timeout ?? DEFAULT_TIMEOUT;
    this.deadline = driver.now() + this.#timeout;
    this.#device = device;
    this.#driver = driver;
    this.#listener = listener;
    const { promise, resolve } = Promise.withResolvers<FirmwareUpdateOutcome>();
    this.ended = promise;
    this.#settle = resolve;
  }

  get stage(): FirmwareUpdateStage {
    return this.#state.kind;
  }

  get outcome(): FirmwareUpdateOutcome | undefined {
    return this.#state.kind === 'ended' ? this.#state.outcome : undefined;
  }

  get explanation(): string | undefined {
    if (this.#state.kind !== 'ended') return undefined;
    const { outcome, reason } = this.#state;
    return reason === undefined ? FIRMWARE_OUTCOMES[outcome] : `${FIRMWARE_OUTCOMES[outcome]} (${reason})`;
  }

  begin(): void {
    this.#listener.reschedule(this);
    this.#enter();
  }

  cancel(): boolean {
    const hasPackage = this.#state.kind === 'deferred' || this.#state.kind === 'downloading';
    const isOnItsWay = hasPackage || this.#state.kind === 'pushing' || this.#state.kind === 'offering';
    if (!this.#advance({ kind: 'cancel' })) return false;
    // Best effort: a device that is not told throws the package away when the next one comes.
    if (isOnItsWay) this.#takeBack().catch(reportServerError);
    return true;
  }

  expire(): void {
    this.#advance({ kind: 'expired' });
  }

  /** The device has said something. */
  heard(by: 'registered' | 'updated' | 'notified'): void {
    if (this.#state.kind === 'ended') return;
    // Its observations are gone with its old registration.
    if (by === 'registered' && this.#observation !== undefined) this.#observe().catch(reportServerError);
    if (LOOKED_AT.has(this.#state.kind)) this.#look();
  }

  #advance(input: FirmwareUpdateInput): boolean {
    const next = advanceUpdate(this.#state, input, this);
    if (next === undefined) return false;
    this.#asking.abort();
    this.#asking = new AbortController();
    this.#state = next;
    this.#looking = 'no';
    if (next.kind !== 'pushing' && next.kind !== 'preparing' && next.kind !== 'resetting') this.#package = undefined;
    if (!OFFERED_IN.has(next.kind)) {
      // It says that it has it.
      if (this.#offer !== undefined && next.kind !== 'ended') this.sentBytes = this.totalBytes ?? 0;
      this.#offer?.withdraw();
      this.#offer = undefined;
    }
    this.changedAt = this.#driver.unixTime();
    if (next.kind === 'ended') this.#end(next.outcome);
    else this.#alive();
    this.#listener.changed(this);
    this.#enter();
    return true;
  }

  #alive(): void {
    this.deadline = this.#driver.now() + this.#timeout;
    this.#listener.reschedule(this);
  }

  #end(outcome: FirmwareUpdateOutcome): void {
    this.#listener.ended(this);
    const observation = this.#observation;
    this.#observation = undefined;
    if (observation !== undefined) void release(observation);
    this.#settle(outcome);
  }

  #enter(): void {
    const { signal } = this.#asking;
    switch (this.#state.kind) {
      case 'preparing':
        return this.#attempt(signal, () => this.#prepare(signal));
      case 'resetting':
        return this.#ask(signal, () => this.#reset(ownCall(signal)));
      case 'pushing':
        return this.#ask(signal, () => this.#push(signal));
      case 'offering':
        return this.#ask(signal, () => this.#writeText(ID.packageUri, this.#uri, ownCall(signal)));
      case 'starting':
        return this.#ask(signal, () => this.#device.execute(this.#path(ID.update), '', ownCall(signal)));
      case 'diagnosing':
      case 'downloading':
      case 'installing':
      case 'deferred':
      case 'verifying':
        return this.#look();
      case 'ended':
    }
  }

  async #prepare(signal: AbortSignal): Promise<FirmwareUpdateInput> {
    const object = this.#device.registration.objects.find(({ objectId }) => objectId === 5);
    const [objectInstanceId] = object?.objectInstanceIds ?? [];
    if (objectInstanceId === undefined) return { kind: 'unsupported', reason: 'it has no Firmware Update (5)' };
    this.#at = objectInstancePath(5, objectInstanceId);
    this.versionBefore = await this.#firmwareVersion(signal);
    const report = await this.#report(signal);
    if (report.kind !== 'report') return report;
    if (report.delivery !== undefined && report.delivery !== 2 && report.delivery !== DELIVERY[this.delivery])
      return { kind: 'unsupported', reason: `it takes packages by ${this.delivery === 'push' ? 'pull' : 'push'} only` };
    await this.#observe();
    return report;
  }

  /** A device that does not notify is asked when it is heard otherwise. */
  async #observe(): Promise<void> {
    const { signal } = this.#asking;
    try {
      const outcome = await this.#device.observe(this.#path(ID.state), ownCall(signal));
      if (!outcome.ok) return;
      if (this.#state.kind === 'ended') await outcome.value[Symbol.asyncDispose]();
      else this.#observation = outcome.value;
    } catch (error) {
      if (!(error instanceof OperationFailed)) throw error;
    }
  }

  #push(signal: AbortSignal): Promise<Outcome<void>> {
    const path = this.#path(ID.package);
    const content: readonly NodeEntry[] = [{ kind: 'value', path, value: { type: 'opaque', value: this.#package! } }];
    // As bytes, which every client of this Object reads; other formats would need a copy for each device.
    return this.#device.write(path, content, {
      signal,
      format: OCTET_STREAM,
      onProgress: (bytes) => {
        this.sentBytes = bytes;
        this.changedAt = this.#driver.unixTime();
        this.#alive();
        this.#listener.changed(this);
      },
    });
  }

  /** By pull from here: it asks for what comes after these bytes. */
  #fetched(bytes: number): void {
    this.#alive();
    // It may begin anew, and a block may come twice.
    if (bytes <= this.sentBytes) return;
    this.sentBytes = bytes;
    this.changedAt = this.#driver.unixTime();
    this.#listener.changed(this);
  }

  #reset(options: CallOptions): Promise<Outcome<void>> {
    if (this.delivery === 'pull') return this.#writeText(ID.packageUri, '', options);
    const path = this.#path(ID.package);
    const content: readonly NodeEntry[] = [{ kind: 'value', path, value: { type: 'opaque', value: Uint8Array.of(0) } }];
    return this.#device.write(path, content, { ...options, format: OCTET_STREAM });
  }

  /** Make the device forget the package of an update that was cancelled. */
  async #takeBack(): Promise<void> {
    try {
      const options = { timeout: this.#timeout, keepOverStop: false };
      const version = this.#device.registration.objects.find(({ objectId }) => objectId === 5)?.version ?? '1.0';
      const outcome = version === '1.0' ? undefined : await this.#device.execute(this.#path(ID.cancel), '', options);
      if (outcome?.ok !== true) await this.#reset(options);
    } catch (error) {
      if (!(error instanceof OperationFailed)) throw error;
    }
  }

  #writeText(resourceId: number, text: string, options: CallOptions): Promise<Outcome<void>> {
    const path = this.#path(resourceId);
    return this.#device.write(path, [{ kind: 'value', path, value: { type: 'string', value: text } }], options);
  }

  /** Ask where the device is; once more when it is heard meanwhile. */
  #look(): void {
    if (this.#looking !== 'no') {
      this.#looking = 'again';
      return;
    }
    this.#looking = 'yes';
    const { signal } = this.#asking;
    const ask = this.#state.kind === 'verifying' ? this.#verify(signal) : this.#report(signal);
    ask.then(
      (input) => this.#seen(signal, input),
      (error: unknown) => this.#seen(signal, unansweredBy(error)),
    );
  }

  #seen(signal: AbortSignal, input: FirmwareUpdateInput): void {
    if (signal.aborted) return;
    const again = this.#looking === 'again';
    this.#looking = 'no';
    if (!this.#advance(input) && again) this.#look();
  }

  async #verify(signal: AbortSignal): Promise<FirmwareUpdateInput> {
    const version = await this.#firmwareVersion(signal);
    this.versionAfter = version;
    if (version === undefined) return { kind: 'version', is: 'unknown' };
    if (this.#expectedVersion !== undefined)
      return { kind: 'version', is: version === this.#expectedVersion ? 'new' : 'wrong' };
    return { kind: 'version', is: version === this.versionBefore ? 'same' : 'new' };
  }

  /** Read /5/0 as a whole: State and Update Result of one moment. */
  async #report(
    signal: AbortSignal,
  ): Promise<
    | (Extract<FirmwareUpdateInput, { kind: 'report' }> & { readonly delivery: number | undefined })
    | Extract<FirmwareUpdateInput, { kind: 'refused' | 'unanswered' }>
  > {
    const outcome = await this.#device.read(this.#at, ownCall(signal));
    if (!outcome.ok) return { kind: 'refused', reason: outcome.reason };
    const numberOf = (resourceId: number): number | undefined => {
      for (const entry of outcome.value.entries) {
        if (entry.kind !== 'value' || entry.path.kind !== 'resource' || entry.path.resourceId !== resourceId) continue;
        return Number(entry.value.value);
      }
      return undefined;
    };
    const state = DEVICE_STATES[numberOf(ID.state) ?? -1];
    const result = DEVICE_RESULTS[numberOf(ID.result) ?? -1];
    if (state === undefined || result === undefined)
      return { kind: 'unanswered', reason: 'it does not tell State and Update Result' };
    return { kind: 'report', state, result, delivery: numberOf(ID.delivery) };
  }

  async #firmwareVersion(signal: AbortSignal): Promise<string | undefined> {
    const outcome = await this.#device.read(FIRMWARE_VERSION, ownCall(signal));
    if (!outcome.ok) return undefined;
    const [entry] = outcome.value.entries;
    return entry?.kind === 'value' && typeof entry.value.value === 'string' ? entry.value.value : undefined;
  }

  #ask(signal: AbortSignal, ask: () => Promise<Outcome<void>>): void {
    this.#attempt(signal, async () => {
      const outcome = await ask();
      return outcome.ok ? { kind: 'accepted' } : { kind: 'refused', reason: outcome.reason };
    });
  }

  /** What comes after the stage is over, its abort too, is nobody's business. */
  #attempt(signal: AbortSignal, attempt: () => Promise<FirmwareUpdateInput>): void {
    attempt().then(
      (input) => {
        if (signal.aborted) return;
        if (this.#state.kind === 'pushing' && input.kind === 'accepted') this.sentBytes = this.totalBytes ?? 0;
        this.#advance(input);
      },
      (error: unknown) => {
        if (!signal.aborted) this.#advance(unansweredBy(error));
      },
    );
  }

  #path(resourceId: number): ResourcePath {
    const { objectId, objectInstanceId } = this.#at;
    return resourcePath(objectId, objectInstanceId, resourceId);
  }
}

/** An update ends with its server: a step of it must not be taken later on its own. */
const ownCall = (signal: AbortSignal): CallOptions => ({ signal, keepOverStop: false });

/** Stages in which the device decides what comes next. */
const LOOKED_AT: ReadonlySet<FirmwareUpdateStage> = new Set(['downloading', 'installing', 'deferred', 'verifying']);

/** Stages in which the device may fetch what is offered to it. */
const OFFERED_IN: ReadonlySet<FirmwareUpdateStage> = new Set(['preparing', 'resetting', 'offering', 'downloading']);

/** In the numbers of /5/0/9. */
const DELIVERY = { pull: 0, push: 1 } as const;

async function release(observation: Observation): Promise<void> {
  try {
    await observation[Symbol.asyncDispose]();
  } catch (error) {
    reportServerError(error);
  }
}

const isUsable = (uri: string): boolean =>
  /^[a-z][a-z0-9+.-]*:\/\/./i.test(uri) && new TextEncoder().encode(uri).length <= MAX_URI_BYTES;

function unansweredBy(error: unknown): FirmwareUpdateInput {
  if (!(error instanceof OperationFailed)) reportServerError(error);
  return { kind: 'unanswered', reason: error instanceof Error ? error.message : String(error) };
}
