/**
 * A hundred thousand hostile datagrams against one endpoint in both roles: random bytes, mutated messages of real
 * exchanges, and messages made from the option table. Nothing throws, every bound holds, a good request is still
 * answered, and in the end nothing is held.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  buildOptions,
  CoapEndpoint,
  Codes,
  encodeMessage,
  messageId,
  MessageType,
  OPTIONS,
  Peer,
  type CoapEvent,
  type Code,
  type Exchange,
  type IncomingRequest,
  type ObserveRelation,
  type Option,
} from '@lapwing/coap';
import { SeededRandom } from '@lapwing/testkit';

const DATAGRAMS = 120_000;
const PEERS = 24;
const MAX_TOTAL_BODY_BYTES = 256 * 1024;
const MAX_RELATIONS_PER_PEER = 8;
const MAX_TRANSFERS_PER_PEER = 4;
const RECENT_MESSAGE_BYTES = 256 * 1024;
const NO_BYTES = new Uint8Array(0);

/** The endpoint, and an application that answers in every way there is. */
class Target {
  readonly endpoint: CoapEndpoint;
  readonly peers = Array.from({ length: PEERS }, () => new Peer('nowhere'));
  /** The datagrams sent lately. */
  readonly sent: { readonly peer: Peer; readonly datagram: Uint8Array }[] = [];
  /** Of those, the requests. */
  readonly requests: { readonly peer: Peer; readonly datagram: Uint8Array }[] = [];
  /** Events by kind. */
  readonly reached: Partial<Record<CoapEvent['kind'], number>> = {};
  now = 0;
  readonly #random: SeededRandom;
  readonly #events: CoapEvent[] = [];
  readonly #late: IncomingRequest[] = [];
  readonly #answered = new WeakSet<IncomingRequest>();
  #relations: ObserveRelation[] = [];
  #exchanges: Exchange[] = [];

  constructor(random: SeededRandom) {
    this.#random = random;
    this.endpoint = new CoapEndpoint({
      random: random.uint32,
      parameters: {
        maxTotalBodyBytes: MAX_TOTAL_BODY_BYTES,
        maxBodyBytes: 64 * 1024,
        maxRelationsPerPeer: MAX_RELATIONS_PER_PEER,
        maxTransfersPerPeer: MAX_TRANSFERS_PER_PEER,
        maxQueuedPerPeer: 8,
        recentMessageBytes: RECENT_MESSAGE_BYTES,
        blockBytes: 64,
        streamedRequest: (code) => code === Codes.put,
        trace: true,
      },
    });
  }

  transmit(peer: Peer, datagram: Uint8Array): void {
    this.sent.push({ peer, datagram });
    const code = datagram[1]!;
    if (code !== 0 && code >> 5 === 0) this.requests.push({ peer, datagram });
    if (this.requests.length > 8) this.requests.shift();
    if (this.sent.length > 64) this.sent.shift();
  }

  emit(event: CoapEvent): void {
    this.#events.push(event);
  }

  receive(peer: Peer, datagram: Uint8Array): void {
    this.endpoint.handleDatagram(this.now, peer, datagram, this);
    this.#runEvents();
  }

  pass(duration: number): void {
    this.now += duration;
    this.endpoint.handleTimeout(this.now, this);
    this.#runEvents();
  }

