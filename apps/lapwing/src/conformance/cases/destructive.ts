/** With --destructive only: what reboots the device, or would do harm to one that does not refuse it. */
import { answered, type ConformanceCase, failed, PASSED, type Verdict } from '../conformance-case.ts';
import type { DeviceUnderTest, InstanceUnderTest } from '../device-under-test.ts';
import { until } from '../waiting.ts';

/** ms until a device that reboots must be registered again. */
const REBOOT_TIME = 120_000;

const firmware = (device: DeviceUnderTest): readonly InstanceUnderTest[] => device.object(5)?.instances ?? [];

export const DESTRUCTIVE: readonly ConformanceCase[] = [
  {
    id: 'write-security',
    title: 'Write to the Security Object is 4.01',
    oma: ['1.1-int-221'],
    destructive: true,
    needs: '',
    checks: (device) => [
      {
        target: '/0/0/0',
        run: async () => answered(device, await device.write('/0/0/0', { value: 'coap://192.0.2.1' }), '4.01'),
      },
    ],
  },
  {
    id: 'delete-device',
    title: 'Delete of Device is 4.05',
    oma: ['1.1-int-685'],
    destructive: true,
    needs: 'Device',
    checks: (device) =>
      (device.object(3)?.instances ?? []).map(({ path }) => ({
        target: path,
        run: async () => answered(device, await device.delete(path), '4.05'),
      })),
  },
  {
    id: 'firmware-reset',
    title: 'A package of one zero byte puts Firmware Update into its first state',
    oma: ['1.1-int-755'],
    destructive: true,
    needs: 'Firmware Update',
    checks: (device) => firmware(device).map(({ path }) => ({ target: path, run: () => resetsFirmware(device, path) })),
  },
  {
    id: 'firmware-update-without-package',
    title: 'Update without a package is 4.05',
    oma: ['1.1-int-772'],
    destructive: true,
    needs: 'Firmware Update',
    checks: (device) =>
      firmware(device).map(({ path }) => ({
        target: `${path}/2`,
        run: async () => answered(device, await device.execute(`${path}/2`), '4.05'),
      })),
  },
  {
    id: 'reboot',
    title: 'Reboot is answered, and the device registers again',
    oma: ['1.1-int-241'],
    destructive: true,
    needs: 'Device',
    checks: (device) =>
      (device.object(3)?.instances ?? []).map(({ path }) => ({
        target: `${path}/4`,
        run: () => comesBack(device, `${path}/4`),
      })),
  },
];

async function resetsFirmware(device: DeviceUnderTest, path: string): Promise<Verdict> {
  const written = await device.write(`${path}/0`, { value: 'AA==' });
  if (!written.ok) return answered(device, written, '2.04');
  for (const [resource, name] of [
    [`${path}/3`, 'State'],
    [`${path}/5`, 'Update Result'],
  ] as const) {
    const answer = await device.read(resource);
    if (!answer.ok) return answered(device, answer, '2.05');
    const value = answer.body.entries[0]?.value;
    if (value !== 0) return failed(`${name} is ${String(value)} after it, not 0.`);
  }
  return PASSED;
}

async function comesBack(device: DeviceUnderTest, path: string): Promise<Verdict> {
  const before = await device.registration();
  const answer = await device.execute(path);
  if (!answer.ok) return answered(device, answer, '2.04');
  const isBack = await until(REBOOT_TIME, async () => {
    try {
      return (await device.registration()).registrationId !== before.registrationId;
    } catch {
      // It may have de-registered first.
      return false;
    }
  });
  return isBack ? PASSED : failed(`It was not registered anew within ${REBOOT_TIME} ms.`);
}
