/**
 * What a bare answer over `node:dgram` costs on this machine at this moment, in CPU µs: measured in every round beside
 * the operations, because a busy machine makes everything dearer and only the ratio says something then.
 */
import { load } from '../generator.ts';
import { startNodeServer } from '../server-process.ts';

export async function referenceMicroseconds(seconds: number): Promise<number> {
  await using server = await startNodeServer('dgram-reference');
  const [result] = await load(
    ['-c', '512', '-w', '64', '-d', String(seconds), '-W', '0.5'],
    { pid: server.pid, uri: `coap://127.0.0.1:${server.port}/time` },
    'get',
  );
  if (result === undefined) throw new Error('the generator reported nothing');
  return result.server.cpu_us_per_request;
}
