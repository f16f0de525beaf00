import { createSecretKey } from 'node:crypto';
import { LwM2mServer, MemorySecurityStore } from '@lapwing/server';

/** Listen with CoAP over DTLS for devices with pre-shared keys. */
export async function listenSecurely(port: number, say: (line: string) => void): Promise<LwM2mServer> {
  const securityStore = new MemorySecurityStore();
  const server = await LwM2mServer.start({
    coap: [],
    coaps: {
      listen: [{ host: '127.0.0.1', port }],
      credentials: { psk: {}, clientAuthentication: 'required', clientCertificateTypes: [], trustAnchors: [] },
    },
    securityStore,
  });
  server.on('handshakeRefused', ({ address, refusal }) => say(`${address.host}: ${refusal.text}`));
  server.on('registered', ({ endpointClientName }) => {
    const { identity, association } = server.device(endpointClientName)!.security!;
    say(`${endpointClientName} is "${identity}", over ${association?.cipherSuite}`);
  });
  return server;
}

/** Let a device in. Removing its credentials again ends its association and its registration. */
export async function letIn(server: LwM2mServer, endpointClientName: string, key: Uint8Array): Promise<void> {
  await server.security.add({
    kind: 'psk',
    endpointClientName,
    identity: new TextEncoder().encode(endpointClientName),
    key: createSecretKey(key),
  });
}
