/**
 * Who operates a server in a case: paths and values as text and plain JavaScript, codes as they are written in the
 * specification. Every operation lets virtual time pass until it is answered.
 */
import { formatCode } from '@lapwing/coap';
import {
  formatPath,
  MAX_ID,
  resourcePath,
  valueToJs,
  type JsValue,
  type NodeEntry,
  type NotificationAttributes,
  type ResourcePath,
  type ResourceInstancePath,
} from '@lapwing/lwm2m';
import type {
  Device,
  Notification,
  Observation,
  ObservationInfo,
  Outcome,
  WriteAttributes,
  LwM2mServer,
} from '@lapwing/server';
import { at, entriesAt, entriesOf, type DefinitionOf, type Given } from './given.ts';

/** By path. */
export interface Values {
  readonly [path: string]: JsValue;
}

export interface Answer {
  /** "2.05". */
  readonly code: string;
  /** Undefined when the device refused. */
  readonly format: number | undefined;
  readonly values: Values;
}

export interface Told {
  /** Virtual ms. */
  readonly at: number;
  /** What is observed, "/3/0/7", or "/1/0/1,/3/0/16". */
  readonly path: string;
  readonly values: Values;
}

const NOTHING = { format: undefined, values: {} } as const;

export class Operator {
  readonly server: LwM2mServer;
  /** Notifications that were not taken, oldest first. */
  readonly #told: Told[] = [];
  readonly #name: string;
  readonly #settle: <T>(promise: Promise<T>) => Promise<T>;

  constructor(
    server: LwM2mServer,
    endpointClientName: string,
    settle: <T>(promise: Promise<T>) => Promise<T>,
    now: () => number,
  ) {
    this.server = server;
    this.#name = endpointClientName;
    this.#settle = settle;
    server.on('notified', (observation: ObservationInfo, { entries }: Notification) => {
      const path = (observation.paths ?? [observation.path]).map(formatPath).join();
      this.#told.push({ at: now(), path, values: valuesOf(entries) });
    });
  }

  /** @throws Error while it is not registered. */
  get device(): Device {
    const device = this.server.device(this.#name);
    if (device === undefined) throw new Error(`${this.#name} is not registered`);
    return device;
  }

  /** What notifications told since the last call, of this path if one is given. */
  told(path?: string): readonly Told[] {
    if (path === undefined) return this.#told.splice(0);
    const taken = this.#told.filter((each) => each.path === path);
    const left = this.#told.filter((each) => each.path !== path);
    this.#told.splice(0, this.#told.length, ...left);
    return taken;
  }

  async read(path: string, accept?: number): Promise<Answer> {
    const outcome = await this.#settle(this.device.read(at(path), accept === undefined ? {} : { format: accept }));
    if (!outcome.ok) return { code: formatCode(outcome.code), ...NOTHING };
    const { entries, contentFormat } = outcome.value;
    return { code: formatCode(outcome.code), format: contentFormat, values: valuesOf(entries) };
  }

  async readComposite(
    paths: readonly string[],
    { listFormat, accept }: { readonly listFormat?: number; readonly accept?: number } = {},
  ): Promise<Answer> {
    const outcome = await this.#settle(
      this.device.readComposite(paths.map(at), {
        ...(listFormat !== undefined && { listFormat }),
        ...(accept !== undefined && { format: accept }),
      }),
    );
    if (!outcome.ok) return { code: formatCode(outcome.code), ...NOTHING };
    const { entries, contentFormat } = outcome.value;
    return { code: formatCode(outcome.code), format: contentFormat, values: valuesOf(entries) };
  }

  /** Write of a Resource or Resource Instance ("Replace" unless said otherwise), or of an Object Instance. */
  async write(
    path: string,
    given: unknown,
    options: { readonly format?: number; readonly mode?: 'replace' | 'update' } = {},
  ): Promise<string> {
    const target = at(path);
    const entries =
      target.kind === 'objectInstance'
        ? this.#entries(given as Given)
        : this.#entriesAt(target as ResourcePath | ResourceInstancePath, given);
    return this.#code(this.device.write(target as ResourcePath, entries, options));
  }

