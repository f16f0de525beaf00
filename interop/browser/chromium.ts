/** Debian's Chromium, driven by Playwright: found, or the suite skips with the reason; and a page that keeps accounts. */
import { existsSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** False when there is a Chromium, else why the suite is skipped. With LAPWING_REQUIRE_TOOLS=1 a missing one is an error. */
export function missingChromium(): false | string {
  if (existsSync(EXECUTABLE)) return false;
  const reason = `${EXECUTABLE} does not exist (Debian package chromium, or its path in CHROMIUM)`;
  if (process.env['LAPWING_REQUIRE_TOOLS'] === '1') throw new Error(reason);
  return reason;
}

/** Chromium with an empty user data folder that asks nothing of the network by itself. */
export const launchChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });

/** A page and everything it complained about or asked for. */
export interface WatchedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors and warnings on the console, and exceptions, each with its address. */
  readonly complaints: string[];
  readonly requests: string[];
}

export async function watchedPage(browser: Browser, baseURL: string): Promise<WatchedPage> {
  const context = await browser.newContext({ baseURL, viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
  // Only how long a failing test takes; none waits for it to pass.
  context.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  const requests: string[] = [];
  context.on('request', (request) => requests.push(request.url()));
  context.on('weberror', (error) => complaints.push(String(error.error())));
  context.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    complaints.push(`${message.text()} (${message.location().url})`);
  });
  return { page: await context.newPage(), context, complaints, requests };
}
