/**
 * One random walk: a scripted peer sends handshake messages in a random order to an endpoint, and after each the
 * endpoint is held against the specification model.
 *
 * A step the model has, with content that is right, must be taken, with the output the model has. Any other step may be
 * dropped or end the handshake, and must lead nowhere else. Records of epoch 1 that come before the ChangeCipherSpec are
 * kept by the endpoint, as a datagram may overtake another, and count after it.
 */
import assert from 'node:assert/strict';
import type { Association } from '../src/association.ts';
import { DtlsEndpoint } from '../src/endpoint.ts';
import type { ConnectOptions } from '../src/endpoint.ts';
import type { DtlsCrypto } from '../src/crypto.ts';
import type { ServerCredentials } from '../src/credentials.ts';
import type { DtlsEvent, DtlsOutbox, LookupAnswer, RemoteAddress } from '../src/events.ts';
import type { DtlsParameters } from '../src/parameters.ts';
import { ModelRun } from './handshake-model.ts';
import type { HandshakeModel } from './handshake-model.ts';
import type { ClientMessage, ScriptedClient } from './scripted-client.ts';
import type { Prepared, Sighting } from './scripted-exchange.ts';
import type { ScriptedServer, ServerMessage } from './scripted-server.ts';

export const ENDPOINT: RemoteAddress = { host: '192.0.2.1', port: 5684 };
export const PEER: RemoteAddress = { host: '198.51.100.7', port: 40_000 };

/** How a message is called in the model; undefined: the model does not have it. */
export type Labels = Readonly<Record<string, string>>;

export interface WalkOptions {
  readonly crypto: DtlsCrypto;
  readonly model: HandshakeModel;
  readonly labels: Labels;
  readonly parameters: Partial<DtlsParameters>;
  /** Messages of the peer whose content does not prove what it should. */
  readonly wrong: readonly string[];
  readonly unixTime: number;
}

/** What an endpoint puts out. */
class Outcome implements DtlsOutbox {
  datagrams: Uint8Array[] = [];
  events: DtlsEvent[] = [];
  delivered: { readonly association: Association; readonly plaintext: Uint8Array }[] = [];

  transmit(_to: RemoteAddress, datagram: Uint8Array): void {
    this.datagrams.push(datagram);
  }
  deliver(association: Association, plaintext: Uint8Array): void {
    this.delivered.push({ association, plaintext });
  }
  emit(event: DtlsEvent): void {
    this.events.push(event);
  }
}

interface Deferred {
  readonly name: string;
  readonly prepared: Prepared;
}

/** What both roles have in common. */
abstract class Walk<Message extends string> {
  readonly endpoint: DtlsEndpoint;
  readonly #options: WalkOptions;
  readonly #opened = new Set<Association>();
  /** Steps so far, for the message of a failure. */
  readonly trace: string[] = [];
  completed = 0;
  refused = 0;
  protected run: ModelRun | undefined;
  #deferred: Deferred[] = [];

  protected abandonDeferred(): void {
    this.#deferred = [];
  }

  constructor(options: WalkOptions, server: ServerCredentials | undefined) {
    this.#options = options;
    this.endpoint = new DtlsEndpoint({
      crypto: options.crypto,
      unixTime: () => options.unixTime,
      parameters: options.parameters,
      ...(server !== undefined && { server }),
    });
  }

  protected abstract prepare(name: Message, protection: 'plain' | 'protected'): Prepared;
  protected abstract receive(datagram: Uint8Array): readonly Sighting[];
  /** Of the handshake that is being walked. */
  protected abstract progress(): { readonly nextSeq: number; readonly counted: number; readonly hasKeys: boolean };
  protected abstract answerOf(): LookupAnswer;
  protected abstract handshakeCompleted(): void;
  protected abstract handshakeRefused(): void;

  /** Where the model stands, for choosing and for counting what was covered. */
  get states(): readonly string[] {
    return this.run?.states ?? [];
  }

  accepts(name: Message): boolean {
    const label = this.label(name);
    return label !== undefined && this.run?.accepts(label) === true;
  }

