/** The calls of the REST API, and `Refusal`, the one error they reject with. */
import type {
  AddedCredential,
  CredentialKind,
  CredentialPage,
  DataType,
  DefinitionSummary,
  Device,
  DevicePage,
  DiscoveredNode,
  Entry,
  FirmwareImage,
  FirmwareUpdate,
  JsonValue,
  NewCredential,
  NodeAttributes,
  ObjectDefinition,
  ObservationRecord,
  PendingList,
  Problem,
  ReadAnswer,
  RefusedHandshake,
  SentValuePage,
  ServerIdentity,
  ServerInfo,
  TrustAnchor,
} from './shapes.ts';

const BASE = '/api/v1';

/** The server or the device said no, or the server could not be reached (`status` 0). */
export class Refusal extends Error {
  readonly status: number;
  /** "4.05" when it was the device that refused. */
  readonly coapCode: string | undefined;
  readonly type: string;
  readonly title: string;
  /** Which part of the request was wrong, as a JSON Pointer or a name. */
  readonly field: string | undefined;

  constructor(problem: Problem, status: number) {
    super(problem.detail ?? problem.title ?? `the server answered with status ${status}`);
    this.name = 'Refusal';
    this.status = status;
    this.coapCode = problem.coapCode;
    this.field = problem.field;
    this.type = problem.type ?? 'about:blank';
    this.title = problem.title ?? 'The request failed';
  }
}

const problemOf = async (response: Response): Promise<Problem> => {
  if (!(response.headers.get('content-type') ?? '').includes('json')) return { title: response.statusText };
  try {
    return (await response.json()) as Problem;
  } catch {
    return { title: response.statusText };
  }
};

interface CallInit {
  readonly body?: unknown;
  readonly xml?: string;
  readonly bytes?: Blob;
  readonly signal?: AbortSignal | undefined;
}

export const call = async <T>(
  method: string,
  path: string,
  { body, xml, bytes, signal }: CallInit = {},
): Promise<T> => {
  const init: RequestInit = { method, headers: { accept: 'application/json' } };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { accept: 'application/json', 'content-type': 'application/json' };
  } else if (xml !== undefined) {
    init.body = xml;
    init.headers = { accept: 'application/json', 'content-type': 'application/xml' };
  } else if (bytes !== undefined) {
    init.body = bytes;
    init.headers = { accept: 'application/json', 'content-type': 'application/octet-stream' };
  }
  if (signal !== undefined) init.signal = signal;
  let response: Response;
  try {
    response = await fetch(BASE + path, init);
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new Refusal({ title: 'No connection', detail: 'The Lapwing server could not be reached.' }, 0);
  }
  if (!response.ok) throw new Refusal(await problemOf(response), response.status);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
};

/** `/3/0/9` below the device's resource `what`. */
export const below = (name: string, what: string, path: string): string =>
  `/devices/${encodeURIComponent(name)}/${what}${path}`;

/**
 * What a Write carries: one value, the Resource Instances of a Resource, or the Resources of an Object Instance. The type is
 * needed only where no definition tells it.
 */
export type WriteBody =
  | { readonly value: JsonValue; readonly type?: DataType }
  | { readonly values: Readonly<Record<string, JsonValue>>; readonly type?: DataType }
  | { readonly resources: ResourceValues };
export type ResourceValues = Readonly<
  Record<string, JsonValue | { readonly values: Readonly<Record<string, JsonValue>> }>
>;

export interface DevicesQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly search?: string;
  readonly signal?: AbortSignal;
}

export const pageQuery = (limit: number, cursor: string | undefined, search: string | undefined): string => {
  const query = new URLSearchParams({ limit: String(limit) });
  if (cursor !== undefined) query.set('cursor', cursor);
  if (search !== undefined && search !== '') query.set('search', search);
  return query.toString();
};

export interface StartUpdate {
  /** The id of an image. */
  readonly image: string;
  readonly delivery: 'push' | 'pull';
  /** With pull: what the device reaches the server by. */
  readonly host?: string;
}

