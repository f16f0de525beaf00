import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { OperationFailed } from '@lapwing/coap';
import { parsePath } from '@lapwing/lwm2m';
import type { LwM2mServer } from '@lapwing/server';
import { EventLog } from '../event-log.ts';
import { RefusalLog } from '../security/refusal-log.ts';
import { logMalformedNotifications, logRefusedHandshakes, logServerEvents } from './event-json.ts';

function eventsOf(log: EventLog): Record<string, unknown>[] {
  const events: Record<string, unknown>[] = [];
  for (let event = log.next(0); event !== undefined; event = log.next(event.id)) {
    events.push(JSON.parse(event.data) as Record<string, unknown>);
  }
  return events;
}

describe('refused handshakes', () => {
  it('are all counted, and no more than the rate allows are events, so that strangers do not push out the others', () => {
    const server = new EventEmitter();
    const [log, refusals] = [new EventLog(), new RefusalLog()];
    let now = 0;
    logRefusedHandshakes(server as LwM2mServer, refusals, log, () => now);
    const refuse = (port: number): unknown =>
      server.emit('handshakeRefused', {
        address: { host: '192.0.2.1', port },
        refusal: {
          reason: 'wrong-key',
          text: 'the key is wrong',
          claimedIdentity: `lamp ${port}`,
          alert: 'decrypt_error',
        },
      });
    for (let port = 1; port <= 100; port++) refuse(port);
    assert.deepEqual([refusals.total, eventsOf(log).length], [100, 20]);
    now += 1000;
    for (let port = 1; port <= 100; port++) refuse(port);
    const events = eventsOf(log);
    assert.deepEqual([refusals.total, events.length], [200, 25]);
    const { type, refusal, total, device } = events.at(-1) ?? {};
    assert.deepEqual([type, total, device], ['handshake-refused', 105, undefined]);
    const { firstAt, lastAt, ...row } = refusal as Record<string, unknown>;
    assert.ok(Date.parse(String(firstAt)) <= Date.parse(String(lastAt)));
    assert.deepEqual(row, {
      address: '192.0.2.1:5',
      reason: 'wrong-key',
      text: 'The key is wrong.',
      alert: 'decrypt_error',
      claimedIdentity: 'lamp 5',
      count: 2,
    });
  });
});

describe('an address that a Connection ID let change', () => {
  it('is an event with both addresses', () => {
    const server = new EventEmitter();
    const log = new EventLog();
    logServerEvents(server as LwM2mServer, log);
    const registration = { endpointClientName: 'lamp', address: { host: '2001:db8::2', port: 7 } };
    server.emit('addressChanged', registration, { host: '192.0.2.1', port: 5 });
    const [{ time: _, ...event } = {}] = eventsOf(log);
    assert.deepEqual(event, {
      type: 'address-changed',
      device: 'lamp',
      address: '[2001:db8::2]:7',
      from: '192.0.2.1:5',
    });
  });
});

