/**
 * One Bootstrap under way: it does what the states of `session-state.ts` say, over the device's peer, and keeps the
 * timeline.
 */
import {
  codeName,
  formatCode,
  isSuccess,
  readOption,
  type Exchange,
  type FailureReason,
  type IncomingResponse,
  type OutgoingRequest,
  type Peer,
  type PeerSecurity,
  type Timed,
} from '@lapwing/coap';
import {
  decodePayload,
  encodeBootstrapOperation,
  encodePayload,
  isLwM2mVersion,
  isMalformed,
  parseBootstrapDiscover,
  type BootstrapNode,
  type BootstrapOperation,
  type DefinitionLookup,
  type LwM2mVersion,
  type NodeEntry,
} from '@lapwing/lwm2m';
import { isSecure, type Driver, type PeerAddress } from '@lapwing/transport';
import type {
  BootstrapOperationName,
  BootstrapOutcome,
  BootstrapSession,
  BootstrapStage,
  TimelineEntry,
} from './api.ts';
import type { BootstrapConfiguration } from './configuration.ts';
import { writeFormats } from './content-formats.ts';
import { makeProofs, type NewCredential, type ProofSources, type Proofs } from './credentials.ts';
import { reportBootstrapError } from './diagnostics.ts';
import type { BootstrapServerParameters } from './parameters.ts';
import { discoversOf, planOf, type PlannedOperation } from './plan.ts';
import {
  actionOf,
  advance,
  beginning,
  pathText,
  type SessionInput,
  type SessionScript,
  type SessionState,
} from './session-state.ts';

/** The server, seen from a session. */
export interface SessionOwner {
  readonly definitions: DefinitionLookup;
  readonly parameters: BootstrapServerParameters;
  readonly sources: ProofSources;
  progressed(session: Session, entry: TimelineEntry): void;
  contentRead(
    session: Session,
    path: Extract<PlannedOperation, { kind: 'read' }>['path'],
    entries: readonly NodeEntry[],
  ): void;
  ended(session: Session, outcome: BootstrapOutcome): void;
}

export interface SessionStart {
  readonly sessionId: string;
  readonly endpointClientName: string;
  readonly origin: BootstrapSession['origin'];
  readonly driver: Driver;
  readonly peer: Peer<PeerAddress>;
  readonly preferredContentFormat: number | undefined;
  readonly additional: Readonly<Record<string, string>>;
  readonly isDefaultConfiguration: boolean;
}

/** What is only needed while it runs; secrets are among it. */
interface Work {
  readonly configuration: BootstrapConfiguration;
  script: SessionScript;
  proofs: Proofs | undefined;
  /** Puts back what the new credentials took the place of. */
  readonly undo: (() => unknown)[];
}

/** The request under way. */
interface Asking {
  readonly operation: PlannedOperation;
  readonly exchange: Exchange;
  readonly contentFormat: number | undefined;
  readonly bytes: number;
  /** On the driver's clock, and ms since 1970. */
  readonly sentAt: number;
  readonly at: number;
}

const NO_NODES: readonly BootstrapNode[] = Object.freeze([]);
const ENDED: SessionState = Object.freeze({ kind: 'ended', outcome: Object.freeze({ kind: 'cancelled' }) });

export class Session implements BootstrapSession, Timed {
  readonly sessionId: string;
  readonly endpointClientName: string;
  readonly origin: BootstrapSession['origin'];
  readonly security: PeerSecurity;
  readonly preferredContentFormat: number | undefined;
  readonly additional: Readonly<Record<string, string>>;
  readonly isDefaultConfiguration: boolean;
  readonly startedAt: number;
  endedAt: number | undefined = undefined;
  outcome: BootstrapOutcome | undefined = undefined;
  lwm2mVersion: LwM2mVersion | undefined = undefined;
  discovered: readonly BootstrapNode[] = NO_NODES;
  timelineOmitted = 0;
  /** Of the whole session; in the server's queue. */
  deadline: number = Infinity;
  heapIndex = -1;
  // Private, so that a copy of a session holds nothing of the machinery.
  readonly #owner: SessionOwner;
  readonly #driver: Driver;
  readonly #peer: Peer<PeerAddress>;
  readonly #timeline: TimelineEntry[] = [];
  #address: PeerAddress;
  /** Bootstrap-Discover has told which Security Object Instances there are. */
  #knows = false;
  #state: SessionState = ENDED;
  #round = 0;
  #answered = 0;
  #planned = 0;
  #asking: Asking | undefined;
  #work: Work | undefined;

