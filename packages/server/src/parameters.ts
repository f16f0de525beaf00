/** The Server's bounds and their defaults. */
export interface ServerParameters {
  /** Registrations at once; a Register beyond it is answered 5.03. */
  readonly maxRegistrations: number;
  /** Bytes of the payload of a Register or Update. */
  readonly maxObjectListBytes: number;
  /** Parameters beyond those of LwM2M that are kept of a registration; further ones are passed over. */
  readonly maxAdditionalParameters: number;
  /** Notifications kept for an iterator whose reader is slower than the device; older ones are dropped and counted. */
  readonly notificationBuffer: number;
  /** ms a client in queue mode stays awake after whatever it has sent: MAX_TRANSMIT_WAIT. OMA TS Core §6.5, RFC 7252 §4.8.2. */
  readonly clientAwakeTime: number;
  /** Requests that may wait for one sleeping device; further ones reject with QUEUE_FULL. */
  readonly maxHeldRequests: number;
  /** Devices whose observations are kept while they are not registered; those of the one gone longest end for a new one. */
  readonly maxWaitingDevices: number;
  /** Resources offered to devices at once. */
  readonly maxOffers: number;
  /** Refuse a Register over plain coap of a name that has credentials here or is registered over coaps. */
  readonly refuseDowngrade: boolean;
  /** Let a certificate that a trust anchor vouches for register as a name in it, when the name has no entry at all. */
  readonly acceptUnlistedCertificates: boolean;
}

export const DEFAULT_SERVER_PARAMETERS: ServerParameters = Object.freeze({
  maxRegistrations: 1_000_000,
  maxObjectListBytes: 16_384,
  maxAdditionalParameters: 16,
  notificationBuffer: 64,
  clientAwakeTime: 93_000,
  maxHeldRequests: 256,
  maxWaitingDevices: 100_000,
  maxOffers: 10_000,
  refuseDowngrade: true,
  acceptUnlistedCertificates: true,
});
