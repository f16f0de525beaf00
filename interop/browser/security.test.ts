/**
 * The Security page in a real browser: a key that the console made lets a real LwM2M Client in over DTLS, a wrong one is
 * told with its reason, and a credential that is removed shuts the device out.
 */
import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import { LwM2mClient, temperatureObject } from '@lapwing/client';
import { startApp, type App } from 'lapwing';
import type { Browser, Locator, Page } from 'playwright-core';
import { seriousViolations } from './accessibility.ts';
import { launchChromium, missingChromium, watchedPage, type WatchedPage } from './chromium.ts';

const NAME = 'urn:dev:ops:secured/1';

describe('the Security page', { skip: missingChromium() }, () => {
  let app: App;
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;
  let axe: string;
  const clients: LwM2mClient[] = [];
  /** Requests that this test makes the server refuse; the browser puts each on its console. */
  const refused: string[] = [];
  let key = '';

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
  const button = (name: string): Locator => page.getByRole('button', { name, exact: true });

  async function assertAccessible(part = 'html'): Promise<void> {
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await seriousViolations(page, axe, part), [], `in ${colorScheme} colours`);
    }
  }

  async function connect(identity: string, hexKey: string): Promise<LwM2mClient> {
    const client = await LwM2mClient.start({
      endpointClientName: NAME,
      servers: [
        {
          uri: `coaps://127.0.0.1:${app.coapsPort}`,
          lifetimeSeconds: 300,
          credentials: {
            kind: 'psk',
            identity: new TextEncoder().encode(identity),
            key: createSecretKey(hexKey, 'hex'),
          },
        },
      ],
      objects: [temperatureObject({ value: 20.25 })],
      host: '127.0.0.1',
    });
    clients.push(client);
    return client;
  }

  it('is reached from the navigation, and shows what the server proves itself with', async () => {
    await page.goto('/');
    await page.getByRole('navigation').getByRole('link', { name: 'Security' }).click();
    await page.getByRole('heading', { name: 'Security', level: 1 }).waitFor();
    await section('This server').getByText(app.security.identity.publicKeyFingerprint).waitFor();
    await section('Credentials').getByText('No device has credentials yet.').waitFor();
    await section('Refused handshakes').getByText('None since the server was started.').waitFor();
    await assertAccessible();
  });

  it('adds a pre-shared key by keyboard alone, and shows the key that was made once', async () => {
    await button('Add a credential').focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Add a credential' });
    await dialog.getByRole('textbox', { name: 'Device' }).waitFor();
    await assertAccessible('[role=dialog]');
    await page.keyboard.type(NAME);
    await page.keyboard.press('Enter');
    const made = page.getByRole('dialog', { name: `Key of ${NAME}` });
    key = (await made.getByTestId('made-key').innerText()).trim();
    assert.match(key, /^[0-9a-f]{32}$/);
    assert.equal((await made.getByTestId('made-identity').innerText()).trim(), NAME);
    await made.getByRole('button', { name: 'Copy the key' }).waitFor();
    await assertAccessible('[role=dialog]');
    await made.getByRole('button', { name: 'Done' }).click();
    await made.waitFor({ state: 'detached' });
    const row = section('Credentials').getByRole('row').filter({ hasText: NAME });
    await row.getByText('PSK', { exact: true }).waitFor();
    assert.ok(!(await page.content()).includes(key));
    await assertAccessible();
  });

  it('says what is wrong at the field, and asks before it replaces a credential', async () => {
    refused.push('/api/v1/security/credentials');
    await button('Add a credential').click();
    const dialog = page.getByRole('dialog', { name: 'Add a credential' });
    await dialog.getByRole('textbox', { name: 'Device' }).fill(NAME);
    await dialog.getByRole('textbox', { name: 'Key' }).fill('not hexadecimal');
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await dialog
      .getByText(/\/key: 1 to 64 bytes/)
      .first()
      .waitFor();
    await dialog.getByRole('textbox', { name: 'Key' }).fill('');
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await dialog.getByRole('checkbox', { name: /^Replace what the device has/ }).waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  it('lets a device in with that key, and the console shows it as secured', async () => {
    const client = await connect(NAME, key);
    await client.whenRegistered();
    await page.getByRole('navigation').getByRole('link', { name: 'Devices' }).click();
    const listed = page.getByRole('row').filter({ has: page.getByRole('link', { name: NAME, exact: true }) });
    await listed.getByText('PSK', { exact: true }).waitFor();
    await assertAccessible();
    await page.getByRole('link', { name: NAME, exact: true }).click();
    await page.getByText('PSK_WITH_AES_128_CCM_8', { exact: true }).waitFor();
    await page.getByText('yes, its address may change').waitFor();
    await button('Read everything').click();
    await page.getByTestId('value-/3303/0/5700').filter({ hasText: '20.25 °C' }).waitFor();
    await assertAccessible();
  });

  it('lists a device with a wrong key under the refused handshakes, live, with the reason in words', async () => {
    await page.getByRole('navigation').getByRole('link', { name: 'Security' }).click();
    const panel = section('Refused handshakes');
    await panel.getByText('None since the server was started.').waitFor();
    await connect(NAME, '00'.repeat(16));
    const row = panel.getByRole('row').filter({ hasText: NAME });
    await row.getByText(/key/).first().waitFor();
    await connect('nobody', '00'.repeat(16));
    await panel.getByRole('row').filter({ hasText: 'nobody' }).getByText('unknown_psk_identity').waitFor();
    await assertAccessible();
  });

  it('trusts a certificate from a file and no longer, and says why a file is none', async () => {
    refused.push('/api/v1/security/trust-anchors');
    const panel = section('Trusted certificates');
    const upload = panel.locator('input[type=file]');
    const file = (text: string) => ({ name: 'ca.pem', mimeType: 'application/x-pem-file', buffer: Buffer.from(text) });
    await upload.setInputFiles(file('none'));
    await panel.getByRole('alert').filter({ hasText: 'there is no certificate in PEM' }).waitFor();
    await upload.setInputFiles(file(app.security.identity.certificatePem));
    await panel.getByRole('button', { name: /^Trust CN=.* no longer$/ }).click();
    const dialog = page.getByRole('dialog', { name: 'Trust this certificate no longer?' });
    await assertAccessible('[role=dialog]');
    await dialog.getByRole('button', { name: 'Trust no longer' }).click();
    await panel.getByText('No certificate is trusted').waitFor();
  });

  it('removes the credential after asking, and the device is out at once', async () => {
    await button(`Remove PSK of ${NAME}`).click();
    const dialog = page.getByRole('dialog', { name: 'Remove this credential?' });
    await assertAccessible('[role=dialog]');
    await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    await section('Credentials').getByText('No device has credentials yet.').waitFor();
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
