import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatPath, isMalformed, ObjectDefinitions, pathOf, type ObjectDefinition } from '@lapwing/lwm2m';
import { contentFromBody, type NodeBodyJson } from './node-content.ts';
import { entryToJson } from './value-json.ts';

const definitions = new ObjectDefinitions();
const device = definitions.object(3) as ObjectDefinition;
const light = definitions.object(3311) as ObjectDefinition;

type ContentPath = Parameters<typeof contentFromBody>[0];

const READ: readonly (readonly [
  string,
  ContentPath,
  NodeBodyJson,
  ObjectDefinition | undefined,
  readonly unknown[],
])[] = [
  [
    'a Resource by its type',
    pathOf(3311, 0, 5850),
    { value: true },
    light,
    [{ path: '/3311/0/5850', type: 'boolean', value: true }],
  ],
  [
    'a Float that happens to be whole',
    pathOf(3303, 0, 5700),
    { value: 21 },
    definitions.object(3303),
    [{ path: '/3303/0/5700', type: 'float', value: 21 }],
  ],
  [
    'the Resource Instances of a multiple Resource',
    pathOf(3, 0, 7),
    { values: { '0': 3300, '2': 5000 } },
    device,
    [
      { path: '/3/0/7/0', type: 'integer', value: 3300 },
      { path: '/3/0/7/2', type: 'integer', value: 5000 },
    ],
  ],
  ['a multiple Resource with none', pathOf(3, 0, 7), { values: {} }, device, [{ path: '/3/0/7', kind: 'empty' }]],
  [
    'one Resource Instance',
    pathOf(3, 0, 7, 1),
    { value: 12 },
    device,
    [{ path: '/3/0/7/1', type: 'integer', value: 12 }],
  ],
  [
    'an Object Instance, short and long forms mixed',
    pathOf(3311, 0),
    { resources: { '5850': false, '5851': { value: 50 }, '5750': 'Desk' } },
    light,
    [
      { path: '/3311/0/5750', type: 'string', value: 'Desk' },
      { path: '/3311/0/5850', type: 'boolean', value: false },
      { path: '/3311/0/5851', type: 'integer', value: 50 },
    ],
  ],
  [
    'an unknown Resource by the type that is said',
    pathOf(65000, 0, 1),
    { value: 1, type: 'float' },
    undefined,
    [{ path: '/65000/0/1', type: 'float', value: 1 }],
  ],
  [
    'an unknown Resource by the type it looks like',
    pathOf(65000, 0, 1),
    { value: 1 },
    undefined,
    [{ path: '/65000/0/1', type: 'integer', value: 1 }],
  ],
];

const REFUSED: readonly (readonly [string, ContentPath, NodeBodyJson, ObjectDefinition | undefined, RegExp])[] = [
  [
    'a value of the wrong type',
    pathOf(3311, 0, 5850),
    { value: 'on' },
    light,
    /^\/value: expected true or false, got "on"$/,
  ],
  ['both value and values', pathOf(3, 0, 7), { value: 1, values: {} }, device, /either "value" or "values"/],
  ['neither', pathOf(3, 0, 7), { type: 'integer' }, device, /either "value" or "values"/],
  ['one value for a multiple Resource', pathOf(3, 0, 7), { value: 1 }, device, /multiple instances; write \{"values"/],
  ['several for a single one', pathOf(3, 0, 1), { values: { '0': 'x' } }, device, /single instance; write \{"value"/],
  [
    'values for a Resource Instance',
    pathOf(3, 0, 7, 0),
    { values: { '0': 1 } },
    device,
    /a Resource Instance is written with/,
  ],
  ['resources for a Resource', pathOf(3, 0, 1), { resources: {} }, device, /is a Resource; write it with/],
  ['a value for an Object Instance', pathOf(3, 0), { value: 1 }, device, /an Object Instance is written with/],
  [
    'a Resource ID out of range',
    pathOf(3, 0),
    { resources: { '65535': 1 } },
    device,
    /^\/resources\/65535: expected a Resource ID/,
  ],
  [
    'a Resource Instance ID out of range',
    pathOf(3, 0, 7),
    { values: { '99999': 1 } },
    device,
    /^\/values\/99999: expected/,
  ],
  [
    'a wrong value deep inside',
    pathOf(3, 0),
    { resources: { '7': { values: { '3': 'x' } } } },
    device,
    /^\/resources\/7\/values\/3: expected a whole number/,
  ],
  [
    'a wrong value in the short form',
    pathOf(3, 0),
    { resources: { '9': 'x' } },
    device,
    /^\/resources\/9: expected a whole number/,
  ],
  ['a value for an executable Resource', pathOf(3, 0, 4), { value: 'now' }, device, /can only be executed/],
];

describe('the body of a Write', () => {
  for (const [name, path, body, definition, entries] of READ) {
    it(`is read as ${name}`, () => {
      const content = contentFromBody(path, body, definition);
      assert.ok(!isMalformed(content), JSON.stringify(content));
      assert.deepEqual(content.map(entryToJson), entries);
    });
  }
  for (const [name, path, body, definition, why] of REFUSED) {
    it(`is refused with ${name} for ${formatPath(path)}, naming the field`, () => {
      const refused = contentFromBody(path, body, definition);
      assert.ok(isMalformed(refused));
      assert.match(refused.malformed, why);
    });
  }
});
