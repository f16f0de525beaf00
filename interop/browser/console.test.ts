/**
 * The web console in a real browser, against the real server and a real LwM2M Client over UDP: what a person sees and
 * does, and what the device holds afterwards.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { deviceObject, LwM2mClient, OperationRefused, temperatureObject } from '@lapwing/client';
import { Codes } from '@lapwing/coap';
import { startApp, type App } from 'lapwing';
import type { Browser, Locator, Page } from 'playwright-core';
import { seriousViolations } from './accessibility.ts';
import { launchChromium, missingChromium, watchedPage, type WatchedPage } from './chromium.ts';

const NAME = 'urn:dev:ops:browser test/1';
const TEMPERATURE = '/3303/0/5700';
const CONSOLE = fileURLToPath(new URL('../../apps/console/dist/index.html', import.meta.url));

describe('the web console', { skip: missingChromium() }, () => {
  let app: App;
  let device: LwM2mClient;
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;
  let axe: string;
  /** Requests that this test makes the device or the server refuse; the browser puts each on its console. */
  const refused: string[] = [];

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
    });
    browser = await launchChromium();
    watched = await watchedPage(browser, app.httpUrl);
    page = watched.page;
  });
  after(async () => {
    await browser?.close();
    await device?.close();
    await app?.close();
  });

  const row = (name: string): Locator => page.getByRole('listitem', { name });
  const value = (path: string, text: string): Locator => page.getByTestId(`value-${path}`).filter({ hasText: text });
  const button = (name: string): Locator => page.getByRole('button', { name, exact: true });

  /** @param part  a CSS selector. */
  async function assertAccessible(part = 'html'): Promise<void> {
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await seriousViolations(page, axe, part), [], `in ${colorScheme} colours`);
    }
  }

  it('says how to register while there is no device', async () => {
    await page.goto('/');
    await page.getByRole('heading', { name: 'No device is registered' }).waitFor();
    await page.getByText(`coap://127.0.0.1:${app.coapPort}`, { exact: true }).waitFor();
    await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
    await assertAccessible();
  });

  it('shows a device the moment it registers, without a reload', async () => {
    device = await LwM2mClient.start({
      endpointClientName: NAME,
      servers: [{ uri: `coap://127.0.0.1:${app.coapPort}`, lifetimeSeconds: 300 }],
      objects: [
        deviceObject({
          manufacturer: 'Lapwing',
          utcOffset: '+00:00',
          resources: {
            15: {
              read: () => 'Europe/Berlin',
              write: () => {
                throw new OperationRefused(Codes.methodNotAllowed, 'the time zone is fixed');
              },
            },
          },
        }),
        temperatureObject({ value: 20.25 }),
      ],
    });
    const listed = page.getByRole('row').filter({ has: page.getByRole('link', { name: NAME, exact: true }) });
    await listed.waitFor();
    await listed.getByText('Temperature', { exact: true }).waitFor();
    await assertAccessible();
  });

  it('opens it by a click, with its Resources by name', async () => {
    await page.getByRole('link', { name: NAME, exact: true }).click();
    await page.getByRole('heading', { name: NAME, level: 1 }).waitFor();
    await page.getByRole('heading', { name: 'Temperature' }).waitFor();
    await row(`Sensor Value ${TEMPERATURE}`).waitFor();
  });

  it('shows a refusal of the device with its code', async () => {
    refused.push('/nodes/3/0/9');
    await button('Read Battery Level').click();
    const alert = page.getByRole('alert').filter({ hasText: '4.04' });
    await alert.filter({ hasText: 'Read /3/0/9' }).waitFor();
    await alert.getByRole('button', { name: 'Dismiss' }).click();
    await alert.waitFor({ state: 'detached' });
  });

  it('reads everything at a click', async () => {
    await button('Read everything').click();
    await value('/3/0/0', 'Lapwing').waitFor();
    await value(TEMPERATURE, '20.25 °C').waitFor();
  });

  it('observes the temperature and shows three values as they arrive, with their course', async () => {
    const observe = button('Observe Sensor Value');
    await observe.click();
    await page.getByRole('button', { name: 'Observe Sensor Value', exact: true, pressed: true }).waitFor();
    for (const temperature of [21.5, 22.75, 19.5]) {
      device.set(TEMPERATURE, temperature);
      await value(TEMPERATURE, `${temperature} °C`).waitFor();
    }
    const course = page.getByRole('img', { name: /^Course of Sensor Value/ });
    await course.waitFor();
    assert.ok(Number(await course.getAttribute('data-points')) >= 3);
    await assertAccessible();
  });

  it('writes a Resource, and the device holds it', async () => {
    await button('Write UTC Offset').click();
    const dialog = page.getByRole('dialog', { name: 'Write UTC Offset' });
    await dialog.getByLabel('Value', { exact: true }).fill('+05:30');
    await dialog.getByRole('button', { name: 'Write', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    assert.equal(device.get('/3/0/14'), '+05:30');
    await value('/3/0/14', '+05:30').waitFor();
  });

  it('keeps what was typed when the device refuses a Write', async () => {
    refused.push('/nodes/3/0/15');
    await button('Write Timezone').click();
    const dialog = page.getByRole('dialog', { name: 'Write Timezone' });
    await dialog.getByLabel('Value', { exact: true }).fill('Asia/Tokyo');
    await page.keyboard.press('Enter');
    const alert = dialog.getByRole('alert');
    await alert.filter({ hasText: '4.05' }).filter({ hasText: 'the time zone is fixed' }).waitFor();
    assert.equal(await dialog.getByLabel('Value', { exact: true }).inputValue(), 'Asia/Tokyo');
    await assertAccessible('[role=dialog]');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  it('executes a Resource on the device', async () => {
    const executed = new Promise<string>((resolve) => device.once('executed', ({ args }) => resolve(args)));
    await button('Execute Reset Min and Max Measured Values').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Arguments').fill("0='all'");
    await dialog.getByRole('button', { name: 'Execute', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await executed, "0='all'");
    assert.equal(device.get('/3303/0/5601'), 19.5);
    assert.equal(device.get('/3303/0/5602'), 19.5);
  });

  it('writes attributes and discovers them', async () => {
    await button('More for Sensor Value').click();
    await page.getByRole('menuitem', { name: 'Write attributes' }).click();
    const writing = page.getByRole('dialog', { name: 'Attributes of Sensor Value' });
    await writing.getByLabel('Greater than (gt)').fill('25');
    await writing.getByRole('button', { name: 'Write attributes' }).click();
    await writing.waitFor({ state: 'detached' });
    await button('More for Sensor Value').click();
    await page.getByRole('menuitem', { name: 'Discover' }).click();
    const discovered = page.getByRole('dialog', { name: 'Discover Sensor Value' });
    await discovered.getByText('gt=25').waitFor();
    await page.keyboard.press('Escape');
    await discovered.waitFor({ state: 'detached' });
    await row(`Sensor Value ${TEMPERATURE}`).getByText('gt=25').waitFor();
  });

  it('ends the observation by a second click', async () => {
    const ended = new Promise<void>((resolve) => device.once('observationEnded', () => resolve()));
    await button('Observe Sensor Value').click();
    await page.getByRole('button', { name: 'Observe Sensor Value', exact: true, pressed: false }).waitFor();
    await ended;
  });

  it('opens a device by its address in a new page, with what is known of it', async () => {
    await page.goto(`/devices/${encodeURIComponent(NAME)}`);
    await page.getByRole('heading', { name: NAME, level: 1 }).waitFor();
  });

  it('shows the server and the definitions it knows', async () => {
    await page.getByRole('link', { name: 'Server', exact: true }).click();
    await page.getByRole('heading', { name: 'Server', level: 1 }).waitFor();
    await page.getByText(`coap://127.0.0.1:${app.coapPort}`).waitFor();
    await page.getByLabel('Search definitions').fill('temperature');
    await page
      .getByRole('button', { name: /Temperature/ })
      .first()
      .waitFor();
    await assertAccessible();
  });

  it('adds an object XML, and says why one with a DTD is refused', async () => {
    const upload = page.locator('input[type=file]');
    const file = (text: string) => ({ name: 'object.xml', mimeType: 'application/xml', buffer: Buffer.from(text) });
    refused.push('/api/v1/definitions');
    await upload.setInputFiles(file(`<!DOCTYPE LWM2M>${OBJECT_XML}`));
    await page
      .getByRole('alert')
      .filter({ hasText: /document type/ })
      .waitFor();
    await upload.setInputFiles(file(OBJECT_XML));
    await page.getByLabel('Search definitions').fill('33777');
    await page.getByRole('button', { name: 'Browser Test Object' }).click();
    const definition = page.getByRole('dialog', { name: 'Browser Test Object' });
    await definition.getByRole('cell', { name: 'Level' }).waitFor();
    await assertAccessible('[role=dialog]');
    await page.keyboard.press('Escape');
    await definition.waitFor({ state: 'detached' });
  });

  it('says so when a device is registered no more, on its page and in the list', async () => {
    refused.push(`/devices/${encodeURIComponent(NAME)}`);
    await page.goBack();
    await page.getByRole('heading', { name: NAME, level: 1 }).waitFor();
    await device.close();
    await page.getByRole('alert').filter({ hasText: 'No longer registered' }).waitFor();
    await page.getByRole('navigation').getByRole('link', { name: 'Devices' }).click();
    await page.getByRole('heading', { name: 'No device is registered' }).waitFor();
  });

  it('put nothing on the browser console but those refusals, and asked nothing of any other host', () => {
    const unexpected = watched.complaints.filter(
      (complaint) =>
        !(complaint.startsWith('Failed to load resource') && refused.some((part) => complaint.includes(part))),
    );
    assert.deepEqual(unexpected, []);
    assert.deepEqual(
      watched.requests.filter((url) => new URL(url).origin !== app.httpUrl),
      [],
    );
  });
});

/** Our own, in the schema of OMA's object files. */
const OBJECT_XML = `<LWM2M><Object ObjectType="MODefinition">
  <Name>Browser Test Object</Name><Description1>For this test.</Description1><ObjectID>33777</ObjectID>
  <ObjectURN>urn:oma:lwm2m:x:33777</ObjectURN><LWM2MVersion>1.0</LWM2MVersion><ObjectVersion>1.0</ObjectVersion>
  <MultipleInstances>Single</MultipleInstances><Mandatory>Optional</Mandatory>
  <Resources><Item ID="0"><Name>Level</Name><Operations>RW</Operations><MultipleInstances>Single</MultipleInstances>
    <Mandatory>Mandatory</Mandatory><Type>Integer</Type><RangeEnumeration>0..100</RangeEnumeration><Units>/100</Units>
    <Description>A level.</Description></Item></Resources><Description2></Description2>
</Object></LWM2M>`;
