/** `/devices/{name}/execute`, `discover` and `attributes`: Execute, Discover and Write-Attributes. */
import { formatCode } from '@lapwing/coap';
import { attributesInForce } from './attributes-in-force.ts';
import { callOptions } from './call-options.ts';
import { deviceNamed, type Http, pathOfKind, type RestContext } from './context.ts';
import { discoveredNodeJson } from './discovered-node-json.ts';
import { AttributesSchema } from './operation-schemas.ts';
import { refusal } from './problem.ts';
import {
  AttributesBodySchema,
  CallQuerySchema,
  CodeSchema,
  DevicePathSchema,
  DiscoveredSchema,
  DiscoverQuerySchema,
  ExecuteBodySchema,
  responses,
} from './schemas.ts';

export function deviceOperationRoutes(http: Http, context: RestContext): void {
  const { deviceTimeout } = context;

  http.route({
    method: 'POST',
    url: '/devices/:name/execute/*',
    schema: {
      operationId: 'execute',
      tags: ['nodes'],
      summary: 'Execute a Resource',
      params: DevicePathSchema,
      querystring: CallQuerySchema,
      body: ExecuteBodySchema,
      response: responses({ 200: CodeSchema }),
    },
    handler: async ({ params, query, body }, reply) => {
      const path = pathOfKind(params['*'], ['resource'], 'Execute');
      const options = callOptions(reply, query, deviceTimeout);
      const outcome = await deviceNamed(context, params.name).execute(path, body?.arguments, options);
      if (!outcome.ok) throw refusal(outcome);
      return { code: formatCode(outcome.code) };
    },
  });

  http.route({
    method: 'GET',
    url: '/devices/:name/discover/*',
    schema: {
      operationId: 'discover',
      tags: ['nodes'],
      summary: 'Discover what an Object, Object Instance or Resource has, with its attributes',
      params: DevicePathSchema,
      querystring: DiscoverQuerySchema,
      response: responses({ 200: DiscoveredSchema }),
    },
    handler: async ({ params, query }, reply) => {
      const path = pathOfKind(params['*'], ['object', 'objectInstance', 'resource'], 'Discover');
      const { depth } = query;
      const outcome = await deviceNamed(context, params.name).discover(path, {
        ...callOptions(reply, query, deviceTimeout),
        ...(depth === undefined ? {} : { depth }),
      });
      if (!outcome.ok) throw refusal(outcome);
      return {
        code: formatCode(outcome.code),
        items: outcome.value.map(discoveredNodeJson),
      };
    },
  });

  http.route({
    method: 'GET',
    url: '/devices/:name/attributes/*',
    schema: {
      operationId: 'readAttributes',
      tags: ['nodes'],
      summary: 'Attributes of a path: its own, inherited ones, and what holds; asks the device with Discover',
      params: DevicePathSchema,
      querystring: CallQuerySchema,
      response: responses({ 200: AttributesSchema }),
    },
    handler: async ({ params, query }, reply) => {
      const kinds = ['object', 'objectInstance', 'resource', 'resourceInstance'] as const;
      const path = pathOfKind(params['*'], kinds, 'A list of attributes');
      const options = callOptions(reply, query, deviceTimeout);
      const outcome = await attributesInForce(deviceNamed(context, params.name), path, options);
      if (!outcome.ok) throw refusal(outcome);
      return outcome.value;
    },
  });

  http.route({
    method: 'PUT',
    url: '/devices/:name/attributes/*',
    schema: {
      operationId: 'writeAttributes',
      tags: ['nodes'],
      summary: 'Write-Attributes',
      params: DevicePathSchema,
      querystring: CallQuerySchema,
      body: AttributesBodySchema,
      response: responses({ 200: CodeSchema }),
    },
    handler: async ({ params, query, body }, reply) => {
      const kinds = ['object', 'objectInstance', 'resource', 'resourceInstance'] as const;
      const path = pathOfKind(params['*'], kinds, 'Write-Attributes');
      const options = callOptions(reply, query, deviceTimeout);
      const outcome = await deviceNamed(context, params.name).writeAttributes(path, body, options);
      if (!outcome.ok) throw refusal(outcome);
      return { code: formatCode(outcome.code) };
    },
  });
}
