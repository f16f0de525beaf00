/** The sessions that run and those that ended last, live. */
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { bootstrapApi } from '../api/bootstrap-rest.ts';
import type { SessionList, SessionSummary } from '../api/bootstrap-shapes.ts';
import { BOOTSTRAP_SESSIONS, SESSIONS_SHOWN } from '../live/bootstrap-live.ts';

export const useSessions = (): UseQueryResult<SessionList> =>
  useQuery({
    queryKey: BOOTSTRAP_SESSIONS,
    queryFn: ({ signal }) => bootstrapApi.sessions({ limit: SESSIONS_SHOWN, signal }),
  });

/** The last session of each device among them. */
export const lastByDevice = (sessions: readonly SessionSummary[]): ReadonlyMap<string, SessionSummary> => {
  const last = new Map<string, SessionSummary>();
  for (const session of sessions) {
    const known = last.get(session.device);
    if (known === undefined || known.startedAt < session.startedAt) last.set(session.device, session);
  }
  return last;
};
