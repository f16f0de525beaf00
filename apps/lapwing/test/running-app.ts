/** The whole server on free ports, a device of ours beside it, and REST calls whose answers must fit the OpenAPI document. */
import assert from 'node:assert/strict';
import { LwM2mClient, type ClientObject, deviceObject, temperatureObject } from '@lapwing/client';
import { Compile } from 'typebox/schema';
import type { ProblemBody } from '../src/rest/problem.ts';
import { type App, type AppOptions, startApp } from '../src/index.ts';

export interface Answer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
}
interface OpenApiOperation {
  readonly operationId: string;
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}

export class RunningApp implements AsyncDisposable {
  readonly app: App;
  readonly openApi: OpenApi;
  /** operationIds that have been called, with the statuses they answered. */
  readonly called: Map<string, Set<number>> = new Map();

  private constructor(app: App, openApi: OpenApi) {
    this.app = app;
    this.openApi = openApi;
  }

  static async start(options: AppOptions = {}): Promise<RunningApp> {
    const app = await startApp({
      coapHost: '127.0.0.1',
      coapPort: 0,
      coapsPort: 0,
      bootstrapCoapPort: 0,
      bootstrapCoapsPort: 0,
      httpPort: 0,
      demo: false,
      logLevel: 'silent',
      ...options,
    });
    const openApi = (await (await fetch(`${app.httpUrl}/api/v1/openapi.json`)).json()) as OpenApi;
    return new RunningApp(app, openApi);
  }

  /** Call the API below /api/v1; the answer must be one that the OpenAPI document describes. */
  async call<Body = ProblemBody>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const response = await fetch(`${this.app.httpUrl}/api/v1${path}`, {
      method,
      ...json,
      headers: { ...type, ...headers },
    });
    return this.checked(method, path, response);
  }

  async checked<Body = ProblemBody>(method: string, path: string, response: Response): Promise<Answer<Body>> {
    const text = await response.text();
    const mediaType = (response.headers.get('content-type') ?? '').split(';')[0] ?? '';
    const answer = {
      status: response.status,
      headers: response.headers,
      body: (mediaType.endsWith('json') ? JSON.parse(text) : text) as Body,
    };
    const operation = this.#operation(method, `/api/v1${path}`.split('?')[0] ?? '');
    if (operation === undefined) return answer;
    const statuses = this.called.get(operation.operationId) ?? new Set();
    this.called.set(operation.operationId, statuses.add(response.status));
    const described =
      operation.responses[String(response.status)] ?? operation.responses[`${String(response.status)[0]}XX`];
    assert.ok(described, `${operation.operationId} answered ${response.status}, which the document does not describe`);
    if (response.status === 204) return answer;
    const schema = described.content?.[mediaType]?.schema;
    assert.ok(schema, `${operation.operationId} answered ${mediaType}, which the document does not describe`);
    const validator = Compile(schema);
    const errors = validator.Check(answer.body) ? [] : validator.Errors(answer.body);
    assert.deepEqual(errors, [], `${operation.operationId} answered ${text}`);
    return answer;
  }

  #operation(method: string, path: string): OpenApiOperation | undefined {
    const templates = Object.keys(this.openApi.paths)
      // Only the last parameter may hold slashes: it is a path of LwM2M.
      .map((template) => ({
        template,
        pattern: new RegExp(`^${template.replace(/\{path\}$/, '.+').replaceAll(/\{[^}]+\}/g, '[^/]+')}$`),
      }))
      .filter(({ pattern }) => pattern.test(path));
    return templates
      .map(({ template }) => this.openApi.paths[template]?.[method.toLowerCase()])
      .find((operation) => operation !== undefined);
  }

  /** A registered device. The caller closes it. */
  async device(
    endpointClientName: string,
    objects: readonly ClientObject[] = [
      deviceObject({ manufacturer: 'Acme', batteryLevel: 80 }),
      temperatureObject({ value: 21.5 }),
    ],
  ): Promise<LwM2mClient> {
    const client = await LwM2mClient.start({
      endpointClientName,
      servers: [{ uri: `coap://127.0.0.1:${this.app.coapPort}`, lifetimeSeconds: 300 }],
      objects,
      host: '127.0.0.1',
    });
    await client.whenRegistered();
    return client;
  }

  close(): Promise<void> {
    return this.app.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
