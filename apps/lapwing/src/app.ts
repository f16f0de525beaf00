/**
 * The server put together, in the order in which things may fail: folders, keys, CoAP, HTTP, and only then the simulated
 * devices. What was started before a failure is closed again.
 */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Driver, PeerAddress } from '@lapwing/transport';
import { FirmwareUpdates, LwM2mServer } from '@lapwing/server';
import type { Logger } from 'pino';
import { type Bootstrap, startBootstrap } from './bootstrap/bootstrap.ts';
import { logCaughtErrors } from './caught-errors.ts';
import { type Configuration, DEFAULT_CONFIGURATION } from './configuration.ts';
import { countersOf } from './counters.ts';
import { DefinitionStore } from './definition-store.ts';
import { startDemo } from './demo/demo.ts';
import { DEFAULT_EVENT_LOG_LIMITS, EventLog } from './event-log.ts';
import { FirmwareImages } from './firmware/firmware-images.ts';
import { bindDevices, nearAddress, portFailure } from './listening.ts';
import { createLog } from './log.ts';
import { readProfiles } from './profiles-file.ts';
import { logBootstrapEvents } from './rest/bootstrap-events.ts';
import type { Http } from './rest/context.ts';
import { logMalformedNotifications, logRefusedHandshakes, logServerEvents } from './rest/event-json.ts';
import { logFirmwareUpdates } from './rest/firmware.ts';
import { httpServer } from './rest/http-server.ts';
import { addressText } from './rest/registration-json.ts';
import { keepSends } from './rest/sends.ts';
import { openSecurity, type Security } from './security/security.ts';
import { DEFAULT_SENT_VALUES_LIMITS, SentValues } from './sent-values.ts';
import { usableFolder } from './usable-folder.ts';
import { VERSION } from './version.ts';

/** Images kept at once. */
const MAX_FIRMWARE_IMAGES = 100;

/** As `lapwing serve` with nothing given, but for the data folder: a library keeps nothing unasked. */
type Settings = Omit<Configuration, 'dataDir'> & { readonly dataDir: string | undefined };

export interface App extends AsyncDisposable {
  /** "http://127.0.0.1:8080", as a browser on this machine reaches it. */
  readonly httpUrl: string;
  readonly coapPort: number;
  /** Undefined without coaps. */
  readonly coapsPort: number | undefined;
  /** "coap://0.0.0.0:5683", "coaps://0.0.0.0:5684", one per socket. */
  readonly coapUrls: readonly string[];
  /** "coap://0.0.0.0:5783", "coaps://0.0.0.0:5784"; none when it is switched off. */
  readonly bootstrapUrls: readonly string[];
  readonly server: LwM2mServer;
  readonly bootstrap: Bootstrap;
  readonly definitions: DefinitionStore;
  readonly events: EventLog;
  readonly security: Security;
  /** De-register the simulated devices, end the streams, keep for the next start what devices rely on, close every socket. */
  close(): Promise<void>;
}

export interface AppOptions extends Partial<Configuration> {
  readonly log?: Logger;
  /** Where the built console is; the one of this project by default. */
  readonly consoleFolder?: string;
  /** ms between the comments that keep event streams alive. Default 15,000. */
  readonly heartbeatInterval?: number;
}

/**
 * Start everything; ports 0 let the system choose.
 *
 * Rejects with StartFailure when a port is taken or a folder cannot be used; nothing is left running then.
 */
