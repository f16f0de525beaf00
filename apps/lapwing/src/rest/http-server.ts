/** The HTTP side put together: guard, validation, routes, problems, documentation and console. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { AllowedMethods } from './allowed-methods.ts';
import { bootstrapConfigurationRoutes } from './bootstrap-configurations.ts';
import { bootstrapSessionRoutes } from './bootstrap-sessions.ts';
import { compositeRoutes } from './composites.ts';
import { consoleFiles, CONSOLE_FOLDER } from './console-files.ts';
import type { Http, RestContext } from './context.ts';
import { credentialRoutes } from './credentials.ts';
import { definitionRoutes } from './definitions.ts';
import { deviceOperationRoutes } from './device-operations.ts';
import { deviceRoutes } from './devices.ts';
import { eventRoutes } from './events.ts';
import { firmwareRoutes } from './firmware.ts';
import { nodeRoutes } from './nodes.ts';
import { observationRoutes } from './observations.ts';
import { openApi } from './openapi.ts';
import { foreignRequest, type OriginGuardOptions } from './origin-guard.ts';
import { pendingRoutes } from './pending.ts';
import { problem, PROBLEM_CONTENT_TYPE, problemOf } from './problem.ts';
import { refuseUnreadable } from './unreadable-request.ts';
import { compileRequestSchema } from './request-schema.ts';
import { sendRoutes } from './sends.ts';
import { serverRoutes } from './server-info.ts';
import { trustRoutes } from './trust.ts';

export interface HttpOptions extends OriginGuardOptions {
  readonly log: FastifyBaseLogger;
  /** Bytes of a request body, XML apart. */
  readonly maxBodyBytes: number;
  /** Where the built console is; the one of this project by default. */
  readonly consoleFolder?: string;
}

const API = '/api/v1';
/** Endpoint Client Names are up to 255 bytes, each percent-encoded in three characters. */
const MAX_PARAMETER_CHARACTERS = 1024;

export async function httpServer(context: RestContext, options: HttpOptions): Promise<Http> {
  const http: Http = fastify<Server, IncomingMessage, ServerResponse, FastifyBaseLogger>({
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.maxBodyBytes,
    routerOptions: { maxParamLength: MAX_PARAMETER_CHARACTERS },
    // Whoever stops the server does not wait for a sleeping device, nor for a connection that a browser opened in advance.
    forceCloseConnections: true,
    // What fails before a route is found would else be told in the framework's own words.
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),
    clientErrorHandler: refuseUnreadable,
  }).withTypeProvider<TypeBoxTypeProvider>();

  http.setValidatorCompiler(compileRequestSchema);
  // Answers are made by our own code from typed shapes; the tests compare them with the schemas.
  http.setSerializerCompiler(() => (data) => JSON.stringify(data));
  http.removeContentTypeParser(['text/plain', 'application/json']);
  const parseJson = http.getDefaultJsonParser('error', 'error');
  // Programs that always say JSON may leave the body of an Execute out all the same.
  http.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, parsed) => {
    if (body === '') parsed(null, undefined);
    else void parseJson(request, body, parsed);
  });
  http.addHook('onRequest', (request, reply, done) => {
    reply.headers(SECURITY_HEADERS);
    done(foreignRequest(request.method, request.headers, options));
  });
  http.setErrorHandler(sendProblem);

  const allowedMethods = new AllowedMethods(http);
  await openApi(http, context.version);
  await http.register(
    (api, _, done) => {
      serverRoutes(api, context);
      deviceRoutes(api, context);
      nodeRoutes(api, context);
      deviceOperationRoutes(api, context);
      compositeRoutes(api, context);
      pendingRoutes(api, context);
      observationRoutes(api, context);
      sendRoutes(api, context);
      definitionRoutes(api, context);
      firmwareRoutes(api, context);
      credentialRoutes(api, context);
      trustRoutes(api, context);
      bootstrapConfigurationRoutes(api, context);
      bootstrapSessionRoutes(api, context);
      eventRoutes(api, context);
      done();
    },
    { prefix: API },
  );

  const openConsole = await consoleFiles(http, options.consoleFolder ?? CONSOLE_FOLDER);
  http.setNotFoundHandler((request, reply) => {
    const readsPage = request.method === 'GET' || request.method === 'HEAD';
    if (readsPage && !request.url.startsWith('/api/')) return openConsole(reply);
    const [path = ''] = request.url.split('?', 1);
    const allowed = path.startsWith('/api/') ? allowedMethods.of(path) : [];
    // Allowed and yet not found: a part of the path is longer than any name.
    if (allowed.length === 0 || allowed.includes(request.method))
      throw problem('not-found', `There is no ${request.method} ${path}.`);
    reply.header('allow', allowed.join(', '));
    throw problem('method-not-allowed', `${path} knows ${allowed.join(', ')}, not ${request.method}.`);
  });
  return http;
}

/** For every answer; the console and the documentation add their Content-Security-Policy. */
const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

function sendProblem(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { body } = problemOf(error);
  if (body.status >= 500 && body.type.endsWith(':internal-error')) {
    request.log.error({ err: error, method: request.method, url: request.url }, 'a request failed');
  }
  return reply.code(body.status).type(PROBLEM_CONTENT_TYPE).send(body);
}
