/** `lapwing ls`, `read`, `write`, `execute`, `discover` and `observe`: a running server from the command line. */
import { isMalformed, parsePath } from '@lapwing/lwm2m';
import type { Command } from 'commander';
import { RequestFailed, RestClient } from './rest-client.ts';
import { type Flags, restCommand, show as showAnswer } from './rest-command.ts';
import type { DefinitionJson, DeviceListJson, DiscoveredJson, ObservedJson, ReadJson } from './rest/schemas.ts';
import type { EntryJson, ScalarJson } from './rest/value-json.ts';
import type { Terminal } from './serve.ts';

export function deviceCommands(program: Command, terminal: Terminal): void {
  const command = (name: string, description: string): Command => restCommand(program, terminal, name, description);
  const show = (flags: Flags, answer: unknown, lines: readonly string[]): void =>
    showAnswer(terminal, flags, answer, lines);

  command('ls', 'list the registered devices').action(async (flags: Flags) => {
    const api = new RestClient(flags.url);
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page: DeviceListJson = await api.call('GET', `/devices?limit=500${query}`);
      show(
        flags,
        page.items,
        page.items.map(({ name, lwm2mVersion, address, security, objectIds }) =>
          [
            name,
            `LwM2M ${lwm2mVersion}`,
            address,
            SECURITY_WORDS[security.kind],
            objectIds.map((id) => `/${id}`).join(' '),
          ].join('  '),
        ),
      );
      cursor = page.nextCursor;
    }
  });

  command('read <device> <path>', 'read, as in: lapwing read demo-light /3311/0/5850').action(
    async (device: string, path: string, flags: Flags) => {
      const answer = await new RestClient(flags.url).call<ReadJson>('GET', below(device, 'nodes', path));
      show(flags, answer, answer.entries.map(entryLine));
    },
  );

  command(
    'write <device> <path> <value>',
    'write a Resource, as in: lapwing write demo-light /3311/0/5850 true',
  ).action(async (device: string, path: string, value: string, flags: Flags) => {
    const api = new RestClient(flags.url);
    const body = { value: await typed(api, device, path, value) };
    const answer = await api.call<{ readonly code: string }>('PUT', below(device, 'nodes', path), body);
    show(flags, answer, [answer.code]);
  });

  command('execute <device> <path> [arguments]', "execute a Resource; arguments are like 0='a',1").action(
    async (device: string, path: string, args: string | undefined, flags: Flags) => {
      const body = args === undefined ? undefined : { arguments: args };
      const api = new RestClient(flags.url);
      const answer = await api.call<{ readonly code: string }>('POST', below(device, 'execute', path), body);
      show(flags, answer, [answer.code]);
    },
  );

  command('discover <device> <path>', 'list what a device has there').action(
    async (device: string, path: string, flags: Flags) => {
      const answer = await new RestClient(flags.url).call<DiscoveredJson>('GET', below(device, 'discover', path));
      const lines = answer.items.map(({ path: node, attributes }) =>
        [node, ...Object.entries(attributes).map(([name, text]) => `${name}=${text}`)].join('  '),
      );
      show(flags, answer, lines);
    },
  );

  command('observe <device> <path>', 'print every value the device reports, until Ctrl+C').action(
    async (device: string, path: string, flags: Flags) => {
      const api = new RestClient(flags.url);
      const observed = await api.call<ObservedJson>('PUT', below(device, 'observations', path));
      show(flags, observed, observed.entries.map(entryLine));
      await follow(api, device, observed.path, terminal, (answer, entries) =>
        show(flags, answer, entries.map(entryLine)),
      );
    },
  );
}

const SECURITY_WORDS = { none: 'not secured', psk: 'PSK', rpk: 'raw public key', x509: 'certificate' } as const;

/** Notifications until a signal; the observation stays, for others may watch it too. */
async function follow(
  api: RestClient,
  device: string,
  path: string,
  terminal: Terminal,
  each: (answer: object, entries: readonly EntryJson[]) => void,
): Promise<void> {
  const ending = new AbortController();
  const end = (): void => ending.abort();
  terminal.once('SIGINT', end);
  terminal.once('SIGTERM', end);
  try {
    const query = `type=notification,observation-ended&device=${encodeURIComponent(device)}`;
    for await (const event of api.events<WatchedEvent>(query, ending.signal)) {
      if (event.path !== path) continue;
      if (event.type === 'observation-ended') throw new RequestFailed(`The observation has ended: ${event.reason}.`);
      each(event, event.entries ?? []);
    }
  } catch (error) {
    if (!ending.signal.aborted) throw error;
  } finally {
    terminal.off('SIGINT', end);
    terminal.off('SIGTERM', end);
  }
}

interface WatchedEvent {
  readonly type: string;
  readonly path?: string;
  readonly entries?: readonly EntryJson[];
  readonly reason?: string;
}

const below = (device: string, what: string, path: string): string =>
  `/devices/${encodeURIComponent(device)}/${what}/${path.replace(/^\//, '')}`;

const entryLine = ({ path, value, kind }: EntryJson): string => `${path}  ${kind ?? String(value ?? '')}`;

/** Text that a person typed, as the JSON the Resource's type asks for. What is unknown or odd is left to the server to judge. */
async function typed(api: RestClient, device: string, pathText: string, text: string): Promise<ScalarJson> {
  const path = parsePath(pathText);
  if (isMalformed(path) || !('resourceId' in path)) return text;
  const known = await api.call<{ readonly items: readonly DefinitionJson[] }>(
    'GET',
    `/devices/${encodeURIComponent(device)}/definitions`,
  );
  const type = known.items
    .find(({ objectId }) => objectId === path.objectId)
    ?.resources.find(({ resourceId }) => resourceId === path.resourceId)?.type;
  if ((type === undefined || type === 'boolean') && (text === 'true' || text === 'false')) return text === 'true';
  const isNumber = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text);
  const exact = Number.isSafeInteger(Number(text)) || text.includes('.');
  return isNumber && exact && (type === undefined || NUMERIC.has(type)) ? Number(text) : text;
}
const NUMERIC: ReadonlySet<string> = new Set(['integer', 'unsigned', 'float', 'time']);
