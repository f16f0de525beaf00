/**
 * Which attributes hold for a path: its own and those of what is above it, as a Discover of the Object shows them.
 * OMA TS Core §7.3. A client shows inherited ones on the very path that is asked for, so the Object is asked.
 */
import {
  effectiveAttributes,
  formatPath,
  notificationAttributes,
  objectInstancePath,
  objectPath,
  type Path,
  resourcePath,
  type RootPath,
} from '@lapwing/lwm2m';
import { type CallOptions, type Device, type Outcome } from '@lapwing/server';
import type { AttributesJson } from './operation-schemas.ts';

export async function attributesInForce(
  device: Device,
  path: Exclude<Path, RootPath>,
  callOptions: CallOptions,
): Promise<Outcome<AttributesJson>> {
  // What comes of the single requests, nobody would put together later.
  const options = { ...callOptions, keepOverStop: false };
  const outcome = await device.discover(objectPath(path.objectId), options);
  if (!outcome.ok) return outcome;
  let links = outcome.value;
  if (path.kind === 'resourceInstance') {
    // The Discover of an Object ends with Resources.
    const { objectId, objectInstanceId, resourceId } = path;
    const below = await device.discover(resourcePath(objectId, objectInstanceId, resourceId), options);
    if (!below.ok) return below;
    links = [...links, ...below.value.filter((link) => link.path.kind === 'resourceInstance')];
  }
  const byPath = new Map(links.map((link) => [formatPath(link.path), notificationAttributes(link.attributes)]));
  const levels = upwards(path).map((level) => {
    const at = formatPath(level);
    return { path: at, attributes: byPath.get(at) ?? {} };
  });
  const [own, ...inherited] = levels;
  return {
    ok: true,
    code: outcome.code,
    value: {
      path: formatPath(path),
      own: own!.attributes,
      inherited: inherited.filter(({ attributes }) => Object.keys(attributes).length > 0),
      effective: effectiveAttributes(levels.map(({ attributes }) => attributes)),
    },
  };
}

/** The path itself, then its ancestors up to the Object. */
function upwards(path: Exclude<Path, RootPath>): readonly Path[] {
  const levels: Path[] = [path];
  if (path.kind === 'resourceInstance')
    levels.push(resourcePath(path.objectId, path.objectInstanceId, path.resourceId));
  if (path.kind === 'resourceInstance' || path.kind === 'resource')
    levels.push(objectInstancePath(path.objectId, path.objectInstanceId));
  if (path.kind !== 'object') levels.push(objectPath(path.objectId));
  return levels;
}
