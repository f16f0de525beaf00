/** Write-Attributes, Observe and Cancel. OMA TS Core §6.3.4, §6.4. */
import {
  answered,
  type ConformanceCase,
  failed,
  onlyIf,
  PASSED,
  skipped,
  thenRestore,
  type Verdict,
} from '../conformance-case.ts';
import type { DeviceUnderTest, ResourceUnderTest } from '../device-under-test.ts';
import { absentObject, absentResource, mandatoryOf, numbers } from '../targets.ts';
import { until } from '../waiting.ts';

/** ms that a notification may come late. */
export const GRACE = 5_000;

export const REPORTING: readonly ConformanceCase[] = [
  {
    id: 'attributes-discover',
    title: 'Attributes that are written are discovered, until they are unset',
    oma: ['1.1-int-260'],
    needs: 'a Resource that can be read',
    checks: (device) =>
      device.resources.slice(0, 1).map(({ path }) => ({ target: path, run: () => showsAttributes(device, path) })),
  },
  {
    id: 'attributes-contradiction',
    title: 'gt below lt is 4.00',
    needs: 'a number that can be read',
    checks: (device) =>
      numbers(device)
        .slice(0, 1)
        .map(({ path }) => ({ target: path, run: () => refusesContradiction(device, path) })),
  },
  {
    id: 'attributes-absent',
    title: 'Write-Attributes on what is not there is 4.04',
    needs: 'an announced Object Instance',
    checks: (device) =>
      [absentObject(device), absentResource(device)].map((path) => ({
        target: path,
        run: async () => answered(device, await device.writeAttributes(path, { pmin: 1 }), '4.04'),
      })),
  },
  {
    id: 'observe-levels',
    title: 'Observe of an Object, an Object Instance and a Resource, and its cancel',
    oma: ['1.1-int-303'],
    needs: 'an Object Instance with something to read',
    checks: (device) =>
      aReadableResource(device)
        .slice(0, 1)
        .flatMap(({ path, instance }) => [`/${instance.object.objectId}`, instance.path, path])
        .map((path) => ({ target: path, run: () => observes(device, path, () => PASSED) })),
  },
  {
    id: 'observe-pmax',
    title: 'A Resource with pmax is reported though it does not change',
    oma: ['1.1-int-301'],
    needs: 'a Resource that can be read',
    checks: (device) =>
      aReadableResource(device)
        .slice(0, 1)
        .map(({ path }) => ({ target: path, run: () => isReportedWithin(device, path, 1) })),
  },
  {
    id: 'observe-unreadable',
    title: 'Observe of what cannot be read is 4.05',
    needs: 'a mandatory Resource that can only be executed',
    checks: (device) =>
      mandatoryOf(device, 'E')
        .slice(0, 1)
        .map((path) => ({ target: path, run: async () => answered(device, await device.observe(path), '4.05') })),
  },
  {
    id: 'observe-absent',
    title: 'Observe of what is not there is 4.04',
    needs: 'an announced Object Instance',
    checks: (device) =>
      [absentObject(device), absentResource(device)].map((path) => ({
        target: path,
        run: async () => answered(device, await device.observe(path), '4.04'),
      })),
  },
];

/** Of Device if it can be: what is there never goes away. */
const aReadableResource = ({ resources }: DeviceUnderTest): readonly ResourceUnderTest[] => [
  ...resources.filter(({ instance }) => instance.object.objectId === 3),
  ...resources,
];

/** Undefined when the device does not tell. */
async function attributesAt(
  device: DeviceUnderTest,
  path: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  const answer = await device.discover(path);
  return answer.ok ? (answer.body.items.find((item) => item.path === path)?.attributes ?? {}) : undefined;
}

const IN_USE = 'It has attributes already, which are not touched.';

/** Attributes for the time of `judge`; skipped where somebody has set some. */
export async function withAttributes(
  device: DeviceUnderTest,
  path: string,
  attributes: Readonly<Record<string, number>>,
  judge: () => Promise<Verdict>,
): Promise<Verdict> {
  const before = await attributesAt(device, path);
  if (before !== undefined && Object.keys(before).length > 0) return skipped(IN_USE);
  const set = await device.writeAttributes(path, attributes);
  if (!set.ok) return answered(device, set, '2.04');
  const unset = Object.fromEntries(Object.keys(attributes).map((name) => [name, null]));
  return thenRestore(judge(), async () => answered(device, await device.writeAttributes(path, unset), '2.04'));
}

async function showsAttributes(device: DeviceUnderTest, path: string): Promise<Verdict> {
  const shown = await withAttributes(device, path, { pmin: 10, pmax: 200 }, async () => {
    const { pmin, pmax } = (await attributesAt(device, path)) ?? {};
    return onlyIf(pmin === '10' && pmax === '200', `pmin=10 and pmax=200 are not in the Discover of ${path}.`);
  });
  if (shown.outcome !== 'passed') return shown;
  const left = Object.keys((await attributesAt(device, path)) ?? {});
  return onlyIf(left.length === 0, `${left.join(', ')} is still there after it was unset.`);
}

const refusesContradiction = (device: DeviceUnderTest, path: string): Promise<Verdict> =>
  withAttributes(device, path, { lt: 20 }, async () => {
    const answer = await device.writeAttributes(path, { gt: 10 });
    if (!answer.ok) return answered(device, answer, '4.00');
    const unset = await device.writeAttributes(path, { gt: null });
    return failed(`Expected 4.00. The device took gt=10 beside lt=20${unset.ok ? '' : ', and keeps it'}.`);
  });

/** Observe for the time of `judge`; skipped where somebody observes already. */
async function observes(
  device: DeviceUnderTest,
  path: string,
  judge: () => Verdict | Promise<Verdict>,
): Promise<Verdict> {
  if ((await device.observations()).some((each) => each.path === path)) return skipped('It is observed already.');
  const answer = await device.observe(path);
  if (!answer.ok) return answered(device, answer, '2.05');
  return thenRestore(Promise.resolve().then(judge), async () =>
    onlyIf(await device.cancelObservation(path), 'The observation had ended by itself.'),
  );
}

const isReportedWithin = (device: DeviceUnderTest, path: string, pmax: number): Promise<Verdict> =>
  withAttributes(device, path, { pmax }, () =>
    observes(device, path, async () => {
      const isReported = await until(pmax * 1000 + GRACE, async () =>
        (await device.observations()).some((each) => each.path === path && each.lastNotification !== null),
      );
      return isReported ? PASSED : failed(`No notification came within ${pmax * 1000 + GRACE} ms.`);
    }),
  );
