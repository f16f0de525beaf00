/**
 * Our CoAP endpoint over DTLS, with one small resource.
 *
 * Arguments: pre-shared key in hex; PEM files of the certificate authority, of the server's certificate and of its key;
 * 'mutual' to demand a certificate or raw public key of clients that come with such a suite.
 */
import { readFileSync } from 'node:fs';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { Codes, buildOptions, readOptions } from '@lapwing/coap';
import type { OutgoingResponse } from '@lapwing/coap';
import { DtlsEndpoint } from '@lapwing/dtls';
import { DgramTransport, DtlsDriver, nodeCrypto } from '@lapwing/transport';
import { serveParent } from './parent.ts';

const [key = '', ca = '', certificate = '', keyFile = '', clients] = process.argv.slice(2);
const found: OutgoingResponse = {
  code: Codes.content,
  options: buildOptions({ contentFormat: 0 }),
  payload: new TextEncoder().encode('Nov 22 12:00:00'),
};
const notFound: OutgoingResponse = { code: Codes.notFound, options: [], payload: new Uint8Array(0) };

const der = (path: string): Uint8Array => new X509Certificate(readFileSync(path)).raw;
const privateKey = createPrivateKey(readFileSync(keyFile));
const psk = nodeCrypto.importSecret(Buffer.from(key, 'hex'));
const dtls = new DtlsEndpoint({
  crypto: nodeCrypto,
  unixTime: () => Date.now(),
  server: {
    psk: {},
    certificate: { chain: [der(certificate)], privateKey },
    rawPublicKey: { publicKey: createPublicKey(privateKey).export({ type: 'spki', format: 'der' }), privateKey },
    clientAuthentication: clients === 'mutual' ? 'required' : 'none',
    clientCertificateTypes: ['x509', 'rpk'],
    trustAnchors: [der(ca)],
  },
});
const driver = new DtlsDriver(new DgramTransport({ host: '127.0.0.1', port: 0 }), dtls);
driver.onAssociation = (event) => {
  if (event.kind !== 'lookup') return;
  driver.answer(event.lookup, event.lookup.kind === 'psk' ? { kind: 'key', key: psk } : { kind: 'accepted' });
};
driver.onEvent = (event) => {
  if (event.kind !== 'request') return;
  const { code, options } = event.request;
  const path = readOptions(options, 'uriPath');
  const response = code === Codes.get && path.length === 1 && path[0] === 'time' ? found : notFound;
  driver.turn((now, out) => driver.endpoint.respond(now, event.request, response, out));
};
await driver.open();
serveParent(driver.localAddress.port, () => ({ ...driver.dtlsUsage }));
