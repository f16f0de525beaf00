/** `lapwing bootstrap`: what devices are given at a Bootstrap, and how it went, from the command line. */
import type { Command } from 'commander';
import { numeric } from './device-commands.ts';
import { RequestFailed, RestClient } from './rest-client.ts';
import { type Flags, restCommand, show, textOf } from './rest-command.ts';
import type { AccountSecurityJson, ConfigurationJson } from './rest/bootstrap-configuration-schema.ts';
import type {
  BootstrapInfoJson,
  BootstrapRefusalsJson,
  BootstrapTriggeredJson,
  ConfigurationListJson,
  DefaultConfigurationJson,
  DeviceConfigurationJson,
  PreviewJson,
  SessionJson,
  SessionListJson,
  SessionSummaryJson,
} from './rest/bootstrap-schemas.ts';
import { credentialCommands } from './security-commands.ts';
import type { Terminal } from './serve.ts';

interface DefaultFlags extends Flags {
  readonly default?: boolean;
}

interface SetFlags extends DefaultFlags {
  readonly thisServer?: boolean;
  readonly server?: string;
  readonly none?: boolean;
  readonly psk?: string;
  readonly rpk?: boolean;
  readonly x509?: boolean;
  readonly identity?: string;
  readonly shortServerId?: string;
  readonly lifetime?: string;
  readonly secureOnly?: boolean;
}

export function bootstrapCommands(program: Command, terminal: Terminal): void {
  const group = program.command('bootstrap').description('what devices are given at a Bootstrap, and how it went');
  configurationCommands(group, terminal);
  sessionCommands(group, terminal);
  credentialCommands(
    group,
    terminal,
    '/bootstrap/credentials',
    'what devices prove themselves with to the Bootstrap-Server',
  );
}

function configurationCommands(group: Command, terminal: Terminal): void {
  restCommand(
    group,
    terminal,
    'set [device] [file]',
    'give a device this at its next Bootstrap, as in: lapwing bootstrap set dev1 --this-server --psk generate; without options a configuration in JSON from a file, or - for the standard input',
  )
    .option('--default', 'give it to every device that has no configuration of its own')
    .option('--this-server', 'an account with this server, wherever the device reaches it')
    .option('--server <uri>', 'an account with this LwM2M Server, as in coaps://lwm2m.example:5684')
    .option('--psk <key>', '"generate", or a file with the pre-shared key in hexadecimal, - for the standard input')
    .option('--identity <text>', 'of the pre-shared key (default: the name of the device)')
    .option('--rpk', 'generate a raw public key')
    .option('--x509', 'generate a certificate')
    .option('--none', 'without security')
    .option('--short-server-id <number>', 'of the account (default: 1)')
    .option('--lifetime <seconds>', 'of its registration (default: 86400)')
    .option('--secure-only', 'give it only to a device that comes over coaps')
    .action(async (device: string | undefined, file: string | undefined, flags: SetFlags) => {
      const isDefault = flags.default === true;
      // With --default the file is the first.
      const name = isDefault ? undefined : device;
      const body = await configurationOf(name, isDefault ? (device ?? file) : file, flags, terminal);
      const answer = await new RestClient(flags.url).call<DeviceConfigurationJson | DefaultConfigurationJson>(
        'PUT',
        placeOf(name, flags),
        body,
      );
      show(terminal, flags, answer, [configurationLine(name ?? DEFAULT, answer.configuration ?? {})]);
    });

  restCommand(group, terminal, 'get [device]', 'print a configuration, without its secrets')
    .option('--default', 'that of devices that have none of their own')
    .action(async (device: string | undefined, flags: DefaultFlags) => {
      const answer = await new RestClient(flags.url).call<DeviceConfigurationJson | DefaultConfigurationJson>(
        'GET',
        placeOf(device, flags),
      );
      const { configuration } = answer;
      const text = configuration === null ? 'Devices without a configuration are refused.' : pretty(configuration);
      show(terminal, flags, answer, [text]);
    });

  restCommand(group, terminal, 'delete [device]', 'give a device nothing of its own any more')
    .option('--default', 'refuse devices that have no configuration of their own')
    .action(async (device: string | undefined, flags: DefaultFlags) => {
      await new RestClient(flags.url).call('DELETE', placeOf(device, flags));
      const name = flags.default === true ? DEFAULT : device!;
      show(terminal, flags, { device: flags.default === true ? null : name, removed: true }, [`${name}  removed`]);
    });

  restCommand(group, terminal, 'list [search]', 'list the configurations, without their secrets')
    .alias('ls')
    .action(async (search: string | undefined, flags: Flags) => {
      const api = new RestClient(flags.url);
      let cursor: string | null = '';
      while (cursor !== null) {
        const query = new URLSearchParams({ limit: '500' });
        if (cursor !== '') query.set('cursor', cursor);
        if (search !== undefined) query.set('search', search);
        const page: ConfigurationListJson = await api.call('GET', `/bootstrap/configurations?${query.toString()}`);
        const lines = page.items.map(({ device, configuration }) => configurationLine(device, configuration));
        show(terminal, flags, page.items, lines);
        cursor = page.nextCursor;
      }
    });

  restCommand(
    group,
    terminal,
    'preview <device> [file]',
    'what a device would be asked, in order; with a file (JSON) if it had that configuration',
  )
    .option('--discovered <links>', 'what it answers to Bootstrap-Discover, as in "</>;lwm2m=1.1,</0/0>"')
    .option('--content-format <number>', 'the Content-Format that it prefers')
    .option('--pack <number>', 'as a Bootstrap-Pack in this Content-Format, as in 112')
    .action(
      async (
        device: string,
        file: string | undefined,
        flags: Flags & { readonly discovered?: string; readonly contentFormat?: string; readonly pack?: string },
      ) => {
        const query = new URLSearchParams();
        if (flags.discovered !== undefined) query.set('discovered', flags.discovered);
        if (flags.contentFormat !== undefined) query.set('contentFormat', flags.contentFormat);
        if (flags.pack !== undefined) query.set('pack', flags.pack);
        const url = `/bootstrap/configurations/${encodeURIComponent(device)}/preview?${query.toString()}`;
        const body = file === undefined ? undefined : jsonOf(file, await textOf(file, terminal));
        const answer = await new RestClient(flags.url).call<PreviewJson>(
          body === undefined ? 'GET' : 'POST',
          url,
          body,
        );
        const lines = answer.operations.flatMap(({ operation, path, contentFormat, bytes, values }) => [
          [operation, path, ...(contentFormat === null ? [] : [`format ${contentFormat}`, `${bytes} bytes`])].join(
            '  ',
          ),
          ...values.map(({ path: at, value, hidden }) => `  ${at}  ${hidden ?? String(value ?? '')}`),
        ]);
        show(terminal, flags, answer, lines);
      },
    );
}

