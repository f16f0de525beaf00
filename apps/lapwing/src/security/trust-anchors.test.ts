import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isMalformed } from '@lapwing/lwm2m';
import { TrustAnchors } from './trust-anchors.ts';

/** Made with OpenSSL 3.0 for this test; the keys are gone. CN=Lapwing Test CA A and CN=Lapwing Test CA B, O=Example. */
const A = `-----BEGIN CERTIFICATE-----
MIIBkDCCATWgAwIBAgIUKIXvNuCe7wMcZ+4DtQLTf2CvXN8wCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRTGFwd2luZyBUZXN0IENBIEEwIBcNMjYxMTIyMjAzMDQyWhgP
MjEyNjEwMjkyMDMwNDJaMBwxGjAYBgNVBAMMEUxhcHdpbmcgVGVzdCBDQSBBMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEcb5HG+KKKg5TZyTQ6BMkN3Wx7PX1EjuN
PTVflXaZcEe9mXNlbv+aow2mG0TJVL1xIy7M5c3JeDtbG2Abqtsd76NTMFEwHQYD
VR0OBBYEFGmyKAaFujio3ouA2AYkkRnjsVMeMB8GA1UdIwQYMBaAFGmyKAaFujio
3ouA2AYkkRnjsVMeMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIh
ALlgWhkAUa8RRSfd1eA5tBOmgPQC+WphxJUtyblVuqu2AiEAzeaLTnmYs58WTejD
lyTnJKPpV2YuGMUisjTdq/yO9Sk=
-----END CERTIFICATE-----
`;
const B = `-----BEGIN CERTIFICATE-----
MIIBszCCAVmgAwIBAgIUTSgEBPa70Ymk0FJ1GRJgAbl+QgYwCgYIKoZIzj0EAwIw
LjEQMA4GA1UECgwHRXhhbXBsZTEaMBgGA1UEAwwRTGFwd2luZyBUZXN0IENBIEIw
IBcNMjYxMTIyMjAzMDQyWhgPMjEyNjEwMjkyMDMwNDJaMC4xEDAOBgNVBAoMB0V4
YW1wbGUxGjAYBgNVBAMMEUxhcHdpbmcgVGVzdCBDQSBCMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEGg3XjRQRRo30Sbl3HDYq0e4RpQ9Q++wmIrv9cZtBthiMM8r7
wf2MDyueY31Hsh0T70TsMEyU+nUXhC3iiHbJRqNTMFEwHQYDVR0OBBYEFNapDc4Z
n7ui1vMuS/7cOb8VkbdMMB8GA1UdIwQYMBaAFNapDc4Zn7ui1vMuS/7cOb8VkbdM
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgeQ9VIZBeW2ZKywtJ
kopbCNMCSAalyrzrATwlf67oe0wCIQD7VWhal6JPebLH8/v5TMB0c81X4FfQsCif
q/DZyxuvpQ==
-----END CERTIFICATE-----
`;

let above: string;
before(async () => {
  above = await mkdtemp(join(tmpdir(), 'lapwing-trusted-'));
});
after(() => rm(above, { recursive: true }));

async function added(anchors: TrustAnchors, pem: string): Promise<string> {
  const result = await anchors.add(pem);
  assert.ok(!isMalformed(result), JSON.stringify(result));
  return result.anchor.fingerprint;
}

describe('the trust anchors', () => {
  it('are kept in the folder, and there after a new start', async () => {
    const folder = join(above, 'kept');
    const first = new TrustAnchors(folder);
    assert.deepEqual(await first.load(), []);
    const fingerprint = await added(first, A);
    await added(first, B);
    assert.equal(await added(first, A), fingerprint);
    assert.equal(first.certificates.length, 2);
    const second = new TrustAnchors(folder);
    assert.deepEqual(await second.load(), []);
    assert.deepEqual(
      second.all().map(({ subject }) => subject),
      ['CN=Lapwing Test CA A', 'O=Example, CN=Lapwing Test CA B'],
    );
    assert.equal(second.find(fingerprint)?.subject, 'CN=Lapwing Test CA A');
    assert.equal(await second.remove(fingerprint), true);
    assert.equal(await second.remove(fingerprint), false);
    assert.equal(second.certificates.length, 1);
    assert.equal((await readdir(folder)).length, 1);
  });

  it('that share a file, which a person put there, are removed one by one', async () => {
    const folder = join(above, 'shared');
    await new TrustAnchors(folder).load();
    await writeFile(join(folder, 'ours.pem'), `Bag Attributes\n${A}\n# and\n${B}`);
    const anchors = new TrustAnchors(folder);
    assert.deepEqual(await anchors.load(), []);
    const [a, b] = anchors.all();
    assert.ok(a !== undefined && b !== undefined);
    await anchors.remove(a.fingerprint);
    const again = new TrustAnchors(folder);
    await again.load();
    assert.deepEqual(again.all(), [b]);
    await anchors.remove(b.fingerprint);
    assert.deepEqual(await readdir(folder), []);
  });

  it('leave out a file that cannot be read as certificates, with a sentence, and take the others', async () => {
    const folder = join(above, 'odd');
    await new TrustAnchors(folder).load();
    await writeFile(join(folder, 'a.pem'), A);
    await writeFile(join(folder, 'damaged.pem'), A.replace('MII', 'MIA'));
    await writeFile(join(folder, 'empty.pem'), '');
    await writeFile(join(folder, 'key.pem'), '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n');
    const anchors = new TrustAnchors(folder);
    assert.deepEqual(await anchors.load(), [
      `${join(folder, 'damaged.pem')} is not trusted: certificate 1 in it cannot be read.`,
      `${join(folder, 'empty.pem')} is not trusted: there is no certificate in PEM in it.`,
      `${join(folder, 'key.pem')} is not trusted: it holds a private key, which belongs elsewhere.`,
    ]);
    assert.equal(anchors.certificates.length, 1);
  });

  it('are added one certificate at a time', async () => {
    const anchors = new TrustAnchors(undefined);
    for (const [pem, sentence] of [
      [A + B, /one certificate at a time is wanted, there are 2/],
      ['', /no certificate in PEM/],
      [' '.repeat(100_000), /longer than 65536/],
    ] as const) {
      const result = await anchors.add(pem);
      assert.ok(isMalformed(result));
      assert.match(result.malformed, sentence);
    }
    assert.deepEqual(anchors.all(), []);
  });

  it('change what was handed to the handshakes, without a new start', async () => {
    const anchors = new TrustAnchors(undefined);
    const live = anchors.certificates;
    const fingerprint = await added(anchors, A);
    assert.equal(live.length, 1);
    await anchors.remove(fingerprint);
    assert.equal(live.length, 0);
  });
});
