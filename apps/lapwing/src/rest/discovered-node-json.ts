/** A node of a Discover as the API shows it. */
import { formatPath } from '@lapwing/lwm2m';
import type { DiscoveredNode } from '@lapwing/server';
import type { DiscoveredNodeJson } from './schemas.ts';

export const discoveredNodeJson = ({ path, version, dimension, attributes }: DiscoveredNode): DiscoveredNodeJson => ({
  path: formatPath(path),
  ...(version === undefined ? {} : { version }),
  ...(dimension === undefined ? {} : { dimension }),
  attributes,
});
