/**
 * The simulated devices: ordinary LwM2M Clients that reach the server over UDP like any other. What befalls them is
 * logged and never stops the server.
 */
import { LwM2mClient } from '@lapwing/client';
import type { Logger } from 'pino';
import { light } from './light.ts';
import type { SimulatedDevice } from './simulated-device.ts';
import { tracker } from './tracker.ts';
import { weatherStation } from './weather-station.ts';

const LIFETIME_SECONDS = 120;

export const simulatedDevices = (unixTime: number): readonly SimulatedDevice[] => [
  weatherStation(unixTime),
  tracker(unixTime),
  light(unixTime),
];

export class Demo implements AsyncDisposable {
  readonly #running: (() => Promise<void>)[] = [];

  /** Start every device; resolves when each has begun to register or has been given up. */
  static async start(serverUri: string, devices: readonly SimulatedDevice[], log: Logger): Promise<Demo> {
    const demo = new Demo();
    await Promise.all(
      devices.map(async (device) => {
        try {
          demo.#running.push(await run(device, serverUri, log));
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
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

async function run(device: SimulatedDevice, serverUri: string, log: Logger): Promise<() => Promise<void>> {
  const { endpointClientName, objects, interval } = device;
  const client = await LwM2mClient.start({
    endpointClientName,
    servers: [{ uri: serverUri, shortServerId: 1, lifetimeSeconds: LIFETIME_SECONDS }],
    objects,
  });
  client.on('registrationFailed', ({ reason }) => log.warn({ device: endpointClientName, reason }, 'not registered'));
  client.on('handlerError', ({ cause }) => log.error({ err: cause, device: endpointClientName }, 'a handler failed'));
  const timer = setInterval(() => device.advance(client, Date.now()), interval);
  return async () => {
    clearInterval(timer);
    await client.close();
  };
}
