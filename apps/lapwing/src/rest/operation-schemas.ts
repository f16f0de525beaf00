/** The JSON shapes of composites, attributes in force, and pending operations. */
import { type TUnsafe, Type } from 'typebox';
import type { NotificationAttributes, Operation } from '@lapwing/lwm2m';
import type { PendingOperation } from '@lapwing/server';
import { NotificationAttributesSchema, ObserveAttributesSchema, type ObserveBodyJson } from './attribute-schemas.ts';
import type { ResourceJson, ValuesJson } from './node-content.ts';
import { closed, list, record, shape, sized, text, time } from './schema-parts.ts';
import { codeField, entry, pathText, resourceFields, scalar, type CodeJson } from './schemas.ts';
import type { EntryJson, ScalarJson } from './value-json.ts';

const MAX_PATHS = 256;
const paths = Type.Unsafe<readonly string[]>(
  Type.Array(pathText, { minItems: 1, maxItems: MAX_PATHS, ...sized('Paths like /3/0/9; at least one.') }),
);

export interface PathsBodyJson {
  readonly paths: readonly string[];
}
export const PathsBodySchema: TUnsafe<PathsBodyJson> = shape<PathsBodyJson>()(Type.Object({ paths }, closed));

export interface ObserveCompositeBodyJson extends PathsBodyJson, ObserveBodyJson {}
export const ObserveCompositeBodySchema: TUnsafe<ObserveCompositeBodyJson> = shape<ObserveCompositeBodyJson>()(
  Type.Object({ paths, attributes: Type.Optional(ObserveAttributesSchema) }, closed),
);

export interface CompositeJson extends CodeJson {
  readonly paths: readonly string[];
  readonly contentFormat: number;
  readonly entries: readonly EntryJson[];
}
const compositeFields = { code: codeField, paths, contentFormat: Type.Integer(), entries: list(entry) };
export const CompositeSchema: TUnsafe<CompositeJson> = shape<CompositeJson>()(Type.Object(compositeFields, closed));

export interface ObservedCompositeJson extends CompositeJson {
  readonly startedAt: string;
}
export const ObservedCompositeSchema: TUnsafe<ObservedCompositeJson> = shape<ObservedCompositeJson>()(
  Type.Object({ ...compositeFields, startedAt: time }, closed),
);

export interface CompositeWriteJson {
  /** By path of a Resource or Resource Instance. */
  readonly values?: Readonly<Record<string, ScalarJson | ResourceJson | ValuesJson>>;
  /** Paths of Resource Instances to delete. 1.2. */
  readonly remove?: readonly string[];
}
const PATH_KEY = '^/[0-9/]{1,23}$';
export const CompositeWriteSchema: TUnsafe<CompositeWriteJson> = shape<CompositeWriteJson>()(
  Type.Object(
    {
      values: Type.Optional(
        record(PATH_KEY, Type.Union([scalar, Type.Object(resourceFields, closed), record('^[0-9]{1,5}$', scalar)])),
      ),
      remove: Type.Optional(paths),
    },
    { ...closed, minProperties: 1 },
  ),
);

export interface AttributesJson {
  readonly path: string;
  /** Attached to this path itself. */
  readonly own: NotificationAttributes;
  /** Attached to what is above, the nearest first. */
  readonly inherited: readonly { readonly path: string; readonly attributes: NotificationAttributes }[];
  /** Of each attribute the nearest one. */
  readonly effective: NotificationAttributes;
}
export const AttributesSchema: TUnsafe<AttributesJson> = shape<AttributesJson>()(
  Type.Object(
    {
      path: pathText,
      own: NotificationAttributesSchema,
      inherited: list(Type.Object({ path: pathText, attributes: NotificationAttributesSchema }, closed)),
      effective: NotificationAttributesSchema,
    },
    closed,
  ),
);

export interface PendingOperationJson {
  readonly operationId: string;
  readonly operation: Operation['kind'];
  readonly paths: readonly string[];
  readonly state: PendingOperation['state'];
  readonly createdAt: string;
  /** When its caller gives up; null: never. */
  readonly expiresAt: string | null;
}
const OPERATIONS = [
  'read',
  'discover',
  'write',
  'writeAttributes',
  'execute',
  'create',
  'delete',
  'observe',
  'cancelObserve',
  'readComposite',
  'writeComposite',
  'observeComposite',
  'cancelObserveComposite',
] as const satisfies readonly Operation['kind'][];
const pendingOperation = shape<PendingOperationJson>()(
  Type.Object(
    {
      operationId: Type.String(),
      operation: text(OPERATIONS),
      paths: list(pathText),
      state: text(['waiting', 'sent']),
      createdAt: time,
      expiresAt: Type.Union([time, Type.Null()], sized('When its caller gives up; null: never.')),
    },
    closed,
  ),
);

export interface PendingListJson {
  readonly awake: boolean;
  readonly items: readonly PendingOperationJson[];
}
export const PendingListSchema: TUnsafe<PendingListJson> = shape<PendingListJson>()(
  Type.Object({ awake: Type.Boolean(), items: list(pendingOperation) }, closed),
);

export interface PendingOrderJson {
  readonly operationIds: readonly string[];
}
export const PendingOrderSchema: TUnsafe<PendingOrderJson> = shape<PendingOrderJson>()(
  Type.Object(
    {
      operationIds: Type.Unsafe<readonly string[]>(
        Type.Array(Type.String(), { maxItems: 4096, uniqueItems: true, ...sized('Those that are to go first.') }),
      ),
    },
    closed,
  ),
);

export const PendingParamsSchema: TUnsafe<{ readonly name: string; readonly operationId: string }> = Type.Unsafe(
  Type.Object({
    name: Type.String(sized('The Endpoint Client Name, percent-encoded.')),
    operationId: Type.String(),
  }),
);
