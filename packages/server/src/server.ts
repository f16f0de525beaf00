/**
 * The LwM2M Server: the events of its drivers on one side, devices and their events on the other.
 *
 * Requests of clients go to the registration interface and to Send; answers and notifications go to whoever asked.
 */
import type { KeyObject } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { setImmediate as passing } from 'node:timers/promises';
import {
  buildOptions,
  Codes,
  CONTENT_FORMATS,
  formatLinks,
  formatUri,
  OperationFailed,
  readOption,
  UsageError,
  type CoapEvent,
  type IncomingRequest,
  type OutgoingResponse,
} from '@lapwing/coap';
import { ObjectDefinitions, type DefinitionLookup } from '@lapwing/lwm2m';
import { isSecure, type Driver, type TimedLayer } from '@lapwing/transport';
import { Admissions } from './admission.ts';
import type { Device, DevicePage, DeviceQuery, RemovalReason, ServerEvents } from './api.ts';
import { AssociationControl } from './association-control.ts';
import { DeviceHandle, type DeviceOwner } from './device-handle.ts';
import { reportRefusal, reportServerError } from './diagnostics.ts';
import type { OperationListener } from './kept-operations.ts';
import { ObservationIntents } from './observation-intents.ts';
import {
  endObservations,
  moveObservations,
  renewObservations,
  restoreObservations,
  suspendObservations,
} from './observations.ts';
import { OfferedResources, type Offer } from './offered-resources.ts';
import { DEFAULT_SERVER_PARAMETERS, type ServerParameters } from './parameters.ts';
import { Profiles } from './profiles.ts';
import { elsewhere, RegistrationInterface, type RegistrationListener } from './registration-interface.ts';
import type { RegistrationRecord } from './registration-record.ts';
import { NO_REGISTRATION_STORE, type RegistrationStore } from './registration-store.ts';
import { RegistrationTable, registrationsOf } from './registration-table.ts';
import { RequestQueues } from './request-queues.ts';
import {
  abandonRequests,
  holdRequests,
  notRegistered,
  registeredAnew,
  serverClosed,
  serverSuspended,
  type ExchangeOwner,
} from './requests.ts';
import { refuse, Responder } from './responder.ts';
import { routeOf } from './route.ts';
import { driverOf } from './server-endpoint.ts';
import { SecurityAdministration } from './security-administration.ts';
import { MemorySecurityStore, securityInfo, type SecurityEntry, type SecurityStore } from './security-store.ts';
import { receiveSend } from './send.ts';
import { serveOver, type ListeningOptions } from './serve-over.ts';
import {
  checkSnapshotKey,
  openServerState,
  sealServerState,
  type Resumption,
  type SnapshotOptions,
} from './snapshot.ts';
import { putState, takeState } from './suspension.ts';

export interface ServerOptions {
  /** Where definitions of Objects come from; default: the OMA registry. */
  readonly definitions?: DefinitionLookup;
  /** Default: none, the registrations live in this object alone. */
  readonly registrationStore?: RegistrationStore;
  /** Who may come over coaps, and as whom; default: nobody. Names in it may not come over coap. */
  readonly securityStore?: SecurityStore;
  /** What Profile IDs of LwM2M 1.2 stand for, in the link format of a Register: `{ '6:27354b9a': '</1/0>,</3/0>' }`. */
  readonly profiles?: Readonly<Record<string, string>>;
  readonly parameters?: Partial<ServerParameters>;
}

export interface ServerStartOptions extends ServerOptions, ListeningOptions {
  /** What `suspend` gave when the server was stopped: it goes on as if it had not been. */
  readonly snapshot?: SnapshotOptions;
}

export interface ServerCounters {
  /** Notifications whose content could not be read. */
  readonly malformedNotifications: number;
}

/** What is held now. */
export interface ServerUsage {
  readonly registrations: number;
  /** Registrations that will expire. */
  readonly lifetimes: number;
  /** Devices in queue mode that are awake. */
  readonly awake: number;
  /** Requests with a timeout that wait for a sleeping device. */
  readonly requestDeadlines: number;
  /** Distinct object lists. */
  readonly objectLists: number;
  /** Resources that devices may fetch. */
  readonly offers: number;
}

