import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeCrypto } from '@lapwing/transport';
import { CIPHER_SUITES, cipherSuiteByName } from '../cipher-suite-table.ts';
import type { Principal } from '../credentials.ts';
import type { SecretKey } from '../crypto.ts';
import { deriveKeys, KEY_BLOCK_PARTS } from '../key-schedule.ts';
import { isMalformed } from '../malformed.ts';
import { decodeAssociationState, encodeAssociationState, type ExportedAssociation } from './association-state.ts';
import type { SessionState } from './session.ts';

const CLIENT_RANDOM = new Uint8Array(32).fill(1);
const SERVER_RANDOM = new Uint8Array(32).fill(2);
const PSK: Principal = { kind: 'psk', identity: new TextEncoder().encode('urn:imei:356938035643809') };
const X509: Principal = {
  kind: 'x509',
  publicKey: new Uint8Array(91).fill(3),
  commonName: 'urn:dev:os:0023C7-000001 – ü',
  alternativeNames: ['device.example', '2001:db8::1'],
  fingerprint: new Uint8Array(32).fill(4),
};
const PRINCIPALS: readonly Principal[] = [
  PSK,
  { kind: 'psk', identity: new Uint8Array(0) },
  { kind: 'rpk', publicKey: new Uint8Array(91).fill(5) },
  X509,
  { ...X509, commonName: undefined, alternativeNames: [] },
  { ...X509, commonName: '' },
  { kind: 'anonymous' },
];

const master = nodeCrypto.importSecret(new Uint8Array(48).fill(6));

function stateOf(change: Partial<ExportedAssociation> = {}): ExportedAssociation {
  const suite = cipherSuiteByName('TLS_PSK_WITH_AES_128_CCM_8');
  return {
    role: 'server',
    address: { host: '2001:db8::abcd:12', port: 49_152 },
    epoch: 1,
    writeSequence: 77,
    replayWindow: { newest: 2 ** 40 + 5, words: [0x8000_0003, 0xffff_ffff] },
    parameters: {
      suite,
      ...deriveKeys(master, CLIENT_RANDOM, SERVER_RANDOM, suite, nodeCrypto),
      encryptThenMac: false,
      clientToServerId: Uint8Array.of(0, 1, 2, 3, 4, 5),
      serverToClientId: new Uint8Array(0),
      maxFragmentLength: 16_384,
    },
    extendedMasterSecret: true,
    principal: PSK,
    serverName: 'lwm2m.example',
    openedAt: Date.UTC(2026, 10, 22),
    session: undefined,
    ...change,
  };
}

function sessionOf(): SessionState {
  return {
    id: new Uint8Array(32).fill(9),
    ticket: new Uint8Array(150).fill(8),
    suite: 'TLS_PSK_WITH_AES_128_CCM_8',
    masterSecret: master,
    extendedMasterSecret: true,
    encryptThenMac: false,
    principal: PSK,
    credentialCheck: new Uint8Array(16).fill(5),
    serverName: undefined,
    createdAt: Date.UTC(2026, 10, 21),
  };
}

/** Handles replaced by what they hold. */
function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  if ('export' in value) return comparable(nodeCrypto.exportSecret(value as unknown as SecretKey));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, comparable(each)]));
}

function roundTrip(state: ExportedAssociation): void {
  const decoded = decodeAssociationState(encodeAssociationState(state, nodeCrypto), nodeCrypto);
  assert.deepEqual(comparable(decoded), comparable(state));
}

