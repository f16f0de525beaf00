/**
 * Answers what a server asks of this client: Device Management & Service Enablement, and Information Reporting. Decodes
 * the operation, has it carried out on the tree, encodes the answer. OMA TS Core §6.3 and §6.4.
 *
 * Operations that change something run one after the other: while a slow handler works, later ones wait.
 */
import { buildOptions, Codes, CONTENT_FORMATS, encodeUtf8 } from '@lapwing/coap';
import type { Code, IncomingRequest, Option, OutgoingResponse } from '@lapwing/coap';
import {
  checkAttributeLevels,
  checkAttributes,
  decodeOperation,
  formatDiscover,
  formatPath,
  isMalformed,
  parseExecuteArguments,
  ROOT,
} from '@lapwing/lwm2m';
import type {
  ExecuteOperation,
  LwM2mVersion,
  NodeEntry,
  NotificationAttributes,
  ObjectInstancePath,
  Operation,
  Path,
  ResourcePath,
} from '@lapwing/lwm2m';
import type { Driver } from '@lapwing/transport';
import type { AccessControl, AccessRight } from './access-rights.ts';
import type { AttributeStore } from './attribute-store.ts';
import { BodyStreams, openReceiver } from './body-streams.ts';
import type { HandlerContext } from './client-object.ts';
import { andThen } from './maybe-promise.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { ObjectTree } from './object-tree.ts';
import { discover } from './operations/discover.ts';
import { createInstances, deleteInstance } from './operations/instances.ts';
import { HIDDEN, readAll, readEntries } from './operations/read.ts';
import type { MayRead } from './operations/read.ts';
import { deleteResourceInstance, writeComposite, writeEntries } from './operations/write.ts';
import type { PayloadFormat } from './payload-format.ts';
import {
  badRequest,
  HandlerFailed,
  isRefusal,
  notAllowed,
  notFound,
  OperationRefused,
  refusal,
  unauthorized,
} from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { defaultsOf } from './observation.ts';
import type { Observed } from './observation.ts';
import type { Reporting } from './reporting.ts';
import type { ServerSettings } from './server-account.ts';

/** Changing operations that may wait for a slow handler; further ones are answered 5.03. */
const MAX_WAITING = 32;

export interface Requester {
  readonly settings: ServerSettings;
  /** Of the registration with this server. */
  readonly version: LwM2mVersion;
}

/** What happened, for the client's events. */
export interface ManagementListener {
  written(shortServerId: number, paths: readonly ResourcePath[]): void;
  executed(shortServerId: number, path: ResourcePath, args: string): void;
  created(shortServerId: number, paths: readonly ObjectInstancePath[]): void;
  deleted(shortServerId: number, path: Path): void;
  observed(shortServerId: number, paths: readonly Path[]): void;
  handlerFailed(failure: HandlerFailed): void;
  registerAgain(): void;
}

interface Parts {
  readonly driver: Driver;
  readonly tree: ObjectTree;
  readonly access: AccessControl;
  readonly attributes: AttributeStore;
  readonly reporting: Reporting;
  readonly formats: PayloadFormat;
  readonly alternatePath: string;
  readonly listener: ManagementListener;
}

/** A response, and for an accepted Observe what it observes. */
interface Answer {
  readonly code: Code;
  readonly options?: readonly Option[];
  readonly payload?: Uint8Array;
  readonly observe?: { readonly observed: Observed; readonly entries: readonly NodeEntry[] };
}

/** A request from its arrival to its answer. */
interface Work {
  readonly request: IncomingRequest;
  /** To be done when it has been answered. */
  readonly afterwards: (() => void)[];
  /** It is the one changing operation under way. */
  isChanging: boolean;
  /** Servers are not to be told anything: whatever comes of it, there is no answer. */
  isUnanswered: boolean;
}

const NO_BYTES = new Uint8Array(0);
const NO_OPTIONS: readonly Option[] = [];

export class DeviceManagement {
  readonly #parts: Parts;
  /** A changing operation is under way and has not finished. */
  #changing = false;
  readonly #waiting: (() => void)[] = [];
  readonly #streams: BodyStreams<Work>;
  /** What has not been answered yet. */
  readonly #unfinished = new Set<Work>();

