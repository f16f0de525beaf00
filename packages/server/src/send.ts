/**
 * Send: a registered client reports values by itself. OMA TS Core §6.4.6, Transport §6.4: `POST /dp`.
 *
 * The request does not name the client, so it is told by the peer it came from: its address at one endpoint of the Server,
 * or its association. Nobody there is 4.00, as is a payload that cannot be read; 4.04 is for Objects. Several clients may share an address;
 * then it is the most recent one that registered what the payload is about.
 */
import { Codes, formatCode, readOption, type Code, type IncomingRequest, type OutgoingResponse } from '@lapwing/coap';
import { decodePayload, formatPath, isMalformed, ROOT, supportedFormats, type NodeEntry } from '@lapwing/lwm2m';
import type { RegistrationRecord } from './registration-record.ts';
import { registrationsOf } from './registration-table.ts';
import { CHANGED, refuse } from './responder.ts';
import { decodeContext, type ResponseDecoding } from './response-content.ts';

export type SendResult =
  | {
      readonly kind: 'accepted';
      readonly response: OutgoingResponse;
      readonly record: RegistrationRecord;
      /** Every value, each with its own timestamp. */
      readonly entries: readonly NodeEntry[];
    }
  | {
      readonly kind: 'refused';
      readonly response: OutgoingResponse;
      readonly refusal: {
        readonly endpointClientName: string | undefined;
        readonly code: string;
        readonly reason: string;
      };
    };

export function receiveSend(
  { peer, code, options, payload }: IncomingRequest,
  alternatePath: string,
  decoding: ResponseDecoding,
): SendResult {
  if (code !== Codes.post) return refusal(undefined, Codes.methodNotAllowed, 'Send is a POST');
  // Made only when nothing is accepted: writing a reason costs more than looking for the record.
  let refused: SendResult | undefined;
  const contentFormat = readOption(options, 'contentFormat');
  for (const record of registrationsOf(peer)) {
    if (alternatePath !== '' && alternatePath !== record.alternatePath) {
      refused ??= refusal(undefined, Codes.notFound, `the client at this address has no "${alternatePath}"`);
      continue;
    }
    const name = record.endpointClientName;
    if (contentFormat === undefined || !supportedFormats.includes(contentFormat))
      return refusal(
        name,
        Codes.unsupportedContentFormat,
        `Content-Format ${contentFormat} is none that Send can have`,
      );
    const entries = decodePayload(contentFormat, payload, decodeContext(record, ROOT, decoding));
    if (isMalformed(entries)) {
      refused = refusal(name, Codes.badRequest, entries.malformed);
      continue;
    }
    const unknown = entries.find((entry) => !isRegistered(record, entry));
    if (unknown === undefined) return { kind: 'accepted', response: CHANGED, record, entries };
    refused = refusal(name, Codes.notFound, `${formatPath(unknown.path)} was not registered`);
  }
  return refused ?? refusal(undefined, Codes.badRequest, 'no client is registered from this address at this endpoint');
}

function isRegistered({ objectList }: RegistrationRecord, { path }: NodeEntry): boolean {
  const object = objectList.object(path.objectId);
  if (object === undefined || path.kind === 'object') return object !== undefined;
  return object.objectInstanceIds.includes(path.objectInstanceId);
}

const refusal = (endpointClientName: string | undefined, code: Code, reason: string): SendResult => ({
  kind: 'refused',
  response: refuse(code, reason),
  refusal: { endpointClientName, code: formatCode(code), reason },
});
