/**
 * A server with two endpoints: what comes to another endpoint than the one a client registered at, over coap and over
 * coaps with an association of the same identity. The client is CoAP by hand, because no LwM2M Client does this.
 */
import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { describe } from 'node:test';
import {
  buildOptions,
  Codes,
  formatCode,
  readOptions,
  type Code,
  type ObserveRelation,
  type OptionValues,
  type OutgoingResponse,
  type Peer,
} from '@lapwing/coap';
import { resourcePath, type LwM2mVersion } from '@lapwing/lwm2m';
import { copyRegistration, LwM2mServer, MemorySecurityStore, type SecurityEntry } from '@lapwing/server';
import { SimulatedNetwork, type SimulatedDtlsDriver } from '@lapwing/testkit';
import type { Driver, PeerAddress } from '@lapwing/transport';
import { proves } from '../proves.ts';
import { ENDPOINT_CLIENT_NAME } from '../scene.ts';

const HOME = { host: '10.0.0.1', port: 5683 };
const OTHER = { host: '10.0.0.1', port: 5693 };
const CLIENT = { host: '10.1.0.1', port: 56_830 };
const VALUE = resourcePath(3303, 0, 5700);
const SENML_JSON = 110;
const SCHEMES = ['coap', 'coaps'] as const;
type Scheme = (typeof SCHEMES)[number];

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const key = createSecretKey(new Uint8Array(16).fill(5));
const credentials = { kind: 'psk', identity: bytes('device of the case'), key } as const;
const stranger = { kind: 'psk', identity: bytes('another device'), key } as const;
const ENTRIES: readonly SecurityEntry[] = [
  { ...credentials, endpointClientName: ENDPOINT_CLIENT_NAME },
  { ...stranger, endpointClientName: 'another' },
];
const content = (text: string): OutgoingResponse => ({ code: Codes.content, options: [], payload: bytes(text) });

/** Takes the answer to a request of the client; the context of its exchange. */
type Settled = (response: { readonly code: Code; readonly options: OutgoingResponse['options'] }) => void;

class TwoEndpoints implements AsyncDisposable {
  readonly network = new SimulatedNetwork();
  readonly server: LwM2mServer;
  readonly told: string[] = [];
  /** The server's endpoints as the client sees them. */
  readonly home: Peer<PeerAddress>;
  readonly other: Peer<PeerAddress>;
  registrationId = '';
  relation: ObserveRelation | undefined;
  readonly #client: Driver;
  readonly #scheme: Scheme;

  static async open(version: LwM2mVersion, scheme: Scheme): Promise<TwoEndpoints> {
    const scene = new TwoEndpoints(scheme);
    const uriQuery = [`ep=${ENDPOINT_CLIENT_NAME}`, 'lt=300', `lwm2m=${version}`, 'b=U'];
    const registered = await scene.ask(
      scene.home,
      Codes.post,
      ['rd'],
      { uriQuery, contentFormat: 40 },
      '</1/0>,</3303/0>',
    );
    assert.equal(registered.code, '2.01');
    scene.registrationId = registered.location[1]!;
    await scene.network.run(5_000);
    return scene;
  }

  private constructor(scheme: Scheme) {
    this.#scheme = scheme;
    const { network } = this;
    const open = (at: PeerAddress): Driver =>
      scheme === 'coap'
        ? network.driver(at)
        : network.secureDriver(at, {
            server: { psk: {}, clientAuthentication: 'required', clientCertificateTypes: [], trustAnchors: [] },
          });
    this.server = new LwM2mServer({
      drivers: [open(HOME), open(OTHER)],
      securityStore: new MemorySecurityStore(scheme === 'coap' ? [] : ENTRIES),
    });
    this.server.on('registered', () => this.told.push('registered'));
    this.server.on('updated', () => this.told.push('updated'));
    this.server.on('unregistered', (_registration, reason) => this.told.push(reason));
    this.server.on('sent', () => this.told.push('sent'));
    this.server.on('notified', (_observation, { node }) => this.told.push(`notified ${JSON.stringify(node)}`));
    this.server.on('observationEnded', () => this.told.push('observation ended'));
    const client = scheme === 'coap' ? network.driver(CLIENT) : network.secureDriver(CLIENT);
    this.#client = client;
    client.onEvent = (event): void => {
      if (event.kind === 'response') (event.exchange.context as Settled)(event.response);
      if (event.kind !== 'request') return;
      const { request } = event;
      const answer = { ...content('20.5'), observe: request.observe === 'register' };
      this.relation = client.turn((now, out) => client.endpoint.respond(now, request, answer, out));
    };
    this.home = this.reach(client, HOME);
    this.other = this.reach(client, OTHER);
  }

  reach(client: Driver, at: PeerAddress, as: typeof credentials | typeof stranger = credentials): Peer<PeerAddress> {
    return this.#scheme === 'coap' ? client.peer(at) : (client as SimulatedDtlsDriver).connect(at, { credentials: as });
  }

