import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLog, readableLine } from './log.ts';

describe('the log', () => {
  it('writes one readable line per message, with the cause and the details', () => {
    const lines: string[] = [];
    const log = createLog({ level: 'info', readable: true, destination: { write: (line) => lines.push(line) } });
    log.warn({ device: 'a', err: new Error('no answer') }, 'not registered');
    log.debug('unseen');
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^\d\d:\d\d:\d\d warn {2}not registered: no answer \(device a\)\n$/);
  });

  it('writes JSON where no person reads along, and no secret', () => {
    const lines: string[] = [];
    const log = createLog({ level: 'info', readable: false, destination: { write: (line) => lines.push(line) } });
    log.info({ req: { headers: { authorization: 'Bearer abc' } }, credentials: { secretKey: 'abc' } }, 'hello');
    const line = JSON.parse(lines[0] ?? '') as { msg: string };
    assert.equal(line.msg, 'hello');
    assert.doesNotMatch(lines[0] ?? '', /abc/);
  });

  it('shows details that are not text as JSON', () => {
    assert.equal(readableLine('{"level":30,"time":0,"msg":"x","n":{"a":1}}'), '00:00:00 info  x (n {"a":1})\n');
  });
});
