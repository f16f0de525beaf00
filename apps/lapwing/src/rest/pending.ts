/** `/devices/{name}/pending`: what waits for a device that sleeps, and what it has not answered yet. */
import { formatPath } from '@lapwing/lwm2m';
import type { Device } from '@lapwing/server';
import { Type } from 'typebox';
import { deviceNamed, type Http, type RestContext } from './context.ts';
import {
  type PendingListJson,
  PendingListSchema,
  PendingOrderSchema,
  PendingParamsSchema,
} from './operation-schemas.ts';
import { problem } from './problem.ts';
import { DeviceParamsSchema, responses } from './schemas.ts';

export function pendingRoutes(http: Http, context: RestContext): void {
  http.route({
    method: 'GET',
    url: '/devices/:name/pending',
    schema: {
      operationId: 'listPending',
      tags: ['nodes'],
      summary: 'Operations without an answer, in the order in which they are sent',
      params: DeviceParamsSchema,
      response: responses({ 200: PendingListSchema }),
    },
    handler: ({ params }) => pendingJson(deviceNamed(context, params.name)),
  });

  http.route({
    method: 'PUT',
    url: '/devices/:name/pending',
    schema: {
      operationId: 'reorderPending',
      tags: ['nodes'],
      summary: 'Put operations that wait for a sleeping device first; ids of what waits no more are passed over',
      params: DeviceParamsSchema,
      body: PendingOrderSchema,
      response: responses({ 200: PendingListSchema }),
    },
    handler: ({ params, body }) => {
      const device = deviceNamed(context, params.name);
      device.reorderPendingOperations(body.operationIds);
      return pendingJson(device);
    },
  });

  http.route({
    method: 'DELETE',
    url: '/devices/:name/pending/:operationId',
    schema: {
      operationId: 'cancelPending',
      tags: ['nodes'],
      summary: 'Give an operation up; whoever asked for it is told',
      params: PendingParamsSchema,
      response: responses({ 204: Type.Null({ description: 'Given up.' }) }),
    },
    handler: ({ params }, reply) => {
      const { name, operationId } = params;
      if (!deviceNamed(context, name).cancelPendingOperation(operationId))
        throw problem('unknown-operation', `"${name}" has no pending operation ${operationId}.`);
      return reply.code(204).send(null);
    },
  });
}

const pendingJson = (device: Device): PendingListJson => ({
  awake: device.awake,
  items: device.pendingOperations.map(({ operationId, operation, paths, state, createdAt, expiresAt }) => ({
    operationId,
    operation,
    paths: paths.map(formatPath),
    state,
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: expiresAt === Infinity ? null : new Date(expiresAt).toISOString(),
  })),
});
