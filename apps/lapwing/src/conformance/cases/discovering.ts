/** Discover. OMA TS Core §6.3.2. */
import { answered, type ConformanceCase, failed, onlyIf, type Verdict } from '../conformance-case.ts';
import type { DeviceUnderTest } from '../device-under-test.ts';
import { absentInstance, absentObject, absentResource } from '../targets.ts';

export const DISCOVERING: readonly ConformanceCase[] = [
  {
    id: 'discover-object',
    title: 'Discover of an Object lists its Object Instances',
    oma: ['1.1-int-260'],
    needs: 'an announced Object',
    checks: (device) =>
      device.objects.map(({ objectId, instances }) => ({
        target: `/${objectId}`,
        run: () =>
          lists(
            device,
            `/${objectId}`,
            instances.map(({ path }) => path),
          ),
      })),
  },
  {
    id: 'discover-object-instance',
    title: 'Discover of an Object Instance lists the Resources that can be read',
    oma: ['1.1-int-260'],
    needs: 'an announced Object Instance',
    checks: (device) =>
      device.instances.map((instance) => ({
        target: instance.path,
        run: () =>
          lists(
            device,
            instance.path,
            device.resources.filter((each) => each.instance === instance).map(({ path }) => path),
          ),
      })),
  },
  {
    id: 'discover-resource',
    title: 'Discover of a Resource lists it, and how many Resource Instances it has',
    oma: ['1.1-int-261'],
    needs: 'a Resource with a definition',
    checks: (device) =>
      chosen(device).map(({ path, definition }) => ({
        target: path,
        run: async () => {
          const answer = await device.discover(path);
          if (!answer.ok) return answered(device, answer, '2.05');
          const link = answer.body.items.find((each) => each.path === path);
          if (link === undefined) return failed(`The list has no link to ${path}.`);
          return onlyIf(!definition.multiple || link.dimension !== undefined, `The link to ${path} has no dim.`);
        },
      })),
  },
  {
    id: 'discover-absent',
    title: 'Discover of what is not there is 4.04',
    needs: 'an announced Object Instance',
    checks: (device) =>
      [absentObject(device), absentInstance(device), absentResource(device)].map((path) => ({
        target: path,
        run: async () => answered(device, await device.discover(path), '4.04'),
      })),
  },
];

/** One Resource with a single value and one with several, of each Object. */
function chosen(device: DeviceUnderTest): DeviceUnderTest['resources'] {
  const seen = new Set<string>();
  return device.resources.filter(({ instance, definition }) => {
    const kind = `${instance.object.objectId} ${definition.multiple}`;
    if (seen.has(kind)) return false;
    seen.add(kind);
    return true;
  });
}

async function lists(device: DeviceUnderTest, path: string, expected: readonly string[]): Promise<Verdict> {
  const answer = await device.discover(path);
  if (!answer.ok) return answered(device, answer, '2.05');
  const links = answer.body.items.map((item) => item.path);
  const stray = links.find((link) => link !== path && !link.startsWith(`${path}/`));
  if (stray !== undefined) return failed(`The list has ${stray}, which is not below ${path}.`);
  const missing = expected.filter((each) => !links.includes(each));
  return onlyIf(missing.length === 0, `The list lacks ${missing.join(', ')}.`);
}
