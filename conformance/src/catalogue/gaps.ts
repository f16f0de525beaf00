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
  ...cases('lwm2m-cbor', [
    ['cbor-read', 'Read in LwM2M CBOR at every level is what it is in TLV', SINCE_1_2],
    ['cbor-write', 'Write in LwM2M CBOR of every data type, to its extremes', SINCE_1_2],
    ['cbor-composite', 'Composites in LwM2M CBOR', SINCE_1_2],
    ['cbor-remove', 'null in LwM2M CBOR removes a Resource Instance', SINCE_1_2],
    ['cbor-create', 'Create in LwM2M CBOR with and without an id', SINCE_1_2],
    ['cbor-notify', 'Notifications in LwM2M CBOR', SINCE_1_2],
    ['cbor-send', 'Send in LwM2M CBOR', SINCE_1_2],
  ]),
  ...cases('servers', [
    ['servers-order', 'Registrations in the order of their priority', SINCE_1_1],
    ['servers-observe', 'Attributes and observations of one server are none of another', SINCE_1_0],
    ['servers-one-is-away', 'A server that is away disturbs no other', SINCE_1_0],
    ['servers-disable-one', 'Disable ends one registration for a while, and no other', SINCE_1_0],
    ['servers-lifetimes', 'Each server has its own lifetime', SINCE_1_0],
    ['servers-send', 'Send goes to each server that does not mute it', SINCE_1_1],
  ]),
  ...cases('storing', [
    ['storing-offline', 'What is stored while offline comes with its times, oldest first', SINCE_1_1],
    ['storing-disabled', 'What is stored while disabled comes when the device is back', SINCE_1_1],
    ['storing-off', 'Without storing the last value comes and no other', SINCE_1_1],
    ['storing-hqmax', 'hqmax bounds what is stored, the oldest give way', SINCE_1_2],
    ['storing-is-bounded', 'What is stored is bounded', SINCE_1_1],
  ]),
  ...cases('large-body', [
    ['firmware-4-mib', 'A firmware image of 4 MiB arrives at 30 % loss, one block in memory at a time', SINCE_1_1],
  ]),
];
