/** The examples in docs/smartcard.md are the files in examples/, word for word, and they do what they say. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { OperationFailed } from '@lapwing/coap';
import { decodePayload, isMalformed, ObjectDefinitions, objectPath } from '@lapwing/lwm2m';
import { decodeBootstrapFile } from '@lapwing/smartcard';
import { PcscSmartcard } from '@lapwing/smartcard-pcsc';
import { VirtualCard, lwm2mCardFiles } from '@lapwing/testkit';
import { cardFile } from './examples/card-file.ts';
import { watchCards } from './examples/card-reader.ts';
import { describeCard, modemSource, type Modem } from './examples/other-reader.ts';

const FOLDER = new URL('./examples/', import.meta.url);
const DOCUMENT = new URL('../../../docs/smartcard.md', import.meta.url);

describe('docs/smartcard.md', () => {
  const blocks = new Map(
    [...readFileSync(DOCUMENT, 'utf8').matchAll(/<!-- (\S+\.ts) -->\n\n```ts\n([^]*?)```\n/g)].map(([, file, text]) => [
      file,
      text,
    ]),
  );
  for (const file of readdirSync(FOLDER)) {
    it(`shows ${file} as it is`, () => assert.equal(blocks.get(file), readFileSync(new URL(file, FOLDER), 'utf8')));
  }
  it('shows nothing else', () => assert.deepEqual([...blocks.keys()].sort(), readdirSync(FOLDER).sort()));
});

describe('the examples', () => {
  const key = Uint8Array.from({ length: 16 }, (_, index) => index);

  it('the file of a card holds an LwM2M Server with its key', () => {
    const file = cardFile('device-1', key);
    assert.equal(file.length, 1024);
    const objects = decodeBootstrapFile(file);
    assert.ok(!isMalformed(objects));
    const values = objects.flatMap(({ instances, objectId }) => {
      const entries = decodePayload(11542, instances, {
        path: objectPath(objectId),
        definitions: new ObjectDefinitions(),
      });
      assert.ok(!isMalformed(entries));
      return entries.map((entry) => (entry.kind === 'value' ? entry.value.value : undefined));
    });
    const identity = Buffer.from('device-1');
    assert.deepEqual(
      values.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : value)),
      ['coaps://server.example', false, 0, identity, Buffer.alloc(0), Buffer.from(key), 101, 101, 86_400, false, 'U'],
    );
  });

  it('a modem is a source', async () => {
    const card = new VirtualCard(lwm2mCardFiles({ file: cardFile('device-1', key) }));
    const modem: Modem = {
      powerCard: async () => card.atr,
      sendApdu: async (command) => card.respond(command),
      release: async () => card.reset(),
    };
    assert.deepEqual(
      (await modemSource(modem).read())?.objects.map(({ objectId }) => objectId),
      [0, 1],
    );
    assert.match(await describeCard(modem), /^Object 0: \d+ bytes, Object 1: \d+ bytes$/);
    const empty = new VirtualCard(lwm2mCardFiles({}));
    assert.equal(
      await describeCard({ ...modem, sendApdu: async (command) => empty.respond(command) }),
      'the card has no EF LwM2M_Bootstrap',
    );
  });

  it('cards are watched', async (t) => {
    const lines: string[] = [];
    t.mock.method(console, 'log', (...words: readonly unknown[]) => lines.push(words.join(' ')));
    t.mock.method(console, 'error', (error: Error) => lines.push(error.message));
    const content = { objects: [], fingerprint: '3f' };
    const readings = [content, undefined, new OperationFailed('PCSC_FAILED', 'away', { retryable: true })];
    let change: (() => void) | undefined;
    const reader = {
      read: async () => {
        const reading = readings.shift();
        if (reading instanceof Error) throw reading;
        return reading;
      },
      onChange: (listener: () => void) => (change = listener),
    };
    t.mock.method(PcscSmartcard, 'open', async () => reader);
    await watchCards();
    change!();
    change!();
    await new Promise(setImmediate);
    assert.deepEqual(lines, ['Objects of card 3f', 'nothing to bootstrap from', 'away']);
  });
});
