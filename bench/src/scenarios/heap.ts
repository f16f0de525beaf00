/** Bytes of memory that an idle registered device costs: everything the process holds after a full collection. */
import { setTimeout as sleep } from 'node:timers/promises';
import { load } from '../generator.ts';
import { figure, skipped, verdict } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { startNodeServer } from '../server-process.ts';
import { TEN_LINKS } from './fleet.ts';

const TITLE = 'Memory per idle registered device, 10 links';
const WANTED_BYTES = 1024;

export const heap: Scenario = {
  name: 'heap',
  description: 'heap and typed-array bytes per idle registered device with a registration of 10 links',
  run: async ({ quick, noGenerator, progress }) => {
    if (noGenerator !== undefined) return skipped(TITLE, noGenerator);
    const fleets = quick ? [10_000] : [10_000, 100_000];
    const rows: string[][] = [];
    const data: Record<string, unknown> = {};
    const notes: string[] = [
      'EXCHANGE_LIFETIME is 1 s in this process and the devices have been idle for 3 s, so that the duplicate filter has nothing to remember',
    ];
    for (const devices of fleets) {
      progress(`heap: ${devices} devices`);
      await using server = await startNodeServer('lapwing-lwm2m', 'forgetful');
      const target = { pid: server.pid, uri: `coap://127.0.0.1:${server.port}` };
      // Once through everything first, so that compiled code is not counted as a cost of the devices.
      await load(['-c', '1000', '-e', TEN_LINKS, '-p', 'register,update,deregister'], target, 'lwm2m');
      await sleep(3_000);
      const before = await server.memory();
      await load(['-c', String(devices), '-e', TEN_LINKS, '-r', '2', '-p', 'register,update'], target, 'lwm2m');
      await sleep(3_000);
      const after = await server.memory();
      const registered = after.counts['registrations']! - before.counts['registrations']!;
      if (registered !== devices) notes.push(`${registered} of ${devices} devices are registered`);
      const heapBytes = (after.heapUsed - before.heapUsed) / registered;
      const externalBytes = (after.external - before.external) / registered;
      const filterBytes = (after.counts['recentMessageBytes']! - before.counts['recentMessageBytes']!) / registered;
      rows.push([
        String(devices),
        figure(heapBytes, 0),
        figure(externalBytes, 0),
        figure(filterBytes, 0),
        figure((after.rss - before.rss) / registered, 0),
        verdict(Math.round(heapBytes), WANTED_BYTES),
      ]);
      data[devices] = { before, after };
    }
    return {
      tables: [
        {
          title: `${TITLE}, bytes`,
          columns: ['devices', 'heap', 'outside the heap', 'of that duplicate filter', 'resident', 'wanted'],
          rows,
          notes,
        },
      ],
      data,
    };
  },
};
