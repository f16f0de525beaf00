import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { StartFailure } from '../start-failure.ts';
import { CERTIFICATE_FILE, KEY_FILE, loadServerIdentity, PUBLIC_KEY_FILE } from './server-identity.ts';

const NOW = Date.UTC(2026, 10, 22);
let above: string;
before(async () => {
  above = await mkdtemp(join(tmpdir(), 'lapwing-identity-'));
});
after(() => rm(above, { recursive: true }));

const newFolder = (): Promise<string> => mkdtemp(join(above, 'f'));

describe("the server's key and certificate", () => {
  it('are made on the first start and are the same on the next, and the key is for its owner only', async () => {
    const folder = await newFolder();
    const first = await loadServerIdentity(folder, NOW);
    const second = await loadServerIdentity(folder, NOW + 1000);
    assert.equal(second.certificatePem, first.certificatePem);
    assert.equal(second.publicKeyFingerprint, first.publicKeyFingerprint);
    assert.deepEqual((await readdir(folder)).sort(), [CERTIFICATE_FILE, KEY_FILE, PUBLIC_KEY_FILE]);
    assert.equal((await stat(join(folder, KEY_FILE))).mode & 0o777, 0o600);
    assert.equal(await readFile(join(folder, PUBLIC_KEY_FILE), 'utf8'), first.publicKeyPem);
    const { x509, rawPublicKey } = first;
    assert.ok(x509.verify(x509.publicKey));
    assert.ok(x509.checkPrivateKey(createPrivateKey(await readFile(join(folder, KEY_FILE)))));
    assert.equal(x509.checkHost('localhost'), 'localhost');
    assert.equal(x509.checkIP('127.0.0.1'), '127.0.0.1');
    assert.ok(Date.parse(x509.validFrom) < NOW && Date.parse(x509.validTo) > NOW + 19 * 365 * 86_400_000);
    assert.deepEqual(x509.publicKey.export({ type: 'spki', format: 'der' }), Buffer.from(rawPublicKey.publicKey));
    assert.deepEqual(first.certificate.chain, [new Uint8Array(x509.raw)]);
  });

  it('differ from server to server, and live in memory without a folder', async () => {
    const one = await loadServerIdentity(undefined, NOW);
    const other = await loadServerIdentity(undefined, NOW);
    assert.notEqual(one.publicKeyFingerprint, other.publicKeyFingerprint);
  });

  it('are made anew for the same key when only the certificate is moved away', async () => {
    const folder = await newFolder();
    const before = await loadServerIdentity(folder, NOW);
    await unlink(join(folder, CERTIFICATE_FILE));
    const after = await loadServerIdentity(folder, NOW);
    assert.equal(after.publicKeyFingerprint, before.publicKeyFingerprint);
    assert.notEqual(after.certificatePem, before.certificatePem);
  });

  it('may be a chain that an authority gave', async () => {
    const folder = await newFolder();
    const own = await loadServerIdentity(folder, NOW);
    const authority = await loadServerIdentity(undefined, NOW);
    await writeFile(join(folder, CERTIFICATE_FILE), `# ours\n${own.certificatePem}\n${authority.certificatePem}`);
    const { certificate, x509 } = await loadServerIdentity(folder, NOW);
    assert.equal(certificate.chain.length, 2);
    assert.equal(x509.fingerprint256, own.x509.fingerprint256);
  });

  const P384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  for (const [situation, change, sentence] of [
    [
      'the key is damaged',
      (folder) => writeFile(join(folder, KEY_FILE), '-----BEGIN'),
      /holds no private key on P-256/,
    ],
    [
      'the key is on another curve',
      (folder) => writeFile(join(folder, KEY_FILE), P384),
      /holds no private key on P-256/,
    ],
    ['the certificate is damaged', (folder) => writeFile(join(folder, CERTIFICATE_FILE), ''), /holds no certificate/],
    ['the key is gone', (folder) => unlink(join(folder, KEY_FILE)), /and not its key/],
    [
      'the certificate is for another key',
      async (folder) =>
        writeFile(join(folder, CERTIFICATE_FILE), (await loadServerIdentity(undefined, NOW)).certificatePem),
      /is not for the key/,
    ],
  ] satisfies [string, (folder: string) => Promise<void>, RegExp][]) {
    it(`keep the server from starting when ${situation}, and nothing is made anew`, async () => {
      const folder = await newFolder();
      await loadServerIdentity(folder, NOW);
      await change(folder);
      const files = await contentOf(folder);
      await assert.rejects(loadServerIdentity(folder, NOW), (error: unknown) => {
        assert.ok(error instanceof StartFailure);
        assert.match(error.message, sentence);
        return true;
      });
      assert.deepEqual(await contentOf(folder), files);
    });
  }
});

async function contentOf(folder: string): Promise<readonly string[]> {
  return Promise.all((await readdir(folder)).sort().map((name) => readFile(join(folder, name), 'utf8')));
}
