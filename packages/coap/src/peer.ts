/**
 * One remote CoAP endpoint: per address without security, per association with it. Everything the stack remembers
 * about it hangs off this object, so no layer above needs a key made of strings.
 */
export interface PeerSecurity {
  /** 'none' for coap; the others when DTLS has proven an identity. */
  readonly kind: 'none' | 'psk' | 'rpk' | 'x509';
  /** What the peer has proven to be, in text: a PSK identity, a certificate name, a public key fingerprint. */
  readonly identity?: string;
}

const NO_SECURITY: PeerSecurity = Object.freeze({ kind: 'none' });

let nextPeerId = 0;

export class Peer<Address = unknown> {
  /** Unique in the process, 32 bits; the key of tables that cannot hold the object. */
  readonly id: number = (nextPeerId = (nextPeerId + 1) >>> 0);
  /** The transport's own form of the address. It may change while the association stays (RFC 9146 §6). */
  address: Address;
  /** Set by the transport when the association opens, and never again. */
  security: PeerSecurity;
  /** The longest message that reaches it, in bytes; set by the transport. Undefined: no bound but that of UDP. */
  maxMessageBytes: number | undefined = undefined;
  /** Moment of the last datagram either way, in ms on the driver's clock. */
  lastActivity = 0;
  /** CoAP state, allocated on first need and dropped when idle; private to this package. */
  coap: unknown = undefined;
  /** For the procedures above: what this peer is registered as. Not touched by CoAP. */
  context: unknown = undefined;

  constructor(address: Address, security: PeerSecurity = NO_SECURITY) {
    this.address = address;
    this.security = security;
  }
}
