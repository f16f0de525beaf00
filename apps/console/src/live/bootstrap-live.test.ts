import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { QueryClient } from '@tanstack/react-query';
import type { BootstrapSession, SessionList, SessionSummary, TimelineEntry } from '../api/bootstrap-shapes.ts';
import {
  BOOTSTRAP_SESSIONS,
  bootstrapSessionKey,
  SESSIONS_SHOWN,
  takeBootstrapEvent,
  withProgress,
  withSession,
} from './bootstrap-live.ts';

const session = (sessionId: string, more: Partial<SessionSummary> = {}): SessionSummary => ({
  sessionId,
  device: 'd',
  origin: 'request',
  address: '192.0.2.1:1',
  security: { kind: 'none' },
  preferredContentFormat: null,
  isDefaultConfiguration: false,
  lwm2mVersion: null,
  stage: 'discovering',
  progress: { answered: 0, planned: 1 },
  repairs: 0,
  startedAt: `2026-01-01T00:00:${sessionId.padStart(2, '0')}.000Z`,
  endedAt: null,
  outcome: null,
  ...more,
});
const ended = { endedAt: '2026-01-01T00:01:00.000Z', stage: 'ended', outcome: { kind: 'finished', text: '' } } as const;
const entry: TimelineEntry = {
  at: '2026-01-01T00:00:01.500Z',
  operation: 'delete',
  path: '/0',
  result: '2.02',
  diagnostic: null,
  contentFormat: null,
  bytes: 0,
  duration: 3,
};
const progress = {
  type: 'bootstrap-session-progress',
  time: '',
  sessionId: '1',
  stage: 'configuring',
  progress: { answered: 1, planned: 4 },
  entry,
} as const;

describe('bootstrap sessions, live', () => {
  it('are listed running ones first, each kind the newest first, and the count of running ones follows', () => {
    let list: SessionList = { items: [session('1', ended)], running: 0 };
    list = withSession(list, session('2'));
    list = withSession(list, session('3'));
    assert.deepEqual([list.items.map(({ sessionId }) => sessionId), list.running], [['3', '2', '1'], 2]);
    list = withSession(list, session('3', ended));
    assert.deepEqual([list.items.map(({ sessionId }) => sessionId), list.running], [['2', '3', '1'], 1]);
  });

  it('do not come back to life by an event that a list overtook', () => {
    const list: SessionList = { items: [session('1', ended)], running: 0 };
    assert.equal(withSession(list, session('1')), list);
    assert.equal(withProgress(list, progress).items[0]?.stage, 'ended');
  });

  it('are kept up to a number, the oldest ended ones go', () => {
    let list: SessionList = { items: [], running: 0 };
    for (let id = 0; id <= SESSIONS_SHOWN; id++)
      list = withSession(list, session(String(id), { ...ended, startedAt: String(1000 + id) }));
    assert.equal(list.items.length, SESSIONS_SHOWN);
    assert.equal(list.items.at(-1)?.sessionId, '1');
  });

  it('grow an entry at a time, once each, while their timeline is looked at', () => {
    const queries = new QueryClient();
    queries.setQueryData<SessionList>(BOOTSTRAP_SESSIONS, { items: [session('1')], running: 1 });
    queries.setQueryData<BootstrapSession>(bootstrapSessionKey('1'), {
      ...session('1'),
      timeline: [],
      timelineOmitted: 0,
    });
    takeBootstrapEvent(queries, progress);
    takeBootstrapEvent(queries, progress);
    const opened = queries.getQueryData<BootstrapSession>(bootstrapSessionKey('1'));
    assert.deepEqual(opened?.timeline, [entry]);
    assert.equal(opened?.stage, 'configuring');
    const listed = queries.getQueryData<SessionList>(BOOTSTRAP_SESSIONS);
    assert.deepEqual(listed?.items[0]?.progress, { answered: 1, planned: 4 });

    takeBootstrapEvent(queries, { type: 'bootstrap-session-ended', time: '', session: session('1', ended) });
    const closed = queries.getQueryData<BootstrapSession>(bootstrapSessionKey('1'));
    assert.deepEqual([closed?.timeline.length, closed?.outcome?.kind], [1, 'finished']);
    assert.equal(queries.getQueryData<SessionList>(BOOTSTRAP_SESSIONS)?.running, 0);
  });
});
