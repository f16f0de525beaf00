/**
 * What each operation costs on the wire without loss: datagrams and bytes of CoAP, as a table under version control, so
 * that a change that sends more is seen. To accept a change: LAPWING_UPDATE_SNAPSHOTS=1.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import {
  buildOptions,
  Codes,
  type CoapParameters,
  type Exchange,
  type ObserveRelation,
  type OutgoingRequest,
} from '@lapwing/coap';
import { Schedule, SimulatedNetwork, type SimulatedDriver } from '@lapwing/testkit';

const TABLE = join(import.meta.dirname, 'traffic.txt');
const SERVER = { host: '10.0.0.1', port: 5683 };
const CLIENT = { host: '10.0.0.2', port: 40_000 };
const NO_BYTES = new Uint8Array(0);

interface Operation {
  readonly name: string;
  readonly request: OutgoingRequest;
  readonly responseBytes: number;
  /** ms the application takes to answer. */
  readonly delay?: number;
  readonly notifications?: { readonly count: number; readonly confirmable: boolean; readonly bytes: number };
  readonly cancel?: 'active' | 'passive';
  readonly parameters?: Partial<CoapParameters>;
  readonly code?: typeof Codes.content;
}

const path = buildOptions({ uriPath: ['3303', '0', '5700'] });
const get: OutgoingRequest = { code: Codes.get, options: path, payload: NO_BYTES };
const observe: OutgoingRequest = { ...get, observe: true };
const body = (bytes: number): Uint8Array => new Uint8Array(bytes);
const small = { blockBytes: 64 };

const OPERATIONS: readonly Operation[] = [
  { name: 'GET, small', request: get, responseBytes: 4 },
  { name: 'GET, small, Non-confirmable', request: { ...get, confirmable: false }, responseBytes: 4 },
  { name: 'GET, small, separate response', request: get, responseBytes: 4, delay: 3_000 },
  { name: 'GET, 1 KiB', request: get, responseBytes: 1_024 },
  { name: 'GET, 4 KiB', request: get, responseBytes: 4_096 },
  { name: 'GET, 64 KiB', request: get, responseBytes: 65_536 },
  { name: 'GET, 1 KiB in 64-byte blocks', request: get, responseBytes: 1_024, parameters: small },
  { name: 'PUT, small', request: { ...get, code: Codes.put, payload: body(4) }, responseBytes: 0, code: Codes.changed },
  {
    name: 'PUT, 4 KiB',
    request: { ...get, code: Codes.put, payload: body(4_096) },
    responseBytes: 0,
    code: Codes.changed,
  },
  {
    name: 'PUT, 64 KiB',
    request: { ...get, code: Codes.put, payload: body(65_536) },
    responseBytes: 0,
    code: Codes.changed,
  },
  { name: 'POST, 4 KiB each way', request: { ...get, code: Codes.post, payload: body(4_096) }, responseBytes: 4_096 },
  { name: 'FETCH, 200 bytes each way', request: { ...get, code: Codes.fetch, payload: body(200) }, responseBytes: 200 },
  {
    name: 'observe, 10 notifications, passive cancel',
    request: observe,
    responseBytes: 4,
    notifications: { count: 10, confirmable: false, bytes: 4 },
    cancel: 'passive',
  },
  {
    name: 'observe, 10 Confirmable notifications, active cancel',
    request: observe,
    responseBytes: 4,
    notifications: { count: 10, confirmable: true, bytes: 4 },
    cancel: 'active',
  },
  {
    name: 'observe, 10 notifications of 2 KiB, active cancel',
    request: observe,
    responseBytes: 2_048,
    notifications: { count: 10, confirmable: false, bytes: 2_048 },
    cancel: 'active',
  },
];

function measure(operation: Operation): string {
  const { request, responseBytes, delay = 0, notifications, cancel, parameters = {}, code = Codes.content } = operation;
  const network = new SimulatedNetwork({ delay: [20, 20] });
  const server = network.driver(SERVER, parameters);
  const client = network.driver(CLIENT, parameters);
  const schedule = new Schedule(server);
  let relation: ObserveRelation | undefined;
  server.onEvent = (event) => {
    if (event.kind !== 'request') return;
    const answer = (): void => {
      const response = { code, options: [], payload: body(responseBytes), observe: true };
      relation ??= server.turn((now, out) => server.endpoint.respond(now, event.request, response, out));
    };
    if (event.request.observe === 'deregister') relation = undefined;
    if (delay === 0) answer();
    else schedule.after(delay, answer);
  };
  const kinds: string[] = [];
  client.onEvent = (event) => kinds.push(event.kind);
  const ask = (asked: OutgoingRequest): Exchange =>
    client.turn((now, out) => client.endpoint.request(now, client.peer(SERVER), asked, out));
  const exchange = ask(request);
  network.runSynchronously(60_000);
  if (notifications !== undefined) {
    for (let count = 0; count < notifications.count; count++) notify(server, relation!, notifications, count);
    for (let count = 0; count < notifications.count; count++) network.runSynchronously(10_000);
    assert.equal(kinds.filter((kind) => kind === 'notification').length, notifications.count);
    if (cancel === 'active') ask({ ...get, cancelObservation: exchange });
    else client.turn((now, out) => client.endpoint.cancel(now, exchange, out));
    network.runSynchronously(10_000);
    // A passive cancellation is told with the Reset of the next notification.
    if (cancel === 'passive') notify(server, relation!, notifications, 0);
  }
  network.runUntilIdleSynchronously();
  assert.ok(kinds.includes('response'), operation.name);
  const { datagrams, bytes } = network.traffic;
  return `${operation.name.padEnd(56)}${String(datagrams).padStart(6)}${String(bytes).padStart(8)}`;
}

function notify(
  server: SimulatedDriver,
  relation: ObserveRelation,
  { confirmable, bytes }: NonNullable<Operation['notifications']>,
  after: number,
): void {
  const schedule = new Schedule(server);
  schedule.after(after * 10_000, (now, out) => {
    const payload = body(bytes).fill(after);
    server.endpoint.notify(now, relation, { code: Codes.content, options: [], payload }, out, confirmable || undefined);
  });
}

it('each operation takes the datagrams and bytes of the table in traffic.txt', () => {
  const header = `${'operation'.padEnd(56)}${'msgs'.padStart(6)}${'bytes'.padStart(8)}`;
  const table = `${[header, ...OPERATIONS.map(measure)].join('\n')}\n`;
  if (process.env['LAPWING_UPDATE_SNAPSHOTS'] === '1') writeFileSync(TABLE, table);
  assert.equal(table, readFileSync(TABLE, 'utf8'));
});
