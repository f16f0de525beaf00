/**
 * The Client Registration Interface: Register, Update, De-register, expiry and replacement. OMA TS Core §6.2, Transport §6.4.
 *
 * | request        | accepted            | refused                                                             |
 * |----------------|---------------------|---------------------------------------------------------------------|
 * | POST /rd       | 2.01, Location-Path | 4.00 parameters, links or identity, 4.03 not allowed, 4.09 no object list (1.2), 4.12 lwm2m, 5.03 full |
 * | POST /rd/{id}  | 2.04                | 4.00 parameters, links or endpoint, 4.04 unknown id, or of another identity |
 * | DELETE /rd/{id}| 2.02                | 4.00 endpoint, 4.04 unknown id, or of another identity              |
 *
 * A client of 1.2 may name profiles instead of Objects, see `Profiles`: 4.09 makes it send the whole list.
 *
 * Over coaps an Endpoint Client Name is compared with the identity that the association has proven, see `Admissions`. A
 * registration is updated over the association it came over or over another of the same identity, to which it moves.
 *
 * A registration belongs to the endpoint of this Server that it was received at, see `server-endpoint.ts`: at another one
 * it is not changed, and a Register begins another one.
 *
 * Without security the registration id is what proves an Update: it is a random token of 60 bits. So an Update that
 * comes from another address is a client behind a NAT that has moved, and the registration moves with it; a Register of
 * the same name from another address replaces the registration, as a device that lost its address would do it.
 */
import {
  Codes,
  formatCode,
  OPTIONS,
  Peer,
  readOption,
  readOptions,
  type Code,
  type IncomingRequest,
  type OutgoingResponse,
  type PeerSecurity,
} from '@lapwing/coap';
import {
  DEFAULT_REGISTRATION_LIMITS,
  isMalformed,
  NO_ADDITIONAL_PARAMETERS,
  parseRegisterQueries,
  parseUpdateQueries,
  type AdditionalParameters,
  type RegistrationLimits,
  type RegisterQueries,
  type UpdateQueries,
} from '@lapwing/lwm2m';
import { isSecure, type Driver, type PeerAddress } from '@lapwing/transport';
import type { Admission, Admissions } from './admission.ts';
import type { Registration, RemovalReason, ServerEvents } from './api.ts';
import { reportServerError } from './diagnostics.ts';
import type { ServerParameters } from './parameters.ts';
import type { Profiles } from './profiles.ts';
import { RegistersInFlight } from './registers-in-flight.ts';
import { RegistrationRecord, copyRegistration } from './registration-record.ts';
import type { MaybePromise, RegistrationStore } from './registration-store.ts';
import type { RequestQueues } from './request-queues.ts';
import type { RegistrationTable } from './registration-table.ts';
import { CHANGED, DELETED, refuse, type Responder } from './responder.ts';
import { SharedObjectLists, type SharedObjectList } from './shared-object-lists.ts';

/** Called after the client has its answer. */
export interface RegistrationListener {
  registered(record: RegistrationRecord, replaced: RegistrationRecord | undefined): void;
  /** @param previous  a copy from before, when `wantsUpdates`. @param moved  the client speaks from another address. */
  updated(record: RegistrationRecord, previous: Registration | undefined, moved: boolean): void;
  wantsUpdates(): boolean;
  ended(record: RegistrationRecord, reason: RemovalReason): void;
  refused(refusal: ServerEvents['refused'][0]): void;
}

/** What is read of a request: its own views, or a copy when the store took its time. */
type RequestContent = Pick<IncomingRequest, 'options' | 'payload'>;

type RegistrationContent = Omit<Registration, 'address' | 'security' | 'expiresAt'>;

export class RegistrationInterface {
  readonly #table: RegistrationTable;
  readonly #store: RegistrationStore;
  readonly #parameters: ServerParameters;
  readonly #limits: RegistrationLimits;
  readonly #queues: RequestQueues;
  readonly #profiles: Profiles;
  readonly #listener: RegistrationListener;
  readonly #admissions: Admissions;
  readonly #lists = new SharedObjectLists();
  readonly #inFlight = new RegistersInFlight();

  constructor(
    table: RegistrationTable,
    store: RegistrationStore,
    parameters: ServerParameters,
    admissions: Admissions,
    queues: RequestQueues,
    profiles: Profiles,
    listener: RegistrationListener,
  ) {
    this.#table = table;
    this.#store = store;
    this.#parameters = parameters;
    const { maxAdditionalParameters } = parameters;
    this.#limits = { ...DEFAULT_REGISTRATION_LIMITS, maxAdditionalParameters };
    this.#admissions = admissions;
    this.#queues = queues;
    this.#profiles = profiles;
    this.#listener = listener;
  }

