/** Paths as the API writes them, "/3/0/9": their parts and what they name. */

export interface NodePath {
  readonly objectId: number;
  readonly objectInstanceId?: number;
  readonly resourceId?: number;
  readonly resourceInstanceId?: number;
}

/** Undefined when the text is no path of one to four IDs. */
export const parseNodePath = (text: string): NodePath | undefined => {
  if (!/^(\/\d{1,5}){1,4}$/.test(text)) return undefined;
  const [objectId, objectInstanceId, resourceId, resourceInstanceId] = text.slice(1).split('/').map(Number);
  return {
    objectId: objectId!,
    ...(objectInstanceId === undefined ? {} : { objectInstanceId }),
    ...(resourceId === undefined ? {} : { resourceId }),
    ...(resourceInstanceId === undefined ? {} : { resourceInstanceId }),
  };
};

export const formatNodePath = (...ids: readonly number[]): string => ids.map((id) => `/${id}`).join('');

/** Whether `path` is `ancestor` or lies below it. */
export const isWithin = (path: string, ancestor: string): boolean =>
  path === ancestor || path.startsWith(`${ancestor}/`);
