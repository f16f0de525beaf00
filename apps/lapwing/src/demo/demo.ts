/**
 * The simulated devices: ordinary LwM2M Clients that reach the server over UDP like any other, one with a pre-shared key,
 * one with a certificate, one that is bootstrapped. What befalls them is logged and never stops the server.
 */
import { setImmediate } from 'node:timers/promises';
import { type ClientOptions, LwM2mClient, type ServerAccount } from '@lapwing/client';
import type { Driver } from '@lapwing/transport';
import type { Logger } from 'pino';
import type { Bootstrap } from '../bootstrap/bootstrap.ts';
import { nearAddress } from '../listening.ts';
import { addressText } from '../rest/registration-json.ts';
import type { Security } from '../security/security.ts';
import { bootstrappedAccount, type BootstrappedAccount } from './demo-bootstrap.ts';
import { demoCredentials } from './demo-credentials.ts';
import { light } from './light.ts';
import { powerMeter } from './power-meter.ts';
import type { SimulatedDevice } from './simulated-device.ts';
import { tracker } from './tracker.ts';
import { weatherStation } from './weather-station.ts';

const LIFETIME_SECONDS = 120;

/** @param bootstraps  whether there is a Bootstrap-Server over coaps, without which one of them knows no server. */
export const simulatedDevices = (unixTime: number, bootstraps: boolean): readonly SimulatedDevice[] => [
  weatherStation(unixTime),
  tracker(unixTime),
  light(unixTime),
  ...(bootstraps ? [powerMeter(unixTime)] : []),
];

/** How a simulated device reaches the server. */
type Account = Pick<ServerAccount, 'uri' | 'credentials'> | BootstrappedAccount;

/** Start every device over what it is secured with; without coaps all come over plain CoAP. */
export async function startDemo(
  drivers: readonly Driver[],
  security: Security,
  bootstrap: Bootstrap,
  log: Logger,
): Promise<Demo> {
  const plain = uriOf(drivers, 'coap') ?? '';
  const secured = uriOf(drivers, 'coaps');
  const bootstrapUri = uriOf(bootstrap.drivers, 'coaps');
  const devices = simulatedDevices(Date.now(), bootstrapUri !== undefined);
  const accounts = new Map<string, Account>();
  for (const { endpointClientName, security: kind } of devices) {
    if (kind === 'bootstrap') {
      const account = await bootstrappedAccount(endpointClientName, bootstrapUri!, bootstrap, security);
      accounts.set(endpointClientName, account);
      continue;
    }
    const credentials =
      kind === undefined
        ? undefined
        : await demoCredentials(endpointClientName, kind, security, secured !== undefined, Date.now());
    const account = secured === undefined || credentials === undefined ? { uri: plain } : { uri: secured, credentials };
    accounts.set(endpointClientName, account);
  }
  return Demo.start((name) => accounts.get(name) ?? { uri: plain }, devices, log);
}

function uriOf(drivers: readonly Driver[], scheme: Driver['scheme']): string | undefined {
  const driver = drivers.find((each) => each.scheme === scheme);
  return driver === undefined ? undefined : `${scheme}://${addressText(nearAddress(driver.localAddress))}`;
}

export class Demo implements AsyncDisposable {
  readonly #running: (() => Promise<void>)[] = [];

  /** Start every device; resolves when each has begun to register or has been given up. */
  static async start(
    accountOf: (endpointClientName: string) => Account,
    devices: readonly SimulatedDevice[],
    log: Logger,
  ): Promise<Demo> {
    const demo = new Demo();
    await Promise.all(
      devices.map(async (device) => {
        try {
          demo.#running.push(await run(device, accountOf(device.endpointClientName), log));
        } catch (error) {
          log.warn({ err: error, device: device.endpointClientName }, 'a simulated device did not start');
        }
      }),
    );
    return demo;
  }

  /** De-register all and end them. */
  async close(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((end) => end()));
    // Their last words lie in the sockets of this very process: they are read in the next turn of its event loop, and a
    // server that stops now would keep associations that nobody comes back to.
    for (let turn = 0; turn < 2; turn++) await setImmediate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

async function run(device: SimulatedDevice, account: Account, log: Logger): Promise<() => Promise<void>> {
  const { endpointClientName, objects, interval } = device;
  const client = await LwM2mClient.start({ endpointClientName, objects, ...accountOptions(account) });
  client.on('registrationFailed', ({ reason }) => log.warn({ device: endpointClientName, reason }, 'not registered'));
  client.on('handlerError', ({ cause }) => log.error({ err: cause, device: endpointClientName }, 'a handler failed'));
  client.on('bootstrapFailed', ({ reason }) => log.warn({ device: endpointClientName, reason }, 'not bootstrapped'));
  const timer = setInterval(() => device.advance(client, Date.now()), interval);
  return async () => {
    clearInterval(timer);
    await client.close();
  };
}

function accountOptions(
  account: Account,
): Pick<ClientOptions, 'servers' | 'bootstrapServer' | 'stateStore' | 'bootstrap'> {
  if ('bootstrapServer' in account) {
    // Step by step there is more to be seen than in a pack.
    return { servers: [], ...account, bootstrap: { pack: false } };
  }
  return { servers: [{ ...account, shortServerId: 1, lifetimeSeconds: LIFETIME_SECONDS }] };
}
