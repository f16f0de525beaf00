/**
 * An LwM2M Client: registers with its servers and keeps the registrations alive, answers what they ask of its Objects,
 * tells them what they observe. OMA TS Core 1.0 to 1.2, over UDP or DTLS.
 *
 * One driver, so one socket, per client. Everything enters through `driver.turn`, and the client is the one timed layer
 * above CoAP: registrations and observations share the driver's one timer.
 */
import { EventEmitter } from 'node:events';
import { isIPv6 } from 'node:net';
import { OperationFailed, UsageError } from '@lapwing/coap';
import type { CoapEvent, CoapParameters, IncomingRequest, Peer } from '@lapwing/coap';
import type { DtlsParameters, Refusal } from '@lapwing/dtls';
import { isMalformed, ObjectDefinitions, parsePath } from '@lapwing/lwm2m';
import type { DefinitionLookup, LwM2mVersion, NodeEntry, Path } from '@lapwing/lwm2m';
import { DtlsDriver, isSecure, UdpDriver } from '@lapwing/transport';
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
import { streamedRequests } from './body-streams.ts';
import { AwakeTime } from './awake-time.ts';
import { addressOf, checkAddresses, checkOptions, commonVersion, connectOptions, locate } from './client-options.ts';
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
import { RegistrationOrder } from './registration-order.ts';
import { RegistrationProcedure } from './registration-procedure.ts';
import { Reporting } from './reporting.ts';
import type { ReportingSource } from './reporting.ts';
import { offlineError, sendFormat, Sending } from './sending.ts';
import { DEFAULT_NOTIFICATION_STORAGE } from './stored-notifications.ts';
import { parseServerUri, resolveAccounts, ServerSettings } from './server-account.ts';
import { alertOf, ServerPeer } from './server-peer.ts';
import type { ResolvedAccount } from './server-account.ts';
import { restoreObjects, restoreServers, urgencyOf } from './saved-objects.ts';
import { StateKeeper } from './state-keeper.ts';

/** A client holds few conversations, and there may be thousands of clients in one process. */
export const CLIENT_COAP_PARAMETERS: Partial<CoapParameters> = Object.freeze({
  recentMessageBytes: 64 * 1024,
  maxTotalBodyBytes: 4 * 1024 * 1024,
  maxUnansweredRequests: 64,
});

/** A client is one end of few associations. */
export const CLIENT_DTLS_PARAMETERS: Partial<DtlsParameters> = Object.freeze({
  connectionIdLength: 0,
  maxAssociations: 64,
  maxHandshakes: 64,
});

