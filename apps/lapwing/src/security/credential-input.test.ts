import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { credentialFrom, type CredentialInput, isWrongField, type NewCredential } from './credential-input.ts';

const KEYS = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const SPKI = KEYS.publicKey.export({ type: 'spki', format: 'der' });
const ED25519 = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }) as string;

function accepted(input: CredentialInput): NewCredential {
  const credential = credentialFrom(input);
  assert.ok(!isWrongField(credential), JSON.stringify(credential));
  return credential;
}

describe('a credential', () => {
  it('of a pre-shared key has the key that was given, in any way hexadecimal is written', () => {
    for (const key of ['00ff10', '00:FF:10', ' 00 ff\n10 ']) {
      const { entry, key: told } = accepted({ device: 'lamp', kind: 'psk', identity: 'id', key });
      assert.equal(told, '00ff10');
      assert.ok(entry.kind === 'psk');
      assert.equal(entry.key.export().toString('hex'), '00ff10');
      assert.deepEqual(entry.identity, new TextEncoder().encode('id'));
    }
  });

  it('of a pre-shared key gets a random one of 16 bytes, and the name of the device as its identity', () => {
    const [one, other] = [accepted({ device: 'lamp', kind: 'psk' }), accepted({ device: 'lamp', kind: 'psk' })];
    assert.match(one.key ?? '', /^[0-9a-f]{32}$/);
    assert.notEqual(one.key, other.key);
    assert.ok(one.entry.kind === 'psk');
    assert.deepEqual(one.entry.identity, new TextEncoder().encode('lamp'));
  });

  it('of a pre-shared key may have an identity of any bytes', () => {
    const { entry } = accepted({ device: 'lamp', kind: 'psk', identity: '0x00ff' });
    assert.ok(entry.kind === 'psk');
    assert.deepEqual(entry.identity, Uint8Array.of(0, 255));
  });

  it('of a raw public key is the same from PEM, base64 and hexadecimal', () => {
    const pem = KEYS.publicKey.export({ type: 'spki', format: 'pem' }) as string;
    for (const publicKey of [pem, SPKI.toString('base64'), SPKI.toString('hex'), `\n${pem.replaceAll('\n', '\r\n')}`]) {
      const { entry, key } = accepted({ device: 'lamp', kind: 'rpk', publicKey });
      assert.deepEqual(entry, { kind: 'rpk', endpointClientName: 'lamp', publicKey: new Uint8Array(SPKI) });
      assert.equal(key, undefined);
    }
  });

  const PRIVATE = KEYS.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  for (const [what, input, field, sentence] of [
    ['a name that is empty', { device: '', kind: 'psk' }, 'device', /1 to 255 bytes/],
    ['a name that is too long', { device: 'ü'.repeat(128), kind: 'psk' }, 'device', /1 to 255 bytes/],
    ['an identity that is too long', { device: 'a', kind: 'psk', identity: 'a'.repeat(129) }, 'identity', /1 to 128/],
    ['an identity that is empty', { device: 'a', kind: 'psk', identity: '0x' }, 'identity', /1 to 128/],
    ['an identity in half a byte', { device: 'a', kind: 'psk', identity: '0x0' }, 'identity', /pairs/],
    ['a name that is too long for an identity', { device: 'a'.repeat(129), kind: 'psk' }, 'identity', /1 to 128/],
    ['a key that is no hexadecimal', { device: 'a', kind: 'psk', key: 'secret' }, 'key', /hexadecimal/],
    ['a key that is empty', { device: 'a', kind: 'psk', key: '' }, 'key', /1 to 64/],
    ['a key that is too long', { device: 'a', kind: 'psk', key: '00'.repeat(65) }, 'key', /1 to 64/],
    ['no public key', { device: 'a', kind: 'rpk' }, 'publicKey', /P-256 is needed/],
    ['a public key on another curve', { device: 'a', kind: 'rpk', publicKey: ED25519 }, 'publicKey', /P-256 is needed/],
    ['a private key', { device: 'a', kind: 'rpk', publicKey: PRIVATE }, 'publicKey', /stay on the device/],
    ['a key of no certificate', { device: 'a', kind: 'x509', key: '00' }, 'key', /kind x509 has none/],
    ['a certificate that is none', { device: 'a', kind: 'x509', certificate: '' }, 'certificate', /there are 0/],
    [
      'a damaged certificate',
      { device: 'a', kind: 'x509', certificate: '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----' },
      'certificate',
      /cannot be read/,
    ],
  ] satisfies [string, CredentialInput, keyof CredentialInput, RegExp][]) {
    it(`with ${what} is refused, with the field named and no key repeated`, () => {
      const refused = credentialFrom(input);
      assert.ok(isWrongField(refused));
      assert.equal(refused.field, field);
      assert.match(refused.malformed, sentence);
      assert.doesNotMatch(refused.malformed, /secret|BEGIN/);
    });
  }
});
