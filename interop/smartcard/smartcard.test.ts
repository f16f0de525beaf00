/**
 * Our PC/SC adapter with a real PC/SC service (Debian's pcscd), over the virtual reader of vsmartcard, which our virtual
 * cards are put into and taken out of.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, afterEach, describe, it } from 'node:test';
import { OperationFailed } from '@lapwing/coap';
import {
  encodeBootstrapFile,
  type BootstrapObject,
  type SmartcardContent,
  type SmartcardReading,
} from '@lapwing/smartcard';
import { PcscSmartcard } from '@lapwing/smartcard-pcsc';
import { SeededRandom, VirtualCard, lwm2mCardFiles, type CardHabits, type LwM2mCardLayout } from '@lapwing/testkit';
import { Mailbox } from '../src/mailbox.ts';
import { PcscService, loadPcscMini, missingPcsc, missingPcscMini } from '../src/pcsc-service.ts';
import { InsertedCard } from '../src/virtual-card-slot.ts';

const objectsOf = (seed: number, bytes = 600): readonly BootstrapObject[] => [
  { objectId: 0, version: undefined, instances: new SeededRandom(seed).bytes(bytes) },
  { objectId: 1, version: '1.1', instances: new SeededRandom(seed + 1).bytes(40) },
];
const fileOf = (seed: number): Uint8Array => encodeBootstrapFile(objectsOf(seed), { fileBytes: 1_000 });

const PIN = { reference: 1, value: Uint8Array.from([0x31, 0x32, 0x33, 0x34, 255, 255, 255, 255]), maxTries: 3 };
/** T=0 alone, historical bytes "LWM2M". */
const T0_ATR = Uint8Array.from([0x3b, 0x05, 0x4c, 0x57, 0x4d, 0x32, 0x4d]);

const cardOf = (layout: LwM2mCardLayout, habits: Partial<CardHabits> = {}, atr?: Uint8Array): VirtualCard =>
  new VirtualCard(lwm2mCardFiles(layout), { habits, pin: PIN, ...(atr === undefined ? {} : { atr }) });

const skip = missingPcsc();

