/** Handshake messages of DTLS 1.2: RFC 5246 §7.4, 6347 §4.3.2, 5077 §3.3. */
export const HANDSHAKE_TYPES = {
  hello_request: 0,
  client_hello: 1,
  server_hello: 2,
  hello_verify_request: 3,
  new_session_ticket: 4,
  certificate: 11,
  server_key_exchange: 12,
  certificate_request: 13,
  server_hello_done: 14,
  certificate_verify: 15,
  client_key_exchange: 16,
  finished: 20,
} as const;

export type HandshakeTypeName = keyof typeof HANDSHAKE_TYPES;

const NAMES = new Map<number, HandshakeTypeName>(
  Object.entries(HANDSHAKE_TYPES).map(([name, number]) => [number, name as HandshakeTypeName]),
);

/** Undefined for one that is not in the table. */
export function handshakeTypeByNumber(type: number): HandshakeTypeName | undefined {
  return NAMES.get(type);
}

/** `handshake message 99` for one that is not in the table. */
export function handshakeTypeName(type: number): HandshakeTypeName | `handshake message ${number}` {
  return NAMES.get(type) ?? `handshake message ${type}`;
}
