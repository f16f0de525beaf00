/** Reading virtual cards: every habit a card may have, everything that can be missing, and cards that answer nonsense. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '@lapwing/coap';
import { isMalformed } from '@lapwing/lwm2m';
import {
  LWM2M_CARD_FILES as IDS,
  SeededRandom,
  VirtualCard,
  lwm2mCardFiles,
  type CardFile,
  type CardHabits,
  type LwM2mCardLayout,
} from '@lapwing/testkit';
import type { Transmit } from './apdu.ts';
import { decodeBootstrapFile, encodeBootstrapFile, type BootstrapObject } from './bootstrap-file.ts';
import { readCard, type CardReading } from './read-card.ts';

const ICCID = '8949012345678901234';
const OBJECTS: readonly BootstrapObject[] = [
  { objectId: 0, version: undefined, instances: new SeededRandom(1).bytes(700) },
  { objectId: 1, version: '1.1', instances: new SeededRandom(2).bytes(30) },
];
const FILE = encodeBootstrapFile(OBJECTS, { fileBytes: 2_000 });
const CONTENT = encodeBootstrapFile(OBJECTS);

const PIN = { code: '1234', reference: 1 };
const pinState = { reference: 1, value: Uint8Array.from([0x31, 0x32, 0x33, 0x34, 255, 255, 255, 255]), maxTries: 3 };

const cardOf = (layout: LwM2mCardLayout, habits: Partial<CardHabits> = {}): VirtualCard =>
  new VirtualCard(lwm2mCardFiles(layout), { habits, pin: pinState });
const transmitTo =
  (card: VirtualCard): Transmit =>
  async (command) =>
    card.respond(command);

async function read(card: VirtualCard, options?: Parameters<typeof readCard>[1]): Promise<CardReading> {
  const reading = await readCard(transmitTo(card), options);
  assert.deepEqual(card.openChannels, [], 'the channel was left open');
  return reading;
}

function assertContent(reading: CardReading, objects = OBJECTS): void {
  assert.equal(reading.kind, 'read', reading.kind === 'read' ? '' : reading.reason);
  assert.deepEqual(
    reading.objects.map((each) => ({ ...each, instances: Uint8Array.from(each.instances) })),
    objects,
  );
}

const without = (...ids: readonly number[]): ReadonlyMap<number, undefined> =>
  new Map(ids.map((id) => [id, undefined]));
const transparent = (hex: string): CardFile => ({
  kind: 'transparent',
  content: Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex')),
});

describe('a card for LwM2M is read (OMA TS Core 1.1 Appendix G)', () => {
  it('on a logical channel of its own, which is closed again; the padding is not read', async () => {
    const card = cardOf({ file: FILE });
    const reading = await read(card);
    assertContent(reading);
    assert.equal(reading.kind === 'read' && reading.iccid, ICCID);
    assert.deepEqual(reading.kind === 'read' && Uint8Array.from(reading.file), CONTENT);
    assert.equal(card.commands[0], '0070000001');
    assert.equal(card.commands.at(-1), '00708001');
    assert.ok(card.commands.slice(1, -1).every((command) => command.startsWith('01')));
    assert.equal(card.commands.filter((command) => command.startsWith('01b0')).length, 1 + 1 + 1 + 3);
  });

  const HABITS: readonly (readonly [string, Partial<CardHabits>])[] = [
    ['has no logical channels', { channels: 0 }],
    ['gives out a channel of the further interindustry class', { firstChannel: 4, channels: 16 }],
    ['has channel 19 only', { firstChannel: 19, channels: 1 }],
    ['knows the FCI template only', { selectAnswers: [0x00] }],
    ['answers nothing to SELECT', { selectAnswers: [0x0c] }],
    ['holds answers back, T=0', { holdsBack: true, beyondEnd: 'wrongLe' }],
    ['does not tell sizes; a warning at the end', { tellsSize: false }],
    ['does not tell sizes; 6Cxx at the end', { tellsSize: false, beyondEnd: 'wrongLe' }],
    ['does not tell sizes; 6700 at the end', { tellsSize: false, beyondEnd: 'wrongLength' }],
    ['does not tell sizes; a short answer at the end', { tellsSize: false, beyondEnd: 'short' }],
    ['answers 17 bytes at once', { maxReadBytes: 17, beyondEnd: 'short' }],
    ['answers 17 bytes at once and does not tell sizes', { maxReadBytes: 17, tellsSize: false, beyondEnd: 'short' }],
    ['has something for a SIM toolkit', { success: 0x9110 }],
    ['does not select by AID', { selectsByAid: false }],
  ];
  for (const [name, habits] of HABITS) {
    it(`that ${name}`, async () => assertContent(await read(cardOf({ file: FILE }, habits))));
    it(`that ${name}, to the end of a file without padding`, async () =>
      assertContent(await read(cardOf({ file: CONTENT }, habits))));
  }

  it('the size is taken from an FCP and from an FCI template, and a warning at the end believed', async () => {
    const commands = async (habits: Partial<CardHabits>): Promise<number> => {
      const card = cardOf({ file: FILE }, habits);
      assertContent(await read(card));
      return card.commands.filter((command) => command.startsWith('01b0')).length;
    };
    assert.equal(await commands({ selectAnswers: [0x04], beyondEnd: 'short' }), 6);
    assert.equal(await commands({ selectAnswers: [0x00], beyondEnd: 'short' }), 6);
    assert.equal(await commands({ tellsSize: false, beyondEnd: 'warning' }), 6);
    // Without any of it, three small files are read once more to find their end.
    assert.equal(await commands({ tellsSize: false, beyondEnd: 'short' }), 6 + 3);
  });

  it('a part of a directory: what is outside of it is not looked at', async () => {
    const record = '30 12 3000 3006 0604672b0901 a106 3004 0402 6432';
    const application = new Map<number, CardFile>([
      [IDS.objectDirectory, transparent('a70d 300b 0402 6430 0201 02 8002 0014')],
      [IDS.dataObjectDirectory, transparent(`3020 ${record} 3020`)],
    ]);
    assertContent(await read(cardOf({ file: FILE, application })));
  });

  it('a file of 32 KiB, the largest that READ BINARY reaches', async () => {
    const objects = [{ objectId: 0, version: undefined, instances: new SeededRandom(3).bytes(32_768 - 9) }];
    for (const tellsSize of [true, false]) {
      const card = cardOf({ file: encodeBootstrapFile(objects) }, { tellsSize });
      assertContent(await read(card), objects);
      assert.ok(card.commands.length < 160, `${card.commands.length} commands`);
    }
  });

  it('a file that was never written, and one that says it is empty', async () => {
    assertContent(await read(cardOf({ file: new Uint8Array(500).fill(0xff) })), []);
    assertContent(await read(cardOf({ file: new Uint8Array(4) })), []);
  });

  it('a card without an EF(DIR)', async () => {
    assertContent(await read(cardOf({ file: FILE, master: without(IDS.directory) })));
  });

  it('a card whose EF(DIR) is transparent, and one where it is malformed', async () => {
    const directory = transparent('61 14 4f 0c a000000063504b43532d3135 51 04 3f007f50 ffff');
    const layout = { file: FILE, master: new Map([[IDS.directory, directory]]) };
    assertContent(await read(cardOf(layout, { selectsByAid: false })));
    const broken = new Map([[IDS.directory, transparent('61 30 4f')]]);
    assertContent(await read(cardOf({ file: FILE, master: broken })));
  });

  it('a card without an ICCID', async () => {
    const reading = await read(cardOf({ file: FILE, master: without(IDS.iccid) }));
    assertContent(reading);
    assert.equal(reading.kind === 'read' && reading.iccid, undefined);
  });

  it('data object directories in the order of EF(ODF), the first that leads to the file', async () => {
    const application = new Map<number, CardFile | undefined>([
      [IDS.objectDirectory, transparent('a706 3004 0402 6440 a706 3004 0402 6441 a706 3004 0402 6430')],
      // No such file 6440; 6441 has a record of another application.
      [0x6441, transparent('30 13 3000 3007 0605672b010101 a106 3004 0402 6431')],
    ]);
    assertContent(await read(cardOf({ file: FILE, application })));
  });

  it('a path from the MF, a path from the application, a short EF identifier, a part of a file', async () => {
    for (const [path, file] of [
      ['0406 3f007f506432', FILE],
      ['0402 6432', FILE],
      ['0401 90', FILE],
      ['0402 6432 0201 03', Uint8Array.from([1, 2, 3, ...FILE])],
      ['0401 90 0201 03', Uint8Array.from([1, 2, 3, ...FILE])],
      ['0402 6432 0201 03 8002 0300', Uint8Array.from([1, 2, 3, ...FILE])],
    ] as const) {
      const length = path.replaceAll(' ', '').length / 2;
      const hex = (value: number): string => value.toString(16).padStart(2, '0');
      const record = `3000 3006 0604672b0901 a1${hex(length + 2)} 30${hex(length)} ${path}`;
      const directory = transparent(`30 ${hex(record.replaceAll(' ', '').length / 2)} ${record}`);
      const application = new Map([[IDS.dataObjectDirectory, directory]]);
      assertContent(await read(cardOf({ file, application })));
    }
  });
});

describe('a card without data for LwM2M says what is missing', () => {
  const ROWS: readonly (readonly [string, LwM2mCardLayout, string])[] = [
    ['the application', { file: FILE, master: without(IDS.application, IDS.directory) }, 'PKCS#15 application'],
    ['EF(ODF)', { file: FILE, application: without(IDS.objectDirectory) }, 'EF(ODF)'],
    [
      'data objects in EF(ODF)',
      { file: FILE, application: new Map([[IDS.objectDirectory, transparent('a806 3004 0402 4401')]]) },
      'EF(DODF)',
    ],
    ['EF(DODF)', { file: FILE, application: without(IDS.dataObjectDirectory) }, 'EF(DODF)'],
    [
      'the record',
      { file: FILE, application: new Map([[IDS.dataObjectDirectory, transparent('ffff')]]) },
      'LwM2M record',
    ],
    ['the file', {}, 'EF LwM2M_Bootstrap'],
  ];
  for (const [name, layout, missing] of ROWS) {
    it(`without ${name}`, async () => {
      const reading = await read(cardOf(layout));
      assert.deepEqual(reading, { kind: 'noData', missing, iccid: ICCID, reason: `the card has no ${missing}` });
    });
  }
});

describe('a card that refuses or errs gives an outcome', () => {
  it('an error of the card, with its status word', async () => {
    const directory: CardFile = { kind: 'records', records: [Uint8Array.of(1)] };
    const reading = await read(cardOf({ file: FILE, application: new Map([[IDS.dataObjectDirectory, directory]]) }));
    assert.deepEqual(reading, {
      kind: 'refused',
      command: 'READ BINARY',
      about: 'EF(DODF)',
      statusWord: 0x6981,
      reason: 'READ BINARY (EF(DODF)) is refused with 6981',
      iccid: ICCID,
    });
  });

  for (const [name, layout] of [
    ['EF(ODF)', { application: new Map([[IDS.objectDirectory, transparent('a730')]]) }],
    ['EF(DODF)', { application: new Map([[IDS.dataObjectDirectory, transparent('3030')]]) }],
    ['the file', { file: Uint8Array.from([0, 2, 0, 5, 0, 1, 0, 0, 0]) }],
  ] as const) {
    it(`${name} is malformed`, async () => {
      const reading = await read(cardOf({ file: FILE, ...layout }));
      assert.equal(reading.kind, 'malformed');
      assert.match(reading.reason, /./);
    });
  }

  it('a card that never comes to an end is given up after so many commands, and the channel closed', async () => {
    const card = cardOf({ file: FILE }, { maxReadBytes: 1, beyondEnd: 'short' });
    const reading = await read(card, { maxCommands: 100 });
    assert.equal(reading.kind, 'tooManyCommands');
    assert.equal(card.commands.length, 100 + 1);
  });

  for (const [name, answer, kind] of [
    ['61 for ever', [0x61, 0x10], 'malformed'],
    ['6C for ever', [0x6c, 0x10], 'noData'],
    ['nothing', [], 'malformed'],
    ['one byte', [0x90], 'malformed'],
    ['success and no data', [0x90, 0x00], 'malformed'],
    ['channel 0', [0x00, 0x90, 0x00], 'malformed'],
    ['channel 20', [20, 0x90, 0x00], 'malformed'],
    ['that it is not known', [0x6d, 0x00], 'noData'],
  ] as const) {
    it(`a card that answers ${name} to everything`, async () => {
      assert.equal((await readCard(async () => Uint8Array.from(answer))).kind, kind);
    });
  }

  it('READ BINARY that succeeds and answers nothing is the end of the file', async () => {
    const card = cardOf({ file: FILE });
    const reading = await readCard(async (command) => {
      const answer = card.respond(command);
      return command[1] === 0xb0 ? Uint8Array.of(0x90, 0x00) : answer;
    });
    assert.equal(reading.kind === 'noData' && reading.missing, 'EF(DODF)');
  });

  it('whatever is answered, at most so many commands are sent and nothing is thrown (seeds 1 to 400)', async () => {
    const kinds = new Set<string>();
    for (let seed = 1; seed <= 400; seed++) {
      const random = new SeededRandom(seed);
      const card = cardOf({ file: FILE }, { holdsBack: random.chance(0.3) });
      const rate = random.pick([0.01, 0.05, 0.2]);
      let commands = 0;
      const reading = await readCard(
        async (command) => {
          commands++;
          const answer = card.respond(command);
          if (!random.chance(rate)) return answer;
          if (random.chance(0.3)) return random.bytes(random.integer(40));
          answer[random.integer(answer.length)] = random.uint32();
          return random.chance(0.3) ? answer.subarray(0, random.integer(answer.length + 1)) : answer;
        },
        { maxCommands: 200 },
      );
      assert.ok(commands <= 201, `seed ${seed}: ${commands} commands`);
      if (reading.kind === 'read') assert.ok(!isMalformed(decodeBootstrapFile(reading.file)), `seed ${seed}`);
      else assert.match(reading.reason, /^.{10,200}$/, `seed ${seed}`);
      kinds.add(reading.kind);
    }
    assert.deepEqual([...kinds].sort(), ['malformed', 'noData', 'read', 'refused']);
  });

  it('a reader that fails is the only thing that rejects, with its own error; closing the channel was tried', async () => {
    const card = cardOf({ file: FILE });
    const sent: string[] = [];
    const gone = new Error('the card was taken out');
    await assert.rejects(
      readCard(async (command) => {
        sent.push(Buffer.from(command).toString('hex'));
        if (sent.length > 5) throw gone;
        return card.respond(command);
      }),
      gone,
    );
    assert.equal(sent.at(-1), '00708001');
  });
});

describe('a private file (PKCS#15 §6.1.8, ETSI TS 102 221 §11.1.9)', () => {
  const layout = { file: FILE, isPrivate: true };

  it('without a PIN: one is needed', async () => {
    const reading = await read(cardOf(layout));
    assert.equal(reading.kind, 'pinNeeded');
    assert.equal(reading.iccid, ICCID);
  });

  it('with the right PIN it is read', async () => {
    const card = cardOf(layout);
    assertContent(await read(card, { pin: PIN }));
    assert.ok(card.commands.includes('012000010831323334ffffffff'));
    assert.equal(card.triesLeft, 3);
  });

  it('a PIN is not sent for a file that needs none', async () => {
    const card = cardOf({ file: FILE });
    assertContent(await read(card, { pin: PIN }));
    assert.ok(card.commands.every((command) => command.slice(2, 4) !== '20'));
  });

  it('a wrong PIN is refused, and the last try is never taken', async () => {
    const card = cardOf(layout);
    const wrong = { pin: { code: '9999' } };
    const tries = async (): Promise<unknown> => {
      const reading = await read(card, wrong);
      return reading.kind === 'pinRefused' ? [reading.triesLeft, reading.reason] : reading;
    };
    assert.deepEqual(await tries(), [2, 'PIN 1 is refused; tries left: 2']);
    assert.deepEqual(await tries(), [1, 'PIN 1 is refused; tries left: 1']);
    assert.deepEqual(await tries(), [1, 'PIN 1 was not tried; tries left: 1']);
    assert.equal(card.triesLeft, 1);
  });

  it('a wrong PIN is tried once in a reading, though two directories lead to the file', async () => {
    const objectDirectory = transparent('a706 3004 0402 6430 a706 3004 0402 6430');
    const card = cardOf({ ...layout, application: new Map([[IDS.objectDirectory, objectDirectory]]) });
    assert.equal((await read(card, { pin: { code: '9999' } })).kind, 'pinRefused');
    assert.equal(card.triesLeft, 2);
  });

  it('a blocked PIN and an unknown one', async () => {
    const card = new VirtualCard(lwm2mCardFiles(layout), { pin: { ...pinState, maxTries: 0 } });
    const blocked = await read(card, { pin: PIN });
    assert.equal(blocked.kind === 'pinRefused' && blocked.reason, 'PIN 1 is blocked');
    const unknown = await read(cardOf(layout), { pin: { ...PIN, reference: 0x81 } });
    assert.equal(unknown.kind, 'pinRefused');
  });

  it('a file that is private though its record does not say so', async () => {
    const application = new Map<number, CardFile>([
      [IDS.dataObjectDirectory, transparent('30 12 3000 3006 0604672b0901 a106 3004 0402 6432')],
    ]);
    assert.equal((await read(cardOf({ ...layout, application }))).kind, 'pinNeeded');
    assertContent(await read(cardOf({ ...layout, application }), { pin: PIN }));
  });

  for (const [name, pin] of [
    ['letters', { code: 'abcd' }],
    ['nothing', { code: '' }],
    ['nine digits', { code: '123456789' }],
    ['no reference', { code: '1234', reference: 0 }],
  ] as const) {
    it(`a PIN of ${name} is misuse`, async () => {
      await assert.rejects(readCard(transmitTo(cardOf(layout)), { pin }), UsageError);
    });
  }
});
