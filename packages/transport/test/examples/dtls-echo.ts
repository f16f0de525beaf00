import { nodeCrypto } from '@lapwing/transport';
import { DtlsSocket } from './dtls-socket.ts';

/** Sends back what devices send, in capitals. Their keys may come from a database: `keyOf` may take its time. */
export function capitals(keyOf: (identity: string) => Promise<Uint8Array | undefined>): DtlsSocket {
  const socket = new DtlsSocket({
    server: { psk: {}, clientAuthentication: 'required', clientCertificateTypes: [], trustAnchors: [] },
  });
  socket.onMessage = (association, plaintext) => {
    const text = new TextDecoder().decode(plaintext);
    socket.send(association, new TextEncoder().encode(text.toUpperCase()));
  };
  socket.onEvent = (event) => {
    if (event.kind === 'refused') console.log(event.refusal.text);
    if (event.kind !== 'lookup' || event.lookup.kind !== 'psk') return;
    const { lookup } = event;
    const answer = (key: Uint8Array | undefined): void =>
      socket.turn((now, out) =>
        socket.endpoint.answer(
          now,
          lookup,
          key === undefined ? { kind: 'unknown' } : { kind: 'key', key: nodeCrypto.importSecret(key) },
          out,
        ),
      );
    keyOf(new TextDecoder().decode(lookup.identity)).then(answer, () =>
      socket.turn((now, out) => socket.endpoint.answer(now, lookup, { kind: 'failed', text: 'no database' }, out)),
    );
  };
  return socket;
}

/** Ask such a server once. */
export async function ask(port: number, identity: string, key: Uint8Array, question: string): Promise<string> {
  const socket = new DtlsSocket({});
  await socket.bind(0);
  try {
    return await new Promise<string>((resolve, reject) => {
      socket.onMessage = (_, plaintext) => resolve(new TextDecoder().decode(plaintext));
      socket.onEvent = (event) => {
        if (event.kind === 'opened') socket.send(event.association, new TextEncoder().encode(question));
        else if (event.kind === 'refused') reject(new Error(event.refusal.text));
      };
      const credentials = {
        kind: 'psk',
        identity: new TextEncoder().encode(identity),
        key: nodeCrypto.importSecret(key),
      } as const;
      socket.turn((now, out) => socket.endpoint.connect(now, { host: '127.0.0.1', port }, { credentials }, out));
    });
  } finally {
    socket.close();
  }
}
