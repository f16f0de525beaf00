/** What the OMA test specification has no case for. */
import type { LwM2mVersion } from '@lapwing/lwm2m';
import type { Case } from '../catalogue.ts';

const SINCE_1_0: readonly LwM2mVersion[] = ['1.0', '1.1', '1.2'];
const SINCE_1_1: readonly LwM2mVersion[] = ['1.1', '1.2'];
const SINCE_1_2: readonly LwM2mVersion[] = ['1.2'];

type Row = readonly [id: string, title: string, versions: readonly LwM2mVersion[]];

const cases = (name: string, rows: readonly Row[]): readonly Case[] =>
  rows.map(([id, title, versions]) => ({
    id,
    title,
    versions,
    standing: { kind: 'tested', file: `gaps/${name}.test.ts` },
  }));

export const GAPS: readonly Case[] = [
  ...cases('access-control', [
    ['access-rights', 'Each operation needs its right, of a server that does not own the Object Instance', SINCE_1_0],
    ['access-own-entry-before-owner', 'What is said of the owner counts before that it is the owner', SINCE_1_0],
    ['access-default-entry', 'The default entry counts for servers without an entry only', SINCE_1_0],
    ['access-create-and-own', 'Who creates owns, and decides who else may', SINCE_1_0],
    ['access-object-is-filtered', 'An Object is read and observed without what the server may not read', SINCE_1_0],
    ['access-composite', 'A Read-Composite leaves out, a Write-Composite is refused whole', SINCE_1_1],
    ['access-taken-away', 'A right that is taken away ends the observation', SINCE_1_0],
    ['access-single-server', 'Without Access Control a single server may do everything', SINCE_1_0],
  ]),
  ...cases('thresholds', [
    ['threshold-gt', 'gt tells of every crossing, in both directions', SINCE_1_0],
    ['threshold-lt', 'lt tells of every crossing, in both directions', SINCE_1_0],
    ['threshold-on-the-line', 'A value on the threshold', SINCE_1_0],
    ['step', 'st counts from the value that was told last', SINCE_1_0],
    ['threshold-or-step', 'gt, lt and st: one of them is enough', SINCE_1_0],
    ['threshold-contradiction', 'gt, lt and st that contradict each other are 4.00', SINCE_1_0],
    ['threshold-within-pmin', 'A crossing within pmin is told when pmin is over', SINCE_1_0],
    ['edge', 'edge tells of one direction only', SINCE_1_2],
    ['con', 'con makes notifications Confirmable, the nearest level first', SINCE_1_2],
  ]),
];
