/**
 * An LwM2M Client: registers with its servers and keeps the registrations alive, answers what they ask of its Objects,
 * tells them what they observe. OMA TS Core 1.0 to 1.2, over UDP or DTLS.
 *
 * One driver, so one socket, per client. Everything enters through `driver.turn`, and the client is the one timed layer
 * above CoAP: registrations and observations share the driver's one timer.
 */
import { EventEmitter } from 'node:events';
import { OperationFailed, UsageError } from '@lapwing/coap';
import type { CoapEvent, IncomingRequest } from '@lapwing/coap';
import { formatPath, isMalformed, ObjectDefinitions, parsePath } from '@lapwing/lwm2m';
import type { DefinitionLookup, LwM2mVersion, NodeEntry, Path } from '@lapwing/lwm2m';
import { isSecure } from '@lapwing/transport';
import type { AssociationEvent, Driver, PeerAddress, TimedLayer } from '@lapwing/transport';
import type {
  ClientCounters,
  ClientEvents,
  ClientOptions,
  SendResult,
  ServerRegistration,
  StartOptions,
} from './api.ts';
import { ACCESS_CONTROL_OBJECT, AccessControl } from './access-rights.ts';
import { announcementOf } from './announcement.ts';
import type { Announcement } from './announcement.ts';
import { AttributeStore } from './attribute-store.ts';
import { AwakeTime } from './awake-time.ts';
import { checkOptions, checkSchemes, locationOf } from './client-options.ts';
import { captureState, readState, restoreAttributes } from './client-state.ts';
import type { ClientState } from './client-state.ts';
import type { KeptAt, ObjectInstanceContent, SettableAt, TreeAccess } from './client-object.ts';
import { reportClientError } from './diagnostics.ts';
import { DeviceManagement } from './device-management.ts';
import { ObjectTree } from './object-tree.ts';
import { withServers } from './objects/access-control.ts';
import { deviceObject } from './objects/device.ts';
import { securityObject } from './objects/security.ts';
import { SERVER_RESOURCES, serverObject } from './objects/server.ts';
import { carriesTime, PayloadFormat } from './payload-format.ts';
import { isRefusal, type HandlerFailed } from './refusal.ts';
import { openDriver } from './open-driver.ts';
import type { RegistrationProcedure } from './registration-procedure.ts';
import { Reporting } from './reporting.ts';
import type { ReportingSource } from './reporting.ts';
import { offlineError, sendFormat, Sending } from './sending.ts';
import { DEFAULT_NOTIFICATION_STORAGE } from './stored-notifications.ts';
import { restoreObjects, restoreServers, urgencyOf } from './saved-objects.ts';
import { resolveAccounts } from './server-account.ts';
import type { ResolvedAccount, ServerSettings } from './server-account.ts';
import type { ServerLocation } from './server-peer.ts';
import { Servers } from './servers.ts';
import type { ServersListener } from './servers.ts';
import { StateKeeper } from './state-keeper.ts';

/** ms. RFC 7252 §4.8.2. */
const MAX_TRANSMIT_WAIT = 93_000;
/** Requests of one server that wait for its registration to be complete. */
const MAX_EARLY_REQUESTS = 16;

let sharedDefinitions: DefinitionLookup | undefined;

export class LwM2mClient extends EventEmitter<ClientEvents> implements TreeAccess, AsyncDisposable {
  readonly endpointClientName: string;
  readonly #driver: Driver;
  readonly #tree: ObjectTree;
  readonly #access: AccessControl;
  readonly #attributes: AttributeStore;
  readonly #state: StateKeeper | undefined;
  readonly #reporting: Reporting;
  readonly #management: DeviceManagement;
  readonly #sending: Sending;
  readonly #servers: Servers;
  readonly #awake: AwakeTime | undefined;
  #offline = false;
  #unheard = 0;
  readonly #layer: TimedLayer;
  /** Requests that came before the registration with their server was complete. */
  readonly #early = new Map<RegistrationProcedure, IncomingRequest[]>();
  /** What changes bring about, kept back while a request is answered; undefined: nothing is. */
  #keptBack: (() => void)[] | undefined;
  #strangers = 0;
  #beforeRegistration = 0;
  #closing: Promise<void> | undefined;
  #allClosed: (() => void) | undefined;

