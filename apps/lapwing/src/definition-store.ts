/**
 * The Object definitions the server knows: the registry that is built in, and OMA object XML files that users supply, kept
 * in a folder when there is one.
 */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMalformed, malformed, type Malformed, type ObjectDefinition, ObjectDefinitions } from '@lapwing/lwm2m';
import { parseObjectXml } from './object-xml.ts';

export class DefinitionStore {
  readonly registry: ObjectDefinitions;
  /** Where uploaded files are kept; undefined: only in memory. */
  readonly #folder: string | undefined;

  constructor(folder: string | undefined, registry: ObjectDefinitions = new ObjectDefinitions()) {
    this.#folder = folder;
    this.registry = registry;
  }

  /**
   * Load every .xml file of the folder, in the order of their names.
   *
   * Answers one sentence for each file that cannot be used; it keeps no other from being loaded.
   * Rejects when the folder cannot be read.
   */
  async load(): Promise<readonly string[]> {
    if (this.#folder === undefined) return [];
    const names = (await readdir(this.#folder)).filter((name) => /\.xml$/i.test(name)).sort();
    const complaints: string[] = [];
    for (const name of names) {
      const file = join(this.#folder, name);
      const complaint = await this.#loadFile(file).catch((error: unknown) => (error as Error).message);
      if (complaint !== undefined) complaints.push(`${file} was left out: ${complaint}`);
    }
    return complaints;
  }

  /**
   * Learn the one Object that `xml` defines, and keep the text in the folder. The same id and version replaces what was
   * known.
   *
   * Rejects when the folder cannot be written; then nothing was learnt.
   */
  async learn(xml: string): Promise<ObjectDefinition | Malformed> {
    const parsed = parseObjectXml(xml);
    if (isMalformed(parsed)) return parsed;
    const [definition, ...others] = parsed;
    if (definition === undefined || others.length > 0) {
      // One Object per kept file: so that a newer upload of an Object replaces its file and nothing else.
      return malformed(`one Object per upload is wanted, this file defines ${parsed.length}`);
    }
    if (this.#folder === undefined) {
      this.registry.add(definition);
    } else {
      const file = join(this.#folder, `${definition.id}-${definition.version}.xml`);
      const unfinished = `${file}.part`;
      await writeFile(unfinished, xml);
      try {
        this.registry.add(definition);
        await rename(unfinished, file);
      } finally {
        await rm(unfinished, { force: true });
      }
    }
    return definition;
  }

  /** Every version of every Object, ascending. */
  *all(): Generator<ObjectDefinition> {
    for (const { id } of this.registry.objects()) {
      for (const version of this.registry.versions(id)) {
        const definition = this.exactly(id, version);
        if (definition !== undefined) yield definition;
      }
    }
  }

  /** This version and no near one; the latest when none is named. */
  exactly(objectId: number, version?: string): ObjectDefinition | undefined {
    const definition = this.registry.object(objectId, version);
    return version === undefined || definition?.version === version ? definition : undefined;
  }

  async #loadFile(file: string): Promise<string | undefined> {
    const parsed = parseObjectXml(await readFile(file));
    if (isMalformed(parsed)) return parsed.malformed;
    for (const definition of parsed) this.registry.add(definition);
    return undefined;
  }
}
