/** Object XML that is uploaded, and the folder it is kept in. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createLog } from '../src/log.ts';
import type { ProblemBody } from '../src/rest/problem.ts';
import type { DefinitionJson } from '../src/rest/schemas.ts';
import { type Answer, RunningApp } from './running-app.ts';

const objectXml = (
  id: number,
  name: string,
  version = '1.0',
  prologue = '',
): string => `<?xml version="1.0"?>${prologue}
<LWM2M><Object ObjectType="MODefinition"><Name>${name}</Name><ObjectID>${id}</ObjectID>
<ObjectURN>urn:oma:lwm2m:x:${id}:${version}</ObjectURN><ObjectVersion>${version}</ObjectVersion>
<MultipleInstances>Multiple</MultipleInstances><Mandatory>Optional</Mandatory>
<Resources><Item ID="1"><Name>Level</Name><Operations>RW</Operations><MultipleInstances>Single</MultipleInstances>
<Mandatory>Mandatory</Mandatory><Type>Integer</Type><RangeEnumeration>0..9</RangeEnumeration><Units>m</Units></Item></Resources>
</Object></LWM2M>`;

let folder: string;
let api: RunningApp;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lapwing-models-'));
  api = await RunningApp.start({ modelsDir: join(folder, 'models') });
});
after(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});

async function upload(
  to: RunningApp,
  xml: string,
  type = 'application/xml',
): Promise<Answer<DefinitionJson & ProblemBody>> {
  const response = await fetch(`${to.app.httpUrl}/api/v1/definitions`, {
    method: 'POST',
    body: xml,
    headers: { 'content-type': type },
  });
  return to.checked<DefinitionJson & ProblemBody>('POST', '/definitions', response);
}

describe('an uploaded object XML', () => {
  it('is known at once, for what is decoded from then on too, and kept in the models folder', async () => {
    const { status, headers, body } = await upload(api, objectXml(33000, 'Tank'));
    assert.equal(status, 201);
    assert.equal(headers.get('location'), '/api/v1/definitions/33000?version=1.0');
    assert.deepEqual([body.name, body.resources[0]?.name, body.resources[0]?.units], ['Tank', 'Level', 'm']);
    assert.equal((await api.call<DefinitionJson>('GET', '/definitions/33000')).body.name, 'Tank');
    assert.equal(api.app.server.definitions.object(33000)?.name, 'Tank');
    assert.deepEqual(await readdir(join(folder, 'models')), ['33000-1.0.xml']);
  });

  it('replaces what was known of the same version, and stands beside other versions', async () => {
    await upload(api, objectXml(33000, 'Better tank'));
    await upload(api, objectXml(33000, 'New tank', '2.0'));
    assert.equal((await api.call<DefinitionJson>('GET', '/definitions/33000?version=1.0')).body.name, 'Better tank');
    assert.equal((await api.call<DefinitionJson>('GET', '/definitions/33000')).body.name, 'New tank');
    assert.deepEqual((await readdir(join(folder, 'models'))).sort(), ['33000-1.0.xml', '33000-2.0.xml']);
  });

  const DTD = '<!DOCTYPE LWM2M [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>';
  for (const [name, xml, why] of [
    ['a DTD', objectXml(33001, 'Evil', '1.0', DTD), /DTD|DOCTYPE|document type/i],
    [
      'an external entity',
      objectXml(33001, '&x;', '1.0', '<!DOCTYPE x SYSTEM "file:///etc/passwd">'),
      /DTD|DOCTYPE|document type/i,
    ],
    ['an entity of its own', objectXml(33001, '&custom;'), /entit/i],
    [
      'two Objects',
      objectXml(33001, 'A').replace('</LWM2M>', `${/<Object.*<\/Object>/s.exec(objectXml(33002, 'B'))?.[0]}</LWM2M>`),
      /one Object per upload/,
    ],
    ['no XML', 'hello', /./],
    ['nothing', '', /./],
  ] as const) {
    it(`with ${name} is answered 400 with one sentence, and nothing is learnt`, async () => {
      const { status, body } = await upload(api, xml);
      assert.deepEqual([status, body.type], [400, 'urn:lapwing:problem:bad-request'], JSON.stringify(body));
      assert.match(body.detail, why);
      assert.equal((await api.call('GET', '/definitions/33001')).status, 404);
      assert.ok(!(await readdir(join(folder, 'models'))).some((file) => file.startsWith('33001')));
    });
  }

  it('of more than 1 MiB is answered 413', async () => {
    const { status } = await upload(api, `${objectXml(33001, 'Big')}<!--${'x'.repeat(1024 * 1024)}-->`);
    assert.equal(status, 413);
  });

  it('must say that it is XML', async () => {
    assert.equal((await upload(api, objectXml(33001, 'A'), 'application/json')).status, 415);
  });
});

describe('the models folder', () => {
  it('is loaded at the start; a file that cannot be used is one warning and no obstacle', async () => {
    const models = join(folder, 'load');
    const lines: string[] = [];
    const log = createLog({ level: 'info', readable: true, destination: { write: (line) => lines.push(line) } });
    const first = await RunningApp.start({ dataDir: models });
    await upload(first, objectXml(33010, 'Kept'));
    await first.close();
    await writeFile(join(models, 'models', 'a-bad.xml'), '<LWM2M><Object>');
    await writeFile(join(models, 'models', 'notes.txt'), 'not XML');

    const second = await RunningApp.start({ dataDir: models, log });
    assert.equal((await second.call<DefinitionJson>('GET', '/definitions/33010')).body.name, 'Kept');
    await second.close();
    const warnings = lines.filter((line) => line.includes('a-bad.xml'));
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /^\d\d:\d\d:\d\d warn .*a-bad\.xml was left out: .+\n$/);
    assert.match(await readFile(join(models, 'models', '33010-1.0.xml'), 'utf8'), /Kept/);
  });
});
