/**
 * DTLS 1.2 between our endpoint and GnuTLS's `gnutls-cli` and `gnutls-serv`, over UDP on the loopback interface: pre-shared
 * keys, raw public keys one way and both (RFC 7250), certificates written by this project.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  formatPem,
  writeCertificate,
  type Association,
  type CertificateOptions,
  type CipherSuiteName,
  type ClientCredentials,
  type RawPublicKeyCredential,
  type ServerCertificatePolicy,
  type ServerCredentials,
} from '@lapwing/dtls';
import { nodeCrypto } from '@lapwing/transport';
import { DtlsPeer, type DtlsPeerOptions } from '../src/dtls-peer.ts';
import { Conversation, freeUdpPort, missingTool } from '../src/tool.ts';

const DAY = 86_400_000;
const CLIENT = 'gnutls-cli';
const SERVER = 'gnutls-serv';

const IDENTITY = 'device-4';
const KEY_HEX = '000102030405060708090a0b0c0d0e0f';
const key = nodeCrypto.importSecret(Buffer.from(KEY_HEX, 'hex'));

/** Names of GnuTLS's priority strings. */
const SUITES: readonly (readonly [CipherSuiteName, priority: string])[] = [
  ['TLS_PSK_WITH_AES_128_CCM_8', '+PSK:+AES-128-CCM-8:+AEAD'],
  ['TLS_PSK_WITH_AES_128_GCM_SHA256', '+PSK:+AES-128-GCM:+AEAD'],
  ['TLS_PSK_WITH_AES_128_CBC_SHA256', '+PSK:+AES-128-CBC:+SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8', '+ECDHE-ECDSA:+AES-128-CCM-8:+AEAD'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', '+ECDHE-ECDSA:+AES-128-GCM:+AEAD'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256', '+ECDHE-ECDSA:+AES-128-CBC:+SHA256'],
];
const isPsk = (suite: CipherSuiteName): boolean => suite.startsWith('TLS_PSK');
const priority = (...parts: readonly string[]): readonly string[] => [
  '--priority',
  ['NORMAL:-VERS-ALL:+VERS-DTLS1.2:-KX-ALL:-CIPHER-ALL:-MAC-ALL', ...parts].join(':'),
];
const CCM_8 = SUITES[3]![1];
const RAW_PUBLIC_KEYS = '-CTYPE-ALL:+CTYPE-CLI-RAWPK:+CTYPE-SRV-RAWPK';

interface Identity {
  readonly privateKey: KeyObject;
  readonly subjectPublicKeyInfo: Uint8Array;
  readonly privateKeyFile: string;
  readonly publicKeyFile: string;
}
interface Certified extends Identity {
  readonly der: Uint8Array;
  readonly certificateFile: string;
}

