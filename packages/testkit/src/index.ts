export * from './seeded-random.ts';
export * from './simulated-network.ts';
export * from './simulated-driver.ts';
export * from './scripted-peer.ts';
export * from './schedule.ts';
