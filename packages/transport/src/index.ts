export * from './driver.ts';
export { DatagramBatch } from './datagram-transport.ts';
export type { DatagramCounters, DatagramSink, DatagramTransport } from './datagram-transport.ts';
export { DgramTransport } from './dgram-transport.ts';
export type { DgramTransportOptions } from './dgram-transport.ts';
export { TRANSPORT_ERROR_CHANNEL } from './diagnostics.ts';
export { UdpDriver } from './udp-driver.ts';
export type { UdpDriverCounters, UdpDriverOptions } from './udp-driver.ts';
