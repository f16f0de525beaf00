/**
 * The LwM2M Bootstrap-Server: requests of devices become sessions, and sessions end with a named outcome.
 * OMA TS Core §6.1, Transport §6.4.2.
 *
 * | request       | accepted                   | refused                                                                |
 * |---------------|----------------------------|------------------------------------------------------------------------|
 * | POST /bs      | 2.04, then the operations  | 4.00 parameters, identity or unknown, 4.15 `pct`, 5.03 full            |
 * | GET /bspack   | 2.05 with everything       | as above, 4.06 Accept, 4.04 and 4.05 no packs: the device asks /bs then |
 *
 * The Endpoint Client Name is compared with what the DTLS association has proven, as the LwM2M Server does.
 */
import { EventEmitter } from 'node:events';
import {
  buildOptions,
  Codes,
  formatCode,
  OperationFailed,
  readOptions,
  UsageError,
  type CoapEvent,
  type IncomingRequest,
  type Peer,
} from '@lapwing/coap';
import {
  bootstrapRequest,
  encodePayload,
  isMalformed,
  ObjectDefinitions,
  ROOT,
  type DefinitionLookup,
} from '@lapwing/lwm2m';
import {
  Admissions,
  AssociationControl,
  MemorySecurityStore,
  SecurityAdministration,
  serveOver,
  type Admission,
  type ListeningOptions,
  type SecurityListener,
  type SecurityStore,
} from '@lapwing/server';
import { isSecure, type Driver, type PeerAddress, type TimedLayer } from '@lapwing/transport';
import type {
  BootstrapOutcome,
  BootstrapRefusal,
  BootstrapServerEvents,
  BootstrapSession,
  PreviewedOperation,
  PreviewOptions,
  SessionQuery,
} from './api.ts';
import { withUris } from './account-uris.ts';
import type { BootstrapConfiguration } from './configuration.ts';
import { ConfigurationAdministration } from './configuration-administration.ts';
import { MemoryConfigurationStore, type ConfigurationStore } from './configuration-store.ts';
import { PACK_FORMATS } from './content-formats.ts';
import { makeProofs, type CertificateIssuer, type CredentialTarget } from './credentials.ts';
import { reportBootstrapError, reportBootstrapRefusal } from './diagnostics.ts';
import { DEFAULT_BOOTSTRAP_SERVER_PARAMETERS, type BootstrapServerParameters } from './parameters.ts';
import { knowsOwnAccount, planOf } from './plan.ts';
import { previewOf } from './preview.ts';
import { Refusals, type ShownRefusal } from './refusals.ts';
import {
  answerElsewhere,
  CHANGED,
  NO_PACK_FOR_IT,
  OWN_ACCOUNT_UNKNOWN,
  NO_PACKS_HERE,
  OVERLOADED,
  readAsked,
  refusal,
  respond,
  type Asked,
  type RefusedWith,
} from './requests.ts';
import { exchangeAll, putBack, Session, type SessionOwner, type SessionStart } from './session.ts';
import { Sessions } from './sessions.ts';

export interface BootstrapServerOptions {
  /** What devices are given; default: nothing, so that all are refused. */
  readonly configurationStore?: ConfigurationStore;
  /** Who may come over coaps, and as whom; default: nobody. Names in it may not come over coap. */
  readonly securityStore?: SecurityStore;
  /** The LwM2M Servers that take credentials made here, as `{ security: lwm2mServer.security }`. */
  readonly lwm2mServers?: readonly CredentialTarget[];
  /** Signs certificates made for devices, see `certificateAuthority`; default: none are made. */
  readonly certificateIssuer?: CertificateIssuer;
  /** Where definitions of Objects come from; default: the OMA registry. */
  readonly definitions?: DefinitionLookup;
  /** What accounts with this Bootstrap-Server say of it, when they do not say it themselves. */
  readonly own?: Pick<CredentialTarget, 'publicKey' | 'certificate' | 'uri'>;
  readonly parameters?: Partial<BootstrapServerParameters>;
}

export interface BootstrapServerStartOptions extends BootstrapServerOptions, Partial<ListeningOptions> {}

/** What is held now. */
export interface BootstrapServerUsage {
  readonly sessions: number;
  /** Sessions that have ended and are still shown. */
  readonly endedSessions: number;
  readonly deadlines: number;
  /** Requests of devices that wait for a store. */
  readonly pendingRequests: number;
}

