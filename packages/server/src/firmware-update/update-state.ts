/**
 * The course of a firmware update as the Server sees it, as a pure transition function: stages × inputs → stage. What is
 * done on entering a stage is in `firmware-update.ts`. OMA TS Core, Object Firmware Update (5).
 *
 *   preparing ──idle──> pushing ──done──> downloading ──downloaded──> starting ──done──> installing ──success──> verifying
 *       │  ▲     └────> offering ──done──────^ │                                          │      ▲                  │
 *       ▼ done            │ refused            └ idle, with what went wrong ─> ended   deferred ─┘                ended
 *   resetting          diagnosing ─────────────────────────────────────────────^
 *
 * A device is asked for State and Update Result together, so that no pair of them is ever half old; its notifications,
 * Registers and Updates only say when to ask.
 */
import { FIRMWARE_FAILURES, type FirmwareFailure, type FirmwareUpdateOutcome } from './update-outcome.ts';

/** /5/0/3, by number. */
export const DEVICE_STATES = ['idle', 'downloading', 'downloaded', 'updating'] as const;
export type DeviceFirmwareState = (typeof DEVICE_STATES)[number];

/** /5/0/5, by number. */
export const DEVICE_RESULTS = [
  'initial',
  'success',
  'storage',
  'memory',
  'connectionLost',
  'integrity',
  'packageType',
  'uri',
  'updateFailed',
  'protocol',
  'cancelled',
  'deferred',
] as const;
export type DeviceFirmwareResult = (typeof DEVICE_RESULTS)[number];

export type FirmwareUpdateState =
  /** The device is asked what it can do and where it is. */
  | { readonly kind: 'preparing' }
  /** What it has of another update is taken from it. */
  | { readonly kind: 'resetting' }
  /** The package is being written to it. */
  | { readonly kind: 'pushing' }
  /** It is told where to fetch the package. */
  | { readonly kind: 'offering' }
  /** It said no, and is asked why. */
  | { readonly kind: 'diagnosing'; readonly reason: string }
  /** It fetches or checks the package. */
  | { readonly kind: 'downloading' }
  /** It is told to install. */
  | { readonly kind: 'starting' }
  | { readonly kind: 'installing' }
  /** It will install later, when it pleases. 1.1. */
  | { readonly kind: 'deferred' }
  /** Its firmware version is read. `told`: it said that it succeeded. */
  | { readonly kind: 'verifying'; readonly told: boolean }
  | { readonly kind: 'ended'; readonly outcome: FirmwareUpdateOutcome; readonly reason?: string };

export type FirmwareUpdateStage = FirmwareUpdateState['kind'];

export type FirmwareUpdateInput =
  /** What the device says of itself. */
  | { readonly kind: 'report'; readonly state: DeviceFirmwareState; readonly result: DeviceFirmwareResult }
  /** The device accepted what this stage asks for. */
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly reason: string }
  /** No answer came. */
  | { readonly kind: 'unanswered'; readonly reason: string }
  /** It has no Object 5, or does not take packages in this way. */
  | { readonly kind: 'unsupported'; readonly reason: string }
  /** /3/0/3: what was wanted or another than before; the same; not what was wanted; not told. */
  | { readonly kind: 'version'; readonly is: 'new' | 'same' | 'wrong' | 'unknown' }
  | { readonly kind: 'cancel' }
  /** Nothing has happened for too long. */
  | { readonly kind: 'expired' };

export interface FirmwareDelivery {
  readonly delivery: 'push' | 'pull';
}

/** @returns undefined when the input changes nothing here: ignored, or for a cancel, not possible any more. */
export function advanceUpdate(
  state: FirmwareUpdateState,
  input: FirmwareUpdateInput,
  { delivery }: FirmwareDelivery,
): FirmwareUpdateState | undefined {
  if (state.kind === 'ended') return undefined;
  switch (input.kind) {
    case 'cancel':
      return CANCELLABLE.has(state.kind) ? { kind: 'ended', outcome: 'cancelled' } : undefined;
    case 'expired':
      return { kind: 'ended', outcome: EXPIRED[state.kind] };
    case 'unsupported':
      return state.kind === 'preparing' ? { kind: 'ended', outcome: 'unsupported', reason: input.reason } : undefined;
    case 'report':
      return reported(state, input, delivery);
    case 'version':
      return state.kind === 'verifying' ? verified(state.told, input.is) : undefined;
    case 'accepted':
      return ACCEPTED[state.kind]?.(delivery);
    case 'refused':
      return refused(state, input.reason);
    case 'unanswered':
      return unanswered(state, input.reason);
  }
}

const transfer = (delivery: FirmwareDelivery['delivery']): FirmwareUpdateState => ({
  kind: delivery === 'push' ? 'pushing' : 'offering',
});

