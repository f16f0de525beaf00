/** `/devices/{name}/composite`: Read-Composite, Write-Composite, Observe-Composite and its cancellation. */
import { formatCode } from '@lapwing/coap';
import { formatPath, isMalformed, type NodeEntry, parsePath, type Path } from '@lapwing/lwm2m';
import type { Device } from '@lapwing/server';
import { Type } from 'typebox';
import { callOptions } from './call-options.ts';
import { deviceNamed, type Http, pathOfKind, type RestContext } from './context.ts';
import { contentFromBody, isValuesJson } from './node-content.ts';
import {
  type CompositeWriteJson,
  CompositeSchema,
  CompositeWriteSchema,
  ObserveCompositeBodySchema,
  ObservedCompositeSchema,
  PathsBodySchema,
} from './operation-schemas.ts';
import { observing, sameAttributes } from './observing.ts';
import { badRequest, problem, refusal } from './problem.ts';
import { cancelQuery, CodeSchema, DeviceParamsSchema, FormatQuerySchema, responses } from './schemas.ts';
import { entryToJson } from './value-json.ts';

export function compositeRoutes(http: Http, context: RestContext): void {
  const { deviceTimeout } = context;

  http.route({
    method: 'POST',
    url: '/devices/:name/composite/read',
    schema: {
      operationId: 'readComposite',
      tags: ['nodes'],
      summary: 'Read-Composite: several paths in one request; what cannot be read is left out',
      params: DeviceParamsSchema,
      querystring: FormatQuerySchema,
      body: PathsBodySchema,
      response: responses({ 200: CompositeSchema }),
    },
    handler: async ({ params, query, body }, reply) => {
      const paths = parsed(body.paths);
      const { format } = query;
      const outcome = await deviceNamed(context, params.name).readComposite(paths, {
        ...callOptions(reply, query, deviceTimeout),
        ...(format === undefined ? {} : { format }),
      });
      if (!outcome.ok) throw refusal(outcome);
      const { contentFormat, entries } = outcome.value;
      return {
        code: formatCode(outcome.code),
        paths: paths.map(formatPath),
        contentFormat,
        entries: entries.map(entryToJson),
      };
    },
  });

  http.route({
    method: 'POST',
    url: '/devices/:name/composite/write',
    schema: {
      operationId: 'writeComposite',
      tags: ['nodes'],
      summary: 'Write-Composite: values of several Objects, all or none',
      params: DeviceParamsSchema,
      querystring: FormatQuerySchema,
      body: CompositeWriteSchema,
      response: responses({ 200: CodeSchema }),
    },
    handler: async ({ params, query, body }, reply) => {
      const device = deviceNamed(context, params.name);
      const { format } = query;
      const outcome = await device.writeComposite(contentOf(device, body), {
        ...callOptions(reply, query, deviceTimeout),
        ...(format === undefined ? {} : { format }),
      });
      if (!outcome.ok) throw refusal(outcome);
      return { code: formatCode(outcome.code) };
    },
  });

  http.route({
    method: 'POST',
    url: '/devices/:name/composite/observe',
    schema: {
      operationId: 'observeComposite',
      tags: ['observations'],
      summary: 'Observe-Composite; 200 when this list was observed already with the same attributes',
      params: DeviceParamsSchema,
      querystring: FormatQuerySchema,
      body: ObserveCompositeBodySchema,
      response: responses({ 200: ObservedCompositeSchema, 201: ObservedCompositeSchema }),
    },
    handler: async ({ params, query, body }, reply) => {
      const paths = parsed(body.paths);
      const device = deviceNamed(context, params.name);
      const { format } = query;
      const wanted = paths.map(formatPath).join();
      const known = device.observations.some(
        (observation) =>
          observation.paths?.map(formatPath).join() === wanted &&
          sameAttributes(observation.attributes, body.attributes),
      );
      const outcome = await observing(body.attributes, (options) =>
        device.observeComposite(paths, {
          ...options,
          ...callOptions(reply, query, deviceTimeout),
          ...(format === undefined ? {} : { format }),
        }),
      );
      if (!outcome.ok) throw refusal(outcome);
      const observation = outcome.value;
      const { contentFormat, entries } = observation.lastNotification ?? observation.initial;
      // The hold of whoever began it keeps it going until it is cancelled.
      if (known) await observation[Symbol.asyncDispose]();
      reply.code(known ? 200 : 201);
      return {
        code: formatCode(outcome.code),
        paths: paths.map(formatPath),
        startedAt: new Date(observation.startedAt).toISOString(),
        contentFormat,
        entries: entries.map(entryToJson),
      };
    },
  });

  http.route({
    method: 'POST',
    url: '/devices/:name/composite/cancel',
    schema: {
      operationId: 'cancelCompositeObservation',
      tags: ['observations'],
      summary: 'Cancel the observation of this list of paths',
      params: DeviceParamsSchema,
      querystring: cancelQuery,
      body: PathsBodySchema,
      response: responses({ 204: Type.Null({ description: 'Cancelled.' }) }),
    },
    handler: async ({ params, query, body }, reply) => {
      const paths = parsed(body.paths);
      if (!(await deviceNamed(context, params.name).cancelObservation(paths, query.mode ?? 'passive')))
        throw problem(
          'unknown-observation',
          `${paths.map(formatPath).join(', ')} of "${params.name}" is not observed together.`,
        );
      return reply.code(204).send(null);
    },
  });
}

/** @throws Problem 400. */
function parsed(texts: readonly string[]): readonly Path[] {
  return texts.map((text, index) => {
    const path = parsePath(text);
    if (isMalformed(path)) throw badRequest(`The path "${text}" is wrong: ${path.malformed}.`, `/paths/${index}`);
    return path;
  });
}

/** @throws Problem 400. */
function contentOf(device: Device, { values = {}, remove = [] }: CompositeWriteJson): readonly NodeEntry[] {
  const entries: NodeEntry[] = [];
  for (const [at, json] of Object.entries(values)) {
    const path = pathOfKind(at, ['resource', 'resourceInstance'], 'A value of a Write-Composite');
    const short = typeof json !== 'object' || json === null;
    const body = short ? { value: json } : isValuesJson(json) ? { values: json } : json;
    const content = contentFromBody(path, body, device.definition(path.objectId));
    if (isMalformed(content))
      throw badRequest(`The body cannot be used: ${at}: ${content.malformed}.`, `/values/${at.replaceAll('/', '~1')}`);
    entries.push(...content);
  }
  for (const at of remove)
    entries.push({ kind: 'remove', path: pathOfKind(at, ['resourceInstance'], 'A removal of a Write-Composite') });
  if (entries.length === 0) throw badRequest('A Write-Composite needs at least one value or removal.', '/values');
  return entries;
}