  /** @param configuration  undefined for a Bootstrap-Pack, with which nothing more is to be done. */
  constructor(owner: SessionOwner, start: SessionStart, configuration: BootstrapConfiguration | undefined) {
    this.#owner = owner;
    this.sessionId = start.sessionId;
    this.endpointClientName = start.endpointClientName;
    this.origin = start.origin;
    this.#driver = start.driver;
    this.#peer = start.peer;
    this.security = start.peer.security;
    this.#address = start.peer.address;
    this.preferredContentFormat = start.preferredContentFormat;
    this.additional = start.additional;
    this.isDefaultConfiguration = start.isDefaultConfiguration;
    this.startedAt = start.driver.unixTime();
    if (configuration === undefined) return;
    const discovers = discoversOf(configuration);
    const script: SessionScript = {
      discovers,
      plan: [],
      formats: this.#formats(configuration),
      stores: false,
      maxRepairs: owner.parameters.maxRepairs,
    };
    this.#state = beginning(script);
    this.#work = { configuration, script, proofs: undefined, undo: [] };
    this.#planned = discovers.length + 1;
  }

  /** For this package. */
  get peer(): Peer<PeerAddress> {
    return this.#peer;
  }

  /** Where the device is now; after the end, where it was. */
  get address(): PeerAddress {
    return this.outcome === undefined ? this.#peer.address : this.#address;
  }

  get stage(): BootstrapStage {
    return this.outcome !== undefined ? 'ended' : this.#state.kind === 'planning' ? 'discovering' : this.#state.kind;
  }

  get progress(): { readonly answered: number; readonly planned: number } {
    return { answered: this.#answered, planned: this.#planned };
  }

  get repairs(): number {
    return this.#round;
  }

  get timeline(): readonly TimelineEntry[] {
    return this.#timeline;
  }

  /** Inside a turn of the driver. */
  begin(): void {
    if (this.#work !== undefined) this.#enter(this.#state, this.#work);
  }

  /** For a Bootstrap-Pack, and for the request itself. */
  note(operation: BootstrapOperationName, path: string, rest: Partial<TimelineEntry>): void {
    this.#note({
      at: this.#driver.unixTime(),
      operation,
      path,
      result: '2.04',
      diagnostic: undefined,
      contentFormat: undefined,
      bytes: 0,
      duration: 0,
      ...rest,
    });
  }

  /** Of a Bootstrap-Pack: nothing more is to be done. */
  complete(outcome: BootstrapOutcome): void {
    this.#end(outcome);
  }

  stop(outcome: BootstrapOutcome): void {
    if (this.outcome === undefined) this.#input({ kind: 'stop', outcome });
  }

  onResponse(response: IncomingResponse, exchange: Exchange): void {
    const asking = this.#asking;
    if (asking === undefined || asking.exchange !== exchange) return;
    this.#asking = undefined;
    const { code } = response;
    const { operation } = asking;
    const reads = operation.kind === 'discover' || operation.kind === 'read';
    const wrong = reads && isSuccess(code) ? this.#receive(operation, response) : undefined;
    const diagnostic = isSuccess(code) ? wrong : printable(response.payload);
    this.#noteAnswer(asking, formatCode(code), diagnostic, reads ? response.payload.length : asking.bytes);
    this.#input({ kind: 'answered', code, reason: reasonOf(code, diagnostic) });
  }

  onFailure(reason: FailureReason, exchange: Exchange): void {
    const asking = this.#asking;
    if (asking === undefined || asking.exchange !== exchange) return;
    this.#asking = undefined;
    this.#noteAnswer(asking, reason, undefined, asking.bytes);
    this.#input({ kind: 'failed', reason });
  }

  #input(input: SessionInput): void {
    const work = this.#work;
    if (work === undefined) return;
    const next = advance(this.#state, input, work.script);
    if (next === this.#state) return;
    this.#enter(next, work);
  }

  #enter(state: SessionState, work: Work): void {
    this.#state = state;
    if (state.kind !== 'ended' && state.round > this.#round) {
      this.#round = state.round;
      this.#answered = 0;
      this.#planned = work.script.discovers.length + 1;
    }
    const action = actionOf(state, work.script);
    switch (action.kind) {
      case 'ask':
        return this.#ask(action.operation, action.contentFormat);
      case 'plan':
        return this.#await(this.#plan(work));
      case 'store':
        return this.#await(this.#store(work, state));
      case 'end':
        return this.#end(action.outcome);
    }
  }

