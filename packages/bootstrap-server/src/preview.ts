/** What a device would be asked, for people: in order, with values, without secrets. */
import {
  encodePayload,
  formatPath,
  isLwM2mVersion,
  isMalformed,
  parseBootstrapDiscover,
  ROOT,
  valueToJson,
  type DefinitionLookup,
  type NodeEntry,
} from '@lapwing/lwm2m';
import { UsageError } from '@lapwing/coap';
import type { PreviewedOperation, PreviewedValue, PreviewOptions } from './api.ts';
import type { BootstrapConfiguration } from './configuration.ts';
import { writeFormats } from './content-formats.ts';
import { generates, placeholderProofs, type ProofSources } from './credentials.ts';
import { discoversOf, planOf, type Knowledge, type PlannedOperation, type PlannedWrite } from './plan.ts';
import { isSecret } from './secrets.ts';
import { pathText } from './session-state.ts';

/** @throws UsageError when the configuration cannot be given to a device, or `discovered` is no link format. */
export function previewOf(
  configuration: BootstrapConfiguration,
  endpointClientName: string,
  { discovered, preferredContentFormat, pack }: Omit<PreviewOptions, 'configuration'>,
  sources: ProofSources,
  definitions: DefinitionLookup,
): readonly PreviewedOperation[] {
  const knowledge = pack === undefined ? knowledgeOf(discovered, configuration) : PACK_KNOWLEDGE;
  const proofs = placeholderProofs(configuration, endpointClientName, sources);
  const plan = planOf(configuration, proofs, knowledge, definitions);
  if (isMalformed(plan)) throw new UsageError(plan.malformed);
  const generated = generatedPaths(configuration, plan.writes);
  if (pack !== undefined) {
    const entries = plan.writes.flatMap((write) => write.entries);
    const payload = encodePayload(pack, entries, { path: ROOT, definitions });
    if (isMalformed(payload)) throw new UsageError(payload.malformed);
    return [
      {
        operation: 'pack',
        path: '/bspack',
        contentFormat: pack,
        bytes: payload.length,
        values: valuesOf(entries, generated),
      },
    ];
  }
  const [contentFormat] = writeFormats(configuration.contentFormat, preferredContentFormat, knowledge.lwm2mVersion);
  const show = (operation: PlannedOperation): PreviewedOperation => {
    if (operation.kind !== 'write')
      return {
        operation: operation.kind,
        path: pathText(operation),
        contentFormat: undefined,
        bytes: 0,
        values: [],
      };
    const payload = encodePayload(contentFormat!, operation.entries, { path: operation.path, definitions });
    if (isMalformed(payload)) throw new UsageError(`${pathText(operation)}: ${payload.malformed}`);
    return {
      operation: 'write',
      path: pathText(operation),
      contentFormat,
      bytes: payload.length,
      values: valuesOf(operation.entries, generated),
    };
  };
  return [...discoversOf(configuration), ...plan.reads, ...plan.deletes, ...plan.writes, FINISH].map(show);
}

const FINISH: PlannedOperation = { kind: 'finish' };
const PACK_KNOWLEDGE: Knowledge = { nodes: undefined, lwm2mVersion: '1.2' };

function knowledgeOf(discovered: string | undefined, configuration: BootstrapConfiguration): Knowledge {
  if (discovered === undefined) return { nodes: undefined, lwm2mVersion: configuration.lwm2mVersion };
  const read = parseBootstrapDiscover(discovered);
  if (isMalformed(read)) throw new UsageError(read.malformed);
  const { lwm2mVersion: told = '' } = read;
  return { nodes: read.nodes, lwm2mVersion: isLwM2mVersion(told) ? told : configuration.lwm2mVersion };
}

/** Identity and key of the accounts whose credentials are made: the writes of accounts come first, in their order. */
function generatedPaths(
  { servers = [], bootstrapServers = [] }: BootstrapConfiguration,
  writes: readonly PlannedWrite[],
): ReadonlySet<string> {
  const paths = new Set<string>();
  for (const [index, { security }] of [...servers, ...bootstrapServers].entries()) {
    if (!generates(security)) continue;
    const account = formatPath(writes[index]!.path);
    // A pre-shared key has an identity that is known before.
    if (security.mode !== 'psk') paths.add(`${account}/3`);
    paths.add(`${account}/5`);
  }
  return paths;
}

function valuesOf(entries: readonly NodeEntry[], generated: ReadonlySet<string>): readonly PreviewedValue[] {
  return entries.map((entry) => {
    const path = formatPath(entry.path);
    const hidden = generated.has(path) ? 'generated' : isSecret(entry.path) ? 'secret' : undefined;
    const value = hidden !== undefined || entry.kind !== 'value' ? undefined : valueToJson(entry.value);
    return { path, value, hidden };
  });
}