describe('DTLS with GnuTLS', { skip: missingTool(CLIENT, 'gnutls-bin') }, () => {
  let folder: string;
  let root: Certified;
  let server: Certified;
  let device: Certified;
  let pskFile: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lapwing-gnutls-'));
    root = await certified('root', { authority: {} });
    const issuer = { privateKey: root.privateKey, certificate: root.der };
    server = await certified('server', {
      issuer,
      dnsNames: ['server.example'],
      ipAddresses: ['127.0.0.1'],
      purposes: ['serverAuth'],
    });
    device = await certified(IDENTITY, { issuer, purposes: ['clientAuth'] });
    pskFile = await file('psk', `${IDENTITY}:${KEY_HEX}\n`);
  });
  after(() => rm(folder, { recursive: true }));

  async function file(name: string, content: string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, content);
    return path;
  }

  async function identity(name: string): Promise<Identity> {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = { format: 'pem', type: 'spki' } as const;
    return {
      privateKey,
      subjectPublicKeyInfo: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
      privateKeyFile: await file(`${name}.key`, privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()),
      publicKeyFile: await file(`${name}.pub`, publicKey.export(pem).toString()),
    };
  }

  async function certified(commonName: string, options: Partial<CertificateOptions>): Promise<Certified> {
    const own = await identity(commonName);
    const now = Date.now();
    const der = writeCertificate(
      {
        subject: { commonName },
        subjectPublicKeyInfo: own.subjectPublicKeyInfo,
        notBefore: now - DAY,
        notAfter: now + DAY,
        issuer: own,
        ...options,
      },
      nodeCrypto,
    );
    return { ...own, der, certificateFile: await file(`${commonName}.pem`, formatPem({ label: 'CERTIFICATE', der })) };
  }

  const rawPublicKey = ({ privateKey, subjectPublicKeyInfo }: Identity): RawPublicKeyCredential => ({
    publicKey: subjectPublicKeyInfo,
    privateKey: nodeCrypto.importPrivateKey(privateKey.export({ format: 'der', type: 'pkcs8' }))!.key,
  });
  const certificateWords = ({ certificateFile, privateKeyFile }: Certified): readonly string[] => [
    '--x509certfile',
    certificateFile,
    '--x509keyfile',
    privateKeyFile,
  ];
  const rawWords = ({ privateKeyFile, publicKeyFile }: Identity): readonly string[] => [
    '--rawpkfile',
    publicKeyFile,
    '--rawpkkeyfile',
    privateKeyFile,
  ];
  const pskWords = ['--pskusername', IDENTITY, '--pskkey', KEY_HEX];

  describe('gnutls-cli talks to our server', () => {
    const ours = (
      server_: Partial<ServerCredentials> = {},
      options: Partial<DtlsPeerOptions> = {},
    ): Promise<DtlsPeer> =>
      DtlsPeer.open({
        server: {
          psk: {},
          certificate: { chain: [server.der], privateKey: rawPublicKey(server).privateKey },
          rawPublicKey: rawPublicKey(server),
          clientAuthentication: 'none',
          clientCertificateTypes: ['x509', 'rpk'],
          trustAnchors: [root.der],
          ...server_,
        },
        parameters: { cipherSuites: SUITES.map(([name]) => name) },
        answer: (lookup) => {
          if (lookup.kind !== 'psk') return { kind: 'accepted' };
          return Buffer.from(lookup.identity).toString() === IDENTITY ? { kind: 'key', key } : { kind: 'unknown' };
        },
        ...options,
      });
    const client = (peer: DtlsPeer, ...words: readonly string[]): Conversation =>
      new Conversation(CLIENT, ['--udp', '--port', String(peer.port), ...words, '127.0.0.1']);

    async function converse(peer: DtlsPeer, theirs: Conversation): Promise<Association> {
      const outcome = await peer.outcomes.take();
      assert.equal(outcome.kind, 'opened', outcome.kind === 'refused' ? outcome.refusal.text : theirs.output);
      const { association } = outcome;
      await theirs.waitFor(/Simple Client Mode/);
      theirs.write('from gnutls\n');
      assert.equal(await peer.received.take(), 'from gnutls\n');
      peer.send(association, 'from lapwing\n');
      await theirs.waitFor(/from lapwing/);
      theirs.end();
      assert.equal((await peer.closed.take()).reason, 'peer-closed');
      assert.equal(peer.endpoint.usage.associations, 0);
      return association;
    }
    const trust = (): readonly string[] => ['--x509cafile', root.certificateFile];

    for (const [suite, names] of SUITES) {
      it(`${suite}`, async () => {
        await using peer = await ours();
        await using theirs = client(peer, ...priority(names), ...(isPsk(suite) ? pskWords : trust()));
        const association = await converse(peer, theirs);
        assert.equal(association.cipherSuite, suite);
        assert.match(theirs.output, isPsk(suite) ? /PSK authentication/ : /The certificate is trusted/);
      });
      if (!suite.includes('CBC')) continue;
      it(`${suite} without encrypt-then-MAC`, async () => {
        await using peer = await ours();
        const words = isPsk(suite) ? pskWords : trust();
        await using theirs = client(peer, ...priority(names, '%NO_ETM'), ...words);
        await converse(peer, theirs);
        assert.doesNotMatch(theirs.output, /Encrypt-then-MAC/i);
      });
    }

    it('ECDHE on x25519', async () => {
      await using peer = await ours({}, { parameters: { groups: ['x25519', 'secp256r1'] } });
      await using theirs = client(peer, ...priority(CCM_8, '-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1'), ...trust());
      await converse(peer, theirs);
      assert.match(theirs.output, /ECDHE-X25519/);
    });

    it('without Extended Master Secret (RFC 7627)', async () => {
      await using peer = await ours();
      await using theirs = client(peer, ...priority(SUITES[0]![1], '%NO_SESSION_HASH'), ...pskWords);
      assert.equal((await converse(peer, theirs)).extendedMasterSecret, false);
    });

    it('mutual X.509', async () => {
      await using peer = await ours({ clientAuthentication: 'required' });
      await using theirs = client(peer, ...priority(CCM_8), ...trust(), ...certificateWords(device));
      const { principal } = await converse(peer, theirs);
      assert.equal(principal?.kind, 'x509');
      assert.equal(principal.commonName, IDENTITY);
    });

    it('the raw public key of the server alone', async () => {
      await using peer = await ours();
      await using theirs = client(peer, ...priority(CCM_8, RAW_PUBLIC_KEYS), '--insecure');
      const association = await converse(peer, theirs);
      assert.equal(association.principal?.kind, 'anonymous');
      assert.match(theirs.output, /Raw Public Key/);
    });

    it('raw public keys both ways', async () => {
      const own = await identity('own');
      const asked: unknown[] = [];
      await using peer = await ours(
        { clientAuthentication: 'required', clientCertificateTypes: ['rpk'] },
        {
          answer: (lookup) => {
            asked.push(lookup.kind === 'rpk' && lookup.publicKey);
            return { kind: 'accepted' };
          },
        },
      );
      await using theirs = client(peer, ...priority(CCM_8, RAW_PUBLIC_KEYS), '--insecure', ...rawWords(own));
      const { principal } = await converse(peer, theirs);
      assert.deepEqual(principal, { kind: 'rpk', publicKey: own.subjectPublicKeyInfo });
      assert.deepEqual(asked, [own.subjectPublicKeyInfo]);
    });

    it('a raw public key the store does not know', async () => {
      const own = await identity('stranger');
      await using peer = await ours(
        { clientAuthentication: 'required', clientCertificateTypes: ['rpk'] },
        { answer: () => ({ kind: 'unknown' }) },
      );
      await using theirs = client(peer, ...priority(CCM_8, RAW_PUBLIC_KEYS), '--insecure', ...rawWords(own));
      const outcome = await peer.outcomes.take();
      assert.equal(outcome.kind, 'refused');
      assert.equal(outcome.refusal.reason, 'unknown-public-key');
      await theirs.waitFor(/alert/);
    });

    it('an unknown PSK identity', async () => {
      await using peer = await ours();
      await using theirs = client(peer, ...priority(SUITES[0]![1]), '--pskusername', 'stranger', '--pskkey', KEY_HEX);
      const outcome = await peer.outcomes.take();
      assert.equal(outcome.kind, 'refused');
      assert.equal(outcome.refusal.claimedIdentity, 'stranger');
      await theirs.waitFor(/alert/i);
    });

    it('a session is resumed', async () => {
      await using peer = await ours();
      await using theirs = client(peer, ...priority(SUITES[0]![1]), ...pskWords, '--resume');
      assert.equal((await peer.outcomes.take()).kind, 'opened');
      const second = await peer.outcomes.take();
      assert.equal(second.kind, 'opened');
      assert.equal(second.resumed, true);
      await theirs.waitFor(/This is a resumed session/);
    });

    it('records of 512 bytes on request (RFC 6066 §4)', async () => {
      await using peer = await ours({ clientAuthentication: 'required' });
      const words = [...trust(), ...certificateWords(device), '--recordsize', '512'];
      await using theirs = client(peer, ...priority(CCM_8), ...words);
      await converse(peer, theirs);
    });
  });

  describe('our client talks to gnutls-serv', () => {
    async function startServer(
      ...words: readonly string[]
    ): Promise<{ readonly theirs: Conversation; readonly to: { readonly host: string; readonly port: number } }> {
      const port = await freeUdpPort('0.0.0.0');
      const theirs = new Conversation(SERVER, ['--udp', '--echo', '--port', String(port), ...words]);
      await theirs.waitFor(/IPv4 0\.0\.0\.0 port \d+\.\.\.done/);
      return { theirs, to: { host: '127.0.0.1', port } };
    }
    const policy = (): ServerCertificatePolicy => ({
      usage: 2,
      certificate: root.der,
      matchingType: 0,
      trustAnchors: [],
      serverName: 'server.example',
    });
    const psk: ClientCredentials = { kind: 'psk', identity: Buffer.from(IDENTITY), key };

    async function converse(peer: DtlsPeer): Promise<Association> {
      const outcome = await peer.outcomes.take();
      assert.equal(outcome.kind, 'opened', outcome.kind === 'refused' ? outcome.refusal.text : '');
      const { association } = outcome;
      peer.send(association, 'from lapwing\n');
      assert.equal(await peer.received.take(), 'from lapwing\n');
      peer.close(association);
      return association;
    }

    for (const [suite, names] of SUITES) {
      it(`${suite}`, async () => {
        const words = isPsk(suite) ? ['--pskpasswd', pskFile] : ['--disable-client-cert', ...certificateWords(server)];
        const { theirs, to } = await startServer(...priority(names), ...words);
        await using _theirs = theirs;
        await using peer = await DtlsPeer.open({ parameters: { cipherSuites: [suite] } });
        peer.connect(to, { credentials: isPsk(suite) ? psk : { kind: 'x509', server: policy() } });
        const association = await converse(peer);
        assert.equal(association.cipherSuite, suite);
      });
    }

    it('PSK with a hint (RFC 4279 §5.2)', async () => {
      const { theirs, to } = await startServer(...priority(SUITES[0]![1]), '--pskpasswd', pskFile, '--pskhint', 'hint');
      await using _theirs = theirs;
      await using peer = await DtlsPeer.open({});
      peer.connect(to, { credentials: psk });
      await converse(peer);
    });

    it('mutual X.509', async () => {
      const { theirs, to } = await startServer(
        ...priority(CCM_8),
        ...certificateWords(server),
        '--x509cafile',
        root.certificateFile,
        '--require-client-cert',
        '--verify-client-cert',
      );
      await using _theirs = theirs;
      await using peer = await DtlsPeer.open({});
      const own = { chain: [device.der], privateKey: rawPublicKey(device).privateKey };
      peer.connect(to, { credentials: { kind: 'x509', own, server: policy() }, serverName: 'server.example' });
      const { principal } = await converse(peer);
      assert.equal(principal?.kind, 'x509');
      assert.deepEqual(principal.alternativeNames, ['server.example', '127.0.0.1']);
    });

    it('raw public keys both ways', async () => {
      const [own, their] = [await identity('ours'), await identity('theirs')];
      const { theirs, to } = await startServer(
        ...priority(CCM_8, RAW_PUBLIC_KEYS),
        ...rawWords(their),
        '--require-client-cert',
      );
      await using _theirs = theirs;
      await using peer = await DtlsPeer.open({});
      const credentials: ClientCredentials = {
        kind: 'rpk',
        own: rawPublicKey(own),
        serverPublicKey: their.subjectPublicKeyInfo,
      };
      peer.connect(to, { credentials });
      const { principal } = await converse(peer);
      assert.deepEqual(principal, { kind: 'rpk', publicKey: their.subjectPublicKeyInfo });
    });

    it('the raw public key of the server alone', async () => {
      const [own, their] = [await identity('ours'), await identity('theirs')];
      const words = [...priority(CCM_8, RAW_PUBLIC_KEYS), ...rawWords(their), '--disable-client-cert'];
      const { theirs, to } = await startServer(...words);
      await using _theirs = theirs;
      await using peer = await DtlsPeer.open({});
      const credentials: ClientCredentials = {
        kind: 'rpk',
        own: rawPublicKey(own),
        serverPublicKey: their.subjectPublicKeyInfo,
      };
      peer.connect(to, { credentials });
      await converse(peer);
    });

    it('another raw public key than the server’s', async () => {
      const [own, their] = [await identity('ours'), await identity('theirs')];
      const { theirs, to } = await startServer(...priority(CCM_8, RAW_PUBLIC_KEYS), ...rawWords(their));
      await using _theirs = theirs;
      await using peer = await DtlsPeer.open({});
      const credentials: ClientCredentials = {
        kind: 'rpk',
        own: rawPublicKey(own),
        serverPublicKey: own.subjectPublicKeyInfo,
      };
      peer.connect(to, { credentials });
      const outcome = await peer.outcomes.take();
      assert.equal(outcome.kind, 'refused');
      assert.equal(outcome.refusal.reason, 'unknown-public-key');
    });

    it('a session is resumed', async () => {
      const { theirs, to } = await startServer(...priority(SUITES[0]![1]), '--pskpasswd', pskFile);
      await using _theirs = theirs;
      await using peer = await DtlsPeer.open({});
      peer.connect(to, { credentials: psk });
      const first = await peer.outcomes.take();
      assert.equal(first.kind, 'opened');
      const session = peer.endpoint.sessionOf(first.association);
      assert.ok(session !== undefined);
      peer.close(first.association);
      peer.connect(to, { credentials: psk, session });
      const second = await peer.outcomes.take();
      assert.equal(second.kind, 'opened');
      assert.equal(second.resumed, true);
    });
  });
});