  /** Goes on when the promise is fulfilled, unless the session has ended. */
  #await(promise: Promise<string | undefined>): void {
    const settled = (impossible: string | undefined): void =>
      this.#driver.turn(() =>
        this.#input(impossible === undefined ? { kind: 'done' } : { kind: 'impossible', reason: impossible }),
      );
    promise.then(settled, (error: unknown) => {
      reportBootstrapError(error);
      settled(error instanceof Error ? error.message : String(error));
    });
  }

  /** @returns why there is no plan. */
  async #plan(work: Work): Promise<string | undefined> {
    const { definitions, parameters, sources } = this.#owner;
    work.proofs ??= await makeProofs(work.configuration, this.endpointClientName, sources);
    const knowledge = { nodes: this.#knows ? this.discovered : undefined, lwm2mVersion: this.#version(work) };
    const plan = planOf(work.configuration, work.proofs.proofs, knowledge, definitions);
    if (isMalformed(plan)) return plan.malformed;
    const operations = [...plan.reads, ...plan.deletes, ...plan.writes];
    if (operations.length > parameters.maxOperations)
      return `the configuration takes ${operations.length} operations; ${parameters.maxOperations} are allowed`;
    work.script = {
      ...work.script,
      plan: operations,
      formats: this.#formats(work.configuration),
      stores: work.proofs.made.length > 0,
    };
    this.#planned = work.script.discovers.length + operations.length + 1;
    return undefined;
  }

  async #store({ proofs, undo }: Work, state: SessionState): Promise<string | undefined> {
    const abandoned = await exchangeAll(proofs!.made, undo, () => this.#state === state && this.outcome === undefined);
    if (abandoned !== undefined) await putBack(undo);
    return abandoned;
  }

  #ask(operation: PlannedOperation, contentFormat: number): void {
    const driver = this.#driver;
    const peer = this.#peer;
    if (isSecure(driver) && driver.association(peer) === undefined)
      return this.#input({ kind: 'failed', reason: 'peer-closed' });
    const encoded = this.#encode(operation, contentFormat);
    if ('impossible' in encoded) return this.#input({ kind: 'impossible', reason: encoded.impossible });
    const { operationTimeout, discoverTimeout } = this.#owner.parameters;
    const bytes = encoded.payload.length;
    // A payload in blocks takes as long as its blocks; the session has its timeout.
    const timeout = operation.kind === 'discover' ? discoverTimeout : operationTimeout;
    const request: OutgoingRequest = {
      ...encoded,
      ...(bytes > ONE_BLOCK ? {} : { timeout }),
      context: this,
    };
    const at = driver.unixTime();
    const format = operation.kind === 'write' ? contentFormat : undefined;
    try {
      driver.turn((now, out) => {
        const exchange = driver.endpoint.request(now, peer, request, out);
        this.#asking = { operation, exchange, contentFormat: format, bytes, sentAt: now, at };
      });
    } catch (error) {
      reportBootstrapError(error);
      const reason = error instanceof Error ? error.message : String(error);
      this.#input({ kind: 'impossible', reason: `${pathText(operation)} could not be asked: ${reason}` });
    }
  }

  #encode(
    operation: PlannedOperation,
    contentFormat: number,
  ): (ReturnType<typeof encodeBootstrapOperation> & { payload: Uint8Array }) | { readonly impossible: string } {
    const payload = operation.kind === 'write' ? this.#payload(operation, contentFormat) : NO_BYTES;
    if (isMalformed(payload)) return { impossible: `${pathText(operation)}: ${payload.malformed}` };
    const { maxPayloadBytes } = this.#owner.parameters;
    if (payload.length > maxPayloadBytes)
      return { impossible: `${pathText(operation)} takes ${payload.length} bytes; ${maxPayloadBytes} are allowed` };
    const request = encodeBootstrapOperation(asOperation(operation, contentFormat, payload));
    return { ...request, payload };
  }

  #payload({ path, entries }: Extract<PlannedOperation, { kind: 'write' }>, contentFormat: number) {
    return encodePayload(contentFormat, entries, {
      path,
      definitions: this.#owner.definitions,
      versionOf: this.#versionOf,
    });
  }

  /** @returns what is wrong with it. */
  #receive(
    operation: Extract<PlannedOperation, { kind: 'discover' | 'read' }>,
    { options, payload }: IncomingResponse,
  ): string | undefined {
    if (operation.kind === 'read') {
      const contentFormat = readOption(options, 'contentFormat');
      if (contentFormat === undefined) return 'no Content-Format';
      const { definitions, parameters } = this.#owner;
      const entries = decodePayload(contentFormat, payload.slice(), {
        path: operation.path,
        definitions,
        versionOf: this.#versionOf,
        limits: { maxBytes: parameters.maxPayloadBytes },
      });
      if (isMalformed(entries)) return entries.malformed;
      this.#owner.contentRead(this, operation.path, entries);
      return undefined;
    }
    const { maxDiscoveredNodes, maxDiscoverBytes } = this.#owner.parameters;
    const discovery = parseBootstrapDiscover(payload, {
      maxBytes: maxDiscoverBytes,
      maxLinks: maxDiscoveredNodes,
      maxParametersPerLink: 16,
    });
    if (isMalformed(discovery)) return discovery.malformed;
    const { path } = operation;
    if (path.kind === 'root') {
      this.discovered = discovery.nodes;
      if (discovery.lwm2mVersion !== undefined && isLwM2mVersion(discovery.lwm2mVersion))
        this.lwm2mVersion = discovery.lwm2mVersion;
    } else {
      const others = this.discovered.filter((node) => node.path.objectId !== path.objectId);
      this.discovered = [...others, ...discovery.nodes].slice(0, maxDiscoveredNodes);
    }
    if (path.kind === 'root' || path.objectId === 0) this.#knows = true;
    return undefined;
  }

  readonly #versionOf = (objectId: number): string | undefined =>
    this.discovered.find(({ path, version }) => path.objectId === objectId && version !== undefined)?.version;

  #version({ configuration }: Pick<Work, 'configuration'>): LwM2mVersion | undefined {
    return this.lwm2mVersion ?? configuration.lwm2mVersion;
  }

  #formats(configuration: BootstrapConfiguration): readonly number[] {
    return writeFormats(configuration.contentFormat, this.preferredContentFormat, this.#version({ configuration }));
  }

  #noteAnswer(asking: Asking, result: string, diagnostic: string | undefined, bytes: number): void {
    this.#answered++;
    const { operation, contentFormat, at, sentAt } = asking;
    this.#note({
      at,
      operation: operation.kind,
      path: pathText(operation),
      result,
      diagnostic,
      contentFormat,
      bytes,
      duration: this.#driver.now() - sentAt,
    });
  }

  #note(entry: TimelineEntry): void {
    if (this.#timeline.length < this.#owner.parameters.maxTimelineEntries) this.#timeline.push(entry);
    else this.timelineOmitted++;
    this.#owner.progressed(this, entry);
  }

  #end(outcome: BootstrapOutcome): void {
    const asking = this.#asking;
    const undo = this.#work?.undo ?? [];
    this.#asking = undefined;
    this.#work = undefined;
    if (asking !== undefined) {
      this.#noteAnswer(asking, 'cancelled', undefined, asking.bytes);
      const driver = this.#driver;
      if (asking.exchange.state !== 'done')
        driver.turn((now, out) => driver.endpoint.cancel(now, asking.exchange, out));
    }
    this.outcome = outcome;
    this.discovered = this.discovered.slice(0, MAX_KEPT_NODES);
    this.#address = this.#peer.address;
    this.endedAt = this.#driver.unixTime();
    // Whoever has not answered Bootstrap-Finish may have taken it all the same.
    if (outcome.kind === 'finish-refused') void putBack(undo);
    this.#owner.ended(this, outcome);
  }
}

