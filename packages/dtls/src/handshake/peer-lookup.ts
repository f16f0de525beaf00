/** The question to whoever keeps the credentials, about someone who claims or has proven to be this. */
import type { Principal } from '../credentials.ts';
import type { HandshakeOutput } from './handshake.ts';

type MachineLookup = Parameters<HandshakeOutput['lookup']>[0];

/** Whom there is something to ask about. */
export type KnownPrincipal = Exclude<Principal, { kind: 'anonymous' }>;

export function lookupOf(principal: KnownPrincipal, serverName: string | undefined): MachineLookup {
  switch (principal.kind) {
    case 'psk':
      return { kind: 'psk', identity: principal.identity, serverName };
    case 'rpk':
      return { kind: 'rpk', publicKey: principal.publicKey, serverName };
    case 'x509':
      return { kind: 'x509', principal, serverName };
  }
}
