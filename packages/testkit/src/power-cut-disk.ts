/**
 * A disk whose power fails: of what was not synchronised, any part may be lost. `survivors` are all the disks that there
 * may be afterwards: each change of the folder since it was synchronised has or has not reached it, and a file that was
 * not synchronised has its old content, its new one, or the beginning of it.
 *
 * One folder, "/".
 */
import type { FileSystem, OpenFile } from '@lapwing/transport';

interface File {
  content: Uint8Array;
  /** What is certain to be there after a loss of power. */
  durable: Uint8Array;
  readonly mode: number;
}

/** A change of the folder; undefined removes the name. */
type Change = ReadonlyMap<string, File | undefined>;

const NOTHING = new Uint8Array(0);

export class PowerCutDisk implements FileSystem {
  /** Called before each step, and its name. */
  onStep: (step: string) => void = () => undefined;
  /** Steps for which it answers true fail, as a full disk does. */
  fails: (step: string) => boolean = () => false;
  #names: ReadonlyMap<string, File>;
  /** Of the folder, as it was synchronised last. */
  #durable: ReadonlyMap<string, File>;
  #changes: Change[] = [];

  constructor(names: ReadonlyMap<string, File> = new Map()) {
    this.#names = names;
    this.#durable = names;
  }

  /** Names of the files there are. */
  get names(): readonly string[] {
    return [...this.#names.keys()].sort();
  }

  /** What others may do with a file is in its mode. */
  modeOf(path: string): number | undefined {
    return this.#names.get(path)?.mode;
  }

  /** Put a file there that has always been there. */
  place(path: string, content: Uint8Array, mode = 0o600): void {
    const names = new Map(this.#names).set(path, { content, durable: content, mode });
    this.#names = names;
    this.#durable = names;
  }

  survivors(): readonly PowerCutDisk[] {
    let folders: readonly ReadonlyMap<string, File>[] = [this.#durable];
    for (const change of this.#changes) folders = folders.flatMap((folder) => [folder, changed(folder, change)]);
    return folders.flatMap(contents).map((names) => new PowerCutDisk(names));
  }

  readFile(path: string): Promise<Uint8Array> {
    return this.#step('readFile', () => this.#at(path).content.slice());
  }

  open(path: string, flags: 'wx' | 'r', mode = 0o666): Promise<OpenFile> {
    return this.#step('open', () => {
      if (flags === 'r') return this.#openFolder();
      if (this.#names.has(path)) throw failure('EEXIST', path);
      const file: File = { content: NOTHING, durable: NOTHING, mode };
      this.#change(new Map([[path, file]]));
      return this.#openFile(file);
    });
  }

  rename(from: string, to: string): Promise<void> {
    const names = (): Change => new Map<string, File | undefined>([[from, undefined], [to, this.#at(from)]]); // prettier-ignore
    return this.#step('rename', () => this.#change(names()));
  }

  rm(path: string): Promise<void> {
    return this.#step('rm', () => {
      if (this.#names.has(path)) this.#change(new Map([[path, undefined]]));
    });
  }

  stat(path: string): Promise<{ readonly mode: number }> {
    return this.#step('stat', () => (path === '/' ? { mode: 0o700 } : this.#at(path)));
  }

  chmod(path: string, mode: number): Promise<void> {
    return this.#step('chmod', () => this.#change(new Map([[path, { ...this.#at(path), mode }]])));
  }

  #openFile(file: File): OpenFile {
    return {
      writeFile: (content) => this.#step('writeFile', () => void (file.content = content.slice())),
      sync: () => this.#step('sync', () => void (file.durable = file.content)),
      close: () => this.#step('close', () => undefined),
    };
  }

  #openFolder(): OpenFile {
    const sync = (): void => {
      this.#durable = this.#names;
      this.#changes = [];
    };
    return {
      writeFile: () => Promise.reject(failure('EISDIR', 'the folder')),
      sync: () => this.#step('sync the folder', sync),
      close: () => this.#step('close the folder', () => undefined),
    };
  }

  #at(path: string): File {
    const file = this.#names.get(path);
    if (file === undefined) throw failure('ENOENT', path);
    return file;
  }

  #change(change: Change): void {
    this.#names = changed(this.#names, change);
    this.#changes.push(change);
  }

  #step<Result>(name: string, action: () => Result): Promise<Result> {
    this.onStep(name);
    return new Promise((resolve) => {
      if (this.fails(name)) throw failure('ENOSPC', name);
      resolve(action());
    });
  }
}

function changed(folder: ReadonlyMap<string, File>, change: Change): ReadonlyMap<string, File> {
  const names = new Map(folder);
  for (const [name, file] of change) {
    if (file === undefined) names.delete(name);
    else names.set(name, file);
  }
  return names;
}

/** The folder with each of its files in each state it may be in. */
function contents(folder: ReadonlyMap<string, File>): readonly ReadonlyMap<string, File>[] {
  let all: readonly ReadonlyMap<string, File>[] = [new Map()];
  for (const [name, { content, durable, mode }] of folder) {
    const half = content.slice(0, content.length >> 1);
    const versions = content === durable ? [content] : [durable, content, half];
    all = all.flatMap((names) =>
      versions.map((version) => new Map(names).set(name, { content: version, durable: version, mode })),
    );
  }
  return all;
}

const failure = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code });
