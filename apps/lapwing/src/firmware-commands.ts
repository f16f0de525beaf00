/** `lapwing firmware`: images and the updates of devices, from the command line. */
import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import type { FirmwareImage } from './firmware/firmware-images.ts';
import type { FirmwareUpdateJson } from './rest/firmware-schemas.ts';
import { RequestFailed, RestClient } from './rest-client.ts';
import { type Flags, restCommand, show as showAnswer } from './rest-command.ts';
import type { Terminal } from './serve.ts';

interface UploadFlags extends Flags {
  readonly name?: string;
  readonly imageVersion?: string;
}
interface StartFlags extends Flags {
  readonly uri?: string;
  readonly pull?: boolean;
  readonly host?: string;
  readonly expect?: string;
  readonly wait?: boolean;
}

export function firmwareCommands(program: Command, terminal: Terminal): void {
  const group = program.command('firmware').description('images, and the firmware updates of devices');
  const show = (flags: Flags, answer: unknown, lines: readonly string[]): void =>
    showAnswer(terminal, flags, answer, lines);

  restCommand(group, terminal, 'upload <file>', 'upload an image')
    .option('--name <name>', 'what people call it; the name of the file by default')
    .option('--image-version <version>', 'what a device that runs it tells as its version')
    .action(async (file: string, flags: UploadFlags) => {
      const query = new URLSearchParams({ name: flags.name ?? basename(file) });
      if (flags.imageVersion !== undefined) query.set('version', flags.imageVersion);
      const image = await new RestClient(flags.url).upload<FirmwareImage>(
        `/firmware?${query.toString()}`,
        'application/octet-stream',
        await readable(file),
      );
      show(flags, image, [imageLine(image)]);
    });

  restCommand(group, terminal, 'ls', 'list the images').action(async (flags: Flags) => {
    const { items } = await new RestClient(flags.url).call<{ readonly items: readonly FirmwareImage[] }>(
      'GET',
      '/firmware',
    );
    show(flags, items, items.map(imageLine));
  });

  restCommand(
    group,
    terminal,
    'start <device> [image]',
    'update a device with an image, by its SHA-256 or its beginning',
  )
    .option('--uri <uri>', 'in place of an image: where the device fetches one')
    .option('--pull', 'the device fetches the image from the server; without it, the image is written to the device')
    .option('--host <host>', 'with --pull: the name or IP address by which the device reaches the server')
    .option('--expect <version>', 'what the device will tell as its version; that of the image by default')
    .option('--no-wait', 'do not wait for the end')
    .action(async (device: string, image: string | undefined, flags: StartFlags) => {
      const api = new RestClient(flags.url);
      const body = {
        ...(image === undefined ? {} : { image: await wholeId(api, image) }),
        ...(flags.uri === undefined ? {} : { uri: flags.uri }),
        ...(flags.pull === true ? { delivery: 'pull' } : {}),
        ...(flags.host === undefined ? {} : { host: flags.host }),
        ...(flags.expect === undefined ? {} : { version: flags.expect }),
      };
      const started = await api.call<FirmwareUpdateJson>('POST', addressOf(device), body);
      const update = flags.wait === false ? started : await watched(api, device, terminal, flags);
      show(flags, update, [updateLine(update)]);
      if (update.outcome !== null && update.outcome !== 'succeeded')
        throw new RequestFailed(update.explanation ?? update.outcome);
    });

  restCommand(group, terminal, 'status [device]', 'how far the update of a device is, or of all').action(
    async (device: string | undefined, flags: Flags) => {
      const api = new RestClient(flags.url);
      if (device !== undefined) {
        const update = await api.call<FirmwareUpdateJson>('GET', addressOf(device));
        return show(flags, update, [updateLine(update)]);
      }
      const { items } = await api.call<{ readonly items: readonly FirmwareUpdateJson[] }>('GET', '/firmware-updates');
      show(flags, items, items.map(updateLine));
    },
  );

  restCommand(group, terminal, 'cancel <device>', 'cancel the update of a device').action(
    async (device: string, flags: Flags) => {
      await new RestClient(flags.url).call('DELETE', addressOf(device));
      show(flags, { device, cancelled: true }, [`${device}  cancelled`]);
    },
  );
}

/** ms between two looks at an update that is waited for. */
const LOOK = 250;
const BAR = 30;

/** Look until it has ended; on a terminal a bar shows how far it is. */
async function watched(
  api: RestClient,
  device: string,
  { stderr }: Terminal,
  flags: Flags,
): Promise<FirmwareUpdateJson> {
  const isShown = flags.json !== true && 'isTTY' in stderr && stderr.isTTY === true;
  for (;;) {
    const update = await api.call<FirmwareUpdateJson>('GET', addressOf(device));
    if (isShown) stderr.write(`\r\u001b[K${update.outcome === null ? progressLine(update) : ''}`);
    if (update.outcome !== null) return update;
    await pause(LOOK);
  }
}

function progressLine({ stage, sentBytes, totalBytes }: FirmwareUpdateJson): string {
  if (totalBytes === null) return stage;
  const done = Math.round((BAR * sentBytes) / totalBytes);
  const percent = Math.floor((100 * sentBytes) / totalBytes);
  return `[${'#'.repeat(done)}${'.'.repeat(BAR - done)}] ${percent} %  ${stage}`;
}

function updateLine(update: FirmwareUpdateJson): string {
  const { device, stage, sentBytes, totalBytes, outcome, explanation, versionBefore, versionAfter } = update;
  const sent = totalBytes === null ? 'fetched by the device' : `${sentBytes} of ${totalBytes} bytes`;
  const versions = versionAfter === null ? '' : `  ${versionBefore ?? '?'} → ${versionAfter}`;
  return `${device}  ${outcome ?? stage}  ${sent}${versions}${explanation === null ? '' : `  ${explanation}`}`;
}

const imageLine = ({ id, name, version, bytes }: FirmwareImage): string =>
  [id, name, ...(version === '' ? [] : [version]), `${bytes} bytes`].join('  ');

/** People need not type 64 digits. */
async function wholeId(api: RestClient, beginning: string): Promise<string> {
  const { items } = await api.call<{ readonly items: readonly FirmwareImage[] }>('GET', '/firmware');
  const [found, another] = items.filter(({ id }) => id.startsWith(beginning.toLowerCase()));
  if (found === undefined) throw new RequestFailed(`There is no image whose SHA-256 begins with ${beginning}.`);
  if (another !== undefined) throw new RequestFailed(`Several images begin with ${beginning}; give more of it.`);
  return found.id;
}

async function readable(file: string): Promise<Blob> {
  try {
    return await openAsBlob(file);
  } catch (error) {
    throw new RequestFailed(`${file} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

const addressOf = (device: string): string => `/devices/${encodeURIComponent(device)}/firmware-update`;
