/** Decoding and encoding one message, beside the npm package `coap-packet`. */
import { Codes, MessageType, buildOptions, decodeMessage, encodeMessage, messageId } from '@lapwing/coap';
import type { Message } from '@lapwing/coap';
import { generate, parse } from 'coap-packet';
import type { Packet } from 'coap-packet';
import { figure } from '../scenario.ts';
import type { Scenario } from '../scenario.ts';
import { Samples } from '../statistics.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const token = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const message = (part: Partial<Message>): Message => ({
  type: MessageType.confirmable,
  code: Codes.post,
  messageId: messageId(0x1234),
  token,
  options: [],
  payload: new Uint8Array(0),
  ...part,
});

const MESSAGES: Readonly<Record<string, Message>> = {
  'GET /3/0/9': message({ code: Codes.get, options: buildOptions({ uriPath: ['3', '0', '9'], accept: 112 }) }),
  '2.05, 15 bytes': message({
    type: MessageType.acknowledgement,
    code: Codes.content,
    options: buildOptions({ contentFormat: 0 }),
    payload: text('Nov 22 12:00:00'),
  }),
  'Register, 10 links': message({
    options: buildOptions({
      uriPath: ['rd'],
      contentFormat: 40,
      uriQuery: ['ep=urn:dev:os:0023C7-000001', 'lt=86400', 'lwm2m=1.1', 'b=U'],
    }),
    payload: text(
      '</>;rt="oma.lwm2m";ct=110,</1/0>,</2/0>,</3/0>;ver=1.1,</4/0>,</5/0>,</6/0>,</7/0>,</3303/0>,</3304/0>',
    ),
  }),
  Update: message({ options: buildOptions({ uriPath: ['rd', '5a3f'] }) }),
  Notify: message({
    code: Codes.content,
    options: buildOptions({ observe: 74_565, contentFormat: 112 }),
    payload: new Uint8Array(48).fill(7),
  }),
};

/** Results go here so that no call can be optimized away. */
let sink: unknown;

/** CPU time, collections included: what others do on the machine meanwhile does not count. */
function nanoseconds(operations: number, operation: () => unknown): number {
  const before = process.cpuUsage();
  for (let round = 0; round < operations; round++) sink = operation();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / operations;
}

export const codec: Scenario = {
  name: 'codec',
  description: 'decode and encode one message, beside coap-packet',
  run: ({ quick, progress }) => {
    const rounds = quick ? 3 : 9;
    const operations = quick ? 20_000 : 200_000;
    const samples = new Samples();
    const rows: string[][] = [];
    for (const [name, original] of Object.entries(MESSAGES)) {
      progress(`codec: ${name}`);
      // As node:dgram hands it over: a Buffer.
      const datagram = Buffer.from(encodeMessage(original));
      const decoded = original;
      const packet: Packet = { ...parse(datagram), options: parse(datagram).options };
      const variants: Readonly<Record<string, () => unknown>> = {
        'decode, ours': () => decodeMessage(datagram),
        'decode, coap-packet': () => parse(datagram),
        'encode, ours': () => encodeMessage(decoded),
        'encode, coap-packet': () => generate(packet),
      };
      for (const operation of Object.values(variants)) nanoseconds(operations / 4, operation);
      for (let round = 0; round < rounds; round++) {
        for (const [variant, operation] of Object.entries(variants)) {
          samples.add(`${name}: ${variant}`, nanoseconds(operations, operation));
        }
      }
      const of = (variant: string): number => samples.median(`${name}: ${variant}`)!;
      rows.push([
        name,
        String(datagram.length),
        figure(of('decode, ours'), 0),
        figure(of('decode, coap-packet'), 0),
        `${figure(of('decode, coap-packet') / of('decode, ours'))}×`,
        figure(of('encode, ours'), 0),
        figure(of('encode, coap-packet'), 0),
        `${figure(of('encode, coap-packet') / of('encode, ours'))}×`,
      ]);
    }
    const notes = sink === undefined ? ['nothing was measured'] : [];
    return Promise.resolve({
      tables: [
        {
          title: `Codec: CPU ns per message, median of ${rounds} interleaved rounds`,
          columns: ['message', 'bytes', 'decode', 'coap-packet', 'ratio', 'encode', 'coap-packet', 'ratio'],
          rows,
          notes,
        },
      ],
      data: samples,
    });
  },
};
