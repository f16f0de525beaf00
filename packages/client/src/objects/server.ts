/**
 * Object 1, Server: one Object Instance per account, and the levers a server has on its own registration.
 * OMA TS Core, Object LwM2M Server.
 */
import { Codes } from '@lapwing/coap';
import type { ExecuteArgument } from '@lapwing/lwm2m';
import type { ClientObject, HandlerContext, ObjectInstanceContent } from '../client-object.ts';
import { OperationRefused } from '../refusal.ts';
import type { ResolvedAccount } from '../server-account.ts';

export const SERVER_RESOURCES = {
  shortServerId: 0,
  lifetime: 1,
  defaultPmin: 2,
  defaultPmax: 3,
  disable: 4,
  disableTimeout: 5,
  notificationStoring: 6,
  binding: 7,
  updateTrigger: 8,
  bootstrapTrigger: 9,
  alertCode: 11,
  lastBootstrapped: 12,
  priority: 13,
  initialDelay: 14,
  failureBlock: 15,
  bootstrapOnFailure: 16,
  retryCount: 17,
  retryTimer: 18,
  sequenceDelay: 19,
  sequenceCount: 20,
  trigger: 21,
  preferredTransport: 22,
  muteSend: 23,
  serverVersions: 25,
  notificationMode: 26,
  profileHash: 27,
} as const;

/** What executing /1/x/4, /1/x/8 and /1/x/9 does. By Object Instance ID. */
export interface ServerActions {
  /** Called when the answer has been sent, as `update` is. */
  disable(objectInstanceId: number): void;
  update(objectInstanceId: number): void;
  /** May throw `OperationRefused`. */
  bootstrap(afterResponse: (action: () => void) => void): void;
}

/** What a server may write, whether or not it has a value yet. */
const SUPPORTED: readonly number[] = Object.values(SERVER_RESOURCES);

export function serverObject(
  accounts: readonly ResolvedAccount[],
  binding: string,
  actions: ServerActions,
): ClientObject {
  return {
    objectId: 1,
    unknownResources: 'skip',
    resources: SUPPORTED,
    defaults: { [SERVER_RESOURCES.lifetime]: 86_400, [SERVER_RESOURCES.notificationStoring]: false, [SERVER_RESOURCES.binding]: binding }, // prettier-ignore
    instances: Object.fromEntries(
      accounts.map((account) => [
        account.objectInstanceId,
        { ...serverContent(account, binding), ...serverHandlers(actions) },
      ]),
    ),
  };
}

/** What every Server Object Instance has, whoever wrote the rest. */
export const serverHandlers = (actions: ServerActions): ObjectInstanceContent => ({
  [SERVER_RESOURCES.disable]: {
    execute: (_args, context) => context.afterResponse(() => actions.disable(instanceOf(context))),
  },
  [SERVER_RESOURCES.updateTrigger]: { execute: (args, context) => triggerUpdate(args, context, actions) },
  [SERVER_RESOURCES.bootstrapTrigger]: { execute: (_args, { afterResponse }) => actions.bootstrap(afterResponse) },
});

/** The Object Instance that is executed. */
const instanceOf = ({ path }: HandlerContext): number => ('objectInstanceId' in path ? path.objectInstanceId : NaN);

function serverContent(account: ResolvedAccount, binding: string): ObjectInstanceContent {
  const { shortServerId, retry = {} } = account;
  const id = SERVER_RESOURCES;
  return {
    [id.shortServerId]: shortServerId,
    [id.lifetime]: account.lifetimeSeconds,
    [id.defaultPmin]: account.defaultMinimumPeriodSeconds,
    [id.defaultPmax]: account.defaultMaximumPeriodSeconds,
    [id.disableTimeout]: account.disableTimeoutSeconds ?? 86_400,
    [id.notificationStoring]: account.notificationStoring ?? false,
    [id.binding]: binding,
    [id.priority]: account.priority,
    [id.initialDelay]: account.initialDelaySeconds,
    [id.failureBlock]: account.failureBlock,
    [id.bootstrapOnFailure]: account.bootstrapOnFailure,
    [id.retryCount]: retry.count,
    [id.retryTimer]: retry.timerSeconds,
    [id.sequenceDelay]: retry.sequenceDelaySeconds,
    [id.sequenceCount]: retry.sequenceCount,
    [id.muteSend]: account.muteSend ?? false,
    [id.serverVersions]: account.serverVersions,
    [id.notificationMode]: account.confirmableNotifications === true ? 1 : 0,
  };
}

/** The transport this client has. */
const UDP = 'U';

/** Argument 0 names the transport for the Update: one of the Binding (/1/x/7) that this client has. 1.1. */
function triggerUpdate(args: readonly ExecuteArgument[], context: HandlerContext, actions: ServerActions): void {
  const objectInstanceId = instanceOf(context);
  const transport = args.find(({ digit }) => digit === 0)?.value;
  const binding = context.tree.get(`/1/${objectInstanceId}/${SERVER_RESOURCES.binding}`);
  if (transport !== undefined && !(transport === UDP && typeof binding === 'string' && binding.includes(UDP))) {
    throw new OperationRefused(Codes.badRequest, 'this client has no such transport');
  }
  context.afterResponse(() => actions.update(objectInstanceId));
}
