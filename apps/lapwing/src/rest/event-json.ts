/** From the server's typed events to the event log: the one place that knows both. */
import { formatCode } from '@lapwing/coap';
import { formatPath } from '@lapwing/lwm2m';
import type { LwM2mServer, Notification, ObservationInfo, ServerEvents } from '@lapwing/server';
import type { EventLog } from '../event-log.ts';
import { RateLimit, type RefusalLog } from '../security/refusal-log.ts';
import { discoveredNodeJson } from './discovered-node-json.ts';
import { problemOf, refusal } from './problem.ts';
import { addressText, deviceSummary } from './registration-json.ts';
import type { NotificationJson } from './schemas.ts';
import { refusedHandshakeJson } from './security-json.ts';
import { entryToJson } from './value-json.ts';

/** The types an event stream can be asked for; `gap` comes unasked. */
export const EVENT_TYPES = [
  'registered',
  'updated',
  'unregistered',
  'observed',
  'notification',
  'malformed-notification',
  'observation-ended',
  'awake',
  'asleep',
  'pending-changed',
  'operation-completed',
  'sent',
  'refused',
  'handshake-refused',
  'address-changed',
  'firmware-update',
  'credentials-changed',
  'trust-anchors-changed',
  'bootstrap-session-started',
  'bootstrap-session-progress',
  'bootstrap-session-ended',
  'bootstrap-content-read',
  'bootstrap-refused',
  'bootstrap-configurations-changed',
  'bootstrap-credentials-changed',
] as const;

export function notificationJson(notification: Notification): NotificationJson {
  return {
    receivedAt: new Date(notification.receivedAt).toISOString(),
    contentFormat: notification.contentFormat,
    entries: notification.entries.map(entryToJson),
  };
}

/** Which observation an event is about. JSON leaves out paths and attributes where there are none. */
const observationJson = ({ path, paths, attributes }: ObservationInfo): Readonly<Record<string, unknown>> => ({
  path: formatPath(path),
  paths: paths?.map(formatPath),
  attributes,
});

/** Whoever registers or updates is awake. */
const HEARD = { awake: true };

/** With what the call over REST would have been answered: a `code` and what came, or a `problem`. */
export function completedOperationJson(
  ...[, { operationId, operation, paths, createdAt }, outcome]: ServerEvents['operationCompleted']
): Readonly<Record<string, unknown>> {
  const about = { operationId, operation, paths: paths.map(formatPath), createdAt: new Date(createdAt).toISOString() };
  if (outcome.kind === 'failed') return { ...about, problem: problemOf(outcome.error).body };
  if (!outcome.answer.ok) return { ...about, problem: refusal(outcome.answer).body };
  const { code, value } = outcome.answer;
  const { content, nodes, created } = value;
  return {
    ...about,
    code: formatCode(code),
    ...(content && { contentFormat: content.contentFormat, entries: content.entries.map(entryToJson) }),
    ...(nodes && { items: nodes.map(discoveredNodeJson) }),
    ...(created && { path: formatPath(created) }),
  };
}

/** Write every event of `server` into `log`, in the shapes of `docs/rest-api.md`. */
export function logServerEvents(server: LwM2mServer, log: EventLog): void {
  server.on('registered', (registration) => {
    log.append('registered', registration.endpointClientName, { registration: deviceSummary(registration, HEARD) });
  });
  server.on('updated', (registration) => {
    log.append('updated', registration.endpointClientName, { registration: deviceSummary(registration, HEARD) });
  });
  server.on('unregistered', (registration, reason) => {
    const { endpointClientName, registrationId } = registration;
    log.append('unregistered', endpointClientName, { registrationId, reason });
  });
  server.on('observed', (observation) => {
    log.append('observed', observation.endpointClientName, observationJson(observation));
  });
  server.on('notified', (observation, notification) => {
    const { endpointClientName } = observation;
    log.append('notification', endpointClientName, {
      ...observationJson(observation),
      ...notificationJson(notification),
    });
  });
  server.on('observationEnded', (observation, reason) => {
    log.append('observation-ended', observation.endpointClientName, { ...observationJson(observation), reason });
  });
  server.on('awake', ({ endpointClientName }) => log.append('awake', endpointClientName));
  server.on('asleep', ({ endpointClientName }) => log.append('asleep', endpointClientName));
  server.on('pendingChanged', ({ endpointClientName }) => log.append('pending-changed', endpointClientName));
  const logCompleted = (...completed: ServerEvents['operationCompleted']): void => {
    log.append('operation-completed', completed[0].endpointClientName, completedOperationJson(...completed));
  };
  // Those that were over before anybody could listen.
  const { resumption } = server;
  if (resumption?.kind === 'resumed') for (const ended of resumption.ended) logCompleted(...ended);
  server.on('operationCompleted', logCompleted);
  server.on('addressChanged', (registration, from) => {
    log.append('address-changed', registration.endpointClientName, {
      address: addressText(registration.address),
      from: addressText(from),
    });
  });
  server.on('refused', ({ peer, endpointClientName, code, reason }) => {
    log.append('refused', endpointClientName, { address: addressText(peer.address), code, reason });
  });
}

/** Events of what strangers and broken devices cause: they must not push all others out of the log. */
export const UNASKED_BURST = 20;
export const UNASKED_PER_SECOND = 5;

/** Every refused handshake goes into `refusals`; as many as the rate allows are events too. */
export function logRefusedHandshakes(
  server: LwM2mServer,
  refusals: RefusalLog,
  log: EventLog,
  clock: () => number = () => performance.now(),
): void {
  const limit = new RateLimit(UNASKED_BURST, UNASKED_PER_SECOND);
  server.on('handshakeRefused', ({ address, refusal }) => {
    const row = refusals.add(address, refusal, Date.now());
    if (!limit.allows(clock())) return;
    log.append('handshake-refused', undefined, { refusal: refusedHandshakeJson(row), total: refusals.total });
  });
}

/** Of notifications that cannot be read as many as the rate allows are events; `total` counts all. */
export function logMalformedNotifications(
  server: LwM2mServer,
  log: EventLog,
  clock: () => number = () => performance.now(),
): void {
  const limit = new RateLimit(UNASKED_BURST, UNASKED_PER_SECOND);
  let total = 0;
  server.on('malformedNotification', ({ endpointClientName, path, paths }, reason) => {
    total++;
    if (!limit.allows(clock())) return;
    log.append('malformed-notification', endpointClientName, {
      path: formatPath(path),
      ...(paths === undefined ? {} : { paths: paths.map(formatPath) }),
      reason,
      total,
    });
  });
}
