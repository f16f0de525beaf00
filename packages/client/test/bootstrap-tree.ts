/** A client's tree with the account of a Bootstrap-Server (/0/1, C.13 of the OMA test suite) and what else it has. */
import { encodePayload, isMalformed, ObjectDefinitions, parsePath, ROOT, valueFromJs } from '@lapwing/lwm2m';
import type { LwM2mVersion, NodeEntry, Path } from '@lapwing/lwm2m';
import { AttributeStore } from '../src/attribute-store.ts';
import type { BootstrapContext } from '../src/bootstrap/bootstrap-context.ts';
import type { ClientObject, HandlerContext, ObjectInstanceContent } from '../src/client-object.ts';
import { ObjectTree } from '../src/object-tree.ts';
import { deviceObject } from '../src/objects/device.ts';
import { PayloadFormat } from '../src/payload-format.ts';

export const definitions: ObjectDefinitions = new ObjectDefinitions();
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const path = <Kind extends Path['kind']>(text: string, kind: Kind): Path & { readonly kind: Kind } => {
  const parsed = parsePath(text);
  if (isMalformed(parsed) || parsed.kind !== kind) throw new Error(`${text} is no ${kind}`);
  return parsed as Path & { readonly kind: Kind };
};

export const BOOTSTRAP_SERVER: ObjectInstanceContent = { 0: 'coaps://bs.example', 1: true, 2: 0, 3: bytes('me'), 5: bytes('secret of me') }; // prettier-ignore
export const security = (shortServerId: number, more: ObjectInstanceContent = {}): ObjectInstanceContent => ({
  0: `coap://s${shortServerId}.example`,
  1: false,
  2: 3,
  10: shortServerId,
  ...more,
});
export const server = (shortServerId: number, more: ObjectInstanceContent = {}): ObjectInstanceContent => ({
  0: shortServerId,
  1: 300,
  6: false,
  7: 'U',
  ...more,
});

const executable = { execute: (): void => undefined };
/** As the client has them. */
export const SERVER_HANDLERS: ObjectInstanceContent = { 4: executable, 8: executable };

export interface World {
  readonly tree: ObjectTree;
  readonly context: BootstrapContext;
  readonly attributes: AttributeStore;
  /** What the listener of the tree heard. */
  readonly told: string[];
}

export interface WorldOptions {
  readonly version?: LwM2mVersion;
  readonly security?: Readonly<Record<number, ObjectInstanceContent>>;
  readonly servers?: Readonly<Record<number, ObjectInstanceContent>>;
  readonly objects?: readonly ClientObject[];
  readonly context?: Partial<BootstrapContext>;
}

/** Without more said: the Bootstrap-Server's account, empty Server and Access Control, Device. */
export function world(options: WorldOptions = {}): World {
  const { version = '1.2', objects = [] } = options;
  const told: string[] = [];
  const given = new Set(objects.map(({ objectId }) => objectId));
  const usual: readonly ClientObject[] = [
    { objectId: 0, unknownResources: 'skip', instances: options.security ?? { 1: BOOTSTRAP_SERVER } },
    { objectId: 1, unknownResources: 'skip', instances: options.servers ?? {} },
    { objectId: 2, instances: {} },
    deviceObject({ manufacturer: 'Example' }),
  ];
  const tree = new ObjectTree(
    [...usual.filter(({ objectId }) => !given.has(objectId)), ...objects],
    definitions,
    version,
    {
      changed: (paths) => told.push(`changed ${paths.map(textOf).join(' ')}`),
      removed: (at) => told.push(`removed ${textOf(at)}`),
      instancesChanged: (at) => told.push(`instances ${textOf(at)}`),
      hookFailed: (failure) => told.push(`failed ${textOf(failure.path)}`),
      unixTime: () => 0,
    },
  );
  const attributes = new AttributeStore();
  const context: BootstrapContext = {
    tree,
    attributes,
    formats: new PayloadFormat(tree, ''),
    lwm2mVersion: version,
    bootstrapAccount: 1,
    complete: (objectId) => (objectId === 1 ? SERVER_HANDLERS : {}),
    contextOf: (at): HandlerContext => ({
      path: at,
      shortServerId: undefined,
      tree,
      unixTime: 0,
      afterResponse: () => undefined,
      registerAgain: () => undefined,
    }),
    ...options.context,
  };
  return { tree, context, attributes, told };
}

export const textOf = (at: Path): string =>
  at.kind === 'root' ? '/' : `/${Object.values(at).filter((part) => typeof part === 'number').join('/')}`; // prettier-ignore

/** Every kept value and every handler, by path: two trees with the same text are the same. */
export function dump(tree: ObjectTree): readonly string[] {
  const lines: string[] = [];
  for (const [objectId, { instances }] of tree.objects) {
    for (const [id, { resources }] of instances) {
      lines.push(`/${objectId}/${id}`);
      for (const [resourceId, resource] of resources) {
        const at = `/${objectId}/${id}/${resourceId}`;
        if (resource.kind === 'handler') lines.push(`${at} handler`);
        else if (resource.kind === 'single') lines.push(`${at} ${shown(resource.value.value)}`);
        else for (const [one, { value }] of resource.values) lines.push(`${at}/${one} ${shown(value)}`);
      }
    }
  }
  return lines.sort();
}
const shown = (value: unknown): string =>
  value instanceof Uint8Array ? Buffer.from(value).toString('hex') : typeof value === 'string' ? value : JSON.stringify(value, asText); // prettier-ignore
const asText = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value);

/** The lines of a dump at and below a path. */
export const below = (tree: ObjectTree, at: string): readonly string[] =>
  dump(tree).filter((line) => line === at || line.startsWith(`${at}/`) || line.startsWith(`${at} `));

/** Entries from `{ '/1/0/1': 60 }`, typed by the registry; `{}` is an empty node. */
export function entries(version: LwM2mVersion, values: Readonly<Record<string, unknown>>): readonly NodeEntry[] {
  return Object.entries(values).map(([text, plain]): NodeEntry => {
    const at = parsePath(text);
    if (isMalformed(at)) throw new Error(text);
    if (at.kind === 'object' || at.kind === 'objectInstance') return { kind: 'empty', path: at };
    if (at.kind === 'root') throw new Error('the root is no entry');
    if (plain === undefined && at.kind === 'resource') return { kind: 'empty', path: at };
    const definition = lookup(version).resource(at.objectId, at.resourceId);
    if (definition === undefined) throw new Error(`${text} is not defined`);
    const value = valueFromJs(definition.type, plain);
    if (isMalformed(value)) throw new Error(value.malformed);
    return { kind: 'value', path: at, value };
  });
}

const lookup = (version: LwM2mVersion): { resource: ObjectDefinitions['resource'] } => ({
  resource: (objectId, resourceId) => definitions.resource(objectId, resourceId, objectId < 4 ? version : undefined),
});

export function payload(
  contentFormat: number,
  at: Path,
  values: Readonly<Record<string, unknown>>,
  version: LwM2mVersion = '1.2',
): Uint8Array {
  const encoded = encodePayload(contentFormat, entries(version, values), {
    path: at,
    definitions,
    alternatePath: '',
  });
  if (isMalformed(encoded)) throw new Error(encoded.malformed);
  return encoded;
}

export { ROOT };
