/** What a device announced, and Read of it, in every format. OMA TS Core §6.2, §6.3.1. */
import { answered, type ConformanceCase, failed, onlyIf, PASSED, skipped, type Verdict } from '../conformance-case.ts';
import {
  type Answer,
  type DeviceUnderTest,
  entriesAt,
  type InstanceUnderTest,
  type ResourceUnderTest,
} from '../device-under-test.ts';
import { formatsOf, type FormatUnderTest, isDemanded } from '../formats.ts';
import type { ReadJson } from '../../rest/schemas.ts';
import { absentInstance, absentObject, absentResource, mandatoryOf } from '../targets.ts';

export const READING: readonly ConformanceCase[] = [
  {
    id: 'register-objects',
    title: 'Registers with Server and Device, and without Security',
    oma: ['1.1-int-101'],
    needs: '',
    checks: (device) => [
      ...[1, 3].map((objectId) => ({
        target: `/${objectId}`,
        run: () => onlyIf((device.object(objectId)?.instances.length ?? 0) > 0, `No /${objectId}/… is announced.`),
      })),
      ...[0, 21].map((objectId) => ({
        target: `/${objectId}`,
        run: () => onlyIf(device.object(objectId) === undefined, `/${objectId} is announced, and must not be.`),
      })),
    ],
  },
  {
    id: 'read-object',
    title: 'Read of an Object brings its Object Instances',
    oma: ['1.1-int-222'],
    needs: 'an Object with something to read',
    checks: (device) =>
      device.objects
        .filter(({ instances }) => instances.some(isReadable))
        .map(({ objectId, instances }) => ({
          target: `/${objectId}`,
          run: () =>
            readsWell(device, `/${objectId}`, undefined, ({ body: { entries } }) => {
              const missing = instances.filter(
                (each) => isReadable(each) && entriesAt(entries, each.path).length === 0,
              );
              return onlyIf(missing.length === 0, `${missing.map(({ path }) => path).join(', ')} is not in it.`);
            }),
        })),
  },
  {
    id: 'read-object-instance',
    title: 'Read of an Object Instance brings its mandatory Resources',
    oma: ['1.1-int-223'],
    needs: 'an Object Instance with something to read',
    checks: (device) =>
      device.instances.filter(isReadable).map((instance) => ({
        target: instance.path,
        run: () => readsWell(device, instance.path, undefined, ({ body }) => hasMandatory(instance, body)),
      })),
  },
  {
    id: 'read-object-instance-format',
    title: 'Read of an Object Instance in each format it may have',
    oma: ['1.1-int-203', '1.1-int-204', '1.1-int-231', '1.1-int-232'],
    needs: 'an Object Instance with something to read',
    checks: (device) =>
      device.instances.filter(isReadable).flatMap((instance) =>
        formatsOf(device, 'nodes').map((format) => ({
          target: `${instance.path} as ${format.name}`,
          run: () => readsAs(device, instance.path, format, ({ body }) => hasMandatory(instance, body)),
        })),
      ),
  },
  {
    id: 'read-some-structured-format',
    title: 'One at least of SenML JSON, SenML CBOR, LwM2M CBOR and TLV is spoken',
    needs: 'an Object Instance with something to read',
    checks: (device) =>
      device.instances
        .filter(isReadable)
        .slice(0, 1)
        .map(({ path }) => ({ target: path, run: () => speaksOne(device, path) })),
  },
  {
    id: 'read-resource',
    title: 'Read of a mandatory Resource',
    oma: ['1.1-int-224'],
    needs: 'an Object with a definition and a mandatory Resource to read',
    checks: (device) =>
      mandatoryToRead(device).map((path) => ({ target: path, run: () => readsWell(device, path, undefined) })),
  },
  {
    id: 'read-resource-format',
    title: 'Read of a Resource in each format of a single value',
    oma: ['1.1-int-201', '1.1-int-211'],
    needs: 'a Resource with a single value',
    checks: (device) =>
      single(device).flatMap(({ path, definition }) =>
        [...formatsOf(device, 'value'), ...(definition.type === 'opaque' ? formatsOf(device, 'bytes') : [])]
          // Bytes as text are base64 of 1.0, and go as they are since.
          .filter(({ number }) => number !== 0 || definition.type !== 'opaque')
          .map((format) => ({
            target: `${path} as ${format.name}`,
            run: () => readsAs(device, path, format, ({ body }) => isOneAt(body, path)),
          })),
      ),
  },
  {
    id: 'read-resource-instance',
    title: 'Read of one Resource Instance',
    oma: ['1.1-int-225'],
    needs: 'LwM2M 1.1 and a Resource with several Resource Instances',
    checks: (device) =>
      !device.isAtLeast('1.1')
        ? []
        : device.resources
            .filter(({ definition }) => definition.multiple)
            .flatMap(({ path, instance }) => entriesAt(instance.entries, path).slice(0, 1))
            .map(({ path }) => ({
              target: path,
              run: () => readsWell(device, path, undefined, ({ body }) => isOneAt(body, path)),
            })),
  },
  {
    id: 'read-absent',
    title: 'Read of what is not there is 4.04',
    needs: 'an announced Object Instance',
    checks: (device) =>
      [absentObject(device), absentInstance(device), absentResource(device)].map((path) => ({
        target: path,
        run: async () => answered(device, await device.read(path), '4.04'),
      })),
  },
  {
    id: 'read-unreadable',
    title: 'Read of what cannot be read is 4.05',
    needs: 'a mandatory Resource that can only be executed or written',
    checks: (device) =>
      [...mandatoryOf(device, 'E'), ...mandatoryOf(device, 'W')].map((path) => ({
        target: path,
        run: async () => answered(device, await device.read(path), '4.05'),
      })),
  },
  {
    id: 'security-is-closed',
    title: 'The Security Object is nothing for a server: 4.01',
    oma: ['1.1-int-221'],
    needs: '',
    checks: (device) => [
      { target: '/0 Read', run: async () => isUnauthorized(await device.read('/0')) },
      {
        target: '/0 Write-Attributes',
        run: async () => isUnauthorized(await device.writeAttributes('/0', { pmin: 30, pmax: 45 })),
      },
    ],
  },
];

