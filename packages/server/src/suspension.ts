/**
 * Taking the state of a Server out of its tables, and putting it into those of another. Both happen in one go, between
 * two datagrams, so that nothing is in two places at once.
 */
import { Peer } from '@lapwing/coap';
import { isSecure, type Driver, type PeerAddress } from '@lapwing/transport';
import type { RegistrationInterface } from './registration-interface.ts';
import type { RegistrationRecord } from './registration-record.ts';
import { resumeObservation, type ObservationListener } from './observations.ts';
import { reportServerError } from './diagnostics.ts';
import { successorOf } from './server-endpoint.ts';
import type { SharedObjectList } from './shared-object-lists.ts';
import type { SavedPeer, SavedRegistration, ServerState } from './snapshot.ts';

/** Associations are moved: the drivers have none left. */
export function takeState(drivers: readonly Driver[], records: Iterable<RegistrationRecord>): ServerState {
  const objectLists: SharedObjectList[] = [];
  const listIndex = new Map<SharedObjectList, number>();
  const peers: SavedPeer[] = [];
  const peerIndex = new Map<Peer, number>();
  const associations: Uint8Array[] = [];
  const registrations: SavedRegistration[] = [];

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

  for (const record of records) {
    let objectList = listIndex.get(record.objectList);
    if (objectList === undefined) {
      listIndex.set(record.objectList, (objectList = objectLists.length));
      objectLists.push(record.objectList);
    }
    registrations.push({
      registration: fieldsOf(record),
      objectList,
      peer: addPeer(record.driver, record.peer),
      observations: [...(record.observations?.values() ?? [])].flatMap((state) => state.save() ?? []),
    });
  }
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
  readonly observations: number;
}

export function putState(
  drivers: readonly Driver[],
  { content, associations }: ServerState,
  registrationInterface: RegistrationInterface,
  observer: ObservationListener,
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
  let observations = 0;
  for (const saved of content.registrations) {
    const found = peers[saved.peer];
    const objectList = content.objectLists[saved.objectList];
    if (found === undefined || objectList === undefined) continue;
    const { driver } = found;
    const { registration } = saved;
    const { lifetimeSeconds, updatedAt, security } = registration;
    const expiresAt = lifetimeSeconds === 0 ? Infinity : updatedAt + lifetimeSeconds * 1000;
    if (expiresAt <= driver.unixTime()) continue;
    const { address } = content.peers[saved.peer]!;
    const peer = found.peer ?? new Peer(address, security);
    try {
      driver.turn((now) => {
        const whole = { ...registration, ...objectList, address: peer.address, expiresAt };
        const record = registrationInterface.adopt(driver, now, whole, peer);
        records.push(record);
        for (const observation of saved.observations)
          if (resumeObservation(record, observation, observer)) observations++;
      });
    } catch (error) {
      // One that this version cannot take over is no reason to turn the others away.
      reportServerError(error);
    }
  }
  return { associations: open, records, observations };
}
