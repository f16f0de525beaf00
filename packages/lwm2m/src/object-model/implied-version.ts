/** The version of an Object whose link carries no `ver`: what the LwM2M version of the registration says. OMA TS Core §7.2. */
import type { LwM2mVersion } from '../identifiers.ts';

/** Rows that differ from 1.0, in the order of the columns: LwM2M 1.0, 1.1 (the erratum 1.1.1), 1.2. */
const COLUMNS = ['1.0', '1.1', '1.2'] as const satisfies readonly LwM2mVersion[];
const IMPLIED: ReadonlyMap<number, readonly [string, string, string]> = new Map([
  [0, ['1.0', '1.1', '1.2']], // Security
  [1, ['1.0', '1.1', '1.2']], // Server
  [2, ['1.0', '1.0', '1.1']], // Access Control
  [3, ['1.0', '1.1', '1.2']], // Device
  [4, ['1.0', '1.2', '1.3']], // Connectivity Monitoring
  // The texts disagree about 1.2: its own section says 1.2, table E-1 says 1.1.
  [5, ['1.0', '1.0', '1.1']], // Firmware Update
  [21, ['1.0', '1.0', '2.0']], // OSCORE
]);

export const impliedObjectVersion = (version: LwM2mVersion, objectId: number): string =>
  IMPLIED.get(objectId)?.[COLUMNS.indexOf(version)] ?? '1.0';
