import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SeededRandom, VirtualCard, lwm2mCardFiles, type LwM2mCardLayout } from '@lapwing/testkit';
import { encodeBootstrapFile } from './bootstrap-file.ts';
import { smartcardSource, type CardConnection, type SmartcardReading } from './smartcard-source.ts';

const fileOf = (seed: number): Uint8Array =>
  encodeBootstrapFile([{ objectId: 0, version: undefined, instances: new SeededRandom(seed).bytes(50) }], {
    fileBytes: 200,
  });

const pin = { reference: 1, value: Uint8Array.from([0x31, 0x32, 0x33, 0x34, 255, 255, 255, 255]), maxTries: 3 };
const cardOf = (layout: LwM2mCardLayout): VirtualCard => new VirtualCard(lwm2mCardFiles(layout), { pin });

/** A slot that a card is put into, and how often it was powered and let go. */
class Slot {
  card: VirtualCard | undefined;
  connected = 0;
  closed = 0;

  connect = async (): Promise<CardConnection | undefined> => {
    const { card } = this;
    if (card === undefined) return undefined;
    this.connected++;
    return {
      atr: card.atr,
      transmit: async (command) => {
        assert.equal(this.connected, this.closed + 1, 'two readings at once');
        if (card !== this.card) throw new Error('the card was taken out');
        return card.respond(command);
      },
      close: async () => void this.closed++,
    };
  };
}

describe('smartcardSource', () => {
  it('reads the card, and answers nothing without a card or without data on it', async () => {
    const slot = new Slot();
    const readings: SmartcardReading[] = [];
    const source = smartcardSource({ connect: slot.connect, onReading: (reading) => readings.push(reading) });
    assert.equal(await source.read(), undefined);
    slot.card = cardOf({ file: fileOf(1) });
    const content = await source.read();
    assert.deepEqual(
      content?.objects.map((each) => ({ ...each, instances: Uint8Array.from(each.instances) })),
      [{ objectId: 0, version: undefined, instances: new SeededRandom(1).bytes(50) }],
    );
    slot.card = cardOf({});
    assert.equal(await source.read(), undefined);
    slot.card = cardOf({ file: new Uint8Array(200).fill(0xff) });
    assert.equal(await source.read(), undefined);
    assert.deepEqual(
      readings.map((reading) => (reading.kind === 'read' ? reading.objectIds : reading.kind)),
      ['noCard', [0], 'noData', []],
    );
    assert.deepEqual([slot.connected, slot.closed], [3, 3]);
  });

  it('the fingerprint is the same for the same card, another when card or content change, and shows neither', async () => {
    const slot = new Slot();
    const source = smartcardSource({ connect: slot.connect });
    const fingerprintOf = async (card: VirtualCard): Promise<string> => {
      slot.card = card;
      return (await source.read())!.fingerprint;
    };
    const first = await fingerprintOf(cardOf({ file: fileOf(1) }));
    assert.match(first, /^[0-9a-f]{64}$/);
    assert.equal(await fingerprintOf(cardOf({ file: fileOf(1) })), first);
    assert.notEqual(await fingerprintOf(cardOf({ file: fileOf(2) })), first);
    assert.notEqual(await fingerprintOf(cardOf({ file: fileOf(1), iccid: '8949012345678901242f' })), first);
    const anonymous = lwm2mCardFiles({ file: fileOf(1), master: new Map([[0x2fe2, undefined]]) });
    const byAtr = await fingerprintOf(new VirtualCard(anonymous));
    assert.notEqual(byAtr, first);
    assert.notEqual(await fingerprintOf(new VirtualCard(anonymous, { atr: Uint8Array.of(0x3b, 0x00) })), byAtr);
  });

  it('rejects when the reader fails, lets the card go, and reads again afterwards', async () => {
    const slot = new Slot();
    const card = cardOf({ file: fileOf(1) });
    slot.card = card;
    const source = smartcardSource({ connect: slot.connect });
    const reading = source.read();
    await Promise.resolve();
    slot.card = undefined;
    await assert.rejects(reading, /taken out/);
    assert.deepEqual([slot.connected, slot.closed], [1, 1]);
    slot.card = card;
    card.reset();
    assert.notEqual(await source.read(), undefined);
  });

  it('readings asked for at once come one after the other', async () => {
    const slot = new Slot();
    slot.card = cardOf({ file: fileOf(1) });
    const source = smartcardSource({ connect: slot.connect });
    const [one, two] = await Promise.all([source.read(), source.read()]);
    assert.equal(one!.fingerprint, two!.fingerprint);
    assert.deepEqual([slot.connected, slot.closed], [2, 2]);
  });

  it('a refused PIN is not tried again on that card until it was taken out, though it is on another', async () => {
    const slot = new Slot();
    const kinds: string[] = [];
    const source = smartcardSource({
      connect: slot.connect,
      pin: { code: '9999' },
      onReading: ({ kind }) => kinds.push(kind),
    });
    const [card, other] = ['8949012345678901234f', '8949012345678901242f'].map((iccid) =>
      cardOf({ file: fileOf(1), isPrivate: true, iccid }),
    );
    for (slot.card of [card, card, undefined, card, other]) await source.read();
    assert.deepEqual(kinds, ['pinRefused', 'pinNeeded', 'noCard', 'pinRefused', 'pinRefused']);
    assert.deepEqual([card!.triesLeft, other!.triesLeft], [1, 2]);
  });
});
