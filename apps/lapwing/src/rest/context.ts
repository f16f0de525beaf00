/** What the routes work with. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Device, FirmwareUpdates, LwM2mServer } from '@lapwing/server';
import { isMalformed, parsePath, type Path } from '@lapwing/lwm2m';
import type { Bootstrap } from '../bootstrap/bootstrap.ts';
import type { DefinitionStore } from '../definition-store.ts';
import type { EventLog } from '../event-log.ts';
import type { FirmwareImages } from '../firmware/firmware-images.ts';
import type { Security } from '../security/security.ts';
import type { SentValues } from '../sent-values.ts';
import { badRequest, problem } from './problem.ts';

export type Http = FastifyInstance<Server, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxTypeProvider>;

export interface RestContext {
  readonly server: LwM2mServer;
  readonly definitions: DefinitionStore;
  readonly events: EventLog;
  readonly sentValues: SentValues;
  readonly security: Security;
  readonly bootstrap: Bootstrap;
  readonly firmware: FirmwareImages;
  readonly firmwareUpdates: FirmwareUpdates;
  readonly version: string;
  readonly startedAt: Date;
  readonly demo: boolean;
  /** By name, ascending over the life of the server. */
  readonly counters: () => Readonly<Record<string, number>>;
  /** Where the CoAP side listens: "coap://0.0.0.0:5683". */
  readonly coapUrls: readonly string[];
  /** How long a device may take to answer when the caller does not say, in ms. */
  readonly deviceTimeout: number;
  /** Event streams open at once. */
  readonly maxEventStreams: number;
  /** ms between the comments that keep event streams alive. */
  readonly heartbeatInterval: number;
}

/** @throws Problem 404 when no device of this name is registered. */
export function deviceNamed(context: RestContext, name: string): Device {
  const device = context.server.device(name);
  if (device === undefined) throw problem('unknown-device', `No device named "${name}" is registered.`);
  return device;
}

/** Parse a path of one of `kinds`. @throws Problem 400. */
export function pathOfKind<Kind extends Path['kind']>(
  text: string,
  kinds: readonly Kind[],
  operation: string,
): Extract<Path, { readonly kind: Kind }> {
  const path = parsePath(text);
  if (isMalformed(path)) throw badRequest(`The path "${text}" is wrong: ${path.malformed}.`, 'path');
  if (!(kinds as readonly Path['kind'][]).includes(path.kind)) {
    throw badRequest(`${operation} needs the path of ${kinds.map((kind) => KIND_NAMES[kind]).join(' or ')}.`, 'path');
  }
  return path as Extract<Path, { readonly kind: Kind }>;
}

const KIND_NAMES: Readonly<Record<Path['kind'], string>> = {
  root: 'the root',
  object: 'an Object (/3)',
  objectInstance: 'an Object Instance (/3/0)',
  resource: 'a Resource (/3/0/9)',
  resourceInstance: 'a Resource Instance (/3/0/7/0)',
};
