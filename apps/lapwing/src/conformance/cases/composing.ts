/** Read-Composite, Write-Composite and Observe-Composite. OMA TS Core §6.3.8, §6.3.9, §6.4.4; since LwM2M 1.1. */
import {
  allOf,
  answered,
  type Check,
  type ConformanceCase,
  failed,
  onlyIf,
  PASSED,
  skipped,
  thenRestore,
  type Verdict,
} from '../conformance-case.ts';
import { type DeviceUnderTest, entriesAt, type ObjectUnderTest, type ResourceUnderTest } from '../device-under-test.ts';
import { formatsOf, type FormatUnderTest, isDemanded } from '../formats.ts';
import { absentInstance, absentObject, absentResource, creatable, mandatoryOf } from '../targets.ts';
import { until } from '../waiting.ts';
import type { EntryJson } from '../../rest/value-json.ts';
import { contentOf } from './creating.ts';
import { GRACE, withAttributes } from './reporting.ts';
import { type Change, harmless, restored } from './writing.ts';

/** Objects that no server may see: Security, OSCORE, COSE. */
const CLOSED = [0, 21, 23];
/** It cannot carry nodes of several Objects. OMA TS Core §7.4. */
const TLV = 11542;
/** Seconds. */
const PMAX = 1;

export const COMPOSING: readonly ConformanceCase[] = [
  {
    id: 'read-composite',
    title: 'Read-Composite of several Objects brings every node that it names',
    oma: ['1.1-int-280'],
    needs: 'LwM2M 1.1 and something to read in two Objects',
    checks: (device) =>
      paired(device).map(([one, other]) => {
        const paths = [one.path, other.instance.path];
        return { target: paths.join(' '), run: () => readsAll(device, paths, undefined) };
      }),
  },
  {
    id: 'read-composite-format',
    title: 'Read-Composite in each format it may have',
    oma: ['1.1-int-280'],
    needs: 'LwM2M 1.1 and something to read in two Objects',
    checks: (device) =>
      paired(device).flatMap(([one, other]) =>
        compositeFormats(device).map((format) => ({
          target: `${one.path} ${other.path} as ${format.name}`,
          run: () => readsAll(device, [one.path, other.path], format),
        })),
      ),
  },
  {
    id: 'read-composite-partial',
    title: 'Read-Composite leaves out what is not there and what cannot be read',
    oma: ['1.1-int-236', '1.1-int-281'],
    needs: 'LwM2M 1.1 and something to read',
    checks: (device) =>
      readable(device)
        .slice(0, 1)
        .flatMap(({ path }) =>
          [
            absentResource(device),
            `${absentInstance(device)}/0`,
            `${absentObject(device)}/0/0`,
            ...mandatoryOf(device, 'E').slice(0, 1),
          ].map((missing) => ({
            target: `${path} ${missing}`,
            run: () => readsOnly(device, [path, missing], path),
          })),
        ),
  },
  {
    id: 'read-composite-root',
    title: 'Read-Composite of the root brings every Object but the closed ones',
    oma: ['1.1-int-235'],
    needs: 'LwM2M 1.1',
    checks: (device) => (device.isAtLeast('1.1') ? [{ target: '/', run: () => readsRoot(device) }] : []),
  },
  {
    id: 'write-composite',
    title: 'Write-Composite of several Objects, read, and put back',
    oma: ['1.1-int-230', '1.1-int-257'],
    needs: 'LwM2M 1.1 and as write-format, in two Objects',
    checks: (device) => {
      const changes = ofSeveralObjects(device);
      if (changes.length === 0) return [];
      return compositeFormats(device).map((format) => ({
        target: `${pathsOf(changes).join(' ')} as ${format.name}`,
        run: () => writesAll(device, changes, format),
      }));
    },
  },
  {
    id: 'write-composite-all-or-none',
    title: 'Write-Composite that cannot be carried out as a whole changes nothing',
    needs: 'LwM2M 1.1 and as write-format',
    checks: (device) => {
      const [change] = device.isAtLeast('1.1') ? harmless(device) : [];
      if (change === undefined) return [];
      return [...readOnly(device), `${absentObject(device)}/0/0`].map((other) => ({
        target: `${change.resource.path} ${other}`,
        run: () => writesNothing(device, change, other),
      }));
    },
  },
  {
    id: 'observe-composite',
    title: 'Observe-Composite notifies of all its nodes as soon as pmax of one of them says, and its cancel',
    oma: ['1.1-int-304', '1.1-int-305'],
    needs: 'LwM2M 1.1 and something to read in two Objects',
    checks: (device) =>
      paired(device).map(([one, other]) => {
        const paths = [one.path, other.path];
        return {
          target: paths.join(' '),
          run: () =>
            withAttributes(device, one.path, { pmax: PMAX }, () =>
              observesAll(device, paths, () => notifiesOf(device, paths, [])),
            ),
        };
      }),
  },
  {
    id: 'observe-composite-attributes',
    title: 'Attributes that are written during an Observe-Composite take effect on it',
    oma: ['1.1-int-310'],
    needs: 'LwM2M 1.1 and something to read in two Objects',
    checks: (device) =>
      paired(device).map(([one, other]) => {
        const paths = [one.path, other.instance.path];
        const object = `/${other.instance.object.objectId}`;
        return {
          target: paths.join(' '),
          run: () =>
            observesAll(device, paths, () =>
              withAttributes(device, object, { pmax: PMAX }, () => notifiesOf(device, paths, [])),
            ),
        };
      }),
  },
  {
    id: 'observe-composite-create-delete',
    title: 'Observe-Composite goes along with Create and Delete of what it names',
    oma: ['1.1-int-308', '1.1-int-309'],
    needs: 'LwM2M 1.1 and an Object with several Object Instances',
    checks: (device): readonly Check[] =>
      device.isAtLeast('1.1')
        ? creatable(device).map((object) => ({
            target: `/${object.objectId}`,
            run: () => followsInstances(device, object),
          }))
        : [],
  },
];

