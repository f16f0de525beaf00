/** `/definitions`: which Objects the server knows, and teaching it more by OMA object XML. */
import { type TUnsafe, Type } from 'typebox';
import { isMalformed } from '@lapwing/lwm2m';
import { DEFAULT_OBJECT_XML_LIMITS } from '../object-xml.ts';
import type { Http, RestContext } from './context.ts';
import { definitionJson, definitionSummary } from './definition-json.ts';
import { badRequest, problem } from './problem.ts';
import { DefinitionSchema, DefinitionSummaryListSchema, responses } from './schemas.ts';

const versionQuery: TUnsafe<{ readonly version?: string }> = Type.Unsafe(
  Type.Object(
    { version: Type.Optional(Type.String({ pattern: '^[0-9]{1,3}\\.[0-9]{1,3}$', examples: ['1.1'] })) },
    { additionalProperties: false },
  ),
);
const objectIdParams: TUnsafe<{ readonly objectId: number }> = Type.Unsafe(
  Type.Object({ objectId: Type.Integer({ minimum: 0, maximum: 65535 }) }),
);

export function definitionRoutes(http: Http, context: RestContext): void {
  const { definitions } = context;

  http.route({
    method: 'GET',
    url: '/definitions',
    schema: {
      operationId: 'listDefinitions',
      tags: ['definitions'],
      summary: 'Known Object definitions, every version, without their resources',
      response: responses({ 200: DefinitionSummaryListSchema }),
    },
    handler: () => ({ items: [...definitions.all()].map(definitionSummary) }),
  });

  http.route({
    method: 'GET',
    url: '/definitions/:objectId',
    schema: {
      operationId: 'readDefinition',
      tags: ['definitions'],
      summary: 'One Object definition; without version the latest',
      params: objectIdParams,
      querystring: versionQuery,
      response: responses({ 200: DefinitionSchema }),
    },
    handler: ({ params: { objectId }, query: { version } }) => {
      const definition = definitions.exactly(objectId, version);
      if (definition === undefined) {
        const which = version === undefined ? `Object ${objectId}` : `Object ${objectId} in version ${version}`;
        throw problem('unknown-definition', `No definition of ${which} is known.`);
      }
      return definitionJson(definition);
    },
  });

  // XML is only understood here, and only here larger bodies than JSON needs are taken.
  void http.register((upload: Http, _: object, done: () => void) => {
    upload.removeAllContentTypeParsers();
    upload.addContentTypeParser(
      ['application/xml', 'text/xml'],
      { parseAs: 'string', bodyLimit: DEFAULT_OBJECT_XML_LIMITS.maxBytes },
      (_request, body, parsed) => parsed(null, body),
    );
    upload.route({
      method: 'POST',
      url: '/definitions',
      schema: {
        operationId: 'addDefinition',
        tags: ['definitions'],
        summary: 'Learn an Object from its OMA object XML',
        consumes: ['application/xml'],
        body: Type.String({ description: 'One Object; a DTD and entities of its own are refused.' }),
        response: responses({ 201: DefinitionSchema }),
      },
      handler: async ({ body }, reply) => {
        const definition = await definitions.learn(body);
        if (isMalformed(definition)) throw badRequest(`This is no object XML to use: ${definition.malformed}.`);
        const { id, version } = definition;
        reply.code(201).header('location', `/api/v1/definitions/${id}?version=${version}`);
        return definitionJson(definition);
      },
    });
    done();
  });
}
