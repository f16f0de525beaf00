/** `/bootstrap/configurations` and `/bootstrap/default`: what devices are given. Secrets go in and never come out again. */
import type { BootstrapConfiguration, PreviewOptions } from '@lapwing/bootstrap-server';
import { isMalformed } from '@lapwing/lwm2m';
import { type TUnsafe, Type } from 'typebox';
import { configurationFrom } from '../bootstrap/configuration-input.ts';
import { type ConfigurationJson, ConfigurationSchema } from './bootstrap-configuration-schema.ts';
import { configurationJson, previewedOperationJson } from './bootstrap-json.ts';
import {
  ConfigurationListSchema,
  DefaultConfigurationSchema,
  DeviceConfigurationSchema,
  type PreviewJson,
  PreviewSchema,
} from './bootstrap-schemas.ts';
import type { Http, RestContext } from './context.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { badRequest, problem } from './problem.ts';
import { DeviceParamsSchema, responses } from './schemas.ts';

const DEFAULT_LIMIT = 50;
const MAX_NAME_BYTES = 255;

const listQuery: TUnsafe<{ readonly limit?: number; readonly cursor?: string; readonly search?: string }> = Type.Unsafe(
  Type.Object(
    {
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: DEFAULT_LIMIT })),
      cursor: Type.Optional(Type.String({ maxLength: 2048, description: 'The `nextCursor` of the page before.' })),
      search: Type.Optional(Type.String({ maxLength: 255, description: 'Text that a name contains.' })),
    },
    { additionalProperties: false },
  ),
);

interface PreviewQuery {
  readonly discovered?: string;
  readonly contentFormat?: number;
  readonly pack?: number;
}
const previewQuery: TUnsafe<PreviewQuery> = Type.Unsafe(
  Type.Object(
    {
      discovered: Type.Optional(
        Type.String({
          description: 'What the device answers to Bootstrap-Discover, in link format; by default nothing.',
        }),
      ),
      contentFormat: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: 65535,
          description: 'The Content-Format that the device prefers (`pct`).',
        }),
      ),
      pack: Type.Optional(
        Type.Integer({ minimum: 0, maximum: 65535, description: 'As a Bootstrap-Pack in this Content-Format.' }),
      ),
    },
    { additionalProperties: false },
  ),
);

