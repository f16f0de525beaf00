export * from './api.ts';
export * from './outcome.ts';
