/**
 * What a server answers a ClientHello with: ServerHello, Certificate and ServerKeyExchange.
 * RFC 5246 §7.4.1.3, §7.4.2, §7.4.3; RFC 8422 §5.4; RFC 7250 §4.2.
 */
import type { ServerCredentials } from '../credentials.ts';
import type { DtlsCrypto, EphemeralKey } from '../crypto.ts';
import { namedGroupByName } from '../named-group-table.ts';
import type { MaxFragmentLength } from './extension-codec.ts';
import { encodeCertificateChain, encodeRawPublicKey } from './certificate-codec.ts';
import { OUR_SIGNATURE, signedKeyExchange } from './handshake-signature.ts';
import { DTLS_1_2, encodeServerHello } from './hello-codec.ts';
import { encodeEcdheParameters, encodeEcdheServerKeyExchange } from './key-exchange-codec.ts';
import type { HelloAgreement } from './key-agreement.ts';
import type { CertificateKind, CertificateSelection } from './server-negotiation.ts';

const EMPTY = new Uint8Array(0);

/** What was agreed by the ServerHello. */
export interface Agreement extends HelloAgreement {
  readonly certificates: CertificateSelection | undefined;
  readonly answersRenegotiationInfo: boolean;
  readonly serverName: string | undefined;
  readonly maxFragmentLength: MaxFragmentLength | undefined;
  /** In the ServerHello; empty: nothing to resume by it. */
  readonly sessionId: Uint8Array;
  readonly promisesTicket: boolean;
}

export function serverHello(agreement: Agreement, handshake: 'full' | 'resumed'): Uint8Array {
  return encodeServerHello({
    version: DTLS_1_2,
    random: agreement.serverRandom,
    sessionId: agreement.sessionId,
    cipherSuite: agreement.suite.number,
    extensions: {
      renegotiationInfo: agreement.answersRenegotiationInfo ? EMPTY : undefined,
      // Not when a session is resumed. RFC 6066 §3.
      serverName: handshake === 'full' && agreement.serverName !== undefined ? '' : undefined,
      maxFragmentLength: agreement.maxFragmentLength,
      ...agreement.certificates?.extensions,
      encryptThenMac: agreement.encryptThenMac ? true : undefined,
      extendedMasterSecret: agreement.extendedMasterSecret ? true : undefined,
      sessionTicket: agreement.promisesTicket ? EMPTY : undefined,
      connectionId: agreement.clientToServerId,
    },
  });
}

export function certificateMessage(kind: CertificateKind, credentials: ServerCredentials): Uint8Array {
  return kind === 'rpk'
    ? encodeRawPublicKey(credentials.rawPublicKey!.publicKey)
    : encodeCertificateChain(credentials.certificate!.chain);
}

/** The ephemeral key, signed with the key of the certificate shown. */
export function signedServerKeyExchange(
  ephemeral: EphemeralKey,
  kind: CertificateKind,
  credentials: ServerCredentials,
  { clientRandom, serverRandom }: Pick<Agreement, 'clientRandom' | 'serverRandom'>,
  crypto: DtlsCrypto,
): Uint8Array {
  const { privateKey } = kind === 'rpk' ? credentials.rawPublicKey! : credentials.certificate!;
  const parameters = { group: namedGroupByName(ephemeral.group).number, publicBytes: ephemeral.publicBytes };
  const signed = signedKeyExchange(clientRandom, serverRandom, encodeEcdheParameters(parameters));
  return encodeEcdheServerKeyExchange({
    ...parameters,
    algorithm: OUR_SIGNATURE,
    signature: crypto.sign(privateKey, signed),
  });
}
