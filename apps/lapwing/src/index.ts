export * from './app.ts';
export * from './configuration.ts';
export * from './start-failure.ts';
