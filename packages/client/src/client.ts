/**
 * An LwM2M Client: registers with its servers and keeps the registrations alive, answers what they ask of its Objects,
 * tells them what they observe. OMA TS Core 1.0 to 1.2, over UDP or DTLS.
 *
 * One driver, so one socket, per client. Everything enters through `driver.turn`, and the client is the one timed layer
 * above CoAP: registrations and observations share the driver's one timer.
 */
import { EventEmitter } from 'node:events';
import { Codes, OperationFailed, UsageError } from '@lapwing/coap';
import type { CoapEvent, IncomingRequest } from '@lapwing/coap';
import { formatPath, isMalformed, parsePath, ROOT } from '@lapwing/lwm2m';
import type { NodeEntry, Path } from '@lapwing/lwm2m';
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
import { bootstrapParameters } from './bootstrap/bootstrap-parameters.ts';
import { Bootstrapping } from './bootstrap/bootstrapping.ts';
import type { BootstrappingHost } from './bootstrap/bootstrapping.ts';
import { GivenAccounts } from './bootstrap/given-accounts.ts';
import { SERVER_OBJECT } from './bootstrap/security-account.ts';
import { SmartcardAccounts } from './bootstrap/smartcard-accounts.ts';
import type { SmartcardContext } from './bootstrap/smartcard-accounts.ts';
import { accountsInTree } from './bootstrap/tree-accounts.ts';
import type { TreeAccounts } from './bootstrap/tree-accounts.ts';
import { checkOptions, checkSchemes, locationOf } from './client-options.ts';
import { captureState, readState, restoreAttributes } from './client-state.ts';
import type { ClientState } from './client-state.ts';
import type { KeptAt, ObjectInstanceContent, SettableAt, TreeAccess } from './client-object.ts';
import { buildTree } from './client-tree.ts';
import { reportClientError } from './diagnostics.ts';
import { DeviceManagement } from './device-management.ts';
import { EarlyRequests } from './early-requests.ts';
import type { ObjectTree, TreeListener } from './object-tree.ts';
import { SERVER_RESOURCES, serverHandlers } from './objects/server.ts';
import type { ServerActions } from './objects/server.ts';
import { carriesTime, PayloadFormat } from './payload-format.ts';
import { isRefusal, OperationRefused, type HandlerFailed } from './refusal.ts';
import { openDriver } from './open-driver.ts';
import type { RegistrationProcedure } from './registration-procedure.ts';
import { Reporting } from './reporting.ts';
import type { ReportingSource } from './reporting.ts';
import { bootstrappingError, offlineError, sendFormat, Sending } from './sending.ts';
import { DEFAULT_NOTIFICATION_STORAGE } from './stored-notifications.ts';
import {
  captureAccounts,
  hasAccounts,
  restoreAccounts,
  restoreObjects,
  restoreServers,
  urgencyOf,
} from './saved-objects.ts';
import { resolveAccounts, resolveBootstrapAccount } from './server-account.ts';
import type { ResolvedAccount, ServerSettings } from './server-account.ts';
import type { ServerLocation } from './server-peer.ts';
import { Servers } from './servers.ts';
import type { ServersListener } from './servers.ts';
import { StateKeeper } from './state-keeper.ts';

/** ms. RFC 7252 §4.8.2. */
const MAX_TRANSMIT_WAIT = 93_000;

/** The accounts may become others than those of the options. */
const mayBootstrap = ({ bootstrapServer, smartcard }: ClientOptions): boolean =>
  bootstrapServer !== undefined || smartcard !== undefined;

