/** `/firmware`, `/firmware-updates` and `/devices/{name}/firmware-update`: images, and the updates of devices. */
import type { Readable } from 'node:stream';
import type { FirmwareUpdate, FirmwareUpdateRequest, FirmwareUpdates } from '@lapwing/server';
import { type TUnsafe, Type } from 'typebox';
import type { EventLog } from '../event-log.ts';
import type { FirmwareImages } from '../firmware/firmware-images.ts';
import { deviceNamed, type Http, type RestContext } from './context.ts';
import {
  FirmwareImageListSchema,
  FirmwareImageSchema,
  type FirmwareUpdateJson,
  FirmwareUpdateListSchema,
  FirmwareUpdateSchema,
  type StartUpdateJson,
  StartUpdateSchema,
} from './firmware-schemas.ts';
import { badRequest, problem } from './problem.ts';
import { DeviceParamsSchema, responses } from './schemas.ts';

const imageParams: TUnsafe<{ readonly id: string }> = Type.Unsafe(
  Type.Object({ id: Type.String({ description: 'SHA-256 of the image in lower-case hexadecimal.' }) }),
);

const uploadQuery: TUnsafe<{ readonly name: string; readonly version?: string }> = Type.Unsafe(
  Type.Object(
    {
      name: Type.String({ minLength: 1, maxLength: 255, description: 'For people.' }),
      version: Type.Optional(
        Type.String({ maxLength: 255, description: 'What a device that runs it tells as its version (/3/0/3).' }),
      ),
    },
    { additionalProperties: false },
  ),
);

export function firmwareRoutes(http: Http, context: RestContext): void {
  imageRoutes(http, context.firmware);
  updateRoutes(http, context);
}

function imageRoutes(http: Http, images: FirmwareImages): void {
  http.route({
    method: 'GET',
    url: '/firmware',
    schema: {
      operationId: 'listFirmware',
      tags: ['firmware'],
      summary: 'The images that can be sent to devices, the latest first',
      response: responses({ 200: FirmwareImageListSchema }),
    },
    handler: () => ({ items: images.all(), maxBytes: images.limits.maxBytes }),
  });

  // Octets are only understood here, and here a body is not gathered but written as it arrives.
  void http.register((upload: Http, _: object, done: () => void) => {
    upload.removeAllContentTypeParsers();
    upload.addContentTypeParser('application/octet-stream', { bodyLimit: images.limits.maxBytes }, (_r, body, parsed) =>
      parsed(null, body),
    );
    upload.route({
      method: 'POST',
      url: '/firmware',
      schema: {
        operationId: 'uploadFirmware',
        tags: ['firmware'],
        summary: 'Upload an image',
        consumes: ['application/octet-stream'],
        querystring: uploadQuery,
        response: responses({ 200: FirmwareImageSchema, 201: FirmwareImageSchema }),
      },
      handler: async ({ body, query: { name, version = '' } }, reply) => {
        if (body === undefined || body === null) throw badRequest('A body is needed: the bytes of the image.');
        const added = await images.add(body as Readable, { name, version }, Date.now());
        if (added.kind === 'added') reply.code(201).header('location', `/api/v1/firmware/${added.image.id}`);
        if ('image' in added) return added.image;
        // What is still on its way is not waited for.
        reply.header('connection', 'close');
        throw REFUSALS[added.kind](images);
      },
    });
    done();
  });

  http.route({
    method: 'GET',
    url: '/firmware/:id',
    schema: {
      operationId: 'readFirmware',
      tags: ['firmware'],
      summary: 'What an image is',
      params: imageParams,
      response: responses({ 200: FirmwareImageSchema }),
    },
    handler: ({ params: { id } }) => {
      const image = images.find(id);
      if (image === undefined) throw unknownImage(id);
      return image;
    },
  });

  http.route({
    method: 'DELETE',
    url: '/firmware/:id',
    schema: {
      operationId: 'removeFirmware',
      tags: ['firmware'],
      summary: 'Remove an image; updates that are under way go on',
      params: imageParams,
      response: responses({ 204: Type.Null({ description: 'Removed.' }) }),
    },
    handler: async ({ params: { id } }, reply) => {
      if (!(await images.remove(id))) throw unknownImage(id);
      return reply.code(204).send(null);
    },
  });
}

