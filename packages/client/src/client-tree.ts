/** The object tree of a client as its options describe it: what the application gives, and what its accounts become. */
import { ObjectDefinitions } from '@lapwing/lwm2m';
import type { DefinitionLookup } from '@lapwing/lwm2m';
import { ACCESS_CONTROL_OBJECT } from './access-rights.ts';
import type { ClientOptions } from './api.ts';
import { ObjectTree } from './object-tree.ts';
import type { TreeListener } from './object-tree.ts';
import { withServers } from './objects/access-control.ts';
import { deviceObject } from './objects/device.ts';
import { securityObject } from './objects/security.ts';
import { serverObject } from './objects/server.ts';
import type { ServerActions } from './objects/server.ts';
import type { ResolvedAccount, ResolvedBootstrapAccount } from './server-account.ts';

let sharedDefinitions: DefinitionLookup | undefined;

export interface TreeAccountsGiven {
  readonly servers: readonly ResolvedAccount[];
  readonly bootstrapServer: ResolvedBootstrapAccount | undefined;
}

/** @throws UsageError when an Object is described twice, has no definition, or content that does not fit it. */
export function buildTree(
  options: ClientOptions,
  { servers, bootstrapServer }: TreeAccountsGiven,
  serverActions: ServerActions,
  listener: TreeListener,
): ObjectTree {
  const {
    definitions = (sharedDefinitions ??= new ObjectDefinitions()),
    lwm2mVersion = '1.2',
    binding = 'U',
    objects,
  } = options;
  const hasDevice = objects.some(({ objectId }) => objectId === 3);
  return new ObjectTree(
    [
      securityObject(servers, bootstrapServer),
      serverObject(servers, binding, serverActions),
      ...(hasDevice ? [] : [deviceObject({ binding })]),
      ...objects.map((object) => (object.objectId === ACCESS_CONTROL_OBJECT ? withServers(object, servers) : object)),
    ],
    definitions,
    lwm2mVersion,
    listener,
  );
}