  step(name: Message, protection: 'plain' | 'protected'): void {
    const prepared = this.prepare(name, protection);
    this.trace.push(prepared.isProtected ? `${name}*` : name);
    const outcome = this.deliver(prepared.datagram);
    this.judge(name, prepared, outcome);
    for (const { association } of outcome.delivered) assert.ok(this.#opened.has(association), this.story());
  }

  /** Nothing may be left when time has passed. */
  finish(): void {
    const outcome = new Outcome();
    for (const association of this.#opened) this.endpoint.forget(association);
    for (let now = this.endpoint.nextDeadline(); now < Infinity; now = this.endpoint.nextDeadline()) {
      this.endpoint.handleTimeout(now, outcome);
    }
    assert.ok(!outcome.events.some((event) => event.kind === 'opened'), this.story());
    const { sessions: _, ...usage } = this.endpoint.usage;
    for (const [what, count] of Object.entries(usage)) assert.equal(count, 0, `${what} after ${this.story()}`);
  }

  story(): string {
    return `${this.trace.join(', ')}; the model is at ${this.states.join(' or ') || 'nothing'}`;
  }

  protected label(name: string): string | undefined {
    return this.#options.labels[name];
  }

  protected deliver(datagram: Uint8Array): Outcome {
    const outcome = new Outcome();
    this.endpoint.handleDatagram(0, PEER, datagram, outcome);
    this.settle(outcome);
    return outcome;
  }

  protected settle(outcome: Outcome): void {
    for (let i = 0; i < outcome.events.length; i++) {
      const event = outcome.events[i]!;
      if (event.kind === 'opened') this.#opened.add(event.association);
      if (event.kind === 'lookup') this.endpoint.answer(0, event.lookup, this.answerOf(), outcome);
    }
  }

  protected judge(name: string, prepared: Prepared, outcome: Outcome): void {
    const { run } = this;
    if (run !== undefined && prepared.isProtected && !this.#readsEpoch1(run)) {
      this.#deferred.push({ name, prepared });
      this.expectNothing(outcome);
    } else if (run !== undefined && this.#counts(run, name, prepared)) {
      this.#take(run, name, prepared, outcome);
    } else {
      // In its place, and not what it should prove: that ends the handshake at once.
      const isWrong = this.#options.wrong.includes(name) && !prepared.isProtected && this.label(name) !== undefined;
      if (isWrong && run?.accepts(this.label(name)!) === true) {
        assert.ok(
          outcome.events.some((event) => event.kind === 'refused'),
          `taken for true after ${this.story()}`,
        );
      }
      this.expectNothing(outcome);
    }
  }

  /** The peer's message is one the model has here, and the endpoint went on as the model does. */
  #take(run: ModelRun, name: string, prepared: Prepared, outcome: Outcome): void {
    assert.ok(run.observe(this.label(name)!));
    prepared.commit();
    const deferred = name === 'change_cipher_spec' ? this.#deferred.splice(0) : [];
    for (const each of deferred) {
      if (!this.#counts(run, each.name, each.prepared)) continue;
      assert.ok(run.observe(this.label(each.name)!));
      each.prepared.commit();
    }
    const refused = outcome.events.find((event) => event.kind === 'refused');
    if (refused !== undefined) {
      // What came too early did not decrypt.
      assert.ok(deferred.length > 0, `${refused.refusal.text} after ${this.story()}`);
      this.expectNothing(outcome);
      return;
    }
    this.expectOutput(run, outcome);
  }

  /** Output as in the model, and an association opened exactly where it is connected. */
  protected expectOutput(run: ModelRun, outcome: Outcome): void {
    for (const sighting of this.#sightings(outcome)) {
      if (run.isConnected && AFTER_THE_END.includes(sighting)) continue;
      const label = this.label(`!${sighting}`) ?? `!${sighting.toUpperCase()}`;
      assert.ok(run.observe(label), `sent ${sighting} after ${this.story()}`);
    }
    assert.ok(run.isQuiet, `sent too little after ${this.story()}`);
    const opened = outcome.events.filter((event) => event.kind === 'opened').length;
    assert.equal(opened, run.isConnected ? 1 : 0, `opened after ${this.story()}`);
    if (!run.isConnected) return;
    this.completed++;
    this.run = undefined;
    this.#deferred = [];
    this.handshakeCompleted();
  }

  /** Nothing came of it, except perhaps the end of the handshake. */
  protected expectNothing(outcome: Outcome): void {
    assert.ok(!outcome.events.some((event) => event.kind === 'opened'), `opened after ${this.story()}`);
    for (const sighting of this.#sightings(outcome)) {
      // An alert that the peer has no key for cannot be read.
      assert.match(sighting, /^(alert \d+|unreadable)$/, `sent ${sighting} after ${this.story()}`);
    }
    if (!outcome.events.some((event) => event.kind === 'refused')) return;
    this.refused++;
    this.run = undefined;
    this.#deferred = [];
    this.handshakeRefused();
  }

  #sightings(outcome: Outcome): readonly Sighting[] {
    return outcome.datagrams.flatMap((datagram) => this.receive(datagram));
  }

  #readsEpoch1(run: ModelRun): boolean {
    return run.accepts(this.label('finished')!);
  }

