/** `/bootstrap`, its sessions and refusals, and `/devices/{name}/bootstrap`: how Bootstraps go. */
import { formatCode } from '@lapwing/coap';
import type { BootstrapSession } from '@lapwing/bootstrap-server';
import { formatPath, resourcePath } from '@lapwing/lwm2m';
import type { CallOptions, Device, Refused } from '@lapwing/server';
import { type TUnsafe, Type } from 'typebox';
import type { Bootstrap } from '../bootstrap/bootstrap.ts';
import type { OwnUris } from '../bootstrap/own-uris.ts';
import { bootstrapCountersOf } from '../counters.ts';
import { refusedRequestJson, sessionJson, sessionSummaryJson } from './bootstrap-json.ts';
import {
  BootstrapInfoSchema,
  BootstrapRefusalsSchema,
  BootstrapTriggeredSchema,
  type BootstrapTriggeredJson,
  SessionListSchema,
  SessionSchema,
} from './bootstrap-schemas.ts';
import { callOptions } from './call-options.ts';
import { deviceNamed, type Http, type RestContext } from './context.ts';
import { problem, refusal } from './problem.ts';
import { CallQuerySchema, DeviceParamsSchema, responses } from './schemas.ts';
import { refusedHandshakeJson } from './security-json.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1000;
const REFUSALS_TOLD = 200;

interface SessionListQuery {
  readonly device?: string;
  readonly running?: 'true' | 'false';
  readonly limit?: number;
}
const listQuery: TUnsafe<SessionListQuery> = Type.Unsafe(
  Type.Object(
    {
      device: Type.Optional(Type.String({ description: 'Only sessions of this device.' })),
      running: Type.Optional(
        Type.Unsafe<'true' | 'false'>({
          type: 'string',
          enum: ['true', 'false'],
          description: 'Only those that run, or only those that have ended.',
        }),
      ),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT })),
    },
    { additionalProperties: false },
  ),
);

const sessionParams: TUnsafe<{ readonly id: string }> = Type.Unsafe(Type.Object({ id: Type.String() }));

export function bootstrapSessionRoutes(http: Http, context: RestContext): void {
  const { bootstrap, deviceTimeout } = context;
  const { server } = bootstrap;

  http.route({
    method: 'GET',
    url: '/bootstrap',
    schema: {
      operationId: 'readBootstrapServer',
      tags: ['bootstrap'],
      summary: 'Where the Bootstrap-Server listens, what it tells devices of itself and of this server, its counters',
      response: responses({ 200: BootstrapInfoSchema }),
    },
    handler: async () => ({
      enabled: bootstrap.urls.length > 0,
      endpoints: bootstrap.urls.map((url) => ({ url })),
      thisServer: await urisJson(bootstrap.serverUris),
      thisBootstrapServer: await urisJson(bootstrap.ownUris),
      counters: bootstrapCountersOf(server, bootstrap.drivers),
    }),
  });

  http.route({
    method: 'GET',
    url: '/bootstrap/sessions',
    schema: {
      operationId: 'listBootstrapSessions',
      tags: ['bootstrap'],
      summary: 'Sessions that run, then those that have ended, the newest first',
      querystring: listQuery,
      response: responses({ 200: SessionListSchema }),
    },
    handler: ({ query: { device, running, limit = DEFAULT_LIMIT } }) => ({
      items: server
        .sessions({
          limit,
          ...(device === undefined ? {} : { endpointClientName: device }),
          ...(running === undefined ? {} : { running: running === 'true' }),
        })
        .map(sessionSummaryJson),
      running: server.usage.sessions,
    }),
  });

  http.route({
    method: 'GET',
    url: '/bootstrap/sessions/:id',
    schema: {
      operationId: 'readBootstrapSession',
      tags: ['bootstrap'],
      summary: 'One session with its timeline',
      params: sessionParams,
      response: responses({ 200: SessionSchema }),
    },
    handler: ({ params: { id } }) => sessionJson(sessionOf(bootstrap, id)),
  });

  http.route({
    method: 'DELETE',
    url: '/bootstrap/sessions/:id',
    schema: {
      operationId: 'cancelBootstrapSession',
      tags: ['bootstrap'],
      summary: 'End a session that runs; the device keeps what it has been given so far',
      params: sessionParams,
      response: responses({ 204: Type.Null({ description: 'Cancelled.' }) }),
    },
    handler: ({ params: { id } }, reply) => {
      const { endpointClientName, outcome } = sessionOf(bootstrap, id);
      if (outcome !== undefined) throw problem('session-ended', `The session ${id} has ended.`);
      server.cancel(endpointClientName);
      return reply.code(204).send(null);
    },
  });

  http.route({
    method: 'GET',
    url: '/bootstrap/refusals',
    schema: {
      operationId: 'listBootstrapRefusals',
      tags: ['bootstrap'],
      summary: 'The requests and handshakes refused last, newest first',
      response: responses({ 200: BootstrapRefusalsSchema }),
    },
    handler: () => ({
      requests: {
        items: server.refusals(REFUSALS_TOLD).map((each) => refusedRequestJson(each, each, each.at)),
        total: server.counters.refused,
      },
      handshakes: {
        items: bootstrap.handshakes.all().map(refusedHandshakeJson),
        total: bootstrap.handshakes.total,
      },
    }),
  });

  http.route({
    method: 'POST',
    url: '/devices/:name/bootstrap',
    schema: {
      operationId: 'bootstrapDevice',
      tags: ['devices', 'bootstrap'],
      summary: 'Have a registered device bootstrap now: Execute of /1/x/9',
      params: DeviceParamsSchema,
      querystring: CallQuerySchema,
      response: responses({ 200: BootstrapTriggeredSchema }),
    },
    handler: ({ params: { name }, query }, reply) =>
      trigger(deviceNamed(context, name), callOptions(reply, query, deviceTimeout)),
  });
}

function sessionOf({ server }: Bootstrap, id: string): BootstrapSession {
  const session = server.sessions({ limit: Infinity }).find(({ sessionId }) => sessionId === id);
  if (session === undefined) throw problem('unknown-session', `No bootstrap session ${id.slice(0, 64)} is known.`);
  return session;
}

const urisJson = async (uris: OwnUris): Promise<{ readonly coap: string | null; readonly coaps: string | null }> => ({
  coap: (await uris.of('coap')) ?? null,
  coaps: (await uris.of('coaps')) ?? null,
});

/**
 * A device with several servers lets each at its own Server Object Instance only, and does not say which is whose: the
 * first that lets us is ours. Whichever it is, the device bootstraps.
 *
 * @throws Problem with the refusal that says most when there is none.
 */
async function trigger(device: Device, options: CallOptions): Promise<BootstrapTriggeredJson> {
  const listed = device.registration.objects.find(({ objectId }) => objectId === SERVER)?.objectInstanceIds ?? [];
  let refused: Refused | undefined;
  for (const objectInstanceId of listed.length === 0 ? [0] : listed) {
    const path = resourcePath(SERVER, objectInstanceId, BOOTSTRAP_REQUEST_TRIGGER);
    const outcome = await device.execute(path, undefined, options);
    if (outcome.ok) return { code: formatCode(outcome.code), path: formatPath(path) };
    if (refused === undefined || formatCode(refused.code) === UNAUTHORIZED) refused = outcome;
  }
  throw refusal(refused!);
}

const SERVER = 1;
const BOOTSTRAP_REQUEST_TRIGGER = 9;
const UNAUTHORIZED = '4.01';
