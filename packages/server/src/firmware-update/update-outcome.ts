/** How a firmware update can end, each with a sentence. OMA TS Core, Object Firmware Update, Update Result (/5/0/5). */

/** What a device itself says went wrong, by Update Result 2 to 9. */
export const FIRMWARE_FAILURES = [
  'storage',
  'memory',
  'connectionLost',
  'integrity',
  'packageType',
  'uri',
  'updateFailed',
  'protocol',
] as const;
export type FirmwareFailure = (typeof FIRMWARE_FAILURES)[number] | 'cancelledByDevice';

export const FIRMWARE_OUTCOMES = {
  succeeded: 'The new firmware runs.',
  storage: 'The device has not enough flash memory for the package.',
  memory: 'The device ran out of memory while it downloaded the package.',
  connectionLost: 'The device lost the connection while it downloaded the package.',
  integrity: 'The device found the package damaged or not signed as it should be.',
  packageType: 'The device does not know packages of this kind.',
  uri: 'The device found nothing at the address of the package.',
  updateFailed: 'The device could not install the package; it still runs the firmware it had.',
  protocol: 'The device does not fetch packages over this protocol.',
  cancelledByDevice: 'The update was cancelled on the device, or by another server.',
  cancelled: 'The update was cancelled.',
  busy: 'The device is installing something else; try again later.',
  unsupported: 'The device cannot be updated in this way.',
  refused: 'The device refused.',
  unreachable: 'The device did not answer.',
  downloadTooSlow: 'The device did not finish the download in time.',
  deferred: 'The device has the package and put the installation off, for longer than it was waited for.',
  notBack: 'The device did not come back in time after it began to install.',
  wrongVersion: 'The device says that it succeeded, and does not run the version that was expected.',
  notInstalled: 'The device forgot about the update and runs the version it had.',
} as const;

export type FirmwareUpdateOutcome = keyof typeof FIRMWARE_OUTCOMES;
