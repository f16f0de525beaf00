/** The JSON shapes of notification attributes: those a device shows, and those an Observe carries. OMA TS Core §7.3. */
import { type TUnsafe, Type } from 'typebox';
import type { NotificationAttributes } from '@lapwing/lwm2m';
import { closed, shape, sized } from './schema-parts.ts';

const number = Type.Optional(Type.Number());
const flag = Type.Optional(Type.Unsafe<0 | 1>({ type: 'integer', enum: [0, 1] }));

export const NotificationAttributesSchema: TUnsafe<NotificationAttributes> = shape<NotificationAttributes>()(
  Type.Object(
    {
      pmin: number,
      pmax: number,
      gt: number,
      lt: number,
      st: number,
      epmin: number,
      epmax: number,
      edge: flag,
      con: flag,
      hqmax: number,
    },
    closed,
  ),
);

const count = Type.Optional(Type.Integer({ minimum: 0 }));

/** Stricter than what devices show: it is what callers ask for. */
export const ObserveAttributesSchema: TUnsafe<NotificationAttributes> = shape<NotificationAttributes>()(
  Type.Object(
    {
      pmin: count,
      pmax: count,
      gt: number,
      lt: number,
      st: number,
      epmin: count,
      epmax: count,
      edge: flag,
      con: flag,
      hqmax: count,
    },
    { ...closed, ...sized('For this observation alone, in place of all that are attached. Since LwM2M 1.2.') },
  ),
);

export interface ObserveBodyJson {
  readonly attributes?: NotificationAttributes;
}
export const ObserveBodySchema: TUnsafe<ObserveBodyJson | null> = shape<ObserveBodyJson | null>()(
  Type.Union(
    [Type.Object({ attributes: Type.Optional(ObserveAttributesSchema) }, closed), Type.Null()],
    sized('May be left out.'),
  ),
);