function sessionCommands(group: Command, terminal: Terminal): void {
  restCommand(group, terminal, 'sessions [device]', 'the sessions that run, then those that have ended, newest first')
    .option('--running', 'only those that run')
    .option('--limit <number>', 'at most this many, up to 1000 (default: 50)')
    .action(
      async (device: string | undefined, flags: Flags & { readonly running?: boolean; readonly limit?: string }) => {
        const query = new URLSearchParams();
        if (device !== undefined) query.set('device', device);
        if (flags.running === true) query.set('running', 'true');
        if (flags.limit !== undefined) query.set('limit', flags.limit);
        const answer = await new RestClient(flags.url).call<SessionListJson>(
          'GET',
          `/bootstrap/sessions?${query.toString()}`,
        );
        show(terminal, flags, answer, answer.items.map(sessionLine));
      },
    );

  restCommand(group, terminal, 'session <id>', 'one session with its timeline')
    .option('--cancel', 'end it')
    .action(async (id: string, flags: Flags & { readonly cancel?: boolean }) => {
      const api = new RestClient(flags.url);
      const url = `/bootstrap/sessions/${encodeURIComponent(id)}`;
      if (flags.cancel === true) await api.call('DELETE', url);
      const answer = await api.call<SessionJson>('GET', url);
      show(terminal, flags, answer, [
        sessionLine(answer),
        ...answer.timeline.map(({ at, operation, path, result, bytes, duration, diagnostic }) =>
          [
            `  ${at}`,
            operation,
            path,
            result,
            `${bytes} bytes`,
            `${Math.round(duration)} ms`,
            ...(diagnostic === null ? [] : [diagnostic]),
          ].join('  '),
        ),
        ...(answer.timelineOmitted === 0 ? [] : [`  and ${answer.timelineOmitted} more`]),
      ]);
    });

  restCommand(group, terminal, 'refusals', 'the requests and handshakes refused last, newest first').action(
    async (flags: Flags) => {
      const answer = await new RestClient(flags.url).call<BootstrapRefusalsJson>('GET', '/bootstrap/refusals');
      const { requests, handshakes } = answer;
      show(terminal, flags, answer, [
        ...requests.items.map(({ at, address, device, code, reason }) =>
          [at, address, device ?? '-', code, reason].join('  '),
        ),
        ...handshakes.items.map(({ lastAt, address, claimedIdentity, count, text }) =>
          [lastAt, address, claimedIdentity ?? '-', `×${count}`, text].join('  '),
        ),
      ]);
    },
  );

  restCommand(group, terminal, 'now <device>', 'have a registered device bootstrap now').action(
    async (device: string, flags: Flags) => {
      const answer = await new RestClient(flags.url).call<BootstrapTriggeredJson>(
        'POST',
        `/devices/${encodeURIComponent(device)}/bootstrap`,
      );
      show(terminal, flags, answer, [`${answer.path}  ${answer.code}`]);
    },
  );

  restCommand(group, terminal, 'info', 'where the Bootstrap-Server listens, and what it tells devices').action(
    async (flags: Flags) => {
      const answer = await new RestClient(flags.url).call<BootstrapInfoJson>('GET', '/bootstrap');
      const { endpoints, thisServer, thisBootstrapServer } = answer;
      const uris = ({ coap, coaps }: BootstrapInfoJson['thisServer']): string =>
        [coap, coaps].filter((uri) => uri !== null).join(', ') || 'none';
      show(terminal, flags, answer, [
        `listens               ${endpoints.map(({ url }) => url).join(', ') || 'nowhere'}`,
        `this server           ${uris(thisServer)}`,
        `this Bootstrap-Server ${uris(thisBootstrapServer)}`,
      ]);
    },
  );
}

