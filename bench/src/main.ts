/** `npm run bench`: what an operation costs the server, beside other CoAP servers measured in the same run. */
import { parseArgs } from 'node:util';
import { prepareGenerator } from './generator.ts';
import { describeMachine, formatTable, writeResults } from './report.ts';
import type { Scenario, ScenarioResult } from './scenario.ts';
import { bootstrap } from './scenarios/bootstrap.ts';
import { codec } from './scenarios/codec.ts';
import { dtls } from './scenarios/dtls.ts';
import { formats } from './scenarios/formats.ts';
import { get } from './scenarios/get.ts';
import { heap } from './scenarios/heap.ts';
import { lwm2m } from './scenarios/lwm2m.ts';
import { memory } from './scenarios/memory.ts';
import { notify } from './scenarios/notify.ts';
import { queue } from './scenarios/queue.ts';

const SCENARIOS: readonly Scenario[] = [codec, formats, get, lwm2m, notify, queue, bootstrap, memory, heap, dtls];

const HELP = `usage: npm run bench -- [--quick] [--only NAME]...

Prints server CPU time per operation: medians of interleaved rounds, and ratios of the same run. Writes all figures
to bench/results/<moment>.json. Takes about ten minutes; keep the machine quiet meanwhile.

  --quick      fewer and shorter rounds: shows that everything runs, is too coarse to publish
  --only NAME  only this scenario; may be repeated
  --help       this text

Scenarios
${SCENARIOS.map(({ name, description }) => `  ${name.padEnd(10)} ${description}`).join('\n')}

LAPWING_BENCH_PROFILE=<folder> lets every Node.js server leave a CPU profile there.
`;

function chosen(names: readonly string[]): readonly Scenario[] | string {
  const unknown = names.find((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown !== undefined)
    return `no scenario is called ${unknown}; there are ${SCENARIOS.map(({ name }) => name).join(', ')}`;
  return names.length === 0 ? SCENARIOS : SCENARIOS.filter(({ name }) => names.includes(name));
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { quick: { type: 'boolean' }, only: { type: 'string', multiple: true }, help: { type: 'boolean' } },
  });
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  const scenarios = chosen(values.only ?? []);
  if (typeof scenarios === 'string') {
    console.error(scenarios);
    return 2;
  }
  const quick = values.quick === true;
  const moment = new Date();
  const { processor, cores, kernel, node } = describeMachine();
  console.log(`Node.js ${node}, ${cores} × ${processor}, ${kernel}${quick ? ', quick run' : ''}\n`);
  const noGenerator = prepareGenerator();
  if (noGenerator !== undefined) console.log(`Only the codec can be measured: ${noGenerator}\n`);

  const progress = (what: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${what}`);
  };
  const results: Record<string, ScenarioResult> = {};
  for (const scenario of scenarios) {
    const result = await scenario.run({ quick, noGenerator, progress });
    progress('');
    results[scenario.name] = result;
    for (const table of result.tables) console.log(formatTable(table));
  }
  console.log(`All figures: ${writeResults(moment, quick, results)}`);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