const NO_BYTES: Uint8Array = new Uint8Array(0);
const ONE_BLOCK = 1024;
/** Of a session that is only looked at any more. */
const MAX_KEPT_NODES = 100;

function asOperation(operation: PlannedOperation, contentFormat: number, payload: Uint8Array): BootstrapOperation {
  switch (operation.kind) {
    case 'discover':
      return { kind: 'bootstrapDiscover', path: operation.path };
    case 'read':
      return { kind: 'bootstrapRead', path: operation.path, accept: contentFormat };
    case 'delete':
      return { kind: 'bootstrapDelete', path: operation.path };
    case 'write':
      return { kind: 'bootstrapWrite', path: operation.path, contentFormat, payload };
    case 'finish':
      return { kind: 'bootstrapFinish' };
  }
}

/**
 * Make new credentials known, one after another.
 *
 * @param undo  gets what puts back what was before.
 * @returns why it was not completed.
 */
export async function exchangeAll(
  made: readonly NewCredential[],
  undo: (() => unknown)[],
  isWanted: () => boolean,
): Promise<string | undefined> {
  for (const { receiver, entry } of made) {
    if (!isWanted()) return 'no longer wanted';
    try {
      undo.push(await receiver.exchange(entry));
    } catch (error) {
      reportBootstrapError(error);
      return `the new credentials were not taken: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  return isWanted() ? undefined : 'no longer wanted';
}

/** The newest first. What cannot be put back is reported. */
export async function putBack(undo: (() => unknown)[]): Promise<void> {
  for (const each of undo.splice(0).reverse()) {
    try {
      await each();
    } catch (error) {
      reportBootstrapError(error);
    }
  }
}

function reasonOf(code: IncomingResponse['code'], diagnostic: string | undefined): string {
  const name = codeName(code);
  const status = name === undefined ? formatCode(code) : `${formatCode(code)} ${name}`;
  return diagnostic === undefined ? status : `${status}: ${diagnostic}`;
}

const MAX_DIAGNOSTIC = 300;

/** A diagnostic payload is text for people (RFC 7252 §5.5.2), but a device may send anything. */
function printable(payload: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(payload.subarray(0, MAX_DIAGNOSTIC));
  const clean = text.replace(/[\p{Cc}\p{Cf}\ufffd\s]+/gu, ' ').trim();
  return clean === '' ? undefined : clean;
}
