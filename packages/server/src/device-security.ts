/** How a registered device is secured now, read off its peer and its association. */
import { isSecure } from '@lapwing/transport';
import type { DeviceSecurity } from './api.ts';
import type { RegistrationRecord } from './registration-record.ts';

export function securityOf({ driver, peer }: RegistrationRecord): DeviceSecurity | undefined {
  const { kind, identity } = peer.security;
  if (kind === 'none' || !isSecure(driver)) return undefined;
  const association = driver.association(peer);
  if (association?.cipherSuite === undefined) return { kind, identity: identity ?? '', association: undefined };
  const { cipherSuite, localConnectionId, extendedMasterSecret, openedAt, forgedRecords } = association;
  return {
    kind,
    identity: identity ?? '',
    association: {
      cipherSuite,
      connectionId: localConnectionId !== undefined && localConnectionId.length > 0,
      extendedMasterSecret,
      // The association counts in the time of the driver.
      openedAt: driver.unixTime() - (driver.now() - openedAt),
      addressChanges: driver.addressChanges(peer),
      forgedRecords,
    },
  };
}
