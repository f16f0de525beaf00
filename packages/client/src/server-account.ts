/**
 * One LwM2M Server as the client knows it: where it is, its Object Instances /0/x and /1/x, and what they say now.
 * Whatever a server writes to /1/x takes effect the next time it is asked for.
 */
import { UsageError } from '@lapwing/coap';
import type { Peer } from '@lapwing/coap';
import { cipherSuiteByName, type Refusal } from '@lapwing/dtls';
import type { PeerAddress } from '@lapwing/transport';
import type { BootstrapServerAccount, ServerAccount } from './api.ts';
import type { ObjectTree } from './object-tree.ts';
import { SERVER_RESOURCES } from './objects/server.ts';
import type { RegistrationParameters } from './registration-state.ts';
import type { ServerPeer } from './server-peer.ts';

export interface ServerUri {
  readonly scheme: 'coap' | 'coaps';
  /** A name or an IP address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** Path segments in front of `rd`, `dp` and so on. */
  readonly pathSegments: readonly string[];
}

/** RFC 7252 §6.1, §6.2. */
const DEFAULT_PORTS = { coap: 5683, coaps: 5684 } as const;

/** @throws UsageError unless it is a coap or coaps URI. */
export function parseServerUri(uri: string): ServerUri {
  // The URL parser knows authorities and paths only of schemes it knows.
  const match = /^(coaps?):(\/\/.+)$/i.exec(uri);
  const url = match === null ? null : URL.parse(`http:${match[2]}`);
  if (url === null || url.hostname === '') throw new UsageError(`"${uri}" is no coap:// or coaps:// URI`);
  if (url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new UsageError(`"${uri}": the URI of a server has no query, fragment or user name`);
  }
  // http has another default port, which the parser leaves out when it is written.
  const written = /:(\d+)$/.exec(
    match![2]!
      .slice(2)
      .split('/')[0]!
      .replace(/^\[.*\]/, '[]'),
  )?.[1];
  const scheme = match![1]!.toLowerCase() === 'coaps' ? 'coaps' : 'coap';
  return {
    scheme,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: written === undefined ? DEFAULT_PORTS[scheme] : Number(written),
    pathSegments: url.pathname
      .split('/')
      .filter((segment) => segment !== '')
      .map((segment) => decodeSegment(segment, uri)),
  };
}

function decodeSegment(segment: string, uri: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new UsageError(`"${uri}": "${segment}" is no percent-encoded UTF-8`, { cause });
  }
}

/** A `ServerAccount` with its defaults filled in. */
export interface ResolvedAccount extends ServerAccount {
  readonly shortServerId: number;
  readonly lifetimeSeconds: number;
  readonly objectInstanceId: number;
  readonly parsedUri: ServerUri;
}

/** A `BootstrapServerAccount` with what follows from it. */
export interface ResolvedBootstrapAccount extends BootstrapServerAccount {
  /** Of /0. */
  readonly objectInstanceId: number;
  readonly parsedUri: ServerUri;
}

/** @throws UsageError for a bad URI, credentials that do not fit it, or times that are no whole seconds. */
export function resolveBootstrapAccount(
  account: BootstrapServerAccount,
  objectInstanceId: number,
): ResolvedBootstrapAccount {
  const parsedUri = checkedUri(account);
  for (const seconds of [account.holdOffSeconds ?? 0, account.accountTimeoutSeconds ?? 0]) {
    if (!Number.isInteger(seconds) || seconds < 0) {
      throw new UsageError(`the times of a Bootstrap-Server are whole seconds, not ${seconds}`);
    }
  }
  return { ...account, objectInstanceId, parsedUri };
}

/** @throws UsageError for a bad URI, or credentials that do not fit it. */
function checkedUri(account: ServerAccount | BootstrapServerAccount): ServerUri {
  const parsedUri = parseServerUri(account.uri);
  if (parsedUri.scheme === 'coaps' && account.credentials === undefined)
    throw new UsageError(`"${account.uri}" needs credentials`);
  if (parsedUri.scheme === 'coap' && account.credentials !== undefined)
    throw new UsageError(`"${account.uri}" would send in plaintext in spite of its credentials: use coaps://`);
  checkCipherSuites(account);
  return parsedUri;
}

/** @throws UsageError for a bad URI, or Short Server IDs that are out of range or not unique. */
export function resolveAccounts(accounts: readonly ServerAccount[]): readonly ResolvedAccount[] {
  const seen = new Set<number>();
  return accounts.map((account, index) => {
    const shortServerId = account.shortServerId ?? index + 1;
    if (!Number.isInteger(shortServerId) || shortServerId < 1 || shortServerId > 65534) {
      throw new UsageError(`a Short Server ID is an integer from 1 to 65534, not ${shortServerId}`);
    }
    if (seen.has(shortServerId)) throw new UsageError(`two servers have the Short Server ID ${shortServerId}`);
    seen.add(shortServerId);
    const lifetimeSeconds = account.lifetimeSeconds ?? 86_400;
    if (!Number.isInteger(lifetimeSeconds) || lifetimeSeconds < 0) {
      throw new UsageError(`a lifetime is a whole number of seconds, not ${lifetimeSeconds}`);
    }
    const parsedUri = checkedUri(account);
    return {
      ...account,
      shortServerId,
      lifetimeSeconds,
      objectInstanceId: index,
      parsedUri,
    };
  });
}

