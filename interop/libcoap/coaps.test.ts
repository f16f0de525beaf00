/**
 * CoAP over DTLS between our driver and libcoap's example client and server (Debian package libcoap3-bin), built with
 * OpenSSL and with GnuTLS, in both roles: pre-shared keys, certificates, and raw public keys where theirs has them.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Codes, buildOptions, formatCode, readOption, type ObserveRelation, type OutgoingRequest } from '@lapwing/coap';
import {
  formatPem,
  writeCertificate,
  type CertificateOptions,
  type ClientCredentials,
  type DtlsParameters,
  type RawPublicKeyCredential,
  type ServerCredentials,
} from '@lapwing/dtls';
import { nodeCrypto, type PeerAddress } from '@lapwing/transport';
import { CoapsPeer } from '../src/coaps-peer.ts';
import { freeUdpPortPair, missingTool, runTool, Conversation, type Finished } from '../src/tool.ts';

const DAY = 86_400_000;
const NOTHING = new Uint8Array(0);
const HOST = '127.0.0.1';
const IDENTITY = 'device-4';
const KEY = 'sixteen letters!';
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
/** A body whose every block differs. */
const body = (bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, index) => 33 + ((index * 7 + (index >> 8)) % 90));

type Kind = 'psk' | 'x509' | 'rpk';
/** The builds of libcoap, and what each can prove itself with. */
const BUILDS: readonly (readonly [build: string, kinds: readonly Kind[]])[] = [
  ['openssl', ['psk', 'x509']],
  ['gnutls', ['psk', 'x509', 'rpk']],
];

interface Certified extends RawPublicKeyCredential {
  readonly der: Uint8Array;
  readonly certificateFile: string;
  readonly keyFile: string;
}

let folder: string;
let root: Certified;
let server: Certified;
let device: Certified;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapwing-libcoap-'));
  root = await certified('root', undefined, { authority: {} });
  server = await certified('server', root, { ipAddresses: ['127.0.0.1'], purposes: ['serverAuth'] });
  device = await certified(IDENTITY, root, { purposes: ['clientAuth'] });
});
after(() => rm(folder, { recursive: true }));

async function certified(
  commonName: string,
  issuer: Certified | undefined,
  options: Partial<CertificateOptions>,
): Promise<Certified> {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKey = new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' }));
  const privateKey = nodeCrypto.importPrivateKey(pair.privateKey.export({ format: 'der', type: 'pkcs8' }))!.key;
  const now = Date.now();
  const der = writeCertificate(
    {
      subject: { commonName },
      subjectPublicKeyInfo: publicKey,
      notBefore: now - DAY,
      notAfter: now + DAY,
      issuer: issuer === undefined ? { privateKey } : { privateKey: issuer.privateKey, certificate: issuer.der },
      ...options,
    },
    nodeCrypto,
  );
  const certificateFile = join(folder, `${commonName}.pem`);
  const keyFile = join(folder, `${commonName}.key`);
  await writeFile(certificateFile, formatPem({ label: 'CERTIFICATE', der }));
  // The one form that libcoap takes for a raw public key too.
  await writeFile(keyFile, pair.privateKey.export({ format: 'pem', type: 'sec1' }));
  return { publicKey, privateKey, der, certificateFile, keyFile };
}

/** What a libcoap program is told of its own credentials and of its peer's. */
function words(kind: Kind, own: Certified, role: 'client' | 'server'): readonly string[] {
  switch (kind) {
    case 'psk':
      return role === 'client' ? ['-u', IDENTITY, '-k', KEY] : ['-h', '', '-k', KEY];
    case 'x509':
      return ['-c', own.certificateFile, '-j', own.keyFile, '-C', root.certificateFile];
    case 'rpk':
      return ['-M', own.keyFile];
  }
}

/** A libcoap client that has a raw public key would take a certificate too, prefers it, and cannot validate it then. */
const serverCredentials = (kind: Kind): ServerCredentials => ({
  psk: {},
  ...(kind === 'rpk'
    ? { rawPublicKey: server }
    : { certificate: { chain: [server.der], privateKey: server.privateKey } }),
  clientAuthentication: 'required',
  clientCertificateTypes: ['x509', 'rpk'],
  trustAnchors: [root.der],
});

/** For handshakes that nothing but the end of their time ends. */
const SOON_OVER: Partial<DtlsParameters> = { handshakeTimeout: 1_500 };

