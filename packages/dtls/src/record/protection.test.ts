/** Both constructions behind `createProtection`, beyond what the captures show. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeCrypto } from '@lapwing/transport';
import fc from 'fast-check';
import { CIPHER_SUITES, type CipherSuite } from '../cipher-suite-table.ts';
import type { DtlsCrypto } from '../crypto.ts';
import { deriveKeys } from '../key-schedule.ts';
import { createProtection } from './create-protection.ts';
import type { SecurityParameters } from './protection.ts';
import { RecordCursor, writeHeader } from './record-header.ts';

const RANDOM = new Uint8Array(32).fill(5);
const MASTER = nodeCrypto.importSecret(new Uint8Array(48).fill(6));
const ID = Uint8Array.of(0xca, 0xfe, 1, 2, 3, 4);

interface Kind {
  readonly name: string;
  readonly suite: CipherSuite;
  readonly encryptThenMac: boolean;
}

const KINDS: readonly Kind[] = CIPHER_SUITES.filter(({ keyExchange }) => keyExchange === 'psk').flatMap((suite) =>
  suite.cipher === 'aes-128-cbc-sha256'
    ? [
        { name: 'CBC, MAC-then-encrypt', suite, encryptThenMac: false },
        { name: 'CBC, encrypt-then-MAC', suite, encryptThenMac: true },
      ]
    : [{ name: suite.cipher, suite, encryptThenMac: false }],
);

function parametersOf(kind: Kind, id: Uint8Array | undefined, maxFragmentLength = 16_384): SecurityParameters {
  return {
    suite: kind.suite,
    ...deriveKeys(MASTER, RANDOM, RANDOM, kind.suite, nodeCrypto),
    encryptThenMac: kind.encryptThenMac,
    clientToServerId: id,
    serverToClientId: undefined,
    maxFragmentLength,
  };
}

function contentOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i);
}

for (const kind of KINDS) {
  describe(`records of ${kind.name}`, () => {
    const withId = createProtection(parametersOf(kind, ID), 'client', nodeCrypto);
    const without = createProtection(parametersOf(kind, undefined), 'client', nodeCrypto);

    it('open to what was sealed: any type, epoch, number, content, Connection ID and padding', () => {
      fc.assert(
        fc.property(
          fc.constantFrom(20, 21, 22, 23),
          fc.constantFrom(1, 2, 0xffff),
          fc.oneof(fc.nat(1000), fc.constantFrom(2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1)),
          fc.oneof(fc.nat(300), fc.constantFrom(2030, 2048, 5000)),
          fc.option(fc.uint8Array({ minLength: 0, maxLength: 255 }), { nil: undefined }),
          fc.constantFrom(1, 16, 100),
          (type, epoch, sequence, length, id, padding) => {
            const parameters = parametersOf(kind, id);
            const content = contentOf(length);
            const sealer = createProtection(parameters, 'client', nodeCrypto, padding);
            const record = sealer.seal(type, epoch, sequence, content);
            assert.ok(record.length <= length + sealer.overhead, 'within the overhead');
            const cursor = new RecordCursor();
            cursor.enter(record, id?.length ?? 0);
            assert.ok(cursor.next());
            const isHidden = id !== undefined && id.length > 0;
            assert.deepEqual(
              [cursor.contentType, cursor.epoch, cursor.sequence],
              [isHidden ? 25 : type, epoch, sequence],
            );
            const opened = createProtection(parameters, 'client', nodeCrypto).open(record);
            assert.deepEqual(opened && { ...opened, content: Uint8Array.from(opened.content) }, {
              contentType: type,
              content,
            });
          },
        ),
        { numRuns: 150 },
      );
    });

    for (const { what, protection } of [
      { what: 'without a Connection ID', protection: without },
      { what: 'with a Connection ID', protection: withId },
    ]) {
      it(`${what}: any flipped bit and nothing opens`, () => {
        const record = protection.seal(23, 1, 7, contentOf(20));
        for (let bit = 0; bit < 8 * record.length; bit++) {
          const flipped = record.slice();
          flipped[bit >> 3]! ^= 1 << (bit & 7);
          assert.equal(protection.open(flipped), undefined, `byte ${bit >> 3}, bit ${bit & 7}`);
        }
      });

      it(`${what}: cut off anywhere, with the length put right or not, nothing opens and nothing throws (CVE-2026-75806)`, () => {
        const record = protection.seal(23, 1, 7, contentOf(20));
        const header = what === 'with a Connection ID' ? 13 + ID.length : 13;
        for (let length = 0; length < record.length; length++) {
          const cut = record.slice(0, length);
          assert.equal(protection.open(cut), undefined, `${length} bytes`);
          if (length < header) continue;
          writeHeader(cut, record[0]!, 1, 7, header === 13 ? undefined : ID);
          assert.equal(protection.open(cut), undefined, `${length} bytes with their length`);
        }
        assert.equal(protection.open(Uint8Array.of(...record, 0)), undefined, 'a byte too many');
      });

      it(`${what}: random bytes behind a header do not open and do not throw`, () => {
        fc.assert(
          fc.property(fc.uint8Array({ maxLength: 200 }), (fragment) => {
            const id = what === 'with a Connection ID' ? ID : undefined;
            const record = new Uint8Array(13 + (id?.length ?? 0) + fragment.length);
            record.set(fragment, writeHeader(record, id === undefined ? 23 : 25, 1, 7, id));
            assert.equal(protection.open(record), undefined);
          }),
          { numRuns: 300 },
        );
      });
    }

    it('do not open with the keys of the other direction', () => {
      const record = without.seal(23, 1, 7, contentOf(20));
      assert.equal(createProtection(parametersOf(kind, undefined), 'server', nodeCrypto).open(record), undefined);
    });

    it('with a Connection ID of the same length, but another one, do not open', () => {
      const other = createProtection(
        parametersOf(
          kind,
          ID.map((byte) => byte ^ 1),
        ),
        'client',
        nodeCrypto,
      );
      assert.equal(other.open(withId.seal(23, 1, 7, contentOf(20))), undefined);
    });

    it('that are sealed without a Connection ID do not open where one was agreed, nor the other way round (RFC 9146 §4)', () => {
      assert.equal(withId.open(without.seal(23, 1, 7, contentOf(20))), undefined);
      assert.equal(without.open(withId.seal(23, 1, 7, contentOf(20))), undefined);
    });

    it('with more content than was agreed do not open (RFC 6066 §4)', () => {
      for (const id of [undefined, ID]) {
        const sealer = createProtection(parametersOf(kind, id), 'client', nodeCrypto);
        const opener = createProtection(parametersOf(kind, id, 512), 'client', nodeCrypto);
        assert.equal(opener.open(sealer.seal(23, 1, 7, contentOf(512)))?.content.length, 512);
        assert.equal(opener.open(sealer.seal(23, 1, 8, contentOf(513))), undefined);
      }
    });

    it('with a Connection ID and nothing but zeros inside do not open', () => {
      // Of type 0 and without content the inner plaintext is one zero.
      assert.equal(withId.open(withId.seal(0, 1, 7, new Uint8Array(0))), undefined);
    });

    it('of the same sequence number and content have a ciphertext of their own for each epoch', () => {
      const [a, b] = [without.seal(23, 1, 7, contentOf(16)), without.seal(23, 2, 7, contentOf(16))];
      assert.notDeepEqual(a.subarray(21, 37), b.subarray(21, 37));
    });

    it("are the receiver's to keep: sealing on changes none", () => {
      const records = Array.from({ length: 200 }, (_, i) => withId.seal(23, 1, i, contentOf(i)));
      for (const [i, record] of records.entries()) {
        assert.deepEqual(Uint8Array.from(withId.open(record)!.content), contentOf(i));
      }
    });
  });
}

describe('what is authenticated with a Connection ID', () => {
  for (const idLength of [1, 6, 255]) {
    it(`of ${idLength} bytes begins with eight 0xff, the type and that length (RFC 9146 §5.3)`, () => {
      let seen = '';
      const spying: DtlsCrypto = {
        ...nodeCrypto,
        sealAead: (...all) => {
          seen = Buffer.from(all[3]).toString('hex');
          nodeCrypto.sealAead(...all);
        },
      };
      const id = new Uint8Array(idLength).fill(0xab);
      createProtection(parametersOf(KINDS[0]!, id), 'client', spying).seal(23, 1, 0x0102_0304_0506, contentOf(9));
      const length = idLength.toString(16).padStart(2, '0');
      assert.equal(seen, `ffffffffffffffff19${length}19fefd0001010203040506${'ab'.repeat(idLength)}000a`);
    });
  }
});

describe('an explicit nonce', () => {
  for (const kind of KINDS.filter(({ suite }) => suite.cipher !== 'aes-128-cbc-sha256')) {
    it(`of ${kind.name} is epoch and sequence number, so that none is used twice`, () => {
      const record = createProtection(parametersOf(kind, undefined), 'client', nodeCrypto).seal(
        23,
        1,
        0x0102_0304_0506,
        contentOf(1),
      );
      assert.equal(Buffer.from(record.subarray(13, 21)).toString('hex'), '0001010203040506');
    });
  }
});

describe('MAC-then-encrypt (RFC 5246 §6.2.3.2, CVE-2013-0169)', () => {
  const kind = KINDS.find(({ name }) => name === 'CBC, MAC-then-encrypt')!;
  const parameters = parametersOf(kind, undefined);

  /** A record whose blocks are these, as somebody with the keys could make it. */
  function recordOf(blocks: Uint8Array): Uint8Array {
    const iv = new Uint8Array(16).fill(9);
    const record = new Uint8Array(13 + 16 + blocks.length);
    const at = writeHeader(record, 23, 1, 7, undefined);
    record.set(iv, at);
    record.set(nodeCrypto.encryptCbc(parameters.client.key, iv, blocks), at + 16);
    return record;
  }

  /** Content, its MAC, and padding as given. */
  function blocksOf(contentLength: number, padding: readonly number[]): Uint8Array {
    const content = contentOf(contentLength);
    const header = Uint8Array.from([0, 1, 0, 0, 0, 0, 0, 7, 23, 0xfe, 0xfd, contentLength >> 8, contentLength & 255]);
    const mac = nodeCrypto.hmac('sha256', parameters.client.macKey!, Uint8Array.from([...header, ...content]));
    return Uint8Array.from([...content, ...mac, ...padding]);
  }

  function hmacsOf(record: Uint8Array): { blocks: number; calls: number; opened: boolean } {
    let blocks = 0;
    let calls = 0;
    const counting: DtlsCrypto = {
      ...nodeCrypto,
      hmac: (name, key, bytes) => {
        calls++;
        blocks += Math.ceil((bytes.length + 9) / 64);
        return nodeCrypto.hmac(name, key, bytes);
      },
    };
    const opened = createProtection(parameters, 'client', counting).open(record) !== undefined;
    return { blocks, calls, opened };
  }

  it('every length of padding that fills the blocks opens, up to 255', () => {
    for (let padding = 0; padding < 256; padding++) {
      const contentLength = 1 + ((1000 * 16 - 32 - padding - 2) % 16);
      const blocks = blocksOf(contentLength, new Array<number>(padding + 1).fill(padding));
      assert.equal(blocks.length % 16, 0);
      assert.equal(hmacsOf(recordOf(blocks)).opened, true, `padding of ${padding}`);
    }
  });

  it('every wrong byte of padding is refused, the first one as the last one', () => {
    for (const padding of [15, 31, 255]) {
      for (let wrong = 0; wrong <= padding; wrong++) {
        const bytes = new Array<number>(padding + 1).fill(padding);
        bytes[wrong]! ^= 1;
        const blocks = blocksOf(16, bytes);
        assert.equal(hmacsOf(recordOf(blocks)).opened, false, `byte ${wrong} of ${padding}`);
      }
    }
  });

  it('one byte of padding is 0, and refused when it says anything else, though the MAC is right', () => {
    for (let value = 0; value < 256; value++) {
      assert.equal(hmacsOf(recordOf(blocksOf(15, [value]))).opened, value === 0, `${value}`);
    }
  });

  it('padding that claims more than is there is refused', () => {
    for (const claimed of [16, 17, 100, 255]) {
      assert.equal(hmacsOf(recordOf(new Uint8Array(48).fill(claimed))).opened, false);
    }
  });

  it('hashes as many blocks, in as many calls, whatever the padding says and whether anything is right', () => {
    for (const length of [48, 64, 112, 160, 320, 640]) {
      const work = new Set<string>();
      for (let last = 0; last < 256; last++) {
        for (const fill of [last, last ^ 1]) {
          const blocks = new Uint8Array(length).fill(fill);
          blocks[length - 1] = last;
          const { blocks: hashed, calls, opened } = hmacsOf(recordOf(blocks));
          assert.equal(opened, false);
          work.add(`${calls} calls, ${hashed} blocks`);
        }
      }
      assert.deepEqual(work.size, 1, `${length} bytes: ${[...work].join('; ')}`);
      // And as many for a good one of this length.
      const contentLength = length - 32 - 16;
      if (contentLength >= 0) {
        const { blocks, calls, opened } = hmacsOf(recordOf(blocksOf(contentLength, new Array<number>(16).fill(15))));
        assert.equal(opened, true);
        assert.ok(work.has(`${calls} calls, ${blocks} blocks`));
      }
    }
  });
});

describe('encrypt-then-MAC (RFC 7366)', () => {
  it('decrypts nothing that does not authenticate', () => {
    const kind = KINDS.find(({ encryptThenMac }) => encryptThenMac)!;
    let decrypted = 0;
    const counting: DtlsCrypto = {
      ...nodeCrypto,
      decryptCbc: (...rest) => {
        decrypted++;
        return nodeCrypto.decryptCbc(...rest);
      },
    };
    const protection = createProtection(parametersOf(kind, ID), 'client', counting);
    const record = protection.seal(23, 1, 7, contentOf(40));
    const forged = record.slice();
    forged[60]! ^= 1;
    assert.equal(protection.open(forged), undefined);
    assert.equal(decrypted, 0);
    assert.ok(protection.open(record) !== undefined);
    assert.equal(decrypted, 1);
  });
});
