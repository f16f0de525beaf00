/**
 * Object 19, BinaryAppDataContainer: bytes between an application on the device and one at the server, which LwM2M only
 * carries. By convention Object Instance 0 goes to the server and 1 comes from it. OMA LwM2M BinaryAppDataContainer 1.0.
 */
import type { ClientObject, ObjectInstanceContent } from '../client-object.ts';

export interface AppDataOptions {
  /** The Resource Instances of Data. */
  readonly data: readonly Uint8Array[];
  /** 0 immediate, 1 best effort, 2 latest. */
  readonly priority?: number;
  /** At most 32 bytes each. */
  readonly description?: string;
  readonly format?: string;
  readonly appId?: number;
  /** Default: now. */
  readonly createdAt?: Date;
}

const ID = { data: 0, priority: 1, createdAt: 2, description: 3, format: 4, appId: 5 } as const;

/**
 * Setting Data, by whoever, also sets the Data Creation Time (2) to now. Servers may create and delete Object Instances.
 *
 * @param containers  one Object Instance each.
 */
export function binaryAppDataObject(...containers: readonly AppDataOptions[]): ClientObject {
  return {
    objectId: 19,
    resources: Object.values(ID),
    instances: { ...containers.map(content) },
    create: (_objectInstanceId, given, { unixTime }) =>
      given.has(ID.createdAt) ? undefined : { [ID.createdAt]: Math.floor(unixTime / 1000) },
    delete: true,
    changed: ({ objectInstanceId, resourceId }, { tree, unixTime }) => {
      if (resourceId === ID.data) tree.set(`/19/${objectInstanceId}/${ID.createdAt}`, Math.floor(unixTime / 1000));
    },
  };
}

const content = (options: AppDataOptions): ObjectInstanceContent => ({
  [ID.data]: options.data,
  [ID.priority]: options.priority,
  [ID.createdAt]: options.createdAt ?? new Date(),
  [ID.description]: options.description,
  [ID.format]: options.format,
  [ID.appId]: options.appId,
});