  /** A request of the client, as "4.00". */
  async ask(
    peer: Peer,
    code: Code,
    uriPath: readonly string[],
    options: OptionValues = {},
    payload = '',
    client: Driver = this.#client,
  ): Promise<{ readonly code: string; readonly location: readonly string[] }> {
    const answers: { readonly code: string; readonly location: readonly string[] }[] = [];
    const context: Settled = (response) =>
      answers.push({ code: formatCode(response.code), location: readOptions(response.options, 'locationPath') });
    const request = { code, options: buildOptions({ uriPath, ...options }), payload: bytes(payload), context };
    client.turn((now, out) => client.endpoint.request(now, peer, request, out));
    await this.network.run(5_000);
    assert.equal(answers.length, 1, `${answers.length} answers`);
    return answers[0]!;
  }

  /** Of what is observed, to this endpoint of the server instead of the one that observes. */
  notify(peer: Peer, text: string): void {
    const client = this.#client;
    client.turn((now, out) =>
      client.endpoint.notify(
        now,
        this.relation!,
        content(text),
        { transmit: (_observer, datagram) => out.transmit(peer, datagram), emit: (event) => out.emit(event) },
        false,
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
    await this.server.close();
  }
}

describe('scenarios: several endpoints of one server', () => {
  proves('endpoint-of-update', SCHEMES, async (version, scheme) => {
    await using scene = await TwoEndpoints.open(version, scheme);
    const registration = copyRegistration(scene.server.device(ENDPOINT_CLIENT_NAME)!.registration);
    const path = ['rd', scene.registrationId];
    const changes = { uriQuery: ['lt=99'], contentFormat: 40 };
    assert.equal((await scene.ask(scene.other, Codes.post, path, changes, '</3303/1>')).code, '4.00');
    assert.deepEqual(copyRegistration(scene.server.device(ENDPOINT_CLIENT_NAME)!.registration), registration);
    if (scheme === 'coaps') {
      // To whom it does not belong not even that it exists is told.
      const another = scene.network.secureDriver({ ...CLIENT, port: 1 });
      another.onEvent = (event): void => {
        if (event.kind === 'response') (event.exchange.context as Settled)(event.response);
      };
      const peer = scene.reach(another, OTHER, stranger);
      assert.equal((await scene.ask(peer, Codes.post, path, {}, '', another)).code, '4.04');
    }
    assert.deepEqual(scene.told, ['registered']);
    assert.equal((await scene.ask(scene.home, Codes.post, path)).code, '2.04');
  });

  proves('endpoint-of-deregister', SCHEMES, async (version, scheme) => {
    await using scene = await TwoEndpoints.open(version, scheme);
    const path = ['rd', scene.registrationId];
    assert.equal((await scene.ask(scene.other, Codes.delete, path)).code, '4.00');
    assert.equal(scene.server.registrationCount, 1);
    assert.deepEqual(scene.told, ['registered']);
    assert.equal((await scene.ask(scene.home, Codes.delete, path)).code, '2.02');
    assert.deepEqual(scene.told, ['registered', 'deregistered']);
  });

  proves('endpoint-of-send', SCHEMES, async (version, scheme) => {
    await using scene = await TwoEndpoints.open(version, scheme);
    const registration = copyRegistration(scene.server.device(ENDPOINT_CLIENT_NAME)!.registration);
    const send = async (peer: Peer): Promise<string> => {
      const payload = '[{"n":"/3303/0/5700","v":21}]';
      return (await scene.ask(peer, Codes.post, ['dp'], { contentFormat: SENML_JSON }, payload)).code;
    };
    assert.equal(await send(scene.other), '4.00');
    assert.deepEqual(scene.told, ['registered']);
    assert.deepEqual(copyRegistration(scene.server.device(ENDPOINT_CLIENT_NAME)!.registration), registration);
    assert.equal(await send(scene.home), '2.04');
    assert.deepEqual(scene.told, ['registered', 'sent']);
  });

  proves('endpoint-of-notification', SCHEMES, async (version, scheme) => {
    await using scene = await TwoEndpoints.open(version, scheme);
    const observing = scene.server.device(ENDPOINT_CLIENT_NAME)!.observe(VALUE, { format: 0 });
    // There is an association with the other endpoint, too.
    await scene.ask(scene.other, Codes.get, ['.well-known', 'core']);
    const observation = await observing;
    assert.ok(observation.ok && scene.relation !== undefined);
    const registration = copyRegistration(scene.server.device(ENDPOINT_CLIENT_NAME)!.registration);
    scene.notify(scene.other, '99');
    await scene.network.run(5_000);
    assert.deepEqual(scene.told, ['registered']);
    assert.deepEqual(copyRegistration(scene.server.device(ENDPOINT_CLIENT_NAME)!.registration), registration);
    scene.notify(scene.home, '21.5');
    await scene.network.run(5_000);
    assert.equal(scene.told.length, 2);
    assert.match(scene.told[1]!, /^notified .*21\.5/);
    await observation.value.cancel('passive');
  });
});
