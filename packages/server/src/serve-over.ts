/** The sockets of a server: all of them bound, or none. */
import type { CoapParameters } from '@lapwing/coap';
import type { DtlsParameters, ServerCredentials } from '@lapwing/dtls';
import { DtlsDriver, UdpDriver } from '@lapwing/transport';
import type { Driver } from '@lapwing/transport';

export interface ListeningOptions {
  /** IP addresses and ports to listen on with CoAP over UDP; port 0 is any free one. '0.0.0.0' and '::' may share a port. */
  readonly coap: readonly { readonly host: string; readonly port: number }[];
  readonly coaps?: CoapsOptions;
  readonly coapParameters?: Partial<CoapParameters>;
  /** Addresses remembered at once, per socket; default 1,000,000. */
  readonly maxPeers?: number;
}

/** CoAP over DTLS. */
export interface CoapsOptions {
  /** IP addresses and ports to listen on; port 0 is any free one. */
  readonly listen: readonly { readonly host: string; readonly port: number }[];
  /** What the server shows of itself and accepts. */
  readonly credentials: ServerCredentials;
  readonly dtls?: Partial<DtlsParameters>;
}

/**
 * Bind the sockets and begin to serve over them.
 *
 * Rejects with OperationFailed 'PORT_IN_USE', 'PERMISSION_DENIED' or 'BIND_FAILED', or as `serve` does, and then nothing
 * stays bound.
 */
export async function serveOver<Server>(
  { coap, coaps, coapParameters, maxPeers }: ListeningOptions,
  serve: (drivers: readonly Driver[]) => Server | Promise<Server>,
): Promise<Server> {
  const drivers: Driver[] = [];
  const shared = coapParameters === undefined ? {} : { coap: coapParameters };
  try {
    for (const at of coap)
      drivers.push(await UdpDriver.bind({ ...at, ...shared, ...(maxPeers === undefined ? {} : { maxPeers }) }));
    for (const at of coaps?.listen ?? [])
      drivers.push(
        await DtlsDriver.bind({
          ...at,
          ...shared,
          server: coaps!.credentials,
          ...(coaps!.dtls === undefined ? {} : { dtls: coaps!.dtls }),
        }),
      );
    return await serve(drivers);
  } catch (error) {
    for (const driver of drivers) await driver.close();
    throw error;
  }
}
