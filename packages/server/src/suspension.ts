/**
 * Taking the state of a Server out of its tables, and putting it into those of another. Both happen in one go, between
 * two datagrams, so that nothing is in two places at once.
 */
import { Peer } from '@lapwing/coap';
import { isSecure, type Driver, type PeerAddress } from '@lapwing/transport';
import type { RegistrationInterface } from './registration-interface.ts';
import type { RegistrationRecord } from './registration-record.ts';
import { resumeObservation } from './observations.ts';
import { reportServerError } from './diagnostics.ts';
import { successorOf } from './server-endpoint.ts';
import { endOperation, resumeOperation, type OperationListener } from './kept-operations.ts';
import type { RequestQueues } from './request-queues.ts';
import type { SharedObjectList } from './shared-object-lists.ts';
import type { SavedIntent, SavedObservation, SavedPeer, SavedRegistration, ServerState } from './snapshot.ts';

/**
 * Associations are moved: the drivers have none left. What is `pending` of a registration is what is kept of it.
 *
 * @param intents  the last registrations of devices that are not registered.
 */
export function takeState(
  drivers: readonly Driver[],
  records: Iterable<RegistrationRecord>,
  intents: Iterable<RegistrationRecord>,
  operations: number,
): ServerState {
  const objectLists: SharedObjectList[] = [];
  const listIndex = new Map<SharedObjectList, number>();
  const peers: SavedPeer[] = [];
  const peerIndex = new Map<Peer, number>();
  const associations: Uint8Array[] = [];

  const open: { readonly driver: Driver; readonly peer: Peer<PeerAddress>; readonly index: number }[] = [];
  const addPeer = (driver: Driver, peer: Peer<PeerAddress>): number => {
    const known = peerIndex.get(peer);
    if (known !== undefined) return known;
    const index = peers.length;
    peerIndex.set(peer, index);
    peers.push({
      driver: drivers.indexOf(driver),
      address: peer.address,
      nextMessageId: driver.endpoint.nextMessageId(peer),
      association: undefined,
    });
    open.push({ driver, peer, index });
    return index;
  };
  const addList = (list: SharedObjectList): number => {
    const known = listIndex.get(list);
    if (known !== undefined) return known;
    listIndex.set(list, objectLists.length);
    return objectLists.push(list) - 1;
  };
  const whatIsObserved = ({ observations }: RegistrationRecord): readonly SavedObservation[] =>
    [...(observations?.values() ?? [])].flatMap((state) => state.save() ?? []);

  const registrations = Array.from(records, (record): SavedRegistration => ({
    registration: fieldsOf(record),
    objectList: addList(record.objectList),
    peer: addPeer(record.driver, record.peer),
    observations: whatIsObserved(record),
    operations: [...(record.pending ?? [])].flatMap((request) => request.save() ?? []),
  }));
  const kept = Array.from(intents, (record): SavedIntent => ({
    registration: fieldsOf(record),
    objectList: addList(record.objectList),
    driver: drivers.indexOf(record.driver),
    address: record.address,
    observations: whatIsObserved(record),
  }));
  for (const driver of drivers) {
    if (isSecure(driver)) for (const peer of driver.associatedPeers()) addPeer(driver, peer);
  }
  // Last, because an exported association takes everything with it that CoAP knows about the peer.
  for (const { driver, peer, index } of open) {
    const state = isSecure(driver) ? driver.exportAssociation(peer) : undefined;
    if (state === undefined) continue;
    peers[index] = { ...peers[index]!, association: associations.length };
    associations.push(state);
  }
  return {
    content: {
      drivers: drivers.map(({ scheme, localAddress }) => ({ scheme, address: localAddress })),
      peers,
      objectLists: objectLists.map(({ objects, contentFormats, alternatePath }) => ({
        objects,
        contentFormats,
        alternatePath,
      })),
      registrations,
      intents: kept,
      operations,
    },
    associations,
  };
}

function fieldsOf(record: RegistrationRecord): SavedRegistration['registration'] {
  const { registrationId, endpointClientName, lwm2mVersion, lifetimeSeconds, binding, queueMode, smsNumber } = record;
  const { additionalParameters, security, registeredAt, updatedAt } = record;
  return {
    registrationId,
    endpointClientName,
    lwm2mVersion,
    lifetimeSeconds,
    binding,
    queueMode,
    smsNumber,
    additionalParameters,
    security,
    registeredAt,
    updatedAt,
  };
}

