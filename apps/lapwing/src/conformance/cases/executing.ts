/** Execute of what does no harm, and of what cannot be executed. OMA TS Core §6.3.5. */
import { answered, type ConformanceCase, failed, PASSED, type Verdict } from '../conformance-case.ts';
import type { DeviceUnderTest } from '../device-under-test.ts';
import { absentInstance, absentResource, mandatoryOf } from '../targets.ts';
import { until } from '../waiting.ts';

const UPDATE_TRIGGER = 8;

export const EXECUTING: readonly ConformanceCase[] = [
  {
    id: 'execute-update-trigger',
    title: 'Execute of Registration Update Trigger brings an Update',
    oma: ['1.1-int-104'],
    needs: 'an Object Instance of Server',
    checks: (device) =>
      mandatoryOf(device, 'E')
        .filter((path) => path.startsWith('/1/') && path.endsWith(`/${UPDATE_TRIGGER}`))
        // With several servers, the others are none of ours.
        .slice(0, device.object(1)?.instances.length === 1 ? 1 : 0)
        .map((path) => ({ target: path, run: () => updatesWhenTold(device, path) })),
  },
  {
    id: 'execute-readable',
    title: 'Execute of a Resource with a value is 4.05',
    needs: 'a Resource that can be read',
    checks: (device) =>
      device.resources
        .filter(({ definition }) => definition.operations === 'R')
        .slice(0, 1)
        .map(({ path }) => ({ target: path, run: async () => answered(device, await device.execute(path), '4.05') })),
  },
  {
    id: 'execute-absent',
    title: 'Execute of what is not there is 4.04',
    needs: 'an announced Object Instance',
    checks: (device) =>
      [`${absentInstance(device)}/4`, absentResource(device)].map((path) => ({
        target: path,
        run: async () => answered(device, await device.execute(path), '4.04'),
      })),
  },
];

async function updatesWhenTold(device: DeviceUnderTest, path: string): Promise<Verdict> {
  const before = await device.registration();
  const answer = await device.execute(path);
  if (!answer.ok) return answered(device, answer, '2.04');
  const isHeard = await until(device.timeout, async () => {
    const now = await device.registration();
    return now.updatedAt !== before.updatedAt || now.registrationId !== before.registrationId;
  });
  return isHeard ? PASSED : failed(`No Update came within ${device.timeout} ms.`);
}
