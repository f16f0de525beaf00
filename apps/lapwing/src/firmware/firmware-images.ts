/**
 * The firmware images that can be sent to devices: files in a folder, each with a line of JSON that says what it is. Their
 * id is the SHA-256 of their bytes. An image that is being sent is in memory once, however many devices it goes to.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartFailure } from '../start-failure.ts';

export interface FirmwareImage {
  /** SHA-256 in hexadecimal. */
  readonly id: string;
  readonly name: string;
  /** As the device will tell it (/3/0/3); '' when nobody said. */
  readonly version: string;
  readonly bytes: number;
  /** ISO 8601. */
  readonly uploadedAt: string;
}

export interface FirmwareImageLimits {
  /** Of one image. */
  readonly maxBytes: number;
  readonly maxImages: number;
}

export type AddImage =
  | { readonly kind: 'added' | 'known'; readonly image: FirmwareImage }
  | { readonly kind: 'tooLarge' | 'tooSmall' | 'full' };

const UNFINISHED = '.part';
const SMALLEST = 2;

export class FirmwareImages {
  readonly limits: FirmwareImageLimits;
  readonly #folder: string;
  readonly #isTemporary: boolean;
  readonly #images: Map<string, FirmwareImage>;
  readonly #held = new Map<string, WeakRef<Uint8Array>>();
  readonly #reading = new Map<string, Promise<Uint8Array>>();
  /** Uploads that have a place already. */
  #arriving = 0;

  private constructor(
    folder: string,
    isTemporary: boolean,
    images: Map<string, FirmwareImage>,
    limits: FirmwareImageLimits,
  ) {
    this.#folder = folder;
    this.#isTemporary = isTemporary;
    this.#images = images;
    this.limits = limits;
  }

  /**
   * @param dataDir  must exist; undefined: images go with the process.
   *
   * Rejects with StartFailure when the folder cannot be used.
   */
  static async open(dataDir: string | undefined, limits: FirmwareImageLimits): Promise<FirmwareImages> {
    if (dataDir === undefined)
      return new FirmwareImages(await mkdtemp(join(tmpdir(), 'lapwing-firmware-')), true, new Map(), limits);
    const folder = join(dataDir, 'firmware');
    try {
      await mkdir(folder, { recursive: true });
      return new FirmwareImages(folder, false, await load(folder), limits);
    } catch (error) {
      throw new StartFailure(
        `The folder ${folder}, which is to hold firmware, cannot be used: ${(error as Error).message}. Choose another with --data-dir.`,
        { cause: error },
      );
    }
  }

  /** The latest first. */
  all(): readonly FirmwareImage[] {
    return [...this.#images.values()].sort((a, b) => (a.uploadedAt < b.uploadedAt ? 1 : -1));
  }

  find(id: string): FirmwareImage | undefined {
    return this.#images.get(id);
  }

  /** Take an image in as it arrives; nothing of one that is refused or breaks off is kept. */
  async add(
    stream: AsyncIterable<Uint8Array>,
    { name, version }: Pick<FirmwareImage, 'name' | 'version'>,
    unixTime: number,
  ): Promise<AddImage> {
    if (this.#images.size + this.#arriving >= this.limits.maxImages) return { kind: 'full' };
    const unfinished = join(this.#folder, `${randomBytes(8).toString('hex')}${UNFINISHED}`);
    this.#arriving++;
    try {
      const written = await this.#receive(stream, unfinished);
      if (typeof written === 'string') return { kind: written };
      const known = this.#images.get(written.id);
      if (known !== undefined) return { kind: 'known', image: known };
      const image = { ...written, name, version, uploadedAt: new Date(unixTime).toISOString() };
      await rename(unfinished, this.#file(image.id));
      await writeFile(join(this.#folder, `${image.id}.json`), JSON.stringify(image));
      this.#images.set(image.id, image);
      return { kind: 'added', image };
    } finally {
      this.#arriving--;
      await rm(unfinished, { force: true });
    }
  }

  /** False when there is none. What is being sent goes on. */
  async remove(id: string): Promise<boolean> {
    if (!this.#images.delete(id)) return false;
    this.#held.delete(id);
    await rm(join(this.#folder, `${id}.json`), { force: true });
    await rm(this.#file(id), { force: true });
    return true;
  }

  /** The same buffer for everybody while anybody has it. Undefined when there is none. */
  async content(id: string): Promise<Uint8Array | undefined> {
    if (!this.#images.has(id)) return undefined;
    const held = this.#held.get(id)?.deref();
    if (held !== undefined) return held;
    const reading = this.#reading.get(id) ?? readFile(this.#file(id)).finally(() => this.#reading.delete(id));
    this.#reading.set(id, reading);
    const bytes = await reading;
    this.#held.set(id, new WeakRef(bytes));
    return bytes;
  }

  async close(): Promise<void> {
    if (this.#isTemporary) await rm(this.#folder, { recursive: true, force: true });
  }

  #file(id: string): string {
    return join(this.#folder, `${id}.bin`);
  }

  async #receive(
    stream: AsyncIterable<Uint8Array>,
    path: string,
  ): Promise<Pick<FirmwareImage, 'id' | 'bytes'> | 'tooLarge' | 'tooSmall'> {
    const hash = createHash('sha256');
    let bytes = 0;
    const file = await open(path, 'wx');
    try {
      for await (const piece of stream) {
        bytes += piece.length;
        if (bytes > this.limits.maxBytes) return 'tooLarge';
        hash.update(piece);
        await file.writeFile(piece);
      }
    } finally {
      await file.close();
    }
    return bytes < SMALLEST ? 'tooSmall' : { id: hash.digest('hex'), bytes };
  }
}

/** What an earlier run kept; what a crash left half written is cleared away. */
async function load(folder: string): Promise<Map<string, FirmwareImage>> {
  const images = new Map<string, FirmwareImage>();
  const names = new Set(await readdir(folder));
  for (const name of names) {
    if (name.endsWith(UNFINISHED)) await rm(join(folder, name), { force: true });
    const id = /^([0-9a-f]{64})\.json$/.exec(name)?.[1];
    if (id === undefined || !names.has(`${id}.bin`)) continue;
    const image = imageFrom(await readFile(join(folder, name), 'utf8'), id);
    if (image !== undefined) images.set(id, image);
  }
  return images;
}

/** Undefined when it is damaged: the image is then not offered, and can be uploaded again. */
function imageFrom(text: string, id: string): FirmwareImage | undefined {
  try {
    const { name, version, bytes, uploadedAt } = JSON.parse(text) as Record<string, unknown>;
    if (typeof name !== 'string' || typeof version !== 'string') return undefined;
    if (typeof bytes !== 'number' || typeof uploadedAt !== 'string') return undefined;
    return { id, name, version, bytes, uploadedAt };
  } catch {
    return undefined;
  }
}
