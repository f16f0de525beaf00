/** The web console at `/`, as the build left it. Every other path outside `/api/` opens it too, so links can be shared. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyReply } from 'fastify';
import type { Http } from './context.ts';

/** The same from `src` and from `dist`. */
export const CONSOLE_FOLDER: string = fileURLToPath(new URL('../../../console/dist', import.meta.url));

const CONTENT_SECURITY_POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
  "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** Returns what answers a GET of a path that is no file. */
export async function consoleFiles(http: Http, folder: string): Promise<(reply: FastifyReply) => FastifyReply> {
  if (!existsSync(`${folder}/index.html`)) {
    return (reply) =>
      reply
        .code(503)
        .type('text/plain; charset=utf-8')
        .send('The console is not built: run "npm run build". The REST API is at /api/v1/docs.\n');
  }
  await http.register(fastifyStatic, {
    root: folder,
    // Hashed file names never change their content; index.html does with every build.
    setHeaders: (response, path) => {
      response.header('content-security-policy', CONTENT_SECURITY_POLICY);
      const hashed = /[/\\]assets[/\\]/.test(path);
      response.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
    cacheControl: false,
    index: 'index.html',
  });
  return (reply) => reply.sendFile('index.html');
}
