/**
 * Handshakes with raw public keys on both sides, from our own client: OpenSSL 3.0 has none. 16 at once, each on a socket
 * of its own, in the benchmark's process; counted is the server's CPU time.
 */
import { createSocket, type Socket } from 'node:dgram';
import { generateKeyPairSync, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { DtlsEndpoint, type Association, type ClientCredentials, type DtlsOutbox } from '@lapwing/dtls';
import { nodeCrypto } from '@lapwing/transport';

export interface RawPublicKeyLoad {
  readonly cpuMicroseconds: number;
  readonly perSecond: number;
}

export async function rawPublicKeyLoad(
  server: { readonly pid: number; readonly port: number },
  serverCertificateKey: string,
  seconds: number,
): Promise<RawPublicKeyLoad> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const credentials: ClientCredentials = {
    kind: 'rpk',
    own: { publicKey: publicKey.export({ type: 'spki', format: 'der' }), privateKey },
    serverPublicKey: createPublicKey(readFileSync(serverCertificateKey)).export({ type: 'spki', format: 'der' }),
  };
  const clients = await Promise.all(Array.from({ length: 16 }, () => LoopClient.start(server.port, credentials)));
  await sleep(seconds / 3);
  const completed = (): number => clients.reduce((sum, client) => sum + client.completed, 0);
  const [countBefore, cpuBefore, from] = [completed(), cpuSeconds(server.pid), performance.now()];
  await sleep(seconds);
  const [count, cpu, took] = [completed() - countBefore, cpuSeconds(server.pid) - cpuBefore, performance.now() - from];
  for (const client of clients) client.close();
  if (count === 0) throw new Error('no handshake with raw public keys completed');
  return { cpuMicroseconds: (cpu / count) * 1e6, perSecond: (count / took) * 1e3 };
}

const sleep = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1e3));

/** User and system time of a process so far. Ticks of 10 ms. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** One association after the other. */
class LoopClient {
  completed = 0;
  readonly #socket: Socket;
  readonly #dtls: DtlsEndpoint;
  readonly #out: DtlsOutbox;
  readonly #begin: () => void;

  static async start(port: number, credentials: ClientCredentials): Promise<LoopClient> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new LoopClient(socket, port, credentials);
  }

  private constructor(socket: Socket, port: number, credentials: ClientCredentials) {
    const dtls = new DtlsEndpoint({ crypto: nodeCrypto, unixTime: () => Date.now() });
    this.#socket = socket;
    this.#dtls = dtls;
    this.#out = {
      transmit: (to, datagram) => socket.send(datagram, to.port, to.host),
      deliver: () => undefined,
      emit: (event) => {
        if (event.kind === 'opened') setImmediate(() => this.#again(event.association));
        else if (event.kind === 'refused') throw new Error(event.refusal.text);
      },
    };
    this.#begin = () =>
      void dtls.connect(
        performance.now(),
        { host: '127.0.0.1', port },
        { credentials, cipherSuites: ['TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8'] },
        this.#out,
      );
    socket.on('message', (datagram, { address, port: from }) =>
      dtls.handleDatagram(performance.now(), { host: address, port: from }, datagram, this.#out),
    );
    this.#begin();
  }

  close(): void {
    this.#socket.close();
    this.#again = () => undefined;
  }

  #again = (association: Association): void => {
    this.completed++;
    this.#dtls.close(performance.now(), association, this.#out);
    this.#begin();
  };
}
