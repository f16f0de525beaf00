/** `lapwing serve`: from the settings to a running server, until a signal ends it. */
import { readFile } from 'node:fs/promises';
import { isMalformed } from '@lapwing/lwm2m';
import { startApp } from './app.ts';
import { banner } from './banner.ts';
import { type Configuration, type ConfigurationSources, configurationFrom, unknownVariables } from './configuration.ts';
import { simulatedDevices } from './demo/demo.ts';
import { createLog } from './log.ts';
import { StartFailure } from './start-failure.ts';
import { VERSION } from './version.ts';

/** What the command line needs of the process. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin?: AsyncIterable<string | Uint8Array>;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  once(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
}

/**
 * Answers when a signal has ended the server and everything is closed.
 *
 * Rejects with StartFailure when it does not start.
 */
export async function serve(flags: Readonly<Record<string, unknown>>, terminal: Terminal): Promise<void> {
  const { config, ...settings } = flags;
  const configuration = await readConfiguration(config ?? terminal.env['LAPWING_CONFIG'], settings, terminal);
  const log = createLog({
    level: configuration.logLevel,
    readable: terminal.stderr.isTTY === true,
    destination: terminal.stderr,
  });
  for (const sentence of unknownVariables(terminal.env, OTHER_VARIABLES)) log.warn(sentence);
  // From here on a signal ends what is running, also while it is still starting.
  const signalled = signal(terminal);
  const app = await startApp({ ...configuration, log });
  const devices = configuration.demo
    ? simulatedDevices(Date.now(), configuration.bootstrap && configuration.coaps)
    : [];
  terminal.stdout.write(banner(app, configuration, devices, VERSION));
  await signalled;
  await app.close();
  terminal.stdout.write('Lapwing has stopped.\n');
}

/** Read here, by the commands that ask a server, and by tests. */
const OTHER_VARIABLES = ['LAPWING_CONFIG', 'LAPWING_URL', 'LAPWING_REQUIRE_TOOLS', 'LAPWING_PCSC_MINI'];

async function readConfiguration(
  file: unknown,
  flags: Readonly<Record<string, unknown>>,
  terminal: Terminal,
): Promise<Configuration> {
  const sources: ConfigurationSources = { flags, environment: terminal.env };
  const configuration = configurationFrom(
    typeof file === 'string' && file !== '' ? { ...sources, file: await readSettingsFile(file) } : sources,
  );
  if (isMalformed(configuration)) throw new StartFailure(configuration.malformed.replace(/[^.?]$/, '$&.'));
  return configuration;
}

async function readSettingsFile(name: string): Promise<{ readonly name: string; readonly text: string }> {
  try {
    return { name, text: await readFile(name, 'utf8') };
  } catch (error) {
    throw new StartFailure(`The configuration file cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

function signal(terminal: Terminal): Promise<void> {
  return new Promise((resolve) => {
    const ended = (): void => {
      // A second signal finds no listener and ends the process at once.
      terminal.off('SIGINT', ended);
      terminal.off('SIGTERM', ended);
      resolve();
    };
    terminal.once('SIGINT', ended);
    terminal.once('SIGTERM', ended);
  });
}
