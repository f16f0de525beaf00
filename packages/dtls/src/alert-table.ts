/** Alerts: RFC 5246 §7.2, 6066 §9, 4279 §6, and what the LwM2M client does about them (OMA TS Transport, /1/x/11). */
export interface AlertRow {
  readonly name: AlertName;
  readonly number: number;
  /** What an LwM2M client that receives it does. */
  readonly lwm2m: 'retry' | 'fail' | 'ignore';
}

export const ALERTS: readonly AlertRow[] = [
  { name: 'close_notify', number: 0, lwm2m: 'retry' },
  { name: 'unexpected_message', number: 10, lwm2m: 'retry' },
  { name: 'bad_record_mac', number: 20, lwm2m: 'retry' },
  { name: 'decryption_failed', number: 21, lwm2m: 'retry' },
  { name: 'record_overflow', number: 22, lwm2m: 'retry' },
  { name: 'decompression_failure', number: 30, lwm2m: 'ignore' },
  { name: 'handshake_failure', number: 40, lwm2m: 'retry' },
  { name: 'no_certificate', number: 41, lwm2m: 'ignore' },
  { name: 'bad_certificate', number: 42, lwm2m: 'fail' },
  { name: 'unsupported_certificate', number: 43, lwm2m: 'fail' },
  { name: 'certificate_revoked', number: 44, lwm2m: 'fail' },
  { name: 'certificate_expired', number: 45, lwm2m: 'fail' },
  { name: 'certificate_unknown', number: 46, lwm2m: 'fail' },
  { name: 'illegal_parameter', number: 47, lwm2m: 'retry' },
  { name: 'unknown_ca', number: 48, lwm2m: 'fail' },
  { name: 'access_denied', number: 49, lwm2m: 'fail' },
  { name: 'decode_error', number: 50, lwm2m: 'retry' },
  { name: 'decrypt_error', number: 51, lwm2m: 'retry' },
  { name: 'export_restriction', number: 60, lwm2m: 'ignore' },
  { name: 'protocol_version', number: 70, lwm2m: 'retry' },
  { name: 'insufficient_security', number: 71, lwm2m: 'retry' },
  { name: 'internal_error', number: 80, lwm2m: 'retry' },
  { name: 'inappropriate_fallback', number: 86, lwm2m: 'retry' },
  { name: 'user_canceled', number: 90, lwm2m: 'retry' },
  { name: 'no_renegotiation', number: 100, lwm2m: 'retry' },
  { name: 'unsupported_extension', number: 110, lwm2m: 'ignore' },
  { name: 'certificate_unobtainable', number: 111, lwm2m: 'retry' },
  { name: 'unrecognized_name', number: 112, lwm2m: 'fail' },
  { name: 'bad_certificate_status_response', number: 113, lwm2m: 'fail' },
  { name: 'bad_certificate_hash_value', number: 114, lwm2m: 'fail' },
  { name: 'unknown_psk_identity', number: 115, lwm2m: 'fail' },
];

export type AlertName =
  | 'close_notify'
  | 'unexpected_message'
  | 'bad_record_mac'
  | 'decryption_failed'
  | 'record_overflow'
  | 'decompression_failure'
  | 'handshake_failure'
  | 'no_certificate'
  | 'bad_certificate'
  | 'unsupported_certificate'
  | 'certificate_revoked'
  | 'certificate_expired'
  | 'certificate_unknown'
  | 'illegal_parameter'
  | 'unknown_ca'
  | 'access_denied'
  | 'decode_error'
  | 'decrypt_error'
  | 'export_restriction'
  | 'protocol_version'
  | 'insufficient_security'
  | 'internal_error'
  | 'inappropriate_fallback'
  | 'user_canceled'
  | 'no_renegotiation'
  | 'unsupported_extension'
  | 'certificate_unobtainable'
  | 'unrecognized_name'
  | 'bad_certificate_status_response'
  | 'bad_certificate_hash_value'
  | 'unknown_psk_identity';

/** `alert 222` for one that is not in the table. */
export type AlertDescription = AlertName | `alert ${number}`;
export type AlertLevel = 'warning' | 'fatal';
