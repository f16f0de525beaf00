/** The calls of `/api/v1/bootstrap`. */
import type {
  BootstrapConfiguration,
  BootstrapInfo,
  BootstrapRefusals,
  BootstrapSession,
  ConfigurationPage,
  DefaultConfiguration,
  DeviceConfiguration,
  PreviewedOperation,
  PreviewOptions,
  SessionList,
} from './bootstrap-shapes.ts';
import { below, call, pageQuery, type DevicesQuery } from './rest.ts';
import type { AddedCredential, CredentialKind, CredentialPage, NewCredential } from './shapes.ts';

const configurationAt = (name: string): string => `/bootstrap/configurations/${encodeURIComponent(name)}`;

export interface SessionsQuery {
  readonly device?: string;
  readonly limit: number;
  readonly signal?: AbortSignal;
}

export const bootstrapApi = {
  info: (signal?: AbortSignal): Promise<BootstrapInfo> => call('GET', '/bootstrap', { signal }),

  configurations: ({ limit, cursor, search, signal }: DevicesQuery): Promise<ConfigurationPage> =>
    call('GET', `/bootstrap/configurations?${pageQuery(limit, cursor, search)}`, { signal }),
  configuration: (name: string, signal?: AbortSignal): Promise<DeviceConfiguration> =>
    call('GET', configurationAt(name), { signal }),
  setConfiguration: (name: string, configuration: BootstrapConfiguration): Promise<unknown> =>
    call('PUT', configurationAt(name), { body: configuration }),
  removeConfiguration: (name: string): Promise<unknown> => call('DELETE', configurationAt(name)),
  defaultConfiguration: (signal?: AbortSignal): Promise<DefaultConfiguration> =>
    call('GET', '/bootstrap/default', { signal }),
  setDefaultConfiguration: (configuration: BootstrapConfiguration): Promise<unknown> =>
    call('PUT', '/bootstrap/default', { body: configuration }),
  removeDefaultConfiguration: (): Promise<unknown> => call('DELETE', '/bootstrap/default'),
  /** What the device would be asked if it had this configuration; nothing is kept. */
  preview: (
    name: string,
    configuration: BootstrapConfiguration,
    options: PreviewOptions,
  ): Promise<{ readonly operations: readonly PreviewedOperation[] }> => {
    const query = new URLSearchParams(Object.entries(options).map(([option, value]) => [option, String(value)]));
    return call('POST', `${configurationAt(name)}/preview?${query.toString()}`, { body: configuration });
  },

  sessions: ({ device, limit, signal }: SessionsQuery): Promise<SessionList> => {
    const query = new URLSearchParams({ limit: String(limit) });
    if (device !== undefined) query.set('device', device);
    return call('GET', `/bootstrap/sessions?${query.toString()}`, { signal });
  },
  session: (sessionId: string, signal?: AbortSignal): Promise<BootstrapSession> =>
    call('GET', `/bootstrap/sessions/${encodeURIComponent(sessionId)}`, { signal }),
  cancelSession: (sessionId: string): Promise<unknown> =>
    call('DELETE', `/bootstrap/sessions/${encodeURIComponent(sessionId)}`),
  refusals: (signal?: AbortSignal): Promise<BootstrapRefusals> => call('GET', '/bootstrap/refusals', { signal }),

  /** The device is asked to come: Execute of /1/x/9. */
  trigger: (name: string): Promise<{ readonly path: string }> => call('POST', below(name, 'bootstrap', '')),

  credentials: ({ limit, cursor, search, signal }: DevicesQuery): Promise<CredentialPage> =>
    call('GET', `/bootstrap/credentials?${pageQuery(limit, cursor, search)}`, { signal }),
  addCredential: (body: NewCredential): Promise<AddedCredential> => call('POST', '/bootstrap/credentials', { body }),
  removeCredential: (name: string, kind: CredentialKind): Promise<unknown> =>
    call('DELETE', `/bootstrap/credentials/${encodeURIComponent(name)}/${kind}`),
} as const;