const isUnauthorized = (answer: Answer<unknown>): Verdict =>
  onlyIf(answer.code === '4.01', `Expected 4.01. ${answer.ok ? `The device answered ${answer.code}.` : answer.said}`);

type ReadAnswer = Extract<Answer<ReadJson>, { readonly ok: true }>;

async function readsWell(
  device: DeviceUnderTest,
  path: string,
  format: number | undefined,
  judge: (answer: ReadAnswer) => Verdict = () => PASSED,
): Promise<Verdict> {
  const answer = await device.read(path, format);
  return answer.ok ? judge(answer) : answered(device, answer, '2.05');
}

/** A format that the device need not have may be refused, with 4.06. */
async function readsAs(
  device: DeviceUnderTest,
  path: string,
  format: FormatUnderTest,
  judge: (answer: ReadAnswer) => Verdict,
): Promise<Verdict> {
  const answer = await device.read(path, format.number);
  if (!answer.ok) {
    if (answer.code !== '4.06' || isDemanded(device, format)) return answered(device, answer, '2.05');
    return skipped('The device does not have this format (4.06).');
  }
  const { contentFormat } = answer.body;
  return contentFormat === format.number
    ? judge(answer)
    : failed(`Expected Content-Format ${format.number}. The device answered with ${contentFormat}.`);
}

async function speaksOne(device: DeviceUnderTest, path: string): Promise<Verdict> {
  let last: Verdict = PASSED;
  for (const format of formatsOf(device, 'nodes')) {
    const answer = await device.read(path, format.number);
    if (answer.ok && answer.body.contentFormat === format.number) return PASSED;
    last = answered(device, answer, '2.05');
  }
  return last;
}

const isReadable = (instance: InstanceUnderTest): boolean => instance.isReadable;

function hasMandatory({ path, object }: InstanceUnderTest, { entries }: ReadJson): Verdict {
  const stray = entries.find((entry) => entry.path !== path && !entry.path.startsWith(`${path}/`));
  if (stray !== undefined) return failed(`${stray.path} is in the answer, and not below ${path}.`);
  const missing = (object.definition?.resources ?? [])
    .filter(({ mandatory, operations }) => mandatory && operations.includes('R'))
    .map(({ resourceId }) => `${path}/${resourceId}`)
    .filter((resource) => entriesAt(entries, resource).length === 0);
  return onlyIf(missing.length === 0, `${missing.join(', ')} is mandatory and not in the answer.`);
}

const isOneAt = ({ entries }: ReadJson, path: string): Verdict =>
  onlyIf(
    entries.length === 1 && entries[0]?.path === path,
    `Expected one value, at ${path}. The answer has ${entries.map((entry) => entry.path).join(', ') || 'none'}.`,
  );

const mandatoryToRead = (device: DeviceUnderTest): readonly string[] =>
  device.instances
    .filter(isReadable)
    .flatMap(({ path, object }) =>
      (object.definition?.resources ?? [])
        .filter(({ mandatory, operations }) => mandatory && operations.includes('R'))
        .map(({ resourceId }) => `${path}/${resourceId}`),
    );

/** The first Resources of each type of data: the others are read the same way. */
function single(device: DeviceUnderTest): readonly ResourceUnderTest[] {
  const chosen = new Map<string, ResourceUnderTest>();
  for (const resource of device.resources) {
    const { multiple, type } = resource.definition;
    if (!multiple && !chosen.has(type)) chosen.set(type, resource);
  }
  return [...chosen.values()];
}
