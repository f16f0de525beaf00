/**
 * The sockets of devices: CoAP and CoAP over DTLS, of the LwM2M Server and of the Bootstrap-Server, each for one address
 * or for every one of both families.
 */
import type { ServerCredentials } from '@lapwing/dtls';
import { DtlsDriver, UdpDriver } from '@lapwing/transport';
import type { Configuration } from './configuration.ts';
import type { Security } from './security/security.ts';
import { StartFailure } from './start-failure.ts';

const ANY_IPV4 = '0.0.0.0';
const ANY_IPV6 = '::';

/** The sockets of the LwM2M Server, coap first. Rejects with StartFailure; nothing stays bound then. */
export function bindDevices(
  { coapHost, coapPort, coaps, coapsHost, coapsPort }: Omit<Configuration, 'dataDir'>,
  security: Pick<Security, 'identity' | 'trustAnchors'>,
): Promise<readonly DeviceDriver[]> {
  return bindAll(
    { service: COAP, host: coapHost, port: coapPort },
    coaps ? { service: COAPS, host: coapsHost ?? coapHost, port: coapsPort } : undefined,
    security,
  );
}

/** The sockets of the Bootstrap-Server, none where it is switched off. As `bindDevices`. */
export async function bindBootstrap(
  configuration: Omit<Configuration, 'dataDir'>,
  security: Pick<Security, 'identity' | 'trustAnchors'>,
): Promise<readonly DeviceDriver[]> {
  if (!configuration.bootstrap) return [];
  const { coaps, coapHost, coapsHost, bootstrapCoapHost, bootstrapCoapsHost } = configuration;
  const { bootstrapCoapPort, bootstrapCoapsPort } = configuration;
  return bindAll(
    { service: BOOTSTRAP_COAP, host: bootstrapCoapHost ?? coapHost, port: bootstrapCoapPort },
    coaps
      ? {
          service: BOOTSTRAP_COAPS,
          host: bootstrapCoapsHost ?? bootstrapCoapHost ?? coapsHost ?? coapHost,
          port: bootstrapCoapsPort,
        }
      : undefined,
    security,
  );
}

interface Place {
  readonly service: Service;
  readonly host: string | undefined;
  readonly port: number;
}

async function bindAll(
  coap: Place,
  coaps: Place | undefined,
  security: Pick<Security, 'identity' | 'trustAnchors'>,
): Promise<readonly DeviceDriver[]> {
  const drivers: DeviceDriver[] = [];
  try {
    drivers.push(...(await bindEvery((at) => UdpDriver.bind(at), coap)));
    if (coaps !== undefined) {
      const server = credentialsOf(security);
      drivers.push(...(await bindEvery((at) => DtlsDriver.bind({ ...at, server }), coaps)));
    }
    return drivers;
  } catch (error) {
    for (const driver of drivers) await driver.close();
    throw error;
  }
}

/** Whatever a device can prove itself with. Which devices there are is asked of the store in every handshake. */
const credentialsOf = ({ identity, trustAnchors }: Pick<Security, 'identity' | 'trustAnchors'>): ServerCredentials => ({
  psk: {},
  certificate: identity.certificate,
  rawPublicKey: identity.rawPublicKey,
  clientAuthentication: 'required',
  clientCertificateTypes: ['rpk', 'x509'],
  trustAnchors: trustAnchors.certificates,
});

/** One socket of devices. */
export type DeviceDriver = UdpDriver | DtlsDriver;

interface Address {
  readonly host: string;
  readonly port: number;
}

interface Service {
  readonly name: string;
  /** The option that chooses another port. */
  readonly option: string;
  /** What else helps when the port is taken. */
  readonly otherwise: string;
}
const COAP: Service = { name: 'CoAP', option: '--coap-port', otherwise: '' };
const COAPS: Service = {
  name: 'CoAP over DTLS',
  option: '--coaps-port',
  otherwise: ', or do without security with --no-coaps',
};
const WITHOUT_BOOTSTRAP = ', or do without the Bootstrap-Server with --no-bootstrap';
const BOOTSTRAP_COAP: Service = {
  name: 'Bootstrap CoAP',
  option: '--bootstrap-coap-port',
  otherwise: WITHOUT_BOOTSTRAP,
};
const BOOTSTRAP_COAPS: Service = {
  name: 'Bootstrap CoAP over DTLS',
  option: '--bootstrap-coaps-port',
  otherwise: WITHOUT_BOOTSTRAP,
};

/** One socket for the address asked for, else one for IPv4 and, where the machine has IPv6, one for that. */
async function bindEvery(
  bind: (at: Address) => Promise<DeviceDriver>,
  { service, host, port }: Place,
): Promise<readonly DeviceDriver[]> {
  const first = await bind({ host: host ?? ANY_IPV4, port }).catch((error: unknown) => {
    throw portFailure(error, `${service.name} port ${port} (UDP) on ${host ?? ANY_IPV4}`, service);
  });
  if (host !== undefined) return [first];
  try {
    return [first, await bind({ host: ANY_IPV6, port: first.localAddress.port })];
  } catch (error) {
    // A machine without IPv6 is served by IPv4 alone; a port that somebody else has on IPv6 is a failure.
    if (!isTaken(error)) return [first];
    await first.close();
    throw portFailure(error, `${service.name} port ${port} (UDP, IPv6)`, service);
  }
}

const isTaken = (error: unknown): boolean =>
  ['PORT_IN_USE', 'EADDRINUSE'].includes(String((error as { code?: unknown }).code));

/** Why a port cannot be opened, in one sentence that names the option. */
export function portFailure(
  error: unknown,
  what: string,
  { option, otherwise }: Pick<Service, 'option' | 'otherwise'>,
): StartFailure {
  const code = String((error as { code?: unknown }).code);
  if (isTaken(error)) {
    return new StartFailure(`${what} is taken by another program. Choose another with ${option}${otherwise}.`, {
      cause: error,
    });
  }
  if (code === 'PERMISSION_DENIED' || code === 'EACCES') {
    return new StartFailure(`${what} may not be opened by this user. Choose one above 1023 with ${option}.`, {
      cause: error,
    });
  }
  const host = option.replace('port', 'host');
  const reason = error instanceof Error ? error.message : String(error);
  return new StartFailure(`${what} cannot be opened: ${reason}. Choose another address with ${host}.`, {
    cause: error,
  });
}

export const isEveryAddress = (host: string): boolean => host === ANY_IPV4 || host === ANY_IPV6;

/** Where a program on this machine reaches a socket that is bound to every address. */
export function nearAddress({ host, port }: Address): Address {
  return { host: host === ANY_IPV4 ? '127.0.0.1' : host === ANY_IPV6 ? '::1' : host, port };
}
