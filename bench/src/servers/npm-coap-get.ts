/** The same resource with the npm package `coap`. */
import type { Socket } from 'node:dgram';
import { createServer } from 'coap';
import { serveParent } from './parent.ts';

const server = createServer((request, response) => {
  if (request.method === 'GET' && request.url === '/time') {
    response.setOption('Content-Format', 'text/plain');
    response.end('Nov 22 12:00:00');
  } else {
    response.code = '4.04';
    response.end();
  }
});
server.listen(0, '127.0.0.1', () => serveParent((server._sock as Socket).address().port));
