/** A registration as the REST API shows it: a device. */
import type { Device, Registration } from '@lapwing/server';
import type { DeviceJson, DeviceSummaryJson } from './schemas.ts';

export function deviceSummary(registration: Registration): DeviceSummaryJson {
  return { ...commonFields(registration), objectIds: registration.objects.map((object) => object.objectId) };
}

export function deviceDetail(device: Device): DeviceJson {
  const { registration } = device;
  return {
    ...commonFields(registration),
    objects: registration.objects.map(({ objectId, version, objectInstanceIds }) => {
      const name = device.definition(objectId)?.name;
      return { objectId, ...(name === undefined ? {} : { name }), version, objectInstanceIds };
    }),
  };
}

/** "127.0.0.1:5683", "[::1]:5683". */
export const addressText = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

function commonFields(registration: Registration): Omit<DeviceSummaryJson, 'objectIds'> {
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
    // Devices speak plain CoAP: there is no secured transport to have proven an identity.
    security: 'none',
    registeredAt: new Date(registration.registeredAt).toISOString(),
    updatedAt: new Date(registration.updatedAt).toISOString(),
    // Infinity, and lifetimes beyond what a Date can hold, never come.
    expiresAt: expiresAt <= 8.64e15 ? new Date(expiresAt).toISOString() : null,
    contentFormats: registration.contentFormats,
  };
}
