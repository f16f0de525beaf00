/**
 * One registration as the Server keeps it: compact, and changed in place by every Update. Users see it through the
 * `Registration` interface, which is therefore a live view; `copyRegistration` makes a copy that stays.
 *
 * A fleet has few distinct object lists, versions and bindings, so those are shared; the lists that a registration is a
 * member of (lifetime slot, registrations of one peer) run through the records themselves.
 */
import type { Peer, PeerSecurity } from '@lapwing/coap';
import type { AdditionalParameters, LwM2mVersion } from '@lapwing/lwm2m';
import type { Driver, PeerAddress } from '@lapwing/transport';
import type { RegisteredObject, Registration } from './api.ts';
import type { DeviceHandle } from './device-handle.ts';
import type { WheelEntry } from './lifetime-wheel.ts';
import type { ObservationState } from './observations.ts';
import type { AwakeWindow, RequestQueue, RequestQueues } from './request-queues.ts';
import type { Abandonable } from './requests.ts';
import type { SharedObjectList } from './shared-object-lists.ts';

/** What Register may set and Update may change. Digits in `smsNumber`, seconds in `lifetimeSeconds`. */
export interface RegistrationFields {
  readonly lwm2mVersion: LwM2mVersion;
  readonly lifetimeSeconds: number;
  readonly binding: string;
  readonly queueMode: boolean;
  readonly smsNumber: string | undefined;
  readonly additionalParameters: AdditionalParameters;
}

export class RegistrationRecord implements Registration, WheelEntry {
  readonly registrationId: string;
  readonly endpointClientName: string;
  readonly lwm2mVersion: LwM2mVersion;
  lifetimeSeconds: number;
  binding: string;
  queueMode: boolean;
  smsNumber: string | undefined;
  additionalParameters: AdditionalParameters;
  objectList: SharedObjectList;
  /** The endpoint of the Server that it was received at. */
  readonly driver: Driver;
  peer: Peer<PeerAddress>;
  readonly registeredAt: number;
  updatedAt: number;
  /** ms on the driver's clock: the last Register or Update. */
  refreshedAt: number;
  /** No longer registered; whoever still holds the record must not use its peer. */
  ended = false;
  wheelSlot = -1;
  nextInSlot: WheelEntry | undefined = undefined;
  previousInSlot: WheelEntry | undefined = undefined;
  nextOfPeer: RegistrationRecord | undefined = undefined;
  previousOfPeer: RegistrationRecord | undefined = undefined;
  /** By path in text; allocated with the first observation. */
  observations: Map<string, ObservationState> | undefined = undefined;
  /** Requests without an answer so far; allocated with the first one, gone with the last. */
  pending: Set<Abandonable> | undefined = undefined;
  readonly queues: RequestQueues;
  /** Requests that wait for a device in queue mode. */
  queue: RequestQueue | undefined = undefined;
  /** A device in queue mode that is awake. */
  awake: AwakeWindow | undefined = undefined;
  device: DeviceHandle | undefined = undefined;

  constructor(
    registrationId: string,
    endpointClientName: string,
    fields: RegistrationFields,
    objectList: SharedObjectList,
    driver: Driver,
    peer: Peer<PeerAddress>,
    now: number,
    registeredAt: number,
    updatedAt: number,
    queues: RequestQueues,
  ) {
    this.registrationId = registrationId;
    this.endpointClientName = endpointClientName;
    this.lwm2mVersion = fields.lwm2mVersion;
    this.lifetimeSeconds = fields.lifetimeSeconds;
    this.binding = fields.binding;
    this.queueMode = fields.queueMode;
    this.smsNumber = fields.smsNumber;
    this.additionalParameters = fields.additionalParameters;
    this.objectList = objectList;
    this.driver = driver;
    this.peer = peer;
    this.registeredAt = registeredAt;
    this.updatedAt = updatedAt;
    this.refreshedAt = now;
    this.queues = queues;
  }

  get address(): PeerAddress {
    return this.peer.address;
  }

  get serverAddress(): PeerAddress {
    return this.driver.localAddress;
  }

  get security(): PeerSecurity {
    return this.peer.security;
  }

  get contentFormats(): readonly number[] {
    return this.objectList.contentFormats;
  }

  get alternatePath(): string {
    return this.objectList.alternatePath;
  }

  get objects(): readonly RegisteredObject[] {
    return this.objectList.objects;
  }

  get expiresAt(): number {
    return this.lifetimeSeconds === 0 ? Infinity : this.updatedAt + this.lifetimeSeconds * 1000;
  }

  /** Lifetime 0 means for ever (Server Object, /1/x/1, 1.1). */
  get deadline(): number {
    return this.lifetimeSeconds === 0 ? Infinity : this.refreshedAt + this.lifetimeSeconds * 1000;
  }
}

/** A copy that no later Update changes. */
export function copyRegistration(registration: Registration): Registration {
  const { registrationId, endpointClientName, lwm2mVersion, lifetimeSeconds, binding, queueMode, smsNumber } =
    registration;
  const { additionalParameters, address, serverAddress, security, contentFormats } = registration;
  const { alternatePath, objects, registeredAt, updatedAt, expiresAt } = registration;
  return {
    registrationId,
    endpointClientName,
    lwm2mVersion,
    lifetimeSeconds,
    binding,
    queueMode,
    smsNumber,
    additionalParameters,
    address,
    ...(serverAddress !== undefined && { serverAddress }),
    security,
    contentFormats,
    alternatePath,
    objects,
    registeredAt,
    updatedAt,
    expiresAt,
  };
}
