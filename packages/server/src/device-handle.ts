/**
 * A device as users drive it. The handle belongs to the Endpoint Client Name: it keeps working when the device registers
 * anew, and rejects with OperationFailed 'NOT_REGISTERED' while the device is not registered.
 */
import { Codes, readOptions, UsageError, type Code } from '@lapwing/coap';
import {
  formatPath,
  isMalformed,
  isTypedPath,
  isWithin,
  MAX_ID,
  objectInstancePath,
  typedEntries,
  typedValue,
  type DefinitionLookup,
  type NodeEntry,
  type ObjectDefinition,
  type ObjectInstancePath,
  type ObjectPath,
  type Path,
  type NotificationAttributes,
  type ResourceInstancePath,
  type ResourcePath,
  type TypedPath,
  type TypedResourceInstancePath,
} from '@lapwing/lwm2m';
import type {
  AnyTypedPath,
  CallOptions,
  CompositeOptions,
  CompositeResult,
  CompositeValues,
  Device,
  DeviceSecurity,
  DiscoveredNode,
  DiscoverOptions,
  Observation,
  ObservationInfo,
  ObserveOptions,
  PendingOperation,
  ReadOptions,
  ReadResult,
  Registration,
  WriteAttributes,
  WriteOptions,
} from './api.ts';
import { encodeComposite, encodeContent, encodeList, isFormatRefusal } from './content-format-choice.ts';
import {
  checkObserveAttributes,
  createAt,
  deletePath,
  discoverPath,
  executePath,
  readPath,
  readPaths,
  writeAttributesAt,
  writePath,
  writePaths,
  type DeviceRequest,
  type EncodedContent,
} from './device-requests.ts';
import { securityOf } from './device-security.ts';
import { listTarget, observe, pathTarget, type ObservationListener } from './observations.ts';
import { accepted, refused, type Outcome } from './outcome.ts';
import type { RegistrationRecord } from './registration-record.ts';
import { badResponse, cancelRequest, pendingOperations, sendRequest, serverClosed } from './requests.ts';
import { readCompositeContent, readContent, readDiscovery, readLocation } from './response-content.ts';

/** What a handle needs from the Server it belongs to. */
export interface DeviceOwner extends ObservationListener {
  readonly definitions: DefinitionLookup;
  registered(endpointClientName: string): RegistrationRecord | undefined;
  isClosed(): boolean;
}

export class DeviceHandle implements Device {
  readonly #owner: DeviceOwner;
  /** The latest registration known; ended when the device is not registered. */
  #record: RegistrationRecord;

  constructor(owner: DeviceOwner, record: RegistrationRecord) {
    this.#owner = owner;
    this.#record = record;
  }

  get registration(): Registration {
    return this.#current();
  }

