/** A UDP port that a program can be stopped and started on. */
import { randomInt } from 'node:crypto';
import { UdpDriver } from '@lapwing/transport';

/** Below the ports that systems give to whoever asks for any, so that nobody is given it in between. */
const FROM = 20_000;
const TO = 30_000;

export async function freePort(): Promise<number> {
  for (let tries = 1; ; tries++) {
    const port = randomInt(FROM, TO);
    try {
      await (await UdpDriver.bind({ host: '127.0.0.1', port })).close();
      return port;
    } catch (error) {
      if (tries === 100) throw error;
    }
  }
}
