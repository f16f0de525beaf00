/** A power meter: Power (3328) of a house over the course of a day. It learns at a Bootstrap where its server is. */
import { deviceObject, sensorObject } from '@lapwing/client';
import { noise } from './noise.ts';
import type { SimulatedDevice } from './simulated-device.ts';

const DAY = 86_400_000;
const SEED = 3328;

/** W: the standby, the mornings and evenings, and what is switched on for some minutes. */
export function powerAt(unixTime: number): number {
  const hour = ((unixTime % DAY) / DAY) * 24;
  const busy = Math.max(bump(hour - 7), bump(hour - 19));
  const switched = Math.max(0, noise(SEED, unixTime / 240_000)) * 1800;
  return Math.round(120 + 600 * busy + switched + 25 * noise(SEED + 1, unixTime / 5_000));
}

/** 1 at the hour, 0 three hours away from it. */
const bump = (hours: number): number => Math.max(0, 1 - Math.abs(hours) / 3);

export function powerMeter(unixTime: number): SimulatedDevice {
  return {
    endpointClientName: 'demo-power-meter',
    summary: 'power that rises and falls',
    security: 'bootstrap',
    interval: 2_000,
    objects: [
      deviceObject({ manufacturer: 'Lapwing', modelNumber: 'Simulated power meter', serialNumber: 'SIM-4' }),
      sensorObject(3328, { value: powerAt(unixTime), units: 'W', minRange: 0, maxRange: 10_000 }),
    ],
    advance(tree, now) {
      tree.set('/3328/0/5700', powerAt(now));
    },
  };
}
