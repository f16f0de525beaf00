/** `/devices/{name}/nodes`: Read, Write, Create and Delete. */
import { formatCode } from '@lapwing/coap';
import {
  formatPath,
  isMalformed,
  MAX_ID,
  type NodeEntry,
  type ObjectInstancePath,
  objectInstancePath,
} from '@lapwing/lwm2m';
import { callOptions } from './call-options.ts';
import { deviceNamed, type Http, pathOfKind, type RestContext } from './context.ts';
import { contentFromBody, objectInstanceContent, objectInstancesContent } from './node-content.ts';
import { badRequest, refusal } from './problem.ts';
import {
  CallQuerySchema,
  CodeSchema,
  CreateBodySchema,
  CreatedSchema,
  DevicePathSchema,
  FormatQuerySchema,
  NodeBodySchema,
  ReadSchema,
  responses,
} from './schemas.ts';
import { entryToJson } from './value-json.ts';

export function nodeRoutes(http: Http, context: RestContext): void {
  const { deviceTimeout } = context;

  http.route({
    method: 'GET',
    url: '/devices/:name/nodes/*',
    schema: {
      operationId: 'read',
      tags: ['nodes'],
      summary: 'Read an Object, Object Instance, Resource or Resource Instance',
      params: DevicePathSchema,
      querystring: FormatQuerySchema,
      response: responses({ 200: ReadSchema }),
    },
    handler: async ({ params, query }, reply) => {
      const path = pathOfKind(params['*'], ['object', 'objectInstance', 'resource', 'resourceInstance'], 'Read');
      const { format } = query;
      const outcome = await deviceNamed(context, params.name).read(path, {
        ...callOptions(reply, query, deviceTimeout),
        ...(format === undefined ? {} : { format }),
      });
      if (!outcome.ok) throw refusal(outcome);
      const { contentFormat, entries } = outcome.value;
      return {
        code: formatCode(outcome.code),
        path: formatPath(path),
        contentFormat,
        entries: entries.map(entryToJson),
      };
    },
  });

  for (const [method, mode, operationId, summary] of [
    ['PUT', 'replace', 'writeReplace', 'Write (Replace)'],
    ['PATCH', 'update', 'writePartialUpdate', 'Write (Partial Update)'],
  ] as const) {
    http.route({
      method,
      url: '/devices/:name/nodes/*',
      schema: {
        operationId,
        tags: ['nodes'],
        summary,
        params: DevicePathSchema,
        querystring: FormatQuerySchema,
        body: NodeBodySchema,
        response: responses({ 200: CodeSchema }),
      },
      handler: async ({ params, query, body }, reply) => {
        const path = pathOfKind(params['*'], ['objectInstance', 'resource', 'resourceInstance'], summary);
        const device = deviceNamed(context, params.name);
        const content = wellFormed(contentFromBody(path, body, device.definition(path.objectId)));
        const { format } = query;
        const outcome = await device.write(path, content, {
          ...callOptions(reply, query, deviceTimeout),
          mode,
          ...(format === undefined ? {} : { format }),
        });
        if (!outcome.ok) throw refusal(outcome);
        return { code: formatCode(outcome.code) };
      },
    });
  }

  http.route({
    method: 'POST',
    url: '/devices/:name/nodes/*',
    schema: {
      operationId: 'create',
      tags: ['nodes'],
      summary:
        'Create an Object Instance, without its ID in the path under one the device chooses; or several, all or none',
      params: DevicePathSchema,
      querystring: FormatQuerySchema,
      body: CreateBodySchema,
      response: responses({ 201: CreatedSchema }),
    },
    handler: async ({ params, query, body }, reply) => {
      const path = pathOfKind(params['*'], ['object', 'objectInstance'], 'Create');
      const device = deviceNamed(context, params.name);
      const { resources, instances } = body;
      if (instances !== undefined) {
        if (path.kind !== 'object')
          throw badRequest('Several Object Instances are created at their Object.', '/instances');
        const several = wellFormed(objectInstancesContent(path.objectId, instances, device.definition(path.objectId)));
        const { format } = query;
        const outcome = await device.createInstances(path, several, {
          ...callOptions(reply, query, deviceTimeout),
          ...(format === undefined ? {} : { format }),
        });
        if (!outcome.ok) throw refusal(outcome);
        const object = formatPath(path);
        reply.code(201).header('location', `/api/v1/devices/${encodeURIComponent(params.name)}/nodes${object}`);
        return { code: formatCode(outcome.code), path: object, paths: outcome.value.map(formatPath) };
      }
      if (resources === undefined) throw badRequest('Create needs a body {"resources": {…}}.', '/resources');
      const objectInstance = path.kind === 'object' ? objectInstancePath(path.objectId, MAX_ID) : path;
      const content = wellFormed(objectInstanceContent(objectInstance, resources, device.definition(path.objectId)));
      const { format } = query;
      const outcome = await device.create(path, content.length > 0 ? content : nothingIn(objectInstance), {
        ...callOptions(reply, query, deviceTimeout),
        ...(format === undefined ? {} : { format }),
      });
      if (!outcome.ok) throw refusal(outcome);
      const created = formatPath(outcome.value);
      reply.code(201).header('location', `/api/v1/devices/${encodeURIComponent(params.name)}/nodes${created}`);
      return { code: formatCode(outcome.code), path: created };
    },
  });

  http.route({
    method: 'DELETE',
    url: '/devices/:name/nodes/*',
    schema: {
      operationId: 'delete',
      tags: ['nodes'],
      summary: 'Delete an Object Instance or a Resource Instance',
      params: DevicePathSchema,
      querystring: CallQuerySchema,
      response: responses({ 200: CodeSchema }),
    },
    handler: async ({ params, query }, reply) => {
      const path = pathOfKind(params['*'], ['objectInstance', 'resourceInstance'], 'Delete');
      const outcome = await deviceNamed(context, params.name).delete(path, callOptions(reply, query, deviceTimeout));
      if (!outcome.ok) throw refusal(outcome);
      return { code: formatCode(outcome.code) };
    },
  });
}

const nothingIn = (path: ObjectInstancePath): readonly NodeEntry[] => [{ kind: 'empty', path }];

/** @throws Problem 400. */
function wellFormed(content: ReturnType<typeof contentFromBody>): readonly NodeEntry[] {
  if (!isMalformed(content)) return content;
  const field = /^(\/[^:]*): /.exec(content.malformed)?.[1];
  throw badRequest(`The body cannot be used: ${content.malformed}.`, field);
}