  get security(): DeviceSecurity | undefined {
    return securityOf(this.#current());
  }

  get observations(): readonly ObservationInfo[] {
    const observations = this.#current().observations;
    return observations === undefined ? [] : [...observations.values()].filter((observation) => observation.active);
  }

  get awake(): boolean {
    const record = this.#current();
    return record.queues.isAwake(record);
  }

  get pendingOperations(): readonly PendingOperation[] {
    return pendingOperations(this.#current());
  }

  cancelPendingOperation(operationId: string): boolean {
    return cancelRequest(this.#current(), operationId);
  }

  reorderPendingOperations(operationIds: readonly string[]): void {
    const record = this.#current();
    record.queues.reorder(record, operationIds);
  }

  definition(objectId: number): ObjectDefinition | undefined {
    return this.#owner.definitions.object(objectId, this.#current().objectList.versionOf(objectId));
  }

  read<T>(path: TypedPath<T> | TypedResourceInstancePath<T>, options?: ReadOptions): Promise<Outcome<T>>;
  read(path: Path, options?: ReadOptions): Promise<Outcome<ReadResult>>;
  async read(path: Path, options: ReadOptions = {}): Promise<Outcome<unknown>> {
    const record = this.#reachable();
    const request = readPath(record, path, options);
    return sendRequest<Outcome<unknown>>(record, request, options, (response) => {
      if (response.code !== Codes.content) return refusal(record, response);
      const content = readContent(record, path, response, this.#owner);
      return accepted(response.code, isTypedPath(path) ? typedContent(record, path, content) : content);
    });
  }

  write<T>(
    path: TypedPath<T> | TypedResourceInstancePath<T>,
    value: NoInfer<T>,
    options?: WriteOptions,
  ): Promise<Outcome<void>>;
  write(
    path: ObjectInstancePath | ResourcePath | ResourceInstancePath,
    content: readonly NodeEntry[],
    options?: WriteOptions,
  ): Promise<Outcome<void>>;
  async write(
    path: ObjectInstancePath | ResourcePath | ResourceInstancePath,
    content: unknown,
    options: WriteOptions = {},
  ): Promise<Outcome<void>> {
    const record = this.#reachable();
    const { mode = 'replace' } = options;
    const entries = isTypedPath(path) && !isEntryList(content) ? typedEntries(path, content) : content;
    if (isMalformed(entries)) throw new UsageError(entries.malformed);
    const encoded = this.#encode(record, path, entries as readonly NodeEntry[], options.format);
    return this.#sendContent(record, encoded, options, (body) => writePath(record, path, mode, body), done);
  }

  readComposite<const Paths extends readonly AnyTypedPath[]>(
    paths: Paths,
    options?: ReadOptions & CompositeOptions,
  ): Promise<Outcome<CompositeValues<Paths>>>;
  readComposite(paths: readonly Path[], options?: ReadOptions & CompositeOptions): Promise<Outcome<CompositeResult>>;
  async readComposite(paths: readonly Path[], options: ReadOptions & CompositeOptions = {}): Promise<Outcome<unknown>> {
    const record = this.#reachable();
    const lists = encodeList(record, paths, options.listFormat, this.#owner.definitions);
    const reading = (list: EncodedContent): DeviceRequest => readPaths(record, paths, list, options.format);
    return inOneOf(lists, (list, alternative) =>
      sendRequest<Outcome<unknown>>(record, withAlternative(reading, list, alternative), options, (response) => {
        if (response.code !== Codes.content) return refusal(record, response);
        const content = readCompositeContent(record, paths, list.contentFormat, response, this.#owner);
        const value = paths.every(isTypedPath)
          ? paths.map((path, index) => typedValue(path, content.nodes[index]))
          : content;
        return accepted(response.code, value);
      }),
    );
  }

  async writeComposite(
    content: readonly NodeEntry[],
    options: CallOptions & { readonly format?: number } = {},
  ): Promise<Outcome<void>> {
    const record = this.#reachable();
    if (content.length === 0) throw new UsageError('a composite needs at least one value');
    const paths = content.map(({ path }) => path);
    const encoded = encodeComposite(record, content, options.format, this.#owner.definitions);
    return this.#sendContent(record, encoded, options, (body) => writePaths(record, paths, body), done);
  }

  async execute(path: ResourcePath, args = '', options: CallOptions = {}): Promise<Outcome<void>> {
    return this.#command((record) => executePath(record, path, args), options);
  }

  async create(
    path: ObjectPath | ObjectInstancePath,
    content: readonly NodeEntry[],
    options: CallOptions & { readonly format?: number } = {},
  ): Promise<Outcome<ObjectInstancePath>> {
    const record = this.#reachable();
    const at = path.kind === 'object' ? objectInstancePath(path.objectId, MAX_ID) : path;
    const entries: readonly NodeEntry[] = content.length === 0 ? [{ kind: 'empty', path: at }] : content;
    const encoded = this.#encode(record, { kind: 'object', objectId: path.objectId }, entries, options.format);
    return this.#sendContent(
      record,
      encoded,
      options,
      (body) => createAt(record, path, body),
      (response, code) => {
        const created = createdPath(record, path, response, entries);
        if (created === undefined) throw badResponse(record, 'an Object Instance was created without saying which');
        return accepted(code, created);
      },
    );
  }

  async createInstances(
    path: ObjectPath,
    content: readonly NodeEntry[],
    options: CallOptions & { readonly format?: number } = {},
  ): Promise<Outcome<readonly ObjectInstancePath[]>> {
    const record = this.#reachable();
    const created = instancesIn(content);
    const encoded = this.#encode(record, path, content, options.format);
    return this.#sendContent(
      record,
      encoded,
      options,
      (body) => createAt(record, path, body),
      (_response, code) => accepted(code, created),
    );
  }

  async delete(path: ObjectInstancePath | ResourceInstancePath, options: CallOptions = {}): Promise<Outcome<void>> {
    return this.#command((record) => deletePath(record, path), options);
  }

  async discover(path: Path, options: DiscoverOptions = {}): Promise<Outcome<readonly DiscoveredNode[]>> {
    const record = this.#reachable();
    return sendRequest(record, discoverPath(record, path, options), options, (response) =>
      response.code === Codes.content
        ? accepted(response.code, readDiscovery(record, response))
        : refusal(record, response),
    );
  }

  async writeAttributes(path: Path, attributes: WriteAttributes, options: CallOptions = {}): Promise<Outcome<void>> {
    return this.#command((record) => writeAttributesAt(record, path, attributes), options);
  }

  async observe(path: Path, options: ObserveOptions = {}): Promise<Outcome<Observation>> {
    const record = this.#reachable();
    const attributes = usedAttributes(options);
    if (attributes !== undefined) checkObserveAttributes(record, path, attributes);
    return observe(record, pathTarget(path, options.format, attributes), options, this.#owner);
  }

  async observeComposite(
    paths: readonly Path[],
    options: ObserveOptions & CompositeOptions = {},
  ): Promise<Outcome<Observation>> {
    const record = this.#reachable();
    const attributes = usedAttributes(options);
    if (attributes !== undefined) checkObserveAttributes(record, undefined, attributes);
    const lists = encodeList(record, paths, options.listFormat, this.#owner.definitions);
    return inOneOf(lists, (list) =>
      observe(record, listTarget(paths, list, options.format, attributes), options, this.#owner),
    );
  }

  async cancelObservation(path: Path | readonly Path[], mode: 'active' | 'passive' = 'passive'): Promise<boolean> {
    const wanted = 'kind' in path ? formatPath(path) : path.map(formatPath).join();
    const meant = [...(this.#current().observations?.values() ?? [])].filter(
      (observation) =>
        observation.active &&
        wanted === ('kind' in path ? formatPath(observation.path) : (observation.paths ?? []).map(formatPath).join()),
    );
    for (const observation of meant) await observation.cancel(mode);
    return meant.length > 0;
  }

  #current(): RegistrationRecord {
    if (this.#record.ended) this.#record = this.#owner.registered(this.#record.endpointClientName) ?? this.#record;
    return this.#record;
  }

  /** @throws OperationFailed 'CLOSED': no answer would ever come. */
  #reachable(): RegistrationRecord {
    const record = this.#current();
    if (!this.#owner.isClosed()) return record;
    throw serverClosed();
  }

  /** An operation whose answer is nothing but its code. */
  #command(request: (record: RegistrationRecord) => DeviceRequest, options: CallOptions): Promise<Outcome<void>> {
    const record = this.#reachable();
    return sendRequest(record, request(record), options, (response) =>
      response.code >> 5 === 2 ? accepted(response.code, undefined) : refusal(record, response),
    );
  }

  #encode(
    record: RegistrationRecord,
    path: Path,
    content: readonly NodeEntry[],
    format: number | undefined,
  ): readonly EncodedContent[] {
    const stray = content.find((entry) => !isWithin(entry.path, path));
    if (stray !== undefined)
      throw new UsageError(`${formatPath(stray.path)} does not belong to what is written to ${formatPath(path)}`);
    return encodeContent(record, path, content, format, this.#owner.definitions);
  }

  #sendContent<T>(
    record: RegistrationRecord,
    encoded: readonly EncodedContent[],
    options: CallOptions,
    request: (body: EncodedContent) => DeviceRequest,
    read: (response: ResponseHead, code: Code) => Outcome<T>,
  ): Promise<Outcome<T>> {
    return inOneOf(encoded, (body, alternative) =>
      sendRequest(record, withAlternative(request, body, alternative), options, (response) =>
        response.code >> 5 === 2 ? read(response, response.code) : refusal(record, response),
      ),
    );
  }
}

/** Send the content in its first format, and in the second when the client says it does not read the first. */
async function inOneOf<T>(
  [first, second]: readonly EncodedContent[],
  send: (body: EncodedContent, alternative: EncodedContent | undefined) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const outcome = await send(first!, second);
  if (second === undefined || outcome.ok || !isFormatRefusal(outcome.code)) return outcome;
  return send(second, undefined);
}

function withAlternative(
  request: (body: EncodedContent) => DeviceRequest,
  body: EncodedContent,
  alternative: EncodedContent | undefined,
): DeviceRequest {
  return alternative === undefined
    ? request(body)
    : { ...request(body), alternative: (): DeviceRequest => request(alternative) };
}

/** No attributes at all are what is attached. */
const usedAttributes = ({ attributes }: ObserveOptions): NotificationAttributes | undefined =>
  attributes === undefined || Object.keys(attributes).length === 0 ? undefined : attributes;

/** The Object Instances that the content of a Create names. @throws UsageError when it leaves one to the client. */
function instancesIn(content: readonly NodeEntry[]): readonly ObjectInstancePath[] {
  const instances = new Map<number, ObjectInstancePath>();
  for (const { path } of content) {
    if (path.kind === 'object' || path.objectInstanceId === MAX_ID)
      throw new UsageError('several Object Instances are created under ids that the content gives them');
    instances.set(path.objectInstanceId, objectInstancePath(path.objectId, path.objectInstanceId));
  }
  if (instances.size === 0) throw new UsageError('the content names no Object Instance');
  return [...instances.values()];
}

/** Whoever has a typed path may still write entries to it. No typed value is an array. */
const isEntryList = (content: unknown): content is readonly NodeEntry[] => Array.isArray(content);

function typedContent<T>(
  record: RegistrationRecord,
  path: TypedPath<T> | TypedResourceInstancePath<T>,
  { node }: ReadResult,
): T {
  const value = typedValue(path, node);
  if (value === undefined) throw badResponse(record, `${formatPath(path)} has no value of type ${path.shape.type}`);
  return value;
}

type ResponseHead = Parameters<Parameters<typeof sendRequest>[3]>[0];

const done = (_response: ResponseHead, code: Code): Outcome<void> => accepted(code, undefined);

/** A success that this operation cannot have is no refusal but nonsense. */
function refusal(record: RegistrationRecord, response: ResponseHead): Outcome<never> {
  if (response.code >> 5 !== 2) return refused(response);
  throw badResponse(record, `code ${refused(response).reason}`);
}

/** Where Create made the Object Instance: Location-Path says so, else the id was ours. OMA TS Core §6.3.6. */
function createdPath(
  record: RegistrationRecord,
  path: ObjectPath | ObjectInstancePath,
  response: ResponseHead,
  entries: readonly NodeEntry[],
): ObjectInstancePath | undefined {
  if (readOptions(response.options, 'locationPath').length >= 2) return readLocation(record, path.objectId, response);
  if (path.kind === 'objectInstance') return path;
  const chosen = entries[0]?.path;
  return chosen !== undefined && chosen.kind !== 'object' && chosen.objectInstanceId !== MAX_ID
    ? objectInstancePath(chosen.objectId, chosen.objectInstanceId)
    : undefined;
}
