/**
 * Configurations as JSON: the same members, bytes as `{ "base64": "…" }` or `{ "hex": "…" }`, 64-bit integers beyond
 * 2^53 as decimal text, moments as ISO 8601.
 */
import { UsageError } from '@lapwing/coap';
import { isMalformed, parsePath } from '@lapwing/lwm2m';
import type { BootstrapConfiguration } from './configuration.ts';
import { isSecret } from './secrets.ts';

export type ConfigurationJson = { readonly [member: string]: JsonNode };
type JsonNode = string | number | boolean | null | readonly JsonNode[] | { readonly [member: string]: JsonNode };

/** What stands for a secret when secrets are hidden. */
const HIDDEN: JsonNode = Object.freeze({ hidden: true });

/** Of what accounts prove themselves with. */
const SECRET_MEMBERS: ReadonlySet<string> = new Set([
  'key',
  'privateKey',
  'secretKey',
  'smsBindingKeyParameters',
  'smsBindingSecretKeys',
]);

/** @param secrets  'shown' for a store that keeps them safe; 'hidden' for people: keys are `{ "hidden": true }`. */
export function configurationToJson(
  configuration: BootstrapConfiguration,
  { secrets }: { readonly secrets: 'shown' | 'hidden' },
): ConfigurationJson {
  return toJson(configuration, secrets === 'hidden') as ConfigurationJson;
}

function toJson(value: unknown, hides: boolean): JsonNode {
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') };
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map((each) => toJson(each, hides));
  if (typeof value !== 'object' || value === null) return value as JsonNode;
  const made: Record<string, JsonNode> = Object.create(null) as Record<string, JsonNode>;
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    made[name] = hides && SECRET_MEMBERS.has(name) ? HIDDEN : toJson(member, hides);
  }
  return hides && typeof made.path === 'string' ? withoutSecrets(made, made.path) : { ...made };
}

/** An `ObjectSetting`. */
function withoutSecrets(setting: Record<string, JsonNode>, text: string): JsonNode {
  const path = parsePath(text);
  if (isMalformed(path)) return { ...setting };
  const hideResources = (objectId: number, resources: JsonNode): JsonNode =>
    mapMembers(resources, (id, value) => (isSecretResource(objectId, id) ? HIDDEN : value));
  switch (path.kind) {
    case 'resource':
      return { ...setting, ...(isSecret(path) ? { value: HIDDEN } : {}) };
    case 'objectInstance':
      return { ...setting, resources: hideResources(path.objectId, setting.resources ?? null) };
    case 'object':
      return {
        ...setting,
        objectInstances: mapMembers(setting.objectInstances ?? null, (_, resources) =>
          hideResources(path.objectId, resources),
        ),
      };
    default:
      return { ...setting };
  }
}

function isSecretResource(objectId: number, resourceId: string): boolean {
  const path = parsePath(`/${objectId}/0/${resourceId}`);
  return !isMalformed(path) && isSecret(path);
}

function mapMembers(node: JsonNode, map: (name: string, member: JsonNode) => JsonNode): JsonNode {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return node;
  return Object.fromEntries(Object.entries(node).map(([name, member]) => [name, map(name, member)]));
}

/**
 * What `configurationToJson` gave or a person wrote. Whether it can be given to a device is for `configurations.set` or
 * `check` to say.
 *
 * @throws UsageError for bytes that are none, and for hidden secrets, which are not there.
 */
export function configurationFromJson(json: unknown): BootstrapConfiguration {
  return fromJson(json, 0) as BootstrapConfiguration;
}

const MAX_DEPTH = 16;

function fromJson(node: unknown, depth: number): unknown {
  if (typeof node !== 'object' || node === null) return node;
  if (depth > MAX_DEPTH) throw new UsageError('the configuration is nested too deeply');
  if (Array.isArray(node)) return node.map((each) => fromJson(each, depth + 1));
  const members = Object.entries(node);
  const [only] = members;
  if (members.length === 1 && only !== undefined) {
    const [name, text] = only as [string, unknown];
    if (name === 'base64') return bytesOf(text, /^[A-Za-z0-9+/_-]*={0,2}$/, 'base64');
    if (name === 'hex') return bytesOf(text, /^([0-9a-fA-F]{2})*$/, 'hex');
    if (name === 'hidden') throw new UsageError('a secret is hidden here: give it anew');
  }
  return Object.fromEntries(members.map(([name, member]) => [name, fromJson(member, depth + 1)]));
}

function bytesOf(text: unknown, form: RegExp, encoding: 'base64' | 'hex'): Uint8Array {
  if (typeof text !== 'string' || !form.test(text)) throw new UsageError(`bytes in ${encoding} are expected`);
  return new Uint8Array(Buffer.from(text, encoding));
}
