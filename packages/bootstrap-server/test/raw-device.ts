/**
 * A device of few instructions, for thousands at once: it asks, says yes to everything and counts. No stack: one datagram
 * in, one out, and its request again until it is answered.
 */
import {
  buildOptions,
  Codes,
  decodeMessage,
  encodeMessage,
  messageId,
  MessageType,
  readOption,
  readOptions,
  type Message,
} from '@lapwing/coap';

const NO_BYTES: Uint8Array = new Uint8Array(0);
const REQUEST_ID = 1;
const DISCOVERY = new TextEncoder().encode('</>;lwm2m=1.1,</0/0>,</1>,</3/0>');

export class RawDevice {
  answered = false;
  deletes = 0;
  writes = 0;
  finished = false;
  /** By Message ID: a duplicate is answered with the same bytes. */
  readonly #replies = new Map<number, Uint8Array>();
  readonly #request: Uint8Array;

  constructor(endpointClientName: string) {
    this.#request = encodeMessage({
      type: MessageType.confirmable,
      code: Codes.post,
      messageId: messageId(REQUEST_ID),
      token: NO_BYTES,
      options: buildOptions({ uriPath: ['bs'], uriQuery: [`ep=${endpointClientName}`] }),
      payload: NO_BYTES,
    });
  }

  get request(): Uint8Array {
    return this.#request;
  }

  /** @returns what is sent back. */
  receive(datagram: Uint8Array): Uint8Array | undefined {
    const message = decodeMessage(datagram);
    if ('malformed' in message) throw new Error(message.malformed);
    if (message.type !== MessageType.confirmable) {
      if (message.code !== Codes.empty) this.answered = true;
      return undefined;
    }
    let reply = this.#replies.get(message.messageId);
    if (reply === undefined) this.#replies.set(message.messageId, (reply = this.#answer(message)));
    return reply;
  }

  #answer(message: Message): Uint8Array {
    const { code, options, token, messageId: id } = message;
    const reply = (answer: typeof code, payload = NO_BYTES, contentFormat?: number): Uint8Array =>
      encodeMessage({
        type: MessageType.acknowledgement,
        code: answer,
        messageId: id,
        token,
        options: buildOptions(contentFormat === undefined ? {} : { contentFormat }),
        payload,
      });
    switch (code) {
      case Codes.get:
        return reply(Codes.content, DISCOVERY, 40);
      case Codes.delete:
        this.deletes++;
        return reply(Codes.deleted);
      case Codes.put:
        if (readOption(options, 'contentFormat') === undefined) throw new Error('a Write without a Content-Format');
        this.writes++;
        return reply(Codes.changed);
      default:
        if (readOptions(options, 'uriPath').join('/') !== 'bs') throw new Error('neither a Write nor a Finish');
        this.finished = true;
        return reply(Codes.changed);
    }
  }
}