describe('operations that were kept over a planned stop', () => {
  it('are events with what the call would have been answered, those too that were over before anybody listened', () => {
    const server = new EventEmitter();
    const log = new EventLog();
    const registration = { endpointClientName: 'lamp' };
    const about = (operation: string, path: string): object => ({
      operationId: '7',
      operation,
      paths: [parsePath(path)],
      createdAt: 0,
    });
    const failed = (code: string): object => ({
      kind: 'failed',
      error: new OperationFailed(code, 'it was not awake in time', { retryable: true }),
    });
    const answered = (answer: object): object => ({ kind: 'answered', answer });
    const accepted = (code: number, value: object): object => answered({ ok: true, code, value });
    const ended = [[registration, about('write', '/3/0/15'), failed('TIMEOUT')]];
    Object.assign(server, { resumption: { kind: 'resumed', ended } });
    logServerEvents(server as LwM2mServer, log);
    const content = {
      contentFormat: 112,
      entries: [{ kind: 'value', path: parsePath('/3/0/9'), value: { type: 'integer', value: 87 } }],
    };
    const nodes = [{ path: parsePath('/3'), version: '1.1', dimension: undefined, attributes: { pmin: '5' } }];
    for (const [operation, path, outcome] of [
      ['read', '/3/0/9', accepted(69, { content })],
      ['discover', '/3', accepted(69, { nodes })],
      ['create', '/3303', accepted(65, { created: parsePath('/3303/4') })],
      ['delete', '/3303/4', answered({ ok: false, code: 132, reason: '4.04 Not Found' })],
      ['execute', '/3/0/4', accepted(68, {})],
    ] as const)
      server.emit('operationCompleted', registration, about(operation, path), outcome);
    const seen = eventsOf(log).map(({ time: _, type, device, operationId, createdAt, ...rest }) => {
      assert.deepEqual(
        [type, device, operationId, createdAt],
        ['operation-completed', 'lamp', '7', '1970-01-01T00:00:00.000Z'],
      );
      return rest;
    });
    assert.deepEqual(seen, [
      {
        operation: 'write',
        paths: ['/3/0/15'],
        problem: {
          type: 'urn:lapwing:problem:device-timeout',
          title: 'The device did not answer in time',
          status: 504,
          detail: 'It was not awake in time.',
        },
      },
      {
        operation: 'read',
        paths: ['/3/0/9'],
        code: '2.05',
        contentFormat: 112,
        entries: [{ path: '/3/0/9', type: 'integer', value: 87 }],
      },
      {
        operation: 'discover',
        paths: ['/3'],
        code: '2.05',
        items: [{ path: '/3', version: '1.1', attributes: { pmin: '5' } }],
      },
      { operation: 'create', paths: ['/3303'], code: '2.01', path: '/3303/4' },
      {
        operation: 'delete',
        paths: ['/3303/4'],
        problem: {
          type: 'urn:lapwing:problem:device-refused',
          title: 'The device refused',
          status: 404,
          detail: 'The device answered 4.04 Not Found.',
          coapCode: '4.04',
        },
      },
      { operation: 'execute', paths: ['/3/0/4'], code: '2.04' },
    ]);
  });
});

describe('notifications that cannot be read', () => {
  it('are all counted, and no more than the rate allows are events, so that one device does not push out the others', () => {
    const server = new EventEmitter();
    const log = new EventLog();
    let now = 0;
    logMalformedNotifications(server as LwM2mServer, log, () => now);
    const observation = { endpointClientName: 'lamp', path: parsePath('/3303/0/5700'), paths: undefined };
    const notify = (): unknown => server.emit('malformedNotification', observation, 'the CBOR ends early');
    for (let i = 0; i < 100; i++) notify();
    assert.equal(eventsOf(log).length, 20);
    now += 1000;
    for (let i = 0; i < 100; i++) notify();
    const events = eventsOf(log);
    assert.equal(events.length, 25);
    const { time: _, ...event } = events.at(-1) ?? {};
    assert.deepEqual(event, {
      type: 'malformed-notification',
      device: 'lamp',
      path: '/3303/0/5700',
      reason: 'the CBOR ends early',
      total: 105,
    });
  });

  it('of an Observe-Composite name its paths', () => {
    const server = new EventEmitter();
    const log = new EventLog();
    logMalformedNotifications(server as LwM2mServer, log);
    const paths = [parsePath('/3/0/9'), parsePath('/1')];
    server.emit('malformedNotification', { endpointClientName: 'lamp', path: parsePath('/'), paths }, 'why');
    const [event] = eventsOf(log);
    assert.deepEqual([event?.path, event?.paths], ['/', ['/3/0/9', '/1']]);
  });
});

describe('a device in queue mode', () => {
  it('is an event when it wakes, when it sleeps, and when what waits for it changes', () => {
    const server = new EventEmitter();
    const log = new EventLog();
    logServerEvents(server as LwM2mServer, log);
    for (const name of ['awake', 'pendingChanged', 'asleep']) server.emit(name, { endpointClientName: 'meter' });
    assert.deepEqual(
      eventsOf(log).map(({ type, device }) => [type, device]),
      [
        ['awake', 'meter'],
        ['pending-changed', 'meter'],
        ['asleep', 'meter'],
      ],
    );
  });
});