export async function startApp(options: AppOptions = {}): Promise<App> {
  const configuration: Settings = { ...DEFAULT_CONFIGURATION, dataDir: undefined, ...defined(options) };
  const log = options.log ?? createLog({ level: configuration.logLevel, readable: false, destination: process.stderr });
  const closers: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const closeOne of closers.splice(0).reverse()) await closeOne();
  };
  try {
    return await startInOrder(configuration, options, log, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function startInOrder(
  configuration: Settings,
  options: AppOptions,
  log: Logger,
  closers: (() => Promise<unknown>)[],
  close: () => Promise<void>,
): Promise<App> {
  const silence = logCaughtErrors(log);
  closers.push(() => Promise.resolve(silence()));
  const definitions = await loadDefinitions(configuration, log);
  const security = await openSecurity(configuration.dataDir, configuration.maxCredentials, Date.now(), log);
  closers.push(() => security.close());
  const firmware = await FirmwareImages.open(configuration.dataDir, {
    maxBytes: configuration.maxFirmwareBytes,
    maxImages: MAX_FIRMWARE_IMAGES,
  });
  closers.push(() => firmware.close());
  const profiles = await readProfiles(configuration.profiles);
  const drivers = await bindDevices(configuration, security);
  const server = new LwM2mServer({
    drivers,
    definitions: definitions.registry,
    securityStore: security.store,
    profiles,
    parameters: { maxRegistrations: configuration.maxDevices, clientAwakeTime: configuration.clientAwakeTime },
  });
  // After the server, so that whoever waits for a sleeping device over HTTP is told that its operation is kept.
  let http: Http | undefined = undefined;
  closers.push(async () => http?.close());
  closers.push(() => stop(server, security, log));
  await goOn(server, security, log);
  const events = new EventLog({ ...DEFAULT_EVENT_LOG_LIMITS, maxEvents: configuration.maxEvents });
  logServerEvents(server, events);
  const sentValues = new SentValues({ ...DEFAULT_SENT_VALUES_LIMITS, maxValuesPerDevice: configuration.maxSentValues });
  keepSends(server, sentValues, events);
  logMalformedNotifications(server, events);
  logRefusedHandshakes(server, security.refusals, events);
  const firmwareUpdates = new FirmwareUpdates(server);
  logFirmwareUpdates(firmwareUpdates, events);
  // After all that must not miss what devices do: it takes a moment.
  const bootstrap = await startBootstrap(configuration.dataDir, configuration, security, server, drivers);
  closers.push(() => bootstrap.server.close());
  logBootstrapEvents(bootstrap, events);

  const coapUrls = drivers.map(({ scheme, localAddress }) => `${scheme}://${addressText(localAddress)}`);
  http = await httpServer(
    {
      server,
      definitions,
      events,
      sentValues,
      security,
      bootstrap,
      firmware,
      firmwareUpdates,
      version: VERSION,
      startedAt: new Date(),
      demo: configuration.demo,
      coapUrls,
      counters: () => ({ registrations: server.registrationCount, ...server.counters, ...countersOf(drivers) }),
      deviceTimeout: configuration.deviceTimeout,
      maxEventStreams: configuration.maxEventStreams,
      heartbeatInterval: options.heartbeatInterval ?? 15_000,
    },
    {
      // That it listens is in the banner; the framework has nothing else to say at this level.
      log: log.child({}, { level: log.level === 'info' ? 'warn' : log.level }),
      httpHost: configuration.httpHost,
      allowedHosts: configuration.httpAllowedHosts,
      maxBodyBytes: configuration.maxBodyBytes,
      ...(options.consoleFolder === undefined ? {} : { consoleFolder: options.consoleFolder }),
    },
  );
  await listenHttp(http, configuration);

  if (configuration.demo) {
    const demo = await startDemo(drivers, security, bootstrap, log);
    closers.push(() => demo.close());
  }

  const { address, port } = http.server.address() as AddressInfo;
  return {
    httpUrl: `http://${reachable({ host: address, port })}`,
    coapPort: portOf(drivers, 'coap') ?? 0,
    coapsPort: portOf(drivers, 'coaps'),
    coapUrls,
    bootstrapUrls: bootstrap.urls,
    server,
    bootstrap,
    definitions,
    events,
    security,
    close,
    [Symbol.asyncDispose]: close,
  };
}

const portOf = (drivers: readonly Driver[], scheme: Driver['scheme']): number | undefined =>
  drivers.find((driver) => driver.scheme === scheme)?.localAddress.port;

/** Go on where the last planned stop left off, so that devices notice nothing. */
async function goOn(server: LwM2mServer, { snapshot }: Security, log: Logger): Promise<void> {
  const bytes = await snapshot?.take();
  if (snapshot !== undefined && bytes !== undefined) {
    const resumption = await server.resume({ bytes, key: snapshot.key });
    if (resumption.kind === 'resumed') {
      const { associations, registrations, observations, operations, ended } = resumption;
      if (associations + registrations + observations + ended.length > 0) {
        log.info(
          { associations, registrations, observations, operations, endedOperations: ended.length },
          'gone on where the last stop left off',
        );
      }
    } else {
      log.warn(`The state that the last stop left cannot be used and was deleted: ${resumption.reason}.`);
    }
  }
  await server.restore();
}

/** Keep what devices rely on where there is a folder for it. When it cannot be kept, devices have to come back by themselves. */
async function stop(server: LwM2mServer, { snapshot }: Security, log: Logger): Promise<void> {
  if (snapshot === undefined) return server.close();
  const bytes = await server.suspend(snapshot.key);
  try {
    await snapshot.put(bytes);
  } catch (error) {
    log.error({ err: error }, 'the state of devices could not be kept: they have to register again');
  }
}

/** Without the keys that are there and undefined, so that they do not hide a default. */
const defined = (options: AppOptions): Partial<Configuration> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

async function loadDefinitions(configuration: Settings, log: Logger): Promise<DefinitionStore> {
  const { dataDir } = configuration;
  if (dataDir !== undefined) await usableFolder(dataDir, '--data-dir');
  const modelsDir = configuration.modelsDir ?? (dataDir === undefined ? undefined : join(dataDir, 'models'));
  if (modelsDir !== undefined) {
    await usableFolder(modelsDir, configuration.modelsDir === undefined ? '--data-dir' : '--models-dir');
  }
  const definitions = new DefinitionStore(modelsDir);
  for (const complaint of await definitions.load()) log.warn(complaint);
  return definitions;
}

async function listenHttp(http: Http, { httpHost, httpPort }: Settings): Promise<void> {
  try {
    await http.listen({ host: httpHost, port: httpPort });
  } catch (error) {
    throw portFailure(error, `HTTP port ${httpPort} (TCP) on ${httpHost}`, { option: '--http-port', otherwise: '' });
  }
}

/** Where a program on this machine reaches a socket that is bound to every address. */
const reachable = (address: PeerAddress): string => addressText(nearAddress(address));
