/**
 * The Bootstrap page in a real browser: a configuration is made and previewed, and a real LwM2M Client bootstraps with it
 * and registers over DTLS with the key that was made for it; who is refused is told with what can be done.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createSecretKey } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { deviceObject, LwM2mClient, temperatureObject, type ClientOptions } from '@lapwing/client';
import { startApp, type App } from 'lapwing';
import type { Browser, Locator, Page } from 'playwright-core';
import { seriousViolations } from './accessibility.ts';
import { launchChromium, missingChromium, watchedPage, type WatchedPage } from './chromium.ts';

const NAME = 'urn:dev:ops:bootstrapped/1';
const STRANGER = 'stranger';
type Credentials = NonNullable<NonNullable<ClientOptions['bootstrapServer']>['credentials']>;
const FITS = 'document.documentElement.scrollWidth <= document.documentElement.clientWidth';

describe('the Bootstrap page', { skip: missingChromium() }, () => {
  let app: App;
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;
  let axe: string;
  const clients: LwM2mClient[] = [];
  /** Requests that this test makes the server refuse; the browser puts each on its console. */
  const refused: string[] = [];

  before(async () => {
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
    for (const client of clients) await client.close();
    await app?.close();
  });

  const section = (name: string): Locator => page.getByRole('region', { name, exact: true });
  const part = (name: string): Locator => page.getByRole('group', { name, exact: true });
  const button = (name: string): Locator => page.getByRole('button', { name, exact: true });
  const row = (of: Locator, text: string): Locator => of.getByRole('row').filter({ hasText: text });

  async function assertAccessible(selector = 'html'): Promise<void> {
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await seriousViolations(page, axe, selector), [], `in ${colorScheme} colours`);
    }
  }

  async function openBootstrap(): Promise<void> {
    await page.getByRole('navigation').getByRole('link', { name: 'Bootstrap' }).click();
    await page.getByRole('heading', { name: 'Bootstrap', level: 1 }).waitFor();
  }

  async function connect(name: string, credentials?: Credentials): Promise<LwM2mClient> {
    const scheme = credentials === undefined ? 'coap' : 'coaps';
    const uri = app.bootstrapUrls.find((url) => url.startsWith(`${scheme}:`));
    assert.ok(uri !== undefined);
    const client = await LwM2mClient.start({
      endpointClientName: name,
      servers: [],
      bootstrapServer: { uri, ...(credentials === undefined ? {} : { credentials }) },
      bootstrap: { pack: false },
      objects: [deviceObject({ timezone: 'UTC' }), temperatureObject({ value: 20.25 })],
      host: '127.0.0.1',
    });
    clients.push(client);
    return client;
  }

  it('is reached from the navigation, and says where devices ask and that none has', async () => {
    await page.goto('/');
    await openBootstrap();
    for (const url of app.bootstrapUrls) await page.getByText(url).waitFor();
    await section('Configurations').getByText('No device has a configuration yet.').waitFor();
    await section('Sessions').getByText('No device has asked since the server was started.').waitFor();
    await section('Refused').getByText('None since the server was started.').waitFor();
    await section('Unknown devices').getByText('They are refused.').waitFor();
    await section('Bootstrap credentials').getByText('No device has credentials yet.').waitFor();
    await assertAccessible();
  });

  it('tells a device without a configuration, and leads to one for it', async () => {
    await connect(NAME);
    const told = row(section('Refused'), NAME);
    await told.getByText(`There is no configuration for "${NAME}"`).waitFor();
    await assertAccessible();
    await clients.pop()?.close();
    await told.getByRole('link', { name: `Add a configuration for ${NAME}` }).click();
    await page.getByRole('heading', { name: 'New bootstrap configuration' }).waitFor();
    assert.equal(await page.getByRole('textbox', { name: 'Endpoint Client Name' }).inputValue(), NAME);
    await part('LwM2M Server 1')
      .getByText(/^The device is given coaps:/)
      .waitFor();
  });

  it('says what is wrong at the field, before anything is sent and when the server refuses it', async () => {
    const server = part('LwM2M Server 1');
    await server.getByRole('textbox', { name: 'Short Server ID' }).fill('70000');
    await button('Save').click();
    await server.getByText('A whole number from 0 to 65534 is needed.').waitFor();
    await server.getByRole('textbox', { name: 'Short Server ID' }).fill('1');
    await server.getByRole('textbox', { name: 'Lifetime in seconds' }).fill('300');

    refused.push('/preview');
    await page.getByRole('combobox', { name: 'Add an Object' }).fill('3 Dev');
    await page.getByRole('option', { name: '3 Device', exact: true }).click();
    const device = part('Device (3)');
    await device.getByText('One Resource').click();
    await device.getByRole('combobox', { name: 'Add a Resource of /3/0' }).fill('Battery Level');
    await page.getByRole('option', { name: '9 Battery Level' }).click();
    await device.getByRole('textbox', { name: 'Battery Level (9)' }).fill('101');
    await button('Preview').click();
    await device
      .getByText(/0\.\.100/)
      .first()
      .waitFor();
    await page
      .getByRole('alert')
      .filter({ hasText: /Object 1/ })
      .waitFor();
    await assertAccessible();
    await device.getByRole('button', { name: 'Take Battery Level (9) out of /3/0' }).click();
    await device.getByRole('combobox', { name: 'Add a Resource of /3/0' }).fill('Timezone');
    await page.getByRole('option', { name: '15 Timezone' }).click();
    await device.getByRole('textbox', { name: 'Timezone (15)' }).fill('Europe/Berlin');
  });

  it('previews the exact operations, with names of what is written and without secrets', async () => {
    const preview = section('Preview');
    await button('Preview').click();
    await preview.getByText(/^7 operations/).waitFor();
    const operations = preview.getByRole('list', { name: 'Operations' });
    const shown: (string | undefined)[] = [];
    for (const item of await operations.getByTestId(/^operation-/).all())
      shown.push((await item.getAttribute('data-testid'))?.replace('operation-', ''));
    assert.deepEqual(shown, [
      'discover-/',
      'delete-/0',
      'delete-/1',
      'write-/0/10',
      'write-/1/0',
      'write-/3/0/15',
      'finish-/bs',
    ]);
    await preview.getByTestId('previewed-/3/0/15').getByText('Europe/Berlin').waitFor();
    await preview.getByTestId('previewed-/0/10/3').getByText(`“${NAME}”`).waitFor();
    await preview.getByTestId('previewed-/0/10/5').getByText('made for each bootstrap').waitFor();
    await assertAccessible();

    // For a device that has a Bootstrap-Server account and nothing else, and prefers SenML JSON.
    await button('For which device').click();
    await page
      .getByRole('textbox', { name: 'What it answers to Bootstrap-Discover' })
      .fill('</>;lwm2m=1.1,</0/0>,</3/0>');
    await page.getByRole('combobox', { name: 'The format it prefers' }).click();
    await page.getByRole('option', { name: 'SenML JSON (110)' }).click();
    await button('Preview').click();
    await preview.getByText(/^5 operations/).waitFor();
    await preview.getByTestId('operation-write-/0/1').getByText('SenML JSON').waitFor();
    await page.getByRole('combobox', { name: 'Given as' }).click();
    await page.getByRole('option', { name: 'A Bootstrap-Pack in SenML CBOR' }).click();
    await button('Preview').click();
    await preview.getByTestId('operation-pack-/bspack').waitFor();
  });

  it('asks before what was changed is lost', async () => {
    const asked = page.waitForEvent('dialog');
    const leaving = button('Close').click();
    const dialog = await asked;
    assert.match(dialog.message(), /without saving/);
    await dialog.dismiss();
    await leaving;
    await page.getByRole('heading', { name: 'New bootstrap configuration' }).waitFor();
  });

  it('keeps the configuration, and shows the device bootstrap with it, step by step, and register', async () => {
    await button('Save').click();
    const listed = row(section('Configurations'), NAME);
    await listed.getByText('1 server, 1 other write').waitFor();
    await listed.getByText('not lately').waitFor();

    const client = await connect(NAME);
    await client.whenRegistered();
    const session = page.getByRole('group', { name: `Bootstrap of ${NAME}` });
    await session.getByText('Bootstrapped', { exact: true }).waitFor();
    const timeline = session.getByRole('table', { name: `Timeline of ${NAME}` });
    for (const [step, result] of [
      ['request-/bs', '2.04'],
      ['discover-/', '2.05'],
      ['write-/0/1', '2.04'],
      ['write-/1/0', '2.04'],
      ['write-/3/0/15', '2.04'],
      ['finish-/bs', '2.04'],
    ])
      await timeline.getByTestId(`timeline-${step}`).getByText(result!, { exact: true }).waitFor();
    await listed.getByText('Bootstrapped', { exact: true }).waitFor();
    await assertAccessible();

    await session.getByRole('link', { name: NAME }).click();
    await page.getByText('PSK_WITH_AES_128_CCM_8', { exact: true }).waitFor();
    await page.getByText(/^Bootstrapped (now|\d+ s ago)$/).waitFor();
    await button('Read everything').click();
    await page.getByTestId('value-/3/0/15').filter({ hasText: 'Europe/Berlin' }).waitFor();
  });

  it('has the device bootstrap anew from its page, and is told when it did', async () => {
    // With its new key the device comes anew; until it has, its page asks for one that is not registered.
    refused.push(`/devices/${encodeURIComponent(NAME)}`);
    const before = app.bootstrap.server.counters.started;
    await button('Bootstrap').click();
    await page.getByText(`${NAME} was asked to bootstrap.`).waitFor();
    await openBootstrap();
    await page
      .getByRole('group', { name: `Bootstrap of ${NAME}` })
      .nth(1)
      .waitFor();
    await page
      .getByRole('group', { name: `Bootstrap of ${NAME}` })
      .getByText('Bootstrapped', { exact: true })
      .nth(1)
      .waitFor();
    assert.equal(app.bootstrap.server.counters.started, before + 1);
  });

  it('gives unknown devices the default configuration only once it is switched on, with a warning', async () => {
    const unknown = section('Unknown devices');
    await unknown.getByRole('switch').click({ force: true });
    await page.getByRole('heading', { name: 'Default bootstrap configuration' }).waitFor();
    await page.getByText('For every device that asks').waitFor();
    await assertAccessible();
    await button('Save').click();
    await unknown.getByText('Anybody can ask for it').waitFor();
    await assertAccessible();
    const client = await connect(STRANGER);
    await client.whenRegistered();
    const session = page.getByRole('group', { name: `Bootstrap of ${STRANGER}` });
    await session.getByText('default configuration').waitFor();
    await session.getByText('Bootstrapped', { exact: true }).waitFor();
    await unknown.getByRole('switch').click({ force: true });
    const dialog = page.getByRole('dialog', { name: 'Refuse unknown devices?' });
    await assertAccessible('[role=dialog]');
    await dialog.getByRole('button', { name: 'Remove it' }).click();
    await unknown.getByText('They are refused.').waitFor();
  });

  it('lets a device prove itself after a refused handshake, in one click', async () => {
    const key = '00112233445566778899aabbccddeeff';
    const credentials: Credentials = {
      kind: 'psk',
      identity: new TextEncoder().encode('factory-7'),
      key: createSecretKey(key, 'hex'),
    };
    await connect('factory-7', credentials);
    await row(section('Refused'), 'factory-7').getByText('unknown_psk_identity').waitFor();
    await clients.pop()?.close();
    await button('Add a credential for factory-7').click();
    const dialog = page.getByRole('dialog', { name: 'Add a credential' });
    assert.equal(await dialog.getByRole('textbox', { name: 'Identity' }).inputValue(), 'factory-7');
    await dialog.getByRole('textbox', { name: 'Key' }).fill(key);
    await assertAccessible('[role=dialog]');
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    await row(section('Bootstrap credentials'), 'factory-7').getByText('PSK', { exact: true }).waitFor();
    // It may come now, and is told that there is nothing for it.
    await connect('factory-7', credentials);
    await row(section('Refused'), 'factory-7')
      .getByText(/There is no configuration for/)
      .waitFor();
  });

  it('removes a configuration after asking', async () => {
    await button(`Remove the configuration of ${NAME}`).click();
    const dialog = page.getByRole('dialog', { name: 'Remove this configuration?' });
    await assertAccessible('[role=dialog]');
    await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
    await section('Configurations').getByText('No device has a configuration yet.').waitFor();
  });

  it('fits a narrow screen without scrolling sideways', async () => {
    await page.setViewportSize({ width: 380, height: 800 });
    // The navigation slides away first.
    await assertAccessible();
    assert.equal(await page.evaluate(FITS), true);
    await page.getByRole('link', { name: 'Add a configuration', exact: true }).click();
    await page.getByRole('heading', { name: 'New bootstrap configuration' }).waitFor();
    await assertAccessible();
    assert.equal(await page.evaluate(FITS), true);
  });

  it('put nothing on the browser console but those refusals, and asked nothing of any other host', () => {
    // Whether a device has a configuration is asked before one is made for it.
    refused.push(`/bootstrap/configurations/${encodeURIComponent(NAME)}`);
    const unexpected = watched.complaints.filter(
      (complaint) =>
        !(complaint.startsWith('Failed to load resource') && refused.some((address) => complaint.includes(address))),
    );
    assert.deepEqual(unexpected, []);
    assert.deepEqual(
      watched.requests.filter((url) => new URL(url).origin !== app.httpUrl),
      [],
    );
  });
});