/** The handlers of account Objects, which neither a Bootstrap-Server nor a state can bring. */
const completing =
  (serverActions: ServerActions) =>
  (objectId: number): ObjectInstanceContent =>
    objectId === SERVER_OBJECT ? serverHandlers(serverActions) : {};

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
  /** Undefined for a client that knows no Bootstrap-Server. */
  readonly #bootstrapping: Bootstrapping | undefined;
  readonly #smartcard: SmartcardAccounts | undefined;
  /** Of the smartcard that the accounts are of. */
  #fingerprint: string | undefined;
  readonly #awake: AwakeTime | undefined;
  #offline = false;
  #unheard = 0;
  readonly #layer: TimedLayer;
  /** Requests that came before the registration with their server was complete. */
  readonly #early = new EarlyRequests();
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
    const { driver, lookUp } = await openDriver({ ...options, mayChange: mayBootstrap(options) });
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
    const { endpointClientName, lwm2mVersion = '1.2', queueMode = false, alternatePath = '' } = options;
    checkOptions(options);
    this.endpointClientName = endpointClientName;
    this.#driver = driver;
    const accounts = resolveAccounts(options.servers);
    const bootstrapServer =
      options.bootstrapServer && resolveBootstrapAccount(options.bootstrapServer, accounts.length);
    checkSchemes([...accounts, ...(bootstrapServer === undefined ? [] : [bootstrapServer])], driver);
    this.#attributes = new AttributeStore(() => this.#handleAttributes());
    const serverActions = this.#serverActions();
    this.#tree = buildTree(options, { servers: accounts, bootstrapServer }, serverActions, this.#treeListener());
    const storage = { ...DEFAULT_NOTIFICATION_STORAGE, ...options.notificationStorage };
    if (options.stateStore !== undefined) {
      this.#state = new StateKeeper(options.stateStore, {
        capture: () => this.#bootstrapping?.stateBefore ?? this.#capture(),
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
    const locate = (account: Pick<ResolvedAccount, 'address' | 'parsedUri' | 'uri'>): ServerLocation =>
      locationOf(account, options.lookUp);
    this.#servers = new Servers(
      {
        driver,
        tree: this.#tree,
        lwm2mVersion,
        announcement,
        locate,
        isShared: (peer) => this.#bootstrapping?.procedure.isPeer(peer) === true,
      },
      this.#serversListener(),
    );
    const state = options.state && readState(options.state, this.#tree.definitions);
    if (mayBootstrap(options)) {
      const { trustAnchors = [] } = options;
      const complete = completing(serverActions);
      const factory = captureAccounts(this.#tree);
      if (state !== undefined) restoreAccounts(this.#tree, state.objects, complete);
      // What is wrong with the options is said at once; what is in the tree may come from elsewhere.
      for (const account of accounts) locate(account);
      const given = new GivenAccounts(accounts, bootstrapServer);
      const accountsNow = (): TreeAccounts => accountsInTree(this.#tree, driver, given, trustAnchors, locate);
      const context: SmartcardContext = {
        tree: this.#tree,
        formats: new PayloadFormat(this.#tree, ''),
        lwm2mVersion,
        bootstrapAccount: undefined,
        trustAnchors,
        given,
        complete,
        contextOf: this.#management.contextOf(undefined, []),
      };
      const bootstrapping = new Bootstrapping(
        {
          ...context,
          driver,
          endpointClientName: options.nameFromCredentials === true ? undefined : endpointClientName,
          // What the options say of where it is holds for the account that they give.
          locate: (account) =>
            locate(bootstrapServer !== undefined && account.uri === bootstrapServer.uri ? bootstrapServer : account),
          obstacles: () => {
            const { accounts: usable, unusable } = accountsNow();
            return usable.length > 0 ? [] : unusable;
          },
          maySend: () => !this.#offline,
          isServer: (peer) => this.#servers.procedureOf(peer) !== undefined,
          ...bootstrapParameters(options.bootstrap, lwm2mVersion),
        },
        this.#attributes,
        this.#bootstrappingHost(accountsNow),
      );
      this.#bootstrapping = bootstrapping;
      this.#fingerprint = state?.smartcard;
      if (options.smartcard !== undefined) {
        this.#smartcard = new SmartcardAccounts(options.smartcard, context, this.#fingerprint, {
          reconfigure: (change) => bootstrapping.reconfigure(change),
          restoreFactory: () => void restoreAccounts(this.#tree, factory, complete),
          now: () => driver.now(),
          fingerprintChanged: (fingerprint) => (this.#fingerprint = fingerprint),
          failed: (reason, cause) => this.#announce('smartcardFailed', { reason, cause }),
        });
      }
      const { accounts: known } = accountsNow();
      this.#servers.replace(known);
      if (known.length > 0) this.#bootstrapping.resumed(driver.now());
    } else {
      this.#servers.replace(accounts);
    }
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
    if (state !== undefined) this.#restore(state);
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
   * their priorities say (/1/x/13), or with one at once. A client without a server bootstraps instead, after the hold-off
   * time (/0/x/11).
   */
  register(shortServerId?: number): void {
    this.#checkOpen();
    if (shortServerId === undefined) return this.#driver.turn(() => this.#begin());
    for (const procedure of this.#servers.chosen(shortServerId)) procedure.handle({ kind: 'begin' });
  }

  #begin(): void {
    if (this.#smartcard === undefined) return this.#beginNow();
    // What the card changes begins by itself.
    void this.#smartcard.check().then((hasChanged) => {
      if (!hasChanged && this.#closing === undefined) this.#driver.turn(() => this.#beginNow());
    });
  }

  #beginNow(): void {
    if (this.#servers.procedures.length > 0) this.#servers.begin();
    else if (this.#bootstrapping?.hasAccount === true && !this.#offline) this.#bootstrapping.begin('no-server');
  }

  /**
   * Ask the Bootstrap-Server for a configuration now. Registrations rest meanwhile; they are begun anew when it has
   * finished, and go on as they were when it fails.
   *
   * @throws UsageError for a client without a Bootstrap-Server, or one that is offline.
   */
  bootstrap(): void {
    this.#checkOpen();
    if (this.#bootstrapping === undefined) throw new UsageError('this client has no Bootstrap-Server');
    if (this.#offline) throw new UsageError('this client is offline');
    this.#bootstrapping.begin('application');
  }

  /** A bootstrap is under way: servers are not answered. */
  get isBootstrapping(): boolean {
    return this.#bootstrapping?.isConfiguring === true;
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
    this.#driver.turn(() => {
      this.#bootstrapping?.abandon();
      this.#rest();
    });
  }

  /** Nothing is sent to servers, and nothing heard of them. */
  #rest(): void {
    this.#driver.turn((now, out) => {
      for (const { settings } of this.#servers.procedures) {
        this.#reporting.withheld(this.#driver.endpoint.withhold(now, settings.peer, out));
      }
      this.#sending.rest(this.#offline ? offlineError() : bootstrappingError());
      this.#management.rest();
      for (const procedure of this.#servers.procedures) procedure.suspend();
    });
  }

  #resume(): void {
    this.#driver.turn(() => {
      for (const procedure of this.#servers.procedures) procedure.resume();
    });
  }

  /** Confirm the registrations by an Update, or begin them anew; then tell what is to be told. */
  goOnline(): void {
    this.#checkOpen();
    if (!this.#offline) return;
    this.#offline = false;
    // What a bootstrap that was given up has changed may not be put back yet: then that goes on.
    if (!this.isBootstrapping) this.#resume();
    if (this.#servers.procedures.length === 0) this.#driver.turn(() => this.#begin());
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
    const isDone = (): boolean => {
      const chosen = this.#servers.chosen(shortServerId);
      return chosen.length > 0 && !this.isBootstrapping && chosen.every(({ isRegistered }) => isRegistered);
    };
    signal?.throwIfAborted();
    this.#checkOpen();
    if (isDone()) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (end: () => void) => (): void => {
        this.off('registered', onRegistered);
        this.#waiters.delete(onClosed);
        signal?.removeEventListener('abort', onAbort);
        end();
      };
      const onRegistered = (): void => {
        if (isDone()) settle(resolve)();
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
   * Rejects with OperationFailed 'NOT_REGISTERED' or 'MUTED' when there is no such server, 'OFFLINE' or 'BOOTSTRAPPING'
   * while servers are told nothing, and when one does not answer; a server's refusal is a result.
   */
  async send(
    content: readonly (Path | string)[] | readonly NodeEntry[],
    { shortServerId, contentFormat, signal }: SendOptions = {},
  ): Promise<readonly SendResult[]> {
    this.#checkOpen();
    sendFormat(contentFormat, '1.2');
    if (this.isBootstrapping) throw bootstrappingError();
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
    if (this.isBootstrapping) throw bootstrappingError();
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

  #serverActions(): ServerActions {
    return {
      disable: (id) => {
        const procedure = this.#servers.ofObjectInstance(id);
        procedure?.handle({ kind: 'disable', seconds: procedure.settings.disableTimeoutSeconds });
      },
      update: (id) => this.#servers.ofObjectInstance(id)?.handle({ kind: 'updateWanted' }),
      bootstrap: (afterResponse) => {
        if (this.#bootstrapping === undefined) {
          throw new OperationRefused(Codes.methodNotAllowed, 'this client has no Bootstrap-Server');
        }
        this.#bootstrapping.trigger(afterResponse);
      },
    };
  }

  #treeListener(): TreeListener {
    return {
      changed: (paths) => this.#handleChanges(paths),
      removed: (path) => {
        if (!this.isBootstrapping) this.#attributes.forget(path);
      },
      instancesChanged: (path) => this.#handleInstances(path),
      hookFailed: (failure) => this.#announceFailure(failure),
      unixTime: () => this.#driver.unixTime(),
    };
  }

  #restore({ objects, attributes, notifications }: ClientState): void {
    const afterwards: (() => void)[] = [];
    if (!hasAccounts(objects)) restoreServers(objects, this.#tree);
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
        this.#bootstrapping?.registered();
        this.#announce('registered', registration);
        void this.#smartcard?.check();
      },
      updated: ({ settings }, registration) => {
        this.#reporting.reachableAgain(settings);
        this.#announce('updated', registration);
        void this.#smartcard?.check();
      },
      lost: ({ settings }, registration) => {
        this.#reporting.endAll(settings, 'storing');
        this.#announce('lost', registration);
      },
      deregistered: ({ settings }, registration) => {
        this.#reporting.endAll(settings, this.#closing === undefined ? 'storing' : 'forgetting');
        this.#announce('deregistered', registration);
      },
      registrationFailed: (procedure, failure) => {
        this.#announce('registrationFailed', failure);
        if (failure.final) this.#bootstrapping?.registrationFailed(procedure, this.#servers.procedures);
      },
      stateChanged: (procedure) => this.#handleStateChange(procedure),
      sending: () => this.#stayAwake(),
    };
  }

  #bootstrappingHost(accountsNow: () => TreeAccounts): BootstrappingHost {
    return {
      rest: () => this.#rest(),
      resume: () => {
        this.#access.changed();
        if (!this.#offline) this.#resume();
        // What the device measured meanwhile.
        this.#reporting.valuesChanged([ROOT]);
      },
      accountsChanged: () => {
        const { accounts, unusable } = accountsNow();
        for (const { settings } of this.#servers.procedures) this.#reporting.endAll(settings, 'forgetting');
        this.#early.clear();
        this.#servers.replace(accounts);
        if (this.#offline) for (const procedure of this.#servers.procedures) procedure.suspend();
        this.#access.accountsChanged();
        this.#announce('bootstrapFinished', { unusable });
        this.#beginNow();
      },
      capture: () => (this.#state === undefined ? undefined : this.#capture()),
      commit: () => this.#state?.commit(),
      active: () => this.#stayAwake(),
      started: (reason) => this.#announce('bootstrapStarted', { reason }),
      failed: (failure) => this.#announce('bootstrapFailed', failure),
      stateChanged: () => this.#state?.stateChanged(),
      handlerFailed: (failure) => this.#announceFailure(failure),
    };
  }

  #capture(): ClientState {
    const accounts = this.#bootstrapping === undefined ? 'given' : 'whole';
    const state = captureState(this.#tree, this.#attributes, this.#reporting.saved(), accounts);
    return this.#fingerprint === undefined ? state : { ...state, smartcard: this.#fingerprint };
  }

  #nextDeadline(): number {
    return Math.min(
      this.isBootstrapping ? Infinity : this.#reporting.nextDeadline(),
      this.#awake?.nextDeadline() ?? Infinity,
      this.#servers.nextDeadline(),
      this.#bootstrapping?.nextDeadline() ?? Infinity,
      this.#state?.nextDeadline() ?? Infinity,
    );
  }

  #handleTimeout(now: number): void {
    this.#servers.handleTimeout(now);
    this.#bootstrapping?.handleTimeout(now);
    if (!this.isBootstrapping) this.#reporting.handleTimeout(now);
    this.#state?.handleTimeout(now);
    if (this.#awake === undefined || this.#awake.nextDeadline() > now) return;
    // An answer that is waited for will be heard.
    const isWaiting =
      this.#bootstrapping?.isUnderWay === true ||
      this.#sending.size > 0 ||
      this.#servers.procedures.some(({ isWaitingForAnswer }) => isWaitingForAnswer);
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
        if (!this.#sending.handleResponse(event.exchange, event.response)) this.#handleOutcome(event);
        return;
      case 'failed':
        if (!this.#sending.handleFailure(event.exchange, event.reason)) this.#handleOutcome(event);
        return;
      case 'requestBlock':
        // Not heard: the upload is given up when no more of it comes.
        if (this.#offline || this.isBootstrapping) return void this.#unheard++;
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

  #handleOutcome(event: CoapEvent & { readonly kind: 'response' | 'failed' }): void {
    if (this.#bootstrapping?.handleOutcome(event) !== true) this.#servers.handleOutcome(event);
  }

  #handleAssociation(event: AssociationEvent): void {
    this.#bootstrapping?.procedure.handleAssociation(event);
    this.#servers.handleAssociation(event, this.#closing !== undefined);
  }

  #handleRequest(request: IncomingRequest): void {
    const procedure = this.#servers.procedureOf(request.peer);
    const isOfBootstrapServer = this.#bootstrapping?.procedure.isPeer(request.peer) === true;
    // While bootstrapping, servers are not heard. OMA TS Core §6.1.
    if (!this.isAwake || (this.isBootstrapping && !isOfBootstrapServer)) {
      this.#unheard++;
      return this.#driver.turn((now) => this.#driver.endpoint.postpone(now, request));
    }
    if (procedure !== undefined) this.#stayAwake();
    // One address may be both, over coap: who is registered with is the server, except while bootstrapping.
    const isOfServer = procedure?.isRegistered === true && !this.isBootstrapping;
    if (isOfBootstrapServer && !isOfServer) {
      if (this.#bootstrapping?.procedure.handleRequest(request) === true) return;
      if (procedure !== undefined) return this.#handleEarly(request, procedure);
      this.#beforeRegistration++;
      this.#ignore(request);
    } else if (procedure === undefined) {
      this.#strangers++;
      this.#ignore(request);
    } else if (procedure.isRegistered) {
      this.#answer(request, procedure);
    } else {
      this.#handleEarly(request, procedure);
    }
  }

  #handleEarly(request: IncomingRequest, procedure: RegistrationProcedure): void {
    this.#beforeRegistration++;
    if (!this.#early.wait(request, procedure)) this.#ignore(request);
  }

  #handleStateChange(procedure: RegistrationProcedure): void {
    if (procedure.state.kind === 'closed') this.#allClosed?.();
    if (procedure.state.kind === 'registering') return;
    for (const request of this.#early.take(procedure)) {
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
    const bootstrapping = this.#bootstrapping;
    if (bootstrapping?.isConfiguring === true) {
      for (const path of paths) bootstrapping.handleChange(path);
      return this.#access.changed();
    }
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
    if (this.isBootstrapping) return;
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
    this.#bootstrapping?.close();
    const cardClosed = this.#smartcard?.close();
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
    await cardClosed;
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
