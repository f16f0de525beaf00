/**
 * Runs the state machine of `bootstrap-state.ts` on a driver: asks the Bootstrap-Server, answers what it asks for, one
 * operation after the other, and says when the configuration is whole or as it was before. OMA TS Core §6.1.
 *
 * What the Bootstrap-Server changes it changes in the tree; until it has finished, the client keeps what was there (`base`).
 */
import {
  buildOptions,
  Codes,
  CONTENT_FORMATS,
  encodeUtf8,
  isSuccess,
  OperationFailed,
  readOption,
} from '@lapwing/coap';
import type { Code, CoapEvent, Exchange, IncomingRequest, IncomingResponse, Outbox, Peer } from '@lapwing/coap';
import {
  BOOTSTRAP_PACK_PATH,
  BOOTSTRAP_PATH,
  decodeBootstrapOperation,
  formatBootstrapPackQueries,
  formatBootstrapRequestQueries,
  isMalformed,
} from '@lapwing/lwm2m';
import type { BootstrapOperation, Malformed, Path } from '@lapwing/lwm2m';
import type { AssociationEvent, Driver } from '@lapwing/transport';
import type { BootstrapReason } from '../api.ts';
import { connectOptions } from '../client-options.ts';
import { describeAnswer, FAILURES } from '../describe-answer.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import { PendingLookUp } from '../pending-look-up.ts';
import { HandlerFailed, isRefusal, OperationRefused, refusal } from '../refusal.ts';
import type { Refusal } from '../refusal.ts';
import { LOOK_UP_TIMEOUT, ServerPeer } from '../server-peer.ts';
import type { ServerLocation } from '../server-peer.ts';
import { accountInstances } from './account-objects.ts';
import type { BootstrapAnswer, BootstrapContext } from './bootstrap-context.ts';
import { applyPack, performBootstrapOperation } from './bootstrap-operations.ts';
import { advanceBootstrap, bootstrapDeadline, isUnderWay } from './bootstrap-state.ts';
import type { BootstrapInput, BootstrapState, BootstrapTimes } from './bootstrap-state.ts';
import { inconsistenciesOf } from './consistency.ts';
import type { GivenAccounts } from './given-accounts.ts';
import { bootstrapServerInstancesOf, securityAccountOf } from './security-account.ts';
import type { SecurityAccount } from './security-account.ts';
import { adoptChange, restoreTree, snapshotTree } from './tree-snapshot.ts';
import type { ObjectSnapshot } from './tree-snapshot.ts';

export interface BootstrapParts extends Omit<BootstrapContext, 'bootstrapAccount'> {
  readonly driver: Driver;
  /** Undefined: the Bootstrap-Server takes the name from what this client proves. 1.1. */
  readonly endpointClientName: string | undefined;
  /** Certificates in DER that a server's path may end at. */
  readonly trustAnchors: readonly Uint8Array[];
  readonly given: GivenAccounts;
  readonly locate: (account: SecurityAccount) => ServerLocation;
  readonly times: Omit<BootstrapTimes, 'holdOff'>;
  /** Why the accounts in the tree are of no use to this client; none when one of them is. */
  readonly obstacles: () => readonly string[];
  /** Not offline. */
  readonly maySend: () => boolean;
  /** An LwM2M Server is met at this peer. */
  readonly isServer: (peer: Peer) => boolean;
  /** `pct`. 1.1. */
  readonly preferredContentFormat: number | undefined;
  /** Said in every request beyond the parameters of LwM2M. */
  readonly additionalParameters: Readonly<Record<string, string>>;
  /** A Bootstrap-Pack-Request goes first. */
  readonly wantsPack: boolean;
  /** The Bootstrap-Server may begin by itself. */
  readonly takesUnsolicited: boolean;
}

export interface BootstrapListener {
  /** The configuration is about to change: registrations are to rest. */
  begun(reason: BootstrapReason): void;
  /** The configuration is whole; when it has been kept, the Bootstrap-Server is told so. A rejection undoes it all. */
  save(): MaybePromise<void>;
  /** The Bootstrap-Server has been told. */
  finished(): void;
  /** An attempt failed; when it had changed something, that is as it was before. `retryAt`, ms; Infinity: none follows. */
  failed(reason: string, retryAt: number): void;
  /** The account of the Bootstrap-Server is gone, as /0/x/12 wanted. */
  purged(): void;
  /** Something is about to be sent, or has been received. */
  active(): void;
  handlerFailed(failure: HandlerFailed): void;
}

