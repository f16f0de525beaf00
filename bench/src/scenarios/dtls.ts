/**
 * DTLS: CPU per handshake of each kind, per GET over an open association, and memory per idle association. The client is
 * OpenSSL, in C; the peer is libcoap's server over OpenSSL.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dtlsLoad, load, prepareDtlsGenerator, whileIdle, type DtlsLoadResult } from '../generator.ts';
import { rawPublicKeyLoad } from '../raw-public-key-load.ts';
import { figure, skipped, verdict, type Scenario, type Table } from '../scenario.ts';
import { programPath, startDtlsProgram, startNodeServer, type ServerProcess } from '../server-process.ts';
import { Samples } from '../statistics.ts';

const TITLE = 'DTLS 1.2';
const KEY = '000102030405060708090a0b0c0d0e0f';
/** libcoap takes its key as text. */
const TEXT_KEY = 'sixteen-byte-key';
const ASSOCIATIONS = 10_000;

interface Kind {
  readonly name: string;
  readonly suite: string;
  readonly wanted: number | undefined;
  readonly certificates: 'none' | 'server' | 'mutual';
}

const PSK: Kind = { name: 'PSK, AES_128_CCM_8', suite: 'PSK-AES128-CCM8', wanted: 250, certificates: 'none' };

const KINDS: readonly Kind[] = [
  PSK,
  { name: 'PSK, AES_128_GCM', suite: 'PSK-AES128-GCM-SHA256', wanted: undefined, certificates: 'none' },
  {
    name: 'ECDHE-ECDSA, server authenticated, CCM_8',
    suite: 'ECDHE-ECDSA-AES128-CCM8',
    wanted: undefined,
    certificates: 'server',
  },
  {
    name: 'ECDHE-ECDSA, mutual X.509, CCM_8',
    suite: 'ECDHE-ECDSA-AES128-CCM8',
    wanted: undefined,
    certificates: 'mutual',
  },
];

interface Files {
  readonly ca: string;
  readonly server: string;
  readonly serverKey: string;
  readonly client: string;
  readonly clientKey: string;
}

