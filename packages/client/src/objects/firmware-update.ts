/**
 * Object 5, Firmware Update: a package is written to the client (push) or fetched by it (pull), checked, and installed when
 * the server says so. OMA TS Core, Object Firmware Update; the states are in `firmware-update-state.ts`.
 *
 * The application keeps the package and installs it; bytes pass through as they come, in whatever way they do.
 */
import { Codes } from '@lapwing/coap';
import type { BodyReceiver, ClientObject, HandlerContext, TreeAccess } from '../client-object.ts';
import { reportClientError } from '../diagnostics.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import { OperationRefused } from '../refusal.ts';
import { advanceFirmware, FIRMWARE_RESULTS, FIRMWARE_STATES } from './firmware-update-state.ts';
import type { FirmwareInput, FirmwareProblem, FirmwareResult, FirmwareState } from './firmware-update-state.ts';

/** Thrown by the code of an application to say what is wrong with a package: it becomes the Update Result. */
export class FirmwareRefused extends Error {
  readonly problem: FirmwareProblem;
  constructor(problem: FirmwareProblem, message: string = problem) {
    super(message);
    this.problem = problem;
  }
  override get name(): string {
    return 'FirmwareRefused';
  }
}

/** Where the bytes of one package go. */
export interface PackageSink {
  /** The next bytes; more come when this is done. */
  write(bytes: Uint8Array): MaybePromise<void>;
  /** That was all: check it, and say what it is. */
  end(): MaybePromise<PackageInformation | undefined>;
  /** It is not wanted any more, or the rest will not come. Also after `end`, for a package that is not to be installed. */
  discard(): void;
}

export interface PackageInformation {
  /** /5/0/6 and /5/0/7. */
  readonly name?: string;
  readonly version?: string;
}

/**
 * Gets the bytes at a URI. Throw `FirmwareRefused('uri')` when there is nothing; anything else that is thrown counts as a
 * lost connection.
 */
export type PackageFetcher = (uri: string, options: { readonly signal: AbortSignal }) => AsyncIterable<Uint8Array>;

export interface FirmwareUpdateOptions {
  /** A package begins to arrive. Throw `FirmwareRefused` here or later to refuse it. */
  readonly receive: (source: 'push' | 'pull') => MaybePromise<PackageSink>;
  /**
   * Install the package that was received last, after the Update has been answered. Resolve with 'deferred' to do it later
   * (1.1), with what the device runs now, or never if the device restarts; throw when it fails.
   */
  readonly install: (context: InstallContext) => MaybePromise<InstallOutcome>;
  /** By URI scheme; these are the protocols the Object says it supports. Default: none, packages are pushed only. */
  readonly fetch?: { readonly [scheme in PullScheme]?: PackageFetcher };
  /** Whether packages may be written to the client. Default true. */
  readonly push?: boolean;
  /** Longest package, bytes; a longer one is refused for lack of storage. Default 16 MiB. */
  readonly maxPackageBytes?: number;
  /** Told what `fetch` and `install` threw; default: the diagnostics channel `lapwing.client.error`. */
  readonly failed?: (error: unknown) => void;
  /** What is so since the device restarted: a package that waits, or how the last update went. */
  readonly initial?: PackageInformation & { readonly state: 'idle' | 'downloaded'; readonly result?: FirmwareResult };
  /** The package that waits since before the restart, to be discarded when it is not wanted any more. */
  readonly waiting?: Pick<PackageSink, 'discard'>;
}

export interface InstallContext {
  /** /5/0/11: 0 critical, 1 mandatory, 2 optional. Undefined before 1.1. */
  readonly severity: number | undefined;
  /** /5/0/13: s; 0 or undefined: no bound is given. */
  readonly maxDeferSeconds: number | undefined;
  /** Register anew with every server, as after a restart. */
  readonly registerAgain: () => void;
}

/** `firmwareVersion` goes to /3/0/3. */
export type InstallOutcome = 'deferred' | { readonly firmwareVersion?: string } | undefined | void;

