/**
 * Decoding and encoding 20 Resources in each content format. Beside it what the bytes alone cost: the npm package cborg
 * for the formats in CBOR, the runtime's own JSON for SenML JSON. Those know nothing of paths and types.
 */
import { decode as decodeCbor, encode as encodeCbor } from 'cborg';
import { CONTENT_FORMATS } from '@lapwing/coap';
import {
  decodePayload,
  encodePayload,
  floatValue,
  isMalformed,
  ObjectDefinitions,
  objectPath,
  resourcePath,
  stringValue,
  timeValue,
  type NodeEntry,
  type Value,
} from '@lapwing/lwm2m';
import { figure, type Scenario } from '../scenario.ts';
import { Samples } from '../statistics.ts';

const VALUES: readonly (readonly [resourceId: number, value: Value])[] = [
  [5518, timeValue(1_795_000_000)],
  [5601, floatValue(-12.5)],
  [5602, floatValue(38.25)],
  [5700, floatValue(21.5)],
  [5701, stringValue('Cel')],
];
const INSTANCES = 4;
const RESOURCES = INSTANCES * VALUES.length;
const ENTRIES: readonly NodeEntry[] = Array.from({ length: INSTANCES }, (_, instance) =>
  VALUES.map(([resourceId, value]): NodeEntry => ({
    kind: 'value',
    path: resourcePath(3303, instance, resourceId),
    value,
  })),
).flat();

interface Peer {
  readonly name: string;
  decode(payload: Uint8Array): unknown;
  encode(value: unknown): unknown;
}

const CBORG: Peer = {
  name: 'cborg',
  decode: (payload): unknown => decodeCbor(payload, { useMaps: true }),
  encode: (value) => encodeCbor(value),
};
const JSON_TEXT: Peer = {
  name: 'JSON',
  decode: (payload) => JSON.parse(new TextDecoder().decode(payload)) as unknown,
  encode: (value) => new TextEncoder().encode(JSON.stringify(value)),
};

const FORMATS: readonly { readonly name: string; readonly number: number; readonly peer?: Peer }[] = [
  { name: 'TLV', number: CONTENT_FORMATS.tlv.number },
  { name: 'LwM2M CBOR', number: CONTENT_FORMATS.lwm2mCbor.number, peer: CBORG },
  { name: 'SenML CBOR', number: CONTENT_FORMATS.senmlCbor.number, peer: CBORG },
  { name: 'SenML JSON', number: CONTENT_FORMATS.senmlJson.number, peer: JSON_TEXT },
];

/** Results go here so that no call can be optimized away. */
let sink: unknown;

/** CPU time per Resource, collections included: what others do on the machine meanwhile does not count. */
function nanosecondsPerResource(operations: number, operation: () => unknown): number {
  const before = process.cpuUsage();
  for (let round = 0; round < operations; round++) sink = operation();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / operations / RESOURCES;
}

export const formats: Scenario = {
  name: 'formats',
  description: 'decode and encode 20 Resources in TLV, LwM2M CBOR, SenML CBOR and JSON, beside cborg',
  run: ({ quick, progress }) => {
    const rounds = quick ? 3 : 9;
    const operations = quick ? 2_000 : 20_000;
    const context = { path: objectPath(3303), definitions: new ObjectDefinitions() };
    const samples = new Samples();
    const rows: string[][] = [];
    for (const { name, number, peer } of FORMATS) {
      progress(`formats: ${name}`);
      const payload = encodePayload(number, ENTRIES, context);
      if (isMalformed(payload)) throw new Error(payload.malformed);
      const decoded = decodePayload(number, payload, context);
      if (isMalformed(decoded) || decoded.length !== RESOURCES) throw new Error(`${name} does not come back`);
      const content = peer?.decode(payload);
      const variants: Readonly<Record<string, () => unknown>> = {
        'decode, ours': () => decodePayload(number, payload, context),
        'encode, ours': () => encodePayload(number, ENTRIES, context),
        ...(peer === undefined
          ? {}
          : { 'decode, peer': () => peer.decode(payload), 'encode, peer': () => peer.encode(content) }),
      };
      for (const operation of Object.values(variants)) nanosecondsPerResource(operations / 2, operation);
      for (let round = 0; round < rounds; round++) {
        for (const [variant, operation] of Object.entries(variants)) {
          samples.add(`${name}: ${variant}`, nanosecondsPerResource(operations, operation));
        }
      }
      const of = (variant: string): number | undefined => samples.median(`${name}: ${variant}`);
      const compared = (direction: string): string => {
        const theirs = of(`${direction}, peer`);
        return theirs === undefined ? '' : `${figure(theirs / of(`${direction}, ours`)!, 2)}× ours`;
      };
      rows.push([
        name,
        String(payload.length),
        figure(of('decode, ours'), 0),
        figure(of('encode, ours'), 0),
        peer?.name ?? '',
        compared('decode'),
        compared('encode'),
      ]);
    }
    return Promise.resolve({
      tables: [
        {
          title: `Content formats: CPU ns per Resource, ${RESOURCES} in a payload, median of ${rounds} interleaved rounds`,
          columns: ['format', 'bytes', 'decode', 'encode', 'bytes alone', 'its decode', 'its encode'],
          rows,
          notes: sink === undefined ? ['nothing was measured'] : [],
        },
      ],
      data: samples,
    });
  },
};
