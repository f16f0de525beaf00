import { OperationFailed } from '@lapwing/coap';
import { Device, parsePath, isMalformed, resourcePath } from '@lapwing/lwm2m';
import { unwrap, type Device as RegisteredDevice } from '@lapwing/server';

/** Read, write and reboot a device. */
export async function operate(device: RegisteredDevice): Promise<string> {
  // A typed path gives a value of its type. `unwrap` throws DeviceRefused when the device says no.
  const level: number = unwrap(await device.read(Device.path(0).batteryLevel));
  if (level < 20) return `only ${level} % left`;

  // A refusal is an ordinary result with a code and a reason.
  const written = await device.write(Device.path(0).timezone, 'Europe/Berlin');
  if (!written.ok) return `timezone not set: ${written.reason}`;

  // Any path can be read; what comes are entries with absolute paths, and the tree they make.
  const path = parsePath('/3/0');
  if (isMalformed(path)) throw new Error(path.malformed);
  const { entries } = unwrap(await device.read(path, { timeout: 10_000 }));

  // No answer at all rejects.
  try {
    unwrap(await device.execute(resourcePath(3, 0, 4), '', { signal: AbortSignal.timeout(5_000) }));
  } catch (error) {
    if (error instanceof OperationFailed) return `${entries.length} values read, then ${error.code}`;
    throw error;
  }
  return `${entries.length} values read`;
}