  /** Distinct object lists in use. */
  get objectLists(): number {
    return this.#lists.size;
  }

  /** @param idBytes  the segment after /rd, a view into the request. */
  handle(responder: Responder, request: IncomingRequest, idBytes: Uint8Array | undefined, now: number): void {
    if (idBytes === undefined) {
      if (request.code === Codes.post) return this.#register(responder, request, now);
      return this.#refuse(responder, request, undefined, Codes.methodNotAllowed, '/rd takes POST only');
    }
    if (request.code !== Codes.post && request.code !== Codes.delete)
      return this.#refuse(
        responder,
        request,
        undefined,
        Codes.methodNotAllowed,
        'a registration takes POST and DELETE',
      );
    const registrationId = textOf(idBytes);
    const record = this.#table.byId(registrationId);
    if (record === undefined) return this.#lookUp(responder, request, registrationId, now);
    // The association or address it came from, as nearly always: there is nothing to check.
    if (record.peer === request.peer) return this.#act(responder, request, request, record, now);
    this.#actFromElsewhere(responder, request, request, record, now);
  }

  /** The lifetime has passed without an Update. */
  expire(record: RegistrationRecord): void {
    this.remove(record, 'expired');
  }

  /** The client can be reached at another address of the same peer. */
  addressChanged(record: RegistrationRecord): void {
    this.#save(record)?.catch(reportServerError);
  }

  remove(record: RegistrationRecord, reason: RemovalReason): void {
    if (record.ended) return;
    this.#table.remove(record);
    this.#lists.release(record.objectList);
    this.#forget(record);
    this.#listener.ended(record, reason);
  }

  /** Take over a registration that the store knows. */
  adopt(driver: Driver, now: number, registration: Registration, peer: Peer<PeerAddress>): RegistrationRecord {
    // The store counts in the time of the day, deadlines in the driver's.
    const refreshedAt = now - Math.max(0, driver.unixTime() - registration.updatedAt);
    const record = this.#recordOf(driver, refreshedAt, registration, peer);
    this.#lists.acquire(record.objectList);
    const replaced = this.#table.add(now, record);
    if (replaced !== undefined) this.#replaced(replaced);
    this.#listener.registered(record, replaced);
    return record;
  }

  /** A registration that was over before, for what is to outlive it. */
  former(driver: Driver, registration: RegistrationContent, peer: Peer<PeerAddress>): RegistrationRecord {
    const record = this.#recordOf(driver, driver.now(), registration, peer);
    record.ended = true;
    return record;
  }

  #recordOf(
    driver: Driver,
    refreshedAt: number,
    registration: RegistrationContent,
    peer: Peer<PeerAddress>,
  ): RegistrationRecord {
    const { registrationId, endpointClientName, registeredAt, updatedAt } = registration;
    // A store may have kept it before there were any.
    const { additionalParameters = NO_ADDITIONAL_PARAMETERS } = registration as Partial<Registration>;
    return new RegistrationRecord(
      registrationId,
      endpointClientName,
      { ...registration, additionalParameters },
      this.#lists.restored(registration),
      driver,
      peer,
      refreshedAt,
      registeredAt,
      updatedAt,
      this.#queues,
    );
  }

  // ── Register ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #register(responder: Responder, request: IncomingRequest, now: number): void {
    const queries = parseRegisterQueries(readOptions(request.options, 'uriQuery'), this.#limits);
    if (isMalformed(queries)) return this.#refuse(responder, request, undefined, queries.code, queries.malformed);
    const admission = this.#admit(responder, request, queries.endpointClientName);
    if (!(admission instanceof Promise)) return this.#admitted(responder, request, request, queries, admission, now);
    // Views end with the event, so what is needed later is copied.
    const kept = keep(request);
    admission.then(
      (found) => responder.driver.turn((later) => this.#admitted(responder, request, kept, queries, found, later)),
      (error: unknown) => this.#admissionFailed(responder, request, queries.endpointClientName, error),
    );
  }

  #admitted(
    responder: Responder,
    request: IncomingRequest,
    content: RequestContent,
    queries: RegisterQueries,
    admission: Admission,
    now: number,
  ): void {
    if (admission.kind === 'refused')
      return this.#refuse(responder, request, queries.endpointClientName, admission.code, admission.reason);
    const name = admission.endpointClientName;
    const whole = this.#withProfiles(content, queries.profileIds, queries.lwm2mVersion);
    if (whole === undefined)
      return this.#refuse(responder, request, name, Codes.conflict, unknownProfiles(queries.profileIds));
    if (whole.payload.length === 0)
      return queries.lwm2mVersion === '1.2'
        ? this.#refuse(responder, request, name, Codes.conflict, 'the list of Objects is not known: send it')
        : this.#refuse(responder, request, name, Codes.badRequest, 'the list of Objects is missing');
    const isNew = this.#table.byName(name) === undefined;
    const expected = this.#table.size + this.#inFlight.newNames;
    if (isNew && expected >= this.#parameters.maxRegistrations && !this.#inFlight.has(name))
      return this.#refuse(
        responder,
        request,
        name,
        Codes.serviceUnavailable,
        'this server has no room for more devices',
      );
    const list = this.#objectList(whole, queries.lwm2mVersion);
    if ('malformed' in list) return this.#refuse(responder, request, name, list.code, list.malformed);

    const { driver } = responder;
    const unixTime = driver.unixTime();
    const registrationId = newRegistrationId(driver);
    const record = new RegistrationRecord(
      registrationId,
      name,
      queries,
      this.#lists.acquire(list),
      driver,
      responder.peerOf(request),
      now,
      unixTime,
      unixTime,
      this.#queues,
    );
    record.binding = shared(queries.binding);
    const saved = this.#save(record);
    if (saved === undefined) return this.#registered(responder, request, record, now);
    const place = this.#inFlight.begin(name, isNew);
    saved.then(
      () => {
        const isNewest = this.#inFlight.stored(name, place);
        driver.turn((later) =>
          isNewest ? this.#registered(responder, request, record, later) : this.#overtaken(responder, request, record),
        );
      },
      (error: unknown) => {
        this.#inFlight.failed(name);
        this.#storeFailed(responder, request, name, error, record);
      },
    );
  }

  #registered(responder: Responder, request: IncomingRequest, record: RegistrationRecord, now: number): void {
    const replaced = this.#table.add(now, record);
    responder.respond(request, created(record.registrationId));
    if (replaced !== undefined) this.#replaced(replaced);
    this.#listener.registered(record, replaced);
    this.#queues.heard(record);
  }

  /** One received later was stored first: this one was replaced before it began. */
  #overtaken(responder: Responder, request: IncomingRequest, record: RegistrationRecord): void {
    responder.respond(request, created(record.registrationId));
    this.#replaced(record);
  }

  #replaced(record: RegistrationRecord): void {
    this.#lists.release(record.objectList);
    this.#forget(record);
  }

  /** @param name  of the Register, or of the registration that is to be updated. */
  #admit({ driver }: Responder, { peer }: IncomingRequest, name: string | undefined): MaybePromise<Admission> {
    try {
      if (!isSecure(driver)) {
        const current = name === undefined ? undefined : this.#table.byName(name)?.security;
        return this.#admissions.ofPlain(name, current);
      }
      const principal = driver.association(peer)?.principal;
      // Its association ended just now: whatever the answer, it will not be sent.
      return this.#admissions.ofSecure(principal ?? { kind: 'anonymous' }, name);
    } catch (error) {
      return failing(error);
    }
  }

  #admissionFailed(responder: Responder, request: IncomingRequest, name: string | undefined, error: unknown): void {
    reportServerError(error);
    this.#refuse(responder, request, name, Codes.internalServerError, 'the credentials could not be looked up');
  }

  // ── Update and De-register ───────────────────────────────────────────────────────────────────────────────────────

  /** From another address or association than the one it is registered at. */
  #actFromElsewhere(
    responder: Responder,
    request: IncomingRequest,
    content: RequestContent,
    record: RegistrationRecord,
    now: number,
  ): void {
    const { endpointClientName: name, security } = record;
    const isAnonymous = security.kind === 'none' && isSecure(responder.driver);
    if (isAnonymous || !isSameIdentity(security, request.peer.security))
      return this.#refuseStranger(responder, request, record);
    // Without security whoever knows the registration id is whoever registered.
    if (security.kind === 'none') return this.#act(responder, request, content, record, now);
    const act = (admission: Admission, from: RequestContent, later: number): void => {
      if (record.ended) return this.#refuseUnknown(responder, request);
      if (admission.kind === 'allowed') return this.#act(responder, request, from, record, later);
      this.#refuse(responder, request, name, admission.code, admission.reason);
    };
    const admission = this.#admit(responder, request, name);
    if (!(admission instanceof Promise)) return act(admission, content, now);
    const kept = content === request ? keep(request) : content;
    admission.then(
      (found) => responder.driver.turn((later) => act(found, kept, later)),
      (error: unknown) => this.#admissionFailed(responder, request, name, error),
    );
  }

  /** What the requester is told is what it would be told of an id that does not exist. */
  #refuseStranger(
    responder: Responder,
    request: IncomingRequest,
    { endpointClientName, security }: Pick<Registration, 'endpointClientName' | 'security'>,
  ): void {
    const reason = `${identityOf(request.peer.security)} may not change the registration of ${identityOf(security)}`;
    responder.respond(request, refuse(Codes.notFound, NO_SUCH_REGISTRATION));
    this.#listener.refused({
      peer: responder.peerOf(request),
      endpointClientName,
      code: formatCode(Codes.notFound),
      reason,
    });
  }

  #act(
    responder: Responder,
    request: IncomingRequest,
    content: RequestContent,
    record: RegistrationRecord,
    now: number,
  ): void {
    if (record.driver !== responder.driver) {
      const { host, port } = record.driver.localAddress;
      const reason = `it registered at another endpoint of this server, ${host} port ${port}`;
      this.#refuse(responder, request, record.endpointClientName, Codes.badRequest, reason);
    } else if (request.code === Codes.delete) {
      responder.respond(request, DELETED);
      this.remove(record, 'deregistered');
    } else {
      this.#update(responder, request, content, record, now);
    }
  }

  #update(
    responder: Responder,
    request: IncomingRequest,
    content: RequestContent,
    record: RegistrationRecord,
    now: number,
  ): void {
    const name = record.endpointClientName;
    const changes = parseUpdateQueries(readOptions(content.options, 'uriQuery'), this.#limits);
    if (isMalformed(changes)) return this.#refuse(responder, request, name, changes.code, changes.malformed);
    const whole = this.#withProfiles(content, changes.profileIds, record.lwm2mVersion);
    if (whole === undefined)
      return this.#refuse(responder, request, name, Codes.conflict, unknownProfiles(changes.profileIds));
    const list = whole.payload.length === 0 ? undefined : this.#objectList(whole, record.lwm2mVersion);
    if (list !== undefined && 'malformed' in list)
      return this.#refuse(responder, request, name, list.code, list.malformed);

    const previous = this.#listener.wantsUpdates() ? copyRegistration(record) : undefined;
    const { driver } = responder;
    const moved = record.peer !== request.peer;
    record.refreshedAt = now;
    record.updatedAt = driver.unixTime();
    if (moved) this.#table.movePeer(record, responder.peerOf(request));
    if (list !== undefined && list !== record.objectList) {
      this.#lists.acquire(list);
      this.#lists.release(record.objectList);
      record.objectList = list;
    }
    this.#change(record, changes, now);

    const saved = this.#save(record);
    if (saved === undefined) return this.#updated(responder, request, record, previous, moved);
    saved.then(
      () => driver.turn(() => this.#updated(responder, request, record, previous, moved)),
      (error: unknown) => this.#storeFailed(responder, request, name, error, undefined),
    );
  }

  #updated(
    responder: Responder,
    request: IncomingRequest,
    record: RegistrationRecord,
    previous: Registration | undefined,
    moved: boolean,
  ): void {
    if (record.ended) {
      // It ended while the store was at it, and may be in the store once more.
      this.#forget(record);
      return this.#refuseUnknown(responder, request);
    }
    responder.respond(request, CHANGED);
    if (moved || previous !== undefined || record.observations !== undefined)
      this.#listener.updated(record, previous, moved);
    this.#queues.heard(record);
  }

  #change(record: RegistrationRecord, changes: UpdateQueries, now: number): void {
    const { lifetimeSeconds, binding, queueMode, smsNumber, additionalParameters } = changes;
    if (binding !== undefined) record.binding = shared(binding);
    if (queueMode !== undefined) record.queueMode = queueMode;
    if (smsNumber !== undefined) record.smsNumber = smsNumber;
    if (additionalParameters !== NO_ADDITIONAL_PARAMETERS)
      record.additionalParameters = this.#merged(record.additionalParameters, additionalParameters);
    if (lifetimeSeconds === undefined || lifetimeSeconds === record.lifetimeSeconds) return;
    record.lifetimeSeconds = lifetimeSeconds;
    // The wheel finds a later deadline by itself, but not an earlier one.
    this.#table.lifetimes.place(now, record);
  }

  /** What is said anew replaces what was said; of more than there is room for the oldest stay. */
  #merged(known: AdditionalParameters, changed: AdditionalParameters): AdditionalParameters {
    const all = Object.entries({ ...known, ...changed });
    return Object.fromEntries(all.slice(0, this.#limits.maxAdditionalParameters));
  }

  /** An id this process did not give: another Server on the same store may have. */
  #lookUp(responder: Responder, request: IncomingRequest, registrationId: string, now: number): void {
    let found: MaybePromise<Registration | undefined>;
    try {
      found = this.#store.find(registrationId);
    } catch (error) {
      return this.#storeFailed(responder, request, undefined, error, undefined);
    }
    if (!(found instanceof Promise)) return this.#foundInStore(responder, request, request, found, now);
    // Views end with the event, so what is needed later is copied.
    const kept = keep(request);
    found.then(
      (registration) =>
        responder.driver.turn((later) => this.#foundInStore(responder, request, kept, registration, later)),
      (error: unknown) => this.#storeFailed(responder, request, undefined, error, undefined),
    );
  }

  #foundInStore(
    responder: Responder,
    request: IncomingRequest,
    content: RequestContent,
    registration: Registration | undefined,
    now: number,
  ): void {
    const { driver } = responder;
    if (registration === undefined) return this.#refuseUnknown(responder, request);
    // Meanwhile a retransmission or another request may have brought it in.
    let record = this.#table.byId(registration.registrationId);
    if (record === undefined) {
      const current = this.#table.byName(registration.endpointClientName);
      if (current !== undefined && current.registeredAt >= registration.registeredAt) {
        // The client has registered anew since, here; where it was before, nobody was told.
        this.#forget(registration);
        return this.#refuseUnknown(responder, request);
      }
      if (registration.expiresAt <= driver.unixTime()) return this.#refuseUnknown(responder, request);
      if (!isSameIdentity(registration.security, request.peer.security))
        return this.#refuseStranger(responder, request, registration);
      try {
        const isPlain = request.peer.security.kind === 'none';
        record = this.adopt(driver, now, registration, isPlain ? responder.peerOf(request) : elsewhere(registration));
      } catch (error) {
        // What a store brings back may be anything.
        return this.#storeFailed(responder, request, undefined, error, undefined);
      }
    }
    if (record.peer === request.peer) return this.#act(responder, request, content, record, now);
    this.#actFromElsewhere(responder, request, content, record, now);
  }

  #refuseUnknown(responder: Responder, request: IncomingRequest): void {
    this.#refuse(responder, request, undefined, Codes.notFound, NO_SUCH_REGISTRATION);
  }

  // ── The store ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Undefined when it is saved already. */
  #save(record: RegistrationRecord): Promise<void> | undefined {
    try {
      const saved = this.#store.save(record);
      return saved instanceof Promise ? saved : undefined;
    } catch (error) {
      return failing(error);
    }
  }

  /** A store that cannot forget is an operator's problem, not the client's. */
  #forget({ registrationId }: Registration): void {
    try {
      const removed = this.#store.remove(registrationId);
      if (removed instanceof Promise) removed.catch(reportServerError);
    } catch (error) {
      reportServerError(error);
    }
  }

  #storeFailed(
    responder: Responder,
    request: IncomingRequest,
    name: string | undefined,
    error: unknown,
    unused: RegistrationRecord | undefined,
  ): void {
    reportServerError(error);
    if (unused !== undefined) this.#lists.release(unused.objectList);
    this.#refuse(responder, request, name, Codes.internalServerError, 'the registration could not be stored');
  }

  // ── Shared ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** With the links that the Profile IDs of a client of 1.2 stand for; undefined when one is not known. */
  #withProfiles(
    content: RequestContent,
    ids: readonly string[],
    version: RegisterQueries['lwm2mVersion'],
  ): RequestContent | undefined {
    if (ids.length === 0 || version !== '1.2') return content;
    const payload = this.#profiles.merged(ids, content.payload);
    return payload === undefined ? undefined : { options: content.options, payload };
  }

  #objectList(
    { options, payload }: RequestContent,
    version: RegisterQueries['lwm2mVersion'],
  ): SharedObjectList | { readonly malformed: string; readonly code: Code } {
    const contentFormat = readOption(options, 'contentFormat');
    if (contentFormat !== undefined && contentFormat !== LINK_FORMAT)
      return {
        malformed: `the list of Objects has Content-Format ${contentFormat} instead of 40`,
        code: Codes.badRequest,
      };
    if (payload.length > this.#parameters.maxObjectListBytes)
      return {
        malformed: `the list of Objects has ${payload.length} bytes, more than ${this.#parameters.maxObjectListBytes}`,
        code: Codes.requestEntityTooLarge,
      };
    const list = this.#lists.parsed(version, payload);
    return isMalformed(list) ? { ...list, code: Codes.badRequest } : list;
  }

  #refuse(
    responder: Responder,
    request: IncomingRequest,
    endpointClientName: string | undefined,
    code: Code,
    reason: string,
  ): void {
    responder.respond(request, refuse(code, reason));
    this.#listener.refused({ peer: responder.peerOf(request), endpointClientName, code: formatCode(code), reason });
  }
}

