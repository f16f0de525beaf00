/** What a client says of itself when it registers: its parameters, and its Objects, listed or named by profiles. */
import type { AdditionalParameters, AnnouncedObject } from '@lapwing/lwm2m';
import type { ClientOptions, ProfileOptions } from './api.ts';
import type { ObjectTree } from './object-tree.ts';
import { ascending } from './operations/read.ts';

/** What the client says of itself to every server; asked for whenever a request is made. */
export interface Announcement {
  /** Undefined: the server takes it from what this client proves. */
  readonly endpointClientName: string | undefined;
  readonly queueMode: boolean;
  readonly smsNumber: string | undefined;
  readonly additionalParameters: AdditionalParameters | undefined;
  readonly contentFormat: number | undefined;
  /** "" or "/lwm2m". */
  readonly alternatePath: string;
  readonly objects: readonly AnnouncedObject[];
  readonly profile: Profile | undefined;
}

/** Profile IDs, and what of `objects` they leave to be listed. */
export interface Profile {
  readonly ids: readonly string[];
  readonly uncovered: readonly AnnouncedObject[];
}

export function announcementOf(options: ClientOptions, tree: ObjectTree): Announcement {
  const { queueMode = false, smsNumber, contentFormat, alternatePath = '', profile } = options;
  const { additionalParameters } = options;
  const objects = announcedObjects(tree);
  return {
    endpointClientName: options.nameFromCredentials === true ? undefined : options.endpointClientName,
    queueMode: queueMode !== false,
    smsNumber,
    additionalParameters,
    contentFormat,
    alternatePath,
    objects,
    profile: profile === undefined ? undefined : { ids: profile.ids, uncovered: uncovered(objects, profile) },
  };
}

const announcedObjects = (tree: ObjectTree): readonly AnnouncedObject[] =>
  ascending(tree.objects).map(([objectId, { definition, instances }]) => ({
    objectId,
    version: definition.version,
    objectInstanceIds: ascending(instances).map(([id]) => id),
  }));

/** What is left to be listed beside the profiles. */
function uncovered(objects: readonly AnnouncedObject[], { covers }: ProfileOptions): readonly AnnouncedObject[] {
  const covered = new Set(covers);
  return objects.flatMap((object) => {
    const { objectId, objectInstanceIds } = object;
    if (covered.has(`/${objectId}`)) return [];
    const left = objectInstanceIds.filter((id) => !covered.has(`/${objectId}/${id}`));
    return objectInstanceIds.length > 0 && left.length === 0 ? [] : [{ ...object, objectInstanceIds: left }];
  });
}
