/** `/devices/{name}/sends`: what a device sent by itself (Send, OMA TS Core §6.4.6), kept here and told as events. */
import { isMalformed } from '@lapwing/lwm2m';
import type { LwM2mServer } from '@lapwing/server';
import { type TUnsafe, Type } from 'typebox';
import type { EventLog } from '../event-log.ts';
import type { SentValue, SentValues } from '../sent-values.ts';
import { deviceNamed, type Http, type RestContext } from './context.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { badRequest } from './problem.ts';
import { closed, list, shape, sized, time } from './schema-parts.ts';
import { DeviceParamsSchema, entryFields, responses } from './schemas.ts';
import { type EntryJson, entryToJson } from './value-json.ts';

export interface SentValueJson extends EntryJson {
  readonly id: number;
  readonly sendId: number;
  readonly receivedAt: string;
}

export interface SentValueListJson {
  readonly items: readonly SentValueJson[];
  /** null on the last page. */
  readonly nextCursor: string | null;
  readonly total: number;
}

const SentValueListSchema = shape<SentValueListJson>()(
  Type.Object(
    {
      items: list(
        Type.Object(
          {
            id: Type.Integer(sized('Ascending; the values of one Send are numbered one by one from its sendId.')),
            sendId: Type.Integer(),
            receivedAt: time,
            ...entryFields,
          },
          closed,
        ),
      ),
      nextCursor: Type.Union([Type.String(), Type.Null()], sized('null on the last page.')),
      total: Type.Integer(sized('Values of this device that are kept.')),
    },
    closed,
  ),
);

const DEFAULT_LIMIT = 100;

const listQuery: TUnsafe<{ readonly limit?: number; readonly cursor?: string }> = Type.Unsafe(
  Type.Object(
    {
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: DEFAULT_LIMIT })),
      cursor: Type.Optional(Type.String({ maxLength: 2048, description: 'The `nextCursor` of the page before.' })),
    },
    closed,
  ),
);

export function sendRoutes(http: Http, context: RestContext): void {
  http.route({
    method: 'GET',
    url: '/devices/:name/sends',
    schema: {
      operationId: 'listSends',
      tags: ['observations'],
      summary: 'What a device sent by itself, value by value, the newest first; also of one that has left since',
      params: DeviceParamsSchema,
      querystring: listQuery,
      response: responses({ 200: SentValueListSchema }),
    },
    handler: ({ params: { name }, query: { limit = DEFAULT_LIMIT, cursor } }) => {
      const page = context.sentValues.page(name, {
        limit,
        ...(cursor === undefined ? {} : { before: idOf(cursor) }),
      });
      if (page === undefined) {
        deviceNamed(context, name);
        return { items: [], nextCursor: null, total: 0 };
      }
      const { items, hasMore, total } = page;
      return {
        items: items.map(sentValueJson),
        nextCursor: hasMore ? encodeCursor(String(items.at(-1)!.id)) : null,
        total,
      };
    },
  });
}

/** Keep what devices send by themselves, and make an event of each Send. */
export function keepSends(server: LwM2mServer, sentValues: SentValues, log: EventLog): void {
  server.on('sent', ({ endpointClientName }, nodeEntries) => {
    const entries = nodeEntries.map(entryToJson);
    const sendId = sentValues.append(endpointClientName, entries);
    log.append('sent', endpointClientName, { sendId, entries });
  });
}

const sentValueJson = ({ id, sendId, receivedAt, entry }: SentValue): SentValueJson => ({
  id,
  sendId,
  receivedAt: new Date(receivedAt).toISOString(),
  ...entry,
});

/** @throws Problem 400. */
function idOf(cursor: string): number {
  const text = decodeCursor(cursor);
  if (isMalformed(text)) throw badRequest(`Cannot continue: ${text.malformed}.`, 'cursor');
  if (!/^\d{1,16}$/.test(text)) throw badRequest('Cannot continue: the cursor is of another list.', 'cursor');
  return Number(text);
}
