/** `/security` of the REST API: credentials go in and their keys never come out, and what changes is an event. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type {
  AddedCredentialJson,
  CredentialJson,
  CredentialListJson,
  ImportJson,
  RefusedHandshakeListJson,
  ServerIdentityJson,
  TrustAnchorJson,
} from '../src/rest/security-schemas.ts';
import { RunningApp } from './running-app.ts';

const KEYS = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const SPKI = KEYS.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
const KEY = '5ec2e70102030405060708090a0b0c0d';
const CREDENTIALS = '/security/credentials';

let api: RunningApp;
let dataDir: string;
before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lapwing-rest-security-'));
  api = await RunningApp.start({ dataDir });
});
after(async () => {
  await api.close();
  await rm(dataDir, { recursive: true });
});

const add = (body: unknown): ReturnType<typeof api.call<AddedCredentialJson>> => api.call('POST', CREDENTIALS, body);

describe('credentials', () => {
  it('are added, and the key of a pre-shared key is told then and never again', async () => {
    const made = await add({ device: 'urn:dev/1', kind: 'psk' });
    assert.equal(made.status, 201);
    assert.equal(made.headers.get('cache-control'), 'no-store');
    assert.equal(made.headers.get('location'), `/api/v1${CREDENTIALS}/urn%3Adev%2F1/psk`);
    assert.match(made.body.key ?? '', /^[0-9a-f]{32}$/);
    const given = await add({ device: 'lamp', kind: 'psk', identity: '0x00ff', key: KEY });
    assert.deepEqual(given.body, { device: 'lamp', kind: 'psk', identity: '0x00ff', key: KEY });
    const rpk = await add({ device: 'lamp', kind: 'rpk', publicKey: SPKI });
    assert.match(rpk.body.identity ?? '', /^sha-256;[0-9a-f]{64}$/);
    assert.deepEqual((await add({ device: 'door', kind: 'x509' })).body, {
      device: 'door',
      kind: 'x509',
      identity: null,
    });
    const listed = await api.call<CredentialListJson>('GET', CREDENTIALS);
    const one = await api.call<CredentialJson>('GET', `${CREDENTIALS}/lamp/psk`);
    assert.deepEqual(one.body, { device: 'lamp', kind: 'psk', identity: '0x00ff' });
    assert.doesNotMatch(JSON.stringify([listed.body, one.body]), new RegExp(`${KEY}|${made.body.key}|"key"`));
    assert.deepEqual(
      listed.body.items.map(({ device, kind }) => `${device} ${kind}`),
      ['door x509', 'lamp psk', 'lamp rpk', 'urn:dev/1 psk'],
    );
    assert.equal(listed.body.total, 4);
  });

  it('are listed page by page and searched by name and identity', async () => {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`;
      const page = await api.call<CredentialListJson>('GET', `${CREDENTIALS}?limit=1${query}`);
      seen.push(...page.body.items.map(({ device, kind }) => `${device} ${kind}`));
      cursor = page.body.nextCursor;
    } while (cursor !== null);
    assert.deepEqual(seen, ['door x509', 'lamp psk', 'lamp rpk', 'urn:dev/1 psk']);
    for (const [search, found] of [
      ['DOO', 1],
      ['0x00ff', 1],
      ['lamp', 2],
      ['nobody', 0],
    ] as const) {
      const page = await api.call<CredentialListJson>('GET', `${CREDENTIALS}?search=${search}`);
      assert.equal(page.body.items.length, found, search);
    }
    for (const query of ['limit=0', 'cursor=!', 'colour=red']) {
      assert.equal((await api.call('GET', `${CREDENTIALS}?${query}`)).status, 400, query);
    }
  });

  it('of a kind that the device has are replaced only when that is said', async () => {
    const again = await api.call('POST', CREDENTIALS, { device: 'lamp', kind: 'psk' });
    assert.deepEqual([again.status, again.body.type], [409, 'urn:lapwing:problem:credential-exists']);
    const renewed = await add({ device: 'lamp', kind: 'psk', identity: 'renewed', replace: true });
    assert.deepEqual([renewed.status, renewed.body.identity], [201, 'renewed']);
  });

  it('with the identity or public key of another device are refused', async () => {
    for (const body of [
      { device: 'other', kind: 'psk', identity: 'renewed' },
      { device: 'other', kind: 'rpk', publicKey: SPKI },
    ]) {
      const refused = await api.call('POST', CREDENTIALS, body);
      assert.deepEqual([refused.status, refused.body.type], [409, 'urn:lapwing:problem:identity-taken']);
      assert.match(refused.body.detail, /belongs to "lamp" already/);
    }
  });

  it('that are wrong are refused with the field, and no key is repeated', async () => {
    for (const [body, field] of [
      [{ kind: 'psk' }, undefined],
      [{ device: '', kind: 'psk' }, '/device'],
      [{ device: 'a', kind: 'oscore' }, '/kind'],
      [{ device: 'a', kind: 'psk', key: `${KEY}0` }, '/key'],
      [{ device: 'a', kind: 'psk', identity: 'a'.repeat(129) }, '/identity'],
      [{ device: 'a', kind: 'rpk' }, '/publicKey'],
      [{ device: 'a', kind: 'rpk', publicKey: 'AAAA' }, '/publicKey'],
      [{ device: 'a', kind: 'x509', certificate: 'none' }, '/certificate'],
      [{ device: 'a', kind: 'x509', key: KEY }, '/key'],
      [{ device: 'a', kind: 'psk', secret: KEY }, '/secret'],
    ] as const) {
      const { status, body: problem } = await api.call('POST', CREDENTIALS, body);
      assert.deepEqual([status, problem.field], [400, field], JSON.stringify(body));
      assert.doesNotMatch(problem.detail, /5ec2e7/);
    }
  });

  it('are removed', async () => {
    assert.equal((await api.call('DELETE', `${CREDENTIALS}/lamp/rpk`)).status, 204);
    for (const method of ['GET', 'DELETE']) {
      const gone = await api.call(method, `${CREDENTIALS}/lamp/rpk`);
      assert.deepEqual([gone.status, gone.body.type], [404, 'urn:lapwing:problem:unknown-credential']);
    }
    assert.equal((await api.call('DELETE', `${CREDENTIALS}/lamp/oscore`)).status, 400);
  });

  const importText = async (type: string, text: string): Promise<Awaited<ReturnType<typeof api.call<ImportJson>>>> => {
    const path = `${CREDENTIALS}/import`;
    const headers = { 'content-type': type };
    const response = await fetch(`${api.app.httpUrl}/api/v1${path}`, { method: 'POST', headers, body: text });
    return api.checked<ImportJson>('POST', path, response);
  };

  it('are imported from CSV and JSON Lines, without the lines that cannot be', async () => {
    const csv = await importText('text/csv', `device,identity,key\nlamp,,00\nc1,id 1,${KEY}\nc2,id 1,${KEY}\nc3,,xx\n`);
    assert.equal(csv.status, 200);
    assert.equal(csv.body.added, 1);
    assert.equal(csv.body.failedTotal, 3);
    assert.deepEqual(csv.body.failed, [
      { line: 2, detail: '"lamp" has a credential of kind psk already.' },
      { line: 4, detail: 'the PSK identity id 1 belongs to "c1" already.' },
      { line: 5, detail: 'key: 1 to 64 bytes are needed, in hexadecimal.' },
    ]);
    const lines = Array.from({ length: 150 }, (_, index) => JSON.stringify({ device: `n${index}`, kind: 'psk' }));
    const jsonLines = await importText('application/x-ndjson', lines.join('\n'));
    assert.deepEqual([jsonLines.body.added, jsonLines.body.failed.length, jsonLines.body.failedTotal], [0, 100, 150]);
    assert.equal((await importText('text/csv', 'name\n')).status, 400);
    assert.equal((await importText('text/csv', '')).status, 400);
    assert.equal((await importText('application/json', '{}')).status, 415);
  });

  it('are all in one file that holds their keys, and nothing of it is in the log of events', async () => {
    const file = await readFile(join(dataDir, 'security', 'credentials.json'), 'utf8');
    assert.ok(file.includes(KEY));
    const events: string[] = [];
    for (let id = 0; ;) {
      const event = api.app.events.next(id);
      if (event === undefined) break;
      ({ id } = event);
      events.push(event.data);
    }
    assert.ok(events.some((data) => data.includes('"credentials-changed"')));
    assert.doesNotMatch(events.join('\n'), /5ec2e7|"key"/);
  });

  it('beyond --max-credentials find no room', async () => {
    const small = await RunningApp.start({ maxCredentials: 1 });
    await small.call('POST', CREDENTIALS, { device: 'a', kind: 'psk' });
    const refused = await small.call('POST', CREDENTIALS, { device: 'b', kind: 'psk' });
    assert.deepEqual([refused.status, refused.body.type], [507, 'urn:lapwing:problem:store-full']);
    await small.close();
  });
});

describe('the identity of the server', () => {
  it('is its public key and certificate, and stays over a new start', async () => {
    const { body } = await api.call<ServerIdentityJson>('GET', '/security/identity');
    const certificate = new X509Certificate(body.certificate.pem);
    assert.equal(certificate.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'), body.publicKey.der);
    assert.equal(body.certificate.fingerprint, certificate.fingerprint256.replaceAll(':', '').toLowerCase());
    assert.ok(body.certificate.names.includes('localhost'));
    assert.equal(body.publicKey.pem, await readFile(join(dataDir, 'security', 'server-public-key.pem'), 'utf8'));
    const { privateKey } = api.app.security.identity.rawPublicKey;
    assert.equal(privateKey.type, 'private');
    assert.doesNotMatch(JSON.stringify(body), /PRIVATE/);
  });
});

describe('trust anchors', () => {
  it('are added once, listed, read and removed', async () => {
    const { body: identity } = await api.call<ServerIdentityJson>('GET', '/security/identity');
    const certificate = identity.certificate.pem;
    const added = await api.call<TrustAnchorJson>('POST', '/security/trust-anchors', { certificate });
    assert.equal(added.status, 201);
    const at = added.headers.get('location')?.replace('/api/v1', '') ?? '';
    assert.equal((await api.call('POST', '/security/trust-anchors', { certificate })).status, 200);
    const listed = await api.call<{ items: TrustAnchorJson[] }>('GET', '/security/trust-anchors');
    assert.deepEqual(listed.body.items, [added.body]);
    assert.deepEqual((await api.call<TrustAnchorJson>('GET', at)).body, added.body);
    assert.equal((await api.call('DELETE', at)).status, 204);
    for (const method of ['GET', 'DELETE']) {
      const gone = await api.call(method, at);
      assert.deepEqual([gone.status, gone.body.type], [404, 'urn:lapwing:problem:unknown-trust-anchor']);
    }
  });

  it('are not what is no certificate', async () => {
    const { status, body } = await api.call('POST', '/security/trust-anchors', { certificate: 'none' });
    assert.deepEqual([status, body.field], [400, '/certificate']);
  });
});

describe('refused handshakes', () => {
  it('are listed', async () => {
    const { body } = await api.call<RefusedHandshakeListJson>('GET', '/security/refusals');
    assert.deepEqual(body, { items: [], total: 0 });
  });
});

it('every operation of /security was called with good input, and with bad where there is any', () => {
  const operations = Object.entries(api.openApi.paths)
    .filter(([path]) => path.startsWith('/api/v1/security/'))
    .flatMap(([, methods]) => Object.values(methods));
  assert.ok(operations.length >= 11);
  for (const { operationId } of operations) {
    const statuses = [...(api.called.get(operationId) ?? [])];
    assert.ok(
      statuses.some((status) => status < 300),
      `${operationId} never succeeded`,
    );
    if (['readServerIdentity', 'listTrustAnchors', 'listRefusedHandshakes'].includes(operationId)) continue;
    assert.ok(
      statuses.some((status) => status >= 400),
      `${operationId} never failed`,
    );
  }
});
