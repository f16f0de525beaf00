/** `lapwing credentials` and `lapwing security`: who may come over coaps, from the command line. */
import type { Command } from 'commander';
import { RequestFailed, RestClient } from './rest-client.ts';
import { type Flags, restCommand, show, textOf } from './rest-command.ts';
import type {
  AddCredentialJson,
  AddedCredentialJson,
  CredentialJson,
  CredentialListJson,
  ImportJson,
  RefusedHandshakeListJson,
  ServerIdentityJson,
  TrustAnchorJson,
} from './rest/security-schemas.ts';
import type { Terminal } from './serve.ts';

interface AddFlags extends Flags {
  readonly identity?: string;
  readonly key?: string;
  readonly publicKey?: string;
  readonly certificate?: string | true;
  readonly replace?: boolean;
}

const KINDS: readonly CredentialJson['kind'][] = ['psk', 'rpk', 'x509'];

export function securityCommands(program: Command, terminal: Terminal): void {
  credentialCommands(program, terminal, '/security/credentials', 'what devices prove themselves with');
  trustCommands(program, terminal);
}

/** @param base  where in the REST API: those of the LwM2M Server or of the Bootstrap-Server. */
export function credentialCommands(parent: Command, terminal: Terminal, base: string, description: string): void {
  const group = parent.command('credentials').description(description);
  const below = (device: string): string => `${base}/${encodeURIComponent(device)}`;

  restCommand(group, terminal, 'ls [search]', 'list them; never a secret').action(
    async (search: string | undefined, flags: Flags) => {
      const api = new RestClient(flags.url);
      let cursor: string | null = '';
      while (cursor !== null) {
        const query = new URLSearchParams({ limit: '500' });
        if (cursor !== '') query.set('cursor', cursor);
        if (search !== undefined) query.set('search', search);
        const page: CredentialListJson = await api.call('GET', `${base}?${query.toString()}`);
        show(terminal, flags, page.items, page.items.map(credentialLine));
        cursor = page.nextCursor;
      }
    },
  );

  restCommand(group, terminal, 'add <device>', 'let a device in, with a pre-shared key unless an option says otherwise')
    .option('--identity <text>', 'of the pre-shared key; text, or 0x and hexadecimal (default: the name of the device)')
    .option('--key <file>', 'pre-shared key in hexadecimal, - for the standard input (default: one is made and shown)')
    .option('--public-key <file>', "the device's public key, PEM")
    .option('--certificate [file]', 'a certificate; with a file (PEM) this one only')
    .option('--replace', 'in place of what the device has of the kind')
    .action(async (device: string, flags: AddFlags) => {
      const body = await newCredential(device, flags, terminal);
      const added = await new RestClient(flags.url).call<AddedCredentialJson>('POST', base, body);
      const lines = [credentialLine(added)];
      // One that was brought along is known.
      if (added.key !== undefined && flags.key === undefined) {
        lines.push(`key  ${added.key}`, 'Keep the key now: it is not shown again.');
      }
      show(terminal, flags, added, lines);
    });

  restCommand(group, terminal, 'rm <device> [kind]', 'shut a device out: psk, rpk, x509 or, without kind, all').action(
    async (device: string, kind: string | undefined, flags: Flags) => {
      const api = new RestClient(flags.url);
      if (kind !== undefined) await api.call('DELETE', `${below(device)}/${encodeURIComponent(kind)}`);
      const removed = kind === undefined ? await removeAll(api, device, below(device)) : [kind];
      const lines = removed.map((each) => `${device}  ${each}  removed`);
      show(terminal, flags, { device, removed }, lines);
    },
  );

  restCommand(group, terminal, 'import <file>', 'let many in: a .csv with a header line, or JSON Lines').action(
    async (file: string, flags: Flags) => {
      const mediaType = /\.csv$/i.test(file) ? 'text/csv' : 'application/x-ndjson';
      const api = new RestClient(flags.url);
      const result = await api.upload<ImportJson>(`${base}/import`, mediaType, await textOf(file, terminal));
      const untold = result.failedTotal - result.failed.length;
      show(terminal, flags, result, [
        ...result.failed.map(({ line, detail }) => `line ${line}: ${detail}`),
        ...(untold === 0 ? [] : [`and ${untold} more`]),
        `${result.added} added, ${result.failedTotal} left out`,
      ]);
      if (result.failedTotal > 0) throw new RequestFailed(`${result.failedTotal} of ${file} were left out.`);
    },
  );
}

