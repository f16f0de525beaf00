export * from './seeded-random.ts';
export * from './simulated-network.ts';
export * from './simulated-driver.ts';
export * from './scripted-peer.ts';
export * from './schedule.ts';
export * from './simulated-socket.ts';
export * from './nat-relay.ts';
export * from './simulated-dtls-driver.ts';
