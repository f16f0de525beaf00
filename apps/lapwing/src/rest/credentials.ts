/**
 * `/security/credentials` and `/bootstrap/credentials`: what devices prove themselves with, to the LwM2M Server and to the
 * Bootstrap-Server. Keys go in and never come out again.
 */
import { isMalformed } from '@lapwing/lwm2m';
import { securityInfo, type SecurityAdministration, type SecurityInfo, type SecurityKind } from '@lapwing/server';
import { type TUnsafe, Type } from 'typebox';
import { credentialFrom, isWrongField } from '../security/credential-input.ts';
import {
  importFromCsv,
  importFromJsonLines,
  type ImportedLine,
  MAX_IMPORT_BYTES,
} from '../security/credential-import.ts';
import { AlreadyThere, type FileSecurityStore } from '../security/file-security-store.ts';
import type { EventLog } from '../event-log.ts';
import type { Http, RestContext } from './context.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { badRequest, problem } from './problem.ts';
import { responses } from './schemas.ts';
import { credentialJson } from './security-json.ts';
import {
  AddCredentialSchema,
  AddedCredentialSchema,
  CredentialListSchema,
  CredentialSchema,
  type ImportJson,
  ImportSchema,
} from './security-schemas.ts';

const DEFAULT_LIMIT = 50;
/** Lines of an import that are told to be wrong, one by one. */
const FAILURES_TOLD = 100;

const listQuery: TUnsafe<{ readonly limit?: number; readonly cursor?: string; readonly search?: string }> = Type.Unsafe(
  Type.Object(
    {
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: DEFAULT_LIMIT })),
      cursor: Type.Optional(Type.String({ maxLength: 2048, description: 'The `nextCursor` of the page before.' })),
      search: Type.Optional(Type.String({ maxLength: 255, description: 'Text that a name or identity contains.' })),
    },
    { additionalProperties: false },
  ),
);

const credentialParams: TUnsafe<{ readonly name: string; readonly kind: SecurityKind }> = Type.Unsafe(
  Type.Object({
    name: Type.String({ description: 'The Endpoint Client Name, percent-encoded.' }),
    kind: Type.Unsafe<SecurityKind>({ type: 'string', enum: ['psk', 'rpk', 'x509'] }),
  }),
);

/** The credentials of one server. */
interface CredentialSet {
  readonly url: string;
  readonly tag: string;
  /** In the names of its operations. */
  readonly noun: string;
  readonly summaryOfAdd: string;
  readonly summaryOfRemove: string;
  readonly administration: SecurityAdministration;
  readonly store: FileSecurityStore;
  readonly events: EventLog;
  readonly event: string;
  /** The device has been let in by an import. */
  readonly imported: (endpointClientName: string) => void;
}

export function credentialRoutes(http: Http, { server, security, bootstrap, events }: RestContext): void {
  routesOf(http, {
    url: '/security/credentials',
    tag: 'security',
    noun: 'Credential',
    summaryOfAdd: 'Let a device in; a key that is made here is told in this answer only',
    summaryOfRemove: 'Shut a device out: what it opened with this credential ends',
    administration: server.security,
    store: security.store,
    events,
    event: 'credentials-changed',
    imported: (endpointClientName) => {
      // As when it is added alone: who has a credential must prove it from now on.
      if (server.device(endpointClientName)?.registration.security.kind === 'none') server.remove(endpointClientName);
    },
  });
  routesOf(http, {
    url: '/bootstrap/credentials',
    tag: 'bootstrap',
    noun: 'BootstrapCredential',
    summaryOfAdd: 'Let a device ask for its configuration; a key that is made here is told in this answer only',
    summaryOfRemove: 'Let a device ask no more: its session that came with this credential ends',
    administration: bootstrap.server.security,
    store: bootstrap.credentials,
    events,
    event: 'bootstrap-credentials-changed',
    imported: (endpointClientName) => {
      if (bootstrap.server.session(endpointClientName)?.security.kind === 'none')
        bootstrap.server.cancel(endpointClientName);
    },
  });
}

