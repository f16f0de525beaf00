/** Confirmable notifications of devices that our Server observes: decoded, typed and handed to a listener. */
import { flaw, load } from '../generator.ts';
import { figure, skipped, verdict } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { startNodeServer } from '../server-process.ts';
import { Samples } from '../statistics.ts';
import { TEN_LINKS } from './fleet.ts';
import { referenceMicroseconds } from './reference.ts';

const TITLE = 'Notify over UDP, one observation per device, window 64';
const WANTED_MICROSECONDS = 16;
const PHASES = ['notify', 'notify-senml'] as const;
const NAMES = { notify: 'Notify, text', 'notify-senml': 'Notify, SenML JSON' } as const;

export const notify: Scenario = {
  name: 'notify',
  description: 'Confirmable notifications of 1,000 to 100,000 observed devices',
  run: async ({ quick, noGenerator, progress }) => {
    if (noGenerator !== undefined) return skipped(TITLE, noGenerator);
    const fleets = quick ? [1_000] : [1_000, 10_000, 100_000];
    const rounds = quick ? 1 : 3;
    const total = quick ? 20_000 : 300_000;
    const cpu = new Samples();
    const notes = new Set<string>();
    for (let round = 0; round < rounds; round++) {
      cpu.add('reference', await referenceMicroseconds(quick ? 0.5 : 3));
      for (const devices of fleets) {
        progress(`notify: round ${round + 1} of ${rounds}, ${devices} devices`);
        await using server = await startNodeServer('lapwing-lwm2m', 'observe');
        const repeats = total / devices;
        const phases = ['register', 'linger:2', ...PHASES, ...PHASES].map((phase, index) =>
          index < 2 ? phase : `${phase}:${index < 4 ? Math.ceil(repeats / 4) : repeats}`,
        );
        const results = await load(
          ['-c', String(devices), '-w', '64', '-e', TEN_LINKS, '-a', '21.5', '-r', '2', '-p', phases.join(',')],
          { pid: server.pid, uri: `coap://127.0.0.1:${server.port}` },
          'lwm2m',
        );
        for (const result of results.slice(-PHASES.length)) {
          const problem = flaw(result);
          if (problem !== undefined) notes.add(`${devices} devices: ${problem}`);
          if (result.foreign_cores > 0.3) notes.add('other processes were busy during some of the runs');
          cpu.add(`${result.phase}, ${devices}`, result.server.cpu_us_per_request);
        }
        const { counts } = await server.memory();
        const sent = results
          .filter(({ phase }) => phase.startsWith('notify'))
          .reduce((sum, each) => sum + each.completed, 0);
        if (counts['notifications'] !== sent) {
          notes.add(`${devices} devices: ${sent} notifications acknowledged, ${counts['notifications']} handed over`);
        }
      }
    }
    const reference = cpu.median('reference')!;
    notes.add(`a bare answer over node:dgram cost ${figure(reference)} µs in the same rounds`);
    const rows = PHASES.map((phase) => {
      const worst = Math.max(...fleets.map((devices) => cpu.median(`${phase}, ${devices}`)!));
      return [
        NAMES[phase],
        ...fleets.map((devices) => figure(cpu.median(`${phase}, ${devices}`))),
        verdict(worst, WANTED_MICROSECONDS),
        `${figure(worst / reference, 2)}×`,
      ];
    });
    return {
      tables: [
        {
          title: `${TITLE}: server CPU µs per notification, median of ${rounds} rounds`,
          columns: ['operation', ...fleets.map((devices) => `${devices} devices`), 'wanted', 'bare dgram'],
          rows,
          notes: [...notes],
        },
      ],
      data: { cpuMicroseconds: cpu },
    };
  },
};
