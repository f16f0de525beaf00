import assert from 'node:assert/strict';
import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import type { ClientCredentials } from '@lapwing/dtls';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import { SimulatedNetwork } from '@lapwing/testkit';
import { server, world, type World } from '../../test/bootstrap-tree.ts';
import { bootstrapServerContent, securityContent } from '../objects/security.ts';
import { resolveAccounts, resolveBootstrapAccount } from '../server-account.ts';
import { inconsistenciesOf } from './consistency.ts';
import { GivenAccounts } from './given-accounts.ts';
import { accountsInTree } from './tree-accounts.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const certificate = Uint8Array.of(0x30, 1);
/** Anchors of its own, which Security cannot say. */
const credentials: ClientCredentials = {
  kind: 'x509',
  own: { chain: [certificate], privateKey },
  server: { usage: 0, certificate, matchingType: 0, trustAnchors: [certificate] },
};
const asked = { serverName: 'asked.example', cipherSuites: ['TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8'] } as const;
const [ACCOUNT, OTHER] = resolveAccounts([
  { uri: 'coaps://10.0.0.1', credentials, ...asked },
  { uri: 'coaps://10.0.0.2', credentials: { kind: 'psk', identity: certificate, key: createSecretKey(certificate) } },
]);
const BOOTSTRAP_SERVER = resolveBootstrapAccount({ uri: 'coaps://10.0.0.3', credentials, ...asked }, 1);
const GIVEN = new GivenAccounts([ACCOUNT!, OTHER!], BOOTSTRAP_SERVER);

const of = (version: LwM2mVersion = '1.2'): World =>
  world({
    version,
    security: { 0: securityContent(ACCOUNT!), 1: bootstrapServerContent(BOOTSTRAP_SERVER) },
    servers: { 0: server(1) },
  });

describe('accounts of the options that stand in the tree as they were given', () => {
  for (const version of ['1.0', '1.1', '1.2'] as const) {
    it(`are found in LwM2M ${version}, and used with all they have`, () => {
      const { tree } = of(version);
      assert.equal(GIVEN.server(tree, 0), ACCOUNT);
      assert.equal(GIVEN.bootstrapServer(tree, 1), BOOTSTRAP_SERVER);
      assert.deepEqual([GIVEN.server(tree, 1), GIVEN.bootstrapServer(tree, 0)], [undefined, undefined]);
      assert.deepEqual([0, 1, 2].map((id) => GIVEN.has(tree, id)), [true, true, false]); // prettier-ignore
      const driver = new SimulatedNetwork().secureDriver({ host: '10.0.0.9', port: 1 });
      const { accounts, unusable } = accountsInTree(tree, driver, GIVEN, [], () => ({ address: undefined }));
      assert.deepEqual(unusable, []);
      assert.deepEqual(
        accounts.map((one) => [one.credentials, one.serverName]),
        [[credentials, 'asked.example']],
      );
      assert.deepEqual(inconsistenciesOf(tree, { bootstrapAccount: 1, trustAnchors: [], given: GIVEN }), []);
    });
  }

  const changes: readonly (readonly [path: string, value: unknown])[] = [
    ['/0/0/0', 'coaps://10.0.0.4'],
    ['/0/0/1', true],
    ['/0/0/2', 0],
    ['/0/0/3', Uint8Array.of(1)],
    ['/0/0/4', Uint8Array.of(1)],
    ['/0/0/5', Uint8Array.of(1)],
    ['/0/0/10', 2],
    ['/0/0/13', 1],
    ['/0/0/14', 'other.example'],
    ['/0/0/15', 3],
    ['/0/0/16', [0xc02b]],
    ['/0/0/16', [0xc0ae, 0xc02b]],
  ];
  for (const [path, value] of changes) {
    it(`are others when ${path} is ${JSON.stringify(value)}`, () => {
      const { tree } = of();
      tree.set(path, value as never);
      assert.ok(!GIVEN.has(tree, 0));
      assert.ok(GIVEN.has(tree, 1));
    });
  }

  it('of a Bootstrap-Server stay what they are when their times change', () => {
    const { tree } = of();
    tree.set('/0/1/11', 60);
    assert.equal(GIVEN.bootstrapServer(tree, 1), BOOTSTRAP_SERVER);
  });
});
