/**
 * What bootstrap means for the rest of a client: while it is under way registrations rest and nothing that it changes is
 * told or saved; when it has finished, the client has other servers, and when it failed everything is as it was.
 * OMA TS Core §6.1.
 */
import type { CoapEvent } from '@lapwing/coap';
import { Codes, UsageError } from '@lapwing/coap';
import { resourcePath } from '@lapwing/lwm2m';
import type { Path } from '@lapwing/lwm2m';
import type { BootstrapFailure, BootstrapReason } from '../api.ts';
import type { AttributeStore } from '../attribute-store.ts';
import type { ClientState } from '../client-state.ts';
import { andThen, eachInOrder } from '../maybe-promise.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import { SERVER_RESOURCES } from '../objects/server.ts';
import { OperationRefused } from '../refusal.ts';
import type { HandlerFailed, Refusal } from '../refusal.ts';
import type { RegistrationProcedure } from '../registration-procedure.ts';
import type { ChangeTree } from './bootstrap-context.ts';
import { BootstrapProcedure } from './bootstrap-procedure.ts';
import type { BootstrapParts } from './bootstrap-procedure.ts';
import { SECURITY_OBJECT, serverIdOfSecurity, serverIdOfServer, SERVER_OBJECT } from './security-account.ts';
import { restoreTree, snapshotTree } from './tree-snapshot.ts';
import { unbootstrap } from './unbootstrap.ts';

export interface BootstrappingHost {
  /** Registrations rest: nothing is sent to servers, and nothing answered. */
  rest(): void;
  /** Registrations go on as they were. */
  resume(): void;
  /** The accounts are others: those before are over. */
  accountsChanged(): void;
  /** The state as it is now; undefined without a store. */
  capture(): ClientState | undefined;
  /** Save the state as it is now; rejects when that fails. */
  commit(): MaybePromise<void>;
  active(): void;
  started(reason: BootstrapReason): void;
  failed(failure: BootstrapFailure): void;
  /** Something of the state changed. */
  stateChanged(): void;
  handlerFailed(failure: HandlerFailed): void;
}

export class Bootstrapping {
  readonly #procedure: BootstrapProcedure;
  readonly #parts: BootstrapParts;
  readonly #attributes: AttributeStore;
  readonly #host: BootstrappingHost;
  #isConfiguring = false;
  /** The accounts are being changed otherwise than by a Bootstrap-Server. */
  #isReconfiguring = false;
  /** The state before: what there is to be saved until the configuration is whole. */
  #before: ClientState | undefined;
  /** Short Server IDs by Security Object Instance before, and those Object Instances that were written or deleted. */
  #accounts: ReadonlyMap<number, number> = new Map();
  readonly #touched = new Set<number>();

