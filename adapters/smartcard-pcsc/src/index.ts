export { PcscSmartcard } from './pcsc-smartcard.ts';
export type { PcscSmartcardOptions } from './pcsc-smartcard.ts';
export type { PcscCard, PcscClient, PcscModule, PcscReader } from './pcsc-mini-readers.ts';