function updateRoutes(http: Http, context: RestContext): void {
  const { firmware: images, firmwareUpdates: updates } = context;

  http.route({
    method: 'GET',
    url: '/firmware-updates',
    schema: {
      operationId: 'listFirmwareUpdates',
      tags: ['firmware'],
      summary: 'The updates of all devices: those under way, then the last one of each other, at most 1000',
      response: responses({ 200: FirmwareUpdateListSchema }),
    },
    handler: () => ({ items: updates.all().slice(0, UPDATES_TOLD).map(firmwareUpdateJson) }),
  });

  http.route({
    method: 'GET',
    url: '/devices/:name/firmware-update',
    schema: {
      operationId: 'readFirmwareUpdate',
      tags: ['firmware'],
      summary: 'The update of a device that is under way, else its last one',
      params: DeviceParamsSchema,
      response: responses({ 200: FirmwareUpdateSchema }),
    },
    handler: ({ params: { name } }) => firmwareUpdateJson(updateOf(updates, name)),
  });

  http.route({
    method: 'POST',
    url: '/devices/:name/firmware-update',
    schema: {
      operationId: 'startFirmwareUpdate',
      tags: ['firmware'],
      summary: 'Update the firmware of a device (Object 5); how far it is comes as events',
      params: DeviceParamsSchema,
      body: StartUpdateSchema,
      response: responses({ 202: FirmwareUpdateSchema }),
    },
    handler: async ({ params: { name }, body }, reply) => {
      deviceNamed(context, name);
      const request = await updateRequest(images, body);
      if (updates.of(name)?.outcome === undefined && updates.of(name) !== undefined)
        throw problem('update-under-way', `An update of "${name}" is under way; cancel it first.`);
      reply.code(202).header('location', `/api/v1/devices/${encodeURIComponent(name)}/firmware-update`);
      return firmwareUpdateJson(updates.start(name, request));
    },
  });

  http.route({
    method: 'DELETE',
    url: '/devices/:name/firmware-update',
    schema: {
      operationId: 'cancelFirmwareUpdate',
      tags: ['firmware'],
      summary: 'Cancel the update of a device, unless it installs already',
      params: DeviceParamsSchema,
      response: responses({ 204: Type.Null({ description: 'Cancelled.' }) }),
    },
    handler: async ({ params: { name } }, reply) => {
      const update = updateOf(updates, name);
      if (!update.cancel()) {
        const why = update.outcome === undefined ? 'The device installs already' : 'The update has ended';
        throw problem('update-not-cancellable', `${why}, which cannot be undone.`);
      }
      return reply.code(204).send(null);
    },
  });
}

const UPDATES_TOLD = 1000;

async function updateRequest(images: FirmwareImages, body: StartUpdateJson): Promise<FirmwareUpdateRequest> {
  const { image: id, uri, version, delivery = uri === undefined ? 'push' : 'pull', host } = body;
  if ((id === undefined) === (uri === undefined)) throw badRequest('Name one of image and uri.', '/image');
  if (uri !== undefined && delivery === 'push') throw badRequest('A URI is for pull.', '/delivery');
  if (host !== undefined && (uri !== undefined || delivery === 'push'))
    throw badRequest('A host is for the pull of an image.', '/host');
  if (uri !== undefined) return { packageUri: uri, ...(version === undefined ? {} : { version }) };
  const content = await images.content(id ?? '');
  if (content === undefined) throw unknownImage(id ?? '');
  const expected = version ?? images.find(id ?? '')?.version ?? '';
  return {
    package: content,
    delivery,
    ...(host === undefined ? {} : { host }),
    ...(expected === '' ? {} : { version: expected }),
  };
}

function updateOf(updates: FirmwareUpdates, name: string): FirmwareUpdate {
  const update = updates.of(name);
  if (update === undefined) throw problem('unknown-update', `No firmware update of "${name}" is known.`);
  return update;
}

export const firmwareUpdateJson = (update: FirmwareUpdate): FirmwareUpdateJson => ({
  device: update.endpointClientName,
  delivery: update.delivery,
  stage: update.stage,
  sentBytes: update.sentBytes,
  totalBytes: update.totalBytes ?? null,
  versionBefore: update.versionBefore ?? null,
  versionAfter: update.versionAfter ?? null,
  startedAt: new Date(update.startedAt).toISOString(),
  changedAt: new Date(update.changedAt).toISOString(),
  outcome: update.outcome ?? null,
  explanation: update.explanation ?? null,
});

/** Every new stage is an event, and of the blocks of a package each that makes another hundredth of it. */
export function logFirmwareUpdates(updates: FirmwareUpdates, log: EventLog): void {
  const told = new WeakMap<FirmwareUpdate, { readonly stage: string; readonly sentBytes: number }>();
  updates.on('changed', (update) => {
    const { stage, sentBytes, totalBytes = 0, endpointClientName } = update;
    const last = told.get(update);
    if (last?.stage === stage && Math.abs(sentBytes - last.sentBytes) * 100 < totalBytes) return;
    told.set(update, { stage, sentBytes });
    log.append('firmware-update', endpointClientName, { update: firmwareUpdateJson(update) });
  });
}

const REFUSALS = {
  tooLarge: ({ limits }: FirmwareImages): Error =>
    problem(
      'body-too-large',
      `An image has at most ${limits.maxBytes} bytes; start the server with a larger --max-firmware-bytes.`,
    ),
  tooSmall: (): Error => badRequest('An image has two bytes or more.'),
  full: ({ limits }: FirmwareImages): Error =>
    problem('store-full', `There are ${limits.maxImages} images already; remove one first.`),
} as const;

const unknownImage = (id: string): Error =>
  problem('unknown-firmware', `There is no image with the SHA-256 ${id.slice(0, 64)}.`);
