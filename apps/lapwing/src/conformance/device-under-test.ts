/** A connected device as the conformance cases see it: what it announced and holds, and every operation on it by REST. */
import { isMalformed, parsePath } from '@lapwing/lwm2m';
import { RequestFailed, type RestClient } from '../rest-client.ts';
import type { NodeBodyJson } from '../rest/node-content.ts';
import type { CompositeJson, CompositeWriteJson, ObservedCompositeJson } from '../rest/operation-schemas.ts';
import type {
  CodeJson,
  CreatedJson,
  DefinitionJson,
  DeviceJson,
  DiscoveredJson,
  ObservationJson,
  ObservedJson,
  ReadJson,
  ResourceDefinitionJson,
} from '../rest/schemas.ts';
import type { EntryJson, ScalarJson } from '../rest/value-json.ts';

/** What the device answered, or why there is no answer to judge. */
export type Answer<Body = CodeJson> =
  | { readonly ok: true; readonly code: string; readonly body: Body }
  /** @property code  of the refusal; undefined when nothing that can be understood came. */
  | { readonly ok: false; readonly code: string | undefined; readonly said: string };

export interface InstanceUnderTest {
  /** "/3/0". */
  readonly path: string;
  readonly object: ObjectUnderTest;
  /** What a Read of it brought before the first case; empty when it brought nothing. */
  readonly entries: readonly EntryJson[];
  /** That Read brought something, or was refused though there is something to read. */
  readonly isReadable: boolean;
}

export interface ObjectUnderTest {
  readonly objectId: number;
  readonly version: string;
  /** Undefined when the server knows none: then only little can be said about it. */
  readonly definition: DefinitionJson | undefined;
  readonly instances: readonly InstanceUnderTest[];
}

/** A Resource that the device had when it was read. */
export interface ResourceUnderTest {
  readonly path: string;
  readonly definition: ResourceDefinitionJson;
  readonly instance: InstanceUnderTest;
}

export interface SurveyOptions {
  /** ms the device may take to answer a request. */
  readonly timeout: number;
}

export class DeviceUnderTest {
  readonly name: string;
  readonly lwm2mVersion: DeviceJson['lwm2mVersion'];
  /** Content-Formats that its registration names. */
  readonly contentFormats: readonly number[];
  readonly objects: readonly ObjectUnderTest[];
  readonly timeout: number;
  /** Requests in a row that the device left without an answer. */
  silences = 0;
  readonly #api: RestClient;

  private constructor(api: RestClient, device: DeviceJson, objects: readonly ObjectUnderTest[], timeout: number) {
    this.#api = api;
    this.name = device.name;
    this.lwm2mVersion = device.lwm2mVersion;
    this.contentFormats = device.contentFormats;
    this.objects = objects;
    this.timeout = timeout;
  }

  /** Learn what the device has. Rejects with RequestFailed when it is not registered, or there is no server. */
  static async survey(api: RestClient, name: string, { timeout }: SurveyOptions): Promise<DeviceUnderTest> {
    const at = `/devices/${encodeURIComponent(name)}`;
    const device = await api.call<DeviceJson>('GET', at);
    const { items } = await api.call<{ readonly items: readonly DefinitionJson[] }>('GET', `${at}/definitions`);
    const asking = new DeviceUnderTest(api, device, [], timeout);
    const objects: ObjectUnderTest[] = [];
    for (const { objectId, version, objectInstanceIds } of device.objects) {
      const instances: InstanceUnderTest[] = [];
      const definition = items.find((each) => each.objectId === objectId);
      const object: ObjectUnderTest = { objectId, version, definition, instances };
      for (const id of objectInstanceIds) {
        const path = `/${objectId}/${id}`;
        const answer = await asking.read(path);
        const entries = answer.ok ? answer.body.entries : [];
        const hasReadable = definition?.resources.some(({ operations }) => operations.includes('R')) ?? true;
        instances.push({ path, object, entries, isReadable: entries.length > 0 || (!answer.ok && hasReadable) });
      }
      objects.push(object);
    }
    return new DeviceUnderTest(api, device, objects, timeout);
  }

  get instances(): readonly InstanceUnderTest[] {
    return this.objects.flatMap(({ instances }) => instances);
  }

  /** What was there to be read, with its definition. */
  get resources(): readonly ResourceUnderTest[] {
    return this.instances.flatMap((instance) =>
      (instance.object.definition?.resources ?? [])
        .map((definition) => ({ path: `${instance.path}/${definition.resourceId}`, definition, instance }))
        .filter(({ path }) => isThere(instance.entries, path)),
    );
  }

  object(objectId: number): ObjectUnderTest | undefined {
    return this.objects.find((each) => each.objectId === objectId);
  }

  isAtLeast(version: DeviceJson['lwm2mVersion']): boolean {
    return this.lwm2mVersion >= version;
  }

