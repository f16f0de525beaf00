/** `lapwing ls`, `read`, `write`, `create`, `attributes`, `pending` and the others: a running server from the command line. */
import { isMalformed, parsePath } from '@lapwing/lwm2m';
import type { Command } from 'commander';
import { RequestFailed, RestClient } from './rest-client.ts';
import { type Flags, restCommand, show as showAnswer } from './rest-command.ts';
import type { AttributesJson, CompositeJson, PendingListJson } from './rest/operation-schemas.ts';
import type {
  CodeJson,
  CreatedJson,
  DefinitionJson,
  DeviceListJson,
  DiscoveredJson,
  ReadJson,
} from './rest/schemas.ts';
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

  command(
    'read <device> <paths...>',
    'read, as in: lapwing read demo-light /3311/0/5850; several paths are one Read-Composite',
  ).action(async (device: string, paths: readonly string[], flags: Flags) => {
    const api = new RestClient(flags.url);
    const answer =
      paths.length === 1
        ? await api.call<ReadJson>('GET', below(device, 'nodes', paths[0]!))
        : await api.call<CompositeJson>('POST', of(device, 'composite/read'), { paths });
    show(flags, answer, answer.entries.map(entryLine));
  });

  command(
    'write <device> <path> <value>',
    'write a Resource, as in: lapwing write demo-light /3311/0/5850 true',
  ).action(async (device: string, path: string, value: string, flags: Flags) => {
    const api = new RestClient(flags.url);
    const body = { value: await typed(api, device, path, value) };
    const answer = await api.call<{ readonly code: string }>('PUT', below(device, 'nodes', path), body);
    show(flags, answer, [answer.code]);
  });

  command(
    'create <device> <path> [values...]',
    'create an Object Instance, as in: lapwing create lamp /3311 5850=true 5851=30; the device chooses its id unless the path has it',
  ).action(async (device: string, path: string, values: readonly string[], flags: Flags) => {
    const api = new RestClient(flags.url);
    const resources: Record<string, ScalarJson> = {};
    // The type of a Resource is the same in every Object Instance.
    const [, objectId = ''] = /^\/?(\d+)/.exec(path) ?? [];
    for (const { name, text } of values.map(setting))
      resources[name] = await typed(api, device, `/${objectId}/0/${name}`, text);
    const answer = await api.call<CreatedJson>('POST', below(device, 'nodes', path), { resources });
    show(flags, answer, [answer.path]);
  });

  command('delete <device> <path>', 'delete an Object Instance or a Resource Instance').action(
    async (device: string, path: string, flags: Flags) => {
      const answer = await new RestClient(flags.url).call<CodeJson>('DELETE', below(device, 'nodes', path));
      show(flags, answer, [answer.code]);
    },
  );

  command(
    'attributes <device> <path> [settings...]',
    'show the attributes of a path, or set them, as in: pmin=10 gt=25; "gt=" unsets',
  ).action(async (device: string, path: string, settings: readonly string[], flags: Flags) => {
    const api = new RestClient(flags.url);
    if (settings.length > 0) {
      const changes = settings.map(setting).map(({ name, text }) => [name, text === '' ? null : numeric(name, text)]);
      const answer = await api.call<CodeJson>('PUT', below(device, 'attributes', path), Object.fromEntries(changes));
      return show(flags, answer, [answer.code]);
    }
    const answer = await api.call<AttributesJson>('GET', below(device, 'attributes', path));
    const { own, inherited, effective } = answer;
    show(flags, answer, [
      ['own', settingsText(own)].join('  '),
      ...inherited.map((each) => [each.path, settingsText(each.attributes)].join('  ')),
      ['in force', settingsText(effective)].join('  '),
    ]);
  });

  command('pending <device>', 'list what waits for a device, in order')
    .option('--cancel <operation>', 'give this one up')
    .option('--first <operations...>', 'put these first')
    .action(async (device: string, flags: Flags & { readonly cancel?: string; readonly first?: readonly string[] }) => {
      const api = new RestClient(flags.url);
      if (flags.cancel !== undefined)
        await api.call('DELETE', of(device, `pending/${encodeURIComponent(flags.cancel)}`));
      const answer =
        flags.first === undefined
          ? await api.call<PendingListJson>('GET', of(device, 'pending'))
          : await api.call<PendingListJson>('PUT', of(device, 'pending'), { operationIds: flags.first });
      const lines = answer.items.map(({ operationId, state, operation, paths }) =>
        [operationId, state, operation, paths.join(' ')].join('  '),
      );
      show(flags, answer, [...(answer.awake ? [] : ['The device sleeps.']), ...lines]);
    });

  command('execute <device> <path> [arguments]', "execute a Resource; arguments are like 0='a',1").action(
    async (device: string, path: string, args: string | undefined, flags: Flags) => {
      const body = args === undefined ? undefined : { arguments: args };
      const api = new RestClient(flags.url);
      const answer = await api.call<{ readonly code: string }>('POST', below(device, 'execute', path), body);
      show(flags, answer, [answer.code]);
    },
  );

  command('discover <device> <path>', 'list what a device has there')
    .option('--depth <levels>', 'how many levels below the path, 0 to 3 (LwM2M 1.2)')
    .action(async (device: string, path: string, flags: Flags & { readonly depth?: string }) => {
      const query = flags.depth === undefined ? '' : `?depth=${encodeURIComponent(flags.depth)}`;
      const api = new RestClient(flags.url);
      const answer = await api.call<DiscoveredJson>('GET', below(device, 'discover', path) + query);
      const lines = answer.items.map(({ path: node, attributes }) =>
        [node, ...Object.entries(attributes).map(([name, text]) => `${name}=${text}`)].join('  '),
      );
      show(flags, answer, lines);
    });
}

const SECURITY_WORDS = { none: 'not secured', psk: 'PSK', rpk: 'raw public key', x509: 'certificate' } as const;

export const of = (device: string, what: string): string => `/devices/${encodeURIComponent(device)}/${what}`;

/** "5850=true". */
function setting(text: string): { readonly name: string; readonly text: string } {
  const equals = text.indexOf('=');
  if (equals < 1) throw new RequestFailed(`"${text}" is not of the form name=value.`);
  return { name: text.slice(0, equals), text: text.slice(equals + 1) };
}

export function numeric(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new RequestFailed(`${name} takes a number, not "${text}".`);
  return value;
}

function settingsText(attributes: object): string {
  const texts = Object.entries(attributes).map(([name, value]) => `${name}=${value}`);
  return texts.length === 0 ? 'none' : texts.join(' ');
}

export const below = (device: string, what: string, path: string): string =>
  `/devices/${encodeURIComponent(device)}/${what}/${path.replace(/^\//, '')}`;

export const entryLine = ({ path, value, kind }: EntryJson): string => `${path}  ${kind ?? String(value ?? '')}`;

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
