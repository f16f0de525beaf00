/** A Server and devices on the simulated network. */
import type { CoapParameters } from '@lapwing/coap';
import { SimulatedNetwork, type SimulatedNetworkOptions } from '@lapwing/testkit';
import { LwM2mServer, type ServerOptions } from '../src/server.ts';
import { SimulatedDevice } from './simulated-device.ts';

export const SERVER = { host: '10.0.0.1', port: 5683 };

export interface Setup extends AsyncDisposable {
  readonly network: SimulatedNetwork;
  readonly server: LwM2mServer;
  device(host?: string, port?: number): SimulatedDevice;
  /** Run the network until the promise settles, and answer what it settled with. */
  settle<T>(promise: Promise<T>): Promise<T>;
}

export function setUp(
  options: ServerOptions & {
    /** One that is there already, or how one is made. */
    readonly network?: SimulatedNetworkOptions | SimulatedNetwork;
    readonly coap?: Partial<CoapParameters>;
  } = {},
): Setup {
  const { network: networkOptions, coap, ...serverOptions } = options;
  const network = networkOptions instanceof SimulatedNetwork ? networkOptions : new SimulatedNetwork(networkOptions);
  const server = new LwM2mServer({ drivers: [network.driver(SERVER, coap)], ...serverOptions });
  let devices = 1;
  return {
    network,
    server,
    device: (host = `10.0.${(++devices / 256) | 0}.${devices % 256}`, port = 40_000) =>
      new SimulatedDevice(network, SERVER, { host, port }),
    async settle(promise) {
      let done = false;
      const mark = (): void => {
        done = true;
      };
      promise.then(mark, mark);
      // One pass of promise callbacks even when it is settled already.
      for (let waited = 0; !done && waited < 600_000; waited += 50) await network.run(50);
      if (!done) throw new Error('not settled after 10 minutes of virtual time');
      return promise;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}
