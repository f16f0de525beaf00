/** A light: Light Control (3311) to be switched and dimmed, which counts how long it has been on and what it has used. */
import { deviceObject, type ResourceHandler } from '@lapwing/client';
import { simulatedFirmware } from './simulated-firmware.ts';
import type { SimulatedDevice } from './simulated-device.ts';

/** Watts at full brightness. */
const POWER = 9;
const FIRMWARE_VERSION = '1.0';

/** What the lamp has to remember; everything else follows from it and the time. Times in ms since 1970. */
export interface LampState {
  readonly on: boolean;
  /** Percent. */
  readonly dimmer: number;
  /** Since when `on` and `dimmer` are what they are. */
  readonly since: number;
  /** ms of light before `since`. */
  readonly litBefore: number;
  /** Wh before `since`. */
  readonly usedBefore: number;
}

/** /3311/0/5852. */
export const onTimeSeconds = (lamp: LampState, now: number): number =>
  Math.floor((lamp.litBefore + (lamp.on ? now - lamp.since : 0)) / 1000);

/** Wh, /3311/0/5805. */
export const energyUsed = (lamp: LampState, now: number): number =>
  lamp.usedBefore + (lamp.on ? ((POWER * lamp.dimmer) / 100) * ((now - lamp.since) / 3_600_000) : 0);

export const switched = (lamp: LampState, change: { on?: boolean; dimmer?: number }, now: number): LampState => ({
  on: change.on ?? lamp.on,
  dimmer: change.dimmer ?? lamp.dimmer,
  since: now,
  litBefore: lamp.litBefore + (lamp.on ? now - lamp.since : 0),
  usedBefore: energyUsed(lamp, now),
});

/** A server may set the on-time, to 0 in general. */
export const withOnTime = (lamp: LampState, seconds: number, now: number): LampState => ({
  ...switched(lamp, {}, now),
  litBefore: seconds * 1000,
});

export function light(unixTime: number): SimulatedDevice {
  let lamp: LampState = { on: false, dimmer: 80, since: unixTime, litBefore: 0, usedBefore: 0 };
  const onOff: ResourceHandler = {
    read: () => lamp.on,
    write: (on, { unixTime: now }) => void (lamp = switched(lamp, { on: on === true }, now)),
  };
  const dimmer: ResourceHandler = {
    read: () => lamp.dimmer,
    write: (percent, { unixTime: now }) => void (lamp = switched(lamp, { dimmer: Number(percent) }, now)),
  };
  const onTime: ResourceHandler = {
    read: ({ unixTime: now }) => onTimeSeconds(lamp, now),
    write: (seconds, { unixTime: now }) => void (lamp = withOnTime(lamp, Number(seconds), now)),
  };
  const energy: ResourceHandler = {
    read: ({ unixTime: now }) => Math.round(energyUsed(lamp, now) * 1e4) / 1e4,
  };
  return {
    endpointClientName: 'demo-light',
    summary: 'a light to switch and dim: write /3311/0/5850; takes new firmware',
    interval: 1_000,
    objects: [
      deviceObject({
        manufacturer: 'Lapwing',
        modelNumber: 'Simulated light',
        serialNumber: 'SIM-3',
        firmwareVersion: FIRMWARE_VERSION,
      }),
      simulatedFirmware(FIRMWARE_VERSION),
      {
        objectId: 3311,
        unknownResources: 'skip',
        instances: {
          0: { 5850: onOff, 5851: dimmer, 5852: onTime, 5805: energy, 5750: 'Desk lamp' },
        },
      },
    ],
    advance(tree) {
      if (!lamp.on) return;
      tree.changed('/3311/0/5852');
      tree.changed('/3311/0/5805');
    },
  };
}
