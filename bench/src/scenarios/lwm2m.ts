/** Register, Update, Send and De-register of whole fleets against our Server. */
import { flaw, load } from '../generator.ts';
import { figure, skipped, verdict } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { startNodeServer } from '../server-process.ts';
import { Samples } from '../statistics.ts';
import { TEN_LINKS } from './fleet.ts';
import { referenceMicroseconds } from './reference.ts';

const TITLE = 'Registration interface and Send over UDP, window 64';
const WANTED_MICROSECONDS: Readonly<Record<string, number>> = { register: 20, update: 16 };
const WANTED_GROWTH = 1.5;
const PHASES = ['register', 'update', 'send', 'deregister'] as const;

/** Operations of each kind that a measured cycle has at least, so that a cycle is long against the clock's grain. */
const OPERATIONS_PER_CYCLE = 100_000;

interface Fleet {
  readonly devices: number;
  /** Times that the fleet comes and goes before anything counts. */
  readonly warmUps: number;
  readonly cycles: number;
}

export const lwm2m: Scenario = {
  name: 'lwm2m',
  description: 'Register (10 links), Update, Send and De-register of 1,000, 10,000 and 100,000 devices',
  run: async ({ quick, noGenerator, progress }) => {
    if (noGenerator !== undefined) return skipped(TITLE, noGenerator);
    const fleets: readonly Fleet[] = quick
      ? [
          { devices: 1_000, warmUps: 2, cycles: 3 },
          { devices: 10_000, warmUps: 1, cycles: 1 },
        ]
      : [
          { devices: 1_000, warmUps: 20, cycles: 50 },
          { devices: 10_000, warmUps: 2, cycles: 5 },
          { devices: 100_000, warmUps: 1, cycles: 1 },
        ];
    const rounds = quick ? 1 : 3;
    const cpu = new Samples();
    const notes = new Set<string>();

    for (let round = 0; round < rounds; round++) {
      cpu.add('reference', await referenceMicroseconds(quick ? 0.5 : 3));
      for (const { devices, warmUps, cycles } of fleets) {
        progress(`lwm2m: round ${round + 1} of ${rounds}, ${devices} devices`);
        await using server = await startNodeServer('lapwing-lwm2m');
        const repeats = Math.max(1, Math.round((quick ? 10_000 : OPERATIONS_PER_CYCLE) / devices / cycles));
        const cycle = ['register', `update:${repeats}`, `send:${repeats}`, 'deregister'];
        const phases = Array.from({ length: warmUps + cycles }, () => cycle).flat();
        const results = await load(
          ['-c', String(devices), '-w', '64', '-e', TEN_LINKS, '-r', '2', '-p', phases.join(',')],
          { pid: server.pid, uri: `coap://127.0.0.1:${server.port}` },
          'lwm2m',
        );
        const measured = results.slice(warmUps * cycle.length);
        for (const phase of PHASES) {
          const parts = measured.filter((result) => result.phase === phase);
          for (const part of parts) {
            const problem = flaw(part);
            if (problem !== undefined) notes.add(`${devices} devices: ${problem}`);
            if (part.foreign_cores > 0.3 && part.seconds > 0.5)
              notes.add('other processes were busy during some of the runs');
          }
          const seconds = parts.reduce((sum, { server }) => sum + server.cpu_s, 0);
          const operations = parts.reduce((sum, { completed }) => sum + completed, 0);
          cpu.add(`${phase}, ${devices}`, (seconds / operations) * 1e6);
        }
      }
    }

    const smallest = fleets[0]!.devices;
    const rows = PHASES.map((phase) => {
      const growth = cpu.median(`${phase}, ${fleets.at(-1)!.devices}`)! / cpu.median(`${phase}, ${smallest}`)!;
      const worst = Math.max(...fleets.slice(1).map(({ devices }) => cpu.median(`${phase}, ${devices}`)!));
      const wanted = WANTED_MICROSECONDS[phase];
      return [
        phase,
        ...fleets.map(({ devices }) => figure(cpu.median(`${phase}, ${devices}`))),
        wanted === undefined ? '' : verdict(worst, wanted),
        `${figure(growth, 2)}×`,
        verdict(growth, WANTED_GROWTH),
        `${figure(worst / cpu.median('reference')!, 2)}×`,
      ];
    });
    notes.add(
      `a bare answer over node:dgram cost ${figure(cpu.median('reference'))} µs in the same rounds: the last column compares the dearest figure of the line with it`,
    );
    return {
      tables: [
        {
          title: `${TITLE}: server CPU µs per operation, median of ${rounds} rounds`,
          columns: [
            'operation',
            ...fleets.map(({ devices }) => `${devices} devices`),
            'wanted',
            'growth',
            'wanted',
            'bare dgram',
          ],
          rows,
          notes: [...notes],
        },
      ],
      data: { cpuMicroseconds: cpu },
    };
  },
};
