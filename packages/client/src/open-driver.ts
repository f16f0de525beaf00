/**
 * The one socket of a client that is started, such that every server of its accounts, and of those that a bootstrap may
 * bring, can be reached over it.
 */
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { OperationFailed, UsageError } from '@lapwing/coap';
import type { CoapParameters } from '@lapwing/coap';
import type { DtlsParameters } from '@lapwing/dtls';
import { DtlsDriver, UdpDriver } from '@lapwing/transport';
import type { Driver } from '@lapwing/transport';
import type { StartOptions } from './api.ts';
import { streamedRequests } from './body-streams.ts';
import type { HostLookUp } from './client-options.ts';
import { parseServerUri } from './server-account.ts';

/** A client holds few conversations, and there may be thousands of clients in one process. */
export const CLIENT_COAP_PARAMETERS: Partial<CoapParameters> = Object.freeze({
  recentMessageBytes: 64 * 1024,
  maxTotalBodyBytes: 4 * 1024 * 1024,
  maxUnansweredRequests: 64,
});

/** A client is one end of few associations. */
export const CLIENT_DTLS_PARAMETERS: Partial<DtlsParameters> = Object.freeze({
  connectionIdLength: 0,
  maxAssociations: 64,
  maxHandshakes: 64,
});

/** Servers of coap beside some of coaps: those of a bootstrap, and those before it. */
const MAX_PLAIN_PEERS = 256;
/** Addresses a client's socket remembers: its servers, and strangers for a while. */
const MAX_PEERS = 1024;

export interface OpenedDriver {
  readonly driver: Driver;
  /** Finds servers by name; the first time with what was found when the socket was opened. */
  readonly lookUp: HostLookUp;
}

/** What decides about the socket. */
export type SocketOptions = Pick<
  StartOptions,
  'servers' | 'bootstrapServer' | 'objects' | 'port' | 'host' | 'coap' | 'dtls' | 'lookUp' | 'signal'
> & {
  /** Any server may be added later. */
  readonly mayChange: boolean;
};

/**
 * Rejects with OperationFailed when a server's name is not found or the port is taken, and with UsageError when servers of
 * IPv4 and IPv6 are to be reached from one address.
 */
export async function openDriver(options: SocketOptions): Promise<OpenedDriver> {
  const { bootstrapServer, objects, port = 0, host, coap, dtls, signal, mayChange } = options;
  const servers = [...options.servers, ...(bootstrapServer === undefined ? [] : [bootstrapServer])];
  const lookUp = options.lookUp ?? systemLookUp;
  const known = new Map<string, string>();
  const hosts = servers.map(({ uri, address }) => address?.host ?? parseServerUri(uri).host);
  for (const [index, name] of hosts.entries()) {
    if (isIP(name) !== 0) continue;
    try {
      known.set(name, await lookUp(name));
    } catch (cause) {
      const { uri } = servers[index]!;
      throw new OperationFailed('NAME_NOT_FOUND', `the host of ${uri} is not found`, { retryable: true, cause });
    }
  }
  signal?.throwIfAborted();
  const families = new Set(hosts.map((name) => isIPv6(known.get(name) ?? name)));
  if (host !== undefined && families.size > 1) {
    throw new UsageError(`servers of IPv4 and IPv6 cannot both be reached from ${host}: leave the host out`);
  }
  const socket = {
    port,
    coap: { ...CLIENT_COAP_PARAMETERS, streamedRequest: streamedRequests(objects), ...coap },
    receiveBufferBytes: 64 * 1024,
    sendBufferBytes: 64 * 1024,
  };
  const isSecured = servers.some(({ uri }) => parseServerUri(uri).scheme === 'coaps');
  const open = (at: { readonly host: string; readonly dualStack?: boolean }): Promise<Driver> =>
    isSecured || mayChange
      ? DtlsDriver.bind({
          ...socket,
          ...at,
          plaintext: true,
          maxPlainPeers: MAX_PLAIN_PEERS,
          dtls: { ...CLIENT_DTLS_PARAMETERS, ...dtls },
        })
      : UdpDriver.bind({ ...socket, ...at, maxPeers: MAX_PEERS });
  const oneFamily = { host: host ?? (families.has(true) ? '::' : '0.0.0.0') };
  return {
    driver:
      host !== undefined || (families.size < 2 && !mayChange)
        ? await open(oneFamily)
        : await open({ host: '::', dualStack: true }).catch((error: unknown) => {
            // A system without IPv6 can still reach those of IPv4.
            if (families.has(true) || !isBindFailure(error)) throw error;
            return open(oneFamily);
          }),
    lookUp: (name) => {
      const found = known.get(name);
      known.delete(name);
      return found === undefined ? lookUp(name) : Promise.resolve(found);
    },
  };
}

const systemLookUp: HostLookUp = async (host) => (await lookup(host)).address;

const isBindFailure = (error: unknown): boolean => error instanceof OperationFailed && error.code === 'BIND_FAILED';