export const dtls: Scenario = {
  name: 'dtls',
  description: 'handshakes (PSK, ECDHE-ECDSA, mutual), GET over coaps, idle associations, beside libcoap over OpenSSL',
  run: async ({ quick, progress }) => {
    const noGenerator = prepareDtlsGenerator();
    if (noGenerator !== undefined) return skipped(TITLE, noGenerator);
    if (programPath('openssl') === undefined) return skipped(TITLE, 'no openssl to make certificates with');
    const folder = mkdtempSync(join(tmpdir(), 'lapwing-bench-'));
    try {
      const files = makeCertificates(folder);
      const handshakes = await measureHandshakes(files, quick, progress);
      const requests = await measureRequests(files, quick, progress);
      const idle = await measureIdle(files, quick ? 500 : ASSOCIATIONS, progress);
      return {
        tables: [handshakes.table, requests.table, idle.table],
        data: { handshakes: handshakes.data, requests: requests.data, idle: idle.data },
      };
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

interface Measured {
  readonly table: Table;
  readonly data: unknown;
}

const ours = (files: Files, ...options: readonly string[]): Promise<ServerProcess> =>
  startNodeServer('lapwing-get-coaps', KEY, files.ca, files.server, files.serverKey, ...options);

function libcoap(files: Files, kind: Kind): Promise<ServerProcess> | undefined {
  const program = programPath('coap-server-openssl');
  if (program === undefined) return undefined;
  const credentials = {
    none: ['-k', TEXT_KEY, '-h', ''],
    // -n: the client is not asked for a certificate.
    server: ['-c', files.server, '-j', files.serverKey, '-n'],
    mutual: ['-c', files.server, '-j', files.serverKey, '-C', files.ca],
  }[kind.certificates];
  return startDtlsProgram(
    program,
    (port) => ['-A', '127.0.0.1', '-p', String(port), ...credentials],
    clientArguments(kind, files, 'libcoap'),
  );
}

const keyArguments = (server: 'ours' | 'libcoap'): readonly string[] => [
  '-k',
  server === 'ours' ? KEY : Buffer.from(TEXT_KEY).toString('hex'),
];

function clientArguments(kind: Kind, files: Files, server: 'ours' | 'libcoap'): readonly string[] {
  const suite = ['-C', kind.suite];
  switch (kind.certificates) {
    case 'none':
      return [...suite, ...keyArguments(server)];
    case 'server':
      return [...suite, '-A', files.ca];
    case 'mutual':
      return [...suite, '-A', files.ca, '-X', files.client, '-K', files.clientKey];
  }
}

async function measureHandshakes(files: Files, quick: boolean, progress: (what: string) => void): Promise<Measured> {
  const rounds = quick ? 1 : 3;
  const cpu = new Samples();
  const rate = new Samples();
  const notes = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    for (const kind of KINDS) {
      for (const name of ['ours', 'libcoap'] as const) {
        const starting =
          name === 'ours' ? ours(files, kind.certificates === 'server' ? 'any' : 'mutual') : libcoap(files, kind);
        if (starting === undefined) {
          notes.add('no coap-server-openssl here (Debian package libcoap3-bin): its rows are left out');
          continue;
        }
        await using server = await starting;
        progress(`dtls: round ${round + 1} of ${rounds}, ${kind.name}, ${name}`);
        const arguments_ = ['-c', '16', '-d', quick ? '0.5' : '2', '-W', quick ? '0.3' : '1.5'];
        const result = await dtlsLoad([...arguments_, ...clientArguments(kind, files, name)], server);
        const problem = flaw(result);
        if (problem !== undefined) notes.add(`${name}, ${kind.name}: ${problem}`);
        cpu.add(`${name}, ${kind.name}`, result.server.cpu_us);
        rate.add(`${name}, ${kind.name}`, result.handshakes.rate);
      }
    }
    await using server = await ours(files, 'mutual');
    progress(`dtls: round ${round + 1} of ${rounds}, mutual raw public keys`);
    const { cpuMicroseconds, perSecond } = await rawPublicKeyLoad(server, files.serverKey, quick ? 0.5 : 2);
    cpu.add(`ours, ${RAW_PUBLIC_KEYS}`, cpuMicroseconds);
    rate.add(`ours, ${RAW_PUBLIC_KEYS}`, perSecond);
  }
  const kinds = [...KINDS, { name: RAW_PUBLIC_KEYS, wanted: 1_100 }];
  const rows = kinds.flatMap(({ name, wanted }) =>
    (['ours', 'libcoap'] as const).flatMap((server) => {
      const key = `${server}, ${name}`;
      const value = cpu.median(key);
      if (value === undefined) return [];
      const [low, high] = cpu.spread(key)!;
      const compared =
        server === 'libcoap'
          ? `${figure(value / cpu.median(`ours, ${name}`)!, 2)}× ours`
          : wanted === undefined
            ? ''
            : verdict(value, wanted);
      return [
        [name, server, figure(value, 0), `${figure(low, 0)}–${figure(high, 0)}`, compared, figure(rate.median(key), 0)],
      ];
    }),
  );
  return {
    table: {
      title: `DTLS handshakes, 16 at once, with a cookie exchange each: median of ${rounds} interleaved rounds`,
      columns: ['handshake', 'server', 'CPU µs', 'range', 'compared', 'per second'],
      rows,
      notes: [
        ...notes,
        'the client is OpenSSL in C, with raw public keys our own; libcoap over OpenSSL takes no raw public keys',
      ],
    },
    data: { cpuMicroseconds: cpu, perSecond: rate },
  };
}

const RAW_PUBLIC_KEYS = 'ECDHE-ECDSA, mutual raw public keys, CCM_8';

async function measureRequests(files: Files, quick: boolean, progress: (what: string) => void): Promise<Measured> {
  const rounds = quick ? 1 : 3;
  const seconds = quick ? '0.5' : '2';
  const warmUp = quick ? '0.5' : '2';
  const cpu = new Samples();
  const rate = new Samples();
  const notes = new Set<string>();
  const take = (key: string, result: DtlsLoadResult): void => {
    const problem = flaw(result);
    if (problem !== undefined) notes.add(`${key}: ${problem}`);
    cpu.add(key, result.server.cpu_us);
    rate.add(key, result.requests.rate);
  };
  const plain = async (key: string, server: ServerProcess): Promise<void> => {
    const target = { pid: server.pid, uri: `coap://127.0.0.1:${server.port}/time` };
    const [result] = await load(['-c', '64', '-w', '64', '-d', seconds, '-W', warmUp], target, 'get');
    if (result === undefined) throw new Error('the generator reported nothing');
    cpu.add(key, result.server.cpu_us_per_request);
    rate.add(key, result.rate);
  };
  const secure = ['-c', '64', '-q', '100000000', '-d', seconds, '-W', warmUp, '-C', 'PSK-AES128-CCM8'];
  for (let round = 0; round < rounds; round++) {
    progress(`dtls: round ${round + 1} of ${rounds}, GET and echo`);
    {
      await using server = await ours(files);
      take(GET.secure, await dtlsLoad([...secure, ...keyArguments('ours')], server));
    }
    {
      await using server = await startNodeServer('lapwing-get');
      await plain(GET.plain, server);
    }
    {
      await using server = await startNodeServer('lapwing-dtls-echo', KEY);
      take(ECHO.secure, await dtlsLoad([...secure, ...keyArguments('ours'), '-e', '100'], server));
    }
    {
      await using server = await startNodeServer('dgram-reference');
      await plain(ECHO.plain, server);
    }
    const peer = libcoap(files, PSK);
    if (peer === undefined) continue;
    await using server = await peer;
    take(GET.libcoap, await dtlsLoad([...secure, ...keyArguments('libcoap')], server));
  }
  const compared: Readonly<Record<string, () => string>> = {
    [GET.secure]: () => `above plain: ${difference(cpu, GET)}`,
    [ECHO.secure]: () => `above plain: ${difference(cpu, ECHO)}`,
    [GET.libcoap]: () => `${figure(cpu.median(GET.libcoap)! / cpu.median(GET.secure)!, 2)}× ours`,
  };
  const rows = [GET.secure, GET.plain, GET.libcoap, ECHO.secure, ECHO.plain].flatMap((key) => {
    const value = cpu.median(key);
    if (value === undefined) return [];
    const [low, high] = cpu.spread(key)!;
    return [
      [key, figure(value), `${figure(low)}–${figure(high)}`, compared[key]?.() ?? '', figure(rate.median(key), 0)],
    ];
  });
  return {
    table: {
      title: `Over open associations (PSK, AES_128_CCM_8), 64 clients, window 64: median of ${rounds} interleaved rounds`,
      columns: ['operation', 'CPU µs', 'range', 'compared', 'per second'],
      rows,
      notes: [...notes],
    },
    data: { cpuMicroseconds: cpu, perSecond: rate },
  };
}

const GET = {
  secure: 'GET over coaps, ours',
  plain: 'GET over coap, ours',
  libcoap: 'GET over coaps, coap-server-openssl',
} as const;
const ECHO = {
  secure: 'echo of a record of 100 bytes, ours',
  plain: 'answer of bare node:dgram',
} as const;
const WANTED_ABOVE_PLAIN = 12;

function difference(cpu: Samples, { secure, plain }: { readonly secure: string; readonly plain: string }): string {
  const value = cpu.median(secure)! - cpu.median(plain)!;
  return `${figure(value)} (${verdict(value, WANTED_ABOVE_PLAIN)})`;
}

async function measureIdle(files: Files, associations: number, progress: (what: string) => void): Promise<Measured> {
  progress(`dtls: ${associations} idle associations`);
  const notes: string[] = [];
  const rows: string[][] = [];
  const arguments_ = ['-C', 'PSK-AES128-CCM8'];
  await using server = await ours(files);
  const before = await server.memory();
  const after = await whileIdle(associations, [...arguments_, ...keyArguments('ours')], server, () => server.memory());
  const per = (later: number, earlier: number): string => figure((later - earlier) / associations / 1024, 2);
  const held = (after.heapUsed - before.heapUsed + after.external - before.external) / associations / 1024;
  rows.push([
    'ours',
    String(after.counts['associations'] ?? 0),
    per(after.heapUsed, before.heapUsed),
    per(after.external, before.external),
    `${figure(held, 2)} (${verdict(held, 6)})`,
    per(after.rss, before.rss),
  ]);
  const peer = libcoap(files, PSK);
  if (peer === undefined) notes.push('no coap-server-openssl here (Debian package libcoap3-bin): its row is left out');
  else {
    await using other = await peer;
    const earlier = residentBytes(other.pid);
    const later = await whileIdle(associations, [...arguments_, ...keyArguments('libcoap')], other, () =>
      Promise.resolve(residentBytes(other.pid)),
    );
    rows.push(['coap-server-openssl', '', '', '', '', per(later, earlier)]);
  }
  return {
    table: {
      title: `${associations} idle associations (PSK, AES_128_CCM_8), KiB per association`,
      columns: ['server', 'open', 'heap', 'external', 'together', 'resident'],
      rows,
      notes,
    },
    data: { before, after },
  };
}

function residentBytes(pid: number): number {
  const match = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? 0) * 1024;
}

/** What makes a measurement worthless, in one sentence; undefined when nothing does. */
function flaw({ failed, timeouts, handshakes, requests }: DtlsLoadResult): string | undefined {
  const completed = handshakes.completed + requests.completed;
  if (completed === 0) return 'nothing completed';
  if (failed > 0) return `${failed} failed beside ${completed} that completed`;
  return timeouts > completed / 100 ? `${timeouts} timeouts beside ${completed} that completed` : undefined;
}

/** A certificate authority, a server and a client on P-256. */
function makeCertificates(folder: string): Files {
  const openssl = (...arguments_: readonly string[]): void => {
    execFileSync('openssl', arguments_, { cwd: folder, stdio: 'ignore' });
  };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'];
  openssl('req', '-x509', ...curve, '-keyout', 'ca-key.pem', '-out', 'ca.pem', '-subj', '/CN=Benchmark CA');
  for (const [name, purpose] of [
    ['server', 'serverAuth'],
    ['client', 'clientAuth'],
  ] as const) {
    openssl(
      'req',
      '-x509',
      ...['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', ...curve],
      ...['-keyout', `${name}-key.pem`, '-out', `${name}.pem`, '-subj', `/CN=${name}`],
      ...['-addext', 'basicConstraints=critical,CA:FALSE', '-addext', `extendedKeyUsage=${purpose}`],
    );
  }
  const path = (name: string): string => join(folder, name);
  return {
    ca: path('ca.pem'),
    server: path('server.pem'),
    serverKey: path('server-key.pem'),
    client: path('client.pem'),
    clientKey: path('client-key.pem'),
  };
}
