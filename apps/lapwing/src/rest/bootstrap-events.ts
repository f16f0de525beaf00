/** From the Bootstrap-Server's typed events to the event log and the log of refused handshakes. */
import { formatPath } from '@lapwing/lwm2m';
import type { Bootstrap } from '../bootstrap/bootstrap.ts';
import type { EventLog } from '../event-log.ts';
import { RateLimit } from '../security/refusal-log.ts';
import { refusedRequestJson, sessionSummaryJson, timelineEntryJson } from './bootstrap-json.ts';
import { UNASKED_BURST, UNASKED_PER_SECOND } from './event-json.ts';
import { refusedHandshakeJson } from './security-json.ts';
import { entryToJson } from './value-json.ts';

/** Steps of thousands of devices at once must not push all else out of the log; timelines are whole all the same. */
const PROGRESS_BURST = 1000;
const PROGRESS_PER_SECOND = 100;

export function logBootstrapEvents(
  { server, handshakes }: Pick<Bootstrap, 'server' | 'handshakes'>,
  log: EventLog,
  clock: () => number = () => performance.now(),
): void {
  const progress = new RateLimit(PROGRESS_BURST, PROGRESS_PER_SECOND);
  const requests = new RateLimit(UNASKED_BURST, UNASKED_PER_SECOND);
  const refusedHandshakes = new RateLimit(UNASKED_BURST, UNASKED_PER_SECOND);
  server.on('sessionStarted', (session) => {
    log.append('bootstrap-session-started', session.endpointClientName, { session: sessionSummaryJson(session) });
  });
  server.on('sessionProgress', (session, entry) => {
    if (!progress.allows(clock())) return;
    const { endpointClientName, sessionId, stage, progress: done } = session;
    log.append('bootstrap-session-progress', endpointClientName, {
      sessionId,
      stage,
      progress: done,
      entry: timelineEntryJson(entry),
    });
  });
  server.on('sessionEnded', (session) => {
    log.append('bootstrap-session-ended', session.endpointClientName, { session: sessionSummaryJson(session) });
  });
  server.on('contentRead', ({ endpointClientName, sessionId }, path, entries) => {
    log.append('bootstrap-content-read', endpointClientName, {
      sessionId,
      path: formatPath(path),
      entries: entries.map(entryToJson),
    });
  });
  server.on('refused', (refusal) => {
    if (!requests.allows(clock())) return;
    log.append('bootstrap-refused', refusal.endpointClientName, {
      request: refusedRequestJson(refusal, refusal.peer.address, Date.now()),
      total: server.counters.refused,
    });
  });
  server.on('handshakeRefused', ({ address, refusal }) => {
    const row = handshakes.add(address, refusal, Date.now());
    if (!refusedHandshakes.allows(clock())) return;
    log.append('bootstrap-refused', undefined, { handshake: refusedHandshakeJson(row), total: handshakes.total });
  });
}
