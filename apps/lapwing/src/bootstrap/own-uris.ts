/**
 * The URIs by which devices reach a server of this program. Where it listens on every address, a device is told the one
 * from which the machine sends to that device: on its own network that is where the device reached it.
 */
import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { UsageError } from '@lapwing/coap';
import type { Driver, PeerAddress } from '@lapwing/transport';
import { isEveryAddress } from '../listening.ts';
import { addressText } from '../rest/registration-json.ts';

export type Scheme = 'coap' | 'coaps';

export class OwnUris {
  readonly #drivers: readonly Driver[];
  readonly #publicHost: string | undefined;

  /** @param publicHost  told to every device; undefined: see above. */
  constructor(drivers: readonly Driver[], publicHost: string | undefined) {
    this.#drivers = drivers;
    this.#publicHost = publicHost;
  }

  has(scheme: Scheme): boolean {
    return this.#drivers.some((driver) => driver.scheme === scheme);
  }

  /**
   * Undefined where it does not listen.
   *
   * @param device  undefined: none in particular.
   *
   * Rejects with UsageError when no address can be told to the device.
   */
  async of(scheme: Scheme, device?: PeerAddress): Promise<string | undefined> {
    const listening = this.#drivers.filter((driver) => driver.scheme === scheme).map((driver) => driver.localAddress);
    const own =
      listening.find(({ host }) => device !== undefined && isIpv6(host) === isIpv6(device.host)) ?? listening[0];
    if (own === undefined) return undefined;
    const host = this.#publicHost ?? (isEveryAddress(own.host) ? await hostTowards(device) : own.host);
    return `${scheme}://${addressText({ host, port: own.port })}`;
  }
}

const isIpv6 = (host: string): boolean => host.includes(':');

/** Nothing is sent: to connect a UDP socket only chooses its address. */
async function hostTowards(device: PeerAddress | undefined): Promise<string> {
  if (device === undefined) return addressOfMachine();
  const socket = createSocket(isIpv6(device.host) ? 'udp6' : 'udp4');
  try {
    const host = await new Promise<string>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('connect', () => resolve(socket.address().address));
      socket.connect(device.port, device.host);
    });
    if (!/^fe80:/i.test(host)) return host;
  } catch (error) {
    throw new UsageError(`no way leads to ${device.host} (${(error as Error).message}): start with --public-host`);
  } finally {
    socket.close();
  }
  throw new UsageError('a link-local address means nothing to others: start with --public-host');
}

/** The first address that others may reach, IPv4 before IPv6; on a machine that has none, itself. */
function addressOfMachine(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const reachable = addresses.filter(({ internal, address }) => !internal && !/^fe80:/i.test(address));
  const [first] = [...reachable.filter(({ family }) => family === 'IPv4'), ...reachable];
  return first?.address ?? '127.0.0.1';
}
