/** A planned stop: another endpoint goes on with the observations of one that is no more. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildOptions, Codes, type CoapEvent, type Exchange, type ObserveRelation, type Outbox } from '@lapwing/coap';
import { SimulatedNetwork, type SimulatedDriver } from '@lapwing/testkit';

const OBSERVER = { host: '10.0.0.1', port: 5683 };
const DEVICE = { host: '10.0.0.2', port: 5683 };
const REQUEST = {
  code: Codes.get,
  options: buildOptions({ uriPath: ['3303', '0', '5700'] }),
  payload: new Uint8Array(0),
  observe: true,
};
const content = (text: string) => ({ code: Codes.content, options: [], payload: new TextEncoder().encode(text) });

interface Scene {
  readonly network: SimulatedNetwork;
  readonly device: SimulatedDriver;
  readonly observer: SimulatedDriver;
  readonly relation: ObserveRelation;
  readonly exchange: Exchange;
}

async function observing(): Promise<Scene> {
  const network = new SimulatedNetwork();
  const device = network.driver(DEVICE);
  let relation: ObserveRelation | undefined;
  device.onEvent = (event) => {
    if (event.kind !== 'request') return;
    const response = { ...content('1'), observe: true };
    relation = device.turn((now, out) => device.endpoint.respond(now, event.request, response, out));
  };
  const observer = network.driver(OBSERVER);
  const exchange = observer.turn((now, out) => observer.endpoint.request(now, observer.peer(DEVICE), REQUEST, out));
  await network.run(1_000);
  return { network, device, observer, relation: relation!, exchange };
}

const notify = ({ device, relation }: Scene, text: string, confirmable: boolean): void =>
  device.turn((now: number, out: Outbox) => device.endpoint.notify(now, relation, content(text), out, confirmable));

describe('an observation that is handed over', () => {
  it('goes on at another endpoint with the same token: its notifications are accepted and acknowledged', async () => {
    const scene = await observing();
    const { network, observer, exchange } = scene;
    const state = observer.endpoint.exportObservation(observer.now(), exchange)!;
    const nextMessageId = observer.endpoint.nextMessageId(observer.peer(DEVICE))!;
    await observer.close();

    const successor = network.driver(OBSERVER);
    const events: CoapEvent[] = [];
    successor.onEvent = (event) => events.push(event);
    const peer = successor.peer(DEVICE);
    successor.endpoint.continueMessageIds(peer, nextMessageId);
    const taken = successor.endpoint.importObservation(successor.now(), peer, { ...REQUEST, context: 'mine' }, state)!;
    assert.equal(taken.state, 'observing');
    assert.equal(successor.endpoint.isIdle(peer), false);

    notify(scene, '2', true);
    await network.run(1_000);
    assert.deepEqual(
      events.map(
        (event) =>
          event.kind === 'notification' && [event.exchange.context, new TextDecoder().decode(event.response.payload)],
      ),
      [['mine', '2']],
    );
    assert.equal(scene.relation.ended, false);
    assert.equal(scene.device.endpoint.counters.retransmissions, 0);

    successor.turn((now, out) => successor.endpoint.cancel(now, taken, out));
    notify(scene, '3', true);
    await network.run(1_000);
    assert.equal(scene.relation.ended, true, 'the Reset of a cancelled observation reached it (RFC 7641 §3.6)');
    assert.equal(successor.endpoint.usage.tokens, 0);
  });

  it('knows which notification was the newest: a repeated one is acknowledged and not told again (RFC 7641 §3.4)', async () => {
    const scene = await observing();
    const { network, observer, exchange } = scene;
    notify(scene, '2', true);
    let datagram: Uint8Array | undefined;
    network.onDatagram = (from, _to, bytes) => {
      if (from.host === DEVICE.host) datagram = bytes.slice();
    };
    await network.run(1_000);
    notify(scene, '3', true);
    await network.run(1_000);
    const state = observer.endpoint.exportObservation(observer.now(), exchange)!;
    await observer.close();
    const successor = network.driver(OBSERVER);
    const events: CoapEvent[] = [];
    successor.onEvent = (event) => events.push(event);
    successor.endpoint.importObservation(successor.now(), successor.peer(DEVICE), REQUEST, state);
    network.send(DEVICE, OBSERVER, datagram!);
    await network.run(1_000);
    assert.deepEqual(events, []);
    assert.equal(successor.endpoint.counters.staleNotifications, 1);
  });

  it('is not there to export before the peer has accepted it, nor after its end; a token in use is not imported', async () => {
    const { network, observer, exchange } = await observing();
    const state = observer.endpoint.exportObservation(observer.now(), exchange)!;
    assert.equal(observer.endpoint.importObservation(0, observer.peer(DEVICE), REQUEST, state), undefined);
    const asked = observer.turn((now, out) => observer.endpoint.request(now, observer.peer(DEVICE), REQUEST, out));
    assert.equal(observer.endpoint.exportObservation(observer.now(), asked), undefined);
    observer.turn((now, out) => observer.endpoint.cancel(now, exchange, out));
    assert.equal(observer.endpoint.exportObservation(observer.now(), exchange), undefined);
    await network.run(1_000);
  });

  it('goes on with the Message IDs, so that no request is taken for a duplicate (RFC 7252 §4.4)', async () => {
    const { network, observer } = await observing();
    const next = observer.endpoint.nextMessageId(observer.peer(DEVICE))!;
    await observer.close();
    const successor = network.driver(OBSERVER);
    const peer = successor.peer(DEVICE);
    assert.equal(successor.endpoint.nextMessageId(peer), undefined);
    successor.endpoint.continueMessageIds(peer, next);
    let messageId = -1;
    network.onDatagram = (_from, _to, bytes) => {
      if (messageId < 0) messageId = (bytes[2]! << 8) | bytes[3]!;
    };
    successor.turn((now, out) => successor.endpoint.ping(now, peer, out));
    assert.equal(messageId, next);
  });
});
