/**
 * An open association out of one endpoint and into another, without a handshake. The nonce of a record is its epoch and
 * sequence number, so whoever goes on must begin beyond every number the one before can have used.
 *
 *   'move'     the exact state; the exporting side forgets the association
 *   'reserve'  the exporting side goes on, but not to the sequence number that the state begins with
 */
import { DtlsAssociation } from './association.ts';
import type { ConnectionIdTable } from './connection-ids.ts';
import type { DtlsCrypto } from './crypto.ts';
import { isMalformed } from './malformed.ts';
import type { DtlsParameters } from './parameters.ts';
import { createProtection } from './record/create-protection.ts';
import { SEQUENCE_LIMIT } from './record/record-header.ts';
import { ReplayWindow } from './record/replay-window.ts';
import { decodeAssociationState, encodeAssociationState } from './session/association-state.ts';

/** The caller's monotonic clock and the calendar at one moment: an exported state outlives the former. */
export interface Clocks {
  readonly now: number;
  /** ms since 1970. */
  readonly unixTime: number;
}

/** @param association  one that is open. */
export function exportState(
  association: DtlsAssociation,
  mode: 'move' | 'reserve',
  clocks: Clocks,
  sequenceReservation: number,
  crypto: DtlsCrypto,
): Uint8Array {
  const { role, address, writeSequence, window, parameters, extendedMasterSecret, principal } = association;
  const firstSequence = mode === 'move' ? writeSequence : Math.min(writeSequence + sequenceReservation, SEQUENCE_LIMIT);
  const state = encodeAssociationState(
    {
      role,
      address,
      epoch: 1,
      writeSequence: firstSequence,
      replayWindow: window!.state,
      parameters: parameters!,
      extendedMasterSecret,
      principal: principal!,
      serverName: association.serverName,
      openedAt: Math.max(0, clocks.unixTime - (clocks.now - association.openedAt)),
      session: association.session,
    },
    crypto,
  );
  if (mode === 'reserve') {
    association.reservedUntil = firstSequence;
    association.reservationLowAt = writeSequence + (sequenceReservation >>> 1);
  }
  return state;
}

/** Undefined: malformed, of another version, or with a Connection ID that is none of this node's. */
export function importState(
  bytes: Uint8Array,
  clocks: Clocks,
  parameters: DtlsParameters,
  connectionIds: ConnectionIdTable<DtlsAssociation>,
  crypto: DtlsCrypto,
): DtlsAssociation | undefined {
  const state = decodeAssociationState(bytes, crypto);
  if (isMalformed(state) || state.epoch !== 1) return undefined;
  const { role } = state;
  const { clientToServerId, serverToClientId } = state.parameters;
  const association = new DtlsAssociation(role, state.address);
  association.localConnectionId = role === 'server' ? clientToServerId : serverToClientId;
  if (association.isFoundByConnectionId && !connectionIds.isOwn(association.localConnectionId!)) return undefined;
  association.remoteConnectionId = role === 'server' ? serverToClientId : clientToServerId;
  association.state = 'open';
  association.principal = state.principal;
  association.cipherSuite = state.parameters.suite.name;
  association.extendedMasterSecret = state.extendedMasterSecret;
  association.serverName = state.serverName;
  association.openedAt = clocks.now - (clocks.unixTime - state.openedAt);
  association.session = state.session;
  association.parameters = state.parameters;
  association.read = createProtection(state.parameters, role === 'server' ? 'client' : 'server', crypto);
  association.write = createProtection(state.parameters, role, crypto);
  association.window = new ReplayWindow(parameters.replayWindow);
  association.window.restore(state.replayWindow);
  association.writeSequence = state.writeSequence;
  return association;
}
