/** What the event stream changes in what the pages show: the caches of queries, the values of opened devices, refusals. */
import type { QueryClient } from '@tanstack/react-query';
import { createContext, useContext, useMemo, useSyncExternalStore } from 'react';
import { api } from '../api/rest.ts';
import { parseNodePath } from '../api/node-path.ts';
import type { Device, FirmwareUpdate, LapwingEvent, SentValuePage } from '../api/shapes.ts';
import { ListRefresher } from '../devices/list-refresher.ts';
import { isBootstrapEvent, takeBootstrapEvent } from './bootstrap-live.ts';
import { DeviceValues } from './device-values.ts';
import type { EventFeed, FeedState } from './event-feed.ts';
import { SENDS_PER_PAGE, SENDS_SHOWN, type SendList, sendsKey, shortened, withSend } from './send-list.ts';

/** Devices whose values are kept; the one opened longest ago is forgotten first. */
const DEVICES_KEPT = 8;
const REFUSALS_KEPT = 50;
/** Of all devices. */
const MALFORMED_KEPT = 100;

export type RefusedEvent = Extract<LapwingEvent, { type: 'refused' }>;
export type MalformedEvent = Extract<LapwingEvent, { type: 'malformed-notification' }>;

/** An observation as the device page needs it. */
export interface ObservedPath {
  readonly path: string;
  readonly startedAt: string;
  /** Of an Observe-Composite, whose path is the root. */
  readonly paths?: readonly string[];
}

export const deviceKey = (name: string): readonly string[] => ['device', name, 'registration'];
export const definitionsKey = (name: string): readonly string[] => ['device', name, 'definitions'];
export const pendingKey = (name: string): readonly string[] => ['device', name, 'pending'];
export const observationsKey = (name: string): readonly string[] => ['device', name, 'observations'];

export const FIRMWARE = ['firmware', 'images'] as const;
export const FIRMWARE_UPDATES = ['firmware', 'updates'] as const;

export const CREDENTIALS = ['security', 'credentials'] as const;
export const TRUST_ANCHORS = ['security', 'trust-anchors'] as const;
export const REFUSED_HANDSHAKES = ['security', 'refusals'] as const;

export class LiveData {
  readonly feed: EventFeed;
  readonly #queries: QueryClient;
  readonly #list: ListRefresher;
  readonly #values = new Map<string, DeviceValues>();
  readonly #refusalListeners = new Set<() => void>();
  #refusals: readonly RefusedEvent[] = [];
  readonly #malformedListeners = new Set<() => void>();
  #malformed: readonly MalformedEvent[] = [];

  constructor(queries: QueryClient, feed: EventFeed) {
    this.#queries = queries;
    this.#list = new ListRefresher(queries);
    this.feed = feed;
    feed.listen((event) => this.#handle(event));
  }

  /** The values of a device that is being looked at. */
  valuesOf(name: string): DeviceValues {
    const values = this.#values.get(name) ?? new DeviceValues();
    this.#values.delete(name);
    this.#values.set(name, values);
    const [oldest] = this.#values.keys();
    if (this.#values.size > DEVICES_KEPT && oldest !== undefined) this.#values.delete(oldest);
    return values;
  }

  /** The observations of a device, asked for; their last notifications become its values. */
  async loadObservations(name: string, signal: AbortSignal): Promise<readonly ObservedPath[]> {
    const { items } = await api.observations(name, signal);
    for (const { path, lastNotification } of items) {
      if (lastNotification === null) continue;
      this.valuesOf(name).take(
        scopeOf(path),
        lastNotification.entries,
        Date.parse(lastNotification.receivedAt),
        'notification',
      );
    }
    return items.map(({ path, startedAt, paths }) => ({ path, startedAt, ...(paths === undefined ? {} : { paths }) }));
  }

  /** A page of what a device sent, asked for; it becomes its values. */
  async loadSends(name: string, cursor: string | undefined, signal: AbortSignal): Promise<SentValuePage> {
    const page = await api.sends(name, SENDS_PER_PAGE, cursor, signal);
    for (const sent of page.items.toReversed())
      this.valuesOf(name).take(undefined, [sent], Date.parse(sent.receivedAt), 'send');
    return page;
  }

  readonly onRefusals = (listener: () => void): (() => void) => {
    this.#refusalListeners.add(listener);
    return () => this.#refusalListeners.delete(listener);
  };
  /** Newest first, since the page was opened. */
  readonly refusals = (): readonly RefusedEvent[] => this.#refusals;

  readonly onMalformed = (listener: () => void): (() => void) => {
    this.#malformedListeners.add(listener);
    return () => this.#malformedListeners.delete(listener);
  };
  /** Notifications that could not be read, of all devices, newest first, since the page was opened. */
  readonly malformed = (): readonly MalformedEvent[] => this.#malformed;

  /** They have been seen. */
  forgetMalformed(name: string): void {
    this.#setMalformed(this.#malformed.filter(({ device }) => device !== name));
  }

  #setMalformed(malformed: readonly MalformedEvent[]): void {
    this.#malformed = malformed;
    for (const listener of this.#malformedListeners) listener();
  }

  renewObservations(name: string): void {
    void this.#queries.invalidateQueries({ queryKey: observationsKey(name) });
  }

  setObserved(name: string, path: string, startedAt: string | undefined): void {
    this.#queries.setQueryData<readonly ObservedPath[]>(observationsKey(name), (before) => {
      const others = (before ?? []).filter((each) => each.path !== path);
      return startedAt === undefined ? others : [...others, { path, startedAt }];
    });
  }

