/** The configurations of devices, as an operator sees and changes them: checked before they are kept. */
import type { DefinitionLookup } from '@lapwing/lwm2m';
import { checkConfiguration } from './check-configuration.ts';
import type { BootstrapConfiguration } from './configuration.ts';
import type { ConfigurationStore, StoredConfiguration } from './configuration-store.ts';
import type { ProofSources } from './credentials.ts';
import type { BootstrapServerParameters } from './parameters.ts';

export interface ConfigurationQuery {
  /** Begin after this Endpoint Client Name, which need not exist. */
  readonly after?: string;
  /** At most this many; default 100. */
  readonly limit?: number;
  /** Only names that contain this text, in any letter case. */
  readonly search?: string;
}

export interface ConfigurationPage {
  /** Ascending by Endpoint Client Name. They hold secrets: `configurationToJson` leaves them out. */
  readonly items: readonly StoredConfiguration[];
  /** Pass as `after` for the next page; undefined on the last one. */
  readonly next: string | undefined;
}

export interface ConfigurationChecks {
  readonly definitions: DefinitionLookup;
  readonly parameters: BootstrapServerParameters;
  readonly sources: ProofSources;
}

export class ConfigurationAdministration {
  readonly #store: ConfigurationStore;
  readonly #checks: ConfigurationChecks;

  constructor(store: ConfigurationStore, checks: ConfigurationChecks) {
    this.#store = store;
    this.#checks = checks;
  }

  /**
   * Give a device this, from its next request on.
   *
   * Rejects with UsageError when it cannot be given to a device, with OperationFailed 'STORE_FULL'.
   */
  async set(endpointClientName: string, configuration: BootstrapConfiguration): Promise<void> {
    this.check(configuration, endpointClientName);
    await this.#store.save(endpointClientName, configuration);
  }

  /** @throws UsageError when it cannot be given to a device. */
  check(configuration: BootstrapConfiguration, endpointClientName = 'device'): void {
    checkConfiguration(configuration, endpointClientName, this.#checks);
  }

  async get(endpointClientName: string): Promise<BootstrapConfiguration | undefined> {
    return this.#store.find(endpointClientName);
  }

  /** False when there was none. */
  async remove(endpointClientName: string): Promise<boolean> {
    return this.#store.remove(endpointClientName);
  }

  /** What devices are given that have none of their own; undefined: they are refused. */
  async getDefault(): Promise<BootstrapConfiguration | undefined> {
    return this.#store.findDefault();
  }

  async setDefault(configuration: BootstrapConfiguration | undefined): Promise<void> {
    if (configuration !== undefined) this.check(configuration);
    await this.#store.saveDefault(configuration);
  }

  async list({ after, limit = 100, search }: ConfigurationQuery = {}): Promise<ConfigurationPage> {
    const items: StoredConfiguration[] = [];
    const wanted = search?.toLowerCase();
    for await (const stored of this.#store.all(after)) {
      if (wanted !== undefined && !stored.endpointClientName.toLowerCase().includes(wanted)) continue;
      if (items.length >= limit) return { items, next: items.at(-1)?.endpointClientName };
      items.push(stored);
    }
    return { items, next: undefined };
  }
}
