/**
 * What a client has when a case begins: the configurations of Appendix C of the OMA test specification, as far as cases
 * with a test use them. Security comes from the scene, Server from the account.
 */
import {
  deviceObject,
  portfolioObject,
  type ClientObject,
  type DeviceOptions,
  type PowerSource,
  type ServerAccount,
} from '@lapwing/client';

type Account = Omit<ServerAccount, 'uri'>;

/** The Server Object of C.1. */
export const C1_ACCOUNT: Account = { lifetimeSeconds: 86_400 };
/** The Server Object of C.3 and of those after it. */
export const C3_ACCOUNT: Account = {
  ...C1_ACCOUNT,
  defaultMinimumPeriodSeconds: 1,
  defaultMaximumPeriodSeconds: 10,
  disableTimeoutSeconds: 86_400,
};

export const DEVICE: DeviceOptions = {
  manufacturer: 'Lapwing',
  modelNumber: 'LW-1',
  serialNumber: '000123',
  firmwareVersion: '1.0.3',
  errorCodes: [0],
};

/** C.1 and C.3: the Device Object with what is mandatory and its identification. */
export const device = (more: DeviceOptions = {}): ClientObject => deviceObject({ ...DEVICE, ...more });

const POWER: readonly PowerSource[] = [
  { type: 1, voltage: 3800, current: 125 },
  { type: 5, voltage: 5000, current: 900 },
];

/** C.4: with two power sources. */
export const deviceWithPower = (more: DeviceOptions = {}): ClientObject =>
  device({ powerSources: POWER, batteryLevel: 95, ...more });

/** C.6: with everything that can be written and measured. */
export const deviceWithEverything = (more: DeviceOptions = {}): ClientObject =>
  deviceWithPower({
    memoryFree: 128,
    memoryTotal: 512,
    utcOffset: '+01:00',
    timezone: 'Europe/Berlin',
    deviceType: 'sensor',
    hardwareVersion: '1.1',
    softwareVersion: '2.0',
    batteryStatus: 0,
    factoryReset: () => undefined,
    ...more,
  });

/** C.12: a Portfolio with four identities. */
export const portfolio = (): ClientObject =>
  portfolioObject({
    identities: [
      {
        hostDeviceId: 'Host Device ID #1',
        hostDeviceManufacturer: 'Host Device Manufacturer #1',
        hostDeviceModel: 'Host Device Model #1',
        hostDeviceSoftwareVersion: 'Host Device Software Version #1',
      },
    ],
  });
