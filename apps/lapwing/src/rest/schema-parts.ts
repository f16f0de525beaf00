/** What the schemas of the REST API are made of. */
import { type Static, type TSchema, type TString, type TUnsafe, Type } from 'typebox';

/** A schema that the compiler has compared with the interface it stands for. */
export function shape<Json>(): <Schema extends TSchema>(schema: Exactly<Schema, Json>) => TUnsafe<Json> {
  return (schema) => Type.Unsafe<Json>(schema);
}
type Exactly<Schema extends TSchema, Json> = [Static<Schema>] extends [Json]
  ? [Json] extends [Static<Schema>]
    ? Schema
    : never
  : never;

export const text = <Values extends readonly string[]>(values: readonly [...Values]): TUnsafe<Values[number]> =>
  Type.Unsafe<Values[number]>({ type: 'string', enum: [...values] });
export const list = <Item extends TSchema>(item: Item): TUnsafe<readonly Static<Item>[]> =>
  Type.Unsafe<readonly Static<Item>[]>(Type.Array(item));
export const record = <Item extends TSchema>(
  key: string,
  item: Item,
): TUnsafe<Readonly<Record<string, Static<Item>>>> =>
  Type.Unsafe<Readonly<Record<string, Static<Item>>>>({
    type: 'object',
    patternProperties: { [key]: item },
    additionalProperties: false,
  });

export const time: TString = Type.String({ format: 'date-time', examples: ['2026-01-01T00:00:00.000Z'] });
export const closed: { readonly additionalProperties: false } = { additionalProperties: false };

export const sized = (description: string): { readonly description: string } => ({ description });