export function bootstrapConfigurationRoutes(http: Http, { bootstrap, events }: RestContext): void {
  const { server, configurations: store } = bootstrap;
  const { configurations } = server;
  const changed = (device: string | undefined, change: 'set' | 'removed'): void =>
    events.append('bootstrap-configurations-changed', device, { change });

  /** @throws Problem 400 that says where. */
  const taken = (
    json: ConfigurationJson,
    kept: BootstrapConfiguration | undefined,
    name?: string,
  ): BootstrapConfiguration => {
    const configuration = configurationFrom(json, kept, bootstrap, name);
    if (!isMalformed(configuration)) return configuration;
    const { field, malformed } = configuration;
    throw badRequest(`The configuration is wrong${field === undefined ? '' : ` at ${field}`}: ${malformed}.`, field);
  };

  const preview = async (name: string, options: PreviewOptions): Promise<PreviewJson> => {
    const operations = await server.preview(name, options);
    if (operations === undefined) throw unknownConfiguration(name);
    return {
      device: name,
      isDefault: options.configuration === undefined && store.find(name) === undefined,
      operations: operations.map(previewedOperationJson),
    };
  };

  http.route({
    method: 'GET',
    url: '/bootstrap/configurations',
    schema: {
      operationId: 'listBootstrapConfigurations',
      tags: ['bootstrap'],
      summary: 'What devices are given, by name; never a secret',
      querystring: listQuery,
      response: responses({ 200: ConfigurationListSchema }),
    },
    handler: async ({ query: { limit = DEFAULT_LIMIT, cursor, search } }) => {
      const after = cursor === undefined ? undefined : decodeCursor(cursor);
      if (isMalformed(after)) throw badRequest(`Cannot continue: ${after.malformed}.`, 'cursor');
      const page = await configurations.list({
        limit,
        ...(after === undefined ? {} : { after }),
        ...(search === undefined ? {} : { search }),
      });
      return {
        items: page.items.map(({ endpointClientName: device, configuration }) => ({
          device,
          configuration: configurationJson(configuration),
        })),
        nextCursor: page.next === undefined ? null : encodeCursor(page.next),
        total: store.size,
      };
    },
  });

  http.route({
    method: 'GET',
    url: '/bootstrap/configurations/:name',
    schema: {
      operationId: 'readBootstrapConfiguration',
      tags: ['bootstrap'],
      summary: 'What a device is given, without its secrets',
      params: DeviceParamsSchema,
      response: responses({ 200: DeviceConfigurationSchema }),
    },
    handler: ({ params: { name } }) => {
      const configuration = store.find(name);
      if (configuration === undefined) throw unknownConfiguration(name);
      return { device: name, configuration: configurationJson(configuration) };
    },
  });

  http.route({
    method: 'PUT',
    url: '/bootstrap/configurations/:name',
    schema: {
      operationId: 'setBootstrapConfiguration',
      tags: ['bootstrap'],
      summary: 'Give a device this from its next Bootstrap on',
      params: DeviceParamsSchema,
      body: ConfigurationSchema,
      response: responses({ 200: DeviceConfigurationSchema, 201: DeviceConfigurationSchema }),
    },
    handler: async ({ params: { name }, body }, reply) => {
      if (Buffer.byteLength(name) > MAX_NAME_BYTES)
        throw badRequest(`An Endpoint Client Name has at most ${MAX_NAME_BYTES} bytes.`, 'name');
      const kept = store.find(name);
      const configuration = taken(body, kept, name);
      await configurations.set(name, configuration);
      changed(name, 'set');
      if (kept === undefined)
        reply.code(201).header('location', `/api/v1/bootstrap/configurations/${encodeURIComponent(name)}`);
      return { device: name, configuration: configurationJson(configuration) };
    },
  });

  http.route({
    method: 'DELETE',
    url: '/bootstrap/configurations/:name',
    schema: {
      operationId: 'removeBootstrapConfiguration',
      tags: ['bootstrap'],
      summary: 'Give a device nothing of its own any more; what it has it keeps',
      params: DeviceParamsSchema,
      response: responses({ 204: Type.Null({ description: 'Removed.' }) }),
    },
    handler: async ({ params: { name } }, reply) => {
      if (!(await configurations.remove(name))) throw unknownConfiguration(name);
      changed(name, 'removed');
      return reply.code(204).send(null);
    },
  });

  http.route({
    method: 'GET',
    url: '/bootstrap/configurations/:name/preview',
    schema: {
      operationId: 'previewBootstrap',
      tags: ['bootstrap'],
      summary: 'What a device would be asked, in order, with values and without secrets; no device is asked',
      params: DeviceParamsSchema,
      querystring: previewQuery,
      response: responses({ 200: PreviewSchema }),
    },
    handler: ({ params: { name }, query }) => preview(name, previewOptions(query)),
  });

  http.route({
    method: 'POST',
    url: '/bootstrap/configurations/:name/preview',
    schema: {
      operationId: 'previewBootstrapConfiguration',
      tags: ['bootstrap'],
      summary: 'The same of a configuration that is not kept; nothing is changed',
      params: DeviceParamsSchema,
      querystring: previewQuery,
      body: ConfigurationSchema,
      response: responses({ 200: PreviewSchema }),
    },
    // Without one of its own a device has the secrets of the default configuration.
    handler: ({ params: { name }, query, body }) =>
      preview(name, {
        ...previewOptions(query),
        configuration: taken(body, store.find(name) ?? store.findDefault(), name),
      }),
  });

  http.route({
    method: 'GET',
    url: '/bootstrap/default',
    schema: {
      operationId: 'readDefaultBootstrapConfiguration',
      tags: ['bootstrap'],
      summary: 'What devices are given that have no configuration of their own',
      response: responses({ 200: DefaultConfigurationSchema }),
    },
    handler: () => defaultJson(store.findDefault()),
  });

  http.route({
    method: 'PUT',
    url: '/bootstrap/default',
    schema: {
      operationId: 'setDefaultBootstrapConfiguration',
      tags: ['bootstrap'],
      summary: 'Give this to every device that has no configuration of its own',
      body: ConfigurationSchema,
      response: responses({ 200: DefaultConfigurationSchema }),
    },
    handler: async ({ body }) => {
      const configuration = taken(body, store.findDefault());
      await configurations.setDefault(configuration);
      changed(undefined, 'set');
      return defaultJson(configuration);
    },
  });

  http.route({
    method: 'DELETE',
    url: '/bootstrap/default',
    schema: {
      operationId: 'removeDefaultBootstrapConfiguration',
      tags: ['bootstrap'],
      summary: 'Refuse devices that have no configuration of their own',
      response: responses({ 204: Type.Null({ description: 'Removed, or there was none.' }) }),
    },
    handler: async (_request, reply) => {
      if (store.findDefault() !== undefined) {
        await configurations.setDefault(undefined);
        changed(undefined, 'removed');
      }
      return reply.code(204).send(null);
    },
  });
}

const previewOptions = ({ discovered, contentFormat, pack }: PreviewQuery): PreviewOptions => ({
  ...(discovered === undefined ? {} : { discovered }),
  ...(contentFormat === undefined ? {} : { preferredContentFormat: contentFormat }),
  ...(pack === undefined ? {} : { pack }),
});

const defaultJson = (
  configuration: BootstrapConfiguration | undefined,
): { readonly configuration: ConfigurationJson | null } => ({
  configuration: configuration === undefined ? null : configurationJson(configuration),
});

const unknownConfiguration = (name: string): Error =>
  problem('unknown-configuration', `There is no bootstrap configuration for "${name}".`);
