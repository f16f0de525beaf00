import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resourcePath } from '@lapwing/lwm2m';
import {
  BOOTSTRAP_SERVER,
  bytes,
  payload,
  security,
  server,
  world,
  type WorldOptions,
} from '../../test/bootstrap-tree.ts';
import type { ClientObject, ObjectInstanceContent } from '../client-object.ts';
import { isRefusal } from '../refusal.ts';
import { performBootstrapOperation } from './bootstrap-operations.ts';
import { inconsistenciesOf } from './consistency.ts';
import { GivenAccounts } from './given-accounts.ts';

const NONE = new GivenAccounts([]);
const SOUND: WorldOptions = {
  security: { 0: security(101), 1: BOOTSTRAP_SERVER },
  servers: { 0: server(101) },
};
const of = (options: WorldOptions): readonly string[] =>
  inconsistenciesOf(world({ ...SOUND, ...options }).tree, { bootstrapAccount: 1, trustAnchors: [], given: NONE });
const link = (objectId: number, objectInstanceId: number): ObjectInstanceContent[number] => ({
  objectId,
  objectInstanceId,
});
const key: ObjectInstanceContent = { 0: bytes('m'), 1: bytes('s'), 2: bytes('r') };
const acl = (content: ObjectInstanceContent): ClientObject => ({ objectId: 2, instances: { 0: content } });
const mqtt = (content: ObjectInstanceContent): ClientObject => ({ objectId: 24, instances: { 0: content } });
const cose: ClientObject = { objectId: 23, instances: { 0: { 0: 'k', 1: 10, 2: 'x' } } };
const OSCORE = '/0/0: OSCORE is not supported.';

