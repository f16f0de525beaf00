/** `lapwing observe` and `lapwing sends`: what a device reports, until Ctrl+C. */
import type { Command } from 'commander';
import type { NotificationAttributes } from '@lapwing/lwm2m';
import { below, entryLine, numeric, of } from './device-commands.ts';
import { RequestFailed, RestClient } from './rest-client.ts';
import { type Flags, restCommand, show as showAnswer } from './rest-command.ts';
import { sameAttributes } from './rest/observing.ts';
import type { ObservedCompositeJson } from './rest/operation-schemas.ts';
import type { ObservedJson } from './rest/schemas.ts';
import type { SentValueListJson } from './rest/sends.ts';
import type { EntryJson } from './rest/value-json.ts';
import type { Terminal } from './serve.ts';

/** For one observation. OMA TS Core 1.2 §7.3. */
const ATTRIBUTE_FLAGS: Readonly<Record<keyof NotificationAttributes, string>> = {
  pmin: 'seconds between two notifications at least',
  pmax: 'seconds between two notifications at most',
  gt: 'notify when the value crosses this one upwards, or downwards',
  lt: 'as gt, for a lower value',
  st: 'notify when the value has changed by this much',
  epmin: 'seconds between two measurements at least',
  epmax: 'seconds between two measurements at most',
  edge: '1: notify when it becomes true, 0: when it becomes false',
  con: '1: notifications are Confirmable, 0: they are not',
  hqmax: 'notifications kept while the server cannot be reached',
};
const NAMES = Object.keys(ATTRIBUTE_FLAGS) as (keyof NotificationAttributes)[];

type ObserveFlags = Flags & { readonly [name in keyof NotificationAttributes]?: string };
interface SendsFlags extends Flags {
  readonly limit: string;
  readonly follow?: boolean;
}

export function watchCommands(program: Command, terminal: Terminal): void {
  const show = (flags: Flags, answer: unknown, lines: readonly string[]): void =>
    showAnswer(terminal, flags, answer, lines);

  const observe = restCommand(
    program,
    terminal,
    'observe <device> <paths...>',
    'print every value the device reports, until Ctrl+C; several paths are one Observe-Composite',
  );
  for (const name of NAMES) observe.option(`--${name} <number>`, `${ATTRIBUTE_FLAGS[name]} (LwM2M 1.2)`);
  observe.action(async (device: string, paths: readonly string[], flags: ObserveFlags) => {
    const api = new RestClient(flags.url);
    const attributes = attributesOf(flags);
    const body = attributes === undefined ? {} : { attributes };
    const observed =
      paths.length === 1
        ? await api.call<ObservedJson>('PUT', below(device, 'observations', paths[0]!), attributes && body)
        : await api.call<ObservedCompositeJson>('POST', of(device, 'composite/observe'), { paths, ...body });
    show(flags, observed, observed.entries.map(entryLine));
    const what = 'path' in observed ? observed.path : observed.paths.join();
    const query = `type=notification,observation-ended&device=${encodeURIComponent(device)}`;
    await follow<ObservationEvent>(api, query, terminal, (event) => {
      if ((event.paths?.join() ?? event.path) !== what || !sameAttributes(event.attributes, attributes)) return;
      if (event.type === 'observation-ended') throw new RequestFailed(`The observation has ended: ${event.reason}.`);
      show(flags, event, (event.entries ?? []).map(entryLine));
    });
  });

  restCommand(program, terminal, 'sends <device>', 'print what the device sent by itself, the newest last')
    .option('--limit <number>', 'values of the past, 0 to 1000', '20')
    .option('--follow', 'go on with what it sends from now on, until Ctrl+C')
    .action(async (device: string, flags: SendsFlags) => {
      const api = new RestClient(flags.url);
      const limit = numeric('--limit', flags.limit);
      if (limit > 0) {
        const query = new URLSearchParams({ limit: String(limit) });
        const answer = await api.call<SentValueListJson>('GET', `${of(device, 'sends')}?${query.toString()}`);
        show(
          flags,
          answer,
          answer.items.toReversed().map((sent) => sentLine(sent, sent.receivedAt)),
        );
      }
      if (flags.follow !== true) return;
      await follow<SentEvent>(api, `type=sent&device=${encodeURIComponent(device)}`, terminal, (event) =>
        show(
          flags,
          event,
          (event.entries ?? []).map((entry) => sentLine(entry, event.time)),
        ),
      );
    });
}

/** Undefined when none is given: the device then goes by those that are attached. */
function attributesOf(flags: ObserveFlags): NotificationAttributes | undefined {
  const given = NAMES.flatMap((name) => {
    const text = flags[name];
    return text === undefined ? [] : [[name, numeric(`--${name}`, text)] as const];
  });
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

/** Events until a signal; what is observed stays so, for others may watch it too. */
async function follow<Event>(
  api: RestClient,
  query: string,
  terminal: Terminal,
  each: (event: Event) => void,
): Promise<void> {
  const ending = new AbortController();
  const end = (): void => ending.abort();
  terminal.once('SIGINT', end);
  terminal.once('SIGTERM', end);
  try {
    for await (const event of api.events<Event>(query, ending.signal)) each(event);
  } catch (error) {
    if (!ending.signal.aborted) throw error;
  } finally {
    terminal.off('SIGINT', end);
    terminal.off('SIGTERM', end);
  }
}

interface ObservationEvent {
  readonly type: string;
  readonly path: string;
  /** Of an Observe-Composite. */
  readonly paths?: readonly string[];
  readonly attributes?: NotificationAttributes;
  readonly entries?: readonly EntryJson[];
  readonly reason?: string;
}

interface SentEvent {
  readonly time: string;
  readonly entries?: readonly EntryJson[];
}

/** @param receivedAt  where the device gives no time. */
const sentLine = (entry: EntryJson, receivedAt: string): string =>
  `${entry.timestamp ?? receivedAt}  ${entryLine(entry)}`;
