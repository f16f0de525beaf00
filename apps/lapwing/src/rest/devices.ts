/** `/devices`: who is registered. */
import { isMalformed } from '@lapwing/lwm2m';
import { type TUnsafe, Type } from 'typebox';
import { deviceNamed, type Http, type RestContext } from './context.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { definitionJson } from './definition-json.ts';
import { badRequest } from './problem.ts';
import { deviceDetail, deviceSummary } from './registration-json.ts';
import { DefinitionListSchema, DeviceListSchema, DeviceParamsSchema, DeviceSchema, responses } from './schemas.ts';

const DEFAULT_LIMIT = 50;

const listQuery: TUnsafe<{ readonly limit?: number; readonly cursor?: string; readonly search?: string }> = Type.Unsafe(
  Type.Object(
    {
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: DEFAULT_LIMIT })),
      cursor: Type.Optional(Type.String({ maxLength: 2048, description: 'The `nextCursor` of the page before.' })),
      search: Type.Optional(Type.String({ maxLength: 255, description: 'Text that the name contains.' })),
    },
    { additionalProperties: false },
  ),
);

export function deviceRoutes(http: Http, context: RestContext): void {
  const { server } = context;

  http.route({
    method: 'GET',
    url: '/devices',
    schema: {
      operationId: 'listDevices',
      tags: ['devices'],
      summary: 'Registered devices, by name',
      querystring: listQuery,
      response: responses({ 200: DeviceListSchema }),
    },
    handler: ({ query }) => {
      const { limit = DEFAULT_LIMIT, cursor, search } = query;
      const after = cursor === undefined ? undefined : decodeCursor(cursor);
      if (isMalformed(after)) throw badRequest(`Cannot continue: ${after.malformed}.`, 'cursor');
      const page = server.devices({
        limit,
        ...(after === undefined ? {} : { after }),
        ...(search === undefined ? {} : { search }),
      });
      return {
        items: page.items.map((device) => deviceSummary(device.registration, device)),
        nextCursor: page.next === undefined ? null : encodeCursor(page.next),
        total: server.registrationCount,
      };
    },
  });

  http.route({
    method: 'GET',
    url: '/devices/:name',
    schema: {
      operationId: 'readDevice',
      tags: ['devices'],
      summary: 'One device, with its Objects and Object Instances',
      params: DeviceParamsSchema,
      response: responses({ 200: DeviceSchema }),
    },
    handler: ({ params }) => deviceDetail(deviceNamed(context, params.name)),
  });

  http.route({
    method: 'GET',
    url: '/devices/:name/definitions',
    schema: {
      operationId: 'listDeviceDefinitions',
      tags: ['devices', 'definitions'],
      summary: 'Object definitions in the versions this device announced',
      params: DeviceParamsSchema,
      response: responses({ 200: DefinitionListSchema }),
    },
    handler: ({ params }) => {
      const device = deviceNamed(context, params.name);
      const items = device.registration.objects.flatMap(({ objectId }) => {
        const definition = device.definition(objectId);
        return definition === undefined ? [] : [definitionJson(definition)];
      });
      return { items };
    },
  });
}
