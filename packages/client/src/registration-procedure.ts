/**
 * Keeps one registration alive: runs the state machine of `registration-state.ts` on a driver, sends the requests it
 * asks for, and tells the client what happened. OMA TS Core §6.2.
 */
import {
  buildOptions,
  Codes,
  CONTENT_FORMATS,
  encodeUtf8,
  formatCode,
  isSuccess,
  OperationFailed,
  readOptions,
} from '@lapwing/coap';
import type { Code, Exchange, FailureReason, IncomingResponse, Outbox } from '@lapwing/coap';
import { formatObjectLinks, formatRegisterQueries, formatUpdateQueries } from '@lapwing/lwm2m';
import type { AnnouncedObject, LwM2mVersion } from '@lapwing/lwm2m';
import type { Driver } from '@lapwing/transport';
import type { Announcement, Profile } from './announcement.ts';
import type { RegistrationFailure, ServerRegistration } from './api.ts';
import { describeAnswer, FAILURES } from './describe-answer.ts';
import { PendingLookUp } from './pending-look-up.ts';
import { advanceRegistration, registrationDeadline } from './registration-state.ts';
import type { Location, RegistrationInput, RegistrationState, RegistrationStep } from './registration-state.ts';
import type { ServerSettings } from './server-account.ts';
import { alertOf, LOOK_UP_TIMEOUT } from './server-peer.ts';

export interface RegistrationListener {
  /** Also: every observation of this server is void now. */
  registered(registration: ServerRegistration): void;
  updated(registration: ServerRegistration): void;
  lost(registration: ServerRegistration): void;
  deregistered(registration: ServerRegistration): void;
  registrationFailed(failure: RegistrationFailure): void;
  /** The state changed, and perhaps the next deadline. */
  stateChanged(): void;
  /** A request is about to be sent. */
  sending(): void;
}

/** ms a De-register may take: a server that is gone must not hold up the end of the client. */
const DEREGISTER_TIMEOUT = 10_000;

const NO_BYTES = new Uint8Array(0);

/** What the server holds about this registration, as far as this client said it. */
interface Announced {
  readonly lifetimeSeconds: number;
  readonly binding: string;
  readonly objectLinks: string;
}

export class RegistrationProcedure {
  readonly settings: ServerSettings;
  readonly #driver: Driver;
  readonly #announcement: () => Announcement;
  readonly #listener: RegistrationListener;
  #state: RegistrationState;
  /** The request under way. */
  #exchange: Exchange | undefined;
  /** The look-up of the server's name that the next request waits for. */
  readonly #lookUp = new PendingLookUp();
  /** What the request under way says, and what the server has confirmed. */
  #saying: Announced | undefined;
  #confirmed: Announced | undefined;
  /** The server answered 4.09 to the Profile IDs. */
  #profileRefused = false;
  #hasFailed = false;
  /** Offline: nothing is sent. 'begin': `begin` was asked for meanwhile. */
  #suspended: 'no' | 'yes' | 'begin' = 'no';
  /** After having been offline, until the server has confirmed the registration. */
  #unconfirmed = false;

  constructor(
    driver: Driver,
    settings: ServerSettings,
    version: LwM2mVersion,
    announcement: () => Announcement,
    listener: RegistrationListener,
  ) {
    this.#driver = driver;
    this.settings = settings;
    this.#announcement = announcement;
    this.#listener = listener;
    this.#state = { kind: 'idle', version };
  }

  get state(): RegistrationState {
    return this.#state;
  }

  /** A registration exists, and this server's requests are to be answered. */
  get isRegistered(): boolean {
    return this.#state.kind === 'registered' || this.#state.kind === 'updating';
  }

  /** All attempts have failed since it was last registered with, or was begun with. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** The server can be told something. */
  get isReachable(): boolean {
    return this.isRegistered && this.#suspended === 'no' && !this.#unconfirmed;
  }

  /** A request of this procedure waits for its answer. */
  get isWaitingForAnswer(): boolean {
    return this.#exchange !== undefined || this.#lookUp.isUnderWay;
  }

  get registration(): ServerRegistration {
    const state = this.#state;
    const location = 'location' in state ? `/${state.location.join('/')}` : undefined;
    const { shortServerId, uri } = this.settings;
    return { shortServerId, uri, lwm2mVersion: state.version, location, state: state.kind };
  }

  nextDeadline(): number {
    return this.#suspended === 'no' ? Math.min(registrationDeadline(this.#state), this.#lookUp.deadline) : Infinity;
  }