type Accepted = (delivery: FirmwareDelivery['delivery']) => FirmwareUpdateState;
const ACCEPTED: Readonly<Partial<Record<FirmwareUpdateStage, Accepted>>> = {
  resetting: transfer,
  pushing: () => ({ kind: 'downloading' }),
  offering: () => ({ kind: 'downloading' }),
  starting: () => ({ kind: 'installing' }),
};

/** Once a device installs, nothing stops it. */
const CANCELLABLE: ReadonlySet<FirmwareUpdateStage> = new Set([
  'preparing',
  'resetting',
  'pushing',
  'offering',
  'diagnosing',
  'downloading',
  'deferred',
]);

const EXPIRED: Readonly<Record<Exclude<FirmwareUpdateStage, 'ended'>, FirmwareUpdateOutcome>> = {
  preparing: 'unreachable',
  resetting: 'unreachable',
  pushing: 'unreachable',
  offering: 'unreachable',
  diagnosing: 'unreachable',
  downloading: 'downloadTooSlow',
  starting: 'unreachable',
  installing: 'notBack',
  deferred: 'deferred',
  verifying: 'wrongVersion',
};

function refused(state: FirmwareUpdateState, reason: string): FirmwareUpdateState | undefined {
  switch (state.kind) {
    case 'pushing':
    case 'offering':
      return { kind: 'diagnosing', reason };
    case 'diagnosing':
      return { kind: 'ended', outcome: 'refused', reason: state.reason };
    case 'preparing':
    case 'resetting':
    case 'starting':
      return { kind: 'ended', outcome: 'refused', reason };
    case 'downloading':
    case 'installing':
    case 'deferred':
    case 'verifying':
    case 'ended':
      return undefined;
  }
}

function unanswered(state: FirmwareUpdateState, reason: string): FirmwareUpdateState | undefined {
  switch (state.kind) {
    case 'diagnosing':
      return { kind: 'ended', outcome: 'refused', reason: state.reason };
    case 'preparing':
    case 'resetting':
    case 'pushing':
    case 'offering':
      return { kind: 'ended', outcome: 'unreachable', reason };
    // It may restart before it has answered.
    case 'starting':
      return { kind: 'installing' };
    case 'downloading':
    case 'installing':
    case 'deferred':
    case 'verifying':
    case 'ended':
      return undefined;
  }
}

function reported(
  before: FirmwareUpdateState,
  { state, result }: Extract<FirmwareUpdateInput, { kind: 'report' }>,
  delivery: FirmwareDelivery['delivery'],
): FirmwareUpdateState | undefined {
  const failure = failureIn(result);
  switch (before.kind) {
    case 'preparing':
      if (state === 'updating') return { kind: 'ended', outcome: 'busy' };
      return state === 'idle' ? transfer(delivery) : { kind: 'resetting' };
    case 'diagnosing':
      if (state === 'idle' && failure !== undefined) return { kind: 'ended', outcome: failure, reason: before.reason };
      return { kind: 'ended', outcome: 'refused', reason: before.reason };
    case 'downloading':
      if (state === 'downloaded') return { kind: 'starting' };
      if (state === 'updating') return { kind: 'installing' };
      return state === 'idle' && failure !== undefined ? { kind: 'ended', outcome: failure } : undefined;
    case 'installing':
    case 'deferred':
      return installing(before, state, result);
    case 'resetting':
    case 'pushing':
    case 'offering':
    case 'starting':
    case 'verifying':
    case 'ended':
      return undefined;
  }
}

function installing(
  before: FirmwareUpdateState,
  state: DeviceFirmwareState,
  result: DeviceFirmwareResult,
): FirmwareUpdateState | undefined {
  const failure = failureIn(result);
  switch (state) {
    case 'updating':
    case 'downloading':
      return before.kind === 'installing' ? undefined : { kind: 'installing' };
    case 'downloaded':
      if (failure !== undefined) return { kind: 'ended', outcome: failure };
      return result === 'deferred' && before.kind === 'installing' ? { kind: 'deferred' } : undefined;
    case 'idle':
      if (failure !== undefined) return { kind: 'ended', outcome: failure };
      // One that forgot with its restart that there was an update is judged by its version.
      return { kind: 'verifying', told: result === 'success' };
  }
}

function verified(
  told: boolean,
  is: Extract<FirmwareUpdateInput, { kind: 'version' }>['is'],
): FirmwareUpdateState | undefined {
  if (is === 'new' || (told && is !== 'wrong')) return { kind: 'ended', outcome: 'succeeded' };
  // It may say that it succeeded before it has restarted into what it installed.
  return told ? undefined : { kind: 'ended', outcome: 'notInstalled' };
}

const failureIn = (result: DeviceFirmwareResult): FirmwareFailure | undefined =>
  (FIRMWARE_FAILURES as readonly string[]).includes(result)
    ? (result as Exclude<FirmwareFailure, 'cancelledByDevice'>)
    : result === 'cancelled'
      ? 'cancelledByDevice'
      : undefined;
