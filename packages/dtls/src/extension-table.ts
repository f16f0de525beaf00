/**
 * Extensions of the two hello messages: which field of `Extensions` each fills, and how it is written.
 * IANA "TLS ExtensionType Values". Others, the reserved ones of RFC 8701 (GREASE) too, are skipped.
 */
import type { Extensions } from './handshake/extension-codec.ts';

export type ExtensionForm =
  /** RFC 6066 §3: a list of names from the client, nothing from the server. */
  | 'server-name'
  /** RFC 6066 §4: one code. */
  | 'max-fragment-length'
  /** `uint16 list<2..2^16-2>`. */
  | 'uint16-list'
  /** `uint8 list<1..255>`. */
  | 'uint8-list'
  /** RFC 7250 §3: a list from the client, the chosen one from the server. */
  | 'certificate-types'
  /** Present and empty. */
  | 'flag'
  /** All of the extension. */
  | 'opaque'
  /** `opaque field<0..255>`. */
  | 'vector8';

export interface Extension {
  /** As IANA has it. */
  readonly name: string;
  readonly number: number;
  readonly field: keyof Extensions;
  readonly form: ExtensionForm;
}

/** In the order we write them. */
export const EXTENSIONS: readonly Extension[] = [
  { name: 'renegotiation_info', number: 0xff01, field: 'renegotiationInfo', form: 'vector8' },
  { name: 'server_name', number: 0, field: 'serverName', form: 'server-name' },
  { name: 'max_fragment_length', number: 1, field: 'maxFragmentLength', form: 'max-fragment-length' },
  { name: 'supported_groups', number: 10, field: 'supportedGroups', form: 'uint16-list' },
  { name: 'ec_point_formats', number: 11, field: 'ecPointFormats', form: 'uint8-list' },
  { name: 'signature_algorithms', number: 13, field: 'signatureAlgorithms', form: 'uint16-list' },
  { name: 'client_certificate_type', number: 19, field: 'clientCertificateTypes', form: 'certificate-types' },
  { name: 'server_certificate_type', number: 20, field: 'serverCertificateTypes', form: 'certificate-types' },
  { name: 'encrypt_then_mac', number: 22, field: 'encryptThenMac', form: 'flag' },
  { name: 'extended_master_secret', number: 23, field: 'extendedMasterSecret', form: 'flag' },
  { name: 'session_ticket', number: 35, field: 'sessionTicket', form: 'opaque' },
  { name: 'connection_id', number: 54, field: 'connectionId', form: 'vector8' },
];

export function extensionByNumber(number: number): Extension | undefined {
  return EXTENSIONS.find((extension) => extension.number === number);
}

/** The signalling suite a client may send instead of `renegotiation_info`. RFC 5746 §3.3. */
export const EMPTY_RENEGOTIATION_INFO_SCSV = 0x00ff;
/** RFC 7507. */
export const FALLBACK_SCSV = 0x5600;
