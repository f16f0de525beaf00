/**
 * Observations of this client's nodes: what was told last, whether a change since then matters, and when it is to be
 * told. OMA TS Core §6.4; the decisions are in `notification-decision.ts`.
 *
 * An observation has a part for each path it lists, with conditions of its own; the part whose condition is met brings
 * about one notification with all of them. A node is read when something at or below it changed (but not within epmin of
 * the last time), when a waiting notification is due, and at least every epmax seconds. Reading may be slow (`read`
 * handlers); while it runs, the observation waits for nothing else.
 *
 * While its server cannot be told (disabled, offline), an observation goes on; what it would have told is stored when
 * /1/x/6 says so (`stored-notifications.ts`), and else only the fact that something is to be told. An observation whose
 * registration ended is kept for that (parked) and hands over what it has when the server observes the same again.
 */
import { buildOptions, Codes } from '@lapwing/coap';
import type { Code, ObserveRelation, RelationEndReason } from '@lapwing/coap';
import { effectiveAttributes, formatPath, isMalformed, isWithin } from '@lapwing/lwm2m';
import type { Malformed, NodeEntry, NotificationAttributes, Path, Value } from '@lapwing/lwm2m';
import type { Driver } from '@lapwing/transport';
import type { AttributeStore } from './attribute-store.ts';
import type { MaybePromise } from './maybe-promise.ts';
import { decideNotification } from './notification-decision.ts';
import { defaultsOf, hasChanged, NO_CONDITIONS, passOver, snapshot, textPrefix, touches } from './observation.ts';
import type { Observation, Observed } from './observation.ts';
import { isRefusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { restoreNotifications, saveNotifications } from './saved-notifications.ts';
import type { SavedNotifications } from './saved-notifications.ts';
import type { ServerSettings } from './server-account.ts';
import { StorageBudget, StoredNotifications } from './stored-notifications.ts';
import type { NotificationStorage } from './stored-notifications.ts';

export interface ReportingSource {
  /** The entries an observation is about, now. A rejected promise or a throw has been reported already. */
  read(observed: Observed): MaybePromise<readonly NodeEntry[] | Refusal>;
  encode(observed: Observed, entries: readonly NodeEntry[]): Uint8Array | Malformed;
  /** Whether values in this Content-Format can have timestamps. */
  carriesTime(contentFormat: number): boolean;
  /** Whether this server can be told something now. */
  isReachable(settings: ServerSettings): boolean;
  /** A notification is about to be sent. */
  sending(): void;
  ended(observed: Observed): void;
  /** What `saved` answers is not what it was. */
  storedChanged(): void;
}

/** Observations kept for a server whose registration ended; the oldest give way. */
const MAX_PARKED_PER_SERVER = 64;

export class Reporting {
  readonly #driver: Driver;
  readonly #attributes: AttributeStore;
  readonly #source: ReportingSource;
  readonly #budget: StorageBudget;
  readonly #observations = new Set<Observation>();

  constructor(
    driver: Driver,
    attributes: AttributeStore,
    source: ReportingSource,
    storage: Required<NotificationStorage>,
  ) {
    this.#driver = driver;
    this.#attributes = attributes;
    this.#source = source;
    this.#budget = new StorageBudget(storage, () => source.storedChanged());
  }

  /** Observations that servers hold. */
  get size(): number {
    let size = 0;
    for (const { relation } of this.#observations) if (relation !== undefined) size++;
    return size;
  }

  /** Values stored until they can be told. */
  get storedValues(): number {
    return this.#budget.held;
  }

  /** The answer to an Observe was sent and counts as its first notification. */
  add(now: number, relation: ObserveRelation, observed: Observed, entries: readonly NodeEntry[]): void {
    const observation: Observation = {
      ...observed,
      relation,
      told: snapshot(entries),
      toldAt: now,
      changed: observed.paths.map(() => false),
      evaluatedAt: now,
      deadline: Infinity,
      conditions: undefined,
      reading: 'no',
      stored: this.#unpark(observed) ?? new StoredNotifications(this.#budget),
      lastSent: [],
    };
    relation.context = observation;
    this.#observations.add(observation);
    if (observed.settings.storesNotifications) this.#source.storedChanged();
    this.#schedule(now, observation);
  }

  /** What is to outlast the client: observations that are stored for, with what is stored. */
  saved(): readonly SavedNotifications[] {
    return [...this.#observations]
      .filter(({ settings }) => settings.storesNotifications)
      .map((observation) => saveNotifications(observation));
  }

  /** Go on storing where another run of this client stopped, until the servers observe again. */
  restore(
    saved: readonly SavedNotifications[],
    settingsOf: (shortServerId: number) => ServerSettings | undefined,
  ): void {
    for (const one of saved) {
      const restored = restoreNotifications(one);
      const settings = restored === undefined ? undefined : settingsOf(restored.shortServerId);
      if (restored === undefined || settings?.storesNotifications !== true) continue;
      const { paths, composite, contentFormat, attributes, told, stored } = restored;
      const now = this.#driver.now();
      const observation: Observation = {
        settings,
        paths,
        composite,
        contentFormat,
        attributes,
        relation: undefined,
        told,
        toldAt: now,
        changed: paths.map(() => false),
        evaluatedAt: now,
        deadline: Infinity,
        conditions: undefined,
        reading: 'no',
        stored: new StoredNotifications(this.#budget),
        lastSent: [],
      };
      const parts = this.#conditionsOfParts(observation);
      stored.forEach((samples, index) => {
        for (const sample of samples) observation.stored.push(index, sample, parts[index]?.hqmax);
      });
      this.#observations.add(observation);
      this.#park(observation);
    }
  }

  /** CoAP ended it: cancelled, replaced, or its notifications no longer arrive. */
  relationEnded(relation: ObserveRelation, reason: RelationEndReason): void {
    for (const observation of this.#observations) {
      if (observation.relation !== relation) continue;
      const wasLost = reason === 'timeout' || reason === 'peer-closed';
      if (wasLost) this.#restore(observation);
      this.#remove(observation, wasLost);
    }
  }

  /**
   * The registration with this server is new or gone, and with it every observation. OMA TS Core §6.4.
   *
   * @param storing  what would have been told from now on is stored, if /1/x/6 says so.
   */
  endAll(settings: ServerSettings, storing: 'storing' | 'forgetting'): void {
    for (const observation of [...this.#observations]) {
      if (observation.settings !== settings) continue;
      const { relation } = observation;
      if (relation !== undefined) {
        this.#driver.turn((now, out) => this.#driver.endpoint.endRelation(now, relation, out));
        if (storing === 'storing' && relation.isUndelivered) this.#restore(observation);
        this.#remove(observation, storing === 'storing');
      } else if (storing === 'forgetting') {
        this.#forget(observation);
      }
    }
  }

  /** A server can be told something again: what is stored, and what has changed. */
  reachableAgain(settings: ServerSettings): void {
    this.#evaluateAll(settings);
  }

  /** What a server may read is other than before. */
  rightsChanged(settings: ServerSettings): void {
    this.#evaluateAll(settings);
  }

  /** The newest notification of these relations may not have arrived, and is not on its way any more. */
  withheld(relations: readonly ObserveRelation[]): void {
    for (const observation of this.#observations) {
      if (observation.relation === undefined || !relations.includes(observation.relation)) continue;
      if (observation.settings.storesNotifications) this.#restore(observation);
      // Told again when the server can be reached.
      else observation.changed.fill(true);
      observation.lastSent = [];
    }
  }

  #evaluateAll(settings: ServerSettings): void {
    for (const observation of [...this.#observations]) {
      if (observation.settings === settings) this.#evaluate(observation);
    }
  }

  /** Notifications are no longer to be stored for this server. */
  storingEnded(settings: ServerSettings): void {
    for (const observation of [...this.#observations]) {
      if (observation.settings !== settings) continue;
      observation.stored.clear();
      observation.lastSent = [];
      if (observation.relation === undefined) this.#forget(observation);
    }
  }

  /** Values at or below these paths may have changed. */
  valuesChanged(paths: readonly Path[]): void {
    for (const observation of [...this.#observations]) {
      if (observation.paths.some((path) => paths.some((changed) => touches(changed, path)))) {
        this.#evaluateSoon(observation);
      }
    }
  }

  /** Attributes or the defaults of a server changed. */
  attributesChanged(shortServerId: number): void {
    this.forgetConditions();
    for (const observation of [...this.#observations]) {
      if (observation.settings.shortServerId === shortServerId) this.#evaluate(observation);
    }
  }

  /** Some attributes are not what they were; what follows from it is seen the next time something is looked at. */
  forgetConditions(): void {
    for (const observation of this.#observations) observation.conditions = undefined;
  }

  nextDeadline(): number {
    let deadline = Infinity;
    for (const observation of this.#observations) deadline = Math.min(deadline, observation.deadline);
    return deadline;
  }

  handleTimeout(now: number): void {
    for (const observation of [...this.#observations]) if (observation.deadline <= now) this.#evaluate(observation);
  }

  /** Something changed; conditions are not looked at more often than epmin says. */
  #evaluateSoon(observation: Observation): void {
    const { epmin } = this.#evaluationPeriods(observation);
    const notBefore = observation.evaluatedAt + epmin * 1000;
    if (this.#driver.now() >= notBefore) return this.#evaluate(observation);
    this.#driver.turn(() => (observation.deadline = Math.min(observation.deadline, notBefore)));
  }

  #evaluate(observation: Observation): void {
    if (!this.#observations.has(observation)) return;
    if (observation.reading !== 'no') {
      observation.reading = 'again';
      return;
    }
    observation.deadline = Infinity;
    let entries: MaybePromise<readonly NodeEntry[] | Refusal>;
    try {
      entries = this.#source.read(observation);
    } catch {
      return this.#handleUnreadable(observation);
    }
    if (!(entries instanceof Promise)) return this.#consider(observation, entries);
    observation.reading = 'yes';
    entries.then(
      (read) => this.#finishReading(observation, () => this.#consider(observation, read)),
      () => this.#finishReading(observation, () => this.#handleUnreadable(observation)),
    );
  }

  #finishReading(observation: Observation, next: () => void): void {
    const again = observation.reading === 'again';
    observation.reading = 'no';
    if (!this.#observations.has(observation)) return;
    this.#driver.turn(() => {
      next();
      if (again) this.#evaluateSoon(observation);
    });
  }

  /** A handler failed, as its event has said. What was told stands until it works again. */
  #handleUnreadable(observation: Observation): void {
    this.#driver.turn((now) => {
      const { epmax } = this.#evaluationPeriods(observation);
      const pmax = Math.min(...this.#conditionsOfParts(observation).map((conditions) => conditions.pmax ?? Infinity));
      observation.deadline = now + Math.max(1, Math.min(epmax, pmax)) * 1000;
    });
  }

  #consider(observation: Observation, entries: readonly NodeEntry[] | Refusal): void {
    this.#driver.turn((now) => {
      observation.evaluatedAt = now;
      // The node is gone or no longer readable: an error ends the observation. RFC 7641 §4.2.
      if (isRefusal(entries)) return this.#end(observation, entries.refused);
      const current = snapshot(entries);
      const parts = this.#conditionsOfParts(observation);
      this.#noteChanges(observation, current, parts);
      const isReachable = observation.relation !== undefined && this.#source.isReachable(observation.settings);
      const isDue = this.#due(observation, parts) <= now;
      if (isReachable && (isDue || !observation.stored.isEmpty))
        this.#notify(now, observation, entries, current, parts);
      else if (!isReachable && isDue && observation.settings.storesNotifications) {
        this.#store(now, observation, entries, current, parts);
      }
      this.#schedule(now, observation);
    });
  }

  /** When the next notification is due if nothing changes any more, ms. */
  #due(observation: Observation, parts: readonly NotificationAttributes[]): number {
    let due = Infinity;
    parts.forEach((conditions, index) => {
      const decision = decideNotification(
        -Infinity,
        observation.toldAt,
        conditions,
        observation.changed[index] ?? false,
      );
      if (decision.kind === 'wait') due = Math.min(due, decision.deadline);
    });
    return due;
  }

  #notify(
    now: number,
    observation: Observation,
    entries: readonly NodeEntry[],
    current: Map<string, Value>,
    parts: readonly NotificationAttributes[],
  ): void {
    const { relation, settings, stored, contentFormat } = observation;
    if (relation === undefined) return;
    const isHistory = !stored.isEmpty && this.#source.carriesTime(contentFormat);
    const past = stored.take();
    const told = isHistory ? [...past, ...this.#timed(entries)] : entries;
    const payload = this.#source.encode(observation, told);
    if (isMalformed(payload)) return this.#end(observation, Codes.notAcceptable);
    this.#setTold(now, observation, current);
    observation.lastSent = settings.storesNotifications ? this.#timed(told) : [];
    const confirmable =
      isHistory ||
      parts.some(({ con }) => con === 1) ||
      (settings.notifiesConfirmably && parts.some(({ con }) => con === undefined))
        ? true
        : undefined;
    const options = buildOptions({ contentFormat });
    const response = { code: Codes.content, options, payload };
    this.#source.sending();
    this.#driver.turn((at, out) => this.#driver.endpoint.notify(at, relation, response, out, confirmable));
  }

  /** As a notification, but into the store. */
  #store(
    now: number,
    observation: Observation,
    entries: readonly NodeEntry[],
    current: Map<string, Value>,
    parts: readonly NotificationAttributes[],
  ): void {
    const timed = this.#timed(entries);
    observation.paths.forEach((path, index) => {
      const part = timed.filter((entry) => isWithin(entry.path, path));
      observation.stored.push(index, part, parts[index]?.hqmax);
    });
    this.#setTold(now, observation, current);
  }

  #setTold(now: number, observation: Observation, current: Map<string, Value>): void {
    observation.told = current;
    observation.toldAt = now;
    observation.changed.fill(false);
  }

  /** The last notification did not arrive: store what it said. */
  #restore(observation: Observation): void {
    if (!observation.settings.storesNotifications) return;
    const parts = this.#conditionsOfParts(observation);
    const { lastSent } = observation;
    observation.paths.forEach((path, index) => {
      const byTime = new Map<number, NodeEntry[]>();
      for (const entry of lastSent) {
        if (entry.kind !== 'value' || !isWithin(entry.path, path)) continue;
        const group = byTime.get(entry.timestamp ?? 0);
        if (group === undefined) byTime.set(entry.timestamp ?? 0, [entry]);
        else group.push(entry);
      }
      for (const group of byTime.values()) observation.stored.push(index, group, parts[index]?.hqmax);
    });
  }

  /** Entries with the time of now where they have none. */
  #timed(entries: readonly NodeEntry[]): readonly NodeEntry[] {
    const timestamp = this.#driver.unixTime() / 1000;
    return entries.flatMap((entry) => (entry.kind === 'value' ? [{ timestamp, ...entry }] : []));
  }

  #end(observation: Observation, code: Code): void {
    const { relation } = observation;
    if (relation !== undefined) {
      this.#driver.turn((now, out) =>
        this.#driver.endpoint.notify(now, relation, { code, options: [], payload: NO_BYTES }, out),
      );
    }
    this.#remove(observation, false);
  }

  /** The server no longer holds it. */
  #remove(observation: Observation, park: boolean): void {
    if (!this.#observations.has(observation)) return;
    const wasHeld = observation.relation !== undefined;
    if (park && observation.settings.storesNotifications) this.#park(observation);
    else this.#forget(observation);
    if (wasHeld) this.#source.ended(observation);
  }

  #forget(observation: Observation): void {
    observation.stored.clear();
    if (observation.settings.storesNotifications) this.#source.storedChanged();
    this.#observations.delete(observation);
  }

  #park(observation: Observation): void {
    observation.relation = undefined;
    observation.lastSent = [];
    // To the end of the set: the oldest parked are at its beginning.
    this.#observations.delete(observation);
    this.#observations.add(observation);
    const parked = [...this.#observations].filter(
      ({ relation, settings }) => relation === undefined && settings === observation.settings,
    );
    for (const oldest of parked.slice(0, -MAX_PARKED_PER_SERVER)) this.#forget(oldest);
    this.#driver.turn((now) => this.#schedule(now, observation));
  }

  /** What is stored for the same nodes: since the server left, or since it began to observe before. */
  #unpark(observed: Observed): StoredNotifications | undefined {
    for (const observation of this.#observations) {
      const { relation, settings, composite, paths } = observation;
      if (relation?.ended === false || settings !== observed.settings || composite !== observed.composite) continue;
      if (paths.map(formatPath).join() !== observed.paths.map(formatPath).join()) continue;
      if (relation?.isUndelivered === true) this.#restore(observation);
      this.#observations.delete(observation);
      if (relation !== undefined) this.#source.ended(observation);
      return observation.stored;
    }
    return undefined;
  }

  #schedule(now: number, observation: Observation): void {
    if (!this.#observations.has(observation) || observation.reading !== 'no') return;
    const { settings, relation, stored, evaluatedAt } = observation;
    const isReachable = relation !== undefined && this.#source.isReachable(settings);
    const { epmax } = this.#evaluationPeriods(observation);
    const evaluation = evaluatedAt + epmax * 1000;
    if (!isReachable && !settings.storesNotifications) {
      // Nothing can be told or kept: only what changes is noted, until `reachableAgain`.
      observation.deadline = evaluation;
      return;
    }
    const due = isReachable && !stored.isEmpty ? now : this.#due(observation, this.#conditionsOfParts(observation));
    observation.deadline = Math.min(Math.max(due, now), evaluation);
  }

  /** Seconds; epmin is 0 and epmax Infinity when there is none. Where parts differ, the more frequent one counts. */
  #evaluationPeriods(observation: Observation): { readonly epmin: number; readonly epmax: number } {
    let epmin = Infinity;
    let epmax = Infinity;
    for (const conditions of this.#conditionsOfParts(observation)) {
      epmin = Math.min(epmin, conditions.epmin ?? 0);
      if (conditions.epmax !== undefined && conditions.epmax > 0) epmax = Math.min(epmax, conditions.epmax);
    }
    return { epmin: epmin === Infinity ? 0 : epmin, epmax };
  }

  #noteChanges(observation: Observation, current: Map<string, Value>, parts: readonly NotificationAttributes[]): void {
    const { told, paths, changed } = observation;
    paths.forEach((path, index) => {
      if (changed[index] === true) return;
      // Conditions on values concern the one Resource that is observed; in anything larger every change counts, whatever
      // is attached further down.
      const conditions =
        path.kind === 'resource' || path.kind === 'resourceInstance' ? (parts[index] ?? NO_CONDITIONS) : NO_CONDITIONS;
      const prefix = textPrefix(path);
      changed[index] = hasChanged(told, current, prefix, conditions);
      if (!changed[index] && conditions.edge !== undefined) passOver(told, current, prefix);
    });
  }

  /** For each listed path the attributes that hold for it. */
  #conditionsOfParts(observation: Observation): readonly NotificationAttributes[] {
    return (observation.conditions ??= this.#findConditions(observation));
  }

  #findConditions({ settings, attributes, paths }: Observation): readonly NotificationAttributes[] {
    const defaults = defaultsOf(settings);
    if (attributes !== undefined) {
      const given = effectiveAttributes([attributes, defaults]);
      return paths.map(() => given);
    }
    return paths.map((path) => this.#attributes.effective(settings.shortServerId, path, defaults));
  }
}

const NO_BYTES = new Uint8Array(0);
