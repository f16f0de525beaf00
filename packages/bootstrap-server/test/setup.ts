/** A Bootstrap-Server and devices on the simulated network. */
import type { CoapParameters } from '@lapwing/coap';
import { SimulatedNetwork, type SimulatedNetworkOptions } from '@lapwing/testkit';
import type { BootstrapConfiguration, BootstrapOutcome, BootstrapRefusal, BootstrapSession } from '../src/index.ts';
import { LwM2mBootstrapServer, type BootstrapServerOptions } from '../src/bootstrap-server.ts';
import { MemoryConfigurationStore } from '../src/configuration-store.ts';
import { BootstrapDevice } from './bootstrap-device.ts';

export const SERVER = { host: '10.0.0.1', port: 5683 };

/** One LwM2M Server without security. */
export const ONE_SERVER: BootstrapConfiguration = {
  servers: [{ shortServerId: 123, uri: 'coap://10.0.9.9:5683', security: { mode: 'none' }, lifetimeSeconds: 300 }],
};

export interface Setup extends AsyncDisposable {
  readonly network: SimulatedNetwork;
  readonly server: LwM2mBootstrapServer;
  readonly ended: { readonly session: BootstrapSession; readonly outcome: BootstrapOutcome }[];
  readonly refused: BootstrapRefusal[];
  device(host?: string, port?: number): BootstrapDevice;
  /** Run the network until the promise settles, and answer what it settled with. */
  settle<T>(promise: Promise<T>): Promise<T>;
}

export function setUp(
  configurations: Readonly<Record<string, BootstrapConfiguration>> = { one: ONE_SERVER },
  options: BootstrapServerOptions & {
    readonly network?: SimulatedNetworkOptions;
    readonly coap?: Partial<CoapParameters>;
  } = {},
): Setup {
  const { network: networkOptions, coap, ...serverOptions } = options;
  const network = new SimulatedNetwork(networkOptions);
  const configurationStore = new MemoryConfigurationStore(
    Object.entries(configurations).map(([endpointClientName, configuration]) => ({
      endpointClientName,
      configuration,
    })),
  );
  const server = new LwM2mBootstrapServer({
    drivers: [network.driver(SERVER, coap)],
    configurationStore,
    ...serverOptions,
  });
  const ended: Setup['ended'] = [];
  const refused: BootstrapRefusal[] = [];
  server.on('sessionEnded', (session, outcome) => ended.push({ session, outcome }));
  server.on('refused', (refusal) => refused.push(refusal));
  let devices = 1;
  return {
    network,
    server,
    ended,
    refused,
    device(host = `10.1.${(++devices / 256) | 0}.${devices % 256}`, port = 40_000) {
      const driver = network.driver({ host, port });
      return new BootstrapDevice(driver, () => driver.peer(SERVER));
    },
    settle: (promise) => settle(network, promise),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

export async function settle<T>(network: SimulatedNetwork, promise: Promise<T>): Promise<T> {
  let done = false;
  const mark = (): void => {
    done = true;
  };
  promise.then(mark, mark);
  // One pass of promise callbacks even when it is settled already.
  for (let waited = 0; !done && waited < 600_000; waited += 50) await network.run(50);
  if (!done) throw new Error('not settled after 10 minutes of virtual time');
  return promise;
}
