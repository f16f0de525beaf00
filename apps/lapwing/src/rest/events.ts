/** `/events`: what happens, as server-sent events. */
import { type TUnsafe, Type } from 'typebox';
import type { Http, RestContext } from './context.ts';
import { EVENT_TYPES } from './event-json.ts';
import { EventStream } from './event-stream.ts';
import { GatheredWakeups } from './gathered-wakeups.ts';
import { badRequest, problem } from './problem.ts';
import { responses } from './schemas.ts';

/** Bytes handed to the socket of a reader ahead of it. */
const STREAM_HIGH_WATER_MARK = 64 * 1024;

/** ms in which events are gathered for all readers: live for a person, and cheap when there are thousands each second. */
const GATHERING_INTERVAL = 20;

const eventQuery: TUnsafe<{ readonly device?: string; readonly type?: string }> = Type.Unsafe(
  Type.Object(
    {
      device: Type.Optional(Type.String({ description: 'Only events of this device.' })),
      type: Type.Optional(
        Type.String({ description: `Only these types, separated by commas: ${EVENT_TYPES.join(', ')}.` }),
      ),
    },
    { additionalProperties: false },
  ),
);

const eventHeaders: TUnsafe<{ readonly 'last-event-id'?: string }> = Type.Unsafe(
  Type.Object({
    'last-event-id': Type.Optional(Type.String({ description: 'Go on after the event of this id.' })),
  }),
);

export function eventRoutes(http: Http, context: RestContext): void {
  const { events, heartbeatInterval, maxEventStreams } = context;
  const streams = new Set<EventStream>();
  const wakeups = new GatheredWakeups(events, GATHERING_INTERVAL);
  const heartbeat = setInterval(() => {
    for (const stream of streams) stream.heartbeat();
  }, heartbeatInterval);
  heartbeat.unref();

  // A stream never ends by itself, so the HTTP server would wait for it when it closes.
  http.addHook('preClose', (done) => {
    clearInterval(heartbeat);
    wakeups.close();
    for (const stream of streams) stream.destroy();
    done();
  });

  http.route({
    method: 'GET',
    url: '/events',
    schema: {
      operationId: 'streamEvents',
      tags: ['events'],
      summary: 'Server-sent events, resumed by Last-Event-ID',
      querystring: eventQuery,
      headers: eventHeaders,
      response: responses({
        200: { description: 'Events.', content: { 'text/event-stream': { schema: Type.String() } } },
      }),
    },
    handler: (request, reply) => {
      if (streams.size >= maxEventStreams) {
        throw problem(
          'too-many-streams',
          `${maxEventStreams} event streams are open already; close one and try again.`,
        );
      }
      const stream = new EventStream(events, {
        after: lastEventId(request.headers['last-event-id']),
        types: wantedTypes(request.query.type),
        device: request.query.device,
        highWaterMark: STREAM_HIGH_WATER_MARK,
        wakeups,
      });
      streams.add(stream);
      stream.once('close', () => streams.delete(stream));
      return reply
        .header('content-type', 'text/event-stream; charset=utf-8')
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .send(stream);
    },
  });
}

/** A text that is not an id of ours is older than everything: the stream begins with `gap`. */
function lastEventId(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const id = /^\d{1,16}$/.test(text) ? Number(text) : 0;
  return Number.isSafeInteger(id) ? id : 0;
}

function wantedTypes(text: string | undefined): ReadonlySet<string> | undefined {
  if (text === undefined) return undefined;
  const types = text.split(',');
  const unknown = types.find((type) => !(EVENT_TYPES as readonly string[]).includes(type));
  if (unknown !== undefined) {
    throw badRequest(`There is no event type "${unknown}"; there are ${EVENT_TYPES.join(', ')}.`, 'type');
  }
  return new Set(types);
}
