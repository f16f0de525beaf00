/**
 * DTLS 1.2 between our endpoint and OpenSSL's `s_client` and `s_server`, over UDP on the loopback interface: a handshake
 * with every cipher suite both have, data both ways, and a goodbye.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type {
  Association,
  CertificateCredential,
  CipherSuiteName,
  ClientCredentials,
  ServerCertificatePolicy,
  ServerCredentials,
} from '@lapwing/dtls';
import { nodeCrypto } from '@lapwing/transport';
import { DtlsPeer, type DtlsPeerOptions } from '../src/dtls-peer.ts';
import { OpensslCertificates, type OpensslCertificate } from '../src/openssl-certificates.ts';
import { Conversation, freeUdpPort, missingTool } from '../src/tool.ts';

const DAY = 86_400_000;

/** OpenSSL's names. Security level 0: from level 1 on an eight-byte tag is too short for it. */
const SUITES: readonly (readonly [CipherSuiteName, openssl: string])[] = [
  ['TLS_PSK_WITH_AES_128_CCM_8', 'PSK-AES128-CCM8'],
  ['TLS_PSK_WITH_AES_128_GCM_SHA256', 'PSK-AES128-GCM-SHA256'],
  ['TLS_PSK_WITH_AES_128_CBC_SHA256', 'PSK-AES128-CBC-SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8', 'ECDHE-ECDSA-AES128-CCM8'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256', 'ECDHE-ECDSA-AES128-SHA256'],
];
const isPsk = (suite: CipherSuiteName): boolean => suite.startsWith('TLS_PSK');
const cipher = (openssl: string): readonly string[] => ['-cipher', `${openssl}:@SECLEVEL=0`];
const anyCipher = cipher(SUITES.map(([, name]) => name).join(':'));

const IDENTITY = 'device-4';
const KEY_HEX = '000102030405060708090a0b0c0d0e0f';
const key = nodeCrypto.importSecret(Buffer.from(KEY_HEX, 'hex'));
const PSK_WORDS = ['-psk_identity', IDENTITY, '-psk', KEY_HEX] as const;

const END = [
  'basicConstraints=critical,CA:FALSE',
  'keyUsage=critical,digitalSignature',
  'subjectKeyIdentifier=hash',
  'authorityKeyIdentifier=keyid',
];
const CA = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign', 'subjectKeyIdentifier=hash'];

describe('DTLS with OpenSSL', { skip: missingTool('openssl', 'openssl') }, () => {
  let openssl: OpensslCertificates;
  let root: OpensslCertificate;
  let middle: OpensslCertificate;
  let server: OpensslCertificate;
  let device: OpensslCertificate;
  /** The authority in the middle, to be sent. */
  let chainFile: string;

  before(async () => {
    openssl = await OpensslCertificates.create();
    root = await openssl.issue({ commonName: 'root', extensions: CA });
    middle = await openssl.issue({
      commonName: 'middle',
      issuer: root,
      extensions: [...CA, 'authorityKeyIdentifier=keyid'],
    });
    const names = 'subjectAltName=DNS:server.example,IP:127.0.0.1';
    server = await openssl.issue({ commonName: 'server', issuer: middle, extensions: [...END, names] });
    device = await openssl.issue({ commonName: IDENTITY, issuer: middle, extensions: END });
    chainFile = middle.certificateFile;
  });
  after(() => openssl[Symbol.asyncDispose]());

  const credential = (
    certificate: OpensslCertificate,
    ...authorities: readonly OpensslCertificate[]
  ): CertificateCredential => ({
    chain: [certificate.der, ...authorities.map(({ der }) => der)],
    privateKey: nodeCrypto.importPrivateKey(certificate.privateKey.export({ format: 'der', type: 'pkcs8' }))!.key,
  });
  const certificateWords = (certificate: OpensslCertificate): readonly string[] => [
    '-cert',
    certificate.certificateFile,
    '-key',
    certificate.keyFile,
    '-cert_chain',
    chainFile,
  ];
  const trustWords = (): readonly string[] => [
    '-CAfile',
    root.certificateFile,
    '-no-CApath',
    '-no-CAstore',
    '-verify_return_error',
  ];

  describe('s_client talks to our server', () => {
    const serverCredentials = (rest: Partial<ServerCredentials> = {}): ServerCredentials => ({
      psk: {},
      certificate: credential(server, middle),
      clientAuthentication: 'none',
      clientCertificateTypes: ['x509'],
      trustAnchors: [root.der],
      ...rest,
    });
    const ours = (options: Partial<DtlsPeerOptions> = {}): Promise<DtlsPeer> =>
      DtlsPeer.open({
        server: serverCredentials(),
        parameters: { cipherSuites: SUITES.map(([name]) => name) },
        answer: (lookup) => {
          if (lookup.kind !== 'psk') return { kind: 'accepted' };
          return Buffer.from(lookup.identity).toString() === IDENTITY ? { kind: 'key', key } : { kind: 'unknown' };
        },
        ...options,
      });
    const client = (peer: DtlsPeer, ...words: readonly string[]): Conversation =>
      new Conversation('openssl', ['s_client', '-dtls1_2', '-connect', `127.0.0.1:${peer.port}`, ...words]);

    /** The handshake completes, each side says something to the other, and the client says goodbye. */
    async function converse(peer: DtlsPeer, theirs: Conversation): Promise<Association> {
      const outcome = await peer.outcomes.take();
      assert.equal(outcome.kind, 'opened', outcome.kind === 'refused' ? outcome.refusal.text : theirs.output);
      const { association } = outcome;
      theirs.write('from openssl\n');
      assert.equal(await peer.received.take(), 'from openssl\n');
      peer.send(association, 'from lapwing\n');
      await theirs.waitFor(/from lapwing/);
      theirs.end();
      const closed = await peer.closed.take();
      assert.equal(closed.reason, 'peer-closed');
      assert.equal(closed.association, association);
      assert.equal(peer.endpoint.usage.associations, 0);
      return association;
    }

    for (const [suite, name] of SUITES) {
      it(`${suite}`, async () => {
        await using peer = await ours();
        await using theirs = client(peer, ...cipher(name), ...(isPsk(suite) ? PSK_WORDS : trustWords()));
        const association = await converse(peer, theirs);
        assert.equal(association.cipherSuite, suite);
        assert.equal(association.extendedMasterSecret, true);
        assert.match(theirs.output, new RegExp(`Cipher is ${name}`));
        if (isPsk(suite)) {
          assert.deepEqual(association.principal, { kind: 'psk', identity: new Uint8Array(Buffer.from(IDENTITY)) });
        } else {
          assert.equal(association.principal?.kind, 'anonymous');
          assert.match(theirs.output, /Verify return code: 0 \(ok\)/);
        }
      });
    }

    for (const [suite, name] of SUITES.filter(([each]) => each.includes('CBC'))) {
      it(`${suite} without encrypt-then-MAC (RFC 7366)`, async () => {
        await using peer = await ours();
        const configuration = await openssl.write('cnf', NO_ENCRYPT_THEN_MAC);
        await using theirs = new Conversation('env', [
          `OPENSSL_CONF=${configuration}`,
          'openssl',
          's_client',
          '-dtls1_2',
          '-connect',
          `127.0.0.1:${peer.port}`,
          ...cipher(name),
          ...(isPsk(suite) ? PSK_WORDS : []),
        ]);
        await converse(peer, theirs);
      });
    }

    for (const group of ['secp256r1', 'x25519'] as const) {
      it(`ECDHE on ${group}`, async () => {
        // Both offer both: the certificate is on secp256r1, which a client has to list for it. RFC 8422 §5.1.1.
        const groups = group === 'x25519' ? (['x25519', 'secp256r1'] as const) : (['secp256r1', 'x25519'] as const);
        await using peer = await ours({ parameters: { groups } });
        const names = group === 'x25519' ? 'X25519:P-256' : 'P-256:X25519';
        await using theirs = client(peer, ...cipher('ECDHE-ECDSA-AES128-CCM8'), ...trustWords(), '-groups', names);
        await converse(peer, theirs);
        assert.match(theirs.output, group === 'x25519' ? /Temp Key: X25519/ : /Temp Key: ECDH, prime256v1/);
      });
    }

    it('mutual X.509 with SNI', async () => {
      await using peer = await ours({ server: serverCredentials({ clientAuthentication: 'required' }) });
      await using theirs = client(
        peer,
        ...cipher('ECDHE-ECDSA-AES128-CCM8'),
        ...certificateWords(device),
        ...trustWords(),
        '-servername',
        'server.example',
        '-verify_hostname',
        'server.example',
      );
      const { principal, serverName } = await converse(peer, theirs);
      assert.equal(principal?.kind, 'x509');
      assert.equal(principal.commonName, IDENTITY);
      assert.equal(serverName, 'server.example');
    });

    it('a certificate the store does not know is refused, and told by an alert', async () => {
      await using peer = await ours({
        server: serverCredentials({ clientAuthentication: 'required' }),
        answer: () => ({ kind: 'unknown' }),
      });
      await using theirs = client(peer, ...cipher('ECDHE-ECDSA-AES128-CCM8'), ...certificateWords(device));
      const outcome = await peer.outcomes.take();
      assert.equal(outcome.kind, 'refused');
      assert.match(outcome.refusal.text, new RegExp(IDENTITY));
      await theirs.waitFor(/alert/);
      assert.equal(peer.endpoint.usage.handshakes, 0);
    });

    it('no certificate where one is required', async () => {
      await using peer = await ours({ server: serverCredentials({ clientAuthentication: 'required' }) });
      await using theirs = client(peer, ...cipher('ECDHE-ECDSA-AES128-CCM8'));
      const outcome = await peer.outcomes.take();
      assert.equal(outcome.kind, 'refused');
      assert.equal(outcome.refusal.reason, 'no-certificate');
      await theirs.waitFor(/handshake failure/);
    });

    it('an unknown PSK identity is told by its alert (OMA TS)', async () => {
      await using peer = await ours();
      await using theirs = client(peer, ...cipher('PSK-AES128-CCM8'), '-psk_identity', 'stranger', '-psk', KEY_HEX);
      const outcome = await peer.outcomes.take();
      assert.equal(outcome.kind, 'refused');
      assert.equal(outcome.refusal.reason, 'unknown-identity');
      assert.equal(outcome.refusal.claimedIdentity, 'stranger');
      await theirs.waitFor(/unknown psk identity/);
    });

    it('a wrong key', async () => {
      await using peer = await ours();
      await using theirs = client(
        peer,
        ...cipher('PSK-AES128-CCM8'),
        '-psk_identity',
        IDENTITY,
        '-psk',
        'ff'.repeat(16),
      );
      const outcome = await peer.outcomes.take();
      assert.equal(outcome.kind, 'refused');
      assert.equal(outcome.refusal.reason, 'wrong-key');
      assert.equal(outcome.refusal.claimedIdentity, IDENTITY);
      void theirs;
    });

    it('no cipher suite in common is told with what was offered', async () => {
      await using peer = await ours();
      await using theirs = client(peer, ...cipher('PSK-AES256-GCM-SHA384'), ...PSK_WORDS);
      const outcome = await peer.outcomes.take();
      assert.equal(outcome.kind, 'refused');
      assert.equal(outcome.refusal.reason, 'no-common-cipher-suite');
      await theirs.waitFor(/handshake failure/);
    });

    for (const [how, words] of [
      ['a ticket (RFC 5077)', []],
      ['its session ID', ['-no_ticket']],
    ] as const) {
      it(`a session is resumed by ${how}`, async () => {
        await using peer = await ours();
        const file = join(openssl.folder, `session-${words.length}.pem`);
        const all = [...cipher('PSK-AES128-CCM8'), ...PSK_WORDS, ...words];
        {
          await using theirs = client(peer, ...all, '-sess_out', file);
          await converse(peer, theirs);
        }
        assert.match(await readFile(file, 'latin1'), /BEGIN SSL SESSION PARAMETERS/);
        await using theirs = client(peer, ...all, '-sess_in', file);
        await converse(peer, theirs);
        assert.match(theirs.output, /Reused, TLSv1.2/);
        assert.equal(peer.endpoint.counters.handshakesResumed, 1);
      });
    }

    it('records of 512 bytes on request (RFC 6066 §4)', async () => {
      await using peer = await ours({ server: serverCredentials({ clientAuthentication: 'required' }) });
      await using theirs = client(
        peer,
        ...cipher('ECDHE-ECDSA-AES128-CCM8'),
        ...certificateWords(device),
        ...trustWords(),
        '-maxfraglen',
        '512',
      );
      const association = await converse(peer, theirs);
      assert.equal(peer.endpoint.counters.dropped['record-length'], undefined);
      assert.equal(association.principal?.kind, 'x509');
    });

    it('renegotiation is refused, and the association goes on (RFC 5746 §4.5)', async () => {
      await using peer = await ours();
      await using theirs = client(peer, ...cipher('PSK-AES128-CCM8'), ...PSK_WORDS);
      assert.equal((await peer.outcomes.take()).kind, 'opened');
      await theirs.waitFor(/Verify return code/);
      theirs.write('R\n');
      await theirs.waitFor(/RENEGOTIATING/);
      await theirs.waitFor(/no renegotiation|alert/i);
      assert.equal(peer.endpoint.counters.handshakesStarted, 1);
    });
  });

  describe('our client talks to s_server', () => {
    /** Its server, once it listens. */
    async function startServer(
      ...words: readonly string[]
    ): Promise<{ readonly theirs: Conversation; readonly port: number }> {
      const port = await freeUdpPort();
      const theirs = new Conversation('openssl', ['s_server', '-dtls1_2', '-accept', `127.0.0.1:${port}`, ...words]);
      await theirs.waitFor(/ACCEPT/);
      return { theirs, port };
    }
    const policy = (rest: Partial<ServerCertificatePolicy> = {}): ServerCertificatePolicy => ({
      usage: 2,
      certificate: root.der,
      matchingType: 0,
      trustAnchors: [],
      serverName: '127.0.0.1',
      ...rest,
    });
    const psk: ClientCredentials = { kind: 'psk', identity: Buffer.from(IDENTITY), key };

    async function converse(peer: DtlsPeer, theirs: Conversation): Promise<Association> {
      const outcome = await peer.outcomes.take();
      assert.equal(outcome.kind, 'opened', outcome.kind === 'refused' ? outcome.refusal.text : theirs.output);
      const { association } = outcome;
      peer.send(association, 'from lapwing\n');
      await theirs.waitFor(/from lapwing/);
      theirs.write('from openssl\n');
      assert.equal(await peer.received.take(), 'from openssl\n');
      peer.close(association);
      await theirs.waitFor(/DONE|shut down SSL/);
      return association;
    }

    for (const [suite, name] of SUITES) {
      it(`${suite}`, async () => {
        const words = isPsk(suite) ? ['-nocert', ...PSK_WORDS] : certificateWords(server);
        const { theirs, port } = await startServer(...cipher(name), ...words);
        await using _theirs = theirs;
        await using peer = await DtlsPeer.open({ parameters: { cipherSuites: [suite] } });
        const credentials: ClientCredentials = isPsk(suite) ? psk : { kind: 'x509', server: policy() };
        peer.connect({ host: '127.0.0.1', port }, { credentials });
        const association = await converse(peer, theirs);
        assert.equal(association.cipherSuite, suite);
        assert.equal(association.principal?.kind, isPsk(suite) ? 'psk' : 'x509');
        assert.match(theirs.output, new RegExp(`CIPHER is ${name}`));
      });
    }

    for (const group of ['secp256r1', 'x25519'] as const) {
      it(`ECDHE on ${group}`, async () => {
        const { theirs, port } = await startServer(...cipher('ECDHE-ECDSA-AES128-CCM8'), ...certificateWords(server));
        await using _theirs = theirs;
        await using peer = await DtlsPeer.open({
          parameters: { groups: group === 'x25519' ? ['x25519', 'secp256r1'] : [group] },
        });
        peer.connect({ host: '127.0.0.1', port }, { credentials: { kind: 'x509', server: policy() } });
        await converse(peer, theirs);
      });
    }

    it('mutual X.509 with SNI', async () => {
      const { theirs, port } = await startServer(
        ...cipher('ECDHE-ECDSA-AES128-CCM8'),
        ...certificateWords(server),
        ...trustWords(),
        '-Verify',
        '3',
        '-servername',
        'server.example',
        '-cert2',
        server.certificateFile,
        '-key2',
        server.keyFile,
      );
      await using _theirs = theirs;
      await using peer = await DtlsPeer.open({});
      const credentials: ClientCredentials = {
        kind: 'x509',
        own: credential(device, middle),
        server: policy({ usage: 3, certificate: server.der }),
      };
      peer.connect({ host: '127.0.0.1', port }, { credentials, serverName: 'server.example' });
      await converse(peer, theirs);
      assert.match(theirs.output, new RegExp(`subject=CN = ${IDENTITY}`));
      assert.match(theirs.output, /Hostname in TLS extension: "server.example"/);
    });

    it('a certificate the server does not trust: its alert is told', async () => {
      const { theirs, port } = await startServer(
        ...cipher('ECDHE-ECDSA-AES128-CCM8'),
        ...certificateWords(server),
        ...trustWords(),
        '-Verify',
        '3',
      );
      await using _theirs = theirs;
      await using peer = await DtlsPeer.open({});
      const stranger = await openssl.issue({ commonName: 'stranger', extensions: END.slice(0, 3) });
      const credentials: ClientCredentials = { kind: 'x509', own: credential(stranger), server: policy() };
      peer.connect({ host: '127.0.0.1', port }, { credentials });
      const outcome = await peer.outcomes.take();
      assert.equal(outcome.kind, 'refused');
      assert.equal(outcome.refusal.reason, 'alert-received');
      assert.equal(outcome.refusal.alert, 'unknown_ca');
    });

    it('another name of the server', async () => {
      const { theirs, port } = await startServer(...cipher('ECDHE-ECDSA-AES128-CCM8'), ...certificateWords(server));
      await using _theirs = theirs;
      await using peer = await DtlsPeer.open({});
      const credentials: ClientCredentials = { kind: 'x509', server: policy({ serverName: 'evil.example' }) };
      peer.connect({ host: '127.0.0.1', port }, { credentials });
      const outcome = await peer.outcomes.take();
      assert.equal(outcome.kind, 'refused');
      assert.equal(outcome.refusal.reason, 'certificate');
      assert.match(outcome.refusal.text, /is for server.example, 127.0.0.1, not for evil.example/);
      await theirs.waitFor(/alert bad certificate/);
    });

    it('a wrong key', async () => {
      const { theirs, port } = await startServer(...cipher('PSK-AES128-CCM8'), '-nocert', ...PSK_WORDS);
      await using _theirs = theirs;
      await using peer = await DtlsPeer.open({ parameters: { maxRetransmissions: 0, retransmissionTimeout: 500 } });
      const wrong = nodeCrypto.importSecret(Buffer.alloc(16, 0xff));
      peer.connect(
        { host: '127.0.0.1', port },
        { credentials: { kind: 'psk', identity: Buffer.from(IDENTITY), key: wrong } },
      );
      const outcome = await peer.outcomes.take();
      assert.equal(outcome.kind, 'refused');
    });

    it('a session is resumed', async () => {
      const { theirs, port } = await startServer(...cipher('PSK-AES128-CCM8'), '-nocert', ...PSK_WORDS);
      await using _theirs = theirs;
      await using peer = await DtlsPeer.open({});
      const to = { host: '127.0.0.1', port };
      peer.connect(to, { credentials: psk });
      const first = await peer.outcomes.take();
      assert.equal(first.kind, 'opened');
      const session = peer.endpoint.sessionOf(first.association);
      assert.ok(session !== undefined);
      peer.close(first.association);
      await theirs.waitFor(/DONE|shut down SSL/);
      peer.connect(to, { credentials: psk, session });
      const second = await peer.outcomes.take();
      assert.equal(second.kind, 'opened');
      assert.equal(second.resumed, true);
      await theirs.waitFor(/Reused session-id/);
    });
  });

  describe('bad certificates: the handshake ends as openssl verify says', () => {
    interface Bad {
      readonly name: string;
      readonly chain: () => Promise<readonly [OpensslCertificate, ...OpensslCertificate[]]>;
      readonly unixTime?: number;
      readonly accepted?: true;
      /** `s_server` does not show it at all. */
      readonly clientOnly?: true;
    }
    const below = (extensions: readonly string[], issuer?: OpensslCertificate): Promise<OpensslCertificate> =>
      openssl.issue({ commonName: 'subject', issuer: issuer ?? middle, extensions });
    const ROWS: readonly Bad[] = [
      { name: 'nothing wrong', accepted: true, chain: async () => [await below(END), middle] },
      { name: 'expired', unixTime: Date.now() + 40 * DAY, chain: async () => [await below(END), middle] },
      { name: 'not valid yet', unixTime: Date.now() - 2 * DAY, chain: async () => [await below(END), middle] },
      { name: 'an authority missing', chain: async () => [await below(END)] },
      {
        name: 'signed by itself',
        chain: async () => [await openssl.issue({ commonName: 'subject', extensions: END.slice(0, 3) })],
      },
      {
        name: 'for another purpose',
        chain: async () => [await below([...END, 'extendedKeyUsage=emailProtection']), middle],
      },
      {
        name: 'an unknown critical extension',
        chain: async () => [await below([...END, '1.2.3.4=critical,DER:0500']), middle],
      },
      {
        name: 'a key that must not sign',
        clientOnly: true,
        chain: async () => [await below([END[0]!, 'keyUsage=critical,cRLSign', ...END.slice(2)]), middle],
      },
      {
        name: 'an end entity as issuer',
        chain: async () => {
          const issuer = await below(END);
          return [await below(END, issuer), issuer, middle];
        },
      },
      {
        name: 'a path length exceeded',
        chain: async () => {
          const short = await openssl.issue({
            commonName: 'short',
            issuer: root,
            extensions: ['basicConstraints=critical,CA:TRUE,pathlen:0', ...CA.slice(1), 'authorityKeyIdentifier=keyid'],
          });
          const low = await openssl.issue({
            commonName: 'low',
            issuer: short,
            extensions: [...CA, 'authorityKeyIdentifier=keyid'],
          });
          return [await below(END, low), low, short];
        },
      },
    ];

    for (const { accepted = false, chain, clientOnly = false, name, unixTime = Date.now() + 60_000 } of ROWS) {
      const whose = clientOnly ? 'of a client' : 'of a client and of a server';
      it(`${name}: ${accepted ? 'accepted' : 'refused'}, ${whose}`, async () => {
        const [subject, ...authorities] = await chain();
        const ders = [subject, ...authorities].map(({ der }) => der);
        const files = await Promise.all(authorities.map(({ certificateFile }) => readFile(certificateFile, 'latin1')));
        const words = ['-cert', subject.certificateFile, '-key', subject.keyFile];
        if (files.length > 0) words.push('-cert_chain', await openssl.write('pem', files.join('')));

        for (const purpose of ['sslclient', 'sslserver']) {
          const at = ['-attime', String(Math.floor(unixTime / 1000))];
          const theirs = await openssl.verify(ders, [root.der], ['-x509_strict', '-purpose', purpose, ...at]);
          assert.equal(theirs.accepted, accepted, theirs.text);
        }

        {
          await using peer = await DtlsPeer.open({
            server: {
              certificate: credential(server, middle),
              clientAuthentication: 'required',
              clientCertificateTypes: ['x509'],
              trustAnchors: [root.der],
            },
            answer: () => ({ kind: 'accepted' }),
            unixTime: () => unixTime,
          });
          await using client = new Conversation('openssl', [
            's_client',
            '-dtls1_2',
            '-connect',
            `127.0.0.1:${peer.port}`,
            ...anyCipher,
            ...words,
          ]);
          const outcome = await peer.outcomes.take();
          assert.equal(outcome.kind, accepted ? 'opened' : 'refused', client.output);
          if (outcome.kind === 'refused') assert.equal(outcome.refusal.reason, 'certificate', outcome.refusal.text);
        }

        if (clientOnly) return;
        const port = await freeUdpPort();
        await using theirs = new Conversation('openssl', [
          's_server',
          '-dtls1_2',
          '-accept',
          `127.0.0.1:${port}`,
          ...anyCipher,
          ...words,
        ]);
        await theirs.waitFor(/ACCEPT/);
        await using peer = await DtlsPeer.open({ unixTime: () => unixTime });
        const policy = { usage: 2, certificate: root.der, matchingType: 0, trustAnchors: [] } as const;
        peer.connect({ host: '127.0.0.1', port }, { credentials: { kind: 'x509', server: policy } });
        const outcome = await peer.outcomes.take();
        assert.equal(outcome.kind, accepted ? 'opened' : 'refused', theirs.output);
        if (outcome.kind === 'refused') assert.equal(outcome.refusal.reason, 'certificate', outcome.refusal.text);
      });
    }
  });
});

/** SSL_OP_NO_ENCRYPT_THEN_MAC, for which s_client has no word. */
const NO_ENCRYPT_THEN_MAC = `openssl_conf = default
[default]
ssl_conf = ssl
[ssl]
system_default = system
[system]
Options = -EncryptThenMac
`;
