/** `/server`: what runs here. */
import type { AddressInfo } from 'node:net';
import type { Http, RestContext } from './context.ts';
import { addressText } from './registration-json.ts';
import { responses, ServerSchema } from './schemas.ts';

export function serverRoutes(http: Http, context: RestContext): void {
  http.route({
    method: 'GET',
    url: '/server',
    schema: {
      operationId: 'readServer',
      tags: ['server'],
      summary: 'Version, listening endpoints, counters',
      response: responses({ 200: ServerSchema }),
    },
    handler: () => ({
      version: context.version,
      nodeVersion: process.version,
      startedAt: context.startedAt.toISOString(),
      demo: context.demo,
      endpoints: [
        ...context.coapUrls.map((url) => ({ url })),
        ...http.addresses().map((address) => ({ url: httpUrl(address as AddressInfo) })),
      ],
      counters: context.counters(),
    }),
  });
}

export const httpUrl = ({ address, port }: AddressInfo): string => `http://${addressText({ host: address, port })}`;
