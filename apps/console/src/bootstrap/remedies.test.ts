import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RefusalKind, RefusedRequest } from '../api/bootstrap-shapes.ts';
import type { RefusedHandshake } from '../api/shapes.ts';
import { remedyOfHandshake, remedyOfRequest } from './remedies.ts';

const request = (kind: RefusalKind, device: string | null = 'd'): RefusedRequest => ({
  at: '',
  address: '',
  device,
  operation: 'request',
  kind,
  code: '4.00',
  reason: '',
});
const handshake = (reason: string, claimedIdentity: string | null): RefusedHandshake => ({
  address: '',
  reason,
  text: '',
  alert: null,
  claimedIdentity,
  firstAt: '',
  lastAt: '',
  count: 1,
});

describe('what can be done about a device that was refused', () => {
  it('is a configuration or a credential for its name, or a change of its configuration', () => {
    const kinds = (
      ['unknown-endpoint', 'identity', 'no-packs', 'unusable', 'malformed', 'content-format', 'overloaded'] as const
    ).map((kind) => remedyOfRequest(request(kind))?.kind);
    assert.deepEqual(kinds, ['configuration', 'credential', 'change', 'change', undefined, undefined, undefined]);
    assert.equal(remedyOfRequest(request('unknown-endpoint'))?.device, 'd');
  });

  it('is nothing without a name', () => {
    assert.equal(remedyOfRequest(request('unknown-endpoint', null)), undefined);
    assert.equal(remedyOfHandshake(handshake('unknown-identity', null)), undefined);
  });

  it('is a credential of the claimed identity when nobody has it or its key was wrong', () => {
    assert.deepEqual(remedyOfHandshake(handshake('unknown-identity', 'i')), {
      kind: 'credential',
      device: 'i',
      identity: 'i',
    });
    assert.equal(remedyOfHandshake(handshake('wrong-key', 'i'))?.kind, 'credential');
    assert.equal(remedyOfHandshake(handshake('no-common-cipher-suite', 'i')), undefined);
  });
});