export interface ResumedState {
  readonly associations: readonly { readonly driver: Driver; readonly peer: Peer<PeerAddress> }[];
  readonly records: readonly RegistrationRecord[];
  /** The last registrations of devices that are not registered, with what is observed of them; gone longest first. */
  readonly intents: readonly RegistrationRecord[];
  readonly observations: number;
  readonly operations: number;
}

export function putState(
  drivers: readonly Driver[],
  { content, associations }: ServerState,
  registrationInterface: RegistrationInterface,
  queues: RequestQueues,
  listener: OperationListener,
): ResumedState {
  const successors = content.drivers.map(({ scheme, address }) => successorOf(scheme, address, drivers));
  const open: { readonly driver: Driver; readonly peer: Peer<PeerAddress> }[] = [];
  const peers = content.peers.map(({ driver: index, association, address, nextMessageId }) => {
    const driver = successors[index];
    if (driver === undefined) return undefined;
    const state = association === undefined ? undefined : associations[association];
    let peer: Peer<PeerAddress> | undefined;
    if (!isSecure(driver)) peer = driver.peer(address);
    else if (state !== undefined) peer = driver.importAssociation(state);
    if (peer === undefined) return { driver, peer: undefined };
    if (nextMessageId !== undefined) driver.endpoint.continueMessageIds(peer, nextMessageId);
    if (isSecure(driver)) open.push({ driver, peer });
    return { driver, peer };
  });

  const records: RegistrationRecord[] = [];
  const intents: RegistrationRecord[] = [];
  let observations = 0;
  let operations = 0;
  const resumeObservations = (record: RegistrationRecord, saved: readonly SavedObservation[]): void => {
    for (const observation of saved) if (resumeObservation(record, observation, listener)) observations++;
  };
  /** It is not registered: what is observed of it waits until it is. Whoever has taken its address has no part in it. */
  const keepIntent = (saved: SavedIntent): void => {
    const driver = successors[saved.driver] ?? drivers[0];
    const objectList = content.objectLists[saved.objectList];
    if (driver === undefined || objectList === undefined || saved.observations.length === 0) return;
    const peer = new Peer(saved.address, saved.registration.security);
    const record = registrationInterface.former(driver, { ...saved.registration, ...objectList }, peer);
    resumeObservations(
      record,
      saved.observations.map((observation) => ({ ...observation, onWire: undefined })),
    );
    intents.push(record);
  };

  const keepsIds = queues.continueOperationIds(content.operations);
  for (const intent of content.intents) keepIntent(intent);
  for (const saved of content.registrations) {
    const { registration } = saved;
    const { lifetimeSeconds, updatedAt, security } = registration;
    const { address, driver: driverIndex } = content.peers[saved.peer]!;
    const found = peers[saved.peer];
    const now = (found?.driver ?? drivers[0])?.unixTime() ?? Infinity;
    const expiresAt = lifetimeSeconds === 0 ? Infinity : updatedAt + lifetimeSeconds * 1000;
    const serverAddress = content.drivers[driverIndex]!.address;
    const objectList = content.objectLists[saved.objectList]!;
    const whole = { ...registration, ...objectList, address, serverAddress, expiresAt };
    let record: RegistrationRecord | undefined;
    if (found !== undefined && expiresAt > now) {
      const { driver } = found;
      const peer = found.peer ?? new Peer(address, security);
      try {
        driver.turn((turnedAt) => {
          record = registrationInterface.adopt(driver, turnedAt, whole, peer);
          resumeObservations(record, saved.observations);
        });
      } catch (error) {
        // One that this version cannot take over is no reason to turn the others away.
        reportServerError(error);
      }
    }
    if (record === undefined) {
      keepIntent({ ...saved, driver: driverIndex, address });
      for (const operation of saved.operations) endOperation(whole, operation, now, listener);
      continue;
    }
    records.push(record);
    for (const operation of saved.operations) {
      if (operation.expiresAt <= now) {
        endOperation(whole, operation, now, listener);
        continue;
      }
      resumeOperation(record, operation, keepsIds ? operation.operationId : queues.nextOperationId(), listener);
      operations++;
    }
  }
  return { associations: open, records, intents, observations, operations };
}
