/** Create and Delete of Object Instances. OMA TS Core §6.3.6, §6.3.7. */
import { answered, type ConformanceCase, failed, onlyIf, skipped, type Verdict } from '../conformance-case.ts';
import { asBody, type DeviceUnderTest, entriesAt, type ObjectUnderTest } from '../device-under-test.ts';
import type { NodeBodyJson, ResourceJson } from '../../rest/node-content.ts';
import type { ResourceDefinitionJson } from '../../rest/schemas.ts';
import type { ScalarJson } from '../../rest/value-json.ts';
import { creatable } from '../targets.ts';

export const CREATING: readonly ConformanceCase[] = [
  {
    id: 'create-delete',
    title: 'Create of an Object Instance, which is there until its Delete',
    oma: ['1.1-int-1630', '1.1-int-1635'],
    needs: 'an Object with several Object Instances',
    checks: (device) =>
      creatable(device).map((object) => ({
        target: `/${object.objectId}`,
        run: () => createsAndDeletes(device, object),
      })),
  },
  {
    id: 'create-second-device',
    title: 'Create of a second Object Instance of Device is 4.05',
    oma: ['1.1-int-680'],
    needs: 'Device',
    checks: (device) =>
      device.object(3) === undefined
        ? []
        : [{ target: '/3', run: async () => answered(device, await device.create('/3', {}), '4.05') }],
  },
  {
    id: 'delete-absent',
    title: 'Delete of an Object Instance that is not there is refused',
    needs: 'an Object with several Object Instances',
    checks: (device) =>
      creatable(device)
        .slice(0, 1)
        .map(({ objectId }) => ({
          target: `/${objectId}/65000`,
          // 4.05 where the device lets nobody delete what is of this Object.
          run: async () => answered(device, await device.delete(`/${objectId}/65000`), '4.04', '4.05'),
        })),
  },
];

async function createsAndDeletes(device: DeviceUnderTest, object: ObjectUnderTest): Promise<Verdict> {
  const created = await device.create(`/${object.objectId}`, contentOf(object));
  if (!created.ok) {
    return created.code === '4.05'
      ? skipped('The device allows no Create of this Object (4.05).')
      : answered(device, created, '2.01');
  }
  const { path } = created.body;
  const discovered = await device.discover(`/${object.objectId}`);
  const deleted = await device.delete(path);
  if (!deleted.ok) return failed(`${path} was created and could not be deleted again: ${deleted.said}`);
  if (!discovered.ok) return answered(device, discovered, '2.05');
  const isListed = discovered.body.items.some((item) => item.path === path);
  if (!isListed) return failed(`${path} was created and is not in the Discover of /${object.objectId}.`);
  const after = await device.read(path);
  return onlyIf(
    after.code === '4.04',
    `${path} was deleted, and a Read of it is answered ${after.code ?? 'not at all'}.`,
  );
}

/** What must be given: as in the Object Instance that is there, else something of the type. */
export function contentOf({ definition, instances }: ObjectUnderTest): NonNullable<NodeBodyJson['resources']> {
  const resources: Record<string, ResourceJson> = {};
  const [like] = instances;
  for (const resource of definition?.resources ?? []) {
    if (!resource.mandatory || !resource.operations.includes('W')) continue;
    const entries = like === undefined ? [] : entriesAt(like.entries, `${like.path}/${resource.resourceId}`);
    resources[resource.resourceId] = entries.length > 0 ? asBody(resource, entries) : anything(resource);
  }
  return resources;
}

const ANYTHING: Readonly<Record<ResourceDefinitionJson['type'], ScalarJson>> = {
  string: 'conformance',
  corelnk: '</3>',
  integer: 1,
  unsigned: 1,
  float: 1,
  boolean: false,
  opaque: 'AA==',
  time: 0,
  objlnk: '3:0',
  none: null,
};

const anything = ({ type, multiple }: ResourceDefinitionJson): ResourceJson =>
  multiple ? { values: { '0': ANYTHING[type] } } : { value: ANYTHING[type] };
