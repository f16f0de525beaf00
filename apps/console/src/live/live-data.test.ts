import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { QueryClient } from '@tanstack/react-query';
import type { FirmwareUpdate, LapwingEvent } from '../api/shapes.ts';
import type { EventFeed } from './event-feed.ts';
import { FIRMWARE_UPDATES, LiveData } from './live-data.ts';

const update = (stage: string, startedAt: string): FirmwareUpdate => ({
  device: 'light',
  delivery: 'push',
  stage,
  sentBytes: 0,
  totalBytes: 1,
  versionBefore: null,
  versionAfter: null,
  startedAt,
  changedAt: startedAt,
  outcome: null,
  explanation: null,
});

function setUp(): { live: LiveData; happen: (event: LapwingEvent) => void; stages: () => readonly string[] } {
  const queries = new QueryClient();
  let happen: (event: LapwingEvent) => void = () => undefined;
  const feed = { listen: (listener: typeof happen) => (happen = listener) } as unknown as EventFeed;
  const live = new LiveData(queries, feed);
  queries.setQueryData<readonly FirmwareUpdate[]>(FIRMWARE_UPDATES, []);
  return {
    live,
    happen: (event) => happen(event),
    stages: () => (queries.getQueryData<readonly FirmwareUpdate[]>(FIRMWARE_UPDATES) ?? []).map(({ stage }) => stage),
  };
}

const told = (of: FirmwareUpdate): LapwingEvent => ({
  type: 'firmware-update',
  time: of.changedAt,
  device: of.device,
  update: of,
});

describe('a firmware update that is shown live', () => {
  it('stays where the events left it when the answer to its start comes late', () => {
    const { live, happen, stages } = setUp();
    happen(told(update('updating', '2026-11-22T10:00:00.000Z')));
    live.takeStartedUpdate(update('preparing', '2026-11-22T10:00:00.000Z'));
    assert.deepEqual(stages(), ['updating']);
  });

  it('is shown from its start on when it takes the place of an older one', () => {
    const { live, happen, stages } = setUp();
    happen(told(update('ended', '2026-11-22T09:00:00.000Z')));
    live.takeStartedUpdate(update('preparing', '2026-11-22T10:00:00.000Z'));
    assert.deepEqual(stages(), ['preparing']);
  });
});
