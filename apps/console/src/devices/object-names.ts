/** Names of Objects by their ID, from the definitions the server knows; asked for once. */
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/rest.ts';

export const DEFINITIONS = ['definitions'] as const;

export const useObjectNames = (): ReadonlyMap<number, string> => {
  const { data } = useQuery({
    queryKey: DEFINITIONS,
    queryFn: ({ signal }) => api.definitions(signal),
    select: namesOf,
  });
  return data ?? NONE;
};

const NONE: ReadonlyMap<number, string> = new Map();

const namesOf = ({
  items,
}: {
  readonly items: readonly { readonly objectId: number; readonly name: string }[];
}): ReadonlyMap<number, string> => new Map(items.map(({ objectId, name }) => [objectId, name]));