/** ms; RFC 7252 §4.8.2. */
export const EXCHANGE_LIFETIME = 247_000;
/** Operations that wait for the one before; a Bootstrap-Server that keeps to NSTART sends none that would. */
const MAX_WAITING = 16;
/** Characters of a diagnostic payload. */
const MAX_DIAGNOSTIC = 400;
const NO_BYTES = new Uint8Array(0);
const HAS_ENDED: Refusal = refusal(Codes.serviceUnavailable, 'the bootstrap has ended');
/** What a pack may come in. OMA TS Core 1.2 §6.1.7.8. */
const PACK_FORMAT = CONTENT_FORMATS.senmlCbor.number;

export class BootstrapProcedure {
  readonly #parts: BootstrapParts;
  readonly #driver: Driver;
  readonly #listener: BootstrapListener;
  #state: BootstrapState = { kind: 'idle' };
  /** The Bootstrap-Server while there is something to say to it, and for a while after. */
  #server: ServerPeer | undefined;
  /** Its account, at work. */
  #account: SecurityAccount | undefined;
  #exchange: Exchange | undefined;
  readonly #lookUp = new PendingLookUp();
  /** Objects as they were before the bootstrap that is under way first changed them. What else changes is the device's own. */
  #base: Map<number, ObjectSnapshot> | undefined;
  /** An operation is being carried out, and those that wait for it. */
  #isBusy = false;
  /** The tree is being changed in the name of the Bootstrap-Server. */
  #isChanging = false;
  readonly #waiting: IncomingRequest[] = [];
  /** To be done when no operation is being carried out: an attempt has failed. Until then no other begins. */
  #rollback: (() => void) | undefined;
  #beginAfterwards: BootstrapReason | undefined;
  /** Bootstraps that have finished since a server was last registered with. */
  #fruitless = 0;
  /** When the account of the Bootstrap-Server goes, and when the association with it does; ms. */
  #purgeAt = Infinity;
  #leaveAt = Infinity;
  /** What the attempt failed for. */
  #failure = '';

  constructor(parts: BootstrapParts, listener: BootstrapListener) {
    this.#parts = parts;
    this.#driver = parts.driver;
    this.#listener = listener;
    if (parts.takesUnsolicited) this.#expect();
  }