  constructor(parts: BootstrapParts, attributes: AttributeStore, host: BootstrappingHost) {
    this.#parts = parts;
    this.#attributes = attributes;
    this.#host = host;
    this.#procedure = new BootstrapProcedure(parts, {
      begun: (reason) => this.#begun(reason),
      save: () => this.#save(),
      finished: () => this.#finished(),
      failed: (reason, retryAt) => this.#failed(reason, retryAt),
      purged: () => host.stateChanged(),
      active: () => host.active(),
      handlerFailed: (failure) => host.handlerFailed(failure),
    });
  }

  /** The tree is being configured: what changes in it is not to be told. */
  get isConfiguring(): boolean {
    return this.#isConfiguring;
  }

  get isUnderWay(): boolean {
    return this.#procedure.isUnderWay;
  }

  get isIntended(): boolean {
    return this.#procedure.isIntended;
  }

  /** What is to be saved instead of the state as it is now. */
  get stateBefore(): ClientState | undefined {
    return this.#before;
  }

  get hasAccount(): boolean {
    return this.#procedure.accountInstanceId !== undefined;
  }

  /** @throws UsageError without an account of a Bootstrap-Server. */
  begin(reason: BootstrapReason): void {
    if (!this.hasAccount) throw new UsageError('this client has no account of a Bootstrap-Server');
    if (!this.#isReconfiguring) this.#procedure.begin(reason);
  }

  /** A server executed /1/x/9. @throws OperationRefused without an account of a Bootstrap-Server. */
  trigger(afterResponse: (action: () => void) => void): void {
    if (!this.hasAccount) {
      throw new OperationRefused(Codes.methodNotAllowed, 'this client has no Bootstrap-Server');
    }
    afterResponse(() => {
      if (!this.#isReconfiguring) this.#procedure.begin('server-trigger');
    });
  }

  /** All attempts with this server have failed (/1/x/16). Bootstrap follows when no other can be, or may yet be, registered with. */
  registrationFailed(failed: RegistrationProcedure, procedures: readonly RegistrationProcedure[]): void {
    if (!this.hasAccount || !failed.settings.bootstrapsOnFailure) return;
    if (this.#isReconfiguring) return;
    const isHopeless = procedures.every(({ hasFailed, state }) => hasFailed || state.kind === 'idle');
    if (isHopeless) this.#procedure.begin('unreachable');
  }

  /** A server was registered with. */
  registered(): void {
    this.#procedure.registered();
    if (!this.isUnderWay) this.#procedure.abandon();
  }

  /**
   * Change the accounts otherwise than by a Bootstrap-Server: all of it, saved, or with a refusal nothing. A bootstrap that
   * is under way is given up. Rejects when saving fails, with nothing changed.
   */
  async reconfigure(change: () => MaybePromise<Refusal | undefined>): Promise<Refusal | undefined> {
    const { tree } = this.#parts;
    this.#isReconfiguring = true;
    this.#procedure.abandon();
    // An operation that is being carried out comes to its end first, and a configuration that is being saved is taken.
    await this.#procedure.settled();
    this.#configure();
    const base = snapshotTree(tree);
    for (const id of this.#accounts.keys()) this.#touched.add(id);
    const undo = (): void => {
      restoreTree(tree, base);
      this.#isReconfiguring = false;
      this.#unchanged();
    };
    try {
      const refused = await change();
      if (refused !== undefined) {
        undo();
        return refused;
      }
      await this.#save();
    } catch (error) {
      undo();
      throw error;
    }
    this.#isReconfiguring = false;
    this.#finished();
    return undefined;
  }

  /** Nothing can be sent any more. */
  abandon(): void {
    this.#procedure.abandon();
  }

  /** The accounts have been there before: /0/x/12 counts anew. */
  resumed(now: number): void {
    this.#procedure.armPurge(now);
  }

  close(): void {
    this.#procedure.close();
  }

  nextDeadline(): number {
    return this.#procedure.nextDeadline();
  }

  handleTimeout(now: number): void {
    if (this.#procedure.nextDeadline() <= now) this.#procedure.handleTimeout(now);
  }

  get procedure(): Pick<BootstrapProcedure, 'isPeer' | 'handleRequest' | 'handleAssociation'> {
    return this.#procedure;
  }

  handleOutcome(event: CoapEvent & { readonly kind: 'response' | 'failed' }): boolean {
    return this.#procedure.handleOutcome(event);
  }

  /** Something at or below this path changed. */
  handleChange(path: Path): void {
    this.#procedure.handleChange(path);
    if ('objectInstanceId' in path && path.objectId === SECURITY_OBJECT) this.#touched.add(path.objectInstanceId);
  }

  #begun(reason: BootstrapReason): void {
    if (!this.#isConfiguring) this.#configure();
    this.#host.started(reason);
  }

  #configure(): void {
    this.#before = this.#host.capture();
    this.#accounts = this.#serverIds();
    this.#touched.clear();
    this.#isConfiguring = true;
    this.#host.rest();
  }

  #serverIds(): ReadonlyMap<number, number> {
    const { tree } = this.#parts;
    const ids = [...(tree.objects.get(SECURITY_OBJECT)?.instances.keys() ?? [])];
    return new Map(
      ids.flatMap((id) => {
        const shortServerId = serverIdOfSecurity(tree, id);
        return shortServerId === undefined ? [] : [[id, shortServerId] as const];
      }),
    );
  }

  #save(): MaybePromise<void> {
    const { tree, contextOf } = this.#parts;
    const change: ChangeTree = (action) => this.#procedure.change(action);
    const now = new Set(this.#serverIds().values());
    const gone = [...new Set(this.#accounts.values())].filter((id) => !now.has(id));
    // Any Object may have had Object Instances that were theirs alone.
    this.#procedure.keep(gone.length === 0 ? [SERVER_OBJECT] : undefined);
    const implied = eachInOrder(gone, (shortServerId) =>
      andThen(unbootstrap(tree, shortServerId, contextOf, change), ({ failures }) => {
        for (const failure of failures) this.#host.handlerFailed(failure);
      }),
    );
    return andThen(implied, () => {
      change(() => this.#tellWhenBootstrapped());
      const attached = this.#attributes.all();
      this.#dropAttributes();
      this.#before = undefined;
      const undo = (error: unknown): never => {
        for (const { shortServerId, path, attributes } of attached) {
          this.#attributes.write(shortServerId, path, attributes);
        }
        throw error;
      };
      try {
        const saving = this.#host.commit();
        return saving instanceof Promise ? saving.catch(undo) : saving;
      } catch (error) {
        return undo(error);
      }
    });
  }

  /** /1/x/12. */
  #tellWhenBootstrapped(): void {
    const { tree, driver } = this.#parts;
    if (tree.definitions.resource(SERVER_OBJECT, SERVER_RESOURCES.lastBootstrapped) === undefined) return;
    const seconds = Math.floor(driver.unixTime() / 1000);
    for (const id of tree.objects.get(SERVER_OBJECT)?.instances.keys() ?? []) {
      if (serverIdOfServer(tree, id) !== undefined) {
        tree.set(resourcePath(SERVER_OBJECT, id, SERVER_RESOURCES.lastBootstrapped), seconds);
      }
    }
  }

  /** Those of servers whose account was written or deleted, and those of nodes that are gone. */
  #dropAttributes(): void {
    const { tree } = this.#parts;
    const kept = new Set([...this.#serverIds()].filter(([id]) => !this.#touched.has(id)).map(([, one]) => one));
    for (const shortServerId of this.#accounts.values()) {
      if (!kept.has(shortServerId)) this.#attributes.forgetServer(shortServerId);
    }
    this.#attributes.forgetWhere((path) => !tree.has(path));
  }

  #finished(): void {
    this.#isConfiguring = false;
    this.#before = undefined;
    this.#host.accountsChanged();
  }

  #unchanged(): void {
    this.#isConfiguring = false;
    this.#before = undefined;
    this.#host.stateChanged();
    this.#host.resume();
  }

  #failed(reason: string, retryAt: number): void {
    if (this.#isConfiguring) this.#unchanged();
    this.#host.failed({ reason, retryIn: retryAt - this.#parts.driver.now() });
  }
}