const ours = (kind: Kind = 'x509', dtls: Partial<DtlsParameters> = {}): Promise<CoapsPeer> =>
  CoapsPeer.listen({
    server: serverCredentials(kind),
    dtls,
    answer: (lookup) => {
      switch (lookup.kind) {
        case 'psk':
          if (text(lookup.identity) !== IDENTITY) return { kind: 'unknown' };
          return { kind: 'key', key: nodeCrypto.importSecret(utf8(KEY)) };
        case 'rpk':
          return { kind: Buffer.compare(lookup.publicKey, device.publicKey) === 0 ? 'accepted' : 'unknown' };
        case 'x509':
          return { kind: lookup.principal.commonName === IDENTITY ? 'accepted' : 'unknown' };
      }
    },
  });

function clientCredentials(kind: Kind): ClientCredentials {
  switch (kind) {
    case 'psk':
      return { kind, identity: utf8(IDENTITY), key: nodeCrypto.importSecret(utf8(KEY)) };
    case 'rpk':
      return { kind, own: device, serverPublicKey: server.publicKey };
    case 'x509':
      return {
        kind,
        own: { chain: [device.der], privateKey: device.privateKey },
        server: { usage: 2, certificate: root.der, matchingType: 0, trustAnchors: [], serverName: '127.0.0.1' },
      };
  }
}

