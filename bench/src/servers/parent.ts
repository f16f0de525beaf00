/** A server's side of the talk with the benchmark that started it. */
import type { MemoryReport } from '../server-process.ts';

/** Tell the port, answer questions about memory, and end when the benchmark lets go. */
export function serveParent(port: number, counts: () => Readonly<Record<string, number>> = () => ({})): void {
  process.on('message', () => {
    // Twice: the first collection frees what finalizers and weak references still held.
    globalThis.gc?.();
    globalThis.gc?.();
    const { heapUsed, external, rss } = process.memoryUsage();
    process.send?.({ heapUsed, external, rss, counts: counts() } satisfies MemoryReport);
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ port });
}