describe('smartcards in a PC/SC reader', { skip }, () => {
  let service: PcscService;
  let source: PcscSmartcard;
  let changes: Mailbox<'changed'>;
  let readings: SmartcardReading[];

  before(async () => void (service = await PcscService.start()));
  after(async () => service[Symbol.asyncDispose]());

  const open = (options = {}): Promise<PcscSmartcard> =>
    PcscSmartcard.open({
      onReading: (_name, reading) => readings.push(reading),
      retryInterval: 200,
      ...options,
    });
  const follow = (): void => {
    changes = new Mailbox();
    source.onChange(() => changes.put('changed'));
  };

  beforeEach(async () => {
    readings = [];
    source = await open();
    follow();
  });
  afterEach(() => source.close());

  const insert = async (card: VirtualCard, slot = 0): Promise<InsertedCard> => {
    const inserted = await InsertedCard.insert(card, service.ports[slot]!);
    await changes.take();
    return inserted;
  };
  const takeOut = async (card: InsertedCard): Promise<void> => {
    await card[Symbol.asyncDispose]();
    await changes.take();
  };
  function assertHolds(content: SmartcardContent | undefined, objects: readonly BootstrapObject[]): void {
    assert.deepEqual(
      content?.objects.map((each) => ({ ...each, instances: Uint8Array.from(each.instances) })),
      objects,
      JSON.stringify(readings),
    );
  }

  it('a card is put in and read, read again, taken out; another one is put in', async () => {
    assert.equal(await source.read(), undefined);
    const first = await insert(cardOf({ file: fileOf(1) }));
    const content = await source.read();
    assertHolds(content, objectsOf(1));
    assert.equal((await source.read())!.fingerprint, content!.fingerprint);
    await takeOut(first);
    assert.equal(await source.read(), undefined);
    const second = await insert(cardOf({ file: fileOf(3) }));
    const other = await source.read();
    assertHolds(other, objectsOf(3));
    assert.notEqual(other!.fingerprint, content!.fingerprint);
    await takeOut(second);
  });

  it('a card that was in before is read at once', async () => {
    const card = await insert(cardOf({ file: fileOf(1) }));
    await using late = await open();
    assertHolds(await late.read(), objectsOf(1));
    await takeOut(card);
  });

  it('a card without the file, and one that is not for LwM2M at all', async () => {
    const empty = await insert(cardOf({}));
    assert.equal(await source.read(), undefined);
    await takeOut(empty);
    const foreign = await insert(
      cardOf({
        file: fileOf(1),
        master: new Map([
          [0x2f00, undefined],
          [0x7f50, undefined],
        ]),
      }),
    );
    assert.equal(await source.read(), undefined);
    await takeOut(foreign);
    assert.deepEqual(
      readings.map((reading) => reading.kind === 'noData' && reading.missing),
      ['EF LwM2M_Bootstrap', 'PKCS#15 application'],
    );
  });

  it('the card with data is found beside one without, whichever reader it is in', async () => {
    const empty = await insert(cardOf({}), 0);
    const card = await insert(cardOf({ file: fileOf(1) }), 1);
    assertHolds(await source.read(), objectsOf(1));
    await using named = await open({ readerName: source.readerNames[0] });
    assert.equal(await named.read(), undefined);
    await takeOut(empty);
    assertHolds(await source.read(), objectsOf(1));
    await takeOut(card);
  });

  it('a card that speaks T=0, whose answers are fetched', async () => {
    const card = cardOf({ file: fileOf(1) }, { holdsBack: true, beyondEnd: 'wrongLe' }, T0_ATR);
    const inserted = await insert(card);
    assertHolds(await source.read(), objectsOf(1));
    assert.ok(card.commands.includes('01a4000402' + '5031'), 'SELECT went out with its Le');
    await takeOut(inserted);
  });

  it('a file of 32 KiB', async () => {
    const objects = objectsOf(5, 32_000);
    const card = await insert(cardOf({ file: encodeBootstrapFile(objects, { fileBytes: 32_768 }) }));
    assertHolds(await source.read(), objects);
    await takeOut(card);
  });

  it('a private file is read with the PIN', async () => {
    const card = await insert(cardOf({ file: fileOf(1), isPrivate: true }));
    assert.equal(await source.read(), undefined);
    await using knowing = await open({ pin: { code: '1234' } });
    assertHolds(await knowing.read(), objectsOf(1));
    assert.deepEqual(
      readings.map(({ kind }) => kind),
      ['pinNeeded', 'read'],
    );
    await takeOut(card);
  });

  it('a card that is taken out while it is read: the reading fails, the next one is of the next card', async () => {
    const card = cardOf({ file: fileOf(1) });
    const inserted = await insert(card);
    const respond = card.respond.bind(card);
    card.respond = (command) => {
      if (card.commands.length === 4) void inserted[Symbol.asyncDispose]();
      return respond(command);
    };
    await assert.rejects(
      source.read(),
      (error) => error instanceof OperationFailed && error.code === 'PCSC_FAILED' && error.retryable,
    );
    await changes.take();
    const next = await insert(cardOf({ file: fileOf(3) }));
    assertHolds(await source.read(), objectsOf(3));
    await takeOut(next);
  });

  it('pcsc-mini, which is for systems without the socket, does it as well', { skip: missingPcscMini() }, async () => {
    await using other = await open({ pcsc: loadPcscMini() });
    const theirs = new Mailbox<'changed'>();
    other.onChange(() => theirs.put('changed'));
    assert.deepEqual(other.readerNames, source.readerNames);
    const card = await insert(cardOf({ file: fileOf(1) }, { holdsBack: true, beyondEnd: 'wrongLe' }, T0_ATR));
    await theirs.take();
    const content = await other.read();
    assertHolds(content, objectsOf(1));
    assert.equal(content!.fingerprint, (await source.read())!.fingerprint);
    await takeOut(card);
    await theirs.take();
    assert.equal(await other.read(), undefined);
  });

  it('the service goes away and comes back', async (t) => {
    if (!service.isOurs) return t.skip('the PC/SC service of this machine is not stopped for a test');
    await service[Symbol.asyncDispose]();
    await changes.take();
    await assert.rejects(source.read(), /PC\/SC service at .* hung up/);
    await assert.rejects(open(), /PC\/SC service at .* cannot be reached: (ENOENT|ECONNREFUSED)/);
    service = await PcscService.start();
    await changes.take();
    const card = await insert(cardOf({ file: fileOf(1) }));
    assertHolds(await source.read(), objectsOf(1));
    await takeOut(card);
  });
});
