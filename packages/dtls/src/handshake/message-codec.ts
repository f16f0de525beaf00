/**
 * The short handshake messages: those without a body (HelloRequest, ServerHelloDone), Finished (RFC 5246 §7.4.9) and
 * NewSessionTicket (RFC 5077 §3.3).
 */
import { VERIFY_DATA_LENGTH } from '../key-schedule.ts';
import type { Malformed } from '../malformed.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';

export interface NewSessionTicket {
  /** 0: the server does not say. */
  readonly lifetimeHintSeconds: number;
  /** Empty: the server announced one and changed its mind. */
  readonly ticket: Uint8Array;
}

/** HelloRequest and ServerHelloDone. Undefined: as it should be. */
export function checkEmptyBody(body: Uint8Array, message: 'HelloRequest' | 'ServerHelloDone'): Malformed | undefined {
  return new ByteReader(body, message).finish();
}

/** A view. */
export function decodeFinished(body: Uint8Array): Uint8Array | Malformed {
  const reader = new ByteReader(body, 'Finished');
  const verifyData = reader.bytes(VERIFY_DATA_LENGTH, 'verify_data');
  return reader.finish() ?? verifyData;
}

/** The ticket is a view. */
export function decodeNewSessionTicket(body: Uint8Array): NewSessionTicket | Malformed {
  const reader = new ByteReader(body, 'NewSessionTicket');
  const lifetimeHintSeconds = reader.uint32('the lifetime');
  const ticket = reader.vector16('the ticket');
  return reader.finish() ?? { lifetimeHintSeconds, ticket };
}

export function encodeNewSessionTicket({ lifetimeHintSeconds, ticket }: NewSessionTicket): Uint8Array {
  const writer = new ByteWriter(6 + ticket.length);
  writer.uint32(lifetimeHintSeconds);
  writer.vector16(ticket);
  return writer.finish();
}
