/** Write, in every format, put back each time. OMA TS Core §6.3.3. */
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
import { asBody, type DeviceUnderTest, entriesAt, type ResourceUnderTest } from '../device-under-test.ts';
import { formatsOf, type FormatUnderTest, isDemanded } from '../formats.ts';
import type { EntryJson, ScalarJson } from '../../rest/value-json.ts';
import { absentInstance, absentObject, writableBack } from '../targets.ts';

export const WRITING: readonly ConformanceCase[] = [
  {
    id: 'write-back',
    title: 'Write of the value that a Resource has',
    oma: ['1.1-int-227'],
    needs: 'a Resource that can be read and written, and does nothing when it is written',
    checks: (device) =>
      writableBack(device).map((resource) => ({ target: resource.path, run: () => writesBack(device, resource) })),
  },
  {
    id: 'write-format',
    title: 'Write of another value in each format, read, and put back',
    oma: ['1.1-int-205', '1.1-int-212', '1.1-int-215', '1.1-int-220', '1.1-int-233', '1.1-int-234'],
    needs: 'a lifetime or default period, a UTC offset or timezone, or an Application Type',
    checks: (device) =>
      harmless(device).flatMap(({ resource, value }) =>
        [...formatsOf(device, 'value'), ...formatsOf(device, 'nodes')].map((format) => ({
          target: `${resource.path} as ${format.name}`,
          run: () => writesAs(device, resource, value, format),
        })),
      ),
  },
  {
    id: 'write-partial-update',
    title: 'Write (Partial Update) of an Object Instance changes what it names and nothing else',
    oma: ['1.1-int-226'],
    needs: 'as write-format',
    checks: (device) => {
      const byInstance = Map.groupBy(harmless(device), ({ resource }) => resource.instance);
      return [...byInstance].map(([{ path }, changes]) => ({
        target: path,
        run: () => updates(device, path, changes),
      }));
    },
  },
  {
    id: 'write-read-only',
    title: 'Write of what is read-only is 4.05',
    oma: ['1.1-int-256'],
    needs: 'a Resource that can only be read',
    checks: (device) =>
      firstOfEachObject(device.resources.filter(({ definition }) => definition.operations === 'R')).map((resource) => ({
        target: resource.path,
        run: async () => {
          const body = asBody(resource.definition, entriesAt(resource.instance.entries, resource.path));
          return answered(device, await device.write(resource.path, body), '4.05');
        },
      })),
  },
  {
    id: 'write-absent',
    title: 'Write to an Object or Object Instance that is not there is 4.04',
    needs: 'an announced Object Instance',
    checks: (device) =>
      [`${absentObject(device)}/0/0`, `${absentInstance(device)}/13`].map((path) => ({
        target: path,
        run: async () => answered(device, await device.write(path, { value: 0 }), '4.04'),
      })),
  },
];

export interface Change {
  readonly resource: ResourceUnderTest;
  /** Another than the Resource has. */
  readonly value: ScalarJson;
}

/**
 * Little comes of these being other for a moment: an Update for the lifetime. 5750 is Application Type in all IPSO
 * Objects.
 */
const HARMLESS: Readonly<Record<string, readonly [ScalarJson, ScalarJson]>> = {
  '1/1': [86_400, 86_401],
  '1/2': [101, 102],
  '1/3': [1010, 1011],
  '3/14': ['+02:00', '+03:00'],
  '3/15': ['Europe/Paris', 'Europe/Rome'],
};
const APPLICATION_TYPE = 5750;

export function harmless(device: DeviceUnderTest): readonly Change[] {
  return (
    device.resources
      .filter(({ definition: { multiple, operations } }) => !multiple && operations === 'RW')
      // Of several Object Instances of Server, the others are for other servers.
      .filter(({ instance: { object } }) => object.objectId !== 1 || object.instances.length === 1)
      .flatMap((resource) => {
        const { instance, definition } = resource;
        const isLabel = definition.resourceId === APPLICATION_TYPE && definition.type === 'string';
        const values = isLabel
          ? (['conformance', 'conformance test'] as const)
          : HARMLESS[`${instance.object.objectId}/${definition.resourceId}`];
        if (values === undefined) return [];
        const now = entriesAt(instance.entries, resource.path)[0]?.value;
        return [{ resource, value: now === values[0] ? values[1] : values[0] }];
      })
  );
}

