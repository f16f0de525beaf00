/** The definitions that say which Resources an Object has, asked for when one is looked at. */
import { useQuery, type QueryClient, type UseQueryResult } from '@tanstack/react-query';
import { Refusal, call } from '../api/rest.ts';
import type { ObjectDefinition } from '../api/shapes.ts';

const definitionQuery = (objectId: number) => ({
  queryKey: ['definition', objectId] as const,
  /** Null: no definition of the Object is known. */
  queryFn: async ({ signal }: { readonly signal: AbortSignal }): Promise<ObjectDefinition | null> => {
    try {
      return await call<ObjectDefinition>('GET', `/definitions/${objectId}`, { signal });
    } catch (error) {
      if (error instanceof Refusal && error.status === 404) return null;
      throw error;
    }
  },
});

export const useDefinition = (objectId: number): UseQueryResult<ObjectDefinition | null> =>
  useQuery(definitionQuery(objectId));

/** Those that are known, by Object ID. */
export const definitionsOf = async (
  queries: QueryClient,
  objectIds: readonly number[],
): Promise<ReadonlyMap<number, ObjectDefinition>> => {
  const found = await Promise.all(objectIds.map((objectId) => queries.ensureQueryData(definitionQuery(objectId))));
  return new Map(found.flatMap((each) => (each === null ? [] : [[each.objectId, each] as const])));
};
