export type { Transmit } from './apdu.ts';
export { decodeBootstrapFile, encodeBootstrapFile, MAX_FILE_BYTES } from './bootstrap-file.ts';
export type { BootstrapObject, EncodeBootstrapFileOptions } from './bootstrap-file.ts';
export type { CardFailure } from './card-session.ts';
export { DEFAULT_MAX_COMMANDS, readCard } from './read-card.ts';
export type { CardContent, CardOutcome, CardPin, CardReading, ReadCardOptions } from './read-card.ts';
export { smartcardSource } from './smartcard-source.ts';
export type {
  CardConnection,
  SmartcardContent,
  SmartcardReading,
  SmartcardSource,
  SmartcardSourceOptions,
} from './smartcard-source.ts';
