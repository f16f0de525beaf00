/** Object 6, Location: where the device is, and since when it is known. OMA TS Core, Object Location. */
import type { ClientObject, ObjectInstanceContent } from '../client-object.ts';

export interface LocationOptions {
  /** Degrees, WGS 84. */
  readonly latitude: number;
  readonly longitude: number;
  /** m. */
  readonly altitude?: number;
  /** m. */
  readonly radius?: number;
  /** As 3GPP TS 23.032 encodes it. */
  readonly velocity?: Uint8Array;
  /** m/s. */
  readonly speed?: number;
  /** When it was measured. */
  readonly timestamp?: Date;
  readonly resources?: ObjectInstanceContent;
}

const ID = { latitude: 0, longitude: 1, altitude: 2, radius: 3, velocity: 4, timestamp: 5, speed: 6 } as const;

/** Setting any of the values also sets the Timestamp (5) to now. Set several in one `batch`. */
export function locationObject(options: LocationOptions): ClientObject {
  return {
    objectId: 6,
    instances: {
      0: {
        [ID.latitude]: options.latitude,
        [ID.longitude]: options.longitude,
        [ID.altitude]: options.altitude,
        [ID.radius]: options.radius,
        [ID.velocity]: options.velocity,
        [ID.timestamp]: options.timestamp ?? new Date(),
        [ID.speed]: options.speed,
        ...options.resources,
      },
    },
    changed: ({ resourceId }, { tree, unixTime }) => {
      if (resourceId !== ID.timestamp) tree.set(`/6/0/${ID.timestamp}`, Math.floor(unixTime / 1000));
    },
  };
}