  /** A device that created or deleted an Object Instance says so in its next Update; the page does not wait for that. */
  noteObjectInstance(name: string, path: string, change: 'created' | 'deleted'): void {
    const { objectId, objectInstanceId, resourceId } = parseNodePath(path) ?? {};
    if (objectInstanceId === undefined || resourceId !== undefined) return;
    this.#queries.setQueryData<Device>(deviceKey(name), (device) =>
      device === undefined
        ? device
        : {
            ...device,
            objects: device.objects.map((object) => {
              if (object.objectId !== objectId) return object;
              const others = object.objectInstanceIds.filter((id) => id !== objectInstanceId);
              const ids = change === 'created' ? [...others, objectInstanceId].sort((a, b) => a - b) : others;
              return { ...object, objectInstanceIds: ids };
            }),
          },
    );
  }

  /** The answer to a start. Events travel by another connection, and those that overtook it know more. */
  takeStartedUpdate(update: FirmwareUpdate): void {
    const known = this.#queries.getQueryData<readonly FirmwareUpdate[]>(FIRMWARE_UPDATES);
    const current = known?.find(({ device }) => device === update.device);
    if (current === undefined || current.startedAt < update.startedAt) this.#takeFirmwareUpdate(update);
  }

  #takeFirmwareUpdate(update: FirmwareUpdate): void {
    // A list that is on its way may have been made before this.
    if (this.#queries.isFetching({ queryKey: FIRMWARE_UPDATES }) > 0)
      void this.#queries.invalidateQueries({ queryKey: FIRMWARE_UPDATES });
    this.#queries.setQueryData<readonly FirmwareUpdate[]>(FIRMWARE_UPDATES, (before) =>
      before === undefined ? before : [update, ...before.filter(({ device }) => device !== update.device)],
    );
  }

  /** A device in queue mode has woken or fallen asleep. */
  #setAwake(name: string, awake: boolean): void {
    this.#list.slept(name, awake);
    // What is on its way may have been made before this.
    if (this.#queries.isFetching({ queryKey: deviceKey(name) }) > 0)
      void this.#queries.invalidateQueries({ queryKey: deviceKey(name) });
    this.#queries.setQueryData<Device>(deviceKey(name), (device) =>
      device === undefined ? device : { ...device, awake },
    );
  }

  #takeSend(name: string, event: Extract<LapwingEvent, { type: 'sent' }>): void {
    const queryKey = sendsKey(name);
    if (this.#queries.isFetching({ queryKey }) > 0) void this.#queries.invalidateQueries({ queryKey });
    const before = this.#queries.getQueryData<SendList>(queryKey);
    if (before === undefined) return;
    const after = withSend(before, event);
    const isTooLong = after.pages.reduce((rows, { items }) => rows + items.length, 0) > SENDS_SHOWN;
    this.#queries.setQueryData<SendList>(queryKey, isTooLong ? shortened(after) : after);
    // Where the page that is left goes on, only the server knows.
    if (isTooLong) void this.#queries.invalidateQueries({ queryKey });
  }

  #handle(event: LapwingEvent): void {
    if (event.type === 'gap') {
      void this.#queries.invalidateQueries();
      return;
    }
    if (event.type === 'refused') {
      this.#refusals = [event, ...this.#refusals].slice(0, REFUSALS_KEPT);
      for (const listener of this.#refusalListeners) listener();
      return;
    }
    if (isBootstrapEvent(event)) {
      takeBootstrapEvent(this.#queries, event);
      return;
    }
    if (event.type === 'handshake-refused') {
      void this.#queries.invalidateQueries({ queryKey: REFUSED_HANDSHAKES });
      return;
    }
    if (event.type === 'credentials-changed') {
      void this.#queries.invalidateQueries({ queryKey: CREDENTIALS });
      return;
    }
    if (event.type === 'trust-anchors-changed') {
      void this.#queries.invalidateQueries({ queryKey: TRUST_ANCHORS });
      return;
    }
    const { device: name } = event;
    if (name === undefined) return;
    switch (event.type) {
      case 'registered':
        if (event.registration === undefined) this.#list.changed(name);
        else this.#list.registered(event.registration);
        void this.#queries.invalidateQueries({ queryKey: ['device', name] });
        return;
      case 'updated':
        if (event.registration === undefined) this.#list.changed(name);
        else this.#list.updated(event.registration);
        void this.#queries.invalidateQueries({ queryKey: deviceKey(name) });
        return;
      case 'unregistered':
        if (event.registrationId === undefined) this.#list.changed(name);
        else this.#list.unregistered(name, event.registrationId);
        void this.#queries.invalidateQueries({ queryKey: ['device', name] });
        return;
      case 'address-changed':
        this.#list.changed(name);
        void this.#queries.invalidateQueries({ queryKey: deviceKey(name) });
        return;
      case 'firmware-update':
        this.#takeFirmwareUpdate(event.update);
        return;
      case 'observed':
        if (event.path === ROOT) this.renewObservations(name);
        else if (this.#queries.getQueryData(observationsKey(name)) !== undefined) {
          this.setObserved(name, event.path, event.startedAt ?? event.time);
        }
        return;
      case 'observation-ended':
        if (event.path === ROOT) this.renewObservations(name);
        else if (this.#queries.getQueryData(observationsKey(name)) !== undefined)
          this.setObserved(name, event.path, undefined);
        return;
      case 'notification':
        this.#values.get(name)?.take(scopeOf(event.path), event.entries, Date.parse(event.receivedAt), 'notification');
        return;
      case 'malformed-notification':
        this.#setMalformed([event, ...this.#malformed].slice(0, MALFORMED_KEPT));
        return;
      case 'awake':
      case 'asleep':
        this.#setAwake(name, event.type === 'awake');
        return;
      case 'pending-changed':
        void this.#queries.invalidateQueries({ queryKey: pendingKey(name) });
        return;
      case 'sent':
        this.#takeSend(name, event);
        this.#values.get(name)?.take(undefined, event.entries, Date.parse(event.time), 'send');
        return;
    }
  }
}

/** Of an Observe-Composite: its entries are not all there is below it. */
const ROOT = '/';
const scopeOf = (path: string): string | undefined => (path === ROOT ? undefined : path);

export const LiveContext: React.Context<LiveData | undefined> = createContext<LiveData | undefined>(undefined);

export const useLive = (): LiveData => {
  const live = useContext(LiveContext);
  if (live === undefined) throw new Error('useLive is for components below LiveContext');
  return live;
};

export const useFeedState = (): FeedState => {
  const { feed } = useLive();
  return useSyncExternalStore(feed.onState, () => feed.state);
};

export const useRefusals = (): readonly RefusedEvent[] => {
  const live = useLive();
  return useSyncExternalStore(live.onRefusals, live.refusals);
};

/** Of one device. */
export const useMalformed = (name: string): readonly MalformedEvent[] => {
  const live = useLive();
  const all = useSyncExternalStore(live.onMalformed, live.malformed);
  return useMemo(() => all.filter(({ device }) => device === name), [all, name]);
};
