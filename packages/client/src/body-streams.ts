/**
 * Bodies of Writes that are handed to a Resource piece by piece, so that a firmware image never sits in memory whole.
 * RFC 7959 underneath; the Resource is an Opaque one with a `receive` handler.
 *
 * TLV and CBOR put a few bytes before the value. They are in the first block, as the smallest block has 16 bytes.
 */
import { Codes, CONTENT_FORMATS, readOption, readOptions } from '@lapwing/coap';
import type { Code, IncomingRequest, Option } from '@lapwing/coap';
import { formatPath } from '@lapwing/lwm2m';
import type { ResourcePath } from '@lapwing/lwm2m';
import type { BodyReceiver, ClientObject, HandlerContext } from './client-object.ts';
import { andThen } from './maybe-promise.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { TreeResource } from './object-tree.ts';
import { badRequest, HandlerFailed, isRefusal, notAllowed, OperationRefused, refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** What a stream asks of whoever owns the endpoint. */
export interface StreamOwner<Context> {
  /** The next block is welcome. */
  continue(context: Context): void;
  /** The body has been taken, or is refused. */
  finish(context: Context, refused: Refusal | undefined): void;
  /** A handler threw. */
  fail(context: Context, error: unknown): void;
}

interface Stream<Context> {
  /** What the owner wants to find again. */
  readonly context: Context;
  readonly resourceId: number;
  readonly contentFormat: number;
  receiver: MaybePromise<BodyReceiver>;
  /** Bytes of the value still to come; undefined: not said. */
  rest: number | undefined;
}

export class BodyStreams<Context> {
  readonly #owner: StreamOwner<Context>;
  readonly #streams = new Map<IncomingRequest, Stream<Context>>();

  constructor(owner: StreamOwner<Context>) {
    this.#owner = owner;
  }

  begin(
    request: IncomingRequest,
    context: Context,
    resourceId: number,
    contentFormat: number,
    receiver: MaybePromise<BodyReceiver>,
  ): void {
    const stream: Stream<Context> = { context, resourceId, contentFormat, receiver, rest: undefined };
    this.#streams.set(request, stream);
    // Blocks wait for it, and so does its failure when it comes before the first of them has been taken.
    if (receiver instanceof Promise) receiver.catch(() => undefined);
  }

  /** A block has arrived; at most one is under way, as the next is asked for only after it. */
  handleBlock(request: IncomingRequest, offset: number, payload: Uint8Array, more: boolean): void {
    const stream = this.#streams.get(request);
    if (stream === undefined) return;
    const bytes = payload.slice();
    let taken: MaybePromise<Refusal | undefined>;
    try {
      taken = andThen(stream.receiver, (receiver) => this.#take(stream, receiver, offset, bytes, more));
    } catch (error) {
      return this.#fail(request, stream, error);
    }
    if (!(taken instanceof Promise)) return this.#next(request, stream, taken, more);
    taken.then(
      (refused) => this.#next(request, stream, refused, more),
      (error: unknown) => this.#fail(request, stream, error),
    );
  }

  /** The rest will not come. @returns the context of the stream, if there was one. */
  abandon(request: IncomingRequest): Context | undefined {
    const stream = this.#streams.get(request);
    if (stream === undefined) return undefined;
    this.#streams.delete(request);
    this.#tell(stream);
    return stream.context;
  }

  #take(
    stream: Stream<Context>,
    receiver: BodyReceiver,
    offset: number,
    bytes: Uint8Array,
    more: boolean,
  ): MaybePromise<Refusal | undefined> {
    let value = bytes;
    if (offset === 0) {
      const frame = frameOf(bytes, stream.contentFormat, stream.resourceId);
      if (isRefusal(frame)) return frame;
      value = bytes.subarray(frame.headerBytes);
      stream.rest = frame.valueBytes;
    }
    if (stream.rest !== undefined) {
      stream.rest -= value.length;
      if (stream.rest < 0 || (!more && stream.rest > 0)) return badRequest('the length of the value is not as it says');
    }
    const ended = (): MaybePromise<undefined> => (more ? undefined : andThen(receiver.end(), () => undefined));
    return value.length === 0 ? ended() : andThen(receiver.write(value), ended);
  }

  #next(request: IncomingRequest, stream: Stream<Context>, refused: Refusal | undefined, more: boolean): void {
    // It may have been abandoned while its handler worked.
    if (!this.#streams.has(request)) return;
    if (refused === undefined && more) return this.#owner.continue(stream.context);
    this.#streams.delete(request);
    if (refused !== undefined) this.#tell(stream);
    this.#owner.finish(stream.context, refused);
  }

  #fail(request: IncomingRequest, stream: Stream<Context>, error: unknown): void {
    if (this.#streams.get(request) !== stream) return;
    this.#streams.delete(request);
    this.#owner.fail(stream.context, error);
  }

  /** Tell the receiver, if it ever comes to be, that nothing more will come. */
  #tell({ receiver }: Stream<Context>): void {
    if (receiver instanceof Promise) {
      receiver.then(
        (late) => late.abandon(),
        () => undefined,
      );
    } else {
      receiver.abandon();
    }
  }
}

