/**
 * Object 16, Portfolio: who the host device and its parts are, and how they prove it. Servers may create and delete Object
 * Instances. OMA LwM2M Object Portfolio 1.0.
 */
import type { ExecuteArgument } from '@lapwing/lwm2m';
import type { ClientObject, HandlerContext, ObjectInstanceContent, PlainValue } from '../client-object.ts';
import { reportClientError } from '../diagnostics.ts';
import type { MaybePromise } from '../maybe-promise.ts';

/** The Resource Instances of Identity (0). */
export interface PortfolioIdentity {
  readonly hostDeviceId?: string;
  readonly hostDeviceManufacturer?: string;
  readonly hostDeviceModel?: string;
  readonly hostDeviceSoftwareVersion?: string;
}

export interface PortfolioOptions {
  /** One Object Instance each. */
  readonly identities: readonly PortfolioIdentity[];
  /**
   * Execute /16/x/1: answer what proves the identity of the Object Instance; it becomes AuthData (2). Without it the
   * Resources 1 to 3 do not exist.
   */
  readonly authenticate?: (
    objectInstanceId: number,
    args: readonly ExecuteArgument[],
  ) => MaybePromise<readonly Uint8Array[]>;
}

const ID = { identity: 0, authenticate: 1, authData: 2, authStatus: 3 } as const;
const AUTH_STATUS = { initial: 0, ongoing: 1, available: 2 } as const;

const IDENTITY_ORDER = [
  'hostDeviceId',
  'hostDeviceManufacturer',
  'hostDeviceModel',
  'hostDeviceSoftwareVersion',
] as const satisfies readonly (keyof PortfolioIdentity)[];

export function portfolioObject({ identities, authenticate }: PortfolioOptions): ClientObject {
  const authentication = (objectInstanceId: number): ObjectInstanceContent => {
    if (authenticate === undefined) return {};
    const prove = (args: readonly ExecuteArgument[]): MaybePromise<readonly Uint8Array[]> =>
      authenticate(objectInstanceId, args);
    return {
      [ID.authenticate]: { execute: (args, context) => begin(objectInstanceId, () => prove(args), context) },
      [ID.authData]: [],
      [ID.authStatus]: AUTH_STATUS.initial,
    };
  };
  return {
    objectId: 16,
    resources: authenticate === undefined ? [ID.identity] : Object.values(ID),
    instances: {
      ...identities.map((identity, id) => ({ [ID.identity]: identityValues(identity), ...authentication(id) })),
    },
    create: (objectInstanceId) => authentication(objectInstanceId),
    delete: true,
  };
}

function identityValues(identity: PortfolioIdentity): ReadonlyMap<number, PlainValue> {
  const values = new Map<number, PlainValue>();
  IDENTITY_ORDER.forEach((name, id) => {
    const value = identity[name];
    if (value !== undefined) values.set(id, value);
  });
  return values;
}

/** The Execute is answered at once; AuthStatus tells when the data is there. */
function begin(
  objectInstanceId: number,
  prove: () => MaybePromise<readonly Uint8Array[]>,
  { tree, afterResponse }: HandlerContext,
): void {
  const at = (resourceId: number): string => `/16/${objectInstanceId}/${resourceId}`;
  // It may have been deleted meanwhile.
  const isThere = (): boolean => tree.get(at(ID.authStatus)) !== undefined;
  tree.set(at(ID.authStatus), AUTH_STATUS.ongoing);
  const run = async (): Promise<void> => {
    try {
      const data = await prove();
      if (!isThere()) return;
      tree.batch(() => {
        tree.set(at(ID.authData), data);
        tree.set(at(ID.authStatus), AUTH_STATUS.available);
      });
    } catch (error) {
      if (isThere()) tree.set(at(ID.authStatus), AUTH_STATUS.initial);
      reportClientError(error);
    }
  };
  afterResponse(() => void run());
}