  handleTimeout(now: number): void {
    if (this.#lookUp.deadline <= now) return this.#notLocated('the name of the server was not found in time');
    this.handle({ kind: 'deadline' });
  }

  /** Stop sending; what was under way is given up. */
  suspend(): void {
    if (this.#suspended !== 'no') return;
    this.handle({ kind: 'suspend' });
    this.#suspended = 'yes';
    this.#unconfirmed = this.isRegistered;
    this.#driver.turn((now, out) => this.#abandon(now, out));
  }

  /** Go on: what is due is done, and a registration that stands is confirmed by an Update. */
  resume(): void {
    if (this.#suspended === 'no') return;
    const begin = this.#suspended === 'begin';
    this.#suspended = 'no';
    this.handle({ kind: begin ? 'begin' : 'deadline' });
  }

  /** Drive the state machine; everything that may happen to a registration enters here. */
  handle(input: RegistrationInput, reason: RefusalReason = NO_REASON): void {
    if (this.#suspended !== 'no') {
      if (input.kind === 'begin') this.#suspended = 'begin';
      if (input.kind !== 'close') return;
      input = { kind: 'abandon' };
    }
    this.#driver.turn((now, out) => {
      const before = this.#state;
      const step = advanceRegistration(before, input, now, this.settings.registration);
      if (step.state === before) return;
      this.#state = step.state;
      // Whatever was under way belongs to the state that has been left.
      if (step.action !== undefined || step.state.kind === 'closed') this.#abandon(now, out);
      if (input.kind === 'accepted' && before.kind !== 'deregistering') this.#confirmed = this.#saying;
      if (input.kind === 'accepted' || !this.isRegistered) this.#unconfirmed = false;
      if (input.kind === 'accepted' || input.kind === 'begin') this.#hasFailed = false;
      if (step.announce?.kind === 'registrationFailed' && step.announce.final) this.#hasFailed = true;
      if (step.announce !== undefined) this.#announce(step.announce, now, reason);
      this.#listener.stateChanged();
      if (step.action !== undefined) this.#perform(step.action, now, out);
    });
  }

  /** @returns whether the exchange is this procedure's. */
  handleResponse(exchange: Exchange, response: IncomingResponse): boolean {
    if (exchange.context !== this) return false;
    if (exchange !== this.#exchange) return true;
    this.#exchange = undefined;
    const { code, options, payload } = response;
    if (!isSuccess(code)) {
      const { state } = this;
      if (code === Codes.conflict && state.kind === 'registering' && this.#profileOf(state.version) !== undefined) {
        this.#profileRefused = true;
        this.handle({ kind: 'profileRefused' });
        return true;
      }
      this.handle({ kind: 'refused', code }, { code, text: describeAnswer(code, payload) });
      return true;
    }
    const location = readOptions(options, 'locationPath');
    if (this.#state.kind === 'registering' && (code !== Codes.created || location.length === 0)) {
      this.handle(
        { kind: 'failed', reason: 'bad-response' },
        { code, text: `the server accepted with ${formatCode(code)} and no location` },
      );
      return true;
    }
    this.handle({ kind: 'accepted', location });
    return true;
  }

  /** @returns whether the exchange is this procedure's. */
  handleFailure(exchange: Exchange, reason: FailureReason): boolean {
    if (exchange.context !== this) return false;
    if (exchange !== this.#exchange) return true;
    this.#exchange = undefined;
    // A server that has forgotten the association cannot say so. RFC 6347 §4.1.2.7: what it cannot open it drops.
    if (reason === 'timeout') this.settings.drop();
    const refusal = reason === 'peer-closed' ? this.settings.handshakeRefusal : undefined;
    const isFinal = refusal !== undefined && alertOf(refusal)?.isFinal === true;
    this.handle({ kind: 'failed', reason, isFinal }, { code: undefined, text: refusal?.text ?? FAILURES[reason] });
    return true;
  }

  #announce(
    announce: { readonly kind: string; readonly retryAt?: number; readonly final?: boolean },
    now: number,
    { code, text }: RefusalReason,
  ): void {
    switch (announce.kind) {
      case 'registered':
        return this.#listener.registered(this.registration);
      case 'updated':
        return this.#listener.updated(this.registration);
      case 'lost':
        return this.#listener.lost(this.registration);
      case 'deregistered':
        return this.#listener.deregistered(this.registration);
      case 'registrationFailed':
        return this.#listener.registrationFailed({
          shortServerId: this.settings.shortServerId,
          reason: text,
          code,
          retryIn: (announce.retryAt ?? Infinity) - now,
          final: announce.final ?? false,
        });
    }
  }

