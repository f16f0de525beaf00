import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  compareObjectVersions,
  impliedObjectVersion,
  ObjectDefinitions,
  objectId,
  parseObjectVersion,
  resourceId,
} from '../index.ts';
import type { LwM2mVersion, ObjectDefinition } from '../index.ts';

const own = (id: number, version: string, name = 'Coffee Machine'): ObjectDefinition => ({
  id: objectId(id),
  name,
  version,
  urn: `urn:oma:lwm2m:x:${id}:${version}`,
  lwm2mVersion: '1.0',
  multiple: false,
  mandatory: false,
  resources: new Map([
    [
      1,
      {
        id: resourceId(1),
        name: 'Cups',
        operations: 'R',
        multiple: false,
        mandatory: true,
        type: 'integer',
        range: '',
        units: '',
      },
    ],
  ]),
});

describe('the registry', () => {
  const definitions = new ObjectDefinitions();

  it('knows 327 Objects in 424 versions, each with consistent Resources', () => {
    const objects = [...definitions.objects()];
    const versions = objects.flatMap(({ id }) =>
      definitions.versions(id).map((version) => definitions.object(id, version)),
    );
    assert.equal(objects.length, 327);
    assert.equal(versions.length, 424);
    for (const definition of versions) {
      assert.ok(definition !== undefined && parseObjectVersion(definition.version) !== undefined);
      for (const [id, resource] of definition.resources) {
        assert.equal(resource.id, id);
        assert.ok(resource.operations !== 'E' || resource.type === 'none', `${definition.name}/${id}`);
      }
    }
  });

  it('knows the Device’s battery level', () => {
    assert.deepEqual(definitions.resource(3, 9), {
      id: 9,
      name: 'Battery Level',
      operations: 'R',
      multiple: false,
      mandatory: false,
      type: 'integer',
      range: '0..100',
      units: '/100',
    });
    assert.equal(definitions.object(3)?.urn, 'urn:oma:lwm2m:oma:3:1.2');
    assert.equal(definitions.object(3)?.multiple, false);
    assert.equal(definitions.object(3)?.mandatory, true);
    assert.equal(definitions.resource(3, 6)?.multiple, true);
    assert.equal(definitions.resource(3, 4)?.type, 'none');
    assert.equal(definitions.resource(3, 4)?.operations, 'E');
    assert.equal(definitions.resource(0, 5)?.operations, '');
  });

  it('gives the same definition each time', () => {
    assert.equal(definitions.object(3303), new ObjectDefinitions().object(3303, '1.1'));
  });

  it('has nothing for Objects and Resources it does not know', () => {
    assert.equal(definitions.object(31024), undefined);
    assert.equal(definitions.resource(3, 999), undefined);
    assert.deepEqual(definitions.versions(31024), []);
  });

  it('answers an unknown minor version with the nearest of the same major version', () => {
    const version = (asked: string): string | undefined => definitions.object(3, asked)?.version;
    assert.deepEqual(definitions.versions(3), ['1.0', '1.1', '1.2']);
    assert.equal(version('1.1'), '1.1');
    assert.equal(version('1.9'), '1.2');
    assert.equal(version('2.0'), undefined);
    assert.equal(version('nonsense'), '1.2');
    // Object 20 is known as 1.0, 2.0 and 2.1.
    assert.equal(definitions.object(20, '2.0')?.version, '2.0');
    assert.equal(definitions.object(20, '1.7')?.version, '1.0');
  });

  it('answers a version below all that are known with the lowest of the same major version', () => {
    const layered = new ObjectDefinitions();
    layered.add(own(32770, '1.4'));
    layered.add(own(32770, '1.6'));
    assert.equal(layered.object(32770, '1.0')?.version, '1.4');
    assert.equal(layered.object(32770, '1.5')?.version, '1.4');
    assert.equal(layered.object(32770, '1.10')?.version, '1.6');
  });

  it('finds Objects and Resources by name, however it is written', () => {
    const find = (name: string): string | undefined => {
      const found = definitions.resourceByName(name);
      return found && `/${found.object.id}/${found.resource.id}`;
    };
    assert.equal(find('device.battery-level'), '/3/9');
    assert.equal(find('Device.batteryLevel'), '/3/9');
    assert.equal(find('LwM2M Server.Lifetime'), '/1/1');
    assert.equal(find('server.lifetime'), '/1/1');
    assert.equal(find('temperature.5700'), '/3303/5700');
    assert.equal(find('3303.sensor value'), '/3303/5700');
    assert.equal(find('device.unheard'), undefined);
    assert.equal(find('device'), undefined);
    assert.equal(find('.'), undefined);
    assert.equal(definitions.byName('location')?.id, 6);
    assert.equal(definitions.byName(''), undefined);
    assert.equal(definitions.byName('constructor'), undefined);
  });

  it('knows what reusable Resource IDs mean', () => {
    assert.equal(definitions.reusableResource(5700)?.name, 'Sensor Value');
    assert.equal(definitions.reusableResource(5700)?.type, 'float');
    assert.equal(definitions.reusableResource(1), undefined);
  });
});

