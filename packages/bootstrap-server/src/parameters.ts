/** The Bootstrap-Server's bounds and their defaults. */
export interface BootstrapServerParameters {
  /** Sessions at once; a request beyond it is answered 5.03. */
  readonly maxSessions: number;
  /** Sessions at once with one IP address; devices behind one NAT share it. */
  readonly maxSessionsPerAddress: number;
  /** Sessions that have ended and are still shown, the newest. */
  readonly maxEndedSessions: number;
  /** Entries in the timeline of a session. */
  readonly maxTimelineEntries: number;
  /** Refusals that are still shown, the newest. */
  readonly maxShownRefusals: number;
  /** Refusals answered per second; requests beyond it get no answer. */
  readonly maxRefusalsPerSecond: number;
  /** Bytes of one Bootstrap-Write or Bootstrap-Pack. */
  readonly maxPayloadBytes: number;
  /** Bytes of the answer to a Bootstrap-Discover; a longer one counts as none. */
  readonly maxDiscoverBytes: number;
  /** Links in the answer to a Bootstrap-Discover; a longer one counts as none. */
  readonly maxDiscoveredNodes: number;
  /** Operations of one session, without repairs. */
  readonly maxOperations: number;
  /** How often a configuration is written anew after the device has refused Bootstrap-Finish with 4.06. */
  readonly maxRepairs: number;
  /** ms for the answer to one operation: MAX_TRANSMIT_WAIT. RFC 7252 §4.8.2. */
  readonly operationTimeout: number;
  /** ms for the answer to a Bootstrap-Discover; then the session goes on without. */
  readonly discoverTimeout: number;
  /** ms from the request to the answer of Bootstrap-Finish. */
  readonly sessionTimeout: number;
  /** Answer Bootstrap-Pack-Requests. LwM2M 1.2. */
  readonly packs: boolean;
  /** Refuse over plain coap a name that has credentials here or a session over coaps. */
  readonly refuseDowngrade: boolean;
  /** Let a certificate that a trust anchor vouches for come as a name in it, when the name has no entry at all. */
  readonly acceptUnlistedCertificates: boolean;
}

export const DEFAULT_BOOTSTRAP_SERVER_PARAMETERS: BootstrapServerParameters = Object.freeze({
  maxSessions: 20_000,
  maxSessionsPerAddress: 5_000,
  maxEndedSessions: 1_000,
  maxTimelineEntries: 200,
  maxShownRefusals: 1_000,
  maxRefusalsPerSecond: 1_000,
  maxPayloadBytes: 65_536,
  maxDiscoverBytes: 16_384,
  maxDiscoveredNodes: 1_000,
  maxOperations: 1_000,
  maxRepairs: 1,
  operationTimeout: 93_000,
  discoverTimeout: 30_000,
  sessionTimeout: 600_000,
  packs: true,
  refuseDowngrade: true,
  acceptUnlistedCertificates: true,
});
