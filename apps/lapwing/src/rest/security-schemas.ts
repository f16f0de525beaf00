/** The JSON shapes of `/security`. */
import { type TUnsafe, Type } from 'typebox';
import type { CredentialInput } from '../security/credential-input.ts';
import { closed, list, shape, sized, text, time } from './schema-parts.ts';

export interface CredentialJson {
  /** The Endpoint Client Name. */
  readonly device: string;
  readonly kind: 'psk' | 'rpk' | 'x509';
  /** What is proven; null: any certificate that is valid and names the device. */
  readonly identity: string | null;
}

export interface AddedCredentialJson extends CredentialJson {
  /** Of a pre-shared key, in hexadecimal; told in this answer only. */
  readonly key?: string;
}

export interface CredentialListJson {
  readonly items: readonly CredentialJson[];
  /** null on the last page. */
  readonly nextCursor: string | null;
  /** All credentials, whatever the search. */
  readonly total: number;
}

export interface AddCredentialJson extends CredentialInput {
  /** Take the place of the credential of this kind that the device has. */
  readonly replace?: boolean;
}

export interface ImportJson {
  readonly added: number;
  /** The first 100 lines that were left out. */
  readonly failed: readonly { readonly line: number; readonly detail: string }[];
  /** All lines that were left out. */
  readonly failedTotal: number;
}

export interface ServerIdentityJson {
  readonly publicKey: {
    readonly pem: string;
    /** SubjectPublicKeyInfo in DER, as base64: /0/x/4 of a client with raw public keys. */
    readonly der: string;
    /** SHA-256 in hexadecimal. */
    readonly fingerprint: string;
  };
  readonly certificate: {
    /** With the chain that leads to an authority, when there is one. */
    readonly pem: string;
    readonly fingerprint: string;
    readonly subject: string;
    readonly issuer: string;
    readonly names: readonly string[];
    readonly validFrom: string;
    readonly validTo: string;
  };
}

export interface TrustAnchorJson {
  /** SHA-256 of the certificate in hexadecimal. */
  readonly id: string;
  readonly subject: string;
  readonly validFrom: string;
  readonly validTo: string;
  readonly certificate: string;
}

export interface RefusedHandshakeJson {
  readonly address: string;
  readonly reason: string;
  /** What happened and what to do, in words. */
  readonly text: string;
  /** The alert that was sent, or received where the device refused. */
  readonly alert: string | null;
  /** Not proven. */
  readonly claimedIdentity: string | null;
  readonly firstAt: string;
  readonly lastAt: string;
  readonly count: number;
}

export interface RefusedHandshakeListJson {
  readonly items: readonly RefusedHandshakeJson[];
  /** Since the start of the server. */
  readonly total: number;
}

const KINDS = ['psk', 'rpk', 'x509'] as const;
const fingerprint = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 in hexadecimal.' });
const pem = Type.String(sized('PEM.'));

const credentialFields = {
  device: Type.String(sized('The Endpoint Client Name.')),
  kind: text(KINDS),
  identity: Type.Union(
    [Type.String(), Type.Null()],
    sized('PSK identity, or "sha-256;…" of a public key or certificate; null: any certificate that names the device.'),
  ),
};

export const CredentialSchema: TUnsafe<CredentialJson> = shape<CredentialJson>()(Type.Object(credentialFields, closed));

export const AddedCredentialSchema: TUnsafe<AddedCredentialJson> = shape<AddedCredentialJson>()(
  Type.Object(
    {
      ...credentialFields,
      key: Type.Optional(Type.String(sized('The pre-shared key in hexadecimal; told in this answer only.'))),
    },
    closed,
  ),
);

export const CredentialListSchema: TUnsafe<CredentialListJson> = shape<CredentialListJson>()(
  Type.Object(
    {
      items: list(CredentialSchema),
      nextCursor: Type.Union([Type.String(), Type.Null()], sized('null on the last page.')),
      total: Type.Integer(sized('All credentials, whatever the search.')),
    },
    closed,
  ),
);

export const AddCredentialSchema: TUnsafe<AddCredentialJson> = shape<AddCredentialJson>()(
  Type.Object(
    {
      device: Type.String(sized('The Endpoint Client Name.')),
      kind: text(KINDS),
      identity: Type.Optional(
        Type.String(sized('psk: text, or 0x and hexadecimal; by default the name of the device.')),
      ),
      key: Type.Optional(Type.String(sized('psk: hexadecimal; by default 16 random bytes.'))),
      publicKey: Type.Optional(Type.String(sized('rpk: PEM, or SubjectPublicKeyInfo as base64 or hexadecimal.'))),
      certificate: Type.Optional(
        Type.String(sized('x509: the one certificate that is accepted, in PEM; by default any that names the device.')),
      ),
      replace: Type.Optional(Type.Boolean(sized('Take the place of what the device has of this kind.'))),
    },
    closed,
  ),
);

export const ImportSchema: TUnsafe<ImportJson> = shape<ImportJson>()(
  Type.Object(
    {
      added: Type.Integer(),
      failed: list(Type.Object({ line: Type.Integer(), detail: Type.String() }, closed)),
      failedTotal: Type.Integer(sized('`failed` holds the first 100 of them.')),
    },
    closed,
  ),
);

export const ServerIdentitySchema: TUnsafe<ServerIdentityJson> = shape<ServerIdentityJson>()(
  Type.Object(
    {
      publicKey: Type.Object({ pem, der: Type.String(sized('SubjectPublicKeyInfo, base64.')), fingerprint }, closed),
      certificate: Type.Object(
        {
          pem,
          fingerprint,
          subject: Type.String(),
          issuer: Type.String(),
          names: list(Type.String()),
          validFrom: time,
          validTo: time,
        },
        closed,
      ),
    },
    closed,
  ),
);

export const TrustAnchorSchema: TUnsafe<TrustAnchorJson> = shape<TrustAnchorJson>()(
  Type.Object({ id: fingerprint, subject: Type.String(), validFrom: time, validTo: time, certificate: pem }, closed),
);

export const TrustAnchorListSchema: TUnsafe<{ readonly items: readonly TrustAnchorJson[] }> = shape<{
  readonly items: readonly TrustAnchorJson[];
}>()(Type.Object({ items: list(TrustAnchorSchema) }, closed));

export const AddTrustAnchorSchema: TUnsafe<{ readonly certificate: string }> = shape<{
  readonly certificate: string;
}>()(Type.Object({ certificate: pem }, closed));

export const RefusedHandshakeListSchema: TUnsafe<RefusedHandshakeListJson> = shape<RefusedHandshakeListJson>()(
  Type.Object(
    {
      items: list(
        Type.Object(
          {
            address: Type.String(sized('Of the last attempt.')),
            reason: Type.String({ examples: ['unknown-identity', 'wrong-key', 'no-common-cipher-suite'] }),
            text: Type.String(sized('What happened and what to do, in words.')),
            alert: Type.Union([Type.String(), Type.Null()]),
            claimedIdentity: Type.Union([Type.String(), Type.Null()], sized('Not proven.')),
            firstAt: time,
            lastAt: time,
            count: Type.Integer(sized('Attempts of this host for this reason under this name.')),
          },
          closed,
        ),
      ),
      total: Type.Integer(sized('Refused handshakes since the start of the server.')),
    },
    closed,
  ),
);