describe('added definitions', () => {
  it('lie on top of the registry, for one ObjectDefinitions only', () => {
    const mine = new ObjectDefinitions();
    mine.add(own(32769, '1.0'));
    assert.equal(mine.resource(32769, 1)?.name, 'Cups');
    assert.equal(mine.byName('coffee-machine')?.id, 32769);
    assert.equal(mine.resourceByName('Coffee Machine.cups')?.resource.id, 1);
    assert.equal([...mine.objects()].at(-1)?.id, 32769);
    assert.equal(new ObjectDefinitions().object(32769), undefined);
  });

  it('replace the same version and add others', () => {
    const mine = new ObjectDefinitions();
    mine.add(own(3, '1.2', 'My Device'));
    mine.add(own(3, '1.3', 'Newer Device'));
    assert.equal(mine.object(3, '1.2')?.name, 'My Device');
    assert.equal(mine.object(3, '1.1')?.name, 'Device');
    assert.equal(mine.object(3)?.name, 'Newer Device');
    assert.deepEqual(mine.versions(3), ['1.0', '1.1', '1.2', '1.3']);
    assert.equal(mine.byName('My Device'), undefined);
    assert.equal(mine.byName('Newer Device')?.version, '1.3');
  });

  it('are limited in number, replacements not counted', () => {
    const mine = new ObjectDefinitions({ maxAdded: 2 });
    mine.add(own(32769, '1.0'));
    mine.add(own(32769, '1.0', 'Other'));
    mine.add(own(32769, '1.1'));
    assert.throws(() => mine.add(own(32770, '1.0')), /2 Object definitions have been added, which is the limit/);
  });

  it('need a version of the form 1.0', () => {
    assert.throws(() => new ObjectDefinitions().add(own(32769, '1')), /no version like "1.0"/);
  });
});

describe('Object versions', () => {
  it('compare by their numbers', () => {
    assert.deepEqual(['1.10', '2.0', '1.9', 'x', '1.0'].sort(compareObjectVersions), [
      'x',
      '1.0',
      '1.9',
      '1.10',
      '2.0',
    ]);
  });

  it('are implied by the LwM2M version when a link has none (OMA TS Core §7.2)', () => {
    const rows: readonly (readonly [objectId: number, ...versions: [string, string, string]])[] = [
      [0, '1.0', '1.1', '1.2'],
      [1, '1.0', '1.1', '1.2'],
      [2, '1.0', '1.0', '1.1'],
      [3, '1.0', '1.1', '1.2'],
      [4, '1.0', '1.2', '1.3'],
      [5, '1.0', '1.0', '1.1'],
      [6, '1.0', '1.0', '1.0'],
      [7, '1.0', '1.0', '1.0'],
      [21, '1.0', '1.0', '2.0'],
      [3303, '1.0', '1.0', '1.0'],
    ];
    for (const [id, ...versions] of rows) {
      const implied = (['1.0', '1.1', '1.2'] satisfies LwM2mVersion[]).map((version) =>
        impliedObjectVersion(version, id),
      );
      assert.deepEqual(implied, versions);
    }
  });
});
