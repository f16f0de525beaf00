export * from './driver.ts';
export { DatagramBatch } from './datagram-transport.ts';
export type { DatagramCounters, DatagramSink, DatagramTransport } from './datagram-transport.ts';
export { DgramTransport } from './dgram-transport.ts';
export type { DgramTransportOptions } from './dgram-transport.ts';
export { TRANSPORT_ERROR_CHANNEL } from './diagnostics.ts';
export { nodeCrypto } from './node-crypto.ts';
export { UdpDriver } from './udp-driver.ts';
export type { UdpDriverCounters, UdpDriverOptions } from './udp-driver.ts';
export {
  DTLS_CLOSED_CHANNEL,
  DTLS_COUNTERS_CHANNEL,
  DTLS_FORGED_CHANNEL,
  DTLS_REFUSED_CHANNEL,
} from './diagnostics.ts';
export { SYSTEM_CLOCK } from './clock.ts';
export type { Clock } from './clock.ts';
export { DtlsDriver } from './dtls-driver.ts';
export type { DtlsDriverCounters, DtlsDriverOptions } from './dtls-driver.ts';
export { publicKeyText, securityOfPrincipal } from './peer-identity.ts';
export type { SocketDriverCounters, SocketDriverOptions } from './socket-driver.ts';
export { NODE_FILE_SYSTEM, readPrivateFile, replacePrivateFile } from './private-file.ts';
export type { FileSystem, OpenFile } from './private-file.ts';