/** In the numbers of /5/0/8. */
const PROTOCOLS = { coap: 0, coaps: 1, http: 2, https: 3, 'coap+tcp': 4, 'coaps+tcp': 5 } as const;
export type PullScheme = keyof typeof PROTOCOLS;
const DELIVERY = { pull: 0, push: 1, both: 2 } as const;

const ID = {
  package: 0,
  packageUri: 1,
  update: 2,
  state: 3,
  result: 5,
  packageName: 6,
  packageVersion: 7,
  protocols: 8,
  delivery: 9,
  cancel: 10,
  severity: 11,
  stateChangedAt: 12,
  maxDefer: 13,
} as const;

const at = (resourceId: number): string => `/5/0/${resourceId}`;
const DEFAULT_MAX_PACKAGE_BYTES = 16 * 1024 * 1024;
const MAX_URI_BYTES = 255;
/** Mandatory: what a server did not write. */
const DEFAULT_SEVERITY = 1;

export function firmwareUpdateObject(options: FirmwareUpdateOptions): ClientObject {
  const { push = true, fetch = {}, initial = { state: 'idle' } } = options;
  const update = new FirmwareUpdate(options);
  const protocols = (Object.keys(fetch) as PullScheme[]).map((scheme) => PROTOCOLS[scheme]);
  const pulls = protocols.length > 0;
  return {
    objectId: 5,
    unknownResources: 'skip',
    resources: Object.values(ID),
    instances: {
      0: {
        [ID.package]: {
          write: (bytes, context) => update.write(bytes as Uint8Array, context),
          ...(push && { receive: (context: HandlerContext) => update.receive(context) }),
        },
        [ID.packageUri]: {
          read: () => update.uri,
          write: (uri, context) => update.writeUri(uri as string, context),
        },
        [ID.update]: { execute: (_args, context) => update.update(context) },
        [ID.state]: FIRMWARE_STATES[initial.state],
        [ID.result]: FIRMWARE_RESULTS[initial.result ?? 'initial'],
        [ID.packageName]: initial.name ?? '',
        [ID.packageVersion]: initial.version ?? '',
        [ID.protocols]: pulls ? protocols : undefined,
        [ID.delivery]: pulls ? (push ? DELIVERY.both : DELIVERY.pull) : DELIVERY.push,
        [ID.cancel]: { execute: (_args, context) => update.cancel(context) },
        [ID.severity]: DEFAULT_SEVERITY,
        [ID.stateChangedAt]: 0,
        [ID.maxDefer]: 0,
      },
    },
    changed: ({ resourceId }, { tree, unixTime }) => {
      // Absent in the Object of LwM2M 1.0.
      if (resourceId !== ID.state || tree.get(at(ID.stateChangedAt)) === undefined) return;
      tree.set(at(ID.stateChangedAt), Math.floor(unixTime / 1000));
    },
  };
}

/** One package on its way, or here. */
interface Package {
  /** Undefined until the application has opened it. */
  sink: Pick<PackageSink, 'discard'> | undefined;
  /** It is not wanted any more; whoever is at work on it stops. */
  readonly abort: AbortController;
}

class FirmwareUpdate {
  readonly #options: FirmwareUpdateOptions;
  readonly #maxPackageBytes: number;
  #state: FirmwareState;
  #package: Package | undefined;
  #uri = '';

  constructor(options: FirmwareUpdateOptions) {
    this.#options = options;
    this.#maxPackageBytes = options.maxPackageBytes ?? DEFAULT_MAX_PACKAGE_BYTES;
    this.#state = options.initial?.state ?? 'idle';
    if (options.waiting !== undefined) this.#package = { sink: options.waiting, abort: new AbortController() };
  }

  get uri(): string {
    return this.#uri;
  }