export class LwM2mServer extends EventEmitter<ServerEvents> implements AsyncDisposable {
  readonly drivers: readonly Driver[];
  readonly definitions: DefinitionLookup;
  /** The credentials of devices. */
  readonly security: SecurityAdministration;
  readonly #table = new RegistrationTable();
  readonly #store: RegistrationStore;
  readonly #interface: RegistrationInterface;
  readonly #owner: DeviceOwner & OperationListener;
  readonly #associations: AssociationControl;
  readonly #lifetimes: TimedLayer;
  readonly #queues: RequestQueues;
  readonly #intents: ObservationIntents;
  readonly #offers: OfferedResources;
  #observations = 0;
  #resumption: Resumption | undefined;
  /** While nobody can listen yet: operations that are over already. */
  #endedEarly: ServerEvents['operationCompleted'][] | undefined;
  #malformedNotifications = 0;
  #closed: Promise<void> | undefined;

  /**
   * Bind the sockets, read the registration store, and serve.
   *
   * Rejects with OperationFailed 'PORT_IN_USE', 'PERMISSION_DENIED' or 'BIND_FAILED', and then nothing stays bound.
   */
  static start({ snapshot, ...options }: ServerStartOptions): Promise<LwM2mServer> {
    return serveOver(options, async (drivers) => {
      const server = new LwM2mServer({ drivers, ...options });
      if (snapshot !== undefined) await server.resume(snapshot);
      await server.restore();
      return server;
    });
  }

