import { LwM2mBootstrapServer } from '@lapwing/bootstrap-server';
import { LwM2mServer, MemorySecurityStore } from '@lapwing/server';

const PSK = { psk: {}, clientAuthentication: 'required', clientCertificateTypes: [], trustAnchors: [] } as const;

export interface BothServers extends AsyncDisposable {
  readonly server: LwM2mServer;
  readonly bootstrapServer: LwM2mBootstrapServer;
}

/** Whoever proves itself with a bootstrap key gets a key for the LwM2M Server, a new one each time. */
export async function generateKeys(host: string): Promise<BothServers> {
  const server = await LwM2mServer.start({
    coap: [],
    coaps: { listen: [{ host, port: 0 }], credentials: PSK },
    securityStore: new MemorySecurityStore(),
  });
  const bootstrapServer = await LwM2mBootstrapServer.start({
    coaps: { listen: [{ host, port: 0 }], credentials: PSK },
    // Who may ask for a configuration: add entries to `bootstrapServer.security`.
    securityStore: new MemorySecurityStore(),
    lwm2mServers: [{ security: server.security }],
  });
  await bootstrapServer.configurations.setDefault({
    servers: [
      {
        shortServerId: 1,
        uri: `coaps://${host}:${server.drivers[0]!.localAddress.port}`,
        security: { mode: 'psk', generate: true },
      },
    ],
    secureOnly: true,
  });
  return {
    server,
    bootstrapServer,
    async [Symbol.asyncDispose]() {
      await bootstrapServer.close();
      await server.close();
    },
  };
}