/** Whether the second may act for the first. A renewed certificate is the same identity; its names are checked by admission. */
function isSameIdentity(registered: PeerSecurity | undefined, speaking: PeerSecurity): boolean {
  if (registered?.kind !== speaking.kind) return registered === undefined && speaking.kind === 'none';
  return speaking.kind === 'none' || speaking.kind === 'x509' || registered.identity === speaking.identity;
}

const identityOf = ({ kind, identity }: PeerSecurity): string => {
  switch (kind) {
    case 'none':
      return 'a client without security';
    case 'psk':
      return `PSK identity "${identity}"`;
    case 'rpk':
      return `public key ${identity}`;
    case 'x509':
      return `certificate "${identity}"`;
  }
};

/** Where a registration of the store was last seen; nothing is there until its client speaks. */
export const elsewhere = ({ address, security }: Registration): Peer<PeerAddress> =>
  new Peer(address, security ?? { kind: 'none' });

/** What a store threw is treated as what it would have rejected with. */
const failing = (error: unknown): Promise<never> =>
  Promise.resolve().then(() => {
    throw error;
  });

const unknownProfiles = (ids: readonly string[]): string =>
  `the list of Objects for profile ${ids.join()} is not known: send it`;

const NO_SUCH_REGISTRATION = 'there is no such registration';
const LINK_FORMAT = 40;
const RD = Uint8Array.of(0x72, 0x64);
const NO_BYTES = new Uint8Array(0);

