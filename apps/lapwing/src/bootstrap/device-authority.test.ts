import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TrustAnchors } from '../security/trust-anchors.ts';
import { AUTHORITY_FILE, DeviceAuthority } from './device-authority.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapwing-authority-'));
});
after(() => rm(folder, { recursive: true }));

const publicKey = (): Uint8Array =>
  new Uint8Array(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' }));

describe('the authority of devices', () => {
  it('comes into being with the first certificate, is trusted from then on, and stays over a new start', async () => {
    const anchors = new TrustAnchors(undefined);
    const first = await DeviceAuthority.open(folder, anchors);
    assert.deepEqual([await readdir(folder), anchors.all()], [[], []]);
    const [one, two] = await Promise.all([first.issue('lamp', publicKey()), first.issue('door', publicKey())]);
    assert.equal((await stat(join(folder, AUTHORITY_FILE))).mode & 0o777, 0o600);
    const [anchor, ...others] = anchors.all();
    assert.deepEqual([anchor?.subject, others], ['CN=Lapwing devices', []]);
    const authority = new X509Certificate(anchor!.pem);
    const again = await DeviceAuthority.open(folder, anchors);
    for (const der of [one, two, await again.issue('gate', publicKey())]) {
      const certificate = new X509Certificate(der);
      assert.ok(certificate.verify(authority.publicKey));
      assert.match(certificate.subject, /^CN=(lamp|door|gate)$/);
    }
    assert.equal(anchors.all().length, 1);
  });

  it('that is damaged ends the start with a sentence', async () => {
    const damaged = await mkdtemp(join(folder, 'damaged-'));
    await writeFile(join(damaged, AUTHORITY_FILE), 'none');
    await assert.rejects(
      DeviceAuthority.open(damaged, new TrustAnchors(undefined)),
      /device-authority\.pem does not hold a certificate and its private key in PEM\. Restore it/,
    );
  });

  it('that cannot be kept signs nothing, and is made when it can', async () => {
    const gone = await mkdtemp(join(folder, 'gone-'));
    const authority = await DeviceAuthority.open(join(gone, 'below'), new TrustAnchors(undefined));
    await assert.rejects(authority.issue('lamp', publicKey()));
    await rm(gone, { recursive: true });
    const memory = await DeviceAuthority.open(undefined, new TrustAnchors(undefined));
    assert.ok((await memory.issue('lamp', publicKey())).length > 100);
  });
});
