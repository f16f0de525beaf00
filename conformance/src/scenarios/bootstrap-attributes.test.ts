/** What servers attached and observe ends with a Bootstrap that writes their accounts anew, at every level. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { BootstrapScene, URIS } from '../bootstrap-scene.ts';
import { deviceWithPower } from '../configurations.ts';
import { proves } from '../proves.ts';
import { at, definitionsForTests, multipleOf, TEST_OBJECT_ID, testObject } from '../test-object.ts';

const OBJECT = `/${TEST_OBJECT_ID}`;
const SEVERAL = at(multipleOf('integer'));
const AT = { Object: OBJECT, 'Object Instance': `${OBJECT}/0`, Resource: SEVERAL, 'Resource Instance': `${SEVERAL}/1` };
type Level = keyof typeof AT;
const LEVELS = Object.keys(AT) as readonly Level[];

/** The link of what has them, with its attributes: those of a Resource Instance are discovered with its Resource. */
async function attributesAt(scene: BootstrapScene, level: Level): Promise<string | undefined> {
  const links = await scene.server.discover(level === 'Resource Instance' ? SEVERAL : AT[level]);
  return links.find((link) => link === `<${AT[level]}>` || link.startsWith(`<${AT[level]}>;`));
}

describe('scenarios: attributes and bootstrap', () => {
  proves('bootstrap-ends-attributes', LEVELS, async (version, level) => {
    const definitions = definitionsForTests();
    await using scene = await BootstrapScene.registered({
      version,
      objects: [deviceWithPower(), testObject()],
      client: { definitions, bootstrap: { pack: false } },
      definitions,
    });
    const path = AT[level];
    assert.equal(await scene.server.writeAttributes(path, { pmin: 1, pmax: 5 }), '2.04');
    await scene.server.observe(path);
    await scene.seconds(21);
    assert.equal(scene.server.told(path).length, 4, 'pmax repeats');
    scene.plain();
    scene.client.bootstrap();
    await scene.until(() => scene.outcomes.length === 2);
    await scene.until(() => scene.events.filter((event) => event === 'registered 1').length === 2);
    await scene.seconds(1);
    const observed = scene.plain('server', 'client').filter(({ observe }) => observe === 0);
    assert.deepEqual(
      observed.map(({ line }) => line),
      [`GET ${path}`],
      'the server has to ask anew, and does',
    );
    scene.server.told();
    await scene.seconds(60);
    assert.deepEqual(scene.server.told(), [], 'pmax is gone');
    assert.doesNotMatch((await attributesAt(scene, level))!, /pm/);
    // A Bootstrap that leaves the account alone leaves the attributes.
    assert.equal(await scene.server.writeAttributes(path, { pmax: 9 }), '2.04');
    await scene.configure({ delete: [], objects: [{ path: '/1/0/1', value: 600 }] });
    scene.client.bootstrap();
    await scene.until(() => scene.outcomes.length === 3);
    await scene.until(() => scene.events.filter((event) => event === 'registered 1').length === 3);
    assert.equal(scene.server.device.registration.lifetimeSeconds, 600);
    assert.match((await attributesAt(scene, level))!, /;pmax=9$/);
    // A server that is no longer one of the client is told nothing.
    scene.server.told();
    await scene.configure({ servers: [{ shortServerId: 2, uri: URIS.other, security: { mode: 'none' } }] });
    scene.client.bootstrap();
    await scene.until(() => scene.servers[1]!.server.registrationCount === 1);
    assert.equal(scene.client.observationCount, 0);
    scene.plain();
    await scene.seconds(60);
    assert.deepEqual([scene.server.told(), scene.plain()], [[], []]);
  });
});