const pathsOf = (changes: readonly Change[]): readonly string[] => changes.map(({ resource }) => resource.path);

const compositeFormats = (device: DeviceUnderTest): readonly FormatUnderTest[] =>
  formatsOf(device, 'nodes').filter(({ number }) => number !== TLV);

/** Of Device first: what is there never goes away. */
const readable = (device: DeviceUnderTest): readonly ResourceUnderTest[] =>
  device.isAtLeast('1.1')
    ? [
        ...device.resources.filter(({ instance }) => instance.object.objectId === 3),
        ...device.resources.filter(({ instance }) => instance.object.objectId !== 3),
      ]
    : [];

/** One pair of Resources of different Objects, or none. */
function paired(device: DeviceUnderTest): readonly (readonly [ResourceUnderTest, ResourceUnderTest])[] {
  const [one, ...others] = readable(device);
  const other = others.find(({ instance }) => instance.object !== one?.instance.object);
  return one === undefined || other === undefined ? [] : [[one, other]];
}

/** One harmless change for each Object, of two Objects at least. */
function ofSeveralObjects(device: DeviceUnderTest): readonly Change[] {
  if (!device.isAtLeast('1.1')) return [];
  const changes = [...Map.groupBy(harmless(device), ({ resource }) => resource.instance.object).values()].flatMap(
    (each) => each.slice(0, 1),
  );
  return changes.length > 1 ? changes : [];
}

const readOnly = (device: DeviceUnderTest): readonly string[] =>
  readable(device)
    .filter(({ definition: { operations, multiple, type } }) => operations === 'R' && !multiple && type === 'string')
    .slice(0, 1)
    .map(({ path }) => path);

const isBelow = (path: string, above: string): boolean => path === above || path.startsWith(`${above}/`);

/** What was asked for is there, and nothing else is. */
function holds(entries: readonly EntryJson[], paths: readonly string[], missing: readonly string[]): Verdict {
  const absent = paths.find((path) => entriesAt(entries, path).length === 0);
  if (absent !== undefined) return failed(`${absent} is not in it.`);
  const stray = entries.find(({ path }) => !paths.some((each) => isBelow(path, each)));
  if (stray !== undefined) return failed(`${stray.path} is in it, and was not asked for.`);
  const there = missing.find((path) => entriesAt(entries, path).length > 0);
  return onlyIf(there === undefined, `${there ?? ''} is in it, and is not there.`);
}

async function readsAll(
  device: DeviceUnderTest,
  paths: readonly string[],
  format: FormatUnderTest | undefined,
): Promise<Verdict> {
  const answer = await device.readComposite(paths, format?.number);
  if (!answer.ok) {
    const mayLack = format !== undefined && !isDemanded(device, format);
    return mayLack && answer.code === '4.06'
      ? skipped('The device does not have this format (4.06).')
      : answered(device, answer, '2.05');
  }
  const { contentFormat, entries } = answer.body;
  if (format !== undefined && contentFormat !== format.number)
    return failed(`Expected Content-Format ${format.number}. The device answered with ${contentFormat}.`);
  return holds(entries, paths, []);
}

async function readsOnly(device: DeviceUnderTest, paths: readonly string[], there: string): Promise<Verdict> {
  const answer = await device.readComposite(paths);
  if (!answer.ok) return answered(device, answer, '2.05');
  return holds(answer.body.entries, [there], []);
}

async function readsRoot(device: DeviceUnderTest): Promise<Verdict> {
  const answer = await device.readComposite(['/']);
  if (!answer.ok) return answered(device, answer, '2.05');
  const { entries } = answer.body;
  const leaked = CLOSED.find((objectId) => entriesAt(entries, `/${objectId}`).length > 0);
  if (leaked !== undefined) return failed(`/${leaked} is in it, and is nothing for a server.`);
  const missing = device.instances.filter((each) => each.isReadable && entriesAt(entries, each.path).length === 0);
  return onlyIf(missing.length === 0, `${missing.map(({ path }) => path).join(', ')} is not in it.`);
}

