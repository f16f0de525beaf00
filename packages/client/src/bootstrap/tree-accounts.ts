/** The accounts of LwM2M Servers as the Security and Server Objects have them now. OMA TS Core §6.1.2. */
import { UsageError } from '@lapwing/coap';
import { isMalformed } from '@lapwing/lwm2m';
import type { Driver } from '@lapwing/transport';
import { schemeProblem } from '../client-options.ts';
import type { ObjectTree } from '../object-tree.ts';
import type { ResolvedAccount } from '../server-account.ts';
import type { ServerLocation } from '../server-peer.ts';
import type { GivenAccounts } from './given-accounts.ts';
import { securityAccountOf, SECURITY_OBJECT, serverIdOfSecurity, serverInstanceOf } from './security-account.ts';

export interface TreeAccounts {
  readonly accounts: readonly ResolvedAccount[];
  /** One sentence for each account that this client can do nothing with. */
  readonly unusable: readonly string[];
}

/**
 * @param trustAnchors  for accounts that are not given.
 * @param locate  throws UsageError for one that cannot be found.
 */
export function accountsInTree(
  tree: ObjectTree,
  driver: Driver,
  given: GivenAccounts,
  trustAnchors: readonly Uint8Array[],
  locate: (account: ResolvedAccount) => ServerLocation,
): TreeAccounts {
  const accounts: ResolvedAccount[] = [];
  const unusable: string[] = [];
  const addresses = new Set<string>();
  const ids = [...(tree.objects.get(SECURITY_OBJECT)?.instances.keys() ?? [])].sort((a, b) => a - b);
  for (const id of ids) {
    const known = given.server(tree, id);
    const account = known ?? securityAccountOf(tree, id, trustAnchors);
    if (isMalformed(account)) {
      // The account of a Bootstrap-Server is not what is asked about.
      if (serverIdOfSecurity(tree, id) !== undefined) unusable.push(account.malformed);
      continue;
    }
    const { shortServerId, parsedUri, uri, credentials, serverName, cipherSuites } = account;
    if (shortServerId === undefined) continue;
    const objectInstanceId = serverInstanceOf(tree, shortServerId);
    if (objectInstanceId === undefined) {
      unusable.push(`/0/${id}: the Server Object has no Object Instance for Short Server ID ${shortServerId}`);
      continue;
    }
    const resolved: ResolvedAccount = {
      ...(known ?? {
        uri,
        ...(credentials !== undefined && { credentials }),
        ...(serverName !== undefined && { serverName }),
        ...(cipherSuites !== undefined && { cipherSuites }),
      }),
      shortServerId,
      lifetimeSeconds: known?.lifetimeSeconds ?? 0,
      objectInstanceId,
      parsedUri,
    };
    const location = located(resolved, locate);
    const problem = schemeProblem(resolved, driver) ?? (typeof location === 'string' ? location : undefined);
    const { host, port } = (typeof location === 'string' ? undefined : location.address) ?? parsedUri;
    // Over coap and coaps the same address is two peers.
    const at = `${parsedUri.scheme} ${host} ${port}`;
    if (problem !== undefined) unusable.push(`/0/${id}: ${problem}`);
    else if (addresses.has(at)) unusable.push(`/0/${id}: another server has the address of ${uri}`);
    else {
      addresses.add(at);
      accounts.push(resolved);
    }
  }
  return { accounts, unusable };
}

/** Where it is, or why that cannot be found out. */
function located(
  account: ResolvedAccount,
  locate: (account: ResolvedAccount) => ServerLocation,
): ServerLocation | string {
  try {
    return locate(account);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
}
