/** Object 3, Device: what this thing is, its clock, reboot and factory reset. OMA TS Core, Object Device. */
import type { ObjectLink } from '@lapwing/lwm2m';
import type { ClientObject, HandlerContext, ObjectInstanceContent, PlainValues } from '../client-object.ts';
import type { MaybePromise } from '../maybe-promise.ts';

export interface DeviceOptions {
  readonly manufacturer?: string;
  readonly modelNumber?: string;
  readonly serialNumber?: string;
  readonly firmwareVersion?: string;
  readonly hardwareVersion?: string;
  readonly softwareVersion?: string;
  readonly deviceType?: string;
  /** "+02:00", ISO 8601. */
  readonly utcOffset?: string;
  /** "Europe/Berlin", IANA. */
  readonly timezone?: string;
  /** What the device runs on, /3/0/6 to /3/0/8; each keeps its Resource Instance ID. */
  readonly powerSources?: readonly PowerSource[];
  /** Percent. */
  readonly batteryLevel?: number;
  /** /3/0/20: 0 normal, 1 charging, 2 charge complete, 3 damaged, 4 low, 5 not installed, 6 unknown. */
  readonly batteryStatus?: number;
  /** KB. */
  readonly memoryFree?: number;
  readonly memoryTotal?: number;
  /** /3/0/11 at the beginning: 1 low battery, 2 external power off, 3 GPS failure … Default: none. */
  readonly errorCodes?: readonly number[];
  /** /3/0/22: Object Instances with more about the device. */
  readonly extendedInformation?: readonly ObjectLink[];
  /** What to do on Execute /3/0/4, after the answer. Default: register anew, as a device does that has restarted. */
  readonly reboot?: (context: HandlerContext) => void;
  /** What to do on Execute /3/0/5. Without it the Resource does not exist. */
  readonly factoryReset?: (context: HandlerContext) => MaybePromise<void>;
  /** As in /3/0/16; the client puts its own binding there by default. */
  readonly binding?: string;
  /** Anything else, by Resource ID. */
  readonly resources?: ObjectInstanceContent;
}

export interface PowerSource {
  /** 0 DC, 1 internal battery, 2 external battery, 3 fuel cell, 4 Power over Ethernet, 5 USB, 6 mains, 7 solar. */
  readonly type: number;
  /** mV and mA. */
  readonly voltage?: number;
  readonly current?: number;
}

const ID = {
  manufacturer: 0,
  modelNumber: 1,
  serialNumber: 2,
  firmwareVersion: 3,
  reboot: 4,
  factoryReset: 5,
  powerSources: 6,
  voltage: 7,
  current: 8,
  batteryLevel: 9,
  memoryFree: 10,
  errorCode: 11,
  resetErrorCode: 12,
  currentTime: 13,
  utcOffset: 14,
  timezone: 15,
  binding: 16,
  deviceType: 17,
  hardwareVersion: 18,
  softwareVersion: 19,
  batteryStatus: 20,
  memoryTotal: 21,
  extendedInformation: 22,
} as const;

/** /3/0/11 holds 0 when there is no error. */
const NO_ERROR: PlainValues = { 0: 0 };

/** Error Code (11) is kept by the library: `client.set('/3/0/11', [1])` says low battery, Execute /3/0/12 resets it. */
export function deviceObject(options: DeviceOptions = {}): ClientObject {
  const { reboot = (context): void => context.registerAgain(), factoryReset } = options;
  // Seconds between the clock a server has set and the machine's own.
  let clockOffset = 0;
  return {
    objectId: 3,
    unknownResources: 'skip',
    instances: {
      0: {
        [ID.manufacturer]: options.manufacturer,
        [ID.modelNumber]: options.modelNumber,
        [ID.serialNumber]: options.serialNumber,
        [ID.firmwareVersion]: options.firmwareVersion,
        [ID.reboot]: { execute: (_args, context) => context.afterResponse(() => reboot(context)) },
        [ID.factoryReset]:
          factoryReset === undefined ? undefined : { execute: (_args, context) => factoryReset(context) },
        [ID.powerSources]: options.powerSources?.map(({ type }) => type),
        [ID.voltage]: measured(options.powerSources?.map(({ voltage }) => voltage)),
        [ID.current]: measured(options.powerSources?.map(({ current }) => current)),
        [ID.batteryLevel]: options.batteryLevel,
        [ID.batteryStatus]: options.batteryStatus,
        [ID.memoryFree]: options.memoryFree,
        [ID.errorCode]: options.errorCodes ?? NO_ERROR,
        [ID.extendedInformation]: options.extendedInformation,
        [ID.resetErrorCode]: {
          execute: (_args, context) => context.tree.set(`/3/0/${ID.errorCode}`, NO_ERROR),
        },
        [ID.currentTime]: {
          read: ({ unixTime }) => Math.floor(unixTime / 1000) + clockOffset,
          write: (seconds, { unixTime }) => {
            clockOffset = Number(seconds) - Math.floor(unixTime / 1000);
          },
        },
        [ID.utcOffset]: options.utcOffset,
        [ID.timezone]: options.timezone,
        [ID.binding]: options.binding ?? 'U',
        [ID.deviceType]: options.deviceType,
        [ID.hardwareVersion]: options.hardwareVersion,
        [ID.softwareVersion]: options.softwareVersion,
        [ID.memoryTotal]: options.memoryTotal,
        ...options.resources,
      },
    },
  };
}

/** By the Resource Instance ID of the power source; undefined when nothing is measured. */
function measured(values: readonly (number | undefined)[] | undefined): ReadonlyMap<number, number> | undefined {
  const known = (values ?? []).flatMap((value, id) => (value === undefined ? [] : [[id, value] as const]));
  return known.length === 0 ? undefined : new Map(known);
}
