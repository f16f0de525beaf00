import { LwM2mServer } from '@lapwing/server';

/** Listen with CoAP over UDP, and say who comes and goes. */
export async function listen(port: number, say: (line: string) => void): Promise<LwM2mServer> {
  const server = await LwM2mServer.start({ coap: [{ host: '127.0.0.1', port }] });
  server.on('registered', ({ endpointClientName, lwm2mVersion }) =>
    say(`${endpointClientName} speaks ${lwm2mVersion}`),
  );
  server.on('unregistered', ({ endpointClientName }, reason) => say(`${endpointClientName} is gone: ${reason}`));
  server.on('sent', ({ endpointClientName }, entries) => say(`${endpointClientName} sent ${entries.length} values`));
  return server;
}
