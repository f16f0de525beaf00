import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { it } from 'node:test';
import { BOOTSTRAP_ERROR_CHANNEL } from '@lapwing/bootstrap-server';
import { SERVER_ERROR_CHANNEL } from '@lapwing/server';
import { logCaughtErrors } from './caught-errors.ts';
import { createLog } from './log.ts';

it('what a library caught is one line in the log, until the end', () => {
  let said = '';
  const log = createLog({ level: 'info', readable: false, destination: { write: (line) => void (said += line) } });
  const end = logCaughtErrors(log);
  channel(SERVER_ERROR_CHANNEL).publish({ error: new Error('no space left') });
  channel(BOOTSTRAP_ERROR_CHANNEL).publish({ error: new Error('disk gone') });
  end();
  channel(BOOTSTRAP_ERROR_CHANNEL).publish({ error: new Error('afterwards') });
  const lines = said.split('\n').map((line) => /no space left|disk gone|afterwards/.exec(line)?.[0]);
  assert.deepEqual(lines, ['no space left', 'disk gone', undefined]);
});
