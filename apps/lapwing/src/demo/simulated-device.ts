/** What a simulated device is made of: Objects, and how their values move with the time. */
import type { ClientObject, TreeAccess } from '@lapwing/client';

export interface SimulatedDevice {
  readonly endpointClientName: string;
  /** For the banner: what it is and what to try. */
  readonly summary: string;
  /** How it proves itself, or that it learns it at a Bootstrap; undefined: over plain CoAP. */
  readonly security?: 'psk' | 'x509' | 'bootstrap';
  /** ms between two calls of `advance`. */
  readonly interval: number;
  readonly objects: readonly ClientObject[];
  /** Bring the values to this moment, in ms since 1970. */
  advance(tree: TreeAccess, unixTime: number): void;
}
