/** `/security/identity`, `/security/trust-anchors` and `/security/refusals`: who this server is, whom it trusts, whom it refused. */
import { isMalformed } from '@lapwing/lwm2m';
import { type TUnsafe, Type } from 'typebox';
import type { Http, RestContext } from './context.ts';
import { badRequest, problem } from './problem.ts';
import { responses } from './schemas.ts';
import { refusedHandshakeJson, serverIdentityJson, trustAnchorJson } from './security-json.ts';
import {
  AddTrustAnchorSchema,
  RefusedHandshakeListSchema,
  ServerIdentitySchema,
  TrustAnchorListSchema,
  TrustAnchorSchema,
} from './security-schemas.ts';

const anchorParams: TUnsafe<{ readonly id: string }> = Type.Unsafe(
  Type.Object({ id: Type.String({ description: 'SHA-256 of the certificate in lower-case hexadecimal.' }) }),
);

export function trustRoutes(http: Http, { security, events }: RestContext): void {
  const { identity, trustAnchors, refusals } = security;

  http.route({
    method: 'GET',
    url: '/security/identity',
    schema: {
      operationId: 'readServerIdentity',
      tags: ['security'],
      summary: 'What this server proves itself with',
      response: responses({ 200: ServerIdentitySchema }),
    },
    handler: () => serverIdentityJson(identity),
  });

  http.route({
    method: 'GET',
    url: '/security/trust-anchors',
    schema: {
      operationId: 'listTrustAnchors',
      tags: ['security'],
      summary: 'The certificates that those of devices may lead up to',
      response: responses({ 200: TrustAnchorListSchema }),
    },
    handler: () => ({ items: trustAnchors.all().map(trustAnchorJson) }),
  });

  http.route({
    method: 'POST',
    url: '/security/trust-anchors',
    schema: {
      operationId: 'addTrustAnchor',
      tags: ['security'],
      summary: 'Trust one more certificate',
      body: AddTrustAnchorSchema,
      response: responses({ 200: TrustAnchorSchema, 201: TrustAnchorSchema }),
    },
    handler: async ({ body }, reply) => {
      const added = await trustAnchors.add(body.certificate);
      if (isMalformed(added)) throw badRequest(`/certificate: ${added.malformed}.`, '/certificate');
      const { anchor, isNew } = added;
      if (isNew) {
        events.append('trust-anchors-changed', undefined, { change: 'added', subject: anchor.subject });
        reply.code(201).header('location', `/api/v1/security/trust-anchors/${anchor.fingerprint}`);
      }
      return trustAnchorJson(anchor);
    },
  });

  http.route({
    method: 'GET',
    url: '/security/trust-anchors/:id',
    schema: {
      operationId: 'readTrustAnchor',
      tags: ['security'],
      summary: 'One certificate that is trusted',
      params: anchorParams,
      response: responses({ 200: TrustAnchorSchema }),
    },
    handler: ({ params: { id } }) => {
      const anchor = trustAnchors.find(id);
      if (anchor === undefined) throw unknownAnchor(id);
      return trustAnchorJson(anchor);
    },
  });

  http.route({
    method: 'DELETE',
    url: '/security/trust-anchors/:id',
    schema: {
      operationId: 'removeTrustAnchor',
      tags: ['security'],
      summary: 'Trust a certificate no longer; what devices have open stays open',
      params: anchorParams,
      response: responses({ 204: Type.Null({ description: 'Removed.' }) }),
    },
    handler: async ({ params: { id } }, reply) => {
      const subject = trustAnchors.find(id)?.subject;
      if (!(await trustAnchors.remove(id))) throw unknownAnchor(id);
      events.append('trust-anchors-changed', undefined, { change: 'removed', subject });
      return reply.code(204).send(null);
    },
  });

  http.route({
    method: 'GET',
    url: '/security/refusals',
    schema: {
      operationId: 'listRefusedHandshakes',
      tags: ['security'],
      summary: 'The handshakes refused last, newest first',
      response: responses({ 200: RefusedHandshakeListSchema }),
    },
    handler: () => ({ items: refusals.all().map(refusedHandshakeJson), total: refusals.total }),
  });
}

const unknownAnchor = (id: string): Error =>
  problem('unknown-trust-anchor', `No certificate with the SHA-256 fingerprint ${id.slice(0, 64)} is trusted.`);