  /** A package in one message, or the NUL byte that resets. */
  write(bytes: Uint8Array, context: HandlerContext): MaybePromise<void> {
    if (bytes.length === 0 || (bytes.length === 1 && bytes[0] === 0)) return this.#reset(context.tree);
    if (this.#options.push === false) throw notNow('packages are not pushed to this client');
    const opened = this.receive(context);
    const pass = async (receiver: BodyReceiver): Promise<void> => {
      await receiver.write(bytes);
      await receiver.end();
    };
    return opened instanceof Promise ? opened.then(pass) : pass(opened);
  }

  /** A package in pieces. */
  receive({ tree }: HandlerContext): MaybePromise<BodyReceiver> {
    this.#require({ kind: 'begin' }, tree);
    const pack: Package = { sink: undefined, abort: new AbortController() };
    this.#package = pack;
    return this.#guard(pack, tree, () => {
      const opened = this.#options.receive('push');
      return opened instanceof Promise
        ? opened.then((sink) => this.#receiver(pack, sink, tree))
        : this.#receiver(pack, opened, tree);
    });
  }

  writeUri(uri: string, { tree, afterResponse }: HandlerContext): void {
    if (uri === '') return this.#reset(tree);
    const { fetch = {} } = this.#options;
    if (this.#state !== 'idle') throw notNow(`a package URI is taken in state Idle, not ${this.#state}`);
    this.#uri = uri;
    const scheme = /^([a-z][a-z0-9+.-]*):\/\/./i.exec(uri)?.[1]?.toLowerCase();
    if (scheme === undefined || new TextEncoder().encode(uri).length > MAX_URI_BYTES || !URL.canParse(uri)) {
      return this.#advance({ kind: 'failed', problem: 'uri' }, tree);
    }
    const fetcher = Object.hasOwn(fetch, scheme) ? fetch[scheme as PullScheme] : undefined;
    if (fetcher === undefined) return this.#advance({ kind: 'failed', problem: 'protocol' }, tree);
    this.#advance({ kind: 'begin' }, tree);
    const pack: Package = { sink: undefined, abort: new AbortController() };
    this.#package = pack;
    afterResponse(() => void this.#pull(pack, fetcher, uri, tree));
  }

  update({ tree, afterResponse, registerAgain }: HandlerContext): void {
    this.#require({ kind: 'update' }, tree);
    afterResponse(() => void this.#install(tree, registerAgain));
  }

  cancel({ tree }: HandlerContext): void {
    this.#require({ kind: 'cancel' }, tree);
    this.#discard();
  }

  #reset(tree: TreeAccess): void {
    this.#require({ kind: 'reset' }, tree);
    this.#uri = '';
    this.#discard();
    tree.set(at(ID.packageName), '');
    tree.set(at(ID.packageVersion), '');
  }

  async #pull(pack: Package, fetcher: PackageFetcher, uri: string, tree: TreeAccess): Promise<void> {
    const { signal } = pack.abort;
    try {
      const sink = await this.#options.receive('pull');
      const receiver = this.#receiver(pack, sink, tree);
      for await (const bytes of fetcher(uri, { signal })) {
        if (signal.aborted) return;
        await receiver.write(bytes);
      }
      if (!signal.aborted) await receiver.end();
    } catch (error) {
      if (!signal.aborted) this.#report(error);
      this.#fail(pack, error, tree);
    }
  }

  #receiver(pack: Package, sink: PackageSink, tree: TreeAccess): BodyReceiver {
    const { signal } = pack.abort;
    if (signal.aborted) {
      sink.discard();
      throw notNow('the package is not wanted any more');
    }
    pack.sink = sink;
    let received = 0;
    const accept = (information: PackageInformation | undefined): void => {
      if (signal.aborted) throw notNow('the package is not wanted any more');
      tree.batch(() => {
        tree.set(at(ID.packageName), information?.name ?? '');
        tree.set(at(ID.packageVersion), information?.version ?? '');
        this.#advance({ kind: 'received' }, tree);
      });
    };
    return {
      write: (bytes) =>
        this.#guard(pack, tree, () => {
          if (signal.aborted) throw notNow('the package is not wanted any more');
          received += bytes.length;
          if (received > this.#maxPackageBytes) {
            throw new FirmwareRefused('storage', `a package has at most ${this.#maxPackageBytes} bytes`);
          }
          return sink.write(bytes);
        }),
      end: () =>
        this.#guard(pack, tree, () => {
          const information = sink.end();
          return information instanceof Promise ? information.then(accept) : accept(information);
        }),
      abandon: () => this.#fail(pack, new FirmwareRefused('connectionLost'), tree),
    };
  }

  /** What goes wrong with a package becomes the Update Result, and a code for the server that is writing it. */
  #guard<T>(pack: Package, tree: TreeAccess, step: () => MaybePromise<T>): MaybePromise<T> {
    const failed = (error: unknown): never => {
      this.#fail(pack, error, tree);
      throw error instanceof FirmwareRefused ? new OperationRefused(CODES[error.problem], error.message) : error;
    };
    try {
      const done = step();
      return done instanceof Promise ? done.catch(failed) : done;
    } catch (error) {
      return failed(error);
    }
  }

  #fail(pack: Package, error: unknown, tree: TreeAccess): void {
    if (this.#package !== pack) return;
    this.#discard();
    const problem = error instanceof FirmwareRefused ? error.problem : 'connectionLost';
    this.#advance({ kind: 'failed', problem }, tree);
  }

  async #install(tree: TreeAccess, registerAgain: () => void): Promise<void> {
    let outcome: InstallOutcome;
    try {
      outcome = await this.#options.install({
        severity: numberAt(tree, ID.severity),
        maxDeferSeconds: numberAt(tree, ID.maxDefer),
        registerAgain,
      });
    } catch (error) {
      this.#report(error);
      return this.#advance({ kind: 'installFailed' }, tree);
    }
    if (outcome === 'deferred') return this.#advance({ kind: 'deferred' }, tree);
    const firmwareVersion = outcome?.firmwareVersion;
    this.#package = undefined;
    tree.batch(() => {
      this.#advance({ kind: 'installed' }, tree);
      if (firmwareVersion === undefined) return;
      if (tree.get('/3/0/3') === undefined) tree.changed('/3/0/3');
      else tree.set('/3/0/3', firmwareVersion);
    });
  }

  /** A server that writes a package is told what is wrong with it; of the rest only the device hears. */
  #report(error: unknown): void {
    if (error instanceof FirmwareRefused || error instanceof OperationRefused) return;
    (this.#options.failed ?? reportClientError)(error);
  }

  /** @throws OperationRefused when the state does not allow it. */
  #require(input: FirmwareInput, tree: TreeAccess): void {
    if (advanceFirmware(this.#state, input) === undefined) {
      throw notNow(`not in state ${FIRMWARE_STATES[this.#state]} (${this.#state})`);
    }
    this.#advance(input, tree);
  }

  #advance(input: FirmwareInput, tree: TreeAccess): void {
    const step = advanceFirmware(this.#state, input);
    if (step === undefined) return;
    this.#state = step.state;
    tree.batch(() => {
      tree.set(at(ID.state), FIRMWARE_STATES[step.state]);
      tree.set(at(ID.result), FIRMWARE_RESULTS[step.result]);
    });
  }

  #discard(): void {
    const pack = this.#package;
    this.#package = undefined;
    pack?.abort.abort();
    pack?.sink?.discard();
  }
}

const notNow = (reason: string): OperationRefused => new OperationRefused(Codes.methodNotAllowed, reason);

function numberAt(tree: TreeAccess, resourceId: number): number | undefined {
  const value = tree.get(at(resourceId));
  return typeof value === 'number' ? value : undefined;
}

/** What the server that writes a package is answered. */
const CODES: Readonly<Record<FirmwareProblem, OperationRefused['refusedWith']>> = {
  storage: Codes.requestEntityTooLarge,
  memory: Codes.requestEntityTooLarge,
  connectionLost: Codes.internalServerError,
  integrity: Codes.badRequest,
  packageType: Codes.unsupportedContentFormat,
  uri: Codes.badRequest,
  protocol: Codes.badRequest,
};
