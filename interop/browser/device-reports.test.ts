/**
 * What devices do by themselves, on the web console in a real browser: what they send, a package that one fetches, their
 * sleep, and a notification that nobody can read. Against the real server, over UDP.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { deviceObject, firmwareUpdateObject, LwM2mClient, temperatureObject } from '@lapwing/client';
import { buildOptions, Codes, OPTIONS, parseUri } from '@lapwing/coap';
import { isMalformed, type NodeEntry, parsePath } from '@lapwing/lwm2m';
import { startApp, type App } from 'lapwing';
import type { Browser, Locator, Page } from 'playwright-core';
import { CoapPeer } from '../src/coap-peer.ts';
import { seriousViolations } from './accessibility.ts';
import { launchChromium, missingChromium, watchedPage, type WatchedPage } from './chromium.ts';

const NAME = 'browser-reporter';
const SLEEPER = 'browser-sleeper';
const GARBLER = 'browser-garbler';
const IMAGE = Buffer.alloc(60_000, 7);
/** Of SenML CBOR, in which it breaks off. */
const BROKEN_OFF = Uint8Array.of(0x81, 0xa2);
const SENML_CBOR = 112;
const CONSOLE = fileURLToPath(new URL('../../apps/console/dist/index.html', import.meta.url));

const sensorValue = parsePath('/3303/0/5700');
assert.ok(!isMalformed(sensorValue) && sensorValue.kind === 'resource');
const measured = (value: number, timestamp: number): NodeEntry => ({
  kind: 'value',
  path: sensorValue,
  value: { type: 'float', value },
  timestamp,
});
/** As the console shows a time, in the time zone of this process, which the browser shares. */
const localTime = (ms: number): string => {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
};

