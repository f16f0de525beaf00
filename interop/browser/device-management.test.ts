/**
 * Composite sets, attributes, a sleeping device and a firmware update on the web console in a real browser, against the
 * real server and real LwM2M Clients over UDP.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { deviceObject, firmwareUpdateObject, LwM2mClient, temperatureObject } from '@lapwing/client';
import { startApp, type App } from 'lapwing';
import type { Browser, Locator, Page } from 'playwright-core';
import { seriousViolations } from './accessibility.ts';
import { launchChromium, missingChromium, watchedPage, type WatchedPage } from './chromium.ts';

const NAME = 'browser-device';
const SLEEPER = 'browser-sleeper';
const TEMPERATURE = '/3303/0/5700';
const IMAGE = Buffer.alloc(60_000, 7);
const CONSOLE = fileURLToPath(new URL('../../apps/console/dist/index.html', import.meta.url));

describe('the web console manages devices', { skip: missingChromium() }, () => {
  let app: App;
  let device: LwM2mClient;
  let sleeper: LwM2mClient;
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;
  let axe: string;
  let received = 0;
  let install = (): void => assert.fail('nothing is to be installed yet');

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
      // Longer than all of this takes: a device that is awake stays so.
      clientAwakeTime: 3_600_000,
    });
    const servers = [{ uri: `coap://127.0.0.1:${app.coapPort}`, lifetimeSeconds: 300 }];
    device = await LwM2mClient.start({
      endpointClientName: NAME,
      servers,
      objects: [
        deviceObject({ manufacturer: 'Lapwing', utcOffset: '+00:00', timezone: 'UTC', firmwareVersion: '1.0' }),
        temperatureObject({ value: 20.25 }),
        firmwareUpdateObject({
          receive: () => ({
            write: (bytes) => void (received += bytes.length),
            end: () => undefined,
            discard: () => undefined,
          }),
          install: () =>
            new Promise((resolve) => {
              install = () => resolve({ firmwareVersion: '2.0' });
            }),
        }),
      ],
    });
    sleeper = await LwM2mClient.start({
      endpointClientName: SLEEPER,
      servers,
      queueMode: true,
      objects: [deviceObject({ manufacturer: 'Lapwing' })],
    });
    await Promise.all([device.whenRegistered(), sleeper.whenRegistered()]);
    browser = await launchChromium();
    watched = await watchedPage(browser, app.httpUrl);
    page = watched.page;
  });
  after(async () => {
    await browser?.close();
    await device?.close();
    await sleeper?.close();
    await app?.close();
  });

  const button = (name: string): Locator => page.getByRole('button', { name, exact: true });
  const inSet = (path: string, text: string): Locator =>
    page.getByTestId(`composite-${path}`).filter({ hasText: text });

  async function assertAccessible(part = 'html'): Promise<void> {
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await seriousViolations(page, axe, part), [], `in ${colorScheme} colours`);
    }
  }

  async function addToSet(name: string): Promise<void> {
    await button(`More for ${name}`).click();
    await page.getByRole('menuitem', { name: 'Add to the composite set' }).click();
  }

  it('reads a set of nodes in one operation, and keeps the set in the browser', async () => {
    await page.goto(`/devices/${NAME}`);
    await addToSet('Sensor Value');
    await addToSet('UTC Offset');
    await addToSet('Timezone');
    await page.reload();
    await button('Read the set').click();
    await inSet(TEMPERATURE, '20.25').waitFor();
    await inSet('/3/0/14', '+00:00').waitFor();
    await assertAccessible();
  });

  it('observes the set: a change of one node brings all', async () => {
    await button('Observe the set').click();
    await page.getByRole('button', { name: 'Observe the set', pressed: true }).waitFor();
    device.set(TEMPERATURE, 23.5);
    await inSet(TEMPERATURE, '23.5').waitFor();
    await button('Observe the set').click();
    await page.getByRole('button', { name: 'Observe the set', pressed: false }).waitFor();
  });

  it('writes what can be written of the set at once', async () => {
    await button('Write the set').click();
    const dialog = page.getByRole('dialog', { name: 'Write the composite set' });
    await dialog.getByLabel('UTC Offset /3/0/14').fill('+05:30');
    await dialog.getByLabel('Timezone /3/0/15').fill('Asia/Kolkata');
    await assertAccessible('[role=dialog]');
    await dialog.getByRole('button', { name: 'Write all' }).click();
    await dialog.waitFor({ state: 'detached' });
    await inSet('/3/0/15', 'Asia/Kolkata').waitFor();
    assert.deepEqual([device.get('/3/0/14'), device.get('/3/0/15')], ['+05:30', 'Asia/Kolkata']);
  });

  it('tells own attributes from inherited ones, and does not send what contradicts itself', async () => {
    const attributesOf = async (name: string): Promise<Locator> => {
      await button(`More for ${name}`).click();
      await page.getByRole('menuitem', { name: 'Write attributes' }).click();
      return page.getByRole('dialog', { name: `Attributes of ${name}` });
    };
    const object = await attributesOf('Temperature');
    await object.getByLabel('Minimum period, s (pmin)').fill('5');
    await object.getByRole('button', { name: 'Write attributes' }).click();
    await object.waitFor({ state: 'detached' });
    const resource = await attributesOf('Sensor Value');
    await resource.getByText('inherited: 5 from /3303').waitFor();
    await resource.getByLabel('Greater than (gt)').fill('20');
    await resource.getByLabel('Less than (lt)').fill('30');
    await resource.getByRole('alert').filter({ hasText: 'must be below Greater than' }).waitFor();
    await resource.getByLabel('Less than (lt)').fill('10');
    await resource.getByLabel('Minimum period, s (pmin)').fill('1');
    await assertAccessible('[role=dialog]');
    await resource.getByRole('button', { name: 'Write attributes' }).click();
    await resource.waitFor({ state: 'detached' });
    const again = await attributesOf('Sensor Value');
    await again.getByText('own: 1, in place of 5 from /3303').waitFor();
    await again.getByText('own: 20').waitFor();
    await page.keyboard.press('Escape');
    await again.waitFor({ state: 'detached' });
  });

  it('updates the firmware of a device: sent, installed, and the new version runs', async () => {
    await page.getByRole('link', { name: 'Firmware', exact: true }).first().click();
    await page.getByRole('heading', { name: 'Firmware', level: 1 }).waitFor();
    await page.getByLabel('Version of the image').fill('2.0');
    const file = { name: 'image.bin', mimeType: 'application/octet-stream', buffer: IMAGE };
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByRole('cell', { name: 'image.bin', exact: true }).waitFor();
    await assertAccessible();
    await page.goto(`/devices/${NAME}`);
    await button('Update').click();
    const update = page.getByTestId(`update-${NAME}`);
    await update.filter({ hasText: 'The device installs' }).waitFor();
    const bar = page.getByRole('progressbar', { name: `Firmware update of ${NAME}` });
    assert.equal(await bar.getAttribute('aria-valuenow'), '90');
    assert.equal(received, IMAGE.length);
    await assertAccessible();
    install();
    await update.filter({ hasText: 'The new firmware runs. 1.0 → 2.0' }).waitFor();
    assert.equal(await bar.getAttribute('aria-valuenow'), '100');
    await page.goto('/firmware');
    await page.getByTestId(`update-${NAME}`).filter({ hasText: '1.0 → 2.0' }).waitFor();
  });

  it('says that nothing waits for a device in queue mode that is awake', async () => {
    await page.goto(`/devices/${SLEEPER}`);
    const card = page.getByRole('region', { name: 'Pending operations' });
    await card.getByText('The device is awake').waitFor();
    await card.getByText('Nothing waits.').waitFor();
    await assertAccessible();
  });

  it('put nothing on the browser console', () => assert.deepEqual(watched.complaints, []));
});
