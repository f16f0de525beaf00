import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runCommandLine } from './command-line.ts';

/** Exit code and what was said, of a run that must not come as far as listening. */
async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<readonly [code: number, said: string]> {
  let said = '';
  const write = (text: string): void => void (said += text);
  const code = await runCommandLine(args, {
    env,
    stdout: { write },
    stderr: { write },
    once: () => undefined,
    off: () => undefined,
  });
  return [code, said];
}

describe('the command line', () => {
  for (const args of [[], ['serve']]) {
    it(`"${['lapwing', ...args].join(' ')}" hears LAPWING_DEMO when --no-demo is not given`, async () => {
      const [code, said] = await run(args, { LAPWING_DEMO: 'perhaps' });
      assert.equal(code, 1);
      assert.equal(said, 'the environment variable LAPWING_DEMO is "perhaps"; it takes true or false.\n');
    });
  }

  it('takes --no-demo before LAPWING_DEMO', async () => {
    const [, said] = await run(['--no-demo', '--coap-port', 'x'], { LAPWING_DEMO: 'perhaps' });
    assert.match(said, /^--coap-port is "x"/);
  });

  for (const args of [['--foo'], ['--coap-port'], ['frobnicate']]) {
    it(`"${args.join(' ')}" is not understood: exit code 2 and one line`, async () => {
      const [code, said] = await run(args, {});
      assert.equal(code, 2);
      assert.match(said, /^error: .+\n$/);
    });
  }
});
