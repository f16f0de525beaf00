/** What belongs to `/bootstrap`, as the REST API and the events show it. Nothing here is a secret. */
import { formatCode } from '@lapwing/coap';
import {
  configurationToJson,
  type BootstrapConfiguration,
  type BootstrapOutcome,
  type BootstrapSession,
  type PreviewedOperation,
  type ShownRefusal,
  type TimelineEntry,
} from '@lapwing/bootstrap-server';
import { formatPath } from '@lapwing/lwm2m';
import type { ConfigurationJson } from './bootstrap-configuration-schema.ts';
import type {
  OutcomeJson,
  PreviewedOperationJson,
  RefusedRequestJson,
  SessionJson,
  SessionSummaryJson,
  TimelineEntryJson,
} from './bootstrap-schemas.ts';
import { addressText } from './registration-json.ts';
import { sentence } from './sentence.ts';

/** Checked when it was kept, so that it has the shape. */
export const configurationJson = (configuration: BootstrapConfiguration): ConfigurationJson =>
  configurationToJson(configuration, { secrets: 'hidden' });

export const previewedOperationJson = ({
  operation,
  path,
  contentFormat,
  bytes,
  values,
}: PreviewedOperation): PreviewedOperationJson => ({
  operation,
  path,
  contentFormat: contentFormat ?? null,
  bytes,
  values: values.map(({ path: at, value, hidden }) => ({
    path: at,
    ...(value === undefined ? {} : { value }),
    ...(hidden === undefined ? {} : { hidden }),
  })),
});

export const sessionSummaryJson = (session: BootstrapSession): SessionSummaryJson => ({
  sessionId: session.sessionId,
  device: session.endpointClientName,
  origin: session.origin,
  address: addressText(session.address),
  security:
    session.security.identity === undefined
      ? { kind: session.security.kind }
      : { kind: session.security.kind, identity: session.security.identity },
  preferredContentFormat: session.preferredContentFormat ?? null,
  isDefaultConfiguration: session.isDefaultConfiguration,
  lwm2mVersion: session.lwm2mVersion ?? null,
  stage: session.stage,
  progress: session.progress,
  repairs: session.repairs,
  startedAt: new Date(session.startedAt).toISOString(),
  endedAt: session.endedAt === undefined ? null : new Date(session.endedAt).toISOString(),
  outcome: session.outcome === undefined ? null : outcomeJson(session.outcome),
});

export const sessionJson = (session: BootstrapSession): SessionJson => ({
  ...sessionSummaryJson(session),
  additionalParameters: session.additional,
  discovered: session.discovered.map(({ path, shortServerId, uri }) => ({
    path: formatPath(path),
    ...(shortServerId === undefined ? {} : { shortServerId }),
    ...(uri === undefined ? {} : { uri }),
  })),
  timeline: session.timeline.map(timelineEntryJson),
  timelineOmitted: session.timelineOmitted,
});

export const timelineEntryJson = (entry: TimelineEntry): TimelineEntryJson => ({
  at: new Date(entry.at).toISOString(),
  operation: entry.operation,
  path: entry.path,
  result: entry.result,
  diagnostic: entry.diagnostic ?? null,
  contentFormat: entry.contentFormat ?? null,
  bytes: entry.bytes,
  duration: entry.duration,
});

export const refusedRequestJson = (
  refusal: Omit<ShownRefusal, 'host' | 'port' | 'at'>,
  from: { readonly host: string; readonly port: number },
  at: number,
): RefusedRequestJson => ({
  at: new Date(at).toISOString(),
  address: addressText(from),
  device: refusal.endpointClientName ?? null,
  operation: refusal.operation,
  kind: refusal.kind,
  code: refusal.code,
  reason: sentence(refusal.reason),
});

function outcomeJson(outcome: BootstrapOutcome): OutcomeJson {
  const { operation, path, code } = outcome as {
    readonly operation?: OutcomeJson['operation'];
    readonly path?: string;
    readonly code?: Parameters<typeof formatCode>[0];
  };
  return {
    kind: outcome.kind,
    text: wordsOf(outcome),
    ...(operation === undefined ? {} : { operation }),
    ...(path === undefined ? {} : { path }),
    ...(code === undefined ? {} : { code: formatCode(code) }),
  };
}

const OPERATION_WORDS = {
  request: 'Bootstrap-Request',
  pack: 'Bootstrap-Pack-Request',
  discover: 'Bootstrap-Discover',
  read: 'Bootstrap-Read',
  delete: 'Bootstrap-Delete',
  write: 'Bootstrap-Write',
  finish: 'Bootstrap-Finish',
} as const;

const FAILURE_WORDS = {
  reset: 'with Reset',
  'bad-response': 'with something that cannot be understood',
  'body-too-large': 'with more than can be taken',
} as const;

function wordsOf(outcome: BootstrapOutcome): string {
  const what = ({
    operation,
    path,
  }: {
    readonly operation: keyof typeof OPERATION_WORDS;
    readonly path: string;
  }): string => (operation === 'finish' ? OPERATION_WORDS.finish : `${OPERATION_WORDS[operation]} of ${path}`);
  switch (outcome.kind) {
    case 'finished':
      return 'The device has its configuration.';
    case 'pack-sent':
      return 'The device was sent its configuration in one Bootstrap-Pack.';
    case 'finish-refused':
      return sentence(
        `the device finds its configuration inconsistent: it answered Bootstrap-Finish with ${outcome.reason}`,
      );
    case 'operation-refused':
      return sentence(`the device answered ${what(outcome)} with ${outcome.reason}`);
    case 'operation-failed':
      return `The device answered ${what(outcome)} ${FAILURE_WORDS[outcome.reason]}.`;
    case 'timeout':
      return outcome.operation === undefined || outcome.path === undefined
        ? 'It took too long altogether.'
        : `The device did not answer ${what({ operation: outcome.operation, path: outcome.path })}.`;
    case 'connection-closed':
      return 'The DTLS association with the device ended.';
    case 'configuration-unusable':
      return sentence(`the configuration cannot be given to the device: ${outcome.reason}`);
    case 'replaced':
      return 'The device began anew.';
    case 'cancelled':
      return 'It was cancelled.';
    case 'server-closed':
      return 'The server was stopped.';
  }
}