/** Addresses a client's socket remembers: its servers, and strangers for a while. */
const MAX_PEERS = 1024;
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
  readonly #procedures: readonly RegistrationProcedure[];
  readonly #order: RegistrationOrder;
  readonly #awake: AwakeTime | undefined;
  #offline = false;
  #unheard = 0;
  readonly #servers: ServerPeer[] = [];
  readonly #byPeer = new Map<Peer, RegistrationProcedure>();
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
    const { port = 0, host, coap, dtls, signal } = options;
    signal?.throwIfAborted();
    const servers = await Promise.all(options.servers.map((account) => locate(account)));
    const state = options.state ?? (await options.stateStore?.load());
    signal?.throwIfAborted();
    const ipv6 = servers.some(({ address }) => isIPv6(address.host)); // the constructor refuses a mixture
    const socket = {
      host: host ?? (ipv6 ? '::' : '0.0.0.0'),
      port,
      coap: { ...CLIENT_COAP_PARAMETERS, streamedRequest: streamedRequests(options.objects), ...coap },
      receiveBufferBytes: 64 * 1024,
      sendBufferBytes: 64 * 1024,
    };
    // The constructor refuses a mixture of these, too.
    const isSecured = servers.some(({ uri }) => parseServerUri(uri).scheme === 'coaps');
    const driver = isSecured
      ? await DtlsDriver.bind({ ...socket, dtls: { ...CLIENT_DTLS_PARAMETERS, ...dtls } })
      : await UdpDriver.bind({ ...socket, maxPeers: MAX_PEERS });
    try {
      signal?.throwIfAborted();
      const client = new LwM2mClient(driver, { ...options, servers, ...(state !== undefined && { state }) });
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
   * @throws UsageError for options that make no sense, among them a server whose URI has a host name and no `address`.
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
      isReachable: ({ peer }) => this.#byPeer.get(peer)?.isReachable === true,
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
    checkAddresses(accounts, driver);
    this.#procedures = accounts.map((account) => this.#buildProcedure(account, lwm2mVersion, announcement));
    this.#order = new RegistrationOrder(this.#procedures);
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
    return this.#procedures.map(({ registration }) => registration);
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
    if (shortServerId === undefined) return this.#driver.turn(() => this.#order.begin());
    for (const procedure of this.#chosen(shortServerId)) procedure.handle({ kind: 'begin' });
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
      for (const { settings } of this.#procedures) {
        this.#reporting.withheld(this.#driver.endpoint.withhold(now, settings.peer, out));
      }
      this.#sending.goOffline();
      for (const procedure of this.#procedures) procedure.suspend();
    });
  }

  /** Confirm the registrations by an Update, or begin them anew; then tell what is to be told. */
  goOnline(): void {
    this.#checkOpen();
    if (!this.#offline) return;
    this.#offline = false;
    this.#driver.turn(() => {
      for (const procedure of this.#procedures) procedure.resume();
    });
  }

  /** Send an Update now; a client that only just woke up, for instance. */
  update(shortServerId?: number): void {
    this.#checkOpen();
    for (const procedure of this.#chosen(shortServerId)) procedure.handle({ kind: 'updateWanted' });
  }

  /**
   * Wait until every server (or the given one) has accepted the registration. Rejects with OperationFailed 'CLOSED' when
   * the client is closed first, or with the reason of the signal.
   */
  async whenRegistered({ shortServerId, signal }: WaitOptions = {}): Promise<void> {
    const chosen = this.#chosen(shortServerId);
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
    const registered = this.#chosen(shortServerId).filter(
      ({ isRegistered, state }) => isRegistered && state.version !== '1.0',
    );
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
        const [procedure] = this.#chosen(id);
        procedure?.handle({ kind: 'disable', seconds: procedure.settings.disableTimeoutSeconds });
      },
      update: (id) => this.#chosen(id)[0]?.handle({ kind: 'updateWanted' }),
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
      notRestored: (_path, cause) => reportClientError(cause),
    });
    restoreAttributes(attributes, this.#tree, this.#attributes);
    this.#reporting.restore(
      notifications,
      (shortServerId) => this.#procedures.find(({ settings }) => settings.shortServerId === shortServerId)?.settings,
    );
    for (const action of afterwards) action();
  }

  #buildProcedure(
    account: ResolvedAccount,
    lwm2mVersion: LwM2mVersion,
    announcement: () => Announcement,
  ): RegistrationProcedure {
    const address = addressOf(account);
    if (this.#servers.some((other) => other.address.host === address.host && other.address.port === address.port))
      throw new UsageError(`two servers have the address of ${account.uri}`);
    const server = new ServerPeer(this.#driver, address, connectOptions(account), (peer, previous) => {
      if (previous !== undefined) {
        previous.context = undefined;
        this.#byPeer.delete(previous);
      }
      // `procedure` does not exist yet for the first one.
      if (previous !== undefined) this.#assign(peer, procedure);
    });
    this.#servers.push(server);
    const settings = new ServerSettings(account, server, this.#tree);
    const version = commonVersion(settings.serverVersions, lwm2mVersion);
    const procedure = new RegistrationProcedure(this.#driver, settings, version, announcement, {
      registered: (registration) => {
        this.#reporting.endAll(settings, 'storing');
        this.#announce('registered', registration);
        this.#order.registered(procedure);
      },
      updated: (registration) => {
        this.#reporting.reachableAgain(settings);
        this.#announce('updated', registration);
      },
      lost: (registration) => {
        this.#reporting.endAll(settings, 'storing');
        this.#announce('lost', registration);
      },
      deregistered: (registration) => {
        this.#reporting.endAll(settings, this.#closing === undefined ? 'storing' : 'forgetting');
        this.#announce('deregistered', registration);
      },
      registrationFailed: (failure) => {
        this.#announce('registrationFailed', failure);
        if (failure.final) this.#order.failed(procedure);
      },
      stateChanged: () => this.#handleStateChange(procedure),
      sending: () => this.#stayAwake(),
    });
    this.#assign(server.current, procedure);
    return procedure;
  }

  #assign(peer: Peer, procedure: RegistrationProcedure): void {
    // Held here, so the transport must not forget it.
    peer.context = procedure;
    this.#byPeer.set(peer, procedure);
  }

  #nextDeadline(): number {
    let deadline = Math.min(
      this.#reporting.nextDeadline(),
      this.#awake?.nextDeadline() ?? Infinity,
      this.#state?.nextDeadline() ?? Infinity,
    );
    for (const procedure of this.#procedures) deadline = Math.min(deadline, procedure.nextDeadline());
    return deadline;
  }

  #handleTimeout(now: number): void {
    for (const procedure of this.#procedures) {
      if (procedure.nextDeadline() <= now) procedure.handle({ kind: 'deadline' });
    }
    this.#reporting.handleTimeout(now);
    this.#state?.handleTimeout(now);
    if (this.#awake === undefined || this.#awake.nextDeadline() > now) return;
    // An answer that is waited for will be heard.
    const isWaiting = this.#sending.size > 0 || this.#procedures.some(({ isWaitingForAnswer }) => isWaitingForAnswer);
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
        if (this.#sending.handleResponse(event.exchange, event.response)) return;
        for (const procedure of this.#procedures) {
          if (procedure.handleResponse(event.exchange, event.response)) return;
        }
        return;
      case 'failed':
        if (this.#sending.handleFailure(event.exchange, event.reason)) return;
        for (const procedure of this.#procedures) if (procedure.handleFailure(event.exchange, event.reason)) return;
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
    for (const [index, server] of this.#servers.entries()) {
      const procedure = this.#procedures[index]!;
      const hasEnded = server.handle(event);
      if (event.kind === 'refused' && event.peer === server.current) this.#keepAlert(procedure, event.refusal);
      // The registration stands: an Update over a new association tells the server where the client is now.
      if (hasEnded && this.#closing === undefined) procedure.handle({ kind: 'updateWanted' });
    }
  }

  /** /1/x/11: the last alert, for whoever looks into why a server is not reached. */
  #keepAlert({ settings: { objectInstanceId } }: RegistrationProcedure, refusal: Refusal): void {
    const alert = alertOf(refusal);
    const path = `/1/${objectInstanceId}/${SERVER_RESOURCES.alertCode}`;
    const definition = this.#tree.definitions.resource(1, SERVER_RESOURCES.alertCode);
    // Object 1 of LwM2M 1.0 does not have it.
    if (alert !== undefined && definition !== undefined) this.#tree.set(path, alert.number);
  }

  #handleRequest(request: IncomingRequest): void {
    const procedure = this.#byPeer.get(request.peer);
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
      if (isAccess) for (const { settings } of this.#procedures) this.#reporting.rightsChanged(settings);
      for (const path of paths) if (path.kind === 'resource' && path.objectId === 1) this.#handleServerChange(path);
    });
  }

  /** A value of the Server Object changed that a procedure must act on. */
  #handleServerChange(path: Path & { readonly kind: 'resource' }): void {
    const procedure = this.#procedures.find(({ settings }) => settings.objectInstanceId === path.objectInstanceId);
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
      for (const procedure of this.#procedures) procedure.handle({ kind: 'updateWanted' });
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

  #chosen(shortServerId: number | undefined): readonly RegistrationProcedure[] {
    if (shortServerId === undefined) return this.#procedures;
    const chosen = this.#procedures.filter(({ settings }) => settings.shortServerId === shortServerId);
    if (chosen.length === 0) throw new UsageError(`no server has the Short Server ID ${shortServerId}`);
    return chosen;
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  async #close(): Promise<void> {
    const closed = (): boolean => this.#procedures.every(({ state }) => state.kind === 'closed');
    // Observations end with the registrations: what is stored for them is saved before it is forgotten.
    for (const { settings } of this.#procedures) this.#reporting.endAll(settings, 'storing');
    this.#state?.finish();
    this.#driver.turn(() => {
      for (const procedure of this.#procedures) procedure.handle({ kind: 'close' });
    });
    if (!closed()) {
      await new Promise<void>((resolve) => {
        this.#allClosed = (): void => {
          if (closed()) resolve();
        };
      });
    }
    for (const { settings } of this.#procedures) this.#reporting.endAll(settings, 'forgetting');
    this.#driver.turn((now, out) => {
      for (const { settings } of this.#procedures) {
        this.#driver.endpoint.forgetPeer(now, settings.peer, out);
        settings.peer.context = undefined;
        settings.drop();
      }
    });
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
