/** A firmware image over a bad network, from end to end: RFC 7959, OMA TS Core, Object Firmware Update. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe } from 'node:test';
import { firmwareUpdateObject, LwM2mClient, streamedRequests } from '@lapwing/client';
import { parsePath, type NodeEntry, type ResourcePath } from '@lapwing/lwm2m';
import { LwM2mServer } from '@lapwing/server';
import { SimulatedNetwork } from '@lapwing/testkit';
import { proves } from '../proves.ts';

const MiB = 1024 * 1024;
const PACKAGE = parsePath('/5/0/0') as ResourcePath;

describe('gaps: large bodies', () => {
  proves('firmware-4-mib', async (version) => {
    const image = new Uint8Array(4 * MiB);
    for (let index = 0; index < image.length; index++) image[index] = (index * 2_654_435_761) >>> 24;
    const network = new SimulatedNetwork({ seed: 7 });
    // At this loss one block in thirty needs more than the five transmissions of the defaults.
    const patient = { maxRetransmit: 20, ackTimeout: 100, exchangeLifetime: 3_600_000 };
    const server = new LwM2mServer({
      drivers: [
        network.driver(
          { host: '10.0.0.1', port: 5683 },
          { ...patient, maxBodyBytes: image.length, maxTotalBodyBytes: image.length },
        ),
      ],
    });
    const hash = createHash('sha256');
    let [received, longest] = [0, 0];
    const objects = [
      firmwareUpdateObject({
        receive: () => ({
          write: (bytes) => {
            received += bytes.length;
            longest = Math.max(longest, bytes.buffer.byteLength);
            hash.update(bytes);
          },
          end: () => undefined,
          discard: () => undefined,
        }),
        install: () => undefined,
      }),
    ];
    const driver = network.driver(
      { host: '10.1.0.1', port: 56_830 },
      { ...patient, streamedRequest: streamedRequests(objects), maxBodyBytes: 16 * 1024, maxTotalBodyBytes: 64 * 1024 },
    );
    const client = new LwM2mClient(driver, {
      endpointClientName: 'large',
      lwm2mVersion: version,
      servers: [{ uri: 'coap://10.0.0.1', lifetimeSeconds: 0 }],
      objects,
    });
    client.register();
    await network.run(1000);
    network.conditions = { ...network.conditions, loss: 0.3 };
    const entries: readonly NodeEntry[] = [{ kind: 'value', path: PACKAGE, value: { type: 'opaque', value: image } }];
    let ok: boolean | undefined;
    const written = server
      .device('large')!
      .write(PACKAGE, entries, { format: 42, timeout: 86_400_000 })
      .then((outcome) => (ok = outcome.ok));
    let held = 0;
    for (let minutes = 0; ok === undefined && minutes < 1440; minutes++) {
      await network.run(60_000);
      held = Math.max(held, driver.endpoint.usage.bodyBytes);
    }
    await written;
    assert.equal(ok, true);
    assert.equal(received, image.length);
    assert.equal(hash.digest('hex'), createHash('sha256').update(image).digest('hex'));
    assert.ok(longest <= 1024 && held <= 1024, `pieces of ${longest} bytes, ${held} bytes held at once`);
    assert.equal(client.get('/5/0/3'), 2);
    network.conditions = { ...network.conditions, loss: 0 };
    const closing = Promise.all([client.close(), server.close()]);
    await network.run(60_000);
    await closing;
  });
});