function routesOf(http: Http, set: CredentialSet): void {
  const { url, tag, noun, administration, store, events, event } = set;
  const changed = (device: string | undefined, details: Readonly<Record<string, unknown>>): void =>
    events.append(event, device, details);

  http.route({
    method: 'GET',
    url,
    schema: {
      operationId: `list${noun}s`,
      tags: [tag],
      summary: 'What devices prove themselves with, by name; never a secret',
      querystring: listQuery,
      response: responses({ 200: CredentialListSchema }),
    },
    handler: async ({ query }) => {
      const { limit = DEFAULT_LIMIT, cursor, search } = query;
      const after = cursor === undefined ? undefined : decodeCursor(cursor);
      if (isMalformed(after)) throw badRequest(`Cannot continue: ${after.malformed}.`, 'cursor');
      const page = await administration.list({
        limit,
        ...(after === undefined ? {} : { after }),
        ...(search === undefined ? {} : { search }),
      });
      return {
        items: page.items.map(credentialJson),
        nextCursor: page.next === undefined ? null : encodeCursor(page.next),
        total: store.size,
      };
    },
  });

  http.route({
    method: 'POST',
    url,
    schema: {
      operationId: `add${noun}`,
      tags: [tag],
      summary: set.summaryOfAdd,
      body: AddCredentialSchema,
      response: responses({ 201: AddedCredentialSchema }),
    },
    handler: async ({ body: { replace = false, ...input } }, reply) => {
      const credential = credentialFrom(input);
      if (isWrongField(credential)) {
        throw badRequest(`/${credential.field}: ${credential.malformed}.`, `/${credential.field}`);
      }
      const { entry, key } = credential;
      if (!replace && store.has(entry)) throw problem('credential-exists', `${new AlreadyThere(entry).message}.`);
      const added = credentialJson(await administration.add(entry));
      changed(added.device, { change: 'added', kind: added.kind });
      reply.code(201).header('location', addressOf(url, added)).header('cache-control', 'no-store');
      return key === undefined ? added : { ...added, key };
    },
  });

  http.route({
    method: 'GET',
    url: `${url}/:name/:kind`,
    schema: {
      operationId: `read${noun}`,
      tags: [tag],
      summary: 'One credential, without its secret',
      params: credentialParams,
      response: responses({ 200: CredentialSchema }),
    },
    handler: ({ params: { name, kind } }) => {
      const found = store.findByName(name).find((entry) => entry.kind === kind);
      if (found === undefined) throw unknownCredential(name, kind);
      return credentialJson(securityInfo(found));
    },
  });

  http.route({
    method: 'DELETE',
    url: `${url}/:name/:kind`,
    schema: {
      operationId: `remove${noun}`,
      tags: [tag],
      summary: set.summaryOfRemove,
      params: credentialParams,
      response: responses({ 204: Type.Null({ description: 'Removed.' }) }),
    },
    handler: async ({ params: { name, kind } }, reply) => {
      if (!(await administration.remove(name, kind))) throw unknownCredential(name, kind);
      changed(name, { change: 'removed', kind });
      return reply.code(204).send(null);
    },
  });

  // CSV and JSON Lines are only understood here, and only here larger bodies than JSON needs are taken.
  void http.register((upload: Http, _: object, done: () => void) => {
    upload.removeAllContentTypeParsers();
    for (const [mediaType, parse] of Object.entries(IMPORTS)) {
      upload.addContentTypeParser<string>(
        mediaType,
        { parseAs: 'string', bodyLimit: MAX_IMPORT_BYTES },
        (_request, text, parsed) => parsed(null, parse(text)),
      );
    }
    upload.route({
      method: 'POST',
      url: `${url}/import`,
      schema: {
        operationId: `import${noun}s`,
        tags: [tag],
        summary: 'Let many devices in, one a line; lines that are wrong, and devices that are known, are left out',
        consumes: Object.keys(IMPORTS),
        response: responses({ 200: ImportSchema }),
      },
      handler: async ({ body }): Promise<ImportJson> => {
        const lines = body as ReturnType<(typeof IMPORTS)[keyof typeof IMPORTS]> | undefined;
        if (lines === undefined) throw badRequest('A body is needed.');
        if (isMalformed(lines)) throw badRequest(`The body cannot be used: ${lines.malformed}.`);
        const result = await importLines(set, lines);
        if (result.added > 0) changed(undefined, { change: 'imported', added: result.added });
        return result;
      },
    });
    done();
  });
}

const IMPORTS = { 'application/x-ndjson': importFromJsonLines, 'text/csv': importFromCsv } as const;

async function importLines({ store, imported }: CredentialSet, lines: readonly ImportedLine[]): Promise<ImportJson> {
  const wanted = lines.flatMap(({ line, entry }) => (isMalformed(entry) ? [] : [{ line, entry }]));
  const refused = await store.addAll(wanted.map(({ entry }) => entry));
  for (const [index, { entry }] of wanted.entries()) {
    if (refused[index] === undefined) imported(entry.endpointClientName);
  }
  const failed = [
    ...lines.flatMap(({ line, entry }) => (isMalformed(entry) ? [{ line, detail: entry.malformed }] : [])),
    ...wanted.flatMap(({ line }, index) => {
      const error = refused[index];
      return error === undefined ? [] : [{ line, detail: error.message }];
    }),
  ].sort((a, b) => a.line - b.line);
  return {
    added: lines.length - failed.length,
    failed: failed.slice(0, FAILURES_TOLD).map(({ line, detail }) => ({ line, detail: `${detail}.` })),
    failedTotal: failed.length,
  };
}

const unknownCredential = (name: string, kind: SecurityKind): Error =>
  problem('unknown-credential', `The device "${name}" has no credential of kind ${kind}.`);

const addressOf = (
  url: string,
  { device, kind }: { readonly device: string; readonly kind: SecurityInfo['kind'] },
): string => `/api/v1${url}/${encodeURIComponent(device)}/${kind}`;
