/**
 * Where configurations are kept, by Endpoint Client Name. A store may answer at once or with a promise; it is asked at
 * every request of a device. It may reject or throw: the device is then answered 5.00.
 */
import { OperationFailed } from '@lapwing/coap';
import type { MaybePromise } from '@lapwing/server';
import type { BootstrapConfiguration } from './configuration.ts';

export interface StoredConfiguration {
  readonly endpointClientName: string;
  readonly configuration: BootstrapConfiguration;
}

export interface ConfigurationStore {
  find(endpointClientName: string): MaybePromise<BootstrapConfiguration | undefined>;
  /** In place of that of the same name. Rejects with OperationFailed 'STORE_FULL'. */
  save(endpointClientName: string, configuration: BootstrapConfiguration): MaybePromise<void>;
  /** False when there was none. */
  remove(endpointClientName: string): MaybePromise<boolean>;
  /** Those of the names after `after`, ascending by name (UTF-16 code units). */
  all(after?: string): Iterable<StoredConfiguration> | AsyncIterable<StoredConfiguration>;
  /** For devices that have none of their own; undefined: they are refused. */
  findDefault(): MaybePromise<BootstrapConfiguration | undefined>;
  /** @param configuration  undefined: there is none any more. */
  saveDefault(configuration: BootstrapConfiguration | undefined): MaybePromise<void>;
}

export interface MemoryConfigurationStoreOptions {
  /** Configurations at once; default 1,000,000. */
  readonly maxConfigurations?: number;
}

/** Keeps the configurations in this process. Do not change one that is in it. */
export class MemoryConfigurationStore implements ConfigurationStore {
  readonly #maxConfigurations: number;
  readonly #configurations = new Map<string, BootstrapConfiguration>();
  #default: BootstrapConfiguration | undefined;
  /** Ascending; undefined after a change of the names. */
  #names: readonly string[] | undefined;

  constructor(
    configurations: Iterable<StoredConfiguration> = [],
    { maxConfigurations = 1_000_000 }: MemoryConfigurationStoreOptions = {},
  ) {
    this.#maxConfigurations = maxConfigurations;
    for (const { endpointClientName, configuration } of configurations) this.save(endpointClientName, configuration);
  }

  get size(): number {
    return this.#configurations.size;
  }

  find(endpointClientName: string): BootstrapConfiguration | undefined {
    return this.#configurations.get(endpointClientName);
  }

  /** @throws OperationFailed 'STORE_FULL'. */
  save(endpointClientName: string, configuration: BootstrapConfiguration): void {
    if (!this.#configurations.has(endpointClientName)) {
      if (this.#configurations.size >= this.#maxConfigurations)
        throw new OperationFailed('STORE_FULL', `there is room for ${this.#maxConfigurations} configurations`, {
          retryable: false,
        });
      this.#names = undefined;
    }
    this.#configurations.set(endpointClientName, configuration);
  }

  remove(endpointClientName: string): boolean {
    const removed = this.#configurations.delete(endpointClientName);
    if (removed) this.#names = undefined;
    return removed;
  }

  *all(after?: string): Generator<StoredConfiguration, undefined> {
    const names = (this.#names ??= [...this.#configurations.keys()].sort(byCodeUnits));
    for (let index = after === undefined ? 0 : placeAfter(names, after); index < names.length; index++) {
      const configuration = this.#configurations.get(names[index]!);
      // It may have been removed meanwhile.
      if (configuration !== undefined) yield { endpointClientName: names[index]!, configuration };
    }
  }

  findDefault(): BootstrapConfiguration | undefined {
    return this.#default;
  }

  saveDefault(configuration: BootstrapConfiguration | undefined): void {
    this.#default = configuration;
  }
}

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function placeAfter(names: readonly string[], name: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (names[middle]! <= name) low = middle + 1;
    else high = middle;
  }
  return low;
}
