/** The Server's bounds and their defaults. */
export interface ServerParameters {
  /** Registrations at once; a Register beyond it is answered 5.03. */
  readonly maxRegistrations: number;
  /** Bytes of the payload of a Register or Update. */
  readonly maxObjectListBytes: number;
  /** Notifications kept for an iterator whose reader is slower than the device; older ones are dropped and counted. */
  readonly notificationBuffer: number;
}

export const DEFAULT_SERVER_PARAMETERS: ServerParameters = Object.freeze({
  maxRegistrations: 1_000_000,
  maxObjectListBytes: 16_384,
  notificationBuffer: 64,
});
