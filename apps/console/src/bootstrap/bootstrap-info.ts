/** What the Bootstrap-Server is: whether it runs, and what devices are told of it and of this server. */
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { bootstrapApi } from '../api/bootstrap-rest.ts';
import type { BootstrapInfo } from '../api/bootstrap-shapes.ts';

export const useBootstrapInfo = (): UseQueryResult<BootstrapInfo> =>
  useQuery({ queryKey: ['bootstrap', 'info'], queryFn: ({ signal }) => bootstrapApi.info(signal) });
