/**
 * Accounts of the options in the tree: one that nobody has changed there is used with all it has beyond what Security can
 * say, which is an address, a chain of certificates and trust anchors of its own, and in LwM2M 1.0 also the name to ask
 * for and how the certificate of the server is matched.
 */
import type { ObjectInstanceContent } from '../client-object.ts';
import type { ObjectTree } from '../object-tree.ts';
import { bootstrapServerContent, securityContent, SECURITY_RESOURCES } from '../objects/security.ts';
import type { ResolvedAccount, ResolvedBootstrapAccount } from '../server-account.ts';
import { SECURITY_OBJECT } from './security-account.ts';

/** What /0/x says of how a server is reached. */
const COMPARED: readonly number[] = [
  SECURITY_RESOURCES.uri,
  SECURITY_RESOURCES.bootstrapServer,
  SECURITY_RESOURCES.securityMode,
  SECURITY_RESOURCES.publicKeyOrIdentity,
  SECURITY_RESOURCES.serverPublicKey,
  SECURITY_RESOURCES.secretKey,
  SECURITY_RESOURCES.shortServerId,
  SECURITY_RESOURCES.matchingType,
  SECURITY_RESOURCES.serverName,
  SECURITY_RESOURCES.certificateUsage,
  SECURITY_RESOURCES.cipherSuites,
];

export class GivenAccounts {
  readonly #servers: readonly ResolvedAccount[];
  readonly #bootstrapServer: ResolvedBootstrapAccount | undefined;

  constructor(servers: readonly ResolvedAccount[], bootstrapServer?: ResolvedBootstrapAccount) {
    this.#servers = servers;
    this.#bootstrapServer = bootstrapServer;
  }

  /** The account of a server that /0/x is, unchanged. */
  server(tree: ObjectTree, objectInstanceId: number): ResolvedAccount | undefined {
    return this.#servers.find((one) => stands(tree, objectInstanceId, securityContent(one)));
  }

  /** The account of the Bootstrap-Server when /0/x is that, unchanged. */
  bootstrapServer(tree: ObjectTree, objectInstanceId: number): ResolvedBootstrapAccount | undefined {
    const account = this.#bootstrapServer;
    return account !== undefined && stands(tree, objectInstanceId, bootstrapServerContent(account))
      ? account
      : undefined;
  }

  has(tree: ObjectTree, objectInstanceId: number): boolean {
    return (
      this.server(tree, objectInstanceId) !== undefined || this.bootstrapServer(tree, objectInstanceId) !== undefined
    );
  }
}

function stands(tree: ObjectTree, objectInstanceId: number, content: ObjectInstanceContent): boolean {
  // What this version of Security does not have has not been kept.
  const known = tree.objects.get(SECURITY_OBJECT)?.definition.resources;
  return COMPARED.filter((id) => known?.has(id) === true).every((id) =>
    isSame(tree.get(`/${SECURITY_OBJECT}/${objectInstanceId}/${id}`), content[id]),
  );
}

function isSame(kept: unknown, given: unknown): boolean {
  if (kept instanceof Map && Array.isArray(given)) {
    const values = [...(kept as ReadonlyMap<number, unknown>)].sort(([a], [b]) => a - b).map(([, value]) => value);
    return values.length === given.length && values.every((value, index) => value === given[index]);
  }
  if (!(kept instanceof Uint8Array) || !(given instanceof Uint8Array)) return kept === given;
  return kept.length === given.length && kept.every((byte, index) => byte === given[index]);
}