export const api = {
  server: (signal?: AbortSignal): Promise<ServerInfo> => call('GET', '/server', { signal }),

  devices: ({ limit, cursor, search, signal }: DevicesQuery): Promise<DevicePage> =>
    call('GET', `/devices?${pageQuery(limit, cursor, search)}`, { signal }),
  device: (name: string, signal?: AbortSignal): Promise<Device> =>
    call('GET', `/devices/${encodeURIComponent(name)}`, { signal }),
  deviceDefinitions: (name: string, signal?: AbortSignal): Promise<{ readonly items: readonly ObjectDefinition[] }> =>
    call('GET', `/devices/${encodeURIComponent(name)}/definitions`, { signal }),

  read: (name: string, path: string): Promise<ReadAnswer> => call('GET', below(name, 'nodes', path)),
  write: (name: string, path: string, body: WriteBody, mode: 'replace' | 'update'): Promise<unknown> =>
    call(mode === 'replace' ? 'PUT' : 'PATCH', below(name, 'nodes', path), { body }),
  create: (name: string, path: string, resources: ResourceValues): Promise<{ readonly path: string }> =>
    call('POST', below(name, 'nodes', path), { body: { resources } }),
  delete: (name: string, path: string): Promise<unknown> => call('DELETE', below(name, 'nodes', path)),
  execute: (name: string, path: string, args: string): Promise<unknown> =>
    call('POST', below(name, 'execute', path), args === '' ? {} : { body: { arguments: args } }),
  discover: (name: string, path: string): Promise<{ readonly items: readonly DiscoveredNode[] }> =>
    call('GET', below(name, 'discover', path)),
  writeAttributes: (
    name: string,
    path: string,
    attributes: Readonly<Record<string, number | null>>,
  ): Promise<unknown> => call('PUT', below(name, 'attributes', path), { body: attributes }),

  attributes: (name: string, path: string): Promise<NodeAttributes> => call('GET', below(name, 'attributes', path)),

  readComposite: (name: string, paths: readonly string[]): Promise<{ readonly entries: readonly Entry[] }> =>
    call('POST', below(name, 'composite', '/read'), { body: { paths } }),
  writeComposite: (name: string, values: Readonly<Record<string, JsonValue>>): Promise<unknown> =>
    call('POST', below(name, 'composite', '/write'), { body: { values } }),
  observeComposite: (name: string, paths: readonly string[]): Promise<{ readonly entries: readonly Entry[] }> =>
    call('POST', below(name, 'composite', '/observe'), { body: { paths } }),
  cancelComposite: (name: string, paths: readonly string[]): Promise<unknown> =>
    call('POST', `${below(name, 'composite', '/cancel')}?mode=active`, { body: { paths } }),

  pending: (name: string, signal?: AbortSignal): Promise<PendingList> =>
    call('GET', below(name, 'pending', ''), { signal }),
  reorderPending: (name: string, operationIds: readonly string[]): Promise<PendingList> =>
    call('PUT', below(name, 'pending', ''), { body: { operationIds } }),
  cancelPending: (name: string, operationId: string): Promise<unknown> =>
    call('DELETE', below(name, 'pending', `/${operationId}`)),

  sends: (name: string, limit: number, cursor?: string, signal?: AbortSignal): Promise<SentValuePage> =>
    call('GET', `${below(name, 'sends', '')}?${pageQuery(limit, cursor, undefined)}`, { signal }),

  firmware: (signal?: AbortSignal): Promise<{ readonly items: readonly FirmwareImage[]; readonly maxBytes: number }> =>
    call('GET', '/firmware', { signal }),
  uploadFirmware: (file: File, version: string): Promise<FirmwareImage> => {
    const query = new URLSearchParams({ name: file.name, ...(version === '' ? {} : { version }) });
    return call('POST', `/firmware?${query.toString()}`, { bytes: file });
  },
  removeFirmware: (id: string): Promise<unknown> => call('DELETE', `/firmware/${id}`),
  firmwareUpdates: (signal?: AbortSignal): Promise<{ readonly items: readonly FirmwareUpdate[] }> =>
    call('GET', '/firmware-updates', { signal }),
  startFirmwareUpdate: (name: string, start: StartUpdate): Promise<FirmwareUpdate> =>
    call('POST', below(name, 'firmware-update', ''), { body: start }),
  cancelFirmwareUpdate: (name: string): Promise<unknown> => call('DELETE', below(name, 'firmware-update', '')),

  observations: (name: string, signal?: AbortSignal): Promise<{ readonly items: readonly ObservationRecord[] }> =>
    call('GET', `/devices/${encodeURIComponent(name)}/observations`, { signal }),
  observe: (name: string, path: string): Promise<ReadAnswer & { readonly startedAt: string }> =>
    call('PUT', below(name, 'observations', path)),
  cancelObservation: (name: string, path: string): Promise<unknown> =>
    call('DELETE', `${below(name, 'observations', path)}?mode=active`),

  definitions: (signal?: AbortSignal): Promise<{ readonly items: readonly DefinitionSummary[] }> =>
    call('GET', '/definitions', { signal }),
  definition: (objectId: number, version: string, signal?: AbortSignal): Promise<ObjectDefinition> =>
    call('GET', `/definitions/${objectId}?version=${encodeURIComponent(version)}`, { signal }),
  addDefinition: (xml: string): Promise<unknown> => call('POST', '/definitions', { xml }),

  credentials: ({ limit, cursor, search, signal }: DevicesQuery): Promise<CredentialPage> =>
    call('GET', `/security/credentials?${pageQuery(limit, cursor, search)}`, { signal }),
  addCredential: (body: NewCredential): Promise<AddedCredential> => call('POST', '/security/credentials', { body }),
  removeCredential: (name: string, kind: CredentialKind): Promise<unknown> =>
    call('DELETE', `/security/credentials/${encodeURIComponent(name)}/${kind}`),
  serverIdentity: (signal?: AbortSignal): Promise<ServerIdentity> => call('GET', '/security/identity', { signal }),
  trustAnchors: (signal?: AbortSignal): Promise<{ readonly items: readonly TrustAnchor[] }> =>
    call('GET', '/security/trust-anchors', { signal }),
  addTrustAnchor: (certificate: string): Promise<TrustAnchor> =>
    call('POST', '/security/trust-anchors', { body: { certificate } }),
  removeTrustAnchor: (id: string): Promise<unknown> => call('DELETE', `/security/trust-anchors/${id}`),
  refusedHandshakes: (
    signal?: AbortSignal,
  ): Promise<{ readonly items: readonly RefusedHandshake[]; readonly total: number }> =>
    call('GET', '/security/refusals', { signal }),
} as const;
