/** docs/running-the-server.md tells of every setting what the schema says, and its file is one that the server takes. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';
import { isMalformed } from '@lapwing/lwm2m';
import { configurationFrom, SETTINGS } from '../src/configuration.ts';

const document = await readFile(new URL('../../../docs/running-the-server.md', import.meta.url), 'utf8');

it('has a row for each setting with its flag, variable, name and default, and no other', () => {
  const rows = [...document.matchAll(/^\| `(--\S+)` \| `(\S+)` \| `(\S+)` \| (?:`(\S+)`)? ?\|/gm)].map(
    ([, flag, variable, key, standard]) => [flag, variable, key, standard ?? ''],
  );
  assert.deepEqual(
    rows,
    SETTINGS.map(({ flag, variable, key, standard }) => [
      flag,
      variable,
      key,
      standard === undefined || Array.isArray(standard) ? '' : `${standard as string | number | boolean}`,
    ]),
  );
});

it('shows a file that is taken as it stands', () => {
  const text = /```json\n(.*?)```/s.exec(document)?.[1];
  assert.ok(text !== undefined);
  const configuration = configurationFrom({ file: { name: 'lapwing.json', text } });
  assert.ok(!isMalformed(configuration), JSON.stringify(configuration));
  assert.equal(configuration.demo, false);
  assert.equal(configuration.dataDir, './data');
});