  registration(): Promise<DeviceJson> {
    return this.#api.call('GET', `/devices/${encodeURIComponent(this.name)}`);
  }

  read(path: string, format?: number): Promise<Answer<ReadJson>> {
    return this.#ask('GET', 'nodes', path, { format });
  }

  /** Write (Replace). */
  write(path: string, body: NodeBodyJson, format?: number): Promise<Answer> {
    return this.#ask('PUT', 'nodes', path, { body, format });
  }

  /** Write (Partial Update). */
  update(path: string, body: NodeBodyJson, format?: number): Promise<Answer> {
    return this.#ask('PATCH', 'nodes', path, { body, format });
  }

  create(path: string, resources: NonNullable<NodeBodyJson['resources']>): Promise<Answer<CreatedJson>> {
    return this.#ask('POST', 'nodes', path, { body: { resources } });
  }

  delete(path: string): Promise<Answer> {
    return this.#ask('DELETE', 'nodes', path);
  }

  execute(path: string): Promise<Answer> {
    return this.#ask('POST', 'execute', path);
  }

  discover(path: string): Promise<Answer<DiscoveredJson>> {
    return this.#ask('GET', 'discover', path);
  }

  writeAttributes(path: string, body: Readonly<Record<string, number | null>>): Promise<Answer> {
    return this.#ask('PUT', 'attributes', path, { body });
  }

  observe(path: string): Promise<Answer<ObservedJson>> {
    return this.#ask('PUT', 'observations', path);
  }

  readComposite(paths: readonly string[], format?: number): Promise<Answer<CompositeJson>> {
    return this.#ask('POST', 'composite', '/read', { body: { paths }, format });
  }

  writeComposite(values: NonNullable<CompositeWriteJson['values']>, format?: number): Promise<Answer> {
    return this.#ask('POST', 'composite', '/write', { body: { values }, format });
  }

  observeComposite(paths: readonly string[]): Promise<Answer<ObservedCompositeJson>> {
    return this.#ask('POST', 'composite', '/observe', { body: { paths } });
  }

  async observations(): Promise<readonly ObservationJson[]> {
    const at = `/devices/${encodeURIComponent(this.name)}/observations`;
    return (await this.#api.call<{ readonly items: readonly ObservationJson[] }>('GET', at)).items;
  }

  /** Cancel with Observe: 1. False when it was not observed any more. */
  cancelObservation(path: string): Promise<boolean> {
    return this.#cancel('DELETE', `observations${path}`);
  }

  cancelComposite(paths: readonly string[]): Promise<boolean> {
    return this.#cancel('POST', 'composite/cancel', { paths });
  }

  async #cancel(method: string, what: string, body?: unknown): Promise<boolean> {
    try {
      await this.#api.call(method, `/devices/${encodeURIComponent(this.name)}/${what}?mode=active`, body);
      return true;
    } catch (error) {
      if (error instanceof RequestFailed && error.status === 404) return false;
      throw error;
    }
  }

  async #ask<Body extends CodeJson>(
    method: string,
    what: string,
    path: string,
    { body, format }: { readonly body?: unknown; readonly format?: number | undefined } = {},
  ): Promise<Answer<Body>> {
    const query = new URLSearchParams({ timeout: `${this.timeout}` });
    if (format !== undefined) query.set('format', `${format}`);
    const at = `/devices/${encodeURIComponent(this.name)}/${what}${path}?${query.toString()}`;
    try {
      const answer = await this.#api.call<Body>(method, at, body);
      this.silences = 0;
      return { ok: true, code: answer.code, body: answer };
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      const { coapCode, type = '' } = error.problem;
      // Whatever else it is, it is not an answer of the device: the server is gone, or has forgotten it.
      if (!type.startsWith('urn:lapwing:problem:device-') && type !== 'urn:lapwing:problem:not-available') throw error;
      this.silences = type.endsWith('device-timeout') ? this.silences + 1 : 0;
      return { ok: false, code: coapCode, said: error.message };
    }
  }
}

const isThere = (entries: readonly EntryJson[], path: string): boolean =>
  entries.some((entry) => entry.path === path || entry.path.startsWith(`${path}/`));

/** The entries of a Resource. */
export const entriesAt = (entries: readonly EntryJson[], path: string): readonly EntryJson[] =>
  entries.filter((entry) => entry.path === path || entry.path.startsWith(`${path}/`));

/** What writes a Resource back as it was read. */
export function asBody({ multiple }: ResourceDefinitionJson, entries: readonly EntryJson[]): NodeBodyJson {
  if (!multiple) return { value: entries[0]?.value ?? null };
  const values: Record<string, ScalarJson> = {};
  for (const { path, value } of entries) {
    const parsed = parsePath(path);
    if (!isMalformed(parsed) && parsed.kind === 'resourceInstance' && value !== undefined) {
      values[parsed.resourceInstanceId] = value;
    }
  }
  return { values };
}
