/** A tracker: Location (6) of a boat that goes round a lake. */
import { deviceObject, locationObject } from '@lapwing/client';
import { noise } from './noise.ts';
import type { SimulatedDevice } from './simulated-device.ts';

/** Degrees WGS 84, closed: after the last comes the first. Round the Müritz in Mecklenburg. */
const ROUTE: readonly (readonly [latitude: number, longitude: number])[] = [
  [53.515, 12.685],
  [53.492, 12.711],
  [53.462, 12.742],
  [53.424, 12.735],
  [53.391, 12.709],
  [53.364, 12.681],
  [53.381, 12.646],
  [53.419, 12.628],
  [53.457, 12.634],
  [53.489, 12.655],
];
const METRES_PER_DEGREE = 111_320;
/** m/s on average. */
const CRUISE = 6;

interface Leg {
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  /** m from the start of the route. */
  readonly start: number;
  readonly length: number;
}

const LEGS: readonly Leg[] = legs();
const ROUND = LEGS.reduce((metres, leg) => metres + leg.length, 0);

export interface Position {
  /** Degrees, WGS 84. */
  readonly latitude: number;
  readonly longitude: number;
  /** m/s. */
  readonly speed: number;
}

export function positionAt(unixTime: number): Position {
  const seconds = unixTime / 1000;
  // Swinging about the mean: the boat is now and then ahead and then behind, and never goes backwards.
  const travelled = (CRUISE * seconds + 25 * Math.sin(seconds / 20)) % ROUND;
  const leg = LEGS.find(({ start, length }) => travelled < start + length) ?? LEGS[0]!;
  const along = (travelled - leg.start) / leg.length;
  const drift = 0.000_02;
  return {
    latitude: degrees(leg.from[0] + (leg.to[0] - leg.from[0]) * along + drift * noise(6, seconds / 10)),
    longitude: degrees(leg.from[1] + (leg.to[1] - leg.from[1]) * along + drift * noise(7, seconds / 10)),
    speed: Math.round((CRUISE + 1.25 * Math.cos(seconds / 20)) * 10) / 10,
  };
}

export function tracker(unixTime: number): SimulatedDevice {
  return {
    endpointClientName: 'demo-tracker',
    summary: 'a boat whose location moves along a route',
    security: 'psk',
    interval: 3_000,
    objects: [
      deviceObject({ manufacturer: 'Lapwing', modelNumber: 'Simulated tracker', serialNumber: 'SIM-2' }),
      locationObject({ ...positionAt(unixTime), timestamp: new Date(unixTime) }),
    ],
    advance(tree, now) {
      const { latitude, longitude, speed } = positionAt(now);
      tree.batch(() => {
        tree.set('/6/0/0', latitude);
        tree.set('/6/0/1', longitude);
        tree.set('/6/0/5', new Date(now));
        tree.set('/6/0/6', speed);
      });
    },
  };
}

function legs(): Leg[] {
  let start = 0;
  return ROUTE.map((from, index) => {
    const to = ROUTE[(index + 1) % ROUTE.length] as readonly [number, number];
    const north = (to[0] - from[0]) * METRES_PER_DEGREE;
    const east = (to[1] - from[1]) * METRES_PER_DEGREE * Math.cos((from[0] * Math.PI) / 180);
    const leg = { from, to, start, length: Math.hypot(north, east) };
    start += leg.length;
    return leg;
  });
}

/** About a decimetre. */
const degrees = (value: number): number => Math.round(value * 1e6) / 1e6;