  async writeComposite(given: Given, format?: number): Promise<string> {
    return this.#code(this.device.writeComposite(this.#entries(given), format === undefined ? {} : { format }));
  }

  execute(path: string, args?: string): Promise<string> {
    return this.#code(this.device.execute(at(path) as ResourcePath, args));
  }

  /** "2.01 /16/1". `path` is of an Object, or of the Object Instance to be; what is given, by Resource ID. */
  async create(path: string, given: { readonly [resourceId: number]: unknown }, format?: number): Promise<string> {
    const target = at(path);
    if (target.kind !== 'object' && target.kind !== 'objectInstance') throw new Error(`${path} cannot be created`);
    // The client chooses the id when none is given.
    const objectInstanceId = target.kind === 'object' ? MAX_ID : target.objectInstanceId;
    const entries = Object.entries(given).flatMap(([id, value]) =>
      this.#entriesAt(resourcePath(target.objectId, objectInstanceId, Number(id)), value),
    );
    const outcome = await this.#settle(this.device.create(target, entries, format === undefined ? {} : { format }));
    const code = formatCode(outcome.code);
    return outcome.ok ? `${code} ${formatPath(outcome.value)}` : code;
  }

  delete(path: string): Promise<string> {
    return this.#code(this.device.delete(at(path) as ResourceInstancePath));
  }

  /** Links as text, in the order of the answer: `</3/0/7>;pmin=10;dim=2`, attributes in alphabetical order. */
  async discover(path: string, depth?: 0 | 1 | 2 | 3): Promise<readonly string[]> {
    const outcome = await this.#settle(this.device.discover(at(path), depth === undefined ? {} : { depth }));
    if (!outcome.ok) return [formatCode(outcome.code)];
    return outcome.value.map(({ path: of, version, dimension, attributes }) => {
      const facts = {
        ...attributes,
        ...(version !== undefined && { ver: version }),
        ...(dimension !== undefined && { dim: dimension }),
      };
      const queries = Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1));
      return [`<${formatPath(of)}>`, ...queries.map(([name, value]) => `${name}=${value}`)].join(';');
    });
  }

  writeAttributes(path: string, attributes: WriteAttributes): Promise<string> {
    return this.#code(this.device.writeAttributes(at(path), attributes));
  }

  /** @throws Error when the device refuses. */
  async observe(path: string, attributes?: NotificationAttributes): Promise<Observation> {
    return granted(
      await this.#settle(this.device.observe(at(path), attributes === undefined ? {} : { attributes })),
      path,
    );
  }

  /** @throws Error when the device refuses. */
  async observeComposite(paths: readonly string[]): Promise<Observation> {
    return granted(await this.#settle(this.device.observeComposite(paths.map(at))), paths.join());
  }

  cancel(observation: Observation, mode: 'active' | 'passive'): Promise<void> {
    return this.#settle(observation.cancel(mode));
  }

  async #code(outcome: Promise<Outcome<unknown>>): Promise<string> {
    return formatCode((await this.#settle(outcome)).code);
  }

  #entries(given: Given): readonly NodeEntry[] {
    return entriesOf(given, this.#definitionOf);
  }

  #entriesAt(path: ResourcePath | ResourceInstancePath, given: unknown): readonly NodeEntry[] {
    return entriesAt(path, given, this.#definitionOf);
  }

  readonly #definitionOf: DefinitionOf = (objectId) => this.device.definition(objectId);
}

/** Values by path; of an Object, an Object Instance or a Resource without content nothing. */
export const valuesOf = (entries: readonly NodeEntry[]): Values =>
  Object.fromEntries(
    entries.flatMap((entry) => (entry.kind === 'value' ? [[formatPath(entry.path), valueToJs(entry.value)]] : [])),
  );

function granted(outcome: Outcome<Observation>, path: string): Observation {
  if (!outcome.ok) throw new Error(`observing ${path} was refused: ${outcome.reason}`);
  return outcome.value;
}
