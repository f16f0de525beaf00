export * from './errors.ts';
export * from './events.ts';
export * from './message.ts';
export * from './peer.ts';
export * from './endpoint.ts';
