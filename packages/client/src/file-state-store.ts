/**
 * The state of a client in a file of its own: readable by nobody else, as there may be keys in it, and replaced as a
 * whole, so that a loss of power leaves the old state or the new one.
 */
import { decodeUtf8, encodeUtf8, OperationFailed } from '@lapwing/coap';
import { readPrivateFile, replacePrivateFile } from '@lapwing/transport';
import type { FileSystem } from '@lapwing/transport';
import { isReadable } from './client-state.ts';
import type { ClientState, ClientStateStore } from './client-state.ts';

export class FileStateStore implements ClientStateStore {
  readonly #path: string;
  readonly #files: FileSystem | undefined;

  /**
   * @param path  in a folder that exists; the file is made by the first save. One client per file.
   * @param files  instead of those of the operating system.
   */
  constructor(path: string, files?: FileSystem) {
    this.#path = path;
    this.#files = files;
  }

  /**
   * Rejects with OperationFailed 'STATE_UNREADABLE' when the folder is missing, or when the file is there and no state of
   * a client: beginning without it would make another device of this one, and the next save would overwrite it.
   */
  async load(): Promise<ClientState | undefined> {
    let bytes: Uint8Array | undefined;
    try {
      bytes = await readPrivateFile(this.#path, this.#files);
    } catch (cause) {
      throw new OperationFailed('STATE_UNREADABLE', `${this.#what} cannot be read: ${messageOf(cause)}`, {
        retryable: true,
        cause,
      });
    }
    return bytes === undefined ? undefined : this.#parse(bytes);
  }

  /** Rejects with OperationFailed 'STATE_NOT_SAVED' when the disk does not take it. */
  async save(state: ClientState): Promise<void> {
    try {
      await replacePrivateFile(this.#path, encodeUtf8(JSON.stringify(state)), this.#files);
    } catch (cause) {
      throw new OperationFailed('STATE_NOT_SAVED', `${this.#what} cannot be written: ${messageOf(cause)}`, {
        retryable: true,
        cause,
      });
    }
  }

  get #what(): string {
    return `the state of the client in ${this.#path}`;
  }

  #parse(bytes: Uint8Array): ClientState {
    let state: unknown;
    try {
      state = JSON.parse(decodeUtf8(bytes) ?? '');
    } catch {
      // The parser's own message would quote what stands there, and that may be a key.
      throw this.#damaged('it is not JSON');
    }
    if (!isReadable(state)) throw this.#damaged('it is no state that this version can read');
    return state;
  }

  #damaged(why: string): OperationFailed {
    return new OperationFailed(
      'STATE_UNREADABLE',
      `${this.#what} cannot be used: ${why}. Restore the file from a copy, or move it away to begin as a client that was never used.`,
      { retryable: false },
    );
  }
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