export interface BootstrapServerCounters {
  /** Sessions that began, and how they ended. */
  readonly started: number;
  readonly ended: Readonly<Partial<Record<BootstrapOutcome['kind'], number>>>;
  readonly refused: number;
  /** Requests that got no answer because too many were refused, see `maxRefusalsPerSecond`. */
  readonly unanswered: number;
}

export class LwM2mBootstrapServer extends EventEmitter<BootstrapServerEvents> implements AsyncDisposable {
  readonly drivers: readonly Driver[];
  readonly definitions: DefinitionLookup;
  readonly parameters: BootstrapServerParameters;
  /** What devices are given. */
  readonly configurations: ConfigurationAdministration;
  /** The credentials that devices have for this server. */
  readonly security: SecurityAdministration;
  readonly #store: ConfigurationStore;
  readonly #admissions: Admissions;
  readonly #owner: SessionOwner;
  readonly #sessions: Sessions;
  readonly #refusals: Refusals;
  readonly #timer: TimedLayer;
  readonly #ended: Partial<Record<BootstrapOutcome['kind'], number>> = {};
  #lastSessionId = 0;
  #started = 0;
  #refused = 0;
  #pending = 0;
  #closed: Promise<void> | undefined;

  /**
   * Bind the sockets and serve.
   *
   * Rejects with OperationFailed 'PORT_IN_USE', 'PERMISSION_DENIED' or 'BIND_FAILED', and then nothing stays bound.
   */
  static start(options: BootstrapServerStartOptions): Promise<LwM2mBootstrapServer> {
    return serveOver({ coap: [], ...options }, (drivers) => {
      const { certificate, rawPublicKey } = options.coaps?.credentials ?? {};
      const own = {
        ...(certificate?.chain[0] === undefined ? {} : { certificate: certificate.chain[0] }),
        ...(rawPublicKey === undefined ? {} : { publicKey: rawPublicKey.publicKey }),
      };
      return new LwM2mBootstrapServer({ drivers, own, ...options });
    });
  }

