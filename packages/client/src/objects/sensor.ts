/**
 * The sensors of the OMA registry that share one set of Resources (3303 Temperature, 3304 Humidity, 3315 Barometer and
 * so on): a measured value, the least and the greatest since the last reset, range and unit.
 */
import type { ClientObject, HandlerContext, ObjectInstanceContent } from '../client-object.ts';

export interface SensorOptions {
  readonly value: number;
  /** "Cel", "%RH": SenML units, RFC 8428 §12.1. */
  readonly units?: string;
  /** What the sensor can measure. */
  readonly minRange?: number;
  readonly maxRange?: number;
  /** "Kitchen". */
  readonly applicationType?: string;
  readonly resources?: ObjectInstanceContent;
}

const ID = {
  minMeasured: 5601,
  maxMeasured: 5602,
  minRange: 5603,
  maxRange: 5604,
  reset: 5605,
  value: 5700,
  units: 5701,
  applicationType: 5750,
} as const;

/** Object 3303, Temperature. `client.set('/3303/0/5700', 21.5)` also keeps the least and greatest up to date. */
export const temperatureObject = (...sensors: readonly SensorOptions[]): ClientObject =>
  sensorObject(3303, ...sensors.map((sensor) => ({ units: 'Cel', ...sensor })));

/** Any Object of this kind, one Object Instance per sensor. */
export function sensorObject(objectId: number, ...sensors: readonly SensorOptions[]): ClientObject {
  return {
    objectId,
    unknownResources: 'skip',
    instances: Object.fromEntries(sensors.map((sensor, id) => [id, sensorContent(objectId, id, sensor)])),
    changed: (path, { tree }) => {
      if (path.resourceId !== ID.value) return;
      const at = (resourceId: number): string => `/${objectId}/${path.objectInstanceId}/${resourceId}`;
      const value = tree.get(at(ID.value));
      const least = tree.get(at(ID.minMeasured));
      const greatest = tree.get(at(ID.maxMeasured));
      if (typeof value !== 'number' || typeof least !== 'number' || typeof greatest !== 'number') return;
      if (value < least) tree.set(at(ID.minMeasured), value);
      if (value > greatest) tree.set(at(ID.maxMeasured), value);
    },
  };
}

function sensorContent(objectId: number, id: number, sensor: SensorOptions): ObjectInstanceContent {
  return {
    [ID.minMeasured]: sensor.value,
    [ID.maxMeasured]: sensor.value,
    [ID.minRange]: sensor.minRange,
    [ID.maxRange]: sensor.maxRange,
    [ID.reset]: { execute: (_args, context) => resetMeasured(objectId, id, context) },
    [ID.value]: sensor.value,
    [ID.units]: sensor.units,
    [ID.applicationType]: sensor.applicationType,
    ...sensor.resources,
  };
}

function resetMeasured(objectId: number, id: number, { tree }: HandlerContext): void {
  const value = tree.get(`/${objectId}/${id}/${ID.value}`);
  if (typeof value !== 'number') return;
  tree.batch(() => {
    tree.set(`/${objectId}/${id}/${ID.minMeasured}`, value);
    tree.set(`/${objectId}/${id}/${ID.maxMeasured}`, value);
  });
}
