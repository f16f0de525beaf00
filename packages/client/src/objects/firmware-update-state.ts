/**
 * The state of a Firmware Update (Object 5), as a pure transition function: states × inputs → state and result, or 4.05.
 * OMA TS Core, Object Firmware Update.
 *
 *            begin                  received                  update
 *     idle ────────► downloading ────────────► downloaded ────────────► updating
 *      ▲  ◄── failed ──┘ │  ▲ reset, cancel       │ ▲  └─ deferred       │   │
 *      │◄── reset, cancel┘  │◄────────────────────┘ └──── failed ────────┘   │
 *      └────────────────────┴───────────────────────────────── installed ────┘
 */

/** /5/0/3. */
export const FIRMWARE_STATES = { idle: 0, downloading: 1, downloaded: 2, updating: 3 } as const;
export type FirmwareState = keyof typeof FIRMWARE_STATES;

/** /5/0/5. Those of LwM2M 1.0 end at `protocol`. */
export const FIRMWARE_RESULTS = {
  initial: 0,
  success: 1,
  /** Not enough flash memory for the package. */
  storage: 2,
  /** Out of RAM while downloading. */
  memory: 3,
  connectionLost: 4,
  integrity: 5,
  packageType: 6,
  uri: 7,
  updateFailed: 8,
  protocol: 9,
  cancelled: 10,
  deferred: 11,
} as const;
export type FirmwareResult = keyof typeof FIRMWARE_RESULTS;

/** What can be wrong with a package or its way here. */
export type FirmwareProblem = Exclude<
  FirmwareResult,
  'initial' | 'success' | 'updateFailed' | 'cancelled' | 'deferred'
>;

export type FirmwareInput =
  /** A package begins to arrive: the first block of a Write, or a URI to fetch it from. */
  | { readonly kind: 'begin' }
  /** It is here, and what it should be. */
  | { readonly kind: 'received' }
  /** It is not, or there is nothing to begin with (a URI that is none). */
  | { readonly kind: 'failed'; readonly problem: FirmwareProblem }
  /** An empty URI, or a package of one NUL byte. */
  | { readonly kind: 'reset' }
  /** Execute /5/0/10. 1.1. */
  | { readonly kind: 'cancel' }
  /** Execute /5/0/2. */
  | { readonly kind: 'update' }
  /** The device does not update now. 1.1. */
  | { readonly kind: 'deferred' }
  | { readonly kind: 'installed' }
  /** The package is still there, and can be tried again. */
  | { readonly kind: 'installFailed' };

export interface FirmwareStep {
  readonly state: FirmwareState;
  readonly result: FirmwareResult;
}

/** @returns undefined when the input is not allowed in this state: 4.05, or for what the device itself says, ignored. */
export function advanceFirmware(state: FirmwareState, input: FirmwareInput): FirmwareStep | undefined {
  switch (input.kind) {
    case 'begin':
      return state === 'idle' ? { state: 'downloading', result: 'initial' } : undefined;
    case 'received':
      return state === 'downloading' ? { state: 'downloaded', result: 'initial' } : undefined;
    case 'failed':
      return state === 'idle' || state === 'downloading' ? { state: 'idle', result: input.problem } : undefined;
    case 'reset':
      return state === 'updating' ? undefined : { state: 'idle', result: 'initial' };
    case 'cancel':
      return state === 'downloading' || state === 'downloaded' ? { state: 'idle', result: 'cancelled' } : undefined;
    case 'update':
      return state === 'downloaded' ? { state: 'updating', result: 'initial' } : undefined;
    case 'deferred':
      return state === 'updating' ? { state: 'downloaded', result: 'deferred' } : undefined;
    case 'installed':
      return state === 'updating' ? { state: 'idle', result: 'success' } : undefined;
    case 'installFailed':
      return state === 'updating' ? { state: 'downloaded', result: 'updateFailed' } : undefined;
  }
}