  /** What an application does of its own accord. */
  act(): void {
    const random = this.#random;
    switch (random.integer(6)) {
      case 0: {
        const request = this.#late.shift();
        if (request !== undefined) this.#answer(request);
        break;
      }
      case 1: {
        const relation = this.#relations[random.integer(this.#relations.length)];
        const response = {
          code: random.chance(0.05) ? Codes.notFound : Codes.content,
          options: [],
          payload: this.#body(),
        };
        if (relation !== undefined) {
          this.endpoint.notify(this.now, relation, response, this, random.chance(0.5) ? true : undefined);
        }
        break;
      }
      case 2:
      case 3:
        if (this.#exchanges.length < 40) this.#request(random.pick(this.peers));
        break;
      case 4: {
        const exchange = this.#exchanges[random.integer(this.#exchanges.length)];
        if (exchange !== undefined && random.chance(0.2)) this.endpoint.cancel(this.now, exchange, this);
        break;
      }
      case 5:
        if (random.chance(0.002)) this.endpoint.forgetPeer(this.now, random.pick(this.peers), this);
    }
    this.#runEvents();
  }

  /** Answer everything and give up everything of this side. */
  settle(): void {
    while (this.#late.length > 0) this.#answer(this.#late.shift()!);
    for (const exchange of [...this.#exchanges]) this.endpoint.cancel(this.now, exchange, this);
    this.#runEvents();
  }

  #request(peer: Peer): void {
    const random = this.#random;
    if (random.chance(0.1)) return void this.#exchanges.push(this.endpoint.ping(this.now, peer, this));
    const isStream = random.chance(0.2);
    const exchange = (() => {
      try {
        return this.endpoint.request(
          this.now,
          peer,
          {
            code: random.pick([Codes.get, Codes.post, Codes.fetch]),
            options: buildOptions({ uriPath: ['a'] }),
            payload: isStream ? { kind: 'stream' } : this.#body(),
            confirmable: random.chance(0.8),
            observe: !isStream && random.chance(0.4),
            ...(isStream ? { responseBody: 'stream' as const } : {}),
            ...(random.chance(0.5) ? { timeout: random.integer(100_000) } : {}),
          },
          this,
        );
      } catch (error) {
        // The only thing that may go wrong: so many wait for this peer already.
        assert.match(String(error), /waiting already/);
        return undefined;
      }
    })();
    if (exchange !== undefined) this.#exchanges.push(exchange);
  }

  #body(): Uint8Array {
    return this.#random.bytes(this.#random.chance(0.7) ? this.#random.integer(32) : this.#random.integer(400));
  }

  #answer(request: IncomingRequest): void {
    this.#answered.add(request);
    const random = this.#random;
    const payload =
      random.chance(0.1) && request.observe !== 'register' ? { kind: 'stream' as const, size: 300 } : this.#body();
    const code = random.pick([Codes.content, Codes.changed, Codes.created, Codes.notFound]);
    const response = { code, options: [], payload, observe: random.chance(0.8) };
    const relation = this.endpoint.respond(this.now, request, response, this);
    if (relation !== undefined) this.#relations.push(relation);
  }

  #runEvents(): void {
    const random = this.#random;
    for (let index = 0; index < this.#events.length; index++) {
      const event = this.#events[index]!;
      this.reached[event.kind] = (this.reached[event.kind] ?? 0) + 1;
      switch (event.kind) {
        case 'request':
          if (event.request.streamed && random.chance(0.8)) break;
          if (random.chance(0.7)) this.#answer(event.request);
          else this.#late.push(event.request);
          break;
        case 'requestBlock':
          if (event.more && random.chance(0.9)) this.endpoint.continueBody(this.now, event.request, this);
          else if (!this.#late.includes(event.request) && !this.#answered.has(event.request))
            this.#late.push(event.request);
          break;
        case 'requestAbandoned': {
          const at = this.#late.indexOf(event.request);
          if (at >= 0) this.#late.splice(at, 1);
          break;
        }
        case 'bodyWanted': {
          const last = random.chance(0.3);
          this.endpoint.provideBody(
            this.now,
            event.of,
            random.bytes(last ? random.integer(event.length) : event.length),
            last,
            this,
          );
          break;
        }
        case 'responseBlock':
          if (event.more) this.endpoint.continueBody(this.now, event.exchange, this);
          break;
        case 'response':
          if (!event.observing) this.#forget(event.exchange);
          break;
        case 'failed':
        case 'observationEnded':
          this.#forget(event.exchange);
          break;
        case 'relationEnded':
          this.#relations = this.#relations.filter((relation) => relation !== event.relation);
          break;
        case 'notification':
        case 'requestProgress':
        case 'trace':
      }
    }
    this.#events.length = 0;
  }

  #forget(exchange: Exchange): void {
    assert.equal(exchange.state, 'done');
    const before = this.#exchanges.length;
    this.#exchanges = this.#exchanges.filter((each) => each !== exchange);
    assert.ok(this.#exchanges.length < before || before === 0 || !this.#exchanges.includes(exchange));
  }
}

const OPTION_NUMBERS = Object.values(OPTIONS).map(({ number }) => number);
const INTERESTING = [OPTIONS.observe, OPTIONS.size1, OPTIONS.etag, OPTIONS.echo, OPTIONS.noResponse];

/** A well-formed message: half of them answer a request of this endpoint, and come from the peer it went to. */
function structured(random: SeededRandom, { peers, requests }: Target): { peer: Peer; datagram: Uint8Array } {
  const answered = random.chance(0.6) ? requests[random.integer(requests.length)] : undefined;
  const ours = answered?.datagram;
  const options: Option[] = [];
  if (ours === undefined && random.chance(0.8))
    options.push({ number: OPTIONS.uriPath.number, value: Uint8Array.of(97) });
  const blockNumber = random.pick([0, 0, 0, 1, 2]);
  if (ours !== undefined && random.chance(0.5)) {
    options.push({ number: OPTIONS.observe.number, value: random.bytes(2) });
  }
  for (const { number } of ours === undefined ? [OPTIONS.block1, OPTIONS.block2] : [OPTIONS.block2]) {
    // Mostly 64-byte blocks, in whatever order.
    const value = (blockNumber << 4) | (random.chance(0.6) ? 8 : 0) | (random.chance(0.9) ? 2 : random.integer(8));
    if (random.chance(0.35)) options.push({ number, value: Uint8Array.of(value) });
  }
  for (let count = random.integer(ours === undefined ? 3 : 2); count > 0; count--) {
    const number = random.chance(0.9)
      ? random.pick(INTERESTING).number
      : random.chance(0.5)
        ? random.pick(OPTION_NUMBERS)
        : random.integer(65_536);
    if (number !== OPTIONS.block1.number && number !== OPTIONS.block2.number) {
      options.push({ number, value: random.bytes(random.pick([0, 1, 1, 1, 2, 3, 4, 9])) });
    }
  }
  options.sort((a, b) => a.number - b.number);
  const classes = ours === undefined ? [0, 0, 0, 0, 2, 7] : [2, 2, 2, 2, 2, 2, 2, 4, 5, 0];
  const details = ours === undefined ? [1, 2, 3, 3, 5] : [1, 4, 5, 5, 5, 5, 31, 8, 13];
  const { acknowledgement, confirmable, nonConfirmable, reset } = MessageType;
  const types =
    ours === undefined
      ? [confirmable, nonConfirmable, reset]
      : [acknowledgement, acknowledgement, confirmable, nonConfirmable];
  const type = random.pick(types);
  const hasTheirId = ours !== undefined && type === acknowledgement && random.chance(0.9);
  const datagram = encodeMessage({
    type,
    code: ((random.pick(classes) << 5) | random.pick(details)) as Code,
    messageId: messageId(hasTheirId ? (ours[2]! << 8) | ours[3]! : random.integer(1_000)),
    token:
      ours !== undefined && random.chance(0.9)
        ? ours.subarray(4, 4 + (ours[0]! & 15))
        : random.bytes(random.integer(2)),
    options,
    payload: random.chance(0.7) ? random.bytes(random.pick([1, 16, 64, 64, 64, 64, 64, 1024])) : NO_BYTES,
  });
  return { peer: answered?.peer ?? random.pick(peers.slice(0, 6)), datagram };
}

function mutated(random: SeededRandom, { peers, sent }: Target): { peer: Peer; datagram: Uint8Array } {
  const bytes = (sent[random.integer(sent.length)]?.datagram ?? random.bytes(20)).slice();
  for (let count = random.integer(4); count > 0 && bytes.length > 0; count--) {
    bytes[random.integer(bytes.length)] = random.uint32();
  }
  const datagram = random.chance(0.2) ? bytes.subarray(0, random.integer(bytes.length + 1)) : bytes;
  return { peer: random.pick(peers), datagram };
}

const EVERY_EVENT: readonly CoapEvent['kind'][] = [
  'request',
  'requestBlock',
  'requestAbandoned',
  'response',
  'responseBlock',
  'notification',
  'failed',
  'observationEnded',
  'bodyWanted',
  'relationEnded',
  'trace',
];

for (const seed of [1, 2]) {
  it(`survives ${DATAGRAMS / 2} hostile datagrams, keeps its bounds, answers a good request and holds nothing (seed ${seed})`, () => {
    const random = new SeededRandom(seed);
    const target = new Target(random);
    const { endpoint, peers, reached } = target;
    for (let count = 0; count < DATAGRAMS / 2; count++) {
      const how = random.integer(10);
      const { peer, datagram } =
        how === 0
          ? { peer: random.pick(peers), datagram: random.bytes(random.integer(40)) }
          : how < 3
            ? mutated(random, target)
            : structured(random, target);
      target.receive(peer, datagram);
      if (random.chance(0.3)) target.act();
      if (random.chance(0.05)) target.pass(random.chance(0.02) ? 400_000 : random.integer(3_000));
      if (count % 1_000 === 0) {
        const { relations, bodyBytes, bodies, recentMessageBytes } = endpoint.usage;
        assert.ok(relations <= PEERS * MAX_RELATIONS_PER_PEER, `seed ${seed}: ${relations} relations`);
        assert.ok(bodies <= PEERS * MAX_TRANSFERS_PER_PEER, `seed ${seed}: ${bodies} bodies`);
        assert.ok(bodyBytes <= MAX_TOTAL_BODY_BYTES && bodyBytes >= 0, `seed ${seed}: ${bodyBytes} bytes of bodies`);
        assert.ok(recentMessageBytes <= RECENT_MESSAGE_BYTES * 1.25, `seed ${seed}: ${recentMessageBytes} bytes`);
      }
    }
    // It got everywhere: a run that is refused at the door would prove little.
    const { counters } = endpoint;
    for (const name of [
      'duplicates',
      'badOptions',
      'abandonedBodies',
      'unmatchedResponses',
      'resetsReceived',
      'timeouts',
    ] as const) {
      assert.ok(counters[name] > 100, `seed ${seed}: only ${counters[name]} ${name}`);
    }
    assert.ok(Object.keys(counters.malformed).length >= 10, `seed ${seed}: ${JSON.stringify(counters.malformed)}`);

    for (const kind of EVERY_EVENT)
      assert.ok((reached[kind] ?? 0) >= 20, `seed ${seed}: ${kind} ${reached[kind] ?? 0} times`);

    target.pass(1_000_000);
    const friend = new Peer('friend');
    const sent: Uint8Array[] = [];
    let asked: IncomingRequest | undefined;
    const out = {
      transmit: (_: Peer, datagram: Uint8Array): number => sent.push(datagram),
      emit: (event: CoapEvent): void => {
        if (event.kind === 'request') asked = event.request;
      },
    };
    endpoint.handleDatagram(target.now, friend, Uint8Array.of(0x41, 1, 0x12, 0x34, 0x77, 0xb1, 97), out);
    endpoint.respond(target.now, asked!, { code: Codes.content, options: [], payload: Uint8Array.of(33) }, out);
    assert.deepEqual(sent, [Uint8Array.of(0x61, 0x45, 0x12, 0x34, 0x77, 0xff, 33)], `seed ${seed}`);

    target.settle();
    for (const peer of peers) endpoint.forgetPeer(target.now, peer, target);
    target.pass(247_000);
    const { recentMessageBytes: _, ...held } = endpoint.usage;
    assert.deepEqual(
      held,
      { deadlines: 0, tokens: 0, relations: 0, unansweredRequests: 0, bodies: 0, bodyBytes: 0, recentMessages: 0 },
      `seed ${seed}: left over`,
    );
    for (const peer of peers) assert.equal(endpoint.isIdle(peer), true, `seed ${seed}`);
  });
}
