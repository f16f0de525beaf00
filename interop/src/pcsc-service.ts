/**
 * The PC/SC service of the machine with a virtual reader (Debian's pcscd and vsmartcard-vpcd), and the npm package
 * pcsc-mini, which this repository does not install: LAPWING_PCSC_MINI is a folder where it is in `node_modules`.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PcscModule } from '@lapwing/smartcard-pcsc';
import { Conversation, freeTcpPortPair, missingTool } from './tool.ts';

const SOCKET = '/run/pcscd/pcscd.comm';
const DRIVER = '/usr/lib/pcsc/drivers/serial/libifdvpcd.so';
const FOLDER = process.env['LAPWING_PCSC_MINI'];
/** The port of the reader that the Debian package configures. */
const CONFIGURED_PORT = 35963;
/** Longer than the whole suite takes. */
const PATIENCE = 300_000;

/** False when all is there, else why the suite is skipped. With LAPWING_REQUIRE_TOOLS=1 a missing thing is an error. */
export const missingPcsc = (): false | string =>
  missingTool('pcscd', 'pcscd') ||
  required(!existsSync(DRIVER) && `${DRIVER} is not installed (Debian package vsmartcard-vpcd)`) ||
  required(process.getuid?.() !== 0 && !existsSync(SOCKET) && 'pcscd is not running, and only root may start it');

/** The same for the npm package. */
export const missingPcscMini = (): false | string =>
  required(FOLDER === undefined && 'LAPWING_PCSC_MINI does not name a folder where npm has installed pcsc-mini');

function required(missing: false | string): false | string {
  if (missing !== false && process.env['LAPWING_REQUIRE_TOOLS'] === '1') throw new Error(missing);
  return missing;
}

export const loadPcscMini = (): PcscModule => createRequire(join(FOLDER!, 'package.json'))('pcsc-mini') as PcscModule;

export class PcscService implements AsyncDisposable {
  /** Where cards are put into the first reader and into the second. */
  readonly ports: readonly [number, number];
  /** Undefined: it ran already and is not ours to stop. */
  readonly #program: Conversation | undefined;
  readonly #folder: string | undefined;

  static async start(): Promise<PcscService> {
    if (await isRunning()) return new PcscService(CONFIGURED_PORT, undefined, undefined);
    const port = await freeTcpPortPair();
    const folder = await mkdtemp(join(tmpdir(), 'pcscd-'));
    const configuration = join(folder, 'reader.conf');
    const lines = ['FRIENDLYNAME "Virtual Reader"', `DEVICENAME /dev/null:${port}`, `LIBPATH ${DRIVER}`];
    await writeFile(configuration, `${[...lines, `CHANNELID ${port}`].join('\n')}\n`);
    const program = new Conversation('pcscd', ['--foreground', '--info', '--config', configuration], PATIENCE);
    await program.waitFor(/daemon ready/);
    return new PcscService(port, program, folder);
  }

  private constructor(port: number, program: Conversation | undefined, folder: string | undefined) {
    this.ports = [port, port + 1];
    this.#program = program;
    this.#folder = folder;
  }

  get isOurs(): boolean {
    return this.#program !== undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#program !== undefined) {
      // So that it removes its socket.
      this.#program.child.kill('SIGTERM');
      await this.#program.closed;
    }
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true });
  }
}

/** Whether a service answers; one that was killed leaves its socket behind. */
function isRunning(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(SOCKET);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
