/**
 * A smartcard and the accounts it holds. When the client starts, and whenever a registration has been confirmed, the card
 * is looked at: what it provisioned goes when it is gone or another, and what it holds takes the place of what the device
 * came with. OMA TS Core §6.1.2 (Bootstrap from Smartcard), Appendix G.
 */
import { CONTENT_FORMATS } from '@lapwing/coap';
import { isMalformed, objectPath, parseObjectVersion } from '@lapwing/lwm2m';
import type { SmartcardContent, SmartcardSource } from '../api.ts';
import { andThen, eachInOrder } from '../maybe-promise.ts';
import type { MaybePromise } from '../maybe-promise.ts';
import { badRequest, isRefusal } from '../refusal.ts';
import type { Refusal } from '../refusal.ts';
import { DEVICE_OBJECT } from './account-objects.ts';
import type { BootstrapContext } from './bootstrap-context.ts';
import { performBootstrapOperation } from './bootstrap-operations.ts';
import { inconsistenciesOf } from './consistency.ts';
import type { ConsistencyContext } from './consistency.ts';
import { bootstrapServerInstancesOf, securityAccountOf, SECURITY_OBJECT } from './security-account.ts';

export type SmartcardContext = BootstrapContext & Pick<ConsistencyContext, 'trustAnchors' | 'given'>;

export interface SmartcardHost {
  /** Change the accounts: whole, or not at all. */
  reconfigure(change: () => MaybePromise<Refusal | undefined>): Promise<Refusal | undefined>;
  /** The accounts that the device came with, without the card. */
  restoreFactory(): void;
  /** What is to be remembered of the card, and to be saved with the accounts. */
  fingerprintChanged(fingerprint: string | undefined): void;
  /** ms on the client's clock. */
  now(): number;
  /** One sentence: the card could not be read, or holds nothing that can be used. */
  failed(reason: string, cause?: unknown): void;
}

/** ms until accounts are tried again that could not be saved. */
const SAVE_RETRY = 60_000;

export class SmartcardAccounts {
  readonly #source: SmartcardSource;
  readonly #context: SmartcardContext;
  readonly #host: SmartcardHost;
  readonly #unsubscribe: () => void;
  /** Of the card whose accounts are in force; undefined: none. */
  #fingerprint: string | undefined;
  /** Of a card that holds nothing that can be used: it is not tried again. */
  #rejected: string | undefined;
  /** Accounts could not be saved: not to be tried again before, ms. */
  #retryAt = -Infinity;
  #checking: Promise<boolean> | undefined;
  #isClosed = false;

  /** @param fingerprint  of the card whose accounts were in force when the state was saved. */
  constructor(
    source: SmartcardSource,
    context: SmartcardContext,
    fingerprint: string | undefined,
    host: SmartcardHost,
  ) {
    this.#source = source;
    this.#context = context;
    this.#fingerprint = fingerprint;
    this.#host = host;
    this.#unsubscribe = source.onChange?.(() => void this.check()) ?? ((): void => undefined);
  }

  /**
   * Look at the card; resolves when what follows from it is done, with whether the accounts are others. While it is being
   * looked at, it is looked at once.
   */
  check(): Promise<boolean> {
    this.#checking ??= this.#check().finally(() => (this.#checking = undefined));
    return this.#checking;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unsubscribe();
    await this.#checking;
  }