describe('an exported association', () => {
  for (const suite of CIPHER_SUITES) {
    it(`of ${suite.name} is the same after import, with keys of ${KEY_BLOCK_PARTS[suite.cipher].key} bytes`, () =>
      roundTrip(
        stateOf({
          role: 'client',
          parameters: {
            ...stateOf().parameters,
            suite,
            ...deriveKeys(master, CLIENT_RANDOM, SERVER_RANDOM, suite, nodeCrypto),
            encryptThenMac: true,
            clientToServerId: undefined,
            serverToClientId: new Uint8Array(255).fill(7),
            maxFragmentLength: 512,
          },
        }),
      ));
  }

  for (const principal of PRINCIPALS) {
    it(`keeps a principal of kind ${principal.kind}: ${JSON.stringify(comparable(principal)).slice(0, 60)}`, () =>
      roundTrip(stateOf({ principal })));
  }

  it('keeps that there is no SNI apart from an empty one, and no session apart from one', () => {
    roundTrip(stateOf({ serverName: undefined }));
    roundTrip(stateOf({ serverName: '' }));
    roundTrip(stateOf({ session: sessionOf() }));
    roundTrip(stateOf({ session: { ...sessionOf(), ticket: undefined, id: new Uint8Array(0) } }));
  });

  it('keeps a window without any record, and a write sequence that is used up', () =>
    roundTrip(stateOf({ replayWindow: { newest: -1, words: [0, 0] }, writeSequence: 2 ** 48 })));

  it('takes at most 210 bytes with PSK and a Connection ID', () => {
    const { length } = encodeAssociationState(stateOf(), nodeCrypto);
    assert.ok(length <= 210, `${length} bytes`);
  });

  it('cut off anywhere is malformed', () => {
    for (const state of [stateOf(), stateOf({ principal: X509, session: sessionOf() })]) {
      const bytes = encodeAssociationState(state, nodeCrypto);
      for (let length = 0; length < bytes.length; length++) {
        assert.ok(isMalformed(decodeAssociationState(bytes.subarray(0, length), nodeCrypto)), `${length} bytes`);
      }
      assert.ok(isMalformed(decodeAssociationState(Uint8Array.of(...bytes, 0), nodeCrypto)), 'one byte more');
    }
  });

  it('with any other length of a section is malformed', () => {
    const bytes = encodeAssociationState(stateOf({ principal: X509, session: sessionOf() }), nodeCrypto);
    // The version, then the number of the sections and ten lengths of two bytes.
    for (let at = 1; at < 1 + 2 + 20; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = bytes.slice();
        flipped[at]! ^= 1 << bit;
        assert.ok(isMalformed(decodeAssociationState(flipped, nodeCrypto)), `byte ${at}, bit ${bit}`);
      }
    }
  });

  it('with any bit flipped never throws', () => {
    const bytes = encodeAssociationState(stateOf({ principal: X509, session: sessionOf() }), nodeCrypto);
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      decodeAssociationState(flipped, nodeCrypto);
    }
  });

  const HEAD_AT = 1 + 2 + 20;
  const MALFORMED: readonly { readonly what: string; readonly change: (bytes: Uint8Array) => void; text: RegExp }[] = [
    { what: 'of another format version', change: (bytes) => (bytes[0] = 2), text: /of version 2, not 1/ },
    { what: 'of a third role', change: (bytes) => (bytes[HEAD_AT] = 2), text: /of role 2/ },
    { what: 'of an unknown suite', change: (bytes) => (bytes[HEAD_AT + 1] = 0x13), text: /of cipher suite 5032/ },
    { what: 'with an unknown flag', change: (bytes) => (bytes[HEAD_AT + 3]! |= 64), text: /flags/ },
    { what: 'of epoch 0', change: (bytes) => (bytes[HEAD_AT + 5] = 0), text: /of epoch 0/ },
    { what: 'with 49 bits of write sequence', change: (bytes) => (bytes[HEAD_AT + 7] = 2), text: /more than 48 bits/ },
    { what: 'with 49 bits of newest', change: (bytes) => (bytes[HEAD_AT + 15] = 2), text: /more than 48 bits/ },
    { what: 'with odd fragments', change: (bytes) => (bytes[HEAD_AT + 23] = 1), text: /fragments of 16385 bytes/ },
    { what: 'of the far future', change: (bytes) => (bytes[HEAD_AT + 26] = 1), text: /impossible time/ },
    {
      what: 'with a Connection ID that is not announced',
      change: (bytes) => (bytes[HEAD_AT + 3]! &= ~4),
      text: /not announced/,
    },
  ];
  for (const { what, change, text } of MALFORMED) {
    it(`${what} is malformed, and says so`, () => {
      const bytes = encodeAssociationState(stateOf(), nodeCrypto);
      change(bytes);
      const decoded = decodeAssociationState(bytes, nodeCrypto);
      assert.ok(isMalformed(decoded));
      assert.match(decoded.malformed, text);
    });
  }
});
