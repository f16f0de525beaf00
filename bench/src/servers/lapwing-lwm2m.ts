/**
 * Our LwM2M Server over UDP, all in memory.
 *
 * Options: `observe` observes /3303/0/5700 of every device that registers; `forgetful` shortens EXCHANGE_LIFETIME to one
 * second, so that what is left after two belongs to the registrations and not to the duplicate filter.
 */
import type { CoapEndpoint } from '@lapwing/coap';
import { isMalformed, parsePath } from '@lapwing/lwm2m';
import { LwM2mServer } from '@lapwing/server';
import { serveParent } from './parent.ts';

const options = new Set(process.argv.slice(2));
const server = await LwM2mServer.start({
  coap: [{ host: '127.0.0.1', port: 0 }],
  ...(options.has('forgetful') ? { coapParameters: { exchangeLifetime: 1_000, nonLifetime: 1_000 } } : {}),
});

let notifications = 0;
let observeFailures = 0;
if (options.has('observe')) {
  const path = parsePath('/3303/0/5700');
  if (isMalformed(path)) throw new Error(path.malformed);
  server.on('registered', ({ endpointClientName }) => {
    server
      .device(endpointClientName)
      ?.observe(path)
      .then(
        (outcome) => (observeFailures += outcome.ok ? 0 : 1),
        () => observeFailures++,
      );
  });
  server.on('notified', () => notifications++);
}

serveParent(server.drivers[0]!.localAddress.port, () => {
  const { recentMessages, recentMessageBytes } = (server.drivers[0]!.endpoint as CoapEndpoint).usage;
  return {
    registrations: server.registrationCount,
    notifications,
    observeFailures,
    recentMessages,
    recentMessageBytes,
  };
});