/** What takes a value of this Resource piece by piece; 4.05 for one that takes none. */
export function openReceiver(
  resource: TreeResource,
  context: HandlerContext,
  path: ResourcePath,
): MaybePromise<BodyReceiver> | Refusal {
  const receive = resource.kind === 'handler' ? resource.handler.receive : undefined;
  const { definition } = resource;
  const isWritable = definition.operations === 'W' || definition.operations === 'RW';
  if (receive === undefined || definition.type !== 'opaque' || !isWritable) {
    return notAllowed(`${formatPath(path)} takes no value in pieces`);
  }
  const failed = (cause: unknown): never => {
    throw cause instanceof OperationRefused ? cause : new HandlerFailed(path, 'write', cause);
  };
  try {
    return guarded(receive(context), failed);
  } catch (cause) {
    return failed(cause);
  }
}

/** A receiver whose errors say where they come from. */
function guarded(opened: MaybePromise<BodyReceiver>, failed: (cause: unknown) => never): MaybePromise<BodyReceiver> {
  const guard = (step: () => MaybePromise<void>): MaybePromise<void> => {
    try {
      const done = step();
      return done instanceof Promise ? done.catch(failed) : done;
    } catch (cause) {
      return failed(cause);
    }
  };
  const wrap = (receiver: BodyReceiver): BodyReceiver => ({
    write: (bytes) => guard(() => receiver.write(bytes)),
    end: () => guard(() => receiver.end()),
    abandon: () => receiver.abandon(),
  });
  return opened instanceof Promise ? opened.then(wrap, failed) : wrap(opened);
}

interface Frame {
  readonly headerBytes: number;
  /** Undefined: up to the end of the body. */
  readonly valueBytes: number | undefined;
}

const { opaque, legacyOpaque, tlv, legacyTlv, cbor } = CONTENT_FORMATS;

/** What stands before the value in this Content-Format. */
function frameOf(bytes: Uint8Array, contentFormat: number, resourceId: number): Frame | Refusal {
  switch (contentFormat) {
    case opaque.number:
    case legacyOpaque.number:
      return { headerBytes: 0, valueBytes: undefined };
    case tlv.number:
    case legacyTlv.number:
      return tlvFrame(bytes, resourceId);
    case cbor.number:
      return cborFrame(bytes);
    default:
      return refusal(Codes.unsupportedContentFormat, `Content-Format ${contentFormat} cannot be streamed`);
  }
}

/** One Resource TLV: type, id of one or two bytes, length of one to three bytes. OMA TS Core §7.4.3. */
function tlvFrame(bytes: Uint8Array, resourceId: number): Frame | Refusal {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = view.getUint8(0);
  const idBytes = (type & 0x20) === 0 ? 1 : 2;
  const lengthBytes = (type & 0x18) >> 3;
  const headerBytes = 1 + idBytes + lengthBytes;
  if ((type & 0xc0) !== 0xc0 || headerBytes > bytes.length) return badRequest('this is no TLV of one Resource');
  const id = idBytes === 1 ? view.getUint8(1) : view.getUint16(1);
  if (id !== resourceId) return badRequest(`the TLV is of Resource ${id}`);
  let valueBytes = lengthBytes === 0 ? type & 7 : 0;
  for (let at = 1 + idBytes; at < headerBytes; at++) valueBytes = valueBytes * 256 + view.getUint8(at);
  return { headerBytes, valueBytes };
}

/** One byte string of definite length. RFC 8949 §3.1. */
function cborFrame(bytes: Uint8Array): Frame | Refusal {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const info = view.getUint8(0) & 0x1f;
  const headerBytes = CBOR_HEADER_BYTES[info] ?? (info < 24 ? 1 : Infinity);
  if (view.getUint8(0) >> 5 !== 2 || headerBytes > bytes.length) return badRequest('this is no CBOR byte string');
  let valueBytes = info < 24 ? info : 0;
  for (let at = 1; at < headerBytes; at++) valueBytes = valueBytes * 256 + view.getUint8(at);
  return { headerBytes, valueBytes };
}
/** By additional information: an argument of 1, 2, 4 or 8 bytes follows. */
const CBOR_HEADER_BYTES: Readonly<Record<number, number>> = { 24: 2, 25: 3, 26: 5, 27: 9 };

const STREAMED_FORMATS: ReadonlySet<number> = new Set(
  [opaque, legacyOpaque, tlv, legacyTlv, cbor].map(({ number }) => number),
);

/**
 * Which requests these Objects want piece by piece, for `CoapParameters.streamedRequest`. `LwM2mClient.start` sees to it;
 * it is for those who make the driver themselves.
 */
export function streamedRequests(
  objects: readonly ClientObject[],
): (code: Code, options: readonly Option[]) => boolean {
  const wanted = new Set<string>();
  for (const { objectId, instances } of objects) {
    for (const [objectInstanceId, content] of Object.entries(instances)) {
      for (const [resourceId, resource] of Object.entries(content)) {
        if (typeof resource === 'object' && 'receive' in resource && typeof resource.receive === 'function') {
          wanted.add(`${objectId}/${objectInstanceId}/${resourceId}`);
        }
      }
    }
  }
  return (code, options) => {
    if (code !== Codes.put || !STREAMED_FORMATS.has(readOption(options, 'contentFormat') ?? -1)) return false;
    return wanted.has(readOptions(options, 'uriPath').slice(-3).join('/'));
  };
}
