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
import type { RegistrationFailure, ServerRegistration } from './api.ts';
import { describeAnswer, FAILURES } from './describe-answer.ts';
import { advanceRegistration, registrationDeadline } from './registration-state.ts';
import type { Location, RegistrationInput, RegistrationState } from './registration-state.ts';
import type { ServerSettings } from './server-account.ts';

/** What the client says of itself to every server; asked for whenever a request is made. */
export interface Announcement {
  readonly endpointClientName: string;
  readonly queueMode: boolean;
  readonly smsNumber: string | undefined;
  readonly contentFormat: number | undefined;
  /** "" or "/lwm2m". */
  readonly alternatePath: string;
  readonly objects: readonly AnnouncedObject[];
}

export interface RegistrationListener {
  /** Also: every observation of this server is void now. */
  registered(registration: ServerRegistration): void;
  updated(registration: ServerRegistration): void;
  lost(registration: ServerRegistration): void;
  deregistered(registration: ServerRegistration): void;
  registrationFailed(failure: RegistrationFailure): void;
  /** The state changed, and perhaps the next deadline. */
  stateChanged(): void;
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
  /** What the request under way says, and what the server has confirmed. */
  #saying: Announced | undefined;
  #confirmed: Announced | undefined;

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

  get registration(): ServerRegistration {
    const state = this.#state;
    const location = 'location' in state ? `/${state.location.join('/')}` : undefined;
    const { shortServerId, uri } = this.settings;
    return { shortServerId, uri, lwm2mVersion: state.version, location, state: state.kind };
  }

  nextDeadline(): number {
    return registrationDeadline(this.#state);
  }

  /** Drive the state machine; everything that may happen to a registration enters here. */
  handle(input: RegistrationInput, reason: RefusalReason = NO_REASON): void {
    this.#driver.turn((now, out) => {
      const before = this.#state;
      const step = advanceRegistration(before, input, now, this.settings.registration);
      if (step.state === before) return;
      this.#state = step.state;
      // Whatever was under way belongs to the state that has been left.
      if (step.action !== undefined || step.state.kind === 'closed') this.#abandon(now, out);
      if (input.kind === 'accepted' && before.kind !== 'deregistering') this.#confirmed = this.#saying;
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
    this.handle({ kind: 'failed', reason }, { code: undefined, text: FAILURES[reason] });
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
    if (exchange !== undefined) this.#driver.endpoint.cancel(now, exchange, out);
  }

  #perform(action: 'register' | 'update' | 'deregister', now: number, out: Outbox): void {
    try {
      this.#exchange = this.#send(action, now, out);
    } catch (error) {
      // The queue of requests to this server is full: as good as no answer, and tried again like one.
      if (!(error instanceof OperationFailed)) throw error;
      this.handle({ kind: 'failed', reason: 'cancelled' }, { code: undefined, text: error.message });
    }
  }

  #location(): Location {
    return 'location' in this.#state ? this.#state.location : [];
  }

  #send(action: 'register' | 'update' | 'deregister', now: number, out: Outbox): Exchange {
    const { endpoint } = this.#driver;
    const { peer, pathSegments, lifetimeSeconds, binding } = this.settings;
    const { version } = this.#state;
    const announcement = this.#announcement();
    const { queueMode, smsNumber, contentFormat: announcedFormat, alternatePath } = announcement;
    const objectLinks = formatObjectLinks(announcement.objects, {
      lwm2mVersion: version,
      alternatePath,
      contentFormat: announcedFormat,
    });
    const contentFormat = CONTENT_FORMATS.linkFormat.number;
    switch (action) {
      case 'register': {
        this.#confirmed = undefined;
        this.#saying = { lifetimeSeconds, binding, objectLinks };
        const { endpointClientName } = announcement;
        const parameters = {
          endpointClientName,
          lifetimeSeconds,
          lwm2mVersion: version,
          binding,
          queueMode,
          smsNumber,
        };
        const options = buildOptions({
          uriPath: [...pathSegments, 'rd'],
          uriQuery: formatRegisterQueries(parameters),
          contentFormat,
        });
        const payload = encodeUtf8(objectLinks);
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

interface RefusalReason {
  readonly code: Code | undefined;
  readonly text: string;
}
const NO_REASON: RefusalReason = { code: undefined, text: '' };