  constructor(parts: Parts) {
    this.#parts = parts;
    const { driver } = parts;
    this.#streams = new BodyStreams<Work>({
      continue: ({ request, isUnanswered }) => {
        if (!isUnanswered) driver.turn((now, out) => driver.endpoint.continueBody(now, request, out));
      },
      finish: (work, refused) => this.#finish(work, refused ?? CHANGED),
      fail: (work, error) => this.#fail(work, error),
    });
  }

  /** Servers are told nothing from here on: what is under way ends without an answer, what waits is not begun. */
  rest(): void {
    for (const work of this.#unfinished) work.isUnanswered = true;
  }

  #begin(request: IncomingRequest): Work {
    const work: Work = { request, afterwards: [], isChanging: false, isUnanswered: false };
    this.#unfinished.add(work);
    return work;
  }

  /** A Write whose body comes in pieces begins. */
  handleStream(request: IncomingRequest, { settings: { shortServerId } }: Requester): void {
    const work = this.#begin(request);
    const { tree, listener } = this.#parts;
    const operation = decodeOperation(request, this.#parts.alternatePath);
    if (operation.kind === 'refusal') return this.#finish(work, refusal(operation.code, operation.reason));
    if (operation.kind !== 'write' || operation.path.kind !== 'resource') {
      return this.#finish(work, refusal(Codes.requestEntityTooLarge, 'only a Write of a Resource can be streamed'));
    }
    const { path, contentFormat } = operation;
    const resource = tree.resource(path.objectId, path.objectInstanceId, path.resourceId);
    if (resource === undefined) return this.#finish(work, notFound(formatPath(path)));
    const denial = this.#denial(shortServerId, 'write', path);
    if (denial !== undefined) return this.#finish(work, denial);
    work.afterwards.push(() => listener.written(shortServerId, [path]));
    try {
      const receiver = openReceiver(resource, this.contextOf(shortServerId, work.afterwards)(path), path);
      if (isRefusal(receiver)) return this.#finish(work, receiver);
      this.#streams.begin(request, work, path.resourceId, contentFormat, receiver);
    } catch (error) {
      this.#fail(work, error);
    }
  }

  handleStreamBlock(request: IncomingRequest, offset: number, payload: Uint8Array, more: boolean): void {
    this.#streams.handleBlock(request, offset, payload, more);
  }

  handleStreamAbandoned(request: IncomingRequest): void {
    const work = this.#streams.abandon(request);
    if (work !== undefined) this.#unfinished.delete(work);
  }

  /** Answer a request of a server this client is registered with, now or when its handlers have answered. */
  handleRequest(request: IncomingRequest, requester: Requester): void {
    const work = this.#begin(request);
    const operation = decodeOperation(request, this.#parts.alternatePath);
    if (operation.kind === 'refusal') return this.#finish(work, refusal(operation.code, operation.reason));
    let answer: MaybePromise<Answer | Refusal>;
    try {
      answer = this.#perform(operation, requester, work);
    } catch (error) {
      return this.#fail(work, error);
    }
    if (!(answer instanceof Promise)) return this.#finish(work, answer);
    answer.then(
      (settled) => this.#finish(work, settled),
      (error: unknown) => this.#fail(work, error),
    );
  }

  /** What handlers are told about who asks. */
  contextOf(shortServerId: number | undefined, afterwards: (() => void)[]): (path: Path) => HandlerContext {
    const { tree, driver, listener } = this.#parts;
    return (path) => ({
      path,
      shortServerId,
      tree,
      unixTime: driver.unixTime(),
      afterResponse: (action) => afterwards.push(action),
      registerAgain: () => listener.registerAgain(),
    });
  }

  /** Read for a notification or a Send; what a handler threw is reported before it goes on. */
  readFor(
    shortServerId: number | undefined,
    paths: readonly Path[],
    composite: boolean,
  ): MaybePromise<readonly NodeEntry[] | Refusal> {
    const afterwards: (() => void)[] = [];
    const contextOf = this.contextOf(shortServerId, afterwards);
    const { tree } = this.#parts;
    const report = (error: unknown): never => {
      this.#report(error);
      throw error;
    };
    try {
      const [path = ROOT] = paths;
      const mayRead = this.#mayRead(shortServerId);
      const entries = composite
        ? readAll(tree, paths, contextOf, mayRead)
        : readEntries(tree, path, contextOf, mayRead);
      return entries instanceof Promise ? entries.catch(report) : entries;
    } catch (error) {
      return report(error);
    }
  }

  #perform(operation: Operation, requester: Requester, work: Work): MaybePromise<Answer | Refusal> {
    if ('path' in operation && operation.path.kind !== 'root' && HIDDEN.has(operation.path.objectId)) {
      return refusal(Codes.unauthorized, `Object ${operation.path.objectId} is not for servers`);
    }
    const { tree, formats, attributes, listener } = this.#parts;
    const { settings, version } = requester;
    const { shortServerId } = settings;
    const { afterwards } = work;
    const contextOf = this.contextOf(shortServerId, afterwards);
    const mayRead = this.#mayRead(shortServerId);
    switch (operation.kind) {
      case 'read':
      case 'cancelObserve': {
        const { path, accept } = operation;
        return andThen(readEntries(tree, path, contextOf, mayRead), (entries) =>
          this.#content(path, entries, accept, version),
        );
      }
      case 'observe': {
        const problem = observeProblem(operation.attributes, operation.path, version);
        if (problem !== undefined) return problem;
        const { path } = operation;
        const accept = operation.accept ?? historicFormat(settings, version);
        return andThen(readEntries(tree, path, contextOf, mayRead), (entries) => {
          const answer = this.#content(path, entries, accept, version);
          if (isRefusal(answer) || isRefusal(entries)) return answer;
          const { contentFormat } = answer;
          const observed: Observed = {
            settings,
            paths: [path],
            composite: false,
            contentFormat,
            attributes: operation.attributes,
          };
          return { ...answer, observe: { observed, entries } };
        });
      }
      case 'readComposite':
      case 'cancelObserveComposite':
      case 'observeComposite': {
        const paths = formats.decodePaths(operation.contentFormat, operation.payload);
        if (isRefusal(paths)) return paths;
        const observes = operation.kind === 'observeComposite';
        const given = observes ? operation.attributes : undefined;
        const problem = observeProblem(given, ROOT, version);
        if (problem !== undefined) return problem;
        return andThen(readAll(tree, paths, contextOf, mayRead), (entries) => {
          const answer = this.#content(ROOT, entries, operation.accept, version);
          if (isRefusal(answer) || isRefusal(entries) || !observes) return answer;
          const { contentFormat } = answer;
          const observed: Observed = { settings, paths, composite: true, contentFormat, attributes: given };
          return { ...answer, observe: { observed, entries } };
        });
      }
      case 'discover': {
        const nodes = discover(tree, attributes, {
          path: operation.path,
          depth: operation.depth,
          shortServerId,
          lwm2mVersion: version,
          defaults: defaultsOf(settings),
          mayRead,
        });
        if (isRefusal(nodes)) return nodes;
        const payload = encodeUtf8(formatDiscover(nodes, this.#parts.alternatePath));
        return { code: Codes.content, options: buildOptions({ contentFormat: LINK_FORMAT }), payload };
      }
      case 'writeAttributes': {
        const problem =
          nodeProblem(tree, operation.path) ??
          this.#denial(shortServerId, 'read', operation.path) ??
          attributes.write(shortServerId, operation.path, operation.attributes);
        if (problem !== undefined) return problem;
        afterwards.push(() => this.#parts.reporting.attributesChanged(shortServerId));
        return CHANGED;
      }
      case 'write': {
        const { path, mode } = operation;
        const entries = formats.decode(path, operation.contentFormat, operation.payload);
        if (isRefusal(entries)) return entries;
        return this.#change(work, shortServerId, 'write', [path], () =>
          andThen(writeEntries(tree, path, mode, entries, contextOf), (paths) => {
            if (isRefusal(paths)) return paths;
            afterwards.push(() => listener.written(shortServerId, paths));
            return CHANGED;
          }),
        );
      }
      case 'writeComposite': {
        const entries = formats.decode(ROOT, operation.contentFormat, operation.payload);
        if (isRefusal(entries)) return entries;
        if (entries.some(({ path }) => HIDDEN.has(path.objectId))) {
          return refusal(Codes.unauthorized, 'one of the Objects is not for servers');
        }
        const paths = entries.map((entry) => entry.path);
        return this.#change(work, shortServerId, 'write', paths, () =>
          andThen(writeComposite(tree, entries, contextOf), (written) => {
            if (isRefusal(written)) return written;
            afterwards.push(() => listener.written(shortServerId, written));
            return CHANGED;
          }),
        );
      }
      case 'execute':
        return this.#execute(operation, shortServerId, contextOf, work);
      case 'create': {
        const { path } = operation;
        const entries = formats.decode(path, operation.contentFormat, operation.payload);
        if (isRefusal(entries)) return entries;
        return this.#change(work, shortServerId, 'create', [path], () =>
          andThen(createInstances(tree, path, entries, contextOf), (created) => {
            if (isRefusal(created)) return created;
            for (const { objectId, objectInstanceId } of created.paths) {
              this.#parts.access.own(shortServerId, objectId, objectInstanceId);
            }
            afterwards.push(() => listener.created(shortServerId, created.paths));
            const { chosen } = created;
            const locationPath = chosen === undefined ? [] : [String(chosen.objectId), String(chosen.objectInstanceId)];
            return { code: Codes.created, options: buildOptions({ locationPath }) };
          }),
        );
      }
      case 'delete': {
        const { path } = operation;
        return this.#change(work, shortServerId, 'delete', [path], () =>
          andThen(
            path.kind === 'objectInstance'
              ? deleteInstance(tree, path, contextOf)
              : deleteResourceInstance(tree, path, contextOf),
            (result) => {
              if (isRefusal(result)) return result;
              attributes.forget(path);
              afterwards.push(() => listener.deleted(shortServerId, path));
              return { code: Codes.deleted };
            },
          ),
        );
      }
    }
  }

  #content(
    path: Path,
    entries: readonly NodeEntry[] | Refusal,
    accept: number | undefined,
    version: LwM2mVersion,
  ): (Answer & { readonly contentFormat: number }) | Refusal {
    if (isRefusal(entries)) return entries;
    const encoded = this.#parts.formats.encodeAnswer(path, entries, accept, version);
    if (isRefusal(encoded)) return encoded;
    const { contentFormat, payload } = encoded;
    return { code: Codes.content, options: buildOptions({ contentFormat }), payload, contentFormat };
  }

  #execute(
    { path, args }: ExecuteOperation,
    shortServerId: number,
    contextOf: (path: Path) => HandlerContext,
    work: Work,
  ): MaybePromise<Answer | Refusal> {
    const { tree, listener } = this.#parts;
    const resource = tree.resource(path.objectId, path.objectInstanceId, path.resourceId);
    if (resource === undefined) return notFound(formatPath(path));
    const execute = resource.kind === 'handler' ? resource.handler.execute : undefined;
    if (resource.definition.operations !== 'E' || execute === undefined) {
      return notAllowed(`${formatPath(path)} is not executable`);
    }
    const given = parseExecuteArguments(args);
    if (isMalformed(given)) return badRequest(given.malformed);
    const failed = (cause: unknown): never => {
      throw cause instanceof OperationRefused ? cause : new HandlerFailed(path, 'execute', cause);
    };
    const executed = (): Answer => {
      work.afterwards.unshift(() => listener.executed(shortServerId, path, args));
      return CHANGED;
    };
    return this.#change(work, shortServerId, 'execute', [path], () => {
      try {
        const done = execute(given, contextOf(path));
        return done instanceof Promise ? done.then(executed, failed) : executed();
      } catch (cause) {
        return failed(cause);
      }
    });
  }

  #mayRead(shortServerId: number | undefined): MayRead {
    const { access } = this.#parts;
    return (objectId, objectInstanceId) => access.allows(shortServerId, 'read', objectId, objectInstanceId);
  }

  /** 4.01 when the Access Control Object forbids it. What does not exist is for the operation itself to refuse. */
  #denial(shortServerId: number, right: AccessRight, path: Path): Refusal | undefined {
    const { access, tree } = this.#parts;
    if (path.kind === 'root' || !tree.objects.has(path.objectId)) return undefined;
    if (right === 'create') {
      return access.allowsCreate(shortServerId, path.objectId) ? undefined : unauthorized(path);
    }
    if (path.kind === 'object') return undefined;
    if (tree.objectInstance(path.objectId, path.objectInstanceId) === undefined) return undefined;
    return access.allows(shortServerId, right, path.objectId, path.objectInstanceId) ? undefined : unauthorized(path);
  }

  /**
   * Run a changing operation when no other one is under way; it is until it has been answered. Rights are looked at when
   * it runs: the one before it may have changed them.
   */
  #change(
    work: Work,
    shortServerId: number,
    right: AccessRight,
    paths: readonly Path[],
    change: () => MaybePromise<Answer | Refusal>,
  ): MaybePromise<Answer | Refusal> {
    const operation = (): MaybePromise<Answer | Refusal> => {
      for (const path of paths) {
        const denial = this.#denial(shortServerId, right, path);
        if (denial !== undefined) return denial;
      }
      return change();
    };
    if (!this.#changing) {
      this.#changing = work.isChanging = true;
      return operation();
    }
    if (this.#waiting.length >= MAX_WAITING) return refusal(Codes.serviceUnavailable, 'too many operations wait');
    return new Promise<void>((resolve) => this.#waiting.push(resolve)).then(() => {
      work.isChanging = true;
      return work.isUnanswered ? NOT_BEGUN : operation();
    });
  }

  #finish(work: Work, answer: Answer | Refusal): void {
    this.#unfinished.delete(work);
    try {
      if (work.isUnanswered) this.#dismiss(work, answer);
      else this.#respond(work.request, answer, work.afterwards);
    } finally {
      if (work.isChanging) {
        const next = this.#waiting.shift();
        // The place stays taken for the next one, which begins in a later turn of the promise queue.
        if (next === undefined) this.#changing = false;
        else next();
      }
    }
  }

  #dismiss({ request, afterwards }: Work, answer: Answer | Refusal): void {
    this.#parts.driver.turn((now) => {
      this.#parts.driver.endpoint.ignore(now, request);
      if (!isRefusal(answer)) for (const action of afterwards) action();
    });
  }

  #respond(request: IncomingRequest, answer: Answer | Refusal, afterwards: readonly (() => void)[]): void {
    const { driver, reporting, listener } = this.#parts;
    driver.turn((now, out) => {
      if (isRefusal(answer)) {
        const payload = encodeUtf8(answer.reason);
        driver.endpoint.respond(now, request, { code: answer.refused, options: NO_OPTIONS, payload }, out);
        return;
      }
      const { code, options = NO_OPTIONS, payload = NO_BYTES, observe } = answer;
      const response: OutgoingResponse = { code, options, payload, observe: observe !== undefined };
      const relation = driver.endpoint.respond(now, request, response, out);
      if (relation !== undefined && observe !== undefined) {
        reporting.add(now, relation, observe.observed, observe.entries);
        listener.observed(observe.observed.settings.shortServerId, observe.observed.paths);
      }
      for (const action of afterwards) action();
    });
  }

  /** Code of the application failed: the server learns that, and nothing more. */
  #fail(work: Work, error: unknown): void {
    this.#unfinished.delete(work);
    const failed: Work = { ...work, afterwards: [] };
    if (error instanceof OperationRefused) return this.#finish(failed, refusal(error.refusedWith, error.message));
    this.#finish(failed, refusal(Codes.internalServerError, ''));
    this.#report(error);
  }

  #report(error: unknown): void {
    if (error instanceof OperationRefused) return;
    const { listener } = this.#parts;
    listener.handlerFailed(error instanceof HandlerFailed ? error : new HandlerFailed(ROOT, 'internal', error));
  }
}

