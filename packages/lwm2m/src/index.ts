export * from './identifiers.ts';
export * from './path.ts';
export * from './value.ts';
export * from './node.ts';
export * from './malformed.ts';
export * from './object-model/definition.ts';
export * from './formats/format.ts';
