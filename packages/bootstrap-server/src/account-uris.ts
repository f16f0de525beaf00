/**
 * The URIs of accounts that do not say one: those of the servers of this program, as the device reaches them. OMA TS Core,
 * Appendix E, /0/x/0.
 */
import { UsageError } from '@lapwing/coap';
import type { PeerAddress } from '@lapwing/transport';
import type { BootstrapConfiguration, BootstrapServerAccount, ServerAccount } from './configuration.ts';
import { targetOf, type CredentialTarget, type ProofSources } from './credentials.ts';

export type Account = ServerAccount | BootstrapServerAccount;

/**
 * The configuration with a URI in every account.
 *
 * Rejects with UsageError when nobody knows one.
 */
export async function withUris(
  configuration: BootstrapConfiguration,
  { targets, own }: Pick<ProofSources, 'targets' | 'own'>,
  device: PeerAddress | undefined,
): Promise<BootstrapConfiguration> {
  const { servers = [], bootstrapServers = [] } = configuration;
  if ([...servers, ...bootstrapServers].every(({ uri }) => uri !== undefined)) return configuration;
  const complete = async <Of extends Account>(account: Of, target: CredentialTarget | undefined): Promise<Of> => {
    if (account.uri !== undefined) return account;
    const scheme = schemeOf(account);
    const uri = await target?.uri?.(scheme, device);
    if (uri === undefined) throw new UsageError(`the ${scheme} URI of the server of an account is not known`);
    return { ...account, uri };
  };
  return {
    ...configuration,
    servers: await Promise.all(servers.map((each) => complete(each, targetOf(targets, each.shortServerId)))),
    bootstrapServers: await Promise.all(bootstrapServers.map((each) => complete(each, own))),
  };
}

/** As long as they may become, for looking at what a configuration takes. */
export function withPlaceholderUris(configuration: BootstrapConfiguration): BootstrapConfiguration {
  const complete = <Of extends Account>(account: Of): Of =>
    account.uri === undefined ? { ...account, uri: `${schemeOf(account)}://${'x'.repeat(200)}:65535` } : account;
  const { servers = [], bootstrapServers = [] } = configuration;
  return {
    ...configuration,
    servers: servers.map(complete),
    bootstrapServers: bootstrapServers.map(complete),
  };
}

const schemeOf = ({ security }: Account): 'coap' | 'coaps' => (security.mode === 'none' ? 'coap' : 'coaps');