  async #check(): Promise<boolean> {
    let content: SmartcardContent | undefined;
    try {
      content = await this.#source.read();
    } catch (cause) {
      // A reader that fails says nothing about the card.
      if (!this.#isClosed) this.#host.failed('the smartcard could not be read', cause);
      return false;
    }
    if (this.#isClosed || content?.fingerprint === this.#fingerprint) return false;
    if (content !== undefined && content.fingerprint === this.#rejected) return false;
    if (this.#host.now() < this.#retryAt) return false;
    const before = this.#fingerprint;
    const take = (fingerprint: string | undefined): void => {
      this.#fingerprint = fingerprint;
      this.#host.fingerprintChanged(fingerprint);
    };
    const card = content;
    try {
      const problem = await this.#host.reconfigure(() => {
        take(card?.fingerprint);
        this.#host.restoreFactory();
        return card === undefined ? undefined : this.#provision(card);
      });
      this.#rejected = problem === undefined ? undefined : card?.fingerprint;
      if (problem === undefined) return true;
      take(before);
      this.#host.failed(`the smartcard cannot be used: ${problem.reason}`);
      // What the card before it brought goes all the same.
      if (before === undefined) return false;
      await this.#host.reconfigure(() => {
        take(undefined);
        this.#host.restoreFactory();
        return undefined;
      });
      return true;
    } catch (cause) {
      take(before);
      this.#retryAt = this.#host.now() + SAVE_RETRY;
      this.#host.failed('the accounts of the smartcard could not be saved', cause);
      return false;
    }
  }

  /** Each Object on the card has the Object Instances that the card has, and no others. */
  #provision({ objects }: SmartcardContent): MaybePromise<Refusal | undefined> {
    const { tree, formats } = this.#context;
    let problem: Refusal | undefined;
    const write = ({ objectId, version, instances }: SmartcardContent['objects'][number]): MaybePromise<void> => {
      if (problem !== undefined) return undefined;
      const object = tree.objects.get(objectId);
      // What the device does not have the card may bring for another.
      if (object === undefined) return undefined;
      if (version !== undefined && majorOf(version) !== majorOf(object.definition.version)) {
        problem = badRequest(
          `Object ${objectId} is of version ${version}, this device has ${object.definition.version}`,
        );
        return undefined;
      }
      const path = objectPath(objectId);
      const decoded = formats.decode(path, CONTENT_FORMATS.tlv.number, instances);
      if (isRefusal(decoded)) {
        problem = badRequest(`Object ${objectId}: ${decoded.reason}`);
        return undefined;
      }
      const named = new Set<number>(decoded.flatMap((entry) => ('objectInstanceId' in entry.path ? [entry.path.objectInstanceId] : []))); // prettier-ignore
      const bringsBootstrapServer =
        objectId === SECURITY_OBJECT &&
        decoded.some(
          ({ path: at, ...entry }) =>
            at.kind === 'resource' && at.resourceId === 1 && 'value' in entry && entry.value.value === true,
        );
      const spared = new Set(
        objectId === DEVICE_OBJECT ? [0] : bringsBootstrapServer ? [] : bootstrapServerInstancesOf(tree),
      );
      for (const id of [...object.instances.keys()]) {
        const stays = named.has(id) || ((objectId === SECURITY_OBJECT || objectId === DEVICE_OBJECT) && spared.has(id));
        if (!stays) tree.removeObjectInstance(objectId, id);
      }
      // No Object Instances: those there were are gone.
      if (instances.length === 0) return undefined;
      const operation = {
        kind: 'bootstrapWrite',
        path,
        contentFormat: CONTENT_FORMATS.tlv.number,
        payload: instances,
      } as const;
      return andThen(performBootstrapOperation(this.#context, operation), (answer) => {
        if (isRefusal(answer)) problem = badRequest(`Object ${objectId}: ${answer.reason}`);
      });
    };
    return andThen(eachInOrder(objects, write), () => problem ?? this.#inconsistency());
  }

  /** A card may bring the account of a Bootstrap-Server alone: then that is asked for the rest. */
  #inconsistency(): Refusal | undefined {
    const { tree } = this.#context;
    const bootstrapAccount = bootstrapServerInstancesOf(tree)[0];
    const ids = [...(tree.objects.get(SECURITY_OBJECT)?.instances.keys() ?? [])];
    const isForBootstrap = bootstrapAccount !== undefined && ids.length === 1;
    const { trustAnchors, given } = this.#context;
    if (isForBootstrap) {
      const account = securityAccountOf(tree, bootstrapAccount, trustAnchors);
      return isMalformed(account) ? badRequest(account.malformed) : undefined;
    }
    const problems = inconsistenciesOf(tree, { bootstrapAccount, trustAnchors, given });
    return problems.length === 0 ? undefined : badRequest(problems.join('; '));
  }
}

const majorOf = (version: string): number | undefined => parseObjectVersion(version)?.major;
