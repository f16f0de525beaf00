/** The OpenAPI 3.1 document, made from the schemas of the routes, and the page that shows it. */
import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import type { Http } from './context.ts';

export const OPENAPI_URL = '/api/v1/openapi.json';
const DOCS_URL = '/api/v1/docs';

/** Before the routes: the document lists those that are registered after it. */
export async function openApi(http: Http, version: string): Promise<void> {
  await http.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Lapwing',
        version,
        description:
          'Devices that speak OMA LwM2M, read, written, executed and observed. Errors are RFC 9457 problems.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: [
        { name: 'devices', description: 'Who is registered' },
        { name: 'nodes', description: 'Operations on Objects, Object Instances and Resources' },
        { name: 'observations', description: 'Observe and Cancel; what devices sent by themselves' },
        { name: 'firmware', description: 'Firmware images, and the updates of devices' },
        { name: 'definitions', description: 'What the server knows about Objects' },
        { name: 'security', description: 'Who may come over coaps, and who was refused' },
        { name: 'bootstrap', description: 'What devices are given at a Bootstrap, and how it went' },
        { name: 'events', description: 'What happens, live' },
        { name: 'server', description: 'The server itself' },
      ],
    },
    // The wildcard of a route is called what it stands for.
    transform: ({ schema, url }) => ({ schema: renamedWildcard(schema), url: url.replace(/\*$/, ':path') }),
  });
  await http.register(fastifySwaggerUi, {
    routePrefix: DOCS_URL,
    uiConfig: { tryItOutEnabled: true, validatorUrl: null },
    staticCSP:
      "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  });
  http.get(OPENAPI_URL, { schema: { hide: true } }, () => http.swagger());
}

function renamedWildcard<Schema>(schema: Schema): Schema {
  const { params } = (schema ?? {}) as { params?: { properties?: Record<string, unknown>; required?: string[] } };
  if (params?.properties?.['*'] === undefined) return schema;
  const { '*': path, ...others } = params.properties;
  const required = params.required?.map((name) => (name === '*' ? 'path' : name)) ?? [];
  return { ...schema, params: { ...params, properties: { ...others, path }, required } };
}
