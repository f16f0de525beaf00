/**
 * Observations of this client's nodes: what was told last, whether a change since then matters, and when it is to be
 * told. OMA TS Core §6.4; the decisions are in `notification-decision.ts`.
 *
 * A node is read when something at or below it changed, when a waiting notification is due, and at least every epmax
 * seconds. Reading may be slow (`read` handlers); while it runs, the observation waits for nothing else.
 */
import { buildOptions, Codes } from '@lapwing/coap';
import type { Code, ObserveRelation } from '@lapwing/coap';
import { effectiveAttributes, formatPath, isMalformed, isWithin } from '@lapwing/lwm2m';
import type { Malformed, NodeEntry, NotificationAttributes, Path, Value } from '@lapwing/lwm2m';
import type { Driver } from '@lapwing/transport';
import type { AttributeStore } from './attribute-store.ts';
import type { MaybePromise } from './maybe-promise.ts';
import { changeMatters, decideNotification } from './notification-decision.ts';
import { isRefusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { ServerSettings } from './server-account.ts';

export interface Observed {
  readonly settings: ServerSettings;
  /** One for an Observe, the list for an Observe-Composite. */
  readonly paths: readonly Path[];
  readonly composite: boolean;
  readonly contentFormat: number;
  /** Given with the Observe: they stand instead of what is attached. 1.2. */
  readonly attributes: NotificationAttributes | undefined;
}

export interface ReportingSource {
  /** The entries an observation is about, now. A rejected promise or a throw has been reported already. */
  read(observed: Observed): MaybePromise<readonly NodeEntry[] | Refusal>;
  encode(observed: Observed, entries: readonly NodeEntry[]): Uint8Array | Malformed;
  ended(observed: Observed): void;
}

interface Observation extends Observed {
  readonly relation: ObserveRelation;
  /** Last told, by path. */
  told: ReadonlyMap<string, Value>;
  toldAt: number;
  /** Since then a change that matters has been seen. */
  changed: boolean;
  /** When it was last read, ms: epmax counts from here. */
  evaluatedAt: number;
  /** When to read again without a change, ms. */
  deadline: number;
  /** A slow read is under way; `again`: something changed meanwhile. */
  reading: 'no' | 'yes' | 'again';
}

export class Reporting {
  readonly #driver: Driver;
  readonly #attributes: AttributeStore;
  readonly #source: ReportingSource;
  readonly #observations = new Set<Observation>();

  constructor(driver: Driver, attributes: AttributeStore, source: ReportingSource) {
    this.#driver = driver;
    this.#attributes = attributes;
    this.#source = source;
  }

  get size(): number {
    return this.#observations.size;
  }

  /** The answer to an Observe was sent and counts as its first notification. */
  add(now: number, relation: ObserveRelation, observed: Observed, entries: readonly NodeEntry[]): void {
    const observation: Observation = {
      ...observed,
      relation,
      told: snapshot(entries),
      toldAt: now,
      changed: false,
      evaluatedAt: now,
      deadline: Infinity,
      reading: 'no',
    };
    relation.context = observation;
    this.#observations.add(observation);
    this.#schedule(now, observation);
  }

  /** CoAP ended it: cancelled, replaced, or its notifications no longer arrive. */
  relationEnded(relation: ObserveRelation): void {
    for (const observation of this.#observations) if (observation.relation === relation) this.#remove(observation);
  }

  /** The registration with this server is new or gone, and with it every observation. OMA TS Core §6.4. */
  endAll(settings: ServerSettings): void {
    for (const observation of [...this.#observations]) {
      if (observation.settings !== settings) continue;
      this.#driver.turn((now, out) => this.#driver.endpoint.endRelation(now, observation.relation, out));
      this.#remove(observation);
    }
  }

  /** Values at or below these paths may have changed. */
  valuesChanged(paths: readonly Path[]): void {
    for (const observation of [...this.#observations]) {
      if (observation.paths.some((path) => paths.some((changed) => touches(changed, path)))) {
        this.#evaluate(observation);
      }
    }
  }

  /** Attributes or the defaults of a server changed. */
  attributesChanged(shortServerId: number): void {
    for (const observation of [...this.#observations]) {
      if (observation.settings.shortServerId === shortServerId) this.#evaluate(observation);
    }
  }

  nextDeadline(): number {
    let deadline = Infinity;
    for (const observation of this.#observations) deadline = Math.min(deadline, observation.deadline);
    return deadline;
  }

  handleTimeout(now: number): void {
    for (const observation of [...this.#observations]) if (observation.deadline <= now) this.#evaluate(observation);
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
      if (again) this.#evaluate(observation);
    });
  }

  /** A handler failed, as its event has said. What was told stands until it works again. */
  #handleUnreadable(observation: Observation): void {
    this.#driver.turn((now) => {
      const { epmax, pmax } = this.#conditions(observation);
      observation.deadline = now + Math.max(1, Math.min(epmax ?? Infinity, pmax ?? Infinity)) * 1000;
    });
  }

  #consider(observation: Observation, entries: readonly NodeEntry[] | Refusal): void {
    this.#driver.turn((now) => {
      observation.evaluatedAt = now;
      // The node is gone or no longer readable: an error ends the observation. RFC 7641 §4.2.
      if (isRefusal(entries)) return this.#end(observation, entries.refused);
      const current = snapshot(entries);
      observation.changed ||= this.#hasChanged(observation, current);
      const attributes = this.#conditions(observation);
      const decision = decideNotification(now, observation.toldAt, attributes, observation.changed);
      if (decision.kind === 'notify') this.#notify(now, observation, entries, current);
      this.#schedule(now, observation);
    });
  }

  #notify(
    now: number,
    observation: Observation,
    entries: readonly NodeEntry[],
    current: ReadonlyMap<string, Value>,
  ): void {
    const payload = this.#source.encode(observation, entries);
    if (isMalformed(payload)) return this.#end(observation, Codes.notAcceptable);
    observation.told = current;
    observation.toldAt = now;
    observation.changed = false;
    const { con } = this.#conditions(observation);
    const confirmable = con === 1 || (con === undefined && observation.settings.notifiesConfirmably) ? true : undefined;
    const options = buildOptions({ contentFormat: observation.contentFormat });
    this.#driver.turn((at, out) =>
      this.#driver.endpoint.notify(
        at,
        observation.relation,
        { code: Codes.content, options, payload },
        out,
        confirmable,
      ),
    );
  }

  #end(observation: Observation, code: Code): void {
    this.#driver.turn((now, out) =>
      this.#driver.endpoint.notify(now, observation.relation, { code, options: [], payload: NO_BYTES }, out),
    );
    this.#remove(observation);
  }

  #remove(observation: Observation): void {
    if (this.#observations.delete(observation)) this.#source.ended(observation);
  }

  #schedule(now: number, observation: Observation): void {
    if (!this.#observations.has(observation) || observation.reading !== 'no') return;
    const attributes = this.#conditions(observation);
    const decision = decideNotification(now, observation.toldAt, attributes, observation.changed);
    const due = decision.kind === 'wait' ? decision.deadline : now;
    const { epmax = 0 } = attributes;
    const evaluation = epmax > 0 ? observation.evaluatedAt + epmax * 1000 : Infinity;
    observation.deadline = Math.min(due, evaluation);
  }

  #hasChanged(observation: Observation, current: ReadonlyMap<string, Value>): boolean {
    const { told } = observation;
    // Conditions on values concern the one Resource that is observed; in anything larger every change counts, whatever
    // is attached further down.
    const [path] = observation.paths;
    const conditions =
      !observation.composite && (path?.kind === 'resource' || path?.kind === 'resourceInstance')
        ? this.#conditions(observation)
        : NO_CONDITIONS;
    for (const [key, value] of current) {
      const applied = observation.composite ? this.#conditionsOfPart(observation, key) : conditions;
      if (changeMatters(told.get(key), value, applied)) return true;
    }
    for (const key of told.keys()) if (!current.has(key)) return true;
    return false;
  }

  /** In an Observe-Composite each listed Resource has the conditions attached to it. */
  #conditionsOfPart(observation: Observation, key: string): NotificationAttributes {
    const path = observation.paths.find((candidate) => {
      const text = formatPath(candidate);
      return key === text || (candidate.kind === 'resource' && key.startsWith(`${text}/`));
    });
    if (path?.kind !== 'resource' && path?.kind !== 'resourceInstance') return NO_CONDITIONS;
    return this.#attributes.effective(observation.settings.shortServerId, path, NO_CONDITIONS);
  }

  /** The attributes that hold for an observation as a whole. */
  #conditions({ settings, attributes, paths, composite }: Observation): NotificationAttributes {
    const defaults = defaultsOf(settings);
    if (attributes !== undefined) return effectiveAttributes([attributes, defaults]);
    const [path] = paths;
    if (composite || path === undefined) return effectiveAttributes([defaults]);
    return this.#attributes.effective(settings.shortServerId, path, defaults);
  }
}

/** /1/x/2 and /1/x/3 as attributes. */
export function defaultsOf({ defaultPmin: pmin, defaultPmax: pmax }: ServerSettings): NotificationAttributes {
  return { ...(pmin !== undefined && { pmin }), ...(pmax !== undefined && { pmax }) };
}

const NO_BYTES = new Uint8Array(0);
const NO_CONDITIONS: NotificationAttributes = Object.freeze({});

const touches = (changed: Path, observed: Path): boolean => isWithin(changed, observed) || isWithin(observed, changed);

function snapshot(entries: readonly NodeEntry[]): ReadonlyMap<string, Value> {
  const values = new Map<string, Value>();
  for (const entry of entries) if (entry.kind === 'value') values.set(formatPath(entry.path), entry.value);
  return values;
}
