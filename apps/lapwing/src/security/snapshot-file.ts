/**
 * The state of a planned stop on the disk: sealed with a key that is kept apart from it, taken once. It is deleted before
 * it is used, because the same keys and sequence numbers must never go on twice.
 */
import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { StartFailure } from '../start-failure.ts';
import { forgetUnfinished, readPrivate, removePrivate, writePrivate } from './private-files.ts';

export const SNAPSHOT_FILE = 'snapshot';
export const SNAPSHOT_KEY_FILE = 'snapshot-key';
const KEY_BYTES = 32;

export class SnapshotFile {
  readonly #file: string;
  readonly key: KeyObject;

  private constructor(file: string, key: KeyObject) {
    this.#file = file;
    this.key = key;
  }

  /**
   * @param securityFolder  where the key is kept, made on the first start.
   *
   * Rejects with StartFailure when the key is there and is none.
   */
  static async open(dataDir: string, securityFolder: string): Promise<SnapshotFile> {
    await forgetUnfinished(dataDir, `${SNAPSHOT_FILE}.`);
    const keyFile = join(securityFolder, SNAPSHOT_KEY_FILE);
    let hex = (await readPrivate(keyFile))?.toString('latin1').trim();
    if (hex === undefined) {
      hex = randomBytes(KEY_BYTES).toString('hex');
      await writePrivate(keyFile, `${hex}\n`);
    }
    if (!/^[0-9a-f]{64}$/.test(hex)) {
      throw new StartFailure(
        `${keyFile} is damaged. Move it away to have another made; a snapshot of the last stop is then of no use.`,
      );
    }
    return new SnapshotFile(join(dataDir, SNAPSHOT_FILE), createSecretKey(hex, 'hex'));
  }

  /** What the last planned stop left; it is gone from the disk when this resolves. */
  async take(): Promise<Uint8Array | undefined> {
    const bytes = await readPrivate(this.#file);
    if (bytes === undefined) return undefined;
    await removePrivate(this.#file);
    return new Uint8Array(bytes);
  }

  async put(bytes: Uint8Array): Promise<void> {
    await writePrivate(this.#file, bytes);
  }
}