async function writesAll(
  device: DeviceUnderTest,
  changes: readonly Change[],
  format: FormatUnderTest,
): Promise<Verdict> {
  const values = Object.fromEntries(changes.map(({ resource, value }) => [resource.path, value]));
  const judge = async (): Promise<Verdict> => {
    const written = await device.writeComposite(values, format.number);
    if (written.ok) return allOf(...changes.map((change) => () => hasValue(device, change)));
    if (written.code !== '4.15' || isDemanded(device, format)) return answered(device, written, '2.04');
    return skipped('The device does not have this format (4.15).');
  };
  return thenRestore(judge(), () =>
    allOf(
      ...changes.map(
        ({ resource }) =>
          () =>
            restored(device, resource),
      ),
    ),
  );
}

async function hasValue(device: DeviceUnderTest, { resource: { path }, value }: Change): Promise<Verdict> {
  const answer = await device.read(path);
  if (!answer.ok) return answered(device, answer, '2.05');
  const now = answer.body.entries[0]?.value;
  return onlyIf(now === value, `${path} was written as ${String(value)} and is read as ${String(now)}.`);
}

function writesNothing(device: DeviceUnderTest, change: Change, other: string): Promise<Verdict> {
  const { resource, value } = change;
  const judge = async (): Promise<Verdict> => {
    const written = await device.writeComposite({ [resource.path]: value, [other]: 'conformance' });
    if (written.ok) return failed(`Expected a refusal. The device answered ${written.code}.`);
    if (written.code?.startsWith('4.') !== true) return failed(`Expected a refusal. ${written.said}`);
    const unchanged = await hasValue(device, change);
    return onlyIf(unchanged.outcome === 'failed', `${resource.path} was written though the whole was refused.`);
  };
  return thenRestore(judge(), () => restored(device, resource));
}

const isSameList = (a: readonly string[] | undefined, b: readonly string[]): boolean => a?.join() === b.join();

/** Observe-Composite for the time of `judge`; skipped where somebody observes this list already. */
async function observesAll(
  device: DeviceUnderTest,
  paths: readonly string[],
  judge: () => Promise<Verdict>,
): Promise<Verdict> {
  if ((await device.observations()).some((each) => isSameList(each.paths, paths)))
    return skipped('It is observed already.');
  const answer = await device.observeComposite(paths);
  if (!answer.ok) return answered(device, answer, '2.05');
  return thenRestore(judge(), async () =>
    onlyIf(await device.cancelComposite(paths), 'The observation had ended by itself.'),
  );
}

/** A notification comes in time with these nodes and without those. */
async function notifiesOf(
  device: DeviceUnderTest,
  paths: readonly string[],
  missing: readonly string[],
): Promise<Verdict> {
  const there = paths.filter((path) => !missing.includes(path));
  const timeout = PMAX * 1000 + GRACE;
  let last: Verdict = failed(`No notification came within ${timeout} ms.`);
  await until(timeout, async () => {
    const observation = (await device.observations()).find((each) => isSameList(each.paths, paths));
    const entries = observation?.lastNotification?.entries;
    if (entries !== undefined) last = holds(entries, there, missing);
    return last.outcome === 'passed';
  });
  return last;
}

async function followsInstances(device: DeviceUnderTest, object: ObjectUnderTest): Promise<Verdict> {
  const { objectId } = object;
  const content = contentOf(object);
  const created = await device.create(`/${objectId}`, content);
  if (!created.ok) {
    return created.code === '4.05'
      ? skipped('The device allows no Create of this Object (4.05).')
      : answered(device, created, '2.01');
  }
  const first = created.body.path;
  const second = unusedInstance(object, first);
  let isSecondThere = false;
  const judge = (): Promise<Verdict> =>
    allOf(
      async () => answered(device, await device.writeAttributes(first, { pmax: PMAX }), '2.04'),
      () =>
        observesAll(device, [first, second], () =>
          allOf(
            () => notifiesOf(device, [first, second], [second]),
            async () => {
              const answer = await device.create(second, content);
              isSecondThere = answer.ok;
              return answered(device, answer, '2.01');
            },
            () => notifiesOf(device, [first, second], []),
            async () => {
              const answer = await device.delete(second);
              isSecondThere = !answer.ok;
              return answered(device, answer, '2.02');
            },
            () => notifiesOf(device, [first, second], [second]),
          ),
        ),
    );
  return thenRestore(judge(), async () => {
    const left = isSecondThere ? answered(device, await device.delete(second), '2.02') : PASSED;
    const deleted = answered(device, await device.delete(first), '2.02');
    return left.outcome === 'passed' ? deleted : left;
  });
}

function unusedInstance({ objectId, instances }: ObjectUnderTest, taken: string): string {
  let id = 0;
  while (taken === `/${objectId}/${id}` || instances.some(({ path }) => path === `/${objectId}/${id}`)) id++;
  return `/${objectId}/${id}`;
}