const LINK_FORMAT = CONTENT_FORMATS.linkFormat.number;
const CHANGED: Answer = { code: Codes.changed };
const NOT_BEGUN: Refusal = refusal(Codes.serviceUnavailable, '');

/** Attributes with an Observe that cannot hold for it. 1.2. */
function observeProblem(
  attributes: NotificationAttributes | undefined,
  path: Path,
  version: LwM2mVersion,
): Refusal | undefined {
  if (attributes === undefined) return undefined;
  if (version !== '1.2') return badRequest(`an Observe has no attributes in LwM2M ${version}`);
  const wrongLevel = path.kind === 'root' ? undefined : checkAttributeLevels(attributes, path);
  const problem = wrongLevel ?? checkAttributes(attributes);
  return problem === undefined ? undefined : badRequest(problem.malformed);
}

/** Where notifications may be stored, an observation that names no format gets one that can say when a value was. */
const historicFormat = ({ storesNotifications }: ServerSettings, version: LwM2mVersion): number | undefined =>
  storesNotifications && version !== '1.0' ? CONTENT_FORMATS.senmlCbor.number : undefined;

/** Write-Attributes needs a node that exists. */
function nodeProblem(tree: ObjectTree, path: Path): Refusal | undefined {
  if (path.kind === 'root') return notAllowed('the root has no attributes');
  const object = tree.objects.get(path.objectId);
  if (object === undefined) return notFound(`Object ${path.objectId}`);
  if (path.kind === 'object') return undefined;
  if (!object.instances.has(path.objectInstanceId)) return notFound(`/${path.objectId}/${path.objectInstanceId}`);
  if (path.kind === 'objectInstance') return undefined;
  const resource = tree.resource(path.objectId, path.objectInstanceId, path.resourceId);
  if (resource === undefined) return notFound(formatPath(path));
  if (path.kind === 'resource') return undefined;
  if (!resource.definition.multiple) return notAllowed(`${formatPath(path)}: the Resource has a single value`);
  if (resource.kind === 'multiple' && !resource.values.has(path.resourceInstanceId)) return notFound(formatPath(path));
  return undefined;
}
