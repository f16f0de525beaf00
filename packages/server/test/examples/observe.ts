import { Temperature, typedValue } from '@lapwing/lwm2m';
import { unwrap, type Device } from '@lapwing/server';

/** The first temperature above the limit. Leaving the loop cancels the observation. */
export async function waitForHeat(device: Device, limit: number): Promise<number | undefined> {
  const path = Temperature.path(0).sensorValue;
  unwrap(await device.writeAttributes(path, { pmin: 1, pmax: 60 }));
  const observation = unwrap(await device.observe(path));
  for await (const { node } of observation) {
    const celsius = typedValue(path, node);
    if (celsius !== undefined && celsius > limit) return celsius;
  }
  // The device refused it, or was removed.
  return undefined;
}