  /** A Server over drivers that are open already; `close` closes them. */
  constructor({
    drivers,
    definitions = new ObjectDefinitions(),
    registrationStore = NO_REGISTRATION_STORE,
    securityStore = new MemorySecurityStore(),
    profiles = {},
    parameters = {},
  }: ServerOptions & { readonly drivers: readonly Driver[] }) {
    super();
    const bounds = { ...DEFAULT_SERVER_PARAMETERS, ...parameters };
    this.drivers = drivers;
    this.definitions = definitions;
    this.#store = registrationStore;
    const admissions = new Admissions(securityStore, bounds);
    this.#associations = new AssociationControl(drivers.filter(isSecure), admissions, {
      refused: (refusal) => this.#tell('handshakeRefused', refusal),
      moved: (peer, from) => {
        for (const record of registrationsOf(peer)) {
          this.#interface.addressChanged(record);
          this.#tell('addressChanged', record, from);
        }
      },
      expelled: (peer) => {
        for (const record of [...registrationsOf(peer)]) this.#interface.remove(record, 'removed');
      },
      failed: reportServerError,
    });
    this.security = new SecurityAdministration(securityStore, {
      taken: (entry) => this.#shutOut(entry),
      given: (entry) => {
        const record = this.#table.byName(entry.endpointClientName);
        // It must prove itself from now on.
        if (bounds.refuseDowngrade && record?.security.kind === 'none') this.#interface.remove(record, 'removed');
      },
    });
    this.#offers = new OfferedResources(bounds.maxOffers, (name) => this.#table.byName(name));
    this.#intents = new ObservationIntents(bounds.maxWaitingDevices);
    this.#queues = new RequestQueues(bounds, {
      awake: (record) => this.#tell('awake', record),
      asleep: (record) => this.#tell('asleep', record),
      pendingChanged: (record) => this.#tell('pendingChanged', record),
    });
    const listener: RegistrationListener = {
      registered: (record, replaced) => {
        const before = replaced ?? this.#intents.take(record.endpointClientName);
        if (before !== undefined) moveObservations(before, record);
        if (replaced !== undefined) {
          this.#queues.move(replaced, record);
          this.#ended(replaced, 'replaced');
        }
        this.#tell('registered', record, replaced);
        renewObservations(record);
      },
      updated: (record, previous, moved) => {
        if (moved) renewObservations(record);
        else restoreObservations(record);
        if (previous !== undefined) this.#tell('updated', record, previous);
      },
      wantsUpdates: () => this.listenerCount('updated') > 0,
      ended: (record, reason) => this.#ended(record, reason),
      refused: (refusal) => {
        reportRefusal(refusal);
        this.#tell('refused', refusal);
      },
    };
    this.#interface = new RegistrationInterface(
      this.#table,
      registrationStore,
      bounds,
      admissions,
      this.#queues,
      new Profiles(profiles),
      listener,
    );
    this.#owner = {
      definitions,
      notificationBuffer: bounds.notificationBuffer,
      isClosed: () => this.#closed !== undefined,
      nextObservationId: () => String(++this.#observations),
      registered: (endpointClientName) => this.#table.byName(endpointClientName),
      observed: (observation) => this.#tell('observed', observation),
      notified: (observation, notification) => this.#tell('notified', observation, notification),
      notificationUnread: (observation, error) => {
        this.#malformedNotifications++;
        reportServerError(error);
        const reason = error instanceof Error ? error.message : String(error);
        this.#tell('malformedNotification', observation, reason);
      },
      observationEnded: (observation, reason) => this.#tell('observationEnded', observation, reason),
      operationCompleted: (...completed) => {
        if (this.#endedEarly === undefined) this.#tell('operationCompleted', ...completed);
        else this.#endedEarly.push(completed);
      },
      nothingKept: (record) => this.#intents.forget(record),
    };
    this.#lifetimes = {
      nextDeadline: () => this.#table.lifetimes.nextDeadline(),
      handleTimeout: (now) => this.#table.lifetimes.advance(now, (record) => this.#interface.expire(record)),
    };
    for (const driver of drivers) {
      const responder = new Responder(driver);
      driver.onEvent = (event, now) => this.#handle(responder, event, now);
    }
    // Whichever driver's turn brings the next deadline forward must see it.
    for (const driver of drivers) {
      driver.attach(this.#lifetimes);
      driver.attach(this.#queues);
    }
  }

  get registrationCount(): number {
    return this.#table.size;
  }

  /** What is held now, for metrics and for tests that nothing is left over. */
  get usage(): ServerUsage {
    return {
      registrations: this.#table.size,
      lifetimes: this.#table.lifetimes.size,
      awake: this.#queues.usage.awake,
      requestDeadlines: this.#queues.usage.deadlines,
      objectLists: this.#interface.objectLists,
      offers: this.#offers.size,
    };
  }

  /** What was counted since the beginning. */
  get counters(): ServerCounters {
    return { malformedNotifications: this.#malformedNotifications };
  }

  device(endpointClientName: string): Device | undefined {
    const record = this.#table.byName(endpointClientName);
    return record === undefined ? undefined : this.#deviceOf(record);
  }

  /** A page of the devices in order of name. Costs its own length; with `search`, the names passed over too. */
  devices({ after, limit = 100, search }: DeviceQuery = {}): DevicePage {
    const items: Device[] = [];
    const wanted = search?.toLowerCase();
    let last: string | undefined;
    for (const name of this.#table.namesAfter(after)) {
      if (wanted !== undefined && !name.toLowerCase().includes(wanted)) continue;
      if (items.length >= limit) return { items, next: last };
      items.push(this.#deviceOf(this.#table.byName(name)!));
      last = name;
    }
    return { items, next: undefined };
  }

  /** Forget a device, as if it had de-registered; its next Update is answered 4.04 and it registers anew. */
  remove(endpointClientName: string): boolean {
    const record = this.#table.byName(endpointClientName);
    if (record === undefined) return false;
    this.#interface.remove(record, 'removed');
    return true;
  }

  /**
   * Let one device, and nobody else, fetch these bytes by GET, until `withdraw`. The URI is at the address that the device
   * speaks to; when a socket listens on every address, give the `host` that devices reach this server by.
   *
   * @throws OperationFailed 'NOT_REGISTERED', or 'TOO_MANY' beyond `maxOffers`.
   * @throws UsageError when no `host` is given and none is known.
   */
  offer(offer: Offer, host?: string): { readonly uri: string; readonly withdraw: () => void } {
    const record = this.#table.byName(offer.endpointClientName);
    if (record === undefined)
      throw new OperationFailed('NOT_REGISTERED', `"${offer.endpointClientName}" is not registered`, {
        retryable: false,
      });
    const { scheme, localAddress } = record.driver;
    const at = host ?? hostToward(record.peer.address.host, localAddress.host);
    const uriPath = this.#offers.add(offer);
    return {
      uri: formatUri({ scheme, host: at, port: localAddress.port, uriPath, uriQuery: [] }),
      withdraw: () => this.#offers.remove(uriPath),
    };
  }

  /** Take over what the store kept from before; `start` does. Answers how many registrations are alive again. */
  async restore(): Promise<number> {
    let restored = 0;
    const stale: string[] = [];
    for await (const registration of this.#store.all()) {
      const { registrationId, endpointClientName, expiresAt, updatedAt, address } = registration;
      const driver = driverOf(registration, this.drivers);
      if (driver === undefined) continue;
      const known = this.#table.byName(endpointClientName);
      // A store may still have the registration that a newer one took the place of.
      if (expiresAt <= driver.unixTime() || (known !== undefined && known.updatedAt >= updatedAt)) {
        stale.push(registrationId);
        continue;
      }
      try {
        // Whoever comes from the address of a secure registration has to prove itself first.
        const peer = isSecure(driver) ? elsewhere(registration) : driver.peer(address);
        driver.turn((now) => this.#interface.adopt(driver, now, registration, peer));
        if (known === undefined) restored++;
      } catch (error) {
        // What a store made of one registration is no reason to turn the others away.
        reportServerError(error);
      }
    }
    for (const registrationId of stale) await this.#store.remove(registrationId);
    return restored;
  }

  /**
   * A planned stop: everything that devices rely on (associations, registrations, observations), and the requests that wait
   * for sleeping devices, as bytes, encrypted and authenticated with this secret key; then `close`. Give them to `start` as
   * `snapshot`, once: the devices notice nothing.
   *
   * Promises of requests that are kept reject with OperationFailed 'SUSPENDED': `operationCompleted` tells their outcome
   * after the start. Rejects itself with UsageError for a key of less than 16 bytes; the server goes on then.
   *
   * @param key  16 bytes or more.
   */
  async suspend(key: KeyObject): Promise<Uint8Array> {
    if (this.#closed !== undefined) throw serverClosed();
    // Before anything is taken: what is taken and cannot be sealed is lost.
    checkSnapshotKey(key);
    // Nothing that is told of what ends now shall begin anything.
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closed = promise;
    let isSealed = false;
    try {
      const now = this.drivers[0]?.unixTime() ?? Date.now();
      for (const record of this.#table.all()) holdRequests(record);
      const state = takeState(this.drivers, this.#table.all(), this.#intents.all(), this.#queues.operations);
      const bytes = sealServerState(state, key, now);
      isSealed = true;
      return bytes;
    } finally {
      await this.#close(isSealed ? serverSuspended : serverClosed);
      resolve();
    }
  }

  /** Go on where a suspended server stopped; `start` does. A snapshot that cannot be used is refused with a sentence. */
  async resume(snapshot: SnapshotOptions): Promise<Resumption> {
    const opened = openServerState(snapshot, this.drivers[0]?.unixTime() ?? Date.now());
    if ('refused' in opened) {
      this.#resumption = { kind: 'refused', reason: opened.refused };
      return this.#resumption;
    }
    const ended = (this.#endedEarly = []);
    try {
      const resumed = putState(this.drivers, opened.state, this.#interface, this.#queues, this.#owner);
      for (const record of resumed.intents) this.#keepObservations(record);
      this.#resumption = {
        kind: 'resumed',
        id: opened.id,
        associations: resumed.associations.length,
        registrations: resumed.records.length,
        observations: resumed.observations,
        operations: resumed.operations,
        ended,
      };
      // Credentials may have been taken away in between.
      for (const { driver, peer } of resumed.associations)
        if (isSecure(driver)) await this.#associations.check(driver, peer);
      // What has failed by now is told by promises.
      await passing();
      return this.#resumption;
    } finally {
      this.#endedEarly = undefined;
    }
  }

  /** What became of the snapshot that was given to `start`. */
  get resumption(): Resumption | undefined {
    return this.#resumption;
  }

  /** Stop serving. Devices keep their registrations; requests under way reject with OperationFailed 'CLOSED'. */
  close(): Promise<void> {
    this.#closed ??= this.#close(serverClosed);
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(reason: Parameters<typeof abandonRequests>[1]): Promise<void> {
    for (const record of this.#table.all()) {
      this.#queues.stop(record);
      abandonRequests(record, reason);
      endObservations(record, 'server-closed');
    }
    for (const record of [...this.#intents.all()]) endObservations(record, 'server-closed');
    for (const driver of this.drivers) {
      driver.detach(this.#lifetimes);
      driver.detach(this.#queues);
    }
    await Promise.all(this.drivers.map((driver) => driver.close()));
  }

  #handle(responder: Responder, event: CoapEvent, now: number): void {
    switch (event.kind) {
      case 'request':
        return this.#handleRequest(responder, event.request, now);
      case 'response':
        return ownerOf(event)?.onResponse(event.response, event.observing, event.exchange);
      case 'failed':
        return ownerOf(event)?.onFailure(event.reason, event.exchange);
      case 'notification':
        return ownerOf(event)?.onNotification(event.response, event.exchange);
      case 'observationEnded':
        return ownerOf(event)?.onObservationEnded(event.exchange);
      case 'requestProgress':
        return ownerOf(event)?.onProgress?.(event.acknowledgedBytes);
      case 'responseBlock':
      case 'requestBlock':
      case 'requestAbandoned':
      case 'bodyWanted':
      case 'relationEnded':
      case 'trace':
      // Nothing here is streamed, and this side grants no observations.
    }
  }

  #handleRequest(responder: Responder, request: IncomingRequest, now: number): void {
    const route = routeOf(request.options);
    switch (route.kind) {
      case 'registration':
        return this.#interface.handle(responder, request, route.registrationId, now);
      case 'send':
        return this.#receiveSend(responder, request, route.alternatePath);
      case 'core':
        if (request.code === Codes.get) return responder.respond(request, linksFor(request));
        return responder.respond(request, refuse(Codes.methodNotAllowed, 'the links of this server can only be read'));
      case 'unknown':
        // A method that no specification knows comes first. RFC 7252 §5.8.
        if (request.code > Codes.ipatch)
          return responder.respond(request, refuse(Codes.methodNotAllowed, 'this method is not known'));
        return responder.respond(request, this.#offers.answer(request));
    }
  }

  #receiveSend(responder: Responder, request: IncomingRequest, alternatePath: string): void {
    const result = receiveSend(request, alternatePath, this.#owner);
    responder.respond(request, result.response);
    if (result.kind === 'accepted') {
      this.#tell('sent', result.record, result.entries);
      this.#queues.heard(result.record);
    } else {
      const refusal = { peer: responder.peerOf(request), ...result.refusal };
      reportRefusal(refusal);
      this.#tell('refused', refusal);
    }
  }

  #deviceOf(record: RegistrationRecord): DeviceHandle {
    return (record.device ??= new DeviceHandle(this.#owner, record));
  }

  #ended(record: RegistrationRecord, reason: RemovalReason): void {
    abandonRequests(record, reason === 'replaced' ? registeredAnew : notRegistered);
    this.#queues.forget(record);
    // Whoever removes a device wants nothing more of it.
    if (reason === 'removed') endObservations(record, 'registration-ended');
    else this.#keepObservations(record);
    this.#tell('unregistered', record, reason);
  }

  /** The device may come back. */
  #keepObservations(record: RegistrationRecord): void {
    suspendObservations(record);
    const displaced = this.#intents.keep(record);
    if (displaced !== undefined) endObservations(displaced, 'registration-ended');
  }

  /** What these credentials let in is let in no more. */
  #shutOut(entry: SecurityEntry): void {
    this.#associations.end(entry);
    // Of an association that ended before.
    const record = this.#table.byName(entry.endpointClientName);
    if (record === undefined || record.security.kind !== entry.kind) return;
    if (entry.kind === 'x509' || record.security.identity === securityInfo(entry).identity)
      this.#interface.remove(record, 'removed');
  }

  /** Call every listener, whatever the others do: what one throws or rejects with is reported and stops nothing. */
  #tell<Name extends keyof ServerEvents>(name: Name, ...args: ServerEvents[Name]): void {
    if (this.listenerCount(name) === 0) return;
    for (const listener of this.rawListeners(name)) {
      try {
        const result: unknown = Reflect.apply(listener, this, args);
        if (result instanceof Promise) result.catch(reportServerError);
      } catch (error) {
        reportServerError(error);
      }
    }
  }
}

/** A socket for every address does not tell which one devices use, but those on this machine use the loopback. */
function hostToward(device: string, local: string): string {
  if (local !== '0.0.0.0' && local !== '::') return local;
  if (device === '::1' || device.startsWith('127.')) return device;
  throw new UsageError('this server listens on every address: say which host devices reach it by');
}

const ownerOf = ({ exchange }: Extract<CoapEvent, { exchange: unknown }>): ExchangeOwner | undefined =>
  exchange.context as ExchangeOwner | undefined;

/** For `GET /.well-known/core`. RFC 6690 §4; another format than links there is not. RFC 7252 §5.10.4. */
function linksFor({ options }: IncomingRequest): OutgoingResponse {
  const accept = readOption(options, 'accept');
  return accept === undefined || accept === CONTENT_FORMATS.linkFormat.number
    ? OWN_LINKS
    : refuse(Codes.notAcceptable, 'the links are given in Content-Format 40 only');
}

const OWN_LINKS: OutgoingResponse = {
  code: Codes.content,
  options: buildOptions({ contentFormat: CONTENT_FORMATS.linkFormat.number }),
  payload: new TextEncoder().encode(
    formatLinks([
      {
        target: '/rd',
        parameters: [
          { name: 'rt', value: 'core.rd', quoted: true },
          { name: 'ct', value: '40' },
        ],
      },
      { target: '/dp', parameters: [] },
    ]),
  ),
};
