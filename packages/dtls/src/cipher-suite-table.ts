/** The cipher suites of LwM2M. RFC 6655, 7251, 5487, 5289. */
export type CipherSuiteName =
  | 'TLS_PSK_WITH_AES_128_CCM_8'
  | 'TLS_PSK_WITH_AES_128_GCM_SHA256'
  | 'TLS_PSK_WITH_AES_128_CBC_SHA256'
  | 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8'
  | 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'
  | 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256';

export interface CipherSuite {
  readonly name: CipherSuiteName;
  /** IANA "TLS Cipher Suites"; the number of `/0/x/16`. */
  readonly number: number;
  readonly keyExchange: 'psk' | 'ecdhe-ecdsa';
  readonly cipher: 'aes-128-ccm-8' | 'aes-128-gcm' | 'aes-128-cbc-sha256';
}

export const CIPHER_SUITES: readonly CipherSuite[] = [
  { name: 'TLS_PSK_WITH_AES_128_CCM_8', number: 0xc0a8, keyExchange: 'psk', cipher: 'aes-128-ccm-8' },
  { name: 'TLS_PSK_WITH_AES_128_GCM_SHA256', number: 0x00a8, keyExchange: 'psk', cipher: 'aes-128-gcm' },
  { name: 'TLS_PSK_WITH_AES_128_CBC_SHA256', number: 0x00ae, keyExchange: 'psk', cipher: 'aes-128-cbc-sha256' },
  { name: 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8', number: 0xc0ae, keyExchange: 'ecdhe-ecdsa', cipher: 'aes-128-ccm-8' },
  {
    name: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
    number: 0xc02b,
    keyExchange: 'ecdhe-ecdsa',
    cipher: 'aes-128-gcm',
  },
  {
    name: 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256',
    number: 0xc023,
    keyExchange: 'ecdhe-ecdsa',
    cipher: 'aes-128-cbc-sha256',
  },
];

export function cipherSuiteByNumber(number: number): CipherSuite | undefined {
  return CIPHER_SUITES.find((suite) => suite.number === number);
}

export function cipherSuiteByName(name: CipherSuiteName): CipherSuite {
  return CIPHER_SUITES.find((suite) => suite.name === name)!;
}
