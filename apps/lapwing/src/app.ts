/**
 * The server put together, in the order in which things may fail: folders, keys, CoAP, HTTP, and only then the simulated
 * devices. What was started before a failure is closed again.
 */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { UdpDriver } from '@lapwing/transport';
import { LwM2mServer } from '@lapwing/server';
import type { Logger } from 'pino';
import { type Configuration, DEFAULT_CONFIGURATION } from './configuration.ts';
import { countersOf } from './counters.ts';
import { DefinitionStore } from './definition-store.ts';
import { Demo, simulatedDevices } from './demo/demo.ts';
import { DEFAULT_EVENT_LOG_LIMITS, EventLog } from './event-log.ts';
import { createLog } from './log.ts';
import type { Http } from './rest/context.ts';
import { logRefusedHandshakes, logServerEvents } from './rest/event-json.ts';
import { httpServer } from './rest/http-server.ts';
import { addressText } from './rest/registration-json.ts';
import { openSecurity, type Security } from './security/security.ts';
import { StartFailure } from './start-failure.ts';
import { usableFolder } from './usable-folder.ts';
import { VERSION } from './version.ts';

/** As `lapwing serve` with nothing given, but for the data folder: a library keeps nothing unasked. */
type Settings = Omit<Configuration, 'dataDir'> & { readonly dataDir: string | undefined };

export interface App extends AsyncDisposable {
  /** "http://127.0.0.1:8080", as a browser on this machine reaches it. */
  readonly httpUrl: string;
  readonly coapPort: number;
  /** "coap://0.0.0.0:5683", one per socket. */
  readonly coapUrls: readonly string[];
  readonly server: LwM2mServer;
  readonly definitions: DefinitionStore;
  readonly events: EventLog;
  readonly security: Security;
  /** De-register the simulated devices, end the streams, close every socket. */
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
  const definitions = await loadDefinitions(configuration, log);
  const security = await openSecurity(configuration.dataDir, configuration.maxCredentials, Date.now(), log);
  const drivers = await bindCoap(configuration);
  const server = new LwM2mServer({
    drivers,
    definitions: definitions.registry,
    securityStore: security.store,
    parameters: { maxRegistrations: configuration.maxDevices },
  });
  closers.push(() => server.close());
  await server.restore();
  const events = new EventLog({ ...DEFAULT_EVENT_LOG_LIMITS, maxEvents: configuration.maxEvents });
  logServerEvents(server, events);
  logRefusedHandshakes(server, security.refusals, events);

  const coapUrls = drivers.map((driver) => `coap://${addressText(driver.localAddress)}`);
  const http = await httpServer(
    {
      server,
      definitions,
      events,
      security,
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
  closers.push(() => http.close());
  await listenHttp(http, configuration);

  if (configuration.demo) {
    const [first] = drivers as [UdpDriver];
    const demo = await Demo.start(`coap://${reachable(first.localAddress)}`, simulatedDevices(Date.now()), log);
    closers.push(() => demo.close());
  }

  const { address, port } = http.server.address() as AddressInfo;
  return {
    httpUrl: `http://${reachable({ host: address, port })}`,
    coapPort: (drivers[0] as UdpDriver).localAddress.port,
    coapUrls,
    server,
    definitions,
    events,
    security,
    close,
    [Symbol.asyncDispose]: close,
  };
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

const ANY_IPV4 = '0.0.0.0';
const ANY_IPV6 = '::';

/** One socket for the address asked for, else one for IPv4 and, where the machine has IPv6, one for that. */
async function bindCoap({ coapHost, coapPort }: Settings): Promise<UdpDriver[]> {
  const first = await bindUdp(coapHost ?? ANY_IPV4, coapPort);
  if (coapHost !== undefined) return [first];
  try {
    return [first, await UdpDriver.bind({ host: ANY_IPV6, port: first.localAddress.port })];
  } catch (error) {
    // A machine without IPv6 is served by IPv4 alone; a port that somebody else has on IPv6 is a failure.
    if (!isTaken(error)) return [first];
    await first.close();
    throw portFailure(error, `CoAP port ${coapPort} (UDP, IPv6)`, '--coap-port');
  }
}

async function bindUdp(host: string, port: number): Promise<UdpDriver> {
  try {
    return await UdpDriver.bind({ host, port });
  } catch (error) {
    throw portFailure(error, `CoAP port ${port} (UDP) on ${host}`, '--coap-port');
  }
}

async function listenHttp(http: Http, { httpHost, httpPort }: Settings): Promise<void> {
  try {
    await http.listen({ host: httpHost, port: httpPort });
  } catch (error) {
    throw portFailure(error, `HTTP port ${httpPort} (TCP) on ${httpHost}`, '--http-port');
  }
}

const isTaken = (error: unknown): boolean =>
  ['PORT_IN_USE', 'EADDRINUSE'].includes(String((error as { code?: unknown }).code));

function portFailure(error: unknown, what: string, option: string): StartFailure {
  const code = String((error as { code?: unknown }).code);
  if (isTaken(error)) {
    return new StartFailure(`${what} is taken by another program. Choose another with ${option}.`, { cause: error });
  }
  if (code === 'PERMISSION_DENIED' || code === 'EACCES') {
    return new StartFailure(`${what} may not be opened by this user. Choose one above 1023 with ${option}.`, {
      cause: error,
    });
  }
  const host = option.replace('port', 'host');
  const reason = error instanceof Error ? error.message : String(error);
  return new StartFailure(`${what} cannot be opened: ${reason}. Choose another address with ${host}.`, {
    cause: error,
  });
}

/** Where a program on this machine reaches a socket that is bound to every address. */
function reachable({ host, port }: { readonly host: string; readonly port: number }): string {
  const near = host === ANY_IPV4 ? '127.0.0.1' : host === ANY_IPV6 ? '::1' : host;
  return addressText({ host: near, port });
}
