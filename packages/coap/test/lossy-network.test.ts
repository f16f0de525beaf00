/**
 * The whole endpoint over a simulated network: loss, duplication, reordering, virtual time.
 *
 * Safety alone would pass if nothing worked, so every row also says how much must get through; and when all is over,
 * nothing may be left.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  buildOptions,
  Codes,
  MessageType,
  type CoapParameters,
  type Exchange,
  type IncomingRequest,
  type ObserveRelation,
  type OutgoingRequest,
} from '@lapwing/coap';
import { Schedule, SeededRandom, SimulatedNetwork, type SimulatedDriver } from '@lapwing/testkit';

const SERVER = { host: '10.0.0.1', port: 5683 };
const NO_BYTES = new Uint8Array(0);
const EXCHANGE_LIFETIME = 247_000;

const clientAddress = (index: number): { host: string; port: number } => ({
  host: `10.1.${index >> 8}.${index & 255}`,
  port: 40_000,
});

/** Nothing is outstanding, and once EXCHANGE_LIFETIME has passed nothing is remembered. */
function assertNothingLeft(driver: SimulatedDriver, now: number, why: string): void {
  driver.turn((_, out) => driver.endpoint.handleTimeout(now + EXCHANGE_LIFETIME, out));
  const { recentMessageBytes, ...held } = driver.endpoint.usage;
  assert.ok(recentMessageBytes <= 16 * 65_536, `${why}: the hash table is all that remains`);
  assert.deepEqual(
    held,
    { deadlines: 0, tokens: 0, relations: 0, unansweredRequests: 0, bodies: 0, bodyBytes: 0, recentMessages: 0 },
    `${why}: left over at ${driver.localAddress.host}`,
  );
  assert.equal(driver.endpoint.nextDeadline(), Infinity, why);
}

