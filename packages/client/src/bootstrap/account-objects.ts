/**
 * The Objects that accounts of servers are made of, and which Object Instances make one account: /0/x, and the OSCORE,
 * COSE and MQTT ones it links. OMA TS Core §6.1.
 */
import { MAX_ID, objectInstancePath } from '@lapwing/lwm2m';
import type { ObjectInstancePath } from '@lapwing/lwm2m';
import type { ObjectTree, TreeResource } from '../object-tree.ts';
import { SECURITY_OBJECT, serverIdOfSecurity } from './security-account.ts';

export const DEVICE_OBJECT = 3;

/** Security, Server, Access Control, OSCORE, COSE, MQTT Server: what a Bootstrap-Server brings about. */
export const ACCOUNT_OBJECTS: ReadonlySet<number> = new Set([0, 1, 2, 21, 23, 24]);

/** The Resources of /0/x that link, and the Object each links to. */
export const ACCOUNT_LINKS: ReadonlyMap<number, number> = new Map([
  [17, 21],
  [26, 24],
  [27, 23],
]);

/** /0/x and what it links, whether or not that exists. */
export function accountInstances(tree: ObjectTree, securityInstanceId: number): readonly ObjectInstancePath[] {
  const resources = tree.objectInstance(SECURITY_OBJECT, securityInstanceId)?.resources;
  const linked = [...ACCOUNT_LINKS].flatMap(([resourceId, wanted]) =>
    linksIn(resources?.get(resourceId))
      .filter(({ objectId }) => objectId === wanted)
      .map(({ objectId, objectInstanceId }) => objectInstancePath(objectId, objectInstanceId)),
  );
  return [objectInstancePath(SECURITY_OBJECT, securityInstanceId), ...linked];
}

/** Whose account /21/x, /23/x or /24/x is part of, the lowest of several; undefined for that of a Bootstrap-Server alone, and for none. */
export function serverIdOfLinked(tree: ObjectTree, objectId: number, objectInstanceId: number): number | undefined {
  const sharing = [...(tree.objects.get(SECURITY_OBJECT)?.instances.keys() ?? [])].flatMap((id) => {
    const [, ...linked] = accountInstances(tree, id);
    const isLinked = linked.some((one) => one.objectId === objectId && one.objectInstanceId === objectInstanceId);
    return isLinked ? (serverIdOfSecurity(tree, id) ?? []) : [];
  });
  return sharing.length === 0 ? undefined : Math.min(...sharing);
}

/** The Objlnk values a Resource keeps, without null links. */
export function linksIn(
  resource: TreeResource | undefined,
): readonly { readonly objectId: number; readonly objectInstanceId: number }[] {
  const values =
    resource?.kind === 'single' ? [resource.value] : resource?.kind === 'multiple' ? [...resource.values.values()] : [];
  return values
    .flatMap((value) => (value.type === 'objlnk' ? [value.value] : []))
    .filter(({ objectId, objectInstanceId }) => !(objectId === MAX_ID && objectInstanceId === MAX_ID));
}