  /**
   * Open a socket and begin to register with every server. Resolves when the socket is open; `whenRegistered` waits for
   * the registrations.
   *
   * Rejects with OperationFailed when a server's name is not found or the port is taken, and with UsageError for options
   * that make no sense.
   */
  static async start(options: StartOptions): Promise<LwM2mClient> {
    const { signal } = options;
    signal?.throwIfAborted();
    const state = options.state ?? (await options.stateStore?.load());
    signal?.throwIfAborted();
    const { driver, lookUp } = await openDriver({ ...options, mayChange: false });
    try {
      signal?.throwIfAborted();
      const client = new LwM2mClient(driver, { ...options, lookUp, ...(state !== undefined && { state }) });
      client.register();
      return client;
    } catch (error) {
      await driver.close();
      throw error;
    }
  }

  /**
   * A client on any driver, which it takes over and closes with itself. Nothing is sent until `register`.
   *
   * @throws UsageError for options that make no sense, among them a server whose URI has a host name, without `address` and `lookUp`.
   */
  constructor(driver: Driver, options: ClientOptions) {
    super();
    const { endpointClientName, lwm2mVersion = '1.2', binding = 'U', queueMode = false, alternatePath = '' } = options;
    checkOptions(options);
    this.endpointClientName = endpointClientName;
    this.#driver = driver;
    const accounts = resolveAccounts(options.servers);
    this.#attributes = new AttributeStore(() => this.#handleAttributes());
    this.#tree = this.#buildTree(options, accounts, lwm2mVersion, binding);
    const storage = { ...DEFAULT_NOTIFICATION_STORAGE, ...options.notificationStorage };
    if (options.stateStore !== undefined) {
      this.#state = new StateKeeper(options.stateStore, {
        capture: () => captureState(this.#tree, this.#attributes, this.#reporting.saved(), 'given'),
        failed: reportClientError,
        now: () => driver.now(),
        interval: storage.saveInterval,
      });
    }
    this.#access = new AccessControl(this.#tree);
    const formats = new PayloadFormat(this.#tree, alternatePath);
    const reportingSource: ReportingSource = {
      read: ({ settings, paths, composite }) => this.#management.readFor(settings.shortServerId, paths, composite),
      encode: ({ paths, composite, contentFormat }, entries) => {
        const [path] = paths;
        const encoded = formats.encode(
          composite || path === undefined ? { kind: 'root' } : path,
          entries,
          contentFormat,
        );
        return isRefusal(encoded) ? { malformed: encoded.reason } : encoded.payload;
      },
      carriesTime: (contentFormat) => carriesTime(contentFormat),
      isReachable: ({ peer }) => this.#servers.procedureOf(peer)?.isReachable === true,
      sending: () => this.#stayAwake(),
      ended: ({ settings: { shortServerId }, paths }) => this.#announce('observationEnded', { shortServerId, paths }),
      storedChanged: () => this.#state?.stateChanged('later'),
    };
    this.#reporting = new Reporting(driver, this.#attributes, reportingSource, storage);
    this.#management = new DeviceManagement({
      driver,
      tree: this.#tree,
      access: this.#access,
      attributes: this.#attributes,
      reporting: this.#reporting,
      formats,
      alternatePath,
      listener: {
        written: (shortServerId, paths) => this.#announce('written', { shortServerId, paths }),
        executed: (shortServerId, path, args) => this.#announce('executed', { shortServerId, path, args }),
        created: (shortServerId, paths) => this.#announce('created', { shortServerId, paths }),
        deleted: (shortServerId, path) => this.#announce('deleted', { shortServerId, path }),
        observed: (shortServerId, paths) => this.#announce('observed', { shortServerId, paths }),
        handlerFailed: (failure) => this.#announceFailure(failure),
        registerAgain: () => this.register(),
      },
    });
    this.#sending = new Sending(driver, formats);
    const announcement = (): Announcement => announcementOf(options, this.#tree);
    checkSchemes(accounts, driver);
    const locate = (account: ResolvedAccount): ServerLocation => locationOf(account, options.lookUp);
    this.#servers = new Servers(
      { driver, tree: this.#tree, lwm2mVersion, announcement, locate },
      this.#serversListener(),
    );
    this.#servers.replace(accounts);
    if (queueMode !== false) {
      const { awakeTime = MAX_TRANSMIT_WAIT } = queueMode === true ? {} : queueMode;
      this.#awake = new AwakeTime(awakeTime, driver.now(), (wakefulness) => this.#announce(wakefulness));
    }
    this.#layer = {
      nextDeadline: () => this.#nextDeadline(),
      handleTimeout: (now) => this.#handleTimeout(now),
    };
    driver.onEvent = (event) => this.#handleEvent(event);
    if (isSecure(driver)) driver.onAssociation = (event) => this.#handleAssociation(event);
    if (options.state !== undefined) this.#restore(readState(options.state, this.#tree.definitions));
    driver.attach(this.#layer);
  }

  /** Where this client stands with each of its servers. */
  get registrations(): readonly ServerRegistration[] {
    return this.#servers.procedures.map(({ registration }) => registration);
  }

  get localAddress(): PeerAddress {
    return this.#driver.localAddress;
  }

  get counters(): ClientCounters {
    return { strangers: this.#strangers, beforeRegistration: this.#beforeRegistration, unheard: this.#unheard };
  }

  /** Observations of servers now. */
  get observationCount(): number {
    return this.#reporting.size;
  }

  /** Values stored for servers that could not be told when they were due (/1/x/6). */
  get storedValueCount(): number {
    return this.#reporting.storedValues;
  }

  /**
   * Register now, whatever the state: the beginning, after a restart, instead of waiting. With every server in the order
   * their priorities say (/1/x/13), or with one at once.
   */
  register(shortServerId?: number): void {
    this.#checkOpen();
    if (shortServerId === undefined) return this.#driver.turn(() => this.#servers.begin());
    for (const procedure of this.#servers.chosen(shortServerId)) procedure.handle({ kind: 'begin' });
  }

  /** Whether this client listens now: not offline, and in queue mode awake. */
  get isAwake(): boolean {
    return !this.#offline && this.#awake?.wakefulness !== 'asleep';
  }

  /**
   * The network is gone, or is not to be used: nothing is sent or heard until `goOnline`. Observations go on; what they
   * would have told is stored for servers that want that (/1/x/6).
   */
  goOffline(): void {
    this.#checkOpen();
    if (this.#offline) return;
    this.#offline = true;
    this.#driver.turn((now, out) => {
      for (const { settings } of this.#servers.procedures) {
        this.#reporting.withheld(this.#driver.endpoint.withhold(now, settings.peer, out));
      }
      this.#sending.goOffline();
      for (const procedure of this.#servers.procedures) procedure.suspend();
    });
  }

  /** Confirm the registrations by an Update, or begin them anew; then tell what is to be told. */
  goOnline(): void {
    this.#checkOpen();
    if (!this.#offline) return;
    this.#offline = false;
    this.#driver.turn(() => {
      for (const procedure of this.#servers.procedures) procedure.resume();
    });
  }

  /** Send an Update now; a client that only just woke up, for instance. */
  update(shortServerId?: number): void {
    this.#checkOpen();
    for (const procedure of this.#servers.chosen(shortServerId)) procedure.handle({ kind: 'updateWanted' });
  }

  /**
   * Wait until every server (or the given one) has accepted the registration. Rejects with OperationFailed 'CLOSED' when
   * the client is closed first, or with the reason of the signal.
   */
  async whenRegistered({ shortServerId, signal }: WaitOptions = {}): Promise<void> {
    const chosen = this.#servers.chosen(shortServerId);
    signal?.throwIfAborted();
    this.#checkOpen();
    if (chosen.every(({ isRegistered }) => isRegistered)) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (end: () => void) => (): void => {
        this.off('registered', onRegistered);
        this.#waiters.delete(onClosed);
        signal?.removeEventListener('abort', onAbort);
        end();
      };
      const onRegistered = (): void => {
        if (chosen.every(({ isRegistered }) => isRegistered)) settle(resolve)();
      };
      const onClosed = settle(() => reject(closedError()));
      const onAbort = settle(() => reject(signal?.reason as Error));
      this.on('registered', onRegistered);
      this.#waiters.add(onClosed);
      signal?.addEventListener('abort', onAbort);
    });
  }
  readonly #waiters = new Set<() => void>();

  get<At extends Path | string>(path: At): KeptAt<At> | undefined {
    return this.#tree.get(path);
  }

  set<At extends Path | string>(path: At, value: SettableAt<At>): void {
    this.#driver.turn(() => this.#tree.set(path, value));
  }

  changed(path: Path | string): void {
    this.#driver.turn(() => this.#tree.changed(path));
  }

  batch(changes: () => void): void {
    this.#driver.turn(() => this.#tree.batch(changes));
  }

  /**
   * Add an Object Instance; servers learn of it by an Update.
   *
   * @throws UsageError if the client does not have the Object, the Object Instance exists, or the content does not fit.
   */
  addObjectInstance(objectId: number, objectInstanceId: number, content: ObjectInstanceContent): void {
    this.#driver.turn(() => this.#tree.addObjectInstance(objectId, objectInstanceId, content));
  }

  /** Remove an Object Instance; false when it was not there. Servers learn of it by an Update. */
  removeObjectInstance(objectId: number, objectInstanceId: number): boolean {
    return this.#driver.turn(() => this.#tree.removeObjectInstance(objectId, objectInstanceId));
  }

  /** The Object Instances the client has of an Object, ascending. */
  objectInstanceIds(objectId: number): readonly number[] {
    return [...(this.#tree.objects.get(objectId)?.instances.keys() ?? [])].sort((a, b) => a - b);
  }

  /**
   * Tell every server that is registered with, and does not mute Send, the values at these paths as they are now, or the
   * given entries with timestamps of their own. OMA TS Core §6.4.6.
   *
   * Rejects with OperationFailed 'NOT_REGISTERED' or 'MUTED' when there is no such server, and when one does not answer;
   * a server's refusal is a result.
   */
  async send(
    content: readonly (Path | string)[] | readonly NodeEntry[],
    { shortServerId, contentFormat, signal }: SendOptions = {},
  ): Promise<readonly SendResult[]> {
    this.#checkOpen();
    sendFormat(contentFormat, '1.2');
    // LwM2M 1.0 has no Send.
    const registered = this.#servers
      .chosen(shortServerId)
      .filter(({ isRegistered, state }) => isRegistered && state.version !== '1.0');
    if (registered.length === 0) {
      throw new OperationFailed('NOT_REGISTERED', 'no server of LwM2M 1.1 or later is registered with', {
        retryable: true,
      });
    }
    const listening = registered.filter(({ settings }) => !settings.sendIsMuted);
    if (listening.length === 0) {
      throw new OperationFailed('MUTED', 'every server mutes Send (/1/x/23)', { retryable: false });
    }
    const told = await Promise.all(
      listening.map(async ({ settings, state }) => ({
        settings,
        format: sendFormat(contentFormat, state.version),
        entries: await this.#readableBy(settings, content),
      })),
    );
    this.#checkOpen();
    // After reading, which may have taken its time.
    if (this.#offline) throw offlineError();
    const sends = told.filter(({ entries }) => entries.length > 0);
    if (sends.length === 0) throw new UsageError('there is nothing to send at these paths');
    this.#stayAwake();
    return Promise.all(
      sends.map(({ settings, entries, format }) => this.#sending.send(settings, entries, format, signal)),
    );
  }

  /** What of the content of a Send this server may read. */
  async #readableBy(
    { shortServerId }: ServerSettings,
    content: readonly (Path | string)[] | readonly NodeEntry[],
  ): Promise<readonly NodeEntry[]> {
    if (!isEntries(content)) return this.#readForSend(content, shortServerId);
    return content.filter(
      ({ path }) =>
        !('objectInstanceId' in path) ||
        this.#access.allows(shortServerId, 'read', path.objectId, path.objectInstanceId),
    );
  }

  /** De-register from every server and close the driver. A server that does not answer holds it up for 10 s. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #buildTree(
    options: ClientOptions,
    accounts: readonly ResolvedAccount[],
    lwm2mVersion: LwM2mVersion,
    binding: string,
  ): ObjectTree {
    const definitions = options.definitions ?? (sharedDefinitions ??= new ObjectDefinitions());
    const hasDevice = options.objects.some(({ objectId }) => objectId === 3);
    const server = serverObject(accounts, binding, {
      disable: (id) => {
        const [procedure] = this.#servers.chosen(id);
        procedure?.handle({ kind: 'disable', seconds: procedure.settings.disableTimeoutSeconds });
      },
      update: (id) => this.#servers.chosen(id)[0]?.handle({ kind: 'updateWanted' }),
    });
    const objects = [
      securityObject(accounts),
      server,
      ...(hasDevice ? [] : [deviceObject({ binding })]),
      ...options.objects.map((object) =>
        object.objectId === ACCESS_CONTROL_OBJECT ? withServers(object, accounts) : object,
      ),
    ];
    return new ObjectTree(objects, definitions, lwm2mVersion, {
      changed: (paths) => this.#handleChanges(paths),
      removed: (path) => this.#attributes.forget(path),
      instancesChanged: (path) => this.#handleInstances(path),
      hookFailed: (failure) => this.#announceFailure(failure),
      unixTime: () => this.#driver.unixTime(),
    });
  }

  #restore({ objects, attributes, notifications }: ClientState): void {
    const afterwards: (() => void)[] = [];
    restoreServers(objects, this.#tree);
    restoreObjects(objects, {
      tree: this.#tree,
      contextOf: this.#management.contextOf(undefined, afterwards),
      notRestored: (path, cause) =>
        reportClientError(
          new Error(`${formatPath(path)}, created by a server, did not come back: create threw`, { cause }),
        ),
    });
    restoreAttributes(attributes, this.#tree, this.#attributes);
    this.#reporting.restore(
      notifications,
      (shortServerId) =>
        this.#servers.procedures.find(({ settings }) => settings.shortServerId === shortServerId)?.settings,
    );
    for (const action of afterwards) action();
  }

  #serversListener(): ServersListener {
    return {
      registered: ({ settings }, registration) => {
        this.#reporting.endAll(settings, 'storing');
        this.#announce('registered', registration);
      },
      updated: ({ settings }, registration) => {
        this.#reporting.reachableAgain(settings);
        this.#announce('updated', registration);
      },
      lost: ({ settings }, registration) => {
        this.#reporting.endAll(settings, 'storing');
        this.#announce('lost', registration);
      },
      deregistered: ({ settings }, registration) => {
        this.#reporting.endAll(settings, this.#closing === undefined ? 'storing' : 'forgetting');
        this.#announce('deregistered', registration);
      },
      registrationFailed: (_procedure, failure) => this.#announce('registrationFailed', failure),
      stateChanged: (procedure) => this.#handleStateChange(procedure),
      sending: () => this.#stayAwake(),
    };
  }

  #nextDeadline(): number {
    return Math.min(
      this.#reporting.nextDeadline(),
      this.#awake?.nextDeadline() ?? Infinity,
      this.#servers.nextDeadline(),
      this.#state?.nextDeadline() ?? Infinity,
    );
  }

  #handleTimeout(now: number): void {
    this.#servers.handleTimeout(now);
    this.#reporting.handleTimeout(now);
    this.#state?.handleTimeout(now);
    if (this.#awake === undefined || this.#awake.nextDeadline() > now) return;
    // An answer that is waited for will be heard.
    const isWaiting =
      this.#sending.size > 0 || this.#servers.procedures.some(({ isWaitingForAnswer }) => isWaitingForAnswer);
    if (isWaiting) this.#awake.handleActivity(now);
    else this.#awake.handleTimeout(now);
  }

  /** Something is sent or was received. */
  #stayAwake(): void {
    this.#driver.turn((now) => this.#awake?.handleActivity(now));
  }

  #handleEvent(event: CoapEvent): void {
    switch (event.kind) {
      case 'request':
        return this.#handleRequest(event.request);
      case 'response':
        this.#stayAwake();
        if (!this.#sending.handleResponse(event.exchange, event.response)) this.#servers.handleOutcome(event);
        return;
      case 'failed':
        if (!this.#sending.handleFailure(event.exchange, event.reason)) this.#servers.handleOutcome(event);
        return;
      case 'requestBlock':
        // Not heard: the upload is given up when no more of it comes.
        if (this.#offline) return void this.#unheard++;
        this.#stayAwake();
        return this.#management.handleStreamBlock(event.request, event.offset, event.payload, event.more);
      case 'requestAbandoned':
        return this.#management.handleStreamAbandoned(event.request);
      case 'relationEnded':
        return this.#reporting.relationEnded(event.relation, event.reason);
      default:
        // This side observes nothing and sends no bodies in pieces.
        return;
    }
  }

  #handleAssociation(event: AssociationEvent): void {
    this.#servers.handleAssociation(event, this.#closing !== undefined);
  }

  #handleRequest(request: IncomingRequest): void {
    const procedure = this.#servers.procedureOf(request.peer);
    if (!this.isAwake) {
      this.#unheard++;
      return this.#driver.turn((now) => this.#driver.endpoint.postpone(now, request));
    }
    if (procedure !== undefined) this.#stayAwake();
    if (procedure === undefined) {
      this.#strangers++;
      this.#ignore(request);
    } else if (procedure.isRegistered) {
      this.#answer(request, procedure);
    } else {
      this.#handleEarly(request, procedure);
    }
  }

  /**
   * Nothing is done for a server before its registration is complete. Its acceptance may have been lost or overtaken,
   * though, so while a Register is under way requests wait for the outcome. OMA TS Core §6.2.1.
   */
  #handleEarly(request: IncomingRequest, procedure: RegistrationProcedure): void {
    this.#beforeRegistration++;
    const waiting = this.#early.get(procedure) ?? [];
    // The blocks of a stream cannot wait.
    const mayWait = procedure.state.kind === 'registering' && !request.streamed;
    if (!mayWait || waiting.length >= MAX_EARLY_REQUESTS) return this.#ignore(request);
    waiting.push(request);
    this.#early.set(procedure, waiting);
  }

  #handleStateChange(procedure: RegistrationProcedure): void {
    if (procedure.state.kind === 'closed') this.#allClosed?.();
    if (procedure.state.kind === 'registering') return;
    const waiting = this.#early.get(procedure);
    if (waiting === undefined) return;
    this.#early.delete(procedure);
    for (const request of waiting) {
      if (procedure.isRegistered) this.#answer(request, procedure);
      else this.#ignore(request);
    }
  }

  #answer(request: IncomingRequest, procedure: RegistrationProcedure): void {
    const keptBack: (() => void)[] = [];
    this.#keptBack = keptBack;
    try {
      const requester = { settings: procedure.settings, version: procedure.state.version };
      if (request.streamed) this.#management.handleStream(request, requester);
      else this.#management.handleRequest(request, requester);
    } finally {
      this.#keptBack = undefined;
      for (const action of keptBack) action();
    }
  }

  #ignore(request: IncomingRequest): void {
    this.#driver.turn((now) => this.#driver.endpoint.ignore(now, request));
  }

  #handleChanges(paths: readonly Path[]): void {
    for (const path of this.#state === undefined ? [] : paths) {
      const urgency = urgencyOf(this.#tree, path);
      if (urgency !== undefined) this.#state?.stateChanged(urgency);
    }
    const isAccess = paths.some((path) => 'objectId' in path && path.objectId === ACCESS_CONTROL_OBJECT);
    if (isAccess) this.#access.changed();
    this.#afterAnswer(() => {
      this.#reporting.valuesChanged(paths);
      // What may no longer be read ends its observations.
      if (isAccess) for (const { settings } of this.#servers.procedures) this.#reporting.rightsChanged(settings);
      for (const path of paths) if (path.kind === 'resource' && path.objectId === 1) this.#handleServerChange(path);
    });
  }

  /** A value of the Server Object changed that a procedure must act on. */
  #handleServerChange(path: Path & { readonly kind: 'resource' }): void {
    const procedure = this.#servers.ofObjectInstance(path.objectInstanceId);
    if (procedure === undefined) return;
    switch (path.resourceId as number) {
      case SERVER_RESOURCES.lifetime:
      case SERVER_RESOURCES.binding:
        return procedure.handle({ kind: 'updateWanted' });
      case SERVER_RESOURCES.defaultPmin:
      case SERVER_RESOURCES.defaultPmax:
        return this.#reporting.attributesChanged(procedure.settings.shortServerId);
      case SERVER_RESOURCES.notificationStoring:
        if (!procedure.settings.storesNotifications) this.#reporting.storingEnded(procedure.settings);
        return;
    }
  }

  #handleAttributes(): void {
    this.#reporting.forgetConditions();
    this.#state?.stateChanged();
  }

  #handleInstances(path: Path): void {
    if (path.kind !== 'objectInstance') return;
    if (path.objectId === ACCESS_CONTROL_OBJECT) this.#access.changed();
    if (this.#tree.objectInstance(path.objectId, path.objectInstanceId) === undefined) {
      this.#attributes.forget(path);
      this.#access.forget(path.objectId, path.objectInstanceId);
    }
    this.#afterAnswer(() => {
      for (const procedure of this.#servers.procedures) procedure.handle({ kind: 'updateWanted' });
    });
  }

  /** What a request changed is told when the request has been answered. */
  #afterAnswer(action: () => void): void {
    if (this.#keptBack === undefined) this.#driver.turn(action);
    else this.#keptBack.push(() => this.#driver.turn(action));
  }

  async #readForSend(paths: readonly (Path | string)[], shortServerId: number): Promise<readonly NodeEntry[]> {
    const parsed = paths.map((path) => {
      const result = typeof path === 'string' ? parsePath(path) : path;
      if (isMalformed(result)) throw new UsageError(result.malformed);
      return result;
    });
    const entries = await this.#management.readFor(shortServerId, parsed, true);
    return isRefusal(entries) ? [] : entries;
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  async #close(): Promise<void> {
    const closed = (): boolean => this.#servers.procedures.every(({ state }) => state.kind === 'closed');
    // Observations end with the registrations: what is stored for them is saved before it is forgotten.
    for (const { settings } of this.#servers.procedures) this.#reporting.endAll(settings, 'storing');
    this.#state?.finish();
    this.#driver.turn(() => {
      for (const procedure of this.#servers.procedures) procedure.handle({ kind: 'close' });
    });
    if (!closed()) {
      await new Promise<void>((resolve) => {
        this.#allClosed = (): void => {
          if (closed()) resolve();
        };
      });
    }
    for (const { settings } of this.#servers.procedures) this.#reporting.endAll(settings, 'forgetting');
    this.#servers.close();
    this.#driver.detach(this.#layer);
    for (const onClosed of [...this.#waiters]) onClosed();
    await this.#state?.settled();
    await this.#driver.close();
  }

  #announceFailure({ path, operation, cause }: HandlerFailed): void {
    this.#announce('handlerError', { path, operation, cause });
  }

  /** A listener that throws must not disturb the protocol. */
  #announce<Name extends keyof ClientEvents>(name: Name, ...args: ClientEvents[Name]): void {
    try {
      (this.emit as (name: Name, ...args: ClientEvents[Name]) => boolean).call(this, name, ...args);
    } catch (error) {
      reportClientError(error);
    }
  }
}

export interface WaitOptions {
  /** Only this server; default all. */
  readonly shortServerId?: number;
  readonly signal?: AbortSignal;
}

export interface SendOptions extends WaitOptions {
  /** 110 (SenML JSON), 112 (SenML CBOR, the default) or 11544 (LwM2M CBOR, to servers of 1.2; without timestamps). */
  readonly contentFormat?: number;
}

const closedError = (): OperationFailed => new OperationFailed('CLOSED', 'the client is closed', { retryable: false });

const isEntries = (content: readonly unknown[]): content is readonly NodeEntry[] =>
  content.every((one) => typeof one === 'object' && one !== null && 'path' in one);
