/** Resources of a configuration while a person edits them, and as JSON. */
import type { MultipleJson, SettingJson } from '../api/bootstrap-shapes.ts';
import type { DataType, ObjectDefinition } from '../api/shapes.ts';
import { draftOf, parseDraft, type Draft } from '../values/parse-value.ts';
import { pointerTo, type Mistakes } from './mistakes.ts';

export interface ResourceDraft {
  readonly resourceId: number;
  readonly type: DataType;
  readonly multiple: boolean;
  /** By Resource Instance ID; a single-instance Resource has one. */
  readonly values: readonly ValueDraft[];
  /** The server has a secret here that it does not tell; it stays until another one is typed. */
  readonly kept: boolean;
}

export interface ValueDraft {
  readonly id: string;
  readonly draft: Draft;
}

export interface ResourceShape {
  readonly type: DataType;
  readonly multiple: boolean;
}

export const emptyResource = (resourceId: number, { type, multiple }: ResourceShape): ResourceDraft => ({
  resourceId,
  type,
  multiple,
  values: [{ id: '0', draft: draftOf(type, undefined) }],
  kept: false,
});

const isByInstance = (setting: SettingJson | MultipleJson): setting is MultipleJson =>
  typeof setting === 'object' &&
  setting !== null &&
  !('base64' in setting) &&
  !('hex' in setting) &&
  !('hidden' in setting) &&
  !('objectId' in setting);

/** Of a Resource that no definition knows, by what it is given. */
const guessedType = (setting: SettingJson): DataType => {
  switch (typeof setting) {
    case 'boolean':
      return 'boolean';
    case 'number':
      return Number.isInteger(setting) ? 'integer' : 'float';
    case 'object':
      if (setting === null) return 'none';
      return 'objectId' in setting ? 'objlnk' : 'opaque';
    default:
      return 'string';
  }
};

const valueDraft = (type: DataType, setting: SettingJson): Draft => {
  if (typeof setting !== 'object' || setting === null) return draftOf(type, setting);
  if ('hex' in setting) return `hex:${setting.hex}`;
  if ('base64' in setting) return `base64:${setting.base64}`;
  if ('objectId' in setting) {
    return `${setting.objectId}:${setting.objectInstanceId}`;
  }
  return draftOf(type, undefined);
};

export const resourceDraftOf = (
  resourceId: number,
  setting: SettingJson | MultipleJson,
  definition: ObjectDefinition | undefined,
): ResourceDraft => {
  const defined = definition?.resources.find((resource) => resource.resourceId === resourceId);
  const byInstance = isByInstance(setting);
  const multiple = defined?.multiple ?? byInstance;
  const given = byInstance ? Object.entries(setting) : [['0', setting] as const];
  const type = defined?.type ?? guessedType(given[0]?.[1] ?? '');
  const kept = typeof setting === 'object' && setting !== null && 'hidden' in setting;
  return {
    resourceId,
    type,
    multiple,
    values: kept
      ? [{ id: '0', draft: draftOf(type, undefined) }]
      : given.map(([id, value]) => ({ id, draft: valueDraft(type, value) })),
    kept,
  };
};

/** Adds what is wrong; the JSON is used only when nothing is. @param pointer  of the Resource's value. */
export const resourceJson = (
  { type, multiple, values, kept }: ResourceDraft,
  pointer: string,
  mistakes: Mistakes,
): SettingJson | MultipleJson => {
  if (kept) return { hidden: true };
  const one = (draft: Draft, at: string): SettingJson => {
    const parsed = parseDraft(type, draft);
    if (!parsed.ok) {
      mistakes.add(at, parsed.reason);
      return null;
    }
    return type === 'opaque' ? { base64: String(parsed.value) } : parsed.value;
  };
  if (!multiple) return one(values[0]?.draft ?? '', pointer);
  const byId: Record<string, SettingJson> = {};
  for (const { id, draft } of values) {
    const at = pointerTo(pointer, id);
    if (!isId(id)) mistakes.add(at, 'A Resource Instance ID is 0 to 65534.');
    else if (id in byId) mistakes.add(at, `Resource Instance ${id} is given twice.`);
    byId[id] = one(draft, at);
  }
  return byId;
};

export const isId = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) < 65_535;
