/** `/security/credentials`: what devices prove themselves with. Keys go in and never come out again. */
import { isMalformed } from '@lapwing/lwm2m';
import { securityInfo, type SecurityInfo, type SecurityKind } from '@lapwing/server';
import { type TUnsafe, Type } from 'typebox';
import { credentialFrom, isWrongField } from '../security/credential-input.ts';
import {
  importFromCsv,
  importFromJsonLines,
  type ImportedLine,
  MAX_IMPORT_BYTES,
} from '../security/credential-import.ts';
import { AlreadyThere } from '../security/file-security-store.ts';
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

export function credentialRoutes(http: Http, context: RestContext): void {
  const { server, events } = context;
  const { store } = context.security;

  http.route({
    method: 'GET',
    url: '/security/credentials',
    schema: {
      operationId: 'listCredentials',
      tags: ['security'],
      summary: 'What devices prove themselves with, by name; never a secret',
      querystring: listQuery,
      response: responses({ 200: CredentialListSchema }),
    },
    handler: async ({ query }) => {
      const { limit = DEFAULT_LIMIT, cursor, search } = query;
      const after = cursor === undefined ? undefined : decodeCursor(cursor);
      if (isMalformed(after)) throw badRequest(`Cannot continue: ${after.malformed}.`, 'cursor');
      const page = await server.security.list({
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
    url: '/security/credentials',
    schema: {
      operationId: 'addCredential',
      tags: ['security'],
      summary: 'Let a device in; a key that is made here is told in this answer only',
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
      const added = credentialJson(await server.security.add(entry));
      events.append('credentials-changed', added.device, { change: 'added', kind: added.kind });
      reply.code(201).header('location', addressOf(added)).header('cache-control', 'no-store');
      return key === undefined ? added : { ...added, key };
    },
  });

  http.route({
    method: 'GET',
    url: '/security/credentials/:name/:kind',
    schema: {
      operationId: 'readCredential',
      tags: ['security'],
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
    url: '/security/credentials/:name/:kind',
    schema: {
      operationId: 'removeCredential',
      tags: ['security'],
      summary: 'Shut a device out: what it opened with this credential ends',
      params: credentialParams,
      response: responses({ 204: Type.Null({ description: 'Removed.' }) }),
    },
    handler: async ({ params: { name, kind } }, reply) => {
      if (!(await server.security.remove(name, kind))) throw unknownCredential(name, kind);
      events.append('credentials-changed', name, { change: 'removed', kind });
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
      url: '/security/credentials/import',
      schema: {
        operationId: 'importCredentials',
        tags: ['security'],
        summary: 'Let many devices in, one a line; lines that are wrong, and devices that are known, are left out',
        consumes: Object.keys(IMPORTS),
        response: responses({ 200: ImportSchema }),
      },
      handler: async ({ body }): Promise<ImportJson> => {
        const lines = body as ReturnType<(typeof IMPORTS)[keyof typeof IMPORTS]> | undefined;
        if (lines === undefined) throw badRequest('A body is needed.');
        if (isMalformed(lines)) throw badRequest(`The body cannot be used: ${lines.malformed}.`);
        const result = await importLines(context, lines);
        if (result.added > 0)
          events.append('credentials-changed', undefined, { change: 'imported', added: result.added });
        return result;
      },
    });
    done();
  });
}

const IMPORTS = { 'application/x-ndjson': importFromJsonLines, 'text/csv': importFromCsv } as const;

async function importLines(context: RestContext, lines: readonly ImportedLine[]): Promise<ImportJson> {
  const wanted = lines.flatMap(({ line, entry }) => (isMalformed(entry) ? [] : [{ line, entry }]));
  const refused = await context.security.store.addAll(wanted.map(({ entry }) => entry));
  for (const [index, { entry }] of wanted.entries()) {
    // As when it is added alone: who has a credential must prove it from now on.
    const isPlain = context.server.device(entry.endpointClientName)?.registration.security.kind === 'none';
    if (refused[index] === undefined && isPlain) context.server.remove(entry.endpointClientName);
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

const addressOf = ({ device, kind }: { readonly device: string; readonly kind: SecurityInfo['kind'] }): string =>
  `/api/v1/security/credentials/${encodeURIComponent(device)}/${kind}`;