  get isUnderWay(): boolean {
    return isUnderWay(this.#state);
  }

  /** It waits to begin, or is under way. */
  get isIntended(): boolean {
    return this.#state.kind !== 'idle' && this.#state.kind !== 'closed';
  }

  /** The Security Object Instance of the Bootstrap-Server; undefined when there is none. */
  get accountInstanceId(): number | undefined {
    return bootstrapServerInstancesOf(this.#parts.tree)[0];
  }

  /** Bootstrap, now or after the hold-off time. Nothing happens without an account, or when it is under way. */
  begin(reason: BootstrapReason): void {
    if (this.#rollback !== undefined) this.#beginAfterwards = reason;
    else if (this.accountInstanceId !== undefined) this.#handle({ kind: 'begin', reason });
  }

  /** What it has brought is of use. */
  registered(): void {
    this.#fruitless = 0;
  }

  /** It is not wanted any more. */
  abandon(): void {
    this.#beginAfterwards = undefined;
    this.#failure = 'it was not wanted any more';
    this.#handle({ kind: 'abandon' });
  }

  /** Resolves when no bootstrap is under way, and nothing of the last one is to be undone. */
  async settled(): Promise<void> {
    while (this.isUnderWay || this.#rollback !== undefined) {
      await new Promise<void>((resolve) => this.#settling.push(resolve));
    }
  }
  readonly #settling: (() => void)[] = [];

  close(): void {
    this.#beginAfterwards = undefined;
    this.#failure = 'the client was closed';
    this.#handle({ kind: 'close' });
    this.#leave();
    this.#purgeAt = Infinity;
  }

  /** The configuration stands: the account that brought it goes when /0/x/12 says so. */
  armPurge(now: number): void {
    const id = this.accountInstanceId;
    const account = id === undefined ? undefined : this.#accountAt(id);
    const seconds = account === undefined || isMalformed(account) ? 0 : account.accountTimeoutSeconds;
    this.#purgeAt = seconds > 0 ? now + seconds * 1000 : Infinity;
  }

  nextDeadline(): number {
    const purgeAt = this.isIntended ? Infinity : this.#purgeAt;
    return Math.min(this.#stateDeadline(), purgeAt, this.#leaveAt, this.#lookUp.deadline);
  }

  /** An attempt does not begin before the one before it is undone. */
  #stateDeadline(): number {
    return this.#rollback === undefined ? bootstrapDeadline(this.#state) : Infinity;
  }

  handleTimeout(now: number): void {
    if (this.#lookUp.deadline <= now) this.#notLocated('the name of the Bootstrap-Server was not found in time');
    if (this.#stateDeadline() <= now) {
      const state = this.#state;
      const isEndless = state.kind === 'configuring' && state.until <= now;
      this.#failure = isEndless ? 'the Bootstrap-Server came to no end' : 'the Bootstrap-Server fell silent';
      this.#handle({ kind: 'deadline' });
    }
    if (this.#leaveAt <= now) {
      this.#leave();
      if (this.#parts.takesUnsolicited) this.#expect();
    }
    if (this.#purgeAt <= now && !this.isIntended) this.#purge();
  }

  /** Whether this is the Bootstrap-Server. */
  isPeer(peer: Peer): boolean {
    return this.#server?.current === peer;
  }

  /** A request of the Bootstrap-Server. @returns false when it has nothing to ask now. */
  handleRequest(request: IncomingRequest): boolean {
    const { kind } = this.#state;
    const isExpected = kind === 'requesting' || kind === 'configuring';
    const mayBegin = this.#parts.takesUnsolicited && (kind === 'idle' || kind === 'waiting') && !this.#isBusy;
    if (!isExpected && !mayBegin) return false;
    this.#handle({ kind: 'operation' });
    if (!this.#isBusy) this.#serve(request);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(request);
    else this.#respond(request, refusal(Codes.serviceUnavailable, 'too many operations wait'));
    return true;
  }

  /** @returns whether the exchange is this procedure's. */
  handleOutcome(event: CoapEvent & { readonly kind: 'response' | 'failed' }): boolean {
    const { exchange } = event;
    if (exchange.context !== this) return false;
    if (exchange !== this.#exchange) return true;
    this.#exchange = undefined;
    if (event.kind === 'response') {
      this.#handleResponse(event.response);
      return true;
    }
    if (event.reason === 'timeout') this.#server?.drop();
    this.#failure = this.#server?.refusal?.text ?? FAILURES[event.reason];
    this.#handle({ kind: 'failed' });
    return true;
  }

  handleAssociation(event: AssociationEvent): void {
    this.#server?.handle(event);
  }

  #handleResponse({ code, options, payload }: IncomingResponse): void {
    const state = this.#state;
    const isPack = state.kind === 'requesting' && state.pack;
    if (!isSuccess(code)) {
      this.#failure = describeAnswer(code, payload);
      return this.#handle({ kind: 'refused' });
    }
    if (!isPack) return this.#handle({ kind: 'accepted' });
    const contentFormat = readOption(options, 'contentFormat');
    if (code !== Codes.content || contentFormat === undefined) {
      this.#failure = 'the answer to the Bootstrap-Pack-Request is no pack';
      return this.#handle({ kind: 'packUnusable' });
    }
    this.keep();
    this.#carryOut(
      () => applyPack(this.#context(), contentFormat, payload),
      (answer) => this.#handlePack(answer),
    );
  }

  #handlePack(answer: BootstrapAnswer | Refusal): void {
    if (this.#state.kind !== 'requesting') return;
    const problems = isRefusal(answer) ? [answer.reason] : this.#inconsistencies();
    if (problems.length === 0) return this.#handle({ kind: 'finish' });
    this.#failure = `the pack cannot be used: ${problems.join('; ').slice(0, MAX_DIAGNOSTIC)}`;
    this.#restore();
    this.#handle({ kind: 'packUnusable' });
  }

  #restore(): void {
    const base = this.#base;
    if (base !== undefined) this.change(() => restoreTree(this.#parts.tree, base));
  }

  /** Drive the state machine; everything that may happen to a bootstrap enters here. */
  #handle(input: BootstrapInput): void {
    this.#driver.turn((now, out) => {
      const before = this.#state;
      const step = advanceBootstrap(before, input, now, this.#times(), this.#parts.wantsPack);
      if (step.state === before) return;
      this.#state = step.state;
      if (step.action !== undefined || !isUnderWay(step.state)) this.#abandonRequest(now, out);
      if (isUnderWay(step.state) && !isUnderWay(before)) this.#begun();
      const { outcome } = step;
      if (outcome?.kind === 'finished') this.#finished(now);
      else if (outcome !== undefined) this.#failed(now, outcome.retryAt);
      if (step.action === 'save') this.#save();
      else if (step.action !== undefined) this.#perform(step.action, now, out);
    });
  }

  #times(): BootstrapTimes {
    const id = this.accountInstanceId;
    const account = id === undefined ? undefined : this.#accountAt(id);
    const holdOff = account === undefined || isMalformed(account) ? 0 : account.holdOffSeconds * 1000;
    const { times } = this.#parts;
    // A configuration that led nowhere is not asked for again at once.
    const pause = this.#fruitless === 0 ? 0 : Math.min(times.maxRetry, times.retry * 2 ** (this.#fruitless - 1));
    return { ...times, holdOff: Math.max(holdOff, pause) };
  }

  #begun(): void {
    this.#leaveAt = Infinity;
    this.#base = new Map();
    const state = this.#state;
    if ('reason' in state) this.#listener.begun(state.reason);
  }

  #finished(now: number): void {
    this.#base = undefined;
    this.#fruitless++;
    // Its Finish may come again when the answer is lost.
    this.#leaveAt = now + EXCHANGE_LIFETIME;
    this.armPurge(now);
    this.#listener.finished();
    for (const resolve of this.#settling.splice(0)) resolve();
  }

  #failed(now: number, retryAt: number): void {
    const reason = this.#failure;
    this.#rollback = (): void => {
      this.#restore();
      this.#base = undefined;
      this.#listener.failed(reason, retryAt);
    };
    this.#leaveAt = this.#parts.takesUnsolicited ? Infinity : now;
    this.#answerFinish(HAS_ENDED);
    this.#dismiss();
    this.#settle();
  }

  /** What waits is not carried out any more. */
  #dismiss(): void {
    for (const request of this.#waiting.splice(0)) this.#respond(request, HAS_ENDED);
  }

  #settle(): void {
    if (this.#isBusy) return;
    const rollback = this.#rollback;
    this.#rollback = undefined;
    rollback?.();
    for (const resolve of this.#settling.splice(0)) resolve();
    const reason = this.#beginAfterwards;
    this.#beginAfterwards = undefined;
    if (reason !== undefined) this.begin(reason);
  }

  #save(): void {
    const settle = (input: BootstrapInput & { readonly kind: 'saved' | 'notSaved' }): void => {
      this.#handle(input);
    };
    const failed = (error: unknown): void => {
      this.#failure = 'the configuration could not be saved';
      this.#listener.handlerFailed(new HandlerFailed({ kind: 'root' }, 'internal', error));
      this.#answerFinish(refusal(Codes.internalServerError, this.#failure));
      settle({ kind: 'notSaved' });
    };
    const saved = (): void => {
      this.#answerFinish({ code: Codes.changed });
      settle({ kind: 'saved' });
    };
    try {
      const saving = this.#listener.save();
      if (saving instanceof Promise) saving.then(saved, failed);
      else saved();
    } catch (error) {
      failed(error);
    }
  }

  /** The Finish that is being answered; a pack has none. */
  #finish: IncomingRequest | undefined;
  #answerFinish(answer: BootstrapAnswer | Refusal): void {
    const request = this.#finish;
    this.#finish = undefined;
    if (request !== undefined) this.#respond(request, answer);
  }

  #abandonRequest(now: number, out: Outbox): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#lookUp.abandon();
    if (exchange !== undefined) this.#driver.endpoint.cancel(now, exchange, out);
  }

  #perform(action: 'request' | 'requestPack', now: number, out: Outbox): void {
    const server = this.#connect();
    if (server === undefined) return this.#handle({ kind: 'failed' });
    const locating = server.locate();
    if (locating === undefined) return this.#transmit(action, server, now, out);
    this.#lookUp.begin(
      locating,
      now + LOOK_UP_TIMEOUT,
      () => this.#driver.turn((later, outbox) => this.#transmit(action, server, later, outbox)),
      (reason) => this.#notLocated(reason),
    );
  }

  #notLocated(text: string): void {
    this.#lookUp.abandon();
    this.#failure = text;
    this.#handle({ kind: 'failed' });
  }

  /** The account of the Bootstrap-Server as it is now. */
  #accountAt(id: number): SecurityAccount | Malformed {
    const { tree, trustAnchors, given } = this.#parts;
    const account = securityAccountOf(tree, id, trustAnchors);
    const known = given.bootstrapServer(tree, id);
    if (known === undefined) return account;
    const {
      uri,
      parsedUri,
      credentials,
      serverName,
      cipherSuites,
      holdOffSeconds = 0,
      accountTimeoutSeconds = 0,
    } = known;
    const times = isMalformed(account) ? { holdOffSeconds, accountTimeoutSeconds } : account;
    return {
      ...times,
      objectInstanceId: id,
      isBootstrapServer: true,
      uri,
      parsedUri,
      shortServerId: undefined,
      credentials,
      serverName,
      cipherSuites,
    };
  }

  /** The Bootstrap-Server as its account says now; undefined when that cannot be used. */
  #connect(): ServerPeer | undefined {
    const id = this.accountInstanceId;
    const { locate, isServer } = this.#parts;
    if (id === undefined) {
      this.#failure = 'there is no account of a Bootstrap-Server';
      return undefined;
    }
    const account = this.#accountAt(id);
    if (isMalformed(account)) {
      this.#failure = account.malformed;
      return undefined;
    }
    this.#leave();
    this.#account = account;
    try {
      const changed = (peer: Peer, previous: Peer | undefined): void => {
        if (previous !== undefined) this.#release(previous);
        // Held here, so the transport must not forget it.
        peer.context ??= this;
      };
      this.#server = new ServerPeer(this.#driver, locate(account), connectOptions(account), changed, isServer);
      return this.#server;
    } catch (error) {
      // Addresses that the driver cannot reach.
      this.#failure = error instanceof Error ? error.message : String(error);
      return undefined;
    }
  }

  /** Listen to a Bootstrap-Server that may begin by itself: over coap, where its address is enough to know it. */
  #expect(): void {
    const server = this.#connect();
    void server?.locate()?.catch(() => undefined);
  }

  #transmit(action: 'request' | 'requestPack', server: ServerPeer, now: number, out: Outbox): void {
    this.#listener.active();
    try {
      const { code, options } = this.#requestOf(action);
      const request = { code, options, payload: NO_BYTES, context: this };
      this.#exchange = this.#driver.endpoint.request(now, server.reach(), request, out);
    } catch (error) {
      // The queue of requests to this server is full: as good as no answer.
      if (!(error instanceof OperationFailed)) throw error;
      this.#failure = error.message;
      this.#handle({ kind: 'failed' });
    }
  }

  #requestOf(action: 'request' | 'requestPack'): {
    readonly code: Code;
    readonly options: ReturnType<typeof buildOptions>;
  } {
    const {
      endpointClientName,
      preferredContentFormat,
      additionalParameters: additional,
      lwm2mVersion,
      tree,
    } = this.#parts;
    const { objectInstanceId, parsedUri } = this.#account!;
    if (action === 'requestPack') {
      const account = accountInstances(tree, objectInstanceId);
      const uriQuery = formatBootstrapPackQueries({ endpointClientName, account, additional });
      const uriPath = [...parsedUri.pathSegments, ...BOOTSTRAP_PACK_PATH];
      return { code: Codes.get, options: buildOptions({ uriPath, uriQuery, accept: PACK_FORMAT }) };
    }
    const pct = lwm2mVersion === '1.0' ? undefined : preferredContentFormat;
    const uriQuery = formatBootstrapRequestQueries({ endpointClientName, preferredContentFormat: pct, additional });
    const uriPath = [...parsedUri.pathSegments, ...BOOTSTRAP_PATH];
    return { code: Codes.post, options: buildOptions({ uriPath, uriQuery }) };
  }

  #context(): BootstrapContext {
    const bootstrapAccount = this.#account?.objectInstanceId;
    return { ...this.#parts, bootstrapAccount, change: (change) => this.change(change) };
  }

  #inconsistencies(): readonly string[] {
    const { tree, trustAnchors, given, obstacles } = this.#parts;
    const found = inconsistenciesOf(tree, { bootstrapAccount: this.#account?.objectInstanceId, trustAnchors, given });
    return found.length > 0 ? found : obstacles();
  }

  #serve(request: IncomingRequest): void {
    this.#listener.active();
    const operation: BootstrapOperation | Refusal = this.#decode(request);
    if (isRefusal(operation)) return this.#respond(request, operation);
    if (operation.kind === 'bootstrapFinish') return this.#serveFinish(request);
    if (operation.kind === 'bootstrapWrite' || operation.kind === 'bootstrapDelete') {
      this.keep(operation.path.kind === 'root' ? undefined : [operation.path.objectId]);
    }
    this.#carryOut(
      () => performBootstrapOperation(this.#context(), operation),
      (answer) => this.#respond(request, answer),
    );
  }

  /** Change the tree in the name of the Bootstrap-Server: it is undone when the bootstrap fails. */
  change(change: () => void): void {
    this.#isChanging = true;
    try {
      change();
    } finally {
      this.#isChanging = false;
    }
  }

  /** What the device itself changes stays when the bootstrap fails. */
  handleChange(path: Path): void {
    if (!this.#isChanging && this.#base !== undefined) adoptChange(this.#parts.tree, this.#base, path);
  }

  /** These Objects (default: all) may be changed now; those that have been kept already were changed before. */
  keep(objectIds: Iterable<number> = this.#parts.tree.objects.keys()): void {
    const base = this.#base;
    if (base === undefined) return;
    const others = [...objectIds].filter((id) => !base.has(id));
    for (const [id, instances] of snapshotTree(this.#parts.tree, others)) base.set(id, instances);
  }

  #decode(request: IncomingRequest): BootstrapOperation | Refusal {
    // Nothing that a Bootstrap-Server writes is so long that it has to come in pieces.
    if (request.streamed) return refusal(Codes.methodNotAllowed, 'not while bootstrapping');
    const operation = decodeBootstrapOperation(request);
    return operation.kind === 'refusal' ? refusal(operation.code, operation.reason) : operation;
  }

  #serveFinish(request: IncomingRequest): void {
    const problems = this.#inconsistencies();
    if (problems.length > 0) {
      return this.#respond(request, refusal(Codes.notAcceptable, problems.join('; ').slice(0, MAX_DIAGNOSTIC)));
    }
    this.#finish = request;
    this.#handle({ kind: 'finish' });
  }

  /** One after the other; `then` is called when it is done. */
  #carryOut(
    perform: () => MaybePromise<BootstrapAnswer | Refusal>,
    then: (answer: BootstrapAnswer | Refusal) => void,
  ): void {
    const done = (answer: BootstrapAnswer | Refusal): void => {
      this.#driver.turn(() => {
        this.#isBusy = false;
        then(answer);
        this.#settle();
        this.#serveWaiting();
      });
    };
    const failed = (error: unknown): void => {
      if (error instanceof OperationRefused) return done(refusal(error.refusedWith, error.message));
      const failure = error instanceof HandlerFailed ? error : new HandlerFailed({ kind: 'root' }, 'internal', error);
      this.#listener.handlerFailed(failure);
      done(refusal(Codes.internalServerError, ''));
    };
    this.#isBusy = true;
    let answer: MaybePromise<BootstrapAnswer | Refusal>;
    try {
      answer = perform();
    } catch (error) {
      return failed(error);
    }
    if (answer instanceof Promise) answer.then(done, failed);
    else done(answer);
  }

  #serveWaiting(): void {
    while (!this.#isBusy && this.#state.kind === 'configuring') {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#serve(next);
    }
    // What stood behind the Finish.
    if (!this.#isBusy) this.#dismiss();
  }

  #respond(request: IncomingRequest, answer: BootstrapAnswer | Refusal): void {
    this.#driver.turn((now, out) => {
      if (!this.#parts.maySend()) return this.#driver.endpoint.ignore(now, request);
      const response = isRefusal(answer)
        ? { code: answer.refused, options: buildOptions({}), payload: encodeUtf8(answer.reason) }
        : {
            code: answer.code,
            options: buildOptions({ contentFormat: answer.contentFormat }),
            payload: answer.payload ?? NO_BYTES,
          };
      this.#driver.endpoint.respond(now, request, response, out);
    });
  }

  #leave(): void {
    this.#leaveAt = Infinity;
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    this.#release(server.current);
    server.forget();
  }

  #release(peer: Peer): void {
    if (this.#parts.isServer(peer)) return;
    this.#driver.turn((now, out) => this.#driver.endpoint.forgetPeer(now, peer, out));
    peer.context = undefined;
  }

  /** /0/x/12. OMA TS Core §6.1.3. */
  #purge(): void {
    this.#purgeAt = Infinity;
    const id = this.accountInstanceId;
    if (id === undefined) return;
    const { tree } = this.#parts;
    tree.batch(() => {
      for (const { objectId, objectInstanceId } of accountInstances(tree, id)) {
        tree.removeObjectInstance(objectId, objectInstanceId);
      }
    });
    this.#leave();
    this.#listener.purged();
  }
}
