/**
 * What devices are given at a Bootstrap, in memory and in one file that only the server's user can read, because there
 * are keys in it. Every change is written to the disk before it counts as done.
 */
import {
  configurationFromJson,
  configurationToJson,
  MemoryConfigurationStore,
  type BootstrapConfiguration,
  type ConfigurationStore,
  type StoredConfiguration,
} from '@lapwing/bootstrap-server';
import { isMalformed, malformed, type Malformed } from '@lapwing/lwm2m';
import { GroupedChanges } from '../security/grouped-changes.ts';
import { readPrivate, writePrivate } from '../security/private-files.ts';
import { StartFailure } from '../start-failure.ts';

/** Of the file; another version is refused rather than half understood. */
const VERSION = 1;

export class FileConfigurationStore implements ConfigurationStore {
  readonly #memory: MemoryConfigurationStore;
  readonly #changes: GroupedChanges;

  private constructor(file: string | undefined, memory: MemoryConfigurationStore) {
    this.#memory = memory;
    this.#changes = new GroupedChanges(async () => {
      if (file !== undefined) await writePrivate(file, formatContent(memory));
    });
  }

  /**
   * @param file  made by the first change; undefined: nothing is kept beyond this process.
   *
   * Rejects with StartFailure when the file is there and is not what this class writes.
   */
  static async open(file: string | undefined, maxConfigurations: number): Promise<FileConfigurationStore> {
    const bytes = file === undefined ? undefined : await readPrivate(file);
    const content = bytes === undefined ? EMPTY : parseContent(bytes.toString('utf8'));
    if (isMalformed(content)) throw damaged(file, content.malformed);
    try {
      const memory = new MemoryConfigurationStore(content.configurations, { maxConfigurations });
      memory.saveDefault(content.shared);
      return new FileConfigurationStore(file, memory);
    } catch (error) {
      throw damaged(file, (error as Error).message);
    }
  }

  get size(): number {
    return this.#memory.size;
  }

  find(endpointClientName: string): BootstrapConfiguration | undefined {
    return this.#memory.find(endpointClientName);
  }

  all(after?: string): Iterable<StoredConfiguration> {
    return this.#memory.all(after);
  }

  findDefault(): BootstrapConfiguration | undefined {
    return this.#memory.findDefault();
  }

  save(endpointClientName: string, configuration: BootstrapConfiguration): Promise<void> {
    return this.#changes.run(() => {
      const before = this.#memory.find(endpointClientName);
      this.#memory.save(endpointClientName, configuration);
      const undo = (): unknown =>
        before === undefined ? this.#memory.remove(endpointClientName) : this.#memory.save(endpointClientName, before);
      return { undo, result: undefined };
    });
  }

  remove(endpointClientName: string): Promise<boolean> {
    return this.#changes.run(() => {
      const before = this.#memory.find(endpointClientName);
      if (before === undefined) return { undo: undefined, result: false };
      this.#memory.remove(endpointClientName);
      return { undo: () => this.#memory.save(endpointClientName, before), result: true };
    });
  }

  saveDefault(configuration: BootstrapConfiguration | undefined): Promise<void> {
    return this.#changes.run(() => {
      const before = this.#memory.findDefault();
      this.#memory.saveDefault(configuration);
      return { undo: () => this.#memory.saveDefault(before), result: undefined };
    });
  }
}

interface Content {
  readonly configurations: readonly StoredConfiguration[];
  readonly shared: BootstrapConfiguration | undefined;
}
const EMPTY: Content = { configurations: [], shared: undefined };

const damaged = (file: string | undefined, why: string): StartFailure =>
  new StartFailure(
    `The bootstrap configurations in ${file} cannot be used: ${why}. Correct the file, restore it from a copy, or move it away to begin without any.`,
  );

/** One configuration a line, so that people can compare two copies. */
function formatContent(memory: MemoryConfigurationStore): string {
  const json = (configuration: BootstrapConfiguration): unknown =>
    configurationToJson(configuration, { secrets: 'shown' });
  const shared = memory.findDefault();
  const lines = Array.from(
    memory.all(),
    ({ endpointClientName: device, configuration }) =>
      `    ${JSON.stringify({ device, configuration: json(configuration) })}`,
  );
  return [
    '{',
    `  "version": ${VERSION},`,
    ...(shared === undefined ? [] : [`  "default": ${JSON.stringify(json(shared))},`]),
    `  "configurations": [${lines.length === 0 ? '' : `\n${lines.join(',\n')}\n  `}]`,
    '}',
    '',
  ].join('\n');
}

function parseContent(text: string): Content | Malformed {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    // The parser's own message would quote what stands there, and that may be a key.
    return malformed('it is not JSON');
  }
  if (!isObject(content)) return malformed('it holds no JSON object');
  const { version, default: shared, configurations } = content;
  if (version !== VERSION) return malformed(`"version" is not ${VERSION}`);
  if (!Array.isArray(configurations)) return malformed('"configurations" is no list');
  const parsed: StoredConfiguration[] = [];
  for (const [index, each] of (configurations as readonly unknown[]).entries()) {
    const { device, configuration } = isObject(each) ? each : {};
    const read = configurationOf(configuration);
    if (typeof device !== 'string' || read === undefined) return malformed(`entry ${index + 1} is not understood`);
    parsed.push({ endpointClientName: device, configuration: read });
  }
  const own = shared === undefined ? undefined : configurationOf(shared);
  if (shared !== undefined && own === undefined) return malformed('"default" is not understood');
  return { configurations: parsed, shared: own };
}

/** What is in it is checked when it is given to a device. */
function configurationOf(json: unknown): BootstrapConfiguration | undefined {
  try {
    return isObject(json) ? configurationFromJson(json) : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
