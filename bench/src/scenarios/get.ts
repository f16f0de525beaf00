/** GET of a small resource by 512 clients: our endpoint, the npm package `coap`, Debian's coap-server. */
import { flaw, load } from '../generator.ts';
import { figure, skipped, verdict } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { programPath, startNodeServer, startProgram } from '../server-process.ts';
import type { ServerProcess } from '../server-process.ts';
import { Samples } from '../statistics.ts';

const TITLE = 'GET of a small resource over UDP, 512 clients';
const WINDOWS = [1, 16, 64, 256] as const;
const WANTED_MICROSECONDS = 16;

export const get: Scenario = {
  name: 'get',
  description: 'GET over UDP with 512 clients and windows of 1, 16, 64 and 256, beside npm coap and Debian coap-server',
  run: async ({ quick, noGenerator, progress }) => {
    if (noGenerator !== undefined) return skipped(TITLE, noGenerator);
    const coapServer = programPath('coap-server-notls');
    const peers: Readonly<Record<string, () => Promise<ServerProcess>>> = {
      ours: () => startNodeServer('lapwing-get'),
      'bare node:dgram': () => startNodeServer('dgram-reference'),
      'npm coap': () => startNodeServer('npm-coap-get'),
      ...(coapServer === undefined
        ? {}
        : {
            'coap-server': () => startProgram(coapServer, (port) => ['-A', '127.0.0.1', '-p', String(port)], '/time'),
          }),
    };
    const rounds = quick ? 1 : 5;
    const seconds = quick ? 0.5 : 2;
    const cpu = new Samples();
    const latency = new Samples();
    const rate = new Samples();
    const notes = new Set<string>();
    if (coapServer === undefined)
      notes.add('no coap-server-notls here (Debian package libcoap3-bin): its rows are left out');

    for (let round = 0; round < rounds; round++) {
      for (const [peer, start] of Object.entries(peers)) {
        // A process per round: the memory of one does not burden the next, and none is served from a warmer cache.
        await using server = await start();
        const target = { pid: server.pid, uri: `coap://127.0.0.1:${server.port}/time` };
        await load(['-c', '512', '-w', '64', '-d', quick ? '0.5' : '2', '-W', '0'], target, 'get');
        for (const window of WINDOWS) {
          progress(`get: round ${round + 1} of ${rounds}, ${peer}, window ${window}`);
          const [result] = await load(
            ['-c', '512', '-w', String(window), '-d', String(seconds), '-W', '0.2'],
            target,
            'get',
          );
          if (result === undefined) throw new Error('the generator reported nothing');
          const problem = flaw(result);
          if (problem !== undefined) notes.add(`${peer}, window ${window}: ${problem}`);
          if (result.foreign_cores > 0.3) notes.add('other processes were busy during some of the runs');
          const key = `${peer}, ${window}`;
          cpu.add(key, result.server.cpu_us_per_request);
          latency.add(`${key}, p50`, result.latency_us.p50);
          latency.add(`${key}, p99`, result.latency_us.p99);
          rate.add(key, result.rate);
        }
      }
    }

    const rows = Object.keys(peers).flatMap((peer) =>
      WINDOWS.map((window) => {
        const key = `${peer}, ${window}`;
        const own = cpu.median(`ours, ${window}`)!;
        const value = cpu.median(key)!;
        const [low, high] = cpu.spread(key)!;
        return [
          peer,
          String(window),
          figure(value),
          `${figure(low)}–${figure(high)}`,
          peer === 'ours'
            ? window === 1
              ? ''
              : verdict(value, WANTED_MICROSECONDS)
            : `${figure(value / own, 2)}× ours`,
          figure(rate.median(key), 0),
          figure(latency.median(`${key}, p50`), 0),
          figure(latency.median(`${key}, p99`), 0),
        ];
      }),
    );
    return {
      tables: [
        {
          title: `${TITLE}: median of ${rounds} interleaved rounds`,
          columns: ['server', 'window', 'CPU µs', 'range', 'compared', 'per second', 'p50 µs', 'p99 µs'],
          rows,
          notes: [...notes],
        },
      ],
      data: { cpuMicroseconds: cpu, latencyMicroseconds: latency, perSecond: rate },
    };
  },
};