  #abandon(now: number, out: Outbox): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#lookUp.abandon();
    if (exchange !== undefined) this.#driver.endpoint.cancel(now, exchange, out);
  }

  #perform(action: RegistrationAction, now: number, out: Outbox): void {
    const locating = this.settings.locate();
    if (locating === undefined) return this.#transmit(action, now, out);
    this.#lookUp.begin(
      locating,
      now + (action === 'deregister' ? DEREGISTER_TIMEOUT : LOOK_UP_TIMEOUT),
      () => this.#driver.turn((later, outbox) => this.#transmit(action, later, outbox)),
      (reason) => this.#notLocated(reason),
    );
  }

  #notLocated(text: string): void {
    this.#lookUp.abandon();
    this.handle({ kind: 'failed', reason: 'cancelled' }, { code: undefined, text });
  }

  #transmit(action: RegistrationAction, now: number, out: Outbox): void {
    this.#listener.sending();
    try {
      this.#exchange = this.#send(action, now, out);
    } catch (error) {
      // The queue of requests to this server is full: as good as no answer, and tried again like one.
      if (!(error instanceof OperationFailed)) throw error;
      this.handle({ kind: 'failed', reason: 'cancelled' }, { code: undefined, text: error.message });
    }
  }

  /** The profile to name to this server. */
  #profileOf(version: LwM2mVersion): Profile | undefined {
    return version === '1.2' && !this.#profileRefused ? this.#announcement().profile : undefined;
  }

  #location(): Location {
    return 'location' in this.#state ? this.#state.location : [];
  }

  #links(objects: readonly AnnouncedObject[]): string {
    if (objects.length === 0) return '';
    const { alternatePath, contentFormat } = this.#announcement();
    return formatObjectLinks(objects, { lwm2mVersion: this.#state.version, alternatePath, contentFormat });
  }

  #send(action: RegistrationAction, now: number, out: Outbox): Exchange {
    const { endpoint } = this.#driver;
    const { pathSegments, lifetimeSeconds, binding } = this.settings;
    const peer = this.settings.reach();
    const { version } = this.#state;
    const announcement = this.#announcement();
    const { queueMode, smsNumber, additionalParameters } = announcement;
    const objectLinks = this.#links(announcement.objects);
    const contentFormat = CONTENT_FORMATS.linkFormat.number;
    switch (action) {
      case 'register': {
        this.#confirmed = undefined;
        this.#saying = { lifetimeSeconds, binding, objectLinks };
        const { endpointClientName } = announcement;
        const profile = this.#profileOf(version);
        const listed = profile === undefined ? objectLinks : this.#links(profile.uncovered);
        const parameters = {
          profileIds: profile?.ids,
          endpointClientName,
          lifetimeSeconds,
          lwm2mVersion: version,
          binding,
          queueMode,
          smsNumber,
          additionalParameters,
        };
        const options = buildOptions({
          uriPath: [...pathSegments, 'rd'],
          uriQuery: formatRegisterQueries(parameters),
          contentFormat: listed === '' ? undefined : contentFormat,
        });
        const payload = encodeUtf8(listed);
        return endpoint.request(now, peer, { code: Codes.post, options, payload, context: this }, out);
      }
      case 'update': {
        const confirmed = this.#confirmed;
        this.#saying = { lifetimeSeconds, binding, objectLinks };
        const changes = {
          ...(lifetimeSeconds !== confirmed?.lifetimeSeconds && { lifetimeSeconds }),
          ...(binding !== confirmed?.binding && { binding, queueMode }),
        };
        const listChanged = objectLinks !== confirmed?.objectLinks;
        const options = buildOptions({
          uriPath: this.#location(),
          uriQuery: formatUpdateQueries(changes, version),
          contentFormat: listChanged ? contentFormat : undefined,
        });
        const payload = listChanged ? encodeUtf8(objectLinks) : NO_BYTES;
        return endpoint.request(now, peer, { code: Codes.post, options, payload, context: this }, out);
      }
      case 'deregister': {
        const options = buildOptions({ uriPath: this.#location() });
        const request = { code: Codes.delete, options, payload: NO_BYTES, timeout: DEREGISTER_TIMEOUT, context: this };
        return endpoint.request(now, peer, request, out);
      }
    }
  }
}

type RegistrationAction = NonNullable<RegistrationStep['action']>;

interface RefusalReason {
  readonly code: Code | undefined;
  readonly text: string;
}
const NO_REASON: RefusalReason = { code: undefined, text: '' };
