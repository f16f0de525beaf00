/** What devices ask of a Bootstrap-Server, read, and the answers that are always the same. */
import {
  buildOptions,
  Codes,
  CONTENT_FORMATS,
  formatLinks,
  readOption,
  readOptions,
  type Code,
  type IncomingRequest,
  type OutgoingResponse,
} from '@lapwing/coap';
import { isMalformed, parseBootstrapPackRequest, parseBootstrapRequest, type ObjectInstancePath } from '@lapwing/lwm2m';
import type { Driver } from '@lapwing/transport';
import type { BootstrapRefusalKind } from './api.ts';
import { isWriteFormat } from './content-formats.ts';

/** What a device asked, read. */
export interface Asked {
  readonly operation: 'request' | 'pack';
  readonly endpointClientName: string | undefined;
  readonly preferredContentFormat: number | undefined;
  readonly additional: Readonly<Record<string, string>>;
  /** Of a Bootstrap-Pack-Request. */
  readonly account: readonly ObjectInstancePath[];
  readonly accept: number | undefined;
}

/** A request that is answered otherwise than wanted. */
export interface RefusedWith {
  readonly kind: BootstrapRefusalKind;
  readonly code: Code;
  readonly reason: string;
  readonly endpointClientName?: string | undefined;
}

const encoder = new TextEncoder();

export const CHANGED: OutgoingResponse = { code: Codes.changed, options: [], payload: new Uint8Array(0) };

/** With the reason as diagnostic payload. RFC 7252 §5.5.2. */
export const refusal = (code: Code, reason: string): OutgoingResponse => ({
  code,
  options: [],
  payload: encoder.encode(reason),
});

export const OVERLOADED: RefusedWith = {
  kind: 'overloaded',
  code: Codes.serviceUnavailable,
  reason: 'as many devices as possible are being configured: come again later',
};
/** What a device does not take for an error: it goes on with a Bootstrap-Request. OMA TS Core 1.2 §6.1.7.7. */
export const NO_PACKS_HERE: RefusedWith = {
  kind: 'no-packs',
  code: Codes.notFound,
  reason: 'there are no Bootstrap-Packs here: use a Bootstrap-Request',
};
export const NO_PACK_FOR_IT: RefusedWith = {
  kind: 'no-packs',
  code: Codes.methodNotAllowed,
  reason: 'there is no Bootstrap-Pack for this device: use a Bootstrap-Request',
};
export const OWN_ACCOUNT_UNKNOWN: RefusedWith = {
  kind: 'unusable',
  code: Codes.methodNotAllowed,
  reason: 'it is not known where the account with this Bootstrap-Server is (acc): use a Bootstrap-Request',
};

export function respond(driver: Driver, request: IncomingRequest, response: OutgoingResponse): void {
  driver.turn((now, out) => driver.endpoint.respond(now, request, response, out));
}

export function readAsked(operation: 'request' | 'pack', { options }: IncomingRequest): Asked | RefusedWith {
  const queries = readOptions(options, 'uriQuery');
  const accept = readOption(options, 'accept');
  const malformedWith = (reason: string): RefusedWith => ({ kind: 'malformed', code: Codes.badRequest, reason });
  if (operation === 'pack') {
    const read = parseBootstrapPackRequest(queries);
    return isMalformed(read)
      ? malformedWith(read.malformed)
      : { ...read, operation, accept, preferredContentFormat: undefined };
  }
  const read = parseBootstrapRequest(queries);
  if (isMalformed(read)) return malformedWith(read.malformed);
  const { preferredContentFormat: wanted } = read;
  if (wanted !== undefined && !isWriteFormat(wanted))
    return {
      kind: 'content-format',
      code: Codes.unsupportedContentFormat,
      reason: `nothing can be written in Content-Format ${wanted}`,
      endpointClientName: read.endpointClientName,
    };
  return { ...read, operation, account: [], accept };
}

/** Neither /bs nor /bspack as they are meant. */
export function answerElsewhere({ code, options }: IncomingRequest, segments: readonly string[]): OutgoingResponse {
  const path = segments.join('/');
  if (path === '.well-known/core' && code === Codes.get) {
    const accept = readOption(options, 'accept');
    return accept === undefined || accept === CONTENT_FORMATS.linkFormat.number
      ? OWN_LINKS
      : refusal(Codes.notAcceptable, 'the links are given in Content-Format 40 only');
  }
  if (path === 'bs') return refusal(Codes.methodNotAllowed, '/bs takes POST only');
  if (path === 'bspack') return refusal(Codes.methodNotAllowed, '/bspack takes GET only');
  if (path === '.well-known/core') return refusal(Codes.methodNotAllowed, 'the links of this server can only be read');
  return refusal(Codes.notFound, 'a Bootstrap-Server is asked at /bs');
}

const OWN_LINKS: OutgoingResponse = {
  code: Codes.content,
  options: buildOptions({ contentFormat: CONTENT_FORMATS.linkFormat.number }),
  payload: encoder.encode(
    formatLinks([
      { target: '/bs', parameters: [] },
      { target: '/bspack', parameters: [] },
    ]),
  ),
};
