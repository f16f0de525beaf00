/**
 * Requests that are no HTTP, or more of it than a server should read: no route sees them, so their problem is written to
 * the socket by hand.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { PROBLEM_CONTENT_TYPE, problemOf, unreadableRequest } from './problem.ts';

export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  // After a reset nobody is there to read an answer.
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { body } = problemOf(unreadableRequest(error.code));
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${body.status} ${STATUS_CODES[body.status]}\r\n` +
      `content-type: ${PROBLEM_CONTENT_TYPE}\r\n` +
      `content-length: ${Buffer.byteLength(text)}\r\n` +
      `connection: close\r\n\r\n${text}`,
  );
}
