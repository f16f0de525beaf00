/** `/devices/{name}/observations`: Observe and Cancel. Notifications arrive as events. */
import { formatCode } from '@lapwing/coap';
import { formatPath, samePath } from '@lapwing/lwm2m';
import { Type } from 'typebox';
import { ObserveBodySchema } from './attribute-schemas.ts';
import { callOptions } from './call-options.ts';
import { deviceNamed, type Http, pathOfKind, type RestContext } from './context.ts';
import { observing, sameAttributes } from './observing.ts';
import { problem, refusal } from './problem.ts';
import {
  cancelQuery,
  DeviceParamsSchema,
  DevicePathSchema,
  FormatQuerySchema,
  ObservationListSchema,
  ObservedSchema,
  responses,
} from './schemas.ts';
import { notificationJson } from './event-json.ts';
import { entryToJson } from './value-json.ts';

const KINDS = ['object', 'objectInstance', 'resource', 'resourceInstance'] as const;

export function observationRoutes(http: Http, context: RestContext): void {
  const { deviceTimeout } = context;

  http.route({
    method: 'GET',
    url: '/devices/:name/observations',
    schema: {
      operationId: 'listObservations',
      tags: ['observations'],
      summary: 'Current observations with their last notification',
      params: DeviceParamsSchema,
      response: responses({ 200: ObservationListSchema }),
    },
    handler: ({ params }) => ({
      items: deviceNamed(context, params.name).observations.map((observation) => ({
        path: formatPath(observation.path),
        ...(observation.paths === undefined ? {} : { paths: observation.paths.map(formatPath) }),
        ...(observation.attributes === undefined ? {} : { attributes: observation.attributes }),
        waiting: observation.waiting,
        startedAt: new Date(observation.startedAt).toISOString(),
        lastNotification:
          observation.lastNotification === undefined ? null : notificationJson(observation.lastNotification),
      })),
    }),
  });

  http.route({
    method: 'PUT',
    url: '/devices/:name/observations/*',
    schema: {
      operationId: 'observe',
      tags: ['observations'],
      summary: 'Observe; 200 when it was observed already with the same attributes',
      params: DevicePathSchema,
      querystring: FormatQuerySchema,
      body: ObserveBodySchema,
      response: responses({ 200: ObservedSchema, 201: ObservedSchema }),
    },
    handler: async ({ params, query, body }, reply) => {
      const path = pathOfKind(params['*'], KINDS, 'Observe');
      const device = deviceNamed(context, params.name);
      const attributes = body?.attributes;
      const known = device.observations.some(
        (observation) => samePath(observation.path, path) && sameAttributes(observation.attributes, attributes),
      );
      const { format } = query;
      const outcome = await observing(attributes, (options) =>
        device.observe(path, {
          ...options,
          ...callOptions(reply, query, deviceTimeout),
          ...(format === undefined ? {} : { format }),
        }),
      );
      if (!outcome.ok) throw refusal(outcome);
      const observation = outcome.value;
      const { startedAt, lastNotification, initial } = observation;
      const { contentFormat, entries } = lastNotification ?? initial;
      // The hold of whoever began it keeps the observation going until it is cancelled; a second one is not needed.
      if (known) await observation[Symbol.asyncDispose]();
      reply.code(known ? 200 : 201);
      return {
        code: formatCode(outcome.code),
        path: formatPath(path),
        startedAt: new Date(startedAt).toISOString(),
        contentFormat,
        entries: entries.map(entryToJson),
      };
    },
  });

  http.route({
    method: 'DELETE',
    url: '/devices/:name/observations/*',
    schema: {
      operationId: 'cancelObservation',
      tags: ['observations'],
      summary: 'Cancel an observation',
      params: DevicePathSchema,
      querystring: cancelQuery,
      response: responses({ 204: Type.Null({ description: 'Cancelled.' }) }),
    },
    handler: async ({ params, query }, reply) => {
      const path = pathOfKind(params['*'], KINDS, 'Cancel');
      const device = deviceNamed(context, params.name);
      if (!(await device.cancelObservation(path, query.mode ?? 'passive'))) {
        throw problem('unknown-observation', `${formatPath(path)} of "${params.name}" is not observed.`);
      }
      return reply.code(204).send(null);
    },
  });
}
