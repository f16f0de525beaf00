/** Object 4, Connectivity Monitoring: which network the device is on, and how well. OMA TS Core, Object Connectivity Monitoring. */
import type { ClientObject, HandlerContext, ObjectInstanceContent, PlainValue, PlainValues } from '../client-object.ts';
import { andThen } from '../maybe-promise.ts';
import type { MaybePromise } from '../maybe-promise.ts';

export interface ConnectivityState {
  /** 0 GSM, 6 LTE, 7 NB-IoT, 21 WLAN, 22 Bluetooth, 23 IEEE 802.15.4, 41 Ethernet, 42 DSL … */
  readonly networkBearer: number;
  /** Default: the one in use. */
  readonly availableBearers?: readonly number[];
  /** dBm. */
  readonly radioSignalStrength: number;
  /** As the bearer measures it: LQI, RSRQ … */
  readonly linkQuality?: number;
  readonly ipAddresses: readonly string[];
  /** The next hop of each IP address. */
  readonly routerIpAddresses?: readonly string[];
  /** Percent. */
  readonly linkUtilization?: number;
  readonly apn?: readonly string[];
  readonly cellId?: number;
  /** Serving mobile network and country code. */
  readonly smnc?: number;
  readonly smcc?: number;
  /** dB. 1.1. */
  readonly signalSnr?: number;
  /** Location area code. 1.1. */
  readonly lac?: number;
  /** Coverage enhancement level. 1.2. */
  readonly coverageEnhancementLevel?: number;
}

const ID = {
  networkBearer: 0,
  availableBearers: 1,
  radioSignalStrength: 2,
  linkQuality: 3,
  ipAddresses: 4,
  routerIpAddresses: 5,
  linkUtilization: 6,
  apn: 7,
  cellId: 8,
  smnc: 9,
  smcc: 10,
  signalSnr: 11,
  lac: 12,
  coverageEnhancementLevel: 13,
} as const satisfies Record<keyof ConnectivityState, number>;

/**
 * @param state  as it is, to be changed with `client.set`; or a function that finds out, which is called when a server
 * reads or observes. What it leaves out does not exist just then.
 */
export function connectivityMonitoringObject(
  state: ConnectivityState | ((context: HandlerContext) => MaybePromise<ConnectivityState>),
): ClientObject {
  const names = Object.keys(ID) as (keyof ConnectivityState)[];
  const content: ObjectInstanceContent = Object.fromEntries(
    names.map((name) => [
      ID[name],
      typeof state === 'function'
        ? { read: (context: HandlerContext) => andThen(state(context), (now) => valueOf(now, name)) }
        : valueOf(state, name),
    ]),
  );
  return { objectId: 4, unknownResources: 'skip', instances: { 0: content } };
}

function valueOf(state: ConnectivityState, name: keyof ConnectivityState): PlainValue | PlainValues | undefined {
  return name === 'availableBearers' ? (state.availableBearers ?? [state.networkBearer]) : state[name];
}