describe('whether bootstrap may finish (Core §6.1)', () => {
  const SOUND_ROWS: readonly (readonly [string, WorldOptions])[] = [
    ['a server and the Bootstrap-Server', {}],
    ['PSK without Server Public Key', { security: { 0: security(101, { 0: 'coaps://h', 2: 0, 3: bytes('me'), 5: bytes('key') }), 1: BOOTSTRAP_SERVER } }], // prettier-ignore
    ['two servers', { security: { 0: security(101), 1: BOOTSTRAP_SERVER, 5: security(7) }, servers: { 0: server(101), 5: server(7) } }], // prettier-ignore
    ['the account of the Bootstrap-Server has moved', { security: { 0: security(101), 4: BOOTSTRAP_SERVER } }],
    ['Access Control', { objects: [acl({ 0: 3, 1: 0, 3: 101 })] }],
    ['links that lead somewhere', { security: { 0: security(101, { 26: link(24, 0), 27: [link(23, 0)] as never }), 1: BOOTSTRAP_SERVER }, objects: [mqtt({ 6: 'a' }), cose] }], // prettier-ignore
    ['null links', { servers: { 0: server(101, { 10: link(65535, 65535) }) } }],
    ['a link to an Object', { servers: { 0: server(101, { 10: link(3, 65535) }) } }],
  ];
  for (const [what, options] of SOUND_ROWS) it(`yes: ${what}`, () => assert.deepEqual(of(options), []));

  it('yes: without a Bootstrap-Server, where there was none', () =>
    assert.deepEqual(
      inconsistenciesOf(world({ ...SOUND, security: { 0: security(101) } }).tree, { bootstrapAccount: undefined, trustAnchors: [], given: NONE }), // prettier-ignore
      [],
    ));

  const ROWS: readonly (readonly [string, WorldOptions, readonly string[]])[] = [
    ['nothing but the Bootstrap-Server', { security: { 1: BOOTSTRAP_SERVER }, servers: {} }, ['/0 and /1 have no account of a server in common.']], // prettier-ignore
    ['a server in Security only', { servers: {} }, ['/0 and /1 have no account of a server in common.', '/0/0 has no Object Instance of Server, 101.']], // prettier-ignore
    ['a server in Server only', { security: { 1: BOOTSTRAP_SERVER } }, ['/0 and /1 have no account of a server in common.', '/1/0 has no Object Instance of Security, 101.']], // prettier-ignore
    ['a second one in Server only', { servers: { 0: server(101), 3: server(4) } }, ['/1/3 has no Object Instance of Security, 4.']], // prettier-ignore
    ['a second one in Security only', { security: { 0: security(101), 1: BOOTSTRAP_SERVER, 2: security(4) } }, ['/0/2 has no Object Instance of Server, 4.']], // prettier-ignore
    ['two in Server of the same id', { servers: { 0: server(101), 3: server(101) } }, ['/1/0 and /1/3 have the same Short Server ID, 101.']], // prettier-ignore
    ['two in Security of the same id', { security: { 0: security(101), 1: BOOTSTRAP_SERVER, 2: security(101) } }, ['/0/0 and /0/2 have the same Short Server ID, 101.']], // prettier-ignore
    ['two Bootstrap-Servers', { security: { 0: security(101), 1: BOOTSTRAP_SERVER, 9: BOOTSTRAP_SERVER } }, ['/0/1 and /0/9 are accounts of a Bootstrap-Server.']], // prettier-ignore
    ['the Bootstrap-Server is written over', { security: { 1: security(101) } }, ['/0/1 was the account of the Bootstrap-Server, and there is none now.']], // prettier-ignore
    ['a new account of the Bootstrap-Server is not complete', { security: { 0: security(101), 1: { 0: 'coaps://h', 1: true, 2: 0 } } }, ['/0/1: a pre-shared key needs an identity.']], // prettier-ignore
    ['a server without URI', { security: { 0: { ...security(101), 0: undefined }, 1: BOOTSTRAP_SERVER } }, ['/0/0: it has no URI.']], // prettier-ignore
    ['a server by another transport', { security: { 0: security(101, { 0: 'tel:+1' }), 1: BOOTSTRAP_SERVER } }, ['/0/0: a URI of the scheme tel is not supported.']], // prettier-ignore
    ['a link to OSCORE that is there', { security: { 0: security(101, { 17: link(21, 0) }), 1: BOOTSTRAP_SERVER }, objects: [{ objectId: 21, version: '2.0', instances: { 0: key } }] }, [OSCORE]], // prettier-ignore
    ['a link to OSCORE that is not', { security: { 0: security(101, { 17: link(21, 0) }), 1: BOOTSTRAP_SERVER } }, [OSCORE, '/0/0/17 links 21:0, which does not exist.']], // prettier-ignore
    ['a link to another Object', { security: { 0: security(101, { 26: link(3, 0) }), 1: BOOTSTRAP_SERVER } }, ['/0/0/26 links 3:0, which is no Object Instance of Object 24.']], // prettier-ignore
    ['a link to no Object Instance', { security: { 0: security(101, { 26: link(24, 65535) }), 1: BOOTSTRAP_SERVER }, objects: [mqtt({ 6: 'a' })] }, ['/0/0/26 links 24:65535, which is no Object Instance of Object 24.']], // prettier-ignore
    ['one of several links', { security: { 0: security(101, { 27: [link(23, 0), link(23, 4)] as never }), 1: BOOTSTRAP_SERVER }, objects: [cose] }, ['/0/0/27 links 23:4, which does not exist.']], // prettier-ignore
    ['a link of Server', { servers: { 0: server(101, { 10: link(11, 0) }) } }, ['/1/0/10 links 11:0, which does not exist.']], // prettier-ignore
    ['Server without a lifetime', { servers: { 0: { ...server(101), 1: undefined } } }, ['/1/0/1 (Lifetime) is missing.']], // prettier-ignore
    ['Access Control without an owner', { objects: [acl({ 0: 3, 1: 0 })] }, ['/2/0/3 (Access Control Owner) is missing.']], // prettier-ignore
    ['MQTT Server without identifier', { objects: [mqtt({})] }, ['/24/0/6 (Client Identifier) is missing.']],
    ['OSCORE without key', { objects: [{ objectId: 21, version: '2.0', instances: { 0: { ...key, 0: undefined } } }] }, ['/21/0/0 (OSCORE Master Secret) is missing.']], // prettier-ignore
  ];
  for (const [what, options, reasons] of ROWS) it(`no: ${what}`, () => assert.deepEqual(of(options), reasons));

  it('no: a Short Server ID that is reserved, where the definition of 1.0 allows it', () =>
    assert.deepEqual(of({ version: '1.0', servers: { 0: server(101), 1: server(65535) } }), [
      '/1/1/0 is no Short Server ID.',
    ]));

  it('a mandatory Resource that a handler has is there', () =>
    assert.deepEqual(of({ servers: { 0: server(101, { 1: { read: () => 300 } }) } }), []));

  it('no: when only /1/x/5 was written (ETS 1.1-int-9)', async () => {
    const one = world();
    const path = resourcePath(1, 0, 5);
    const answer = await performBootstrapOperation(one.context, {
      kind: 'bootstrapWrite',
      path,
      contentFormat: 112,
      payload: payload(112, path, { '/1/0/5': 86400 }),
    });
    assert.ok(!isRefusal(answer));
    assert.deepEqual(inconsistenciesOf(one.tree, { bootstrapAccount: 1, trustAnchors: [], given: NONE }), [
      '/0 and /1 have no account of a server in common.',
      '/1/0/0 (Short Server ID) is missing.',
      '/1/0/1 (Lifetime) is missing.',
      '/1/0/6 (Notification Storing When Disabled or Offline) is missing.',
      '/1/0/7 (Binding) is missing.',
    ]);
  });

  it('no reason shows a byte of a key', () => {
    const secret = 'TOPSECRETTOPSECRET';
    const content = security(101, { 0: 'coaps://h', 2: 1, 3: bytes(secret), 4: bytes(secret), 5: bytes(secret) });
    const reasons = of({ security: { 0: content, 1: { ...BOOTSTRAP_SERVER, 2: 2, 5: bytes(secret) } } });
    assert.equal(reasons.length, 2);
    assert.ok(
      reasons.every((reason) => !/TOP|544f50|VE9Q/i.test(reason)),
      reasons.join(),
    );
  });
});