const DEFAULT = '(default)';

function placeOf(device: string | undefined, flags: DefaultFlags): string {
  if (flags.default === true) return '/bootstrap/default';
  if (device === undefined) throw new RequestFailed('Name a device, or say --default.');
  return `/bootstrap/configurations/${encodeURIComponent(device)}`;
}

/** From the options, or from the file. */
async function configurationOf(
  device: string | undefined,
  file: string | undefined,
  flags: SetFlags,
  terminal: Terminal,
): Promise<unknown> {
  const { thisServer, server, none, psk, rpk, x509, identity, shortServerId = '1', lifetime, secureOnly } = flags;
  const modes = [none === true, psk !== undefined, rpk === true, x509 === true].filter(Boolean).length;
  const account = thisServer === true || server !== undefined;
  if (file !== undefined) {
    if (account || modes > 0) throw new RequestFailed('Give a file, or the options of an account.');
    const json = jsonOf(file, await textOf(file, terminal));
    return secureOnly === true ? { ...json, secureOnly } : json;
  }
  if (!account || (thisServer === true && server !== undefined))
    throw new RequestFailed('Name one of --this-server, --server and a file.');
  if (modes !== 1) throw new RequestFailed('Name one of --psk, --rpk, --x509 and --none.');
  const security: AccountSecurityJson =
    psk === undefined
      ? none === true
        ? { mode: 'none' }
        : { mode: rpk === true ? 'rpk' : 'x509', generate: true }
      : await pskOf(device, psk, identity, terminal);
  const configuration: ConfigurationJson = {
    servers: [
      {
        shortServerId: numeric('--short-server-id', shortServerId),
        ...(server === undefined ? {} : { uri: server }),
        security,
        ...(lifetime === undefined ? {} : { lifetimeSeconds: numeric('--lifetime', lifetime) }),
      },
    ],
    ...(secureOnly === true ? { secureOnly } : {}),
  };
  return configuration;
}

async function pskOf(
  device: string | undefined,
  psk: string,
  identity: string | undefined,
  terminal: Terminal,
): Promise<AccountSecurityJson> {
  const own = identity === undefined ? {} : { identity };
  if (psk === 'generate') return { mode: 'psk', generate: true, ...own };
  if (device === undefined && identity === undefined)
    throw new RequestFailed('One key for every device needs an --identity.');
  const hex = (await textOf(psk, terminal)).replaceAll(/[\s:]/g, '');
  return { mode: 'psk', identity: device!, ...own, key: { hex } };
}

function jsonOf(file: string, text: string): object {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's own message would quote what stands there, and that may be a key.
    throw new RequestFailed(`${file} holds no JSON.`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new RequestFailed(`${file} holds no JSON object.`);
  return json;
}

const pretty = (configuration: ConfigurationJson): string => JSON.stringify(configuration, null, 2);

const configurationLine = (device: string, { servers = [] }: ConfigurationJson): string =>
  [
    device,
    ...servers.map(({ shortServerId, uri = 'this server', security: { mode, generate } }) =>
      [String(shortServerId), uri, mode, ...(generate === true ? ['generated'] : [])].join(' '),
    ),
  ].join('  ');

const sessionLine = ({ sessionId, device, startedAt, address, stage, progress, outcome }: SessionSummaryJson): string =>
  [
    sessionId,
    device,
    startedAt,
    address,
    ...(outcome === null ? [`${stage} ${progress.answered}/${progress.planned}`] : [outcome.kind, outcome.text]),
  ].join('  ');