  #counts(run: ModelRun, name: string, prepared: Prepared): boolean {
    const label = this.label(name);
    if (label === undefined || !run.accepts(label) || this.#options.wrong.includes(name)) return false;
    if (name !== 'finished') return !prepared.isProtected;
    const { nextSeq, counted, hasKeys } = this.progress();
    return prepared.isProtected && hasKeys && prepared.messageSeq === nextSeq && prepared.basis === counted;
  }
}

export class ServerWalk extends Walk<ClientMessage> {
  readonly #peer: ScriptedClient;
  readonly #model: HandshakeModel;
  readonly #answer: LookupAnswer;
  /** Of the last HelloVerifyRequest, until a handshake has used it. */
  #greeting: ModelRun | undefined;
  #established = false;
  /** The last cookie is that of the handshake that is complete. */
  #isCookieSpent = false;

  constructor(options: WalkOptions, server: ServerCredentials, peer: ScriptedClient, answer: LookupAnswer) {
    super(options, server);
    this.#model = options.model;
    this.#peer = peer;
    this.#answer = answer;
  }

  /** Before any handshake the model waits for a hello. */
  override get states(): readonly string[] {
    return this.run?.states ?? this.#greeting?.states ?? [this.#established ? 'connected' : this.#model.start];
  }

  override accepts(name: ClientMessage): boolean {
    if (name === 'client_hello') return this.run === undefined && this.#greeting === undefined;
    if (name === 'client_hello_with_cookie') return this.#greeting !== undefined;
    return super.accepts(name);
  }

  protected override judge(name: ClientMessage, prepared: Prepared, outcome: Outcome): void {
    const isHello = name === 'client_hello' || name === 'client_hello_with_cookie';
    if (isHello && !prepared.isProtected) this.#judgeHello(name, prepared, outcome);
    else if (name === 'application_data' && this.#established) this.#judgeData(outcome);
    else super.judge(name, prepared, outcome);
  }

  #judgeHello(name: ClientMessage, prepared: Prepared, outcome: Outcome): void {
    const usage = this.endpoint.usage;
    if (outcome.datagrams.length === 1 && outcome.datagrams[0]![13] === HELLO_VERIFY_REQUEST) {
      // Whatever is under way goes on, and nothing is kept for a client that has shown no cookie.
      assert.equal(outcome.events.length, 0, this.story());
      assert.ok(outcome.datagrams[0]!.length <= prepared.datagram.length, this.story());
      assert.deepEqual(usage.handshakes, this.run === undefined ? 0 : 1, this.story());
      assert.deepEqual(this.receive(outcome.datagrams[0]!), ['hello_verify_request']);
      this.#greeting = this.#greeted();
      this.#isCookieSpent = false;
      return;
    }
    assert.equal(name, 'client_hello_with_cookie', this.story());
    if (this.#isCookieSpent && this.run === undefined) {
      // The ClientHello of the open association, again: a late copy, nothing new.
      assert.deepEqual([outcome.events, outcome.datagrams], [[], []], this.story());
      return;
    }
    if (this.#greeting === undefined && this.run !== undefined) {
      // The ClientHello that began it, again: perhaps a retransmission, nothing new.
      assert.equal(outcome.events.length, 0, this.story());
      for (const datagram of outcome.datagrams) assert.deepEqual(this.receive(datagram), [], this.story());
      return;
    }
    // RFC 6347 §4.2.8: a valid cookie begins a handshake, in place of one under way, and beside what is open.
    const refused = outcome.events.filter((event) => event.kind === 'refused');
    assert.deepEqual(
      refused.map(({ refusal }) => refusal.reason),
      this.run === undefined ? [] : ['cancelled'],
      this.story(),
    );
    const run = this.#greeting ?? this.#greeted();
    this.#greeting = undefined;
    this.abandonDeferred();
    this.run = run;
    assert.ok(run.observe(this.label('client_hello')!), this.story());
    this.expectOutput(run, outcome);
  }

