/** Resident memory while a server works as fast as it can for a minute. */
import { flaw, load } from '../generator.ts';
import { figure, skipped } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { startNodeServer } from '../server-process.ts';

const TITLE = 'Resident memory under full load (GET, 512 clients, window 64)';
const SLICES = 6;

export const memory: Scenario = {
  name: 'memory',
  description: 'resident memory in the course of 60 s of full load, beside npm coap',
  run: async ({ quick, noGenerator, progress }) => {
    if (noGenerator !== undefined) return skipped(TITLE, noGenerator);
    const slice = quick ? 1 : 10;
    const rows: string[][] = [];
    const data: Record<string, { readonly requests: number; readonly residentKib: readonly number[] }> = {};
    const notes: string[] = [];
    for (const [peer, name] of [
      ['ours', 'lapwing-get'],
      ['npm coap', 'npm-coap-get'],
    ] as const) {
      await using server = await startNodeServer(name);
      const target = { pid: server.pid, uri: `coap://127.0.0.1:${server.port}/time` };
      const residentKib: number[] = [];
      let requests = 0;
      let peak = 0;
      for (let index = 0; index < SLICES; index++) {
        progress(`memory: ${peer}, ${(index + 1) * slice} of ${SLICES * slice} s`);
        const [result] = await load(['-c', '512', '-w', '64', '-d', String(slice), '-W', '0'], target, 'get');
        if (result === undefined) throw new Error('the generator reported nothing');
        const problem = flaw(result);
        if (problem !== undefined) notes.push(`${peer}: ${problem}`);
        residentKib.push(result.server.rss_kib);
        requests += result.completed;
        peak = Math.max(peak, result.server.peak_kib);
      }
      data[peer] = { requests, residentKib };
      rows.push([peer, String(requests), ...residentKib.map((kib) => figure(kib / 1024, 0)), figure(peak / 1024, 0)]);
    }
    return {
      tables: [
        {
          title: `${TITLE}, MiB`,
          columns: [
            'server',
            'requests',
            ...Array.from({ length: SLICES }, (_, index) => `${(index + 1) * slice} s`),
            'peak',
          ],
          rows,
          notes,
        },
      ],
      data,
    };
  },
};
