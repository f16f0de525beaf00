/** What the event stream changes in what the Bootstrap page shows. */
import type { QueryClient } from '@tanstack/react-query';
import {
  BOOTSTRAP_EVENT_TYPES,
  type BootstrapEvent,
  type BootstrapSession,
  type SessionList,
  type SessionSummary,
} from '../api/bootstrap-shapes.ts';
import type { LapwingEvent } from '../api/shapes.ts';

export const BOOTSTRAP_CONFIGURATIONS = ['bootstrap', 'configurations'] as const;
export const BOOTSTRAP_DEFAULT = ['bootstrap', 'default'] as const;
export const BOOTSTRAP_CREDENTIALS = ['bootstrap', 'credentials'] as const;
export const BOOTSTRAP_REFUSALS = ['bootstrap', 'refusals'] as const;
export const BOOTSTRAP_SESSIONS = ['bootstrap', 'sessions'] as const;
export const bootstrapSessionKey = (sessionId: string): readonly string[] => ['bootstrap', 'session', sessionId];
/** The last session of one device. */
export const lastBootstrapKey = (name: string): readonly string[] => ['device', name, 'bootstrap'];

/** Shown at once. */
export const SESSIONS_SHOWN = 100;

const TYPES: ReadonlySet<string> = new Set(BOOTSTRAP_EVENT_TYPES);
type Bootstrap = Extract<LapwingEvent, { readonly type: BootstrapEvent['type'] }>;

export const isBootstrapEvent = (event: LapwingEvent): event is Bootstrap => TYPES.has(event.type);

/** Those that run, then those that have ended, each the newest first. */
const inOrder = (sessions: readonly SessionSummary[]): readonly SessionSummary[] =>
  [...sessions].sort(
    (a, b) => Number(a.endedAt !== null) - Number(b.endedAt !== null) || b.startedAt.localeCompare(a.startedAt),
  );

/** The list after an event; the oldest that have ended go. */
export const withSession = (list: SessionList, session: SessionSummary): SessionList => {
  const before = list.items.find(({ sessionId }) => sessionId === session.sessionId);
  // Events keep their order, but a list that was asked for may be ahead of them.
  if (before !== undefined && before.endedAt !== null) return list;
  const isRunning = (each: SessionSummary | undefined): number => (each !== undefined && each.endedAt === null ? 1 : 0);
  return {
    items: inOrder([session, ...list.items.filter((each) => each !== before)]).slice(0, SESSIONS_SHOWN),
    running: Math.max(0, list.running + isRunning(session) - isRunning(before)),
  };
};

type Progress = Extract<BootstrapEvent, { readonly type: 'bootstrap-session-progress' }>;

export const withProgress = (list: SessionList, { sessionId, stage, progress }: Progress): SessionList => ({
  ...list,
  items: list.items.map((each) =>
    each.sessionId === sessionId && each.endedAt === null ? { ...each, stage, progress } : each,
  ),
});

/** A timeline that was asked for may have the entry already. */
const withEntry = (session: BootstrapSession, { stage, progress, entry }: Progress): BootstrapSession => {
  const isThere = session.timeline.some(
    ({ at, operation, path }) => at === entry.at && operation === entry.operation && path === entry.path,
  );
  return isThere ? session : { ...session, stage, progress, timeline: [...session.timeline, entry] };
};

/** Sets what was loaded; what is on its way may have been made before the event, and is asked for again. */
const change = <Data>(queries: QueryClient, queryKey: readonly string[], changed: (before: Data) => Data): void => {
  if (queries.isFetching({ queryKey }) > 0) void queries.invalidateQueries({ queryKey });
  queries.setQueryData<Data>(queryKey, (before) => (before === undefined ? before : changed(before)));
};

export const takeBootstrapEvent = (queries: QueryClient, event: Bootstrap): void => {
  switch (event.type) {
    case 'bootstrap-session-started':
    case 'bootstrap-session-ended': {
      const { session } = event;
      change<SessionList>(queries, BOOTSTRAP_SESSIONS, (list) => withSession(list, session));
      change<BootstrapSession>(queries, bootstrapSessionKey(session.sessionId), (before) => ({
        ...before,
        ...session,
      }));
      // Of a storm of bootstraps not every step is told.
      if (event.type === 'bootstrap-session-ended')
        void queries.invalidateQueries({ queryKey: bootstrapSessionKey(session.sessionId) });
      void queries.invalidateQueries({ queryKey: lastBootstrapKey(session.device) });
      return;
    }
    case 'bootstrap-session-progress':
      change<SessionList>(queries, BOOTSTRAP_SESSIONS, (list) => withProgress(list, event));
      change<BootstrapSession>(queries, bootstrapSessionKey(event.sessionId), (session) => withEntry(session, event));
      return;
    case 'bootstrap-refused':
      void queries.invalidateQueries({ queryKey: BOOTSTRAP_REFUSALS });
      return;
    case 'bootstrap-configurations-changed':
      void queries.invalidateQueries({ queryKey: BOOTSTRAP_CONFIGURATIONS });
      void queries.invalidateQueries({ queryKey: BOOTSTRAP_DEFAULT });
      return;
    case 'bootstrap-credentials-changed':
      void queries.invalidateQueries({ queryKey: BOOTSTRAP_CREDENTIALS });
      return;
  }
};