function read(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}
function numbered(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

describe('10,000 requests over a lossy network (RFC 7252 §4)', () => {
  const CLIENTS = 100;
  const PER_CLIENT = 100;
  // Of the Confirmable ones. A try needs both directions, there are five tries, and a separate response has five more.
  const ROWS = [
    { loss: 0, answeredAtLeast: 1 },
    { loss: 0.1, answeredAtLeast: 0.995 },
    { loss: 0.3, answeredAtLeast: 0.96 },
    { loss: 0.6, answeredAtLeast: 0.62 },
    { loss: 1, answeredAtLeast: 0 },
  ];
  for (const [row, { loss, answeredAtLeast }] of ROWS.entries()) {
    it(`each ends once and is handled at most once, and ${answeredAtLeast * 100}% are answered, at ${loss * 100}% loss`, () => {
      const seed = 1000 + row;
      const why = `seed ${seed}`;
      const network = new SimulatedNetwork({ seed, loss, duplication: 0.1, delay: [5, 3_000] });
      const server = network.driver(SERVER);
      const schedule = new Schedule(server);
      const handled = new Uint8Array(CLIENTS * PER_CLIENT);
      const answer = (now: number, request: IncomingRequest, id: number): void => {
        server.turn((_, out) => {
          server.endpoint.respond(now, request, { code: Codes.changed, options: [], payload: numbered(id) }, out);
        });
      };
      server.onEvent = (event, now) => {
        if (event.kind !== 'request') return;
        const { request } = event;
        const id = read(request.payload);
        handled[id]!++;
        // Piggybacked, just before and well after the empty Acknowledgement.
        const delay = [0, 0, 400, 2_000][id % 4]!;
        if (delay === 0) answer(now, request, id);
        else schedule.after(delay, (later) => answer(later, request, id));
      };
      const ends = new Uint8Array(CLIENTS * PER_CLIENT);
      let answered = 0;
      let confirmable = 0;
      const clients = Array.from({ length: CLIENTS }, (_, index) => network.driver(clientAddress(index)));
      for (const [index, client] of clients.entries()) {
        client.onEvent = (event) => {
          if (event.kind !== 'response' && event.kind !== 'failed') return assert.fail(`${why}: ${event.kind}`);
          const id = event.exchange.context as number;
          ends[id]!++;
          if (event.kind === 'failed') return assert.equal(event.reason, 'timeout', why);
          assert.equal(read(event.response.payload), id, `${why}: the response to another request`);
          if (event.exchange.request.confirmable !== false) answered++;
        };
        for (let n = 0; n < PER_CLIENT; n++) {
          const id = index * PER_CLIENT + n;
          const isConfirmable = id % 10 !== 9;
          if (isConfirmable) confirmable++;
          const request: OutgoingRequest = {
            code: Codes.post,
            options: [],
            payload: numbered(id),
            confirmable: isConfirmable,
            context: id,
          };
          client.turn((now, out) => client.endpoint.request(now, client.peer(SERVER), request, out));
        }
      }
      network.runUntilIdleSynchronously();

      assert.ok(
        handled.every((times) => times <= 1),
        `${why}: a request was handled twice`,
      );
      assert.ok(
        ends.every((times) => times === 1),
        `${why}: a request did not end exactly once`,
      );
      const share = answered / confirmable;
      assert.ok(share >= answeredAtLeast, `${why}: only ${(share * 100).toFixed(2)}% answered`);
      if (loss > 0 && loss < 1) assert.ok(share < 1 || loss < 0.3, `${why}: the network lost nothing that mattered`);
      for (const driver of [server, ...clients]) assertNothingLeft(driver, network.now(), why);
    });
  }
});

describe('100 bodies each way over a lossy network (RFC 7959)', () => {
  const BODIES = 100;
  // Every block must get through, one after the other, and one lost five times is the end: at much loss only small
  // bodies have a chance.
  const ROWS = [
    { loss: 0, kibibytes: 64, completeAtLeast: 1 },
    { loss: 0.1, kibibytes: 64, completeAtLeast: 0.9 },
    { loss: 0.3, kibibytes: 64, completeAtLeast: 0 },
    { loss: 0.6, kibibytes: 64, completeAtLeast: 0 },
    { loss: 0.3, kibibytes: 8, completeAtLeast: 0.4 },
    { loss: 0.6, kibibytes: 2, completeAtLeast: 0.04 },
  ];
  for (const [row, { loss, kibibytes, completeAtLeast }] of ROWS.entries()) {
    it(`arrive whole or not at all, once, and ${completeAtLeast * 100}% of ${kibibytes} KiB arrive, at ${loss * 100}% loss`, () => {
      const seed = 2000 + row;
      const why = `seed ${seed}`;
      const network = new SimulatedNetwork({ seed, loss, duplication: 0.1, delay: [5, 1_500] });
      const random = new SeededRandom(seed);
      const uploads = Array.from({ length: BODIES }, () => random.bytes(kibibytes * 1024));
      const downloads = Array.from({ length: BODIES }, () => random.bytes(kibibytes * 1024));
      const server = network.driver(SERVER);
      const handled = new Uint8Array(BODIES);
      server.onEvent = (event, now) => {
        if (event.kind !== 'request') return;
        const { request } = event;
        const id = Number(new TextDecoder().decode(request.options.find(({ number }) => number === 11)?.value));
        handled[id]!++;
        assert.ok(Buffer.from(request.payload).equals(uploads[id]!), `${why}: body ${id} arrived changed`);
        const payload = downloads[id]!;
        server.turn((_, out) => {
          server.endpoint.respond(now, request, { code: Codes.content, options: [], payload }, out);
        });
      };
      let complete = 0;
      let ended = 0;
      const parameters: Partial<CoapParameters>[] = [{}, { blockBytes: 512 }];
      const clients = Array.from({ length: 10 }, (_, index) =>
        network.driver(clientAddress(index), parameters[index % 2]),
      );
      for (const [index, client] of clients.entries()) {
        client.onEvent = (event) => {
          ended++;
          if (event.kind === 'failed') {
            // Past its lifetime the peer no longer has what came before, and says so.
            assert.ok(['timeout', 'bad-response'].includes(event.reason), `${why}: ${event.reason}`);
            return;
          }
          if (event.kind !== 'response') return assert.fail(`${why}: ${event.kind}`);
          const id = event.exchange.context as number;
          if (event.response.code !== Codes.content)
            return assert.equal(event.response.code, Codes.requestEntityIncomplete);
          assert.ok(
            Buffer.from(event.response.payload).equals(downloads[id]!),
            `${why}: response ${id} arrived changed`,
          );
          complete++;
        };
        for (let n = 0; n < BODIES / clients.length; n++) {
          const id = index * (BODIES / clients.length) + n;
          const options = buildOptions({ uriPath: [String(id)] });
          const request: OutgoingRequest = { code: Codes.post, options, payload: uploads[id]!, context: id };
          client.turn((now, out) => client.endpoint.request(now, client.peer(SERVER), request, out));
        }
      }
      network.runUntilIdleSynchronously();

      assert.equal(ended, BODIES, why);
      assert.ok(
        handled.every((times) => times <= 1),
        `${why}: a body was delivered twice`,
      );
      assert.ok(complete >= completeAtLeast * BODIES, `${why}: only ${complete} of ${BODIES} complete`);
      for (const driver of [server, ...clients]) assertNothingLeft(driver, network.now(), why);
    });
  }
});

describe('bodies whose sender does not wait for 2.31 (RFC 7959 §2.5)', () => {
  it('are delivered only when every block came in its place, whatever the network does to their order', () => {
    const seed = 2500;
    const why = `seed ${seed}`;
    const network = new SimulatedNetwork({ seed, loss: 0.05, duplication: 0.1, delay: [5, 60] });
    const BODIES = 400;
    const BLOCKS = 4;
    const server = network.driver(SERVER);
    const delivered = new Set<string>();
    server.onEvent = (event, now) => {
      if (event.kind !== 'request') return;
      const { request } = event;
      const name = new TextDecoder().decode(request.options.find(({ number }) => number === 11)?.value);
      assert.ok(!delivered.has(name), `${why}: body ${name} twice`);
      delivered.add(name);
      const blocks = Array.from({ length: BLOCKS }, (_, num) => new Uint8Array(16).fill(num));
      assert.deepEqual(Buffer.from(request.payload), Buffer.concat(blocks), `${why}: body ${name} arrived changed`);
      const response = { code: Codes.changed, options: [], payload: NO_BYTES };
      server.turn((_, out) => server.endpoint.respond(now, request, response, out));
    };
    const sender = network.scriptedPeer(clientAddress(0));
    for (let body = 0; body < BODIES; body++) {
      for (let num = 0; num < BLOCKS; num++) {
        sender.send(SERVER, {
          type: MessageType.confirmable,
          code: Codes.put,
          messageId: body * BLOCKS + num,
          token: Uint8Array.of(num),
          options: buildOptions({ uriPath: [String(body)], block1: (num << 4) | (num < BLOCKS - 1 ? 8 : 0) }),
          payload: new Uint8Array(16).fill(num),
        });
        network.runSynchronously(20);
      }
      network.runSynchronously(500);
    }
    network.runUntilIdleSynchronously();
    assert.ok(delivered.size > BODIES * 0.1 && delivered.size < BODIES, `${why}: ${delivered.size} delivered`);
    assertNothingLeft(server, network.now(), why);
  });
});

describe('100 observations over six hours on a lossy network (RFC 7641)', () => {
  const OBSERVATIONS = 100;
  const HOURS = 6;
  const ROWS = [
    { loss: 0, notifiedAtLeast: 0.99, survivingAtLeast: 1 },
    { loss: 0.1, notifiedAtLeast: 0.85, survivingAtLeast: 0.95 },
    { loss: 0.3, notifiedAtLeast: 0.1, survivingAtLeast: 0 },
    { loss: 0.6, notifiedAtLeast: 0, survivingAtLeast: 0 },
  ];
  for (const [row, { loss, notifiedAtLeast, survivingAtLeast }] of ROWS.entries()) {
    it(`bring values in order, ${notifiedAtLeast * 100}% of them, and end on both sides, at ${loss * 100}% loss`, () => {
      const seed = 3000 + row;
      const why = `seed ${seed}`;
      const network = new SimulatedNetwork({ seed, loss, duplication: 0.1, delay: [5, 4_000] });
      const random = new SeededRandom(seed);

      // The observed side: one device per ten observations, a value every 20 to 40 s, each tenth Confirmable.
      const relations = new Set<ObserveRelation>();
      let notified = 0;
      const devices = Array.from({ length: OBSERVATIONS / 10 }, (_, index) => network.driver(clientAddress(index)));
      for (const device of devices) {
        const schedule = new Schedule(device);
        let value = 0;
        const notifyLater = (relation: ObserveRelation): void => {
          schedule.after(20_000 + random.integer(20_000), (now, out) => {
            if (relation.ended) return;
            const isConfirmable = ++value % 10 === 0;
            notified++;
            const response = { code: Codes.content, options: [], payload: numbered(value) };
            device.endpoint.notify(now, relation, response, out, isConfirmable ? true : undefined);
            notifyLater(relation);
          });
        };
        device.onEvent = (event, now) => {
          if (event.kind === 'relationEnded') {
            assert.ok(relations.delete(event.relation), `${why}: ended twice`);
          } else if (event.kind === 'request') {
            const { request } = event;
            const observe = request.observe === 'register';
            const response = { code: Codes.content, options: [], payload: numbered(++value), observe };
            const relation = device.turn((_, out) => device.endpoint.respond(now, request, response, out));
            if (relation === undefined) return;
            relations.add(relation);
            notifyLater(relation);
          }
        };
      }

      const server = network.driver(SERVER);
      const schedule = new Schedule(server);
      const latest = new Map<Exchange, number>();
      const observing = new Set<Exchange>();
      let started = 0;
      let arrived = 0;
      server.onEvent = (event, now) => {
        if (event.kind === 'response') {
          if (!event.observing) return;
          started++;
          observing.add(event.exchange);
          latest.set(event.exchange, read(event.response.payload));
        } else if (event.kind === 'notification') {
          const value = read(event.response.payload);
          assert.ok(observing.has(event.exchange), `${why}: a notification after the end`);
          assert.ok(value > latest.get(event.exchange)!, `${why}: ${value} at ${now} is not newer`);
          latest.set(event.exchange, value);
          arrived++;
        } else if (event.kind === 'observationEnded') {
          assert.ok(observing.delete(event.exchange), `${why}: ended twice`);
        }
      };
      for (let index = 0; index < OBSERVATIONS; index++) {
        const peer = server.peer(devices[index % devices.length]!.localAddress);
        const request = {
          code: Codes.get,
          options: buildOptions({ uriPath: [String(index)] }),
          payload: NO_BYTES,
          observe: true,
        };
        schedule.after(index * 1_000, (now, out) => server.endpoint.request(now, peer, request, out));
      }
      network.runSynchronously(HOURS * 3_600_000);

      assert.ok(relations.size >= survivingAtLeast * OBSERVATIONS, `${why}: ${relations.size} observations survived`);
      assert.ok(arrived >= notifiedAtLeast * notified, `${why}: ${arrived} of ${notified} notifications arrived`);
      assert.ok(arrived > 0 && started > 0, `${why}: nothing was observed`);

      // The end: half of them actively, half by the Reset that the next notification provokes.
      for (const [index, exchange] of [...observing].entries()) {
        server.turn((now, out) => {
          if (index % 2 === 0) return server.endpoint.cancel(now, exchange, out);
          const { code, options } = exchange.request;
          const request = { code, options, payload: NO_BYTES, cancelObservation: exchange };
          server.endpoint.request(now, exchange.peer, request, out);
        });
      }
      assert.equal(observing.size, 0, why);
      network.conditions = { loss: 0, duplication: 0.1, delay: [5, 4_000] };
      network.runUntilIdleSynchronously();
      assert.equal(relations.size, 0, `${why}: a device still notifies`);
      for (const driver of [server, ...devices]) assertNothingLeft(driver, network.now(), why);
    });
  }
});