function firstOfEachObject(resources: readonly ResourceUnderTest[]): readonly ResourceUnderTest[] {
  return [...Map.groupBy(resources, ({ instance }) => instance.object).values()].flatMap((each) => each.slice(0, 1));
}

async function writesBack(device: DeviceUnderTest, resource: ResourceUnderTest): Promise<Verdict> {
  const before = await device.read(resource.path);
  if (!before.ok) return answered(device, before, '2.05');
  const readAt = performance.now();
  const written = await device.write(resource.path, asBody(resource.definition, before.body.entries));
  if (!written.ok) return answered(device, written, '2.04');
  const after = await device.read(resource.path);
  if (!after.ok) return answered(device, after, '2.05');
  const seconds = Math.ceil((performance.now() - readAt) / 1000);
  return same(before.body.entries, after.body.entries, seconds);
}

/** Clocks and counters go on while one looks. */
function same(before: readonly EntryJson[], after: readonly EntryJson[], seconds: number): Verdict {
  if (before.length !== after.length) return failed(`It had ${before.length} values, and ${after.length} afterwards.`);
  for (const { path, type, value } of before) {
    const now = after.find((each) => each.path === path);
    if (now === undefined) return failed(`${path} was there, and is not afterwards.`);
    if (now.value === value) continue;
    const passed =
      type === 'time'
        ? (Date.parse(`${now.value}`) - Date.parse(`${value}`)) / 1000
        : Number(now.value) - Number(value);
    const isCounter = type === 'integer' || type === 'unsigned' || type === 'time';
    if (!isCounter || !(passed >= 0 && passed <= seconds + 1)) {
      return failed(`${path} was written as ${String(value)} and is read as ${String(now.value)}.`);
    }
  }
  return PASSED;
}

async function reads(device: DeviceUnderTest, path: string, value: ScalarJson): Promise<Verdict> {
  const answer = await device.read(path);
  if (!answer.ok) return answered(device, answer, '2.05');
  const now = answer.body.entries[0]?.value;
  return onlyIf(now === value, `${path} was written as ${String(value)} and is read as ${String(now)}.`);
}

async function writesAs(
  device: DeviceUnderTest,
  { path, definition, instance }: ResourceUnderTest,
  value: ScalarJson,
  format: FormatUnderTest,
): Promise<Verdict> {
  const judge = async (): Promise<Verdict> => {
    const written = await device.write(path, { value }, format.number);
    if (written.ok) return reads(device, path, value);
    if (written.code !== '4.15' || isDemanded(device, format)) return answered(device, written, '2.04');
    return skipped('The device does not have this format (4.15).');
  };
  return thenRestore(judge(), () => restored(device, { path, definition, instance }));
}

/** Written as it was before the first case. */
export async function restored(
  device: DeviceUnderTest,
  { path, definition, instance }: ResourceUnderTest,
): Promise<Verdict> {
  return answered(device, await device.write(path, asBody(definition, entriesAt(instance.entries, path))), '2.04');
}

async function updates(device: DeviceUnderTest, path: string, changes: readonly Change[]): Promise<Verdict> {
  const judge = async (): Promise<Verdict> => {
    const resources = Object.fromEntries(changes.map(({ resource, value }) => [resource.definition.resourceId, value]));
    const written = await device.update(path, { resources });
    if (!written.ok) return answered(device, written, '2.04');
    const after = await device.read(path);
    if (!after.ok) return answered(device, after, '2.05');
    const { entries } = after.body;
    const wrong = changes.find(({ resource, value }) => entriesAt(entries, resource.path)[0]?.value !== value);
    if (wrong !== undefined) return failed(`${wrong.resource.path} was written as ${String(wrong.value)} and is not.`);
    const lost = device.resources.find(
      (each) => each.instance.path === path && entriesAt(entries, each.path).length === 0,
    );
    return onlyIf(lost === undefined, `${lost?.path ?? ''} was there before, and is not afterwards.`);
  };
  return thenRestore(judge(), async () => {
    let left: Verdict = PASSED;
    for (const { resource } of changes) {
      const verdict = await restored(device, resource);
      if (verdict.outcome !== 'passed') left = verdict;
    }
    return left;
  });
}
