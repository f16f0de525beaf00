/** A registration as the REST API shows it: a device. */
import type { Device, Registration } from '@lapwing/server';
import type { DeviceJson, DeviceSecurityJson, DeviceSummaryJson, SecurityJson } from './schemas.ts';

export function deviceSummary(
  registration: Registration,
  { awake }: Pick<DeviceSummaryJson, 'awake'>,
): DeviceSummaryJson {
  return {
    ...commonFields(registration),
    awake,
    security: securityJson(registration.security),
    objectIds: registration.objects.map((object) => object.objectId),
  };
}

export function deviceDetail(device: Device): DeviceJson {
  const { registration } = device;
  return {
    ...commonFields(registration),
    awake: device.awake,
    additionalParameters: registration.additionalParameters,
    security: deviceSecurity(device),
    objects: registration.objects.map(({ objectId, version, objectInstanceIds }) => {
      const name = device.definition(objectId)?.name;
      return { objectId, ...(name === undefined ? {} : { name }), version, objectInstanceIds };
    }),
  };
}

/** "127.0.0.1:5683", "[::1]:5683". */
export const addressText = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

const securityJson = ({ kind, identity }: Registration['security']): SecurityJson =>
  identity === undefined ? { kind } : { kind, identity };

function deviceSecurity({ registration, security }: Device): DeviceSecurityJson {
  if (security === undefined) return securityJson(registration.security);
  const { association, kind, identity } = security;
  if (association === undefined) return { kind, identity, association: null };
  return { kind, identity, association: { ...association, openedAt: new Date(association.openedAt).toISOString() } };
}

function commonFields(registration: Registration): Omit<DeviceSummaryJson, 'awake' | 'objectIds' | 'security'> {
  const { smsNumber, expiresAt } = registration;
  return {
    name: registration.endpointClientName,
    registrationId: registration.registrationId,
    lwm2mVersion: registration.lwm2mVersion,
    lifetimeSeconds: registration.lifetimeSeconds,
    binding: registration.binding,
    queueMode: registration.queueMode,
    ...(smsNumber === undefined ? {} : { smsNumber }),
    address: addressText(registration.address),
    registeredAt: new Date(registration.registeredAt).toISOString(),
    updatedAt: new Date(registration.updatedAt).toISOString(),
    // Infinity, and lifetimes beyond what a Date can hold, never come.
    expiresAt: expiresAt <= 8.64e15 ? new Date(expiresAt).toISOString() : null,
    contentFormats: registration.contentFormats,
  };
}