for (const [build, kinds] of BUILDS) {
  const CLIENT = `coap-client-${build}`;
  const SERVER = `coap-server-${build}`;

  describe(`${CLIENT} asks over coaps, we answer`, { skip: missingTool(CLIENT, 'libcoap3-bin') }, () => {
    const ask = (peer: CoapsPeer, path: string, ...more: readonly string[]): Promise<Finished> =>
      runTool(CLIENT, ['-B', '20', ...more, `coaps://127.0.0.1:${peer.port}/${path}`]);

    for (const kind of kinds) {
      it(`${kind}: GET, and its goodbye ends the association`, async () => {
        await using peer = await ours(kind);
        peer.handle('small', (request, now, out) => {
          assert.equal(request.peer.security.kind, kind);
          const response = { code: Codes.content, options: [], payload: utf8('22.3 C') };
          peer.driver.endpoint.respond(now, request, response, out);
        });
        const { stdout, stderr } = await ask(peer, 'small', ...words(kind, device, 'client'));
        assert.equal(stdout.trim(), '22.3 C', stderr);
        const outcome = await peer.outcomes.take();
        assert.equal(outcome.kind === 'opened' && outcome.association.principal?.kind, kind);
        assert.equal(await peer.closed.take(), 'peer-closed');
        assert.equal(peer.driver.dtlsUsage.associations, 0);
      });

      it(`${kind}: a body of 64 KiB goes out in blocks and comes in in blocks (RFC 7959)`, async () => {
        await using peer = await ours(kind);
        const large = body(65_536);
        let received: Uint8Array = NOTHING;
        peer.handle('large', (request, now, out) => {
          if (request.code === Codes.put) received = request.payload.slice();
          const response =
            request.code === Codes.put
              ? { code: Codes.changed, options: [], payload: NOTHING }
              : { code: Codes.content, options: [], payload: large };
          peer.driver.endpoint.respond(now, request, response, out);
        });
        const own = words(kind, device, 'client');
        const file = join(folder, `${build}-${kind}`);
        await ask(peer, 'large', ...own, '-b', '1024', '-o', file);
        assert.deepEqual(Uint8Array.from(await readFile(file)), large);
        await ask(peer, 'large', ...own, '-b', '1024', '-m', 'put', '-f', file);
        assert.deepEqual(received, large);
      });
    }

    it('an observation brings every state we notify, and is cancelled at the end (RFC 7641)', async () => {
      await using peer = await ours();
      let relation: ObserveRelation | undefined;
      const { promise: cancelled, resolve: onCancelled } = Promise.withResolvers<void>();
      const content = (value: string): { code: typeof Codes.content; options: []; payload: Uint8Array } => ({
        code: Codes.content,
        options: [],
        payload: utf8(`${value}\n`),
      });
      peer.handle('watched', (request, now, out) => {
        const { endpoint } = peer.driver;
        const observe = request.observe === 'register';
        relation = endpoint.respond(now, request, { ...content('state 0'), observe }, out);
        if (request.observe === 'deregister') onCancelled();
        if (relation === undefined) return;
        const watched = relation;
        let sent = 0;
        const timer = setInterval(() => {
          if (++sent === 3) clearInterval(timer);
          peer.driver.turn((at, outbox) => endpoint.notify(at, watched, content(`state ${sent}`), outbox, sent === 2));
        }, 200);
      });
      const { stdout } = await ask(peer, 'watched', ...words('psk', device, 'client'), '-s', '2');
      assert.deepEqual(stdout.match(/state \d/g)?.slice(0, 4), ['state 0', 'state 1', 'state 2', 'state 3']);
      await cancelled;
    });

    it('an identity that nobody knows is refused, and the refusal names it', async () => {
      await using peer = await ours();
      await ask(peer, 'small', '-u', 'stranger', '-k', KEY, '-B', '1');
      const outcome = await peer.outcomes.take();
      assert.equal(outcome.kind === 'refused' && outcome.refusal.reason, 'unknown-identity');
      assert.equal(outcome.kind === 'refused' && outcome.refusal.claimedIdentity, 'stranger');
      assert.equal(peer.driver.dtlsUsage.handshakes, 0);
    });

    // A record that cannot be opened may be anybody's, so it is the end of the handshake's time that tells.
    it('a wrong key is refused, and the refusal says for whom', async () => {
      await using peer = await ours('x509', SOON_OVER);
      await ask(peer, 'small', '-u', IDENTITY, '-k', 'another key', '-B', '1');
      const outcome = await peer.outcomes.take();
      assert.equal(outcome.kind === 'refused' && outcome.refusal.reason, 'wrong-key');
      assert.equal(outcome.kind === 'refused' && outcome.refusal.claimedIdentity, IDENTITY);
      assert.equal(peer.driver.dtlsUsage.handshakes, 0);
    });

    it('a client that shows no certificate is refused where one is required', async () => {
      await using peer = await ours();
      await ask(peer, 'small', '-n', '-B', '1');
      const outcome = await peer.outcomes.take();
      assert.equal(outcome.kind === 'refused' && outcome.refusal.reason, 'no-certificate');
    });
  });

  describe(`we ask over coaps, ${SERVER} answers`, { skip: missingTool(SERVER, 'libcoap3-bin') }, () => {
    const get = (path: string, more: Partial<OutgoingRequest> = {}): OutgoingRequest => ({
      code: Codes.get,
      options: buildOptions({ uriPath: path.split('/') }),
      payload: NOTHING,
      ...more,
    });

    /** It listens with DTLS at the port after the one it is told. */
    async function serving(own: readonly string[]): Promise<readonly [Conversation, PeerAddress]> {
      const port = await freeUdpPortPair();
      const program = new Conversation(SERVER, ['-A', HOST, '-p', String(port), '-d', '10', '-v', '7', ...own]);
      await program.waitFor(/created DTLS endpoint/);
      return [program, { host: HOST, port: port + 1 }];
    }

    for (const kind of kinds) {
      describe(kind, () => {
        let theirs: Conversation;
        let to: PeerAddress;
        before(async () => {
          [theirs, to] = await serving(words(kind, server, 'server'));
        });
        after(() => theirs[Symbol.asyncDispose]());

        it('GET, bodies in blocks both ways, and an observation in order', async () => {
          await using peer = await CoapsPeer.listen();
          const server = await peer.connect(to, { credentials: clientCredentials(kind) });
          const time = await peer.request(server, get('time')).answer;
          assert.equal(formatCode(time.code), '2.05');
          assert.match(text(time.payload), /\d\d:\d\d:\d\d/);

          const sent = body(65_536);
          const put = await peer.request(server, get('example_data', { code: Codes.put, payload: sent })).answer;
          assert.match(formatCode(put.code), /^2\.0[14]$/);
          const got = await peer.request(server, get('example_data')).answer;
          assert.deepEqual(got.payload, sent);

          const { promise: two, resolve } = Promise.withResolvers<void>();
          const sequence: number[] = [];
          const { exchange, answer } = peer.request(server, get('time', { observe: true }), (notification) => {
            sequence.push(readOption(notification.options, 'observe')!);
            if (sequence.length === 2) resolve();
          });
          assert.notEqual(readOption((await answer).options, 'observe'), undefined);
          await two;
          assert.ok(sequence[0]! < sequence[1]!);
          const cancelled = await peer.request(server, get('time', { cancelObservation: exchange })).answer;
          assert.equal(readOption(cancelled.options, 'observe'), undefined);
        });
      });
    }

    it('with a wrong key nothing opens, and we are told so', async () => {
      const [started, to] = await serving(words('psk', server, 'server'));
      await using theirs = started;
      assert.notEqual(theirs.child.pid, undefined);
      await using peer = await CoapsPeer.listen({ dtls: SOON_OVER });
      const credentials: ClientCredentials = {
        kind: 'psk',
        identity: utf8(IDENTITY),
        key: nodeCrypto.importSecret(utf8('another key')),
      };
      await assert.rejects(peer.connect(to, { credentials }), /say nothing when the key is wrong/);
    });
  });
}