  /** A Bootstrap-Server over drivers that are open already; `close` closes them. */
  constructor({
    drivers,
    configurationStore = new MemoryConfigurationStore(),
    securityStore = new MemorySecurityStore(),
    lwm2mServers = [],
    certificateIssuer,
    definitions = new ObjectDefinitions(),
    own = {},
    parameters = {},
  }: BootstrapServerOptions & { readonly drivers: readonly Driver[] }) {
    super();
    this.drivers = drivers;
    this.definitions = definitions;
    this.parameters = { ...DEFAULT_BOOTSTRAP_SERVER_PARAMETERS, ...parameters };
    this.#store = configurationStore;
    this.#sessions = new Sessions(this.parameters);
    this.#refusals = new Refusals(this.parameters);
    this.#admissions = new Admissions(securityStore, this.parameters);
    const associations = new AssociationControl(drivers.filter(isSecure), this.#admissions, {
      refused: (refusal) => this.#tell('handshakeRefused', refusal),
      // Sessions follow their peer, and end with their association.
      moved: () => undefined,
      expelled: () => undefined,
      failed: reportBootstrapError,
    });
    this.security = new SecurityAdministration(securityStore, {
      taken: (entry) => associations.end(entry),
      given: ({ endpointClientName }) => {
        const session = this.#sessions.byName(endpointClientName);
        // It must prove itself from now on.
        if (this.parameters.refuseDowngrade && session?.security.kind === 'none') session.stop({ kind: 'cancelled' });
      },
    });
    const sources = {
      targets: lwm2mServers,
      // A session goes on over the association that the old credentials have opened.
      own: { ...own, security: new SecurityAdministration(securityStore, NOBODY_LISTENS) },
      issuer: certificateIssuer,
    };
    this.configurations = new ConfigurationAdministration(configurationStore, {
      definitions,
      parameters: this.parameters,
      sources,
    });
    this.#owner = {
      definitions,
      parameters: this.parameters,
      sources,
      progressed: (session, entry) => this.#tell('sessionProgress', session, entry),
      contentRead: (session, path, entries) => this.#tell('contentRead', session, path, entries),
      ended: (session, outcome) => {
        this.#sessions.remove(session);
        this.#ended[outcome.kind] = (this.#ended[outcome.kind] ?? 0) + 1;
        this.#tell('sessionEnded', session, outcome);
      },
    };
    this.#timer = {
      nextDeadline: () => this.#sessions.deadlines.next(),
      handleTimeout: (now) => {
        for (let due = this.#sessions.deadlines.takeDue(now); due; due = this.#sessions.deadlines.takeDue(now))
          due.stop({ kind: 'timeout', operation: undefined, path: undefined });
      },
    };
    for (const driver of drivers) driver.onEvent = (event): void => this.#handle(driver, event);
    // Whichever driver's turn brings the next deadline forward must see it.
    for (const driver of drivers) driver.attach(this.#timer);
  }

  /** What is held now, for metrics and for tests that nothing is left over. */
  get usage(): BootstrapServerUsage {
    return {
      sessions: this.#sessions.running,
      endedSessions: this.#sessions.ended,
      deadlines: this.#sessions.deadlines.size,
      pendingRequests: this.#pending,
    };
  }

  /** What was counted since the beginning. */
  get counters(): BootstrapServerCounters {
    return {
      started: this.#started,
      ended: { ...this.#ended },
      refused: this.#refused,
      unanswered: this.#refusals.unanswered,
    };
  }

  /** The running session of a device. */
  session(endpointClientName: string): BootstrapSession | undefined {
    return this.#sessions.byName(endpointClientName);
  }

  /** Sessions that run and the newest that have ended, the newest first. */
  sessions(query: SessionQuery = {}): readonly BootstrapSession[] {
    return this.#sessions.list(query);
  }

  /** The newest refusals, the newest first. */
  refusals(limit = 100): readonly ShownRefusal[] {
    return this.#refusals.list(limit);
  }

  /** End the running session of a device. False when there is none. */
  cancel(endpointClientName: string): boolean {
    const session = this.#sessions.byName(endpointClientName);
    session?.stop({ kind: 'cancelled' });
    return session !== undefined;
  }

  /**
   * What a device would be asked, in order, without a device; undefined when it would be refused because there is no
   * configuration for it. Nothing secret is in it.
   *
   * Rejects with UsageError when the configuration cannot be given to a device.
   */
  async preview(
    endpointClientName: string,
    options: PreviewOptions = {},
  ): Promise<readonly PreviewedOperation[] | undefined> {
    const { configuration: given, ...how } = options;
    if (given !== undefined) this.configurations.check(given, endpointClientName);
    const configuration =
      given === undefined
        ? (await this.#configurationOf(endpointClientName))?.configuration
        : await withUris(given, this.#owner.sources, undefined);
    return configuration === undefined
      ? undefined
      : previewOf(configuration, endpointClientName, how, this.#owner.sources, this.definitions);
  }

  /**
   * Bootstrap a device of LwM2M 1.0 that has not asked, at an address that is known. OMA TS 1.0 §5.1.2.4.
   *
   * Rejects with OperationFailed 'NO_CONFIGURATION', 'TOO_MANY' or 'CLOSED', with UsageError without a driver of plain
   * coap. The outcome is that of the session.
   */
  async bootstrapNow(endpointClientName: string, address: PeerAddress): Promise<BootstrapSession> {
    const driver = this.drivers.find((each) => !isSecure(each) && isOfFamily(each, address));
    if (driver === undefined) throw new UsageError('a device that has not asked is reached over plain coap only');
    const found = await this.#configurationOf(endpointClientName, address);
    if (this.#closed !== undefined) throw new OperationFailed('CLOSED', 'the server was closed', { retryable: false });
    if (found === undefined || found.configuration.secureOnly === true)
      throw new OperationFailed('NO_CONFIGURATION', `there is none for "${endpointClientName}" over plain coap`, {
        retryable: false,
      });
    const peer = driver.peer(address);
    if (!this.#sessions.hasRoomFor(endpointClientName, peer))
      throw new OperationFailed('TOO_MANY', 'as many sessions as allowed are running', { retryable: true });
    return driver.turn((now) =>
      this.#begin(now, found.configuration, {
        ...this.#startOf(endpointClientName, driver, peer, found.isDefault),
        origin: 'server',
      }),
    );
  }

  /** Stop serving. Sessions that run end with 'server-closed'. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    for (const session of [...this.#sessions.all()]) session.stop({ kind: 'server-closed' });
    for (const driver of this.drivers) driver.detach(this.#timer);
    await Promise.all(this.drivers.map((driver) => driver.close()));
  }

  #handle(driver: Driver, event: CoapEvent): void {
    switch (event.kind) {
      case 'request':
        return this.#handleRequest(driver, event.request);
      case 'response':
        return (event.exchange.context as Session | undefined)?.onResponse(event.response, event.exchange);
      case 'failed':
        return (event.exchange.context as Session | undefined)?.onFailure(event.reason, event.exchange);
      default:
      // Nothing here is observed or streamed.
    }
  }

  #handleRequest(driver: Driver, request: IncomingRequest): void {
    const segments = readOptions(request.options, 'uriPath').filter((segment) => segment !== '');
    const operation = bootstrapRequest(request.code, segments);
    if (operation === undefined) return respond(driver, request, answerElsewhere(request, segments));
    if (operation === 'pack' && !this.parameters.packs) return this.#refuse(driver, request, operation, NO_PACKS_HERE);
    const asked = readAsked(operation, request);
    if ('kind' in asked) return this.#refuse(driver, request, operation, asked);
    this.#pending++;
    this.#serve(driver, request, asked)
      .catch((error: unknown) => {
        reportBootstrapError(error);
        this.#refuse(driver, request, operation, {
          kind: 'unusable',
          code: Codes.internalServerError,
          reason: error instanceof UsageError ? error.message : 'the configuration could not be looked up',
          endpointClientName: asked.endpointClientName,
        });
      })
      .finally(() => this.#pending--);
  }

  async #serve(driver: Driver, request: IncomingRequest, asked: Asked): Promise<void> {
    const peer = request.peer as Peer<PeerAddress>;
    const refuse = (refused: RefusedWith): void =>
      this.#refuse(driver, request, asked.operation, { endpointClientName: asked.endpointClientName, ...refused });
    const admission = await this.#admit(driver, peer, asked.endpointClientName);
    if (admission.kind === 'refused')
      return refuse({ kind: 'identity', code: Codes.badRequest, reason: admission.reason });
    const { endpointClientName } = admission;
    const found = await this.#configurationOf(endpointClientName, peer.address);
    if (this.#closed !== undefined) return;
    if (found === undefined)
      return refuse({
        kind: 'unknown-endpoint',
        code: Codes.badRequest,
        reason: `there is no configuration for "${endpointClientName}"`,
        endpointClientName,
      });
    const { configuration } = found;
    if (configuration.secureOnly === true && peer.security.kind === 'none')
      return refuse({
        kind: 'identity',
        code: Codes.badRequest,
        reason: `"${endpointClientName}" must come over coaps`,
      });
    if (!this.#sessions.hasRoomFor(endpointClientName, peer)) return refuse(OVERLOADED);
    const start: SessionStart = {
      ...this.#startOf(endpointClientName, driver, peer, found.isDefault),
      origin: asked.operation,
      preferredContentFormat: asked.preferredContentFormat,
      additional: asked.additional,
    };
    if (asked.operation === 'pack') {
      const refused = await this.#givePack(request, configuration, asked, start);
      if (refused !== undefined) refuse(refused);
      return;
    }
    driver.turn((now) => {
      respond(driver, request, CHANGED);
      this.#begin(now, configuration, start);
    });
  }

  /** Inside a turn. */
  #begin(now: number, configuration: BootstrapConfiguration, start: SessionStart): Session {
    this.#replace(start);
    const session = new Session(this.#owner, start, configuration);
    this.#started++;
    this.#sessions.add(session, now);
    this.#tell('sessionStarted', session);
    if (start.origin === 'request') session.note('request', '/bs', {});
    session.begin();
    return session;
  }

  #replace({ endpointClientName, peer }: SessionStart): void {
    this.#sessions.byName(endpointClientName)?.stop({ kind: 'replaced' });
    this.#sessions.byPeer(peer)?.stop({ kind: 'replaced' });
  }

  async #givePack(
    request: IncomingRequest,
    configuration: BootstrapConfiguration,
    { account, accept = PACK_FORMATS[0]! }: Asked,
    start: SessionStart,
  ): Promise<RefusedWith | undefined> {
    const { definitions, parameters, sources } = this.#owner;
    if (configuration.pack === false) return NO_PACK_FOR_IT;
    if (!PACK_FORMATS.includes(accept))
      return {
        kind: 'content-format',
        code: Codes.notAcceptable,
        reason: `a Bootstrap-Pack has one of the Content-Formats ${PACK_FORMATS.join(', ')}, not ${accept}`,
      };
    if (!knowsOwnAccount(configuration, account)) return OWN_ACCOUNT_UNKNOWN;
    const unusable = (reason: string): RefusedWith => ({ kind: 'unusable', code: Codes.methodNotAllowed, reason });
    const { proofs, made } = await makeProofs(configuration, start.endpointClientName, sources);
    const plan = planOf(
      configuration,
      proofs,
      { nodes: undefined, lwm2mVersion: '1.2', ...(account.length === 0 ? {} : { account }) },
      definitions,
    );
    if (isMalformed(plan)) return unusable(plan.malformed);
    const entries = plan.writes.flatMap((write) => write.entries);
    const payload = encodePayload(accept, entries, { path: ROOT, definitions });
    if (isMalformed(payload)) return unusable(payload.malformed);
    if (payload.length > parameters.maxPayloadBytes)
      return unusable(`it takes ${payload.length} bytes; ${parameters.maxPayloadBytes} are allowed`);
    const undo: (() => unknown)[] = [];
    const failed = await exchangeAll(made, undo, () => this.#closed === undefined);
    if (failed !== undefined) {
      await putBack(undo);
      return unusable(failed);
    }
    const { driver } = start;
    driver.turn(() => {
      respond(driver, request, {
        code: Codes.content,
        options: buildOptions({ contentFormat: accept }),
        payload,
      });
      this.#replace(start);
      const session = new Session(this.#owner, start, undefined);
      this.#started++;
      this.#tell('sessionStarted', session);
      session.note('pack', '/bspack', { result: '2.05', contentFormat: accept, bytes: payload.length });
      session.complete({ kind: 'pack-sent' });
    });
    return undefined;
  }

  #startOf(endpointClientName: string, driver: Driver, peer: Peer<PeerAddress>, isDefault: boolean): SessionStart {
    return {
      sessionId: String(++this.#lastSessionId),
      endpointClientName,
      origin: 'request',
      driver,
      peer,
      preferredContentFormat: undefined,
      additional: NO_PARAMETERS,
      isDefaultConfiguration: isDefault,
    };
  }

  /** @param device  where it is; undefined: nowhere yet. */
  async #configurationOf(
    endpointClientName: string,
    device?: PeerAddress,
  ): Promise<{ readonly configuration: BootstrapConfiguration; readonly isDefault: boolean } | undefined> {
    const own = await this.#store.find(endpointClientName);
    const stored = own ?? (await this.#store.findDefault());
    if (stored === undefined) return undefined;
    return { configuration: await withUris(stored, this.#owner.sources, device), isDefault: own === undefined };
  }

  async #admit(driver: Driver, peer: Peer<PeerAddress>, name: string | undefined): Promise<Admission> {
    if (!isSecure(driver)) {
      const current = name === undefined ? undefined : this.#sessions.byName(name);
      return this.#admissions.ofPlain(name, current?.security);
    }
    const principal = driver.association(peer)?.principal;
    if (principal === undefined)
      return { kind: 'refused', code: Codes.badRequest, reason: 'the DTLS association has ended' };
    return this.#admissions.ofSecure(principal, name);
  }

  #refuse(
    driver: Driver,
    request: IncomingRequest,
    operation: BootstrapRefusal['operation'],
    { code, kind, reason, endpointClientName }: RefusedWith,
  ): void {
    this.#refused++;
    if (!this.#refusals.isAnswered(driver.now())) {
      driver.turn((now) => driver.endpoint.postpone(now, request));
      return;
    }
    respond(driver, request, refusal(code, reason));
    const refused: BootstrapRefusal = {
      peer: request.peer as Peer<PeerAddress>,
      endpointClientName,
      operation,
      kind,
      code: formatCode(code),
      reason,
    };
    this.#refusals.show(refused, driver.unixTime());
    reportBootstrapRefusal(refused);
    this.#tell('refused', refused);
  }

  /** Call every listener, whatever the others do: what one throws or rejects with is reported and stops nothing. */
  #tell<Name extends keyof BootstrapServerEvents>(name: Name, ...args: BootstrapServerEvents[Name]): void {
    if (this.listenerCount(name) === 0) return;
    for (const listener of this.rawListeners(name)) {
      try {
        const result: unknown = Reflect.apply(listener, this, args);
        if (result instanceof Promise) result.catch(reportBootstrapError);
      } catch (error) {
        reportBootstrapError(error);
      }
    }
  }
}

const NOBODY_LISTENS: SecurityListener = { taken: () => undefined, given: () => undefined };

const NO_PARAMETERS: Readonly<Record<string, string>> = Object.freeze({});
const isOfFamily = ({ localAddress }: Driver, { host }: PeerAddress): boolean =>
  localAddress.host.includes(':') === host.includes(':');
