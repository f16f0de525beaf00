/** A weather station: Temperature (3303) and Humidity (3304) over the course of a day, with gusts. */
import { deviceObject, sensorObject, temperatureObject } from '@lapwing/client';
import { noise } from './noise.ts';
import type { SimulatedDevice } from './simulated-device.ts';

const DAY = 86_400_000;
const SEED = 3303;

/** °C, to a tenth. Warmest at 15 h UTC. */
export function temperatureAt(unixTime: number): number {
  const hoursPhase = ((unixTime % DAY) / DAY - 15 / 24) * 2 * Math.PI;
  const weather = 4 * noise(SEED, unixTime / (6 * 3_600_000)) + 1.2 * noise(SEED + 1, unixTime / 45_000);
  return rounded(14 + 6 * Math.cos(hoursPhase) + weather + 0.3 * noise(SEED + 2, unixTime / 4_000));
}

/** %RH, to a tenth: the warmer, the drier. */
export function humidityAt(unixTime: number): number {
  const relative = 62 - 2 * (temperatureAt(unixTime) - 14) + 6 * noise(SEED + 3, unixTime / 90_000);
  return rounded(Math.min(100, Math.max(5, relative)));
}

export function weatherStation(unixTime: number): SimulatedDevice {
  return {
    endpointClientName: 'demo-weather-station',
    summary: 'temperature and humidity that move',
    security: 'x509',
    interval: 2_000,
    objects: [
      deviceObject({ manufacturer: 'Lapwing', modelNumber: 'Simulated weather station', serialNumber: 'SIM-1' }),
      temperatureObject({ value: temperatureAt(unixTime), minRange: -40, maxRange: 85, applicationType: 'Outdoor' }),
      sensorObject(3304, {
        value: humidityAt(unixTime),
        units: '%RH',
        minRange: 0,
        maxRange: 100,
        applicationType: 'Outdoor',
      }),
    ],
    advance(tree, now) {
      tree.set('/3303/0/5700', temperatureAt(now));
      tree.set('/3304/0/5700', humidityAt(now));
    },
  };
}

const rounded = (value: number): number => Math.round(value * 10) / 10;
