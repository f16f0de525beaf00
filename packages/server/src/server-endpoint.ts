/**
 * The endpoints of a Server, one per driver: an address it listens on, and how. A registration belongs to the one that it
 * was received at. To a client they are different servers, which hold different tokens, Message IDs and associations.
 */
import type { Driver, PeerAddress } from '@lapwing/transport';
import type { Registration } from './api.ts';

/**
 * The driver that stands where one stood before the Server was started anew: at the same address, else at the same port,
 * else the first of its kind.
 */
export function successorOf(
  scheme: Driver['scheme'],
  { host, port }: PeerAddress,
  drivers: readonly Driver[],
): Driver | undefined {
  const alike = drivers.filter(
    (driver) => driver.scheme === scheme && isIpv6(driver.localAddress) === isIpv6({ host }),
  );
  const samePort = alike.filter(({ localAddress }) => localAddress.port === port);
  return samePort.find(({ localAddress }) => localAddress.host === host) ?? samePort[0] ?? alike[0];
}

/** The driver of a registration that a store has kept. */
export function driverOf(registration: Registration, drivers: readonly Driver[]): Driver | undefined {
  const { address, serverAddress, security } = registration;
  const scheme = security === undefined || security.kind === 'none' ? 'coap' : 'coaps';
  // Of a registration that was stored without it only the family is known.
  return successorOf(scheme, serverAddress ?? { host: address.host, port: 0 }, drivers);
}

const isIpv6 = ({ host }: Pick<PeerAddress, 'host'>): boolean => host.includes(':');
