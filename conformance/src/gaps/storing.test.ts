/** Notification Storing (/1/x/6), hqmax and values with their times. OMA TS Core §6.4.5, §7.3.2. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { temperatureObject, type ServerAccount } from '@lapwing/client';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { device } from '../configurations.ts';
import { at } from '../given.ts';
import { proves } from '../proves.ts';
import { Scene } from '../scene.ts';

const VALUE = '/3303/0/5700';
const SENML_JSON = 110;
const SENML_CBOR = 112;
const TIMED = ['SenML JSON', 'SenML CBOR'] as const;
const FORMAT = { 'SenML JSON': SENML_JSON, 'SenML CBOR': SENML_CBOR } as const;

interface Told {
  readonly value: unknown;
  /** Seconds since 1970; undefined: now. */
  readonly timestamp: number | undefined;
}

async function observed(
  version: LwM2mVersion,
  account: Partial<ServerAccount>,
  format: number,
): Promise<{ readonly scene: Scene; readonly told: Told[] }> {
  const scene = await Scene.open({
    version,
    accounts: [{ lifetimeSeconds: 86_400, ...account }],
    objects: [device(), temperatureObject({ value: 20 })],
  });
  const told: Told[] = [];
  scene.server.server.on('notified', (_observation, { entries }) => {
    for (const entry of entries) {
      if (entry.kind === 'value') {
        const { timestamp } = entry;
        told.push({
          value: entry.value.value,
          timestamp: timestamp === undefined ? undefined : Math.round(Number(timestamp)),
        });
      }
    }
  });
  const outcome = await scene.settle(scene.server.device.observe(at(VALUE), { format }));
  assert.ok(outcome.ok);
  return { scene, told };
}

/** One value a minute, and when. */
async function changes(scene: Scene, values: readonly number[]): Promise<readonly Told[]> {
  const made: Told[] = [];
  for (const value of values) {
    scene.client.set(VALUE, value);
    made.push({ value, timestamp: Math.round(scene.network.unixTime() / 1000) });
    await scene.seconds(60);
  }
  return made;
}

describe('gaps: notification storing', () => {
  proves('storing-offline', TIMED, async (version, name) => {
    const { scene, told } = await observed(version, { notificationStoring: true }, FORMAT[name]);
    await using _ = scene;
    scene.client.goOffline();
    const made = await changes(scene, [21, 22, 23]);
    assert.equal(told.length, 0);
    scene.client.goOnline();
    await scene.seconds(5);
    assert.deepEqual(told.slice(0, 3), made, 'oldest first, each with its time');
    assert.equal(told.at(-1)!.value, 23);
    assert.equal(scene.client.storedValueCount, 0);
  });

  proves('storing-disabled', async (version) => {
    const { scene, told } = await observed(
      version,
      { notificationStoring: true, disableTimeoutSeconds: 300 },
      SENML_CBOR,
    );
    await using _ = scene;
    assert.equal(await scene.server.execute('/1/0/4'), '2.04');
    await scene.seconds(5);
    const made = await changes(scene, [21, 22]);
    assert.equal(told.length, 0);
    // The server knows what it wants to observe, and asks again when the device is back.
    const past = (): readonly Told[] => told.filter(({ timestamp }) => timestamp !== undefined);
    await scene.until(() => past().length >= 2);
    await scene.seconds(5);
    assert.deepEqual(past().slice(0, 2), made);
  });

  proves('storing-off', async (version) => {
    const { scene, told } = await observed(version, { notificationStoring: false }, SENML_CBOR);
    await using _ = scene;
    scene.client.goOffline();
    await changes(scene, [21, 22, 23]);
    scene.client.goOnline();
    await scene.seconds(5);
    assert.deepEqual(
      told.map(({ value }) => value),
      [23],
      'the last value and no other',
    );
    assert.equal(scene.client.storedValueCount, 0);
  });

  proves('storing-hqmax', async (version) => {
    const { scene, told } = await observed(version, { notificationStoring: true }, SENML_CBOR);
    await using _ = scene;
    assert.equal(await scene.server.writeAttributes(VALUE, { hqmax: 2 }), '2.04');
    scene.client.goOffline();
    const made = await changes(scene, [21, 22, 23, 24]);
    assert.equal(scene.client.storedValueCount, 2);
    scene.client.goOnline();
    await scene.seconds(5);
    assert.deepEqual(told.slice(0, 2), made.slice(2), 'the oldest have given way');
  });

  proves('storing-is-bounded', async (version) => {
    const { scene, told } = await observed(version, { notificationStoring: true }, SENML_CBOR);
    await using _ = scene;
    scene.client.goOffline();
    const many = Array.from({ length: 500 }, (_, index) => index + 100);
    await changes(scene, many);
    assert.ok(scene.client.storedValueCount <= 100, `${scene.client.storedValueCount} values are stored`);
    scene.client.goOnline();
    await scene.seconds(60);
    assert.ok(told.some(({ value }) => value === 599));
    assert.equal(scene.client.storedValueCount, 0);
  });
});
