/** Configurations, operations and sessions in words. */
import type {
  BootstrapConfiguration,
  BootstrapOperation,
  BootstrapOutcome,
  BootstrapStage,
  SessionSummary,
} from '../api/bootstrap-shapes.ts';

/** The CoAP method and what the operation is called. OMA TS Core §6.1.7. */
export const OPERATION_WORDS: Readonly<
  Record<BootstrapOperation, { readonly method: string; readonly name: string; readonly byDevice: boolean }>
> = {
  request: { method: 'POST', name: 'Bootstrap-Request', byDevice: true },
  pack: { method: 'GET', name: 'Bootstrap-Pack-Request', byDevice: true },
  discover: { method: 'GET', name: 'Bootstrap-Discover', byDevice: false },
  read: { method: 'GET', name: 'Bootstrap-Read', byDevice: false },
  delete: { method: 'DELETE', name: 'Bootstrap-Delete', byDevice: false },
  write: { method: 'PUT', name: 'Bootstrap-Write', byDevice: false },
  finish: { method: 'POST', name: 'Bootstrap-Finish', byDevice: false },
};

export interface ContentFormatWords {
  readonly number: number;
  readonly name: string;
}

/** In which an Object Instance can be written. */
export const WRITE_FORMATS: readonly ContentFormatWords[] = [
  { number: 112, name: 'SenML CBOR' },
  { number: 110, name: 'SenML JSON' },
  { number: 11542, name: 'TLV' },
  { number: 11543, name: 'JSON of LwM2M 1.0' },
  { number: 11544, name: 'LwM2M CBOR' },
];
/** In which a Bootstrap-Pack is given. OMA TS Core 1.2 §6.1.7.7. */
export const PACK_FORMATS: readonly ContentFormatWords[] = WRITE_FORMATS.filter(({ number }) =>
  [112, 110, 11544].includes(number),
);

const OTHER_FORMATS: readonly ContentFormatWords[] = [
  { number: 0, name: 'text' },
  { number: 40, name: 'link format' },
  { number: 42, name: 'octets' },
  { number: 60, name: 'CBOR' },
];

export const formatWords = (contentFormat: number): string =>
  [...WRITE_FORMATS, ...OTHER_FORMATS].find(({ number }) => number === contentFormat)?.name ??
  `Content-Format ${contentFormat}`;

const many = (count: number, one: string, more: string): string => (count === 1 ? `1 ${one}` : `${count} ${more}`);

/** "2 servers, Bootstrap-Server account, 3 objects": what a device is given. */
export const configurationWords = ({
  servers = [],
  bootstrapServers = [],
  accessControl = [],
  objects = [],
}: BootstrapConfiguration): string => {
  const parts = [
    servers.length === 0 ? '' : many(servers.length, 'server', 'servers'),
    bootstrapServers.length === 0
      ? ''
      : many(bootstrapServers.length, 'Bootstrap-Server account', 'Bootstrap-Server accounts'),
    accessControl.length === 0 ? '' : many(accessControl.length, 'access right', 'access rights'),
    objects.length === 0 ? '' : many(objects.length, 'other write', 'other writes'),
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'nothing is written' : parts.join(', ');
};

const STAGE_WORDS: Readonly<Record<BootstrapStage, string>> = {
  discovering: 'Asking the device what it has',
  configuring: 'Writing the configuration',
  storing: 'Making its new credentials known to the server',
  finishing: 'Telling the device that it is over',
  ended: 'Ended',
};

export type OutcomeMood = 'good' | 'bad' | 'neutral';

const MOODS: Readonly<Partial<Record<BootstrapOutcome['kind'], OutcomeMood>>> = {
  finished: 'good',
  'pack-sent': 'good',
  replaced: 'neutral',
  cancelled: 'neutral',
  'server-closed': 'neutral',
};

export const outcomeMood = ({ kind }: BootstrapOutcome): OutcomeMood => MOODS[kind] ?? 'bad';

const OUTCOME_LABELS: Readonly<Record<BootstrapOutcome['kind'], string>> = {
  finished: 'Bootstrapped',
  'pack-sent': 'Pack given',
  'finish-refused': 'Finish refused',
  'operation-refused': 'Refused',
  'operation-failed': 'Failed',
  timeout: 'No answer',
  'connection-closed': 'Connection closed',
  'configuration-unusable': 'Configuration unusable',
  replaced: 'Began anew',
  cancelled: 'Cancelled',
  'server-closed': 'Server stopped',
};

const outcomeLabel = ({ kind }: BootstrapOutcome): string => OUTCOME_LABELS[kind];

/** What goes on, or how it ended, in a few words. */
export const stateLabel = ({ outcome, stage }: Pick<SessionSummary, 'outcome' | 'stage'>): string =>
  outcome === null ? STAGE_WORDS[stage] : outcomeLabel(outcome);

export const ORIGIN_WORDS: Readonly<Record<SessionSummary['origin'], string>> = {
  request: 'the device asked',
  pack: 'the device asked for a pack',
  server: 'begun here',
};

const NO_ANSWER_WORDS: ReadonlyMap<string, string> = new Map([
  ['timeout', 'no answer'],
  ['reset', 'rejected with Reset'],
  ['bad-response', 'unreadable answer'],
  ['body-too-large', 'answer too large'],
  ['peer-closed', 'connection closed'],
  ['cancelled', 'given up'],
]);

/** "2.04", or why there is no code. */
export const resultWords = (result: string): string => NO_ANSWER_WORDS.get(result) ?? result;

export const isGoodResult = (result: string): boolean => result.startsWith('2.');

/** "0.4 ms", "41 ms", "2.3 s". @param duration ms. */
export const durationWords = (duration: number): string => {
  if (duration < 10) return `${Number(duration.toFixed(1))} ms`;
  return duration < 1000 ? `${Math.round(duration)} ms` : `${Number((duration / 1000).toFixed(1))} s`;
};