function created(registrationId: string): OutgoingResponse {
  const { number } = OPTIONS.locationPath;
  const id = new Uint8Array(registrationId.length);
  for (let index = 0; index < id.length; index++) id[index] = registrationId.charCodeAt(index);
  return {
    code: Codes.created,
    options: [
      { number, value: RD },
      { number, value: id },
    ],
    payload: NO_BYTES,
  };
}

const ALPHABET = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');

/** Ten characters of six random bits each. */
function newRegistrationId(driver: Driver): string {
  const high = driver.random();
  const low = driver.random();
  const at = (bits: number, place: number): number => ALPHABET[(bits >>> (place * 6)) & 63]!;
  return String.fromCharCode(
    at(high, 0),
    at(high, 1),
    at(high, 2),
    at(high, 3),
    at(high, 4),
    at(low, 0),
    at(low, 1),
    at(low, 2),
    at(low, 3),
    at(low, 4),
  );
}

/** Bindings are few: one text for all who have it. */
const bindings = new Map<string, string>();
function shared(binding: string): string {
  const known = bindings.get(binding);
  if (known !== undefined) return known;
  if (bindings.size < 64) bindings.set(binding, binding);
  return binding;
}

const decoder = new TextDecoder();

/** Ids are ours, so ten ASCII characters; anything else is looked up all the same. */
function textOf(bytes: Uint8Array): string {
  if (bytes.length !== 10) return decoder.decode(bytes);
  return String.fromCharCode(
    bytes[0]!,
    bytes[1]!,
    bytes[2]!,
    bytes[3]!,
    bytes[4]!,
    bytes[5]!,
    bytes[6]!,
    bytes[7]!,
    bytes[8]!,
    bytes[9]!,
  );
}

function keep({ options, payload }: RequestContent): RequestContent {
  return {
    options: options.map(({ number, value }) => ({ number, value: value.slice() })),
    payload: payload.slice(),
  };
}