  #greeted(): ModelRun {
    const run = new ModelRun(this.#model);
    assert.ok(run.observe(this.label('client_hello')!));
    assert.ok(run.observe('!HELLO_VERIFY_REQUEST'));
    return run;
  }

  /** It is open, and data of it arrives, whatever else goes on. */
  #judgeData(outcome: Outcome): void {
    assert.equal(outcome.delivered.length, 1, this.story());
    assert.equal(outcome.events.length, 0, this.story());
  }

  protected override prepare(name: ClientMessage, protection: 'plain' | 'protected'): Prepared {
    return this.#peer.prepare(name, protection);
  }
  protected override receive(datagram: Uint8Array): readonly Sighting[] {
    return this.#peer.receive(datagram);
  }
  protected override progress(): { readonly nextSeq: number; readonly counted: number; readonly hasKeys: boolean } {
    return this.#peer.current!;
  }
  protected override answerOf(): LookupAnswer {
    return this.#answer;
  }
  protected override handshakeCompleted(): void {
    this.#established = true;
    this.#isCookieSpent = this.#greeting === undefined;
    this.#peer.establish();
  }
  protected override handshakeRefused(): void {
    this.#peer.forget();
  }
}

export class ClientWalk extends Walk<ServerMessage> {
  readonly #peer: ScriptedServer;
  #cookies = 0;
  #established = false;

  constructor(options: WalkOptions, connect: ConnectOptions, peer: ScriptedServer) {
    super(options, undefined);
    this.#peer = peer;
    this.run = new ModelRun(options.model);
    const outcome = new Outcome();
    this.endpoint.connect(0, PEER, connect, outcome);
    this.expectOutput(this.run, outcome);
  }

  override accepts(name: ServerMessage): boolean {
    return super.accepts(name) && !(name === 'hello_verify_request' && this.#cookies === MAX_COOKIES);
  }

  protected override judge(name: ServerMessage, prepared: Prepared, outcome: Outcome): void {
    if (name === 'application_data' && this.#established) {
      assert.equal(outcome.delivered.length, 1, this.story());
    } else if (name === 'hello_verify_request' && this.#cookies === MAX_COOKIES) {
      this.expectNothing(outcome);
    } else {
      if (name === 'hello_verify_request' && this.accepts(name) && !prepared.isProtected) this.#cookies++;
      super.judge(name, prepared, outcome);
    }
  }

  protected override prepare(name: ServerMessage, protection: 'plain' | 'protected'): Prepared {
    return this.#peer.prepare(name, protection);
  }
  protected override receive(datagram: Uint8Array): readonly Sighting[] {
    return this.#peer.receive(datagram);
  }
  protected override progress(): { readonly nextSeq: number; readonly counted: number; readonly hasKeys: boolean } {
    return this.#peer.exchange;
  }
  protected override answerOf(): LookupAnswer {
    throw new Error('a client asks nothing');
  }
  protected override handshakeCompleted(): void {
    this.#established = true;
  }
  protected override handshakeRefused(): void {}
}

const HELLO_VERIFY_REQUEST = 3;
/** What a client of ours takes before it gives up; the models have one. */
const MAX_COOKIES = 3;
/**
 * What records that came too early may ask for, once the handshake is complete: the last flight again, for a Finished that
 * came twice (its messages the peer knows, this is none), and no_renegotiation for a hello.
 */
const AFTER_THE_END: readonly Sighting[] = ['change_cipher_spec', 'alert 100'];