function trustCommands(program: Command, terminal: Terminal): void {
  const group = program.command('security').description('who this server is, whom it trusts, whom it refused');

  restCommand(group, terminal, 'identity', 'what this server proves itself with')
    .option('--public-key', 'print the public key in PEM')
    .option('--certificate', 'print the certificate in PEM')
    .action(async (flags: Flags & { readonly publicKey?: boolean; readonly certificate?: boolean }) => {
      const identity = await new RestClient(flags.url).call<ServerIdentityJson>('GET', '/security/identity');
      if (flags.publicKey === true) terminal.stdout.write(identity.publicKey.pem);
      if (flags.certificate === true) terminal.stdout.write(identity.certificate.pem);
      if (flags.publicKey === true || flags.certificate === true) return;
      const { publicKey, certificate } = identity;
      show(terminal, flags, identity, [
        `public key   sha-256 ${publicKey.fingerprint}`,
        `certificate  sha-256 ${certificate.fingerprint}`,
        `             ${certificate.subject}, until ${certificate.validTo.slice(0, 10)}, for ${certificate.names.join(', ')}`,
      ]);
    });

  restCommand(group, terminal, 'refusals', 'the handshakes refused last, newest first').action(async (flags: Flags) => {
    const list = await new RestClient(flags.url).call<RefusedHandshakeListJson>('GET', '/security/refusals');
    const lines = list.items.map(({ lastAt, address, claimedIdentity, count, text }) =>
      [lastAt, address, claimedIdentity ?? '-', `×${count}`, text].join('  '),
    );
    show(terminal, flags, list, lines);
  });

  restCommand(group, terminal, 'anchors', 'the certificates that those of devices may lead up to').action(
    async (flags: Flags) => {
      const { items } = await new RestClient(flags.url).call<{ readonly items: readonly TrustAnchorJson[] }>(
        'GET',
        '/security/trust-anchors',
      );
      show(terminal, flags, items, items.map(anchorLine));
    },
  );

  restCommand(group, terminal, 'trust <file>', 'trust one more certificate, PEM').action(
    async (file: string, flags: Flags) => {
      const body = { certificate: await textOf(file, terminal) };
      const anchor = await new RestClient(flags.url).call<TrustAnchorJson>('POST', '/security/trust-anchors', body);
      show(terminal, flags, anchor, [anchorLine(anchor)]);
    },
  );

  restCommand(group, terminal, 'distrust <id>', 'trust a certificate no longer, by what "anchors" lists').action(
    async (id: string, flags: Flags) => {
      await new RestClient(flags.url).call('DELETE', `/security/trust-anchors/${encodeURIComponent(id)}`);
      show(terminal, flags, { id }, [`${id}  is trusted no longer`]);
    },
  );
}

async function newCredential(device: string, flags: AddFlags, terminal: Terminal): Promise<AddCredentialJson> {
  const { identity, key, publicKey, certificate, replace } = flags;
  if (publicKey !== undefined && certificate !== undefined) {
    throw new RequestFailed('Name one of --public-key and --certificate.');
  }
  const common = { device, ...(replace === true ? { replace } : {}) };
  if (publicKey !== undefined) return { ...common, kind: 'rpk', publicKey: await textOf(publicKey, terminal) };
  if (certificate === true) return { ...common, kind: 'x509' };
  if (certificate !== undefined) return { ...common, kind: 'x509', certificate: await textOf(certificate, terminal) };
  return {
    ...common,
    kind: 'psk',
    ...(identity === undefined ? {} : { identity }),
    ...(key === undefined ? {} : { key: (await textOf(key, terminal)).trim() }),
  };
}

/** Which kinds the device had; what it has not is no failure unless it has nothing. */
async function removeAll(api: RestClient, device: string, url: string): Promise<readonly string[]> {
  const removed: string[] = [];
  let missing: unknown;
  for (const kind of KINDS) {
    try {
      await api.call('DELETE', `${url}/${kind}`);
      removed.push(kind);
    } catch (error) {
      if (!(error instanceof RequestFailed) || error.status !== 404) throw error;
      missing = error;
    }
  }
  if (removed.length === 0) throw new RequestFailed(`The device "${device}" has no credential.`, { cause: missing });
  return removed;
}

const credentialLine = ({ device, kind, identity }: CredentialJson): string =>
  [device, kind, identity ?? 'any certificate that names it'].join('  ');

const anchorLine = ({ id, subject, validTo }: TrustAnchorJson): string =>
  [id, subject, `until ${validTo.slice(0, 10)}`].join('  ');