describe('the web console shows what devices do by themselves', { skip: missingChromium() }, () => {
  let app: App;
  let device: LwM2mClient;
  let sleeper: LwM2mClient;
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;
  let axe: string;
  let received = 0;
  /** Lets the device have the rest of the package. */
  const fetchOn = Promise.withResolvers<void>();

  before(async () => {
    assert.ok(existsSync(CONSOLE), 'the console is not built: npm run build --workspace @lapwing/console');
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    app = await startApp({
      coapHost: '127.0.0.1',
      coapPort: 0,
      coapsPort: 0,
      bootstrapCoapPort: 0,
      bootstrapCoapsPort: 0,
      httpPort: 0,
      demo: false,
      logLevel: 'silent',
      clientAwakeTime: 50,
    });
    const servers = [{ uri: `coap://127.0.0.1:${app.coapPort}`, lifetimeSeconds: 300 }];
    device = await LwM2mClient.start({
      endpointClientName: NAME,
      servers,
      objects: [
        deviceObject({ manufacturer: 'Lapwing', firmwareVersion: '1.0' }),
        temperatureObject({ value: 20.25 }),
        firmwareUpdateObject({
          receive: () => ({
            write: (bytes) => void (received += bytes.length),
            end: () => undefined,
            discard: () => undefined,
          }),
          fetch: { coap: packageAt },
          install: () => ({ firmwareVersion: '2.0' }),
        }),
      ],
    });
    sleeper = await LwM2mClient.start({
      endpointClientName: SLEEPER,
      servers,
      queueMode: true,
      objects: [deviceObject({ manufacturer: 'Lapwing', batteryLevel: 70 })],
    });
    await Promise.all([device.whenRegistered(), sleeper.whenRegistered()]);
    browser = await launchChromium();
    watched = await watchedPage(browser, app.httpUrl);
    page = watched.page;
  });
  after(async () => {
    fetchOn.resolve();
    await browser?.close();
    await device?.close();
    await sleeper?.close();
    await app?.close();
  });

  /** Over CoAP, the last block only when the test lets it. */
  async function* packageAt(text: string): AsyncGenerator<Uint8Array> {
    const uri = parseUri(text);
    assert.ok('host' in uri);
    await using peer = await CoapPeer.open();
    const options = buildOptions({ uriPath: uri.uriPath });
    const to = { host: uri.host, port: uri.port };
    const { answer } = peer.request(to, { code: Codes.get, options, payload: new Uint8Array(0) });
    const { payload } = await answer;
    await fetchOn.promise;
    yield payload;
  }

  const button = (name: string): Locator => page.getByRole('button', { name, exact: true });
  const section = (name: string): Locator => page.getByRole('region', { name, exact: true });

  async function assertAccessible(part = 'html'): Promise<void> {
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await seriousViolations(page, axe, part), [], `in ${colorScheme} colours`);
    }
  }

  it('lists what a device sent before the page was opened, and every value of a later Send with its own time', async () => {
    await device.send(['/3303/0/5700', '/3303/0/5701']);
    await page.goto(`/devices/${NAME}`);
    const rows = section('Sent values').getByTestId('sent-/3303/0/5700');
    await rows.filter({ hasText: 'Sensor Value' }).filter({ hasText: '20.25 °C' }).waitFor();
    const at = Math.floor(Date.UTC(2026, 0, 1) / 1000);
    await device.send([measured(18.5, at), measured(19.5, at + 60)]);
    await rows.nth(2).waitFor();
    const [newest, second, oldest] = await rows.allInnerTexts();
    assert.match(newest!, new RegExp(`^2026-01-01 ${localTime((at + 60) * 1000)}\\s.*19\\.5 °C`, 's'));
    assert.match(second!, new RegExp(`^2026-01-01 ${localTime(at * 1000)}\\s.*18\\.5 °C`, 's'));
    assert.match(oldest!, /20\.25 °C/);
    await assertAccessible('section[aria-label="Sent values"]');
  });

  it('shows older values of a device that sends much, a page at a time', async () => {
    const at = Math.floor(Date.UTC(2026, 0, 2) / 1000);
    await device.send(Array.from({ length: 150 }, (_, index) => measured(index, at + index)));
    const rows = section('Sent values').getByTestId('sent-/3303/0/5700');
    await rows.nth(152).waitFor();
    await page.reload();
    await rows.nth(99).waitFor();
    assert.equal(await rows.count(), 100);
    await button('Show older values').click();
    await rows.nth(152).waitFor();
    await button('Show older values').waitFor({ state: 'detached' });
  });

  it('has a device fetch its firmware, with a bar of what it has fetched', async () => {
    const url = `${app.httpUrl}/api/v1/firmware?name=image.bin&version=2.0`;
    const headers = { 'content-type': 'application/octet-stream' };
    assert.equal((await fetch(url, { method: 'POST', headers, body: IMAGE })).status, 201);
    await page.reload();
    const card = section('Firmware');
    await card.getByText('Pull', { exact: true }).click();
    await card.getByText('The device fetches the image from this server').waitFor();
    await card.getByLabel('Name or address by which the device reaches this server').fill('127.0.0.1');
    await assertAccessible('section[aria-label="Firmware"]');
    await card.getByRole('button', { name: 'Update', exact: true }).click();
    const update = page.getByTestId(`update-${NAME}`);
    // All but the last block is known to be there when the last one is asked for.
    await update.filter({ hasText: 'The device fetches: 58 KiB of 58.6 KiB' }).waitFor();
    const bar = card.getByRole('progressbar', { name: `Firmware update of ${NAME}` });
    assert.equal(await bar.getAttribute('aria-valuenow'), '79');
    fetchOn.resolve();
    await update.filter({ hasText: 'The new firmware runs. 1.0 → 2.0' }).waitFor();
    assert.equal(received, IMAGE.length);
  });

  it('shows that a device sleeps, what waits for it in which order, and sends it when the device wakes', async () => {
    await page.goto('/');
    const listed = page.getByRole('row').filter({ has: page.getByRole('link', { name: SLEEPER, exact: true }) });
    await listed.getByText('asleep', { exact: true }).waitFor();
    await page.getByRole('link', { name: SLEEPER, exact: true }).click();
    await page.getByText('Queue mode, asleep').waitFor();
    const card = section('Pending operations');
    await card.getByText('The device sleeps', { exact: true }).waitFor();
    for (const name of ['Manufacturer', 'Battery Level', 'Current Time']) await button(`Read ${name}`).click();
    await card.getByRole('button', { name: 'Read /3/0/13 earlier' }).click();
    await card.getByRole('row').nth(2).filter({ hasText: '/3/0/13' }).waitFor();
    assert.deepEqual(await card.getByText(/^\/3\/0\/\d+$/).allInnerTexts(), ['/3/0/0', '/3/0/13', '/3/0/9']);
    await assertAccessible('section[aria-label="Pending operations"]');
    await card.getByRole('button', { name: 'Give up Read /3/0/13' }).click();
    await card.getByRole('row').nth(2).filter({ hasText: '/3/0/9' }).waitFor();
    await page.getByRole('alert').filter({ hasText: 'Read /3/0/13' }).waitFor();
    sleeper.update();
    await page.getByTestId('value-/3/0/0').filter({ hasText: 'Lapwing' }).waitFor();
    await page.getByTestId('value-/3/0/9').filter({ hasText: '70 %' }).waitFor();
    await card.getByText('Nothing waits.').waitFor();
    await card.getByText('The device sleeps', { exact: true }).waitFor();
  });

  it('shows a notification that cannot be read, until it is put away', async () => {
    await using garbler = await CoapPeer.open();
    const server = { host: '127.0.0.1', port: app.coapPort };
    garbler.handle('3303/0/5700', (request, now, out) => {
      const isObserve = request.options.some(({ number }) => number === OPTIONS.observe.number);
      const options = buildOptions({ contentFormat: 0 });
      const good = { code: Codes.content, options, payload: new TextEncoder().encode('21.5'), observe: isObserve };
      const relation = garbler.driver.endpoint.respond(now, request, good, out);
      if (relation === undefined) return;
      const bad = { code: Codes.content, options: buildOptions({ contentFormat: SENML_CBOR }), payload: BROKEN_OFF };
      garbler.driver.endpoint.notify(now, relation, bad, out, false);
    });
    const registered = await garbler.request(server, {
      code: Codes.post,
      options: buildOptions({
        uriPath: ['rd'],
        contentFormat: 40,
        uriQuery: [`ep=${GARBLER}`, 'lt=300', 'lwm2m=1.1', 'b=U'],
      }),
      payload: new TextEncoder().encode('</1/0>,</3/0>,</3303/0>'),
    }).answer;
    assert.equal(registered.code, Codes.created);
    await page.goto(`/devices/${GARBLER}`);
    await button('Observe Sensor Value').click();
    const alert = page.getByRole('alert').filter({ hasText: 'A notification could not be read' });
    await alert.filter({ hasText: '/3303/0/5700' }).waitFor();
    await assertAccessible('[role=alert]');
    await alert.getByRole('button', { name: 'Dismiss the notifications that could not be read' }).click();
    await alert.waitFor({ state: 'detached' });
  });

  it('put nothing on the browser console but what was given up', () => {
    const unexpected = watched.complaints.filter((complaint) => !complaint.includes('/nodes/3/0/13'));
    assert.deepEqual(unexpected, []);
  });
});
