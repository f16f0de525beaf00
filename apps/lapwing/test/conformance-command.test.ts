/** `lapwing conformance` as a process of its own, as docs/conformance-runner.md shows it, and against devices with faults. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  deviceObject,
  firmwareUpdateObject,
  type LwM2mClient,
  portfolioObject,
  temperatureObject,
} from '@lapwing/client';
import { SaxesParser } from 'saxes';
import { runCommandLine } from '../src/command-line.ts';
import { CASES } from '../src/conformance/cases.ts';
import { RunningApp } from './running-app.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const document = await readFile(new URL('../../../docs/conformance-runner.md', import.meta.url), 'utf8');

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapwing-conformance-'));
});
after(() => rm(folder, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The command in a process of its own. */
async function runProcess(args: readonly string[], url: string): Promise<Ended> {
  const child = spawn(process.execPath, ['--conditions=src', MAIN, ...args], {
    cwd: folder,
    env: { ...process.env, LAPWING_URL: url },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (bytes) => (out += String(bytes)));
  child.stderr.on('data', (bytes) => (err += String(bytes)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

class RecordedTerminal extends EventEmitter {
  readonly env: Record<string, string>;
  out = '';
  err = '';
  readonly stdout = { write: (text: string): void => void (this.out += text) };
  readonly stderr = { write: (text: string): void => void (this.err += text) };
  constructor(url: string) {
    super();
    this.env = { LAPWING_URL: url };
  }
}

async function run(url: string, ...args: string[]): Promise<Ended> {
  const terminal = new RecordedTerminal(url);
  const code = await runCommandLine(['conformance', ...args], terminal);
  return { code, out: terminal.out, err: terminal.err };
}

interface JsonReport {
  readonly cases: readonly {
    readonly id: string;
    readonly outcome: string;
    readonly checks: readonly { readonly target: string; readonly outcome: string; readonly why?: string }[];
  }[];
}

describe('docs/conformance-runner.md', () => {
  let api: RunningApp;
  before(async () => {
    api = await RunningApp.start({ demo: true, dataDir: folder });
    while (api.app.server.registrationCount < 4) await once(api.app.server, 'registered');
  });
  after(() => api.close());

  const examples = [...document.matchAll(/```sh\n(lapwing [^\n]*)\n```\n\n```text\n([\s\S]*?\n)```/g)];

  it('has examples', () => assert.equal(examples.length, 2));
  for (const [, command = '', printed = ''] of examples) {
    it(`${command} prints what it says, without an error, and exits with 0`, async () => {
      const { code, out, err } = await runProcess(command.split(' ').slice(1), api.app.httpUrl);
      assert.deepEqual([code, err], [0, '']);
      const pattern = printed.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '[\\s\\S]+?');
      assert.match(out, new RegExp(`^${pattern}$`));
    });
  }

  it('finds nothing wrong with any simulated device, and leaves nothing behind', async () => {
    const devices = ['demo-light', 'demo-power-meter', 'demo-tracker', 'demo-weather-station'];
    const runs = await Promise.all(devices.map((device) => run(api.app.httpUrl, device, '--json')));
    for (const [index, { code, out }] of runs.entries()) {
      const failures = (JSON.parse(out) as JsonReport).cases.flatMap(({ id, checks }) =>
        checks.filter(({ outcome }) => outcome === 'failed').map((check) => ({ id, ...check })),
      );
      assert.deepEqual([code, failures], [0, []]);
      const { body } = await api.call<{ items: object[] }>('GET', `/devices/${devices[index]}/observations`);
      assert.deepEqual(body.items, []);
    }
  });

  it('tells of each option', async () => {
    const { out } = await run(api.app.httpUrl, '--help');
    const options = [...out.matchAll(/^ {2}(--\S+)/gm)].map(([, option = '']) => option);
    assert.ok(options.length >= 6);
    for (const option of options) assert.match(document, new RegExp(`^\\| \`${option}`, 'm'));
    for (const { id } of CASES) assert.match(out, new RegExp(`^ {2}${id} `, 'm'));
  });
});

/** What may become of an answer of the REST API on its way. */
interface Tampering {
  readonly name: string;
  /** The case that must find it. */
  readonly found: string;
  readonly matches: (method: string, path: string, query: string) => boolean;
  readonly answer: (status: number, body: Record<string, unknown>) => readonly [status: number, body: object];
}

const ok = (body: object = {}): readonly [number, object] => [200, { code: '2.05', ...body }];
const refusal = (coapCode: string): readonly [number, object] => [
  502,
  {
    type: 'urn:lapwing:problem:device-refused',
    title: '',
    status: 502,
    detail: `The device answered ${coapCode}.`,
    coapCode,
  },
];
const entriesOf = (body: Record<string, unknown>): { path: string }[] => (body['entries'] ?? []) as { path: string }[];
const without = (body: Record<string, unknown>, path: string): object => ({
  ...body,
  entries: entriesOf(body).filter((entry) => !entry.path.startsWith(path)),
});
const isRead = (path: string) => (method: string, at: string) => method === 'GET' && at === `/nodes${path}`;
const isAt = (path: string) => (_: string, at: string) => at === path;
const isWrite = (path: string) => (method: string, at: string) => method === 'PUT' && at === `/nodes${path}`;

// One line each: what is wrong with the device, and which case finds it.
// prettier-ignore
const FAULTS: readonly Tampering[] = [
  { name: 'announces Security', found: 'register-objects', matches: (_, at) => at === '', answer: (s, b) => [s, { ...b, objects: [...(b['objects'] as object[]), { objectId: 0, version: '1.1', objectInstanceIds: [] }] }] },
  { name: 'leaves an Object Instance out of its Object', found: 'read-object', matches: isRead('/3303'), answer: (s, b) => [s, without(b, '/3303/0')] },
  { name: 'refuses to read an Object Instance', found: 'read-object-instance', matches: isRead('/3303/0'), answer: () => refusal('5.00') },
  { name: 'answers another format', found: 'read-object-instance-format', matches: isRead('/3303/0'), answer: (s, b) => [s, { ...b, contentFormat: 40 }] },
  { name: 'has no format for several values', found: 'read-some-structured-format', matches: isRead('/1/0'), answer: () => refusal('4.06') },
  { name: 'cannot read a mandatory Resource', found: 'read-resource', matches: isRead('/3303/0/5700'), answer: () => refusal('4.04') },
  { name: 'has no text/plain', found: 'read-resource-format', matches: (_, at, query) => at.startsWith('/nodes/') && /\bformat=0\b/.test(query), answer: () => refusal('4.06') },
  { name: 'answers a Resource Instance with all', found: 'read-resource-instance', matches: isRead('/16/0/0/0'), answer: (s, b) => [s, { ...b, entries: [...entriesOf(b), { path: '/16/0/0/1', type: 'string', value: '' }] }] },
  { name: 'has every Object', found: 'read-absent', matches: isRead('/42768'), answer: () => ok({ entries: [] }) },
  { name: 'reads what can only be executed', found: 'read-unreadable', matches: isRead('/3/0/4'), answer: () => ok({ entries: [] }) },
  { name: 'shows its keys', found: 'security-is-closed', matches: isRead('/0'), answer: () => ok({ entries: [] }) },
  { name: 'hides its keys by 4.04', found: 'security-is-closed', matches: isRead('/0'), answer: () => refusal('4.04') },
  { name: 'does not list its Object Instances', found: 'discover-object', matches: (_, at) => at === '/discover/16', answer: () => ok({ items: [{ path: '/16', attributes: {} }] }) },
  { name: 'does not list a Resource', found: 'discover-object-instance', matches: (_, at) => at === '/discover/3303/0', answer: (s, b) => [s, { ...b, items: (b['items'] as { path: string }[]).filter(({ path }) => path !== '/3303/0/5700') }] },
  { name: 'gives no dimension', found: 'discover-resource', matches: (_, at) => at === '/discover/16/0/0', answer: () => ok({ items: [{ path: '/16/0/0', attributes: {} }] }) },
  { name: 'discovers every Object', found: 'discover-absent', matches: (_, at) => at === '/discover/42768', answer: () => ok({ items: [] }) },
  { name: 'cannot take back its own value', found: 'write-back', matches: isWrite('/16/0/0'), answer: () => refusal('4.00') },
  { name: 'forgets what it is written', found: 'write-format', matches: isRead('/1/0/1'), answer: (s, b) => [s, { ...b, entries: [{ path: '/1/0/1', type: 'integer', value: 7 }] }] },
  { name: 'has no Partial Update', found: 'write-partial-update', matches: (method) => method === 'PATCH', answer: () => refusal('4.05') },
  { name: 'has its manufacturer written', found: 'write-read-only', matches: (method, at) => method === 'PUT' && /^\/nodes\/3\/0\/\d+$/.test(at), answer: () => [200, { code: '2.04' }] },
  { name: 'has every Object written', found: 'write-absent', matches: isWrite('/42768/0/0'), answer: () => [200, { code: '2.04' }] },
  { name: 'executes values', found: 'execute-readable', matches: (_, at) => at.startsWith('/execute/'), answer: () => [200, { code: '2.04' }] },
  { name: 'executes what is not there', found: 'execute-absent', matches: (_, at) => at === '/execute/3/0/65000', answer: () => [200, { code: '2.04' }] },
  { name: 'loses attributes', found: 'attributes-discover', matches: (_, at) => at.startsWith('/discover/'), answer: (s, b) => [s, { ...b, items: (b['items'] as object[]).map((item) => ({ ...item, attributes: {} })) }] },
  { name: 'has gt below lt', found: 'attributes-contradiction', matches: (method, at) => method === 'PUT' && at.startsWith('/attributes/'), answer: () => [200, { code: '2.04' }] },
  { name: 'has attributes for what is not there', found: 'attributes-absent', matches: (_, at) => at === '/attributes/42768', answer: () => [200, { code: '2.04' }] },
  { name: 'cannot be observed', found: 'observe-levels', matches: (method, at) => method === 'PUT' && at === '/observations/3/0', answer: () => refusal('5.01') },
  { name: 'answers nothing to an Observe of what is executed', found: 'observe-unreadable', matches: (_, at) => at === '/observations/1/0/8', answer: () => [504, { type: 'urn:lapwing:problem:device-timeout', title: '', status: 504, detail: 'No answer.' }] },
  { name: 'is observed where nothing is', found: 'observe-absent', matches: (_, at) => at === '/observations/42768', answer: () => ok({ path: '/42768', startedAt: '', contentFormat: 0, entries: [] }) },
  { name: 'leaves an Object Instance out of a composite', found: 'read-composite', matches: isAt('/composite/read'), answer: (s, b) => [s, without(b, '/1/0')] },
  { name: 'answers a composite in another format', found: 'read-composite-format', matches: isAt('/composite/read'), answer: (s, b) => [s, { ...b, contentFormat: 60 }] },
  { name: 'refuses a composite for what is not there', found: 'read-composite-partial', matches: isAt('/composite/read'), answer: () => refusal('4.04') },
  { name: 'answers a composite with more than was asked for', found: 'read-composite-partial', matches: isAt('/composite/read'), answer: (s, b) => [s, { ...b, entries: [...entriesOf(b), { path: '/3303/0/5700', type: 'float', value: 1 }] }] },
  { name: 'shows its keys in the root', found: 'read-composite-root', matches: isAt('/composite/read'), answer: (s, b) => [s, { ...b, entries: [...entriesOf(b), { path: '/0/0/5', type: 'opaque', value: '' }] }] },
  { name: 'leaves an Object out of the root', found: 'read-composite-root', matches: isAt('/composite/read'), answer: (s, b) => [s, without(b, '/3303/0')] },
  { name: 'has no Write-Composite', found: 'write-composite', matches: isAt('/composite/write'), answer: () => refusal('4.05') },
  { name: 'forgets what a Write-Composite brought', found: 'write-composite', matches: isRead('/3/0/14'), answer: (s, b) => [s, { ...b, entries: [{ path: '/3/0/14', type: 'string', value: '' }] }] },
  { name: 'takes a Write-Composite that it cannot carry out', found: 'write-composite-all-or-none', matches: isAt('/composite/write'), answer: () => [200, { code: '2.04' }] },
  { name: 'cannot observe a composite', found: 'observe-composite', matches: isAt('/composite/observe'), answer: () => refusal('5.01') },
  { name: 'notifies of one node of a composite only', found: 'observe-composite-attributes', matches: isAt('/observations'), answer: (s, b) => [s, { items: (b['items'] as { lastNotification: object | null }[]).map((item) => ({ ...item, lastNotification: item.lastNotification && without(item.lastNotification as Record<string, unknown>, '/1/0') })) }] },
  { name: 'notifies of an Object Instance that is not there', found: 'observe-composite-create-delete', matches: isAt('/observations'), answer: (s, b) => [s, { items: (b['items'] as { paths?: string[]; lastNotification: Record<string, unknown> | null }[]).map((item) => ({ ...item, lastNotification: item.lastNotification && { ...item.lastNotification, entries: item.paths?.map((path) => ({ path: `${path}/0/0`, type: 'string', value: '' })) } })) }] },
  { name: 'keeps what is deleted', found: 'create-delete', matches: isRead('/16/2'), answer: () => ok({ entries: [] }) },
  { name: 'has a second Device', found: 'create-second-device', matches: (method, at) => method === 'POST' && at === '/nodes/3', answer: () => [201, { code: '2.01', path: '/3/1' }] },
  { name: 'deletes what is not there', found: 'delete-absent', matches: (method, at) => method === 'DELETE' && at === '/nodes/16/65000', answer: () => [200, { code: '2.02' }] },
  { name: 'has Device deleted', found: 'delete-device', matches: (method, at) => method === 'DELETE' && at === '/nodes/3/0', answer: () => [200, { code: '2.02' }] },
  { name: 'has its keys written', found: 'write-security', matches: isWrite('/0/0/0'), answer: () => [200, { code: '2.04' }] },
  { name: 'installs nothing', found: 'firmware-update-without-package', matches: (_, at) => at === '/execute/5/0/2', answer: () => [200, { code: '2.04' }] },
  { name: 'stays in its state', found: 'firmware-reset', matches: isRead('/5/0/3'), answer: (s, b) => [s, { ...b, entries: [{ path: '/5/0/3', type: 'integer', value: 2 }] }] },
];

describe('lapwing conformance', () => {
  let api: RunningApp;
  let device: LwM2mClient;
  let between: Server;
  let betweenUrl: string;
  let fault: Tampering | undefined;
  const NAME = 'under test';

  before(async () => {
    api = await RunningApp.start();
    const sink = { write: () => undefined, end: () => undefined, discard: () => undefined };
    device = await api.device(NAME, [
      deviceObject({
        manufacturer: 'Acme',
        utcOffset: '+01:00',
        timezone: 'Europe/Berlin',
      }),
      temperatureObject({ value: 20 }),
      portfolioObject({ identities: [{ hostDeviceId: 'a', hostDeviceModel: 'b' }, { hostDeviceId: 'c' }] }),
      firmwareUpdateObject({ receive: () => sink, install: () => undefined }),
    ]);
    between = createServer((request, response) => {
      void relay(request).then(([status, body]) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(body));
      });
    }).listen(0, '127.0.0.1');
    await once(between, 'listening');
    betweenUrl = `http://127.0.0.1:${(between.address() as AddressInfo).port}`;
  });
  after(async () => {
    between.close();
    await device.close();
    await api.close();
  });

  /** To the server and back, with the fault of the moment. */
  async function relay(request: IncomingMessage): Promise<readonly [number, object]> {
    const { method = '', url = '' } = request;
    const body = method === 'GET' || request.headers['content-type'] === undefined ? undefined : await json(request);
    const at = url.split('?')[0]?.replace(`/api/v1/devices/${encodeURIComponent(NAME)}`, '') ?? '';
    const given = await fetch(api.app.httpUrl + url, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const answer = given.status === 204 ? {} : ((await given.json()) as Record<string, unknown>);
    if (fault?.matches(method, at, url.split('?')[1] ?? '') === true) return fault.answer(given.status, answer);
    return [given.status === 204 ? 200 : given.status, answer];
  }

  it('passes a device of ours in every case, the destructive ones too, and puts everything back', async () => {
    const before = await api.call<{ entries: unknown }>('GET', `/devices/${encodeURIComponent(NAME)}/nodes/3303/0`);
    const { code, out, err } = await run(api.app.httpUrl, NAME, '--destructive');
    assert.deepEqual([code, err], [0, ''], out);
    assert.match(
      out,
      new RegExp(
        `\\n\\n${NAME}, LwM2M 1\\.2: ${CASES.length} passed, 0 failed, 0 skipped; \\d+ checks in [\\d.]+ s\\.\\n$`,
      ),
    );
    const after = await api.call<{ entries: unknown }>('GET', `/devices/${encodeURIComponent(NAME)}/nodes/3303/0`);
    assert.deepEqual(after.body.entries, before.body.entries);
    assert.equal(device.get('/3/0/14'), '+01:00');
    assert.equal(device.get('/1/0/1'), 300);
    assert.equal(device.get('/16/2/0'), undefined);
  });

  for (const each of FAULTS) {
    it(`finds a device that ${each.name}`, async () => {
      fault = each;
      const { code, out } = await run(betweenUrl, NAME, '--destructive', '--only', each.found);
      fault = undefined;
      assert.equal(code, 3, out);
      assert.match(out, new RegExp(`^FAILED   ${each.found} [^\\n]*\\n {11}/\\S*.*: .+\\.\\n`));
    });
  }

  it('writes JUnit XML that counts right and keeps what the device said', async () => {
    const file = join(folder, 'junit.xml');
    fault = FAULTS.find(({ name }) => name === 'shows its keys');
    const { code } = await run(betweenUrl, NAME, '--only', 'security-is-closed,read-absent,reboot', '--junit', file);
    fault = undefined;
    assert.equal(code, 3);
    const seen: { name: string; attributes: Record<string, string> }[] = [];
    const parser = new SaxesParser();
    parser.on('opentag', ({ name, attributes }) => seen.push({ name, attributes: attributes }));
    parser.on('error', (error) => assert.fail(error));
    parser.write(await readFile(file, 'utf8')).close();
    const suite = seen.find(({ name }) => name === 'testsuite')?.attributes;
    assert.deepEqual(
      [suite?.['name'], suite?.['tests'], suite?.['failures'], suite?.['skipped']],
      [NAME, '6', '1', '1'],
    );
    assert.equal(seen.filter(({ name }) => name === 'testcase').length, 6);
    const failure = seen.find(({ name }) => name === 'failure');
    assert.equal(failure?.attributes['message'], 'Expected 4.01. The device answered 2.05.');
  });

  it('says what it skips, and that a silent device cuts it short', async () => {
    const { code, out } = await run(api.app.httpUrl, NAME, '--only', 'reboot');
    assert.equal(code, 0);
    assert.match(out, /^skipped {2}reboot +Reboot is .*\n {11}It is run with --destructive only\.\n/);
    const silence = { type: 'urn:lapwing:problem:device-timeout', title: '', status: 504, detail: 'No answer.' };
    fault = { name: '', found: '', matches: (_, at) => /^\/\w+\//.test(at), answer: () => [504, silence] };
    const silent = await run(betweenUrl, NAME);
    fault = undefined;
    assert.notEqual(silent.code, 0);
    assert.match(silent.out, /The device left \d+ requests unanswered\. Cases are missing\.\n$/);
  });

  it('ends after a signal, with what it changed put back', async () => {
    const terminal = new RecordedTerminal(betweenUrl);
    fault = {
      name: '',
      found: '',
      matches: (method, at) => method === 'PUT' && at === '/nodes/1/0/1' && terminal.emit('SIGINT'),
      answer: (status, body) => [status, body],
    };
    const code = await runCommandLine(['conformance', NAME, '--only', 'write-format,reboot'], terminal);
    fault = undefined;
    assert.equal(code, 1, terminal.out);
    assert.match(terminal.out, / 1\/1 .*\n\n.*It was interrupted\. Cases are missing\.\n$/);
    assert.equal(terminal.err, 'It was interrupted.\n');
    assert.equal(device.get('/1/0/1'), 300);
  });

  it('exits with 1 without a server or a device, and with 2 for a case that does not exist', async () => {
    const nobody = await run(api.app.httpUrl, 'nobody');
    assert.deepEqual(nobody, { code: 1, out: '', err: 'No device named "nobody" is registered.\n' });
    assert.equal((await run('http://127.0.0.1:1', NAME)).code, 1);
    const unknown = await run(api.app.httpUrl, NAME, '--only', 'read-resource,nothing');
    assert.equal(unknown.code, 2);
    assert.match(unknown.err, /There is no case "nothing"; --help lists them\./);
    assert.equal((await run(api.app.httpUrl, NAME, '--timeout', '0')).code, 2);
  });
});