/** @throws UsageError when no handshake could use them. */
function checkCipherSuites({ uri, credentials, cipherSuites }: ServerAccount | BootstrapServerAccount): void {
  if (credentials === undefined || cipherSuites === undefined) return;
  const wanted = credentials.kind === 'psk' ? 'psk' : 'ecdhe-ecdsa';
  if (!cipherSuites.some((name) => cipherSuiteByName(name).keyExchange === wanted))
    throw new UsageError(`"${uri}": none of the cipher suites is for credentials of kind ${credentials.kind}`);
}

/** A Server Object Instance read as the procedures need it, with the specification's defaults for what is absent. */
export class ServerSettings {
  readonly shortServerId: number;
  readonly uri: string;
  readonly pathSegments: readonly string[];
  readonly objectInstanceId: number;
  readonly #server: ServerPeer;
  readonly #account: ResolvedAccount;
  readonly #tree: ObjectTree;

  constructor(account: ResolvedAccount, server: ServerPeer, tree: ObjectTree) {
    this.shortServerId = account.shortServerId;
    this.uri = account.uri;
    this.pathSegments = account.parsedUri.pathSegments;
    this.objectInstanceId = account.objectInstanceId;
    this.#server = server;
    this.#account = account;
    this.#tree = tree;
  }

  /** Where requests of the server come from now. */
  get peer(): Peer<PeerAddress> {
    return this.#server.current;
  }

  /** Find out where the server is; undefined when that is known. Rejects when its name is not found. */
  locate(): Promise<void> | undefined {
    return this.#server.locate();
  }

  /** The peer to send to; over coaps it may begin a handshake. */
  reach(): Peer<PeerAddress> {
    return this.#server.reach();
  }

  /** The server does not answer. */
  drop(): void {
    this.#server.drop();
  }

  /** This client has no more to do with the server. */
  forget(): void {
    this.#server.forget();
  }

  /** Why the last handshake with it failed. */
  get handshakeRefusal(): Refusal | undefined {
    return this.#server.refusal;
  }

  get registration(): RegistrationParameters {
    // Object 1 of LwM2M 1.0 does not have these Resources: then the account says.
    const { initialDelaySeconds = 0, retry = {} } = this.#account;
    return {
      lifetimeSeconds: this.lifetimeSeconds,
      initialDelaySeconds: this.#number('initialDelay') ?? initialDelaySeconds,
      retryCount: Math.max(1, this.#number('retryCount') ?? retry.count ?? 5),
      retryTimerSeconds: this.#number('retryTimer') ?? retry.timerSeconds ?? 60,
      sequenceDelaySeconds: this.#number('sequenceDelay') ?? retry.sequenceDelaySeconds ?? 86_400,
      sequenceCount: Math.max(1, this.#number('sequenceCount') ?? retry.sequenceCount ?? 1),
    };
  }

  /** /1/x/13; undefined: in no order. */
  get priority(): number | undefined {
    return this.#number('priority') ?? this.#account.priority;
  }
  /** /1/x/15. */
  get blocksOnFailure(): boolean {
    return (this.#value('failureBlock') ?? this.#account.failureBlock) === true;
  }
  /** /1/x/16: when all attempts have failed, the client bootstraps if it can. */
  get bootstrapsOnFailure(): boolean {
    return (this.#value('bootstrapOnFailure') ?? this.#account.bootstrapOnFailure) !== false;
  }
  /** /1/x/25; empty: not known. */
  get serverVersions(): readonly unknown[] {
    const versions: unknown = this.#value('serverVersions');
    return versions instanceof Map ? [...versions.values()] : (this.#account.serverVersions ?? []);
  }
  get lifetimeSeconds(): number {
    return Math.max(0, this.#number('lifetime') ?? 86_400);
  }
  get binding(): string {
    const value = this.#value('binding');
    return typeof value === 'string' ? value : 'U';
  }
  get disableTimeoutSeconds(): number {
    return this.#number('disableTimeout') ?? 86_400;
  }
  /** Seconds; what an observation uses that has no pmin of its own. */
  get defaultPmin(): number | undefined {
    return this.#number('defaultPmin');
  }
  get defaultPmax(): number | undefined {
    return this.#number('defaultPmax');
  }
  get sendIsMuted(): boolean {
    return this.#value('muteSend') !== false;
  }
  /** Notifications that cannot be told when they are due are stored. */
  get storesNotifications(): boolean {
    return this.#value('notificationStoring') === true;
  }
  get notifiesConfirmably(): boolean {
    return this.#value('notificationMode') === 1;
  }

  #value(name: keyof typeof SERVER_RESOURCES): unknown {
    return this.#tree.get(`/1/${this.objectInstanceId}/${SERVER_RESOURCES[name]}`);
  }
  #number(name: keyof typeof SERVER_RESOURCES): number | undefined {
    const value = this.#value(name);
    return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
  }
}
