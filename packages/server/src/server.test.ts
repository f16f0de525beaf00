import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Codes } from '@lapwing/coap';
import { resourcePath } from '@lapwing/lwm2m';
import { SimulatedNetwork } from '@lapwing/testkit';
import { LwM2mServer } from './server.ts';
import { reply, SimulatedDevice } from '../test/simulated-device.ts';

const SERVER = { host: '10.0.0.1', port: 5683 };

it('smoke', async () => {
  const network = new SimulatedNetwork();
  const server = new LwM2mServer({ drivers: [network.driver(SERVER)] });
  const device = new SimulatedDevice(network, SERVER, { host: '10.0.0.2', port: 40000 });
  const answer = await device.register(['ep=one', 'lt=60', 'lwm2m=1.1', 'b=U']);
  assert.equal(answer.code, '2.01', answer.text);
  console.log(answer, server.device('one')?.registration.objects);
  device.onRequest = (asked) =>
    asked.observe === 'register'
      ? reply(Codes.content, '21', { contentFormat: 0 }, true)
      : reply(Codes.content, '100', { contentFormat: 0 });
  const read = server.device('one')!.read(resourcePath(3, 0, 9));
  await network.run(1000);
  console.dir(await read, { depth: 6 });
  const observing = server.device('one')!.observe(resourcePath(3, 0, 9));
  await network.run(1000);
  const o = await observing;
  console.dir(o, { depth: 6 });
  assert.ok(o.ok);
  const it = o.value[Symbol.asyncIterator]();
  device.notify('/3/0/9', reply(Codes.content, '22', { contentFormat: 0 }));
  await network.run(1000);
  console.log(await it.next());
  server.on('unregistered', (r, reason) => console.log(r.endpointClientName, reason, network.now()));
  await network.run(60_000);
  assert.equal(server.registrationCount, 0);
  console.log(await it.next());
});
