/** A DTLS endpoint on a bare socket that sends every record's content back. Argument: the pre-shared key in hex. */
import { createSocket } from 'node:dgram';
import { DtlsEndpoint, type DtlsOutbox } from '@lapwing/dtls';
import { nodeCrypto } from '@lapwing/transport';
import { serveParent } from './parent.ts';

const psk = nodeCrypto.importSecret(Buffer.from(process.argv[2] ?? '', 'hex'));
const dtls = new DtlsEndpoint({
  crypto: nodeCrypto,
  unixTime: () => Date.now(),
  server: { psk: {}, clientAuthentication: 'required', clientCertificateTypes: [], trustAnchors: [] },
});
const socket = createSocket({ type: 'udp4', lookup: (address, _options, callback) => callback(null, address, 4) });
const sent = (): void => undefined;
const out: DtlsOutbox = {
  transmit: ({ host, port }, datagram) => socket.send(datagram, port, host, sent),
  deliver: (association, plaintext) => void dtls.send(performance.now(), association, plaintext, out),
  emit: (event) => {
    if (event.kind === 'lookup') queueMicrotask(() => answer(event.lookup));
  },
};
const answer = (lookup: Parameters<typeof dtls.answer>[1]): void => {
  dtls.answer(performance.now(), lookup, { kind: 'key', key: psk }, out);
  arm();
};
socket.on('message', (datagram, { address, port }) => {
  dtls.handleDatagram(performance.now(), { host: address, port }, datagram, out);
  arm();
});
let timer: NodeJS.Timeout | undefined;
function arm(): void {
  if (timer !== undefined || dtls.nextDeadline() === Infinity) return;
  timer = setTimeout(
    () => {
      timer = undefined;
      dtls.handleTimeout(performance.now(), out);
      arm();
    },
    Math.max(dtls.nextDeadline() - performance.now(), 100),
  );
}
socket.bind(0, '127.0.0.1', () => serveParent(socket.address().port));
