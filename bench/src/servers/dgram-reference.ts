/**
 * The least that a server on `node:dgram` can do: answer every datagram with a 2.05 that copies Message ID and token,
 * without reading it or remembering it. What an operation costs above this is the price of being a CoAP server.
 */
import { createSocket } from 'node:dgram';
import { serveParent } from './parent.ts';

const TAIL = Buffer.concat([Uint8Array.of(0xc0, 0xff), Buffer.from('Nov 22 12:00:00')]);

const socket = createSocket({ type: 'udp4', lookup: (address, _options, callback) => callback(null, address, 4) });
const sent = (): void => undefined;
socket.on('message', (request, from) => {
  const tokenEnd = 4 + (request[0]! & 0x0f);
  const response = Buffer.allocUnsafe(tokenEnd + TAIL.length);
  request.copy(response, 0, 0, tokenEnd);
  response[0] = 0x60 | (request[0]! & 0x0f);
  response[1] = 0x45;
  response.set(TAIL, tokenEnd);
  socket.send(response, from.port, from.address, sent);
});
socket.bind(0, '127.0.0.1', () => serveParent(socket.address().port));
