/**
 * The Content-Formats that LwM2M uses, as data: IANA registry "CoAP Content-Formats", OMA TS Core §7.4.
 */
export interface ContentFormatDefinition {
  readonly number: number;
  readonly mediaType: string;
}

export const CONTENT_FORMATS = {
  text: { number: 0, mediaType: 'text/plain;charset=utf-8' },
  linkFormat: { number: 40, mediaType: 'application/link-format' },
  opaque: { number: 42, mediaType: 'application/octet-stream' },
  json: { number: 50, mediaType: 'application/json' },
  cbor: { number: 60, mediaType: 'application/cbor' },
  senmlJson: { number: 110, mediaType: 'application/senml+json' },
  senmlCbor: { number: 112, mediaType: 'application/senml+cbor' },
  senmlEtchJson: { number: 320, mediaType: 'application/senml-etch+json' },
  senmlEtchCbor: { number: 322, mediaType: 'application/senml-etch+cbor' },
  // Numbers in use before the registration with IANA: read, never sent.
  legacyText: { number: 1541, mediaType: 'application/vnd.oma.lwm2m+text' },
  legacyTlv: { number: 1542, mediaType: 'application/vnd.oma.lwm2m+tlv' },
  legacyJson: { number: 1543, mediaType: 'application/vnd.oma.lwm2m+json' },
  legacyOpaque: { number: 1544, mediaType: 'application/vnd.oma.lwm2m+opaque' },
  tlv: { number: 11542, mediaType: 'application/vnd.oma.lwm2m+tlv' },
  lwm2mJson: { number: 11543, mediaType: 'application/vnd.oma.lwm2m+json' },
  lwm2mCbor: { number: 11544, mediaType: 'application/vnd.oma.lwm2m+cbor' },
} as const;

export type ContentFormatName = keyof typeof CONTENT_FORMATS;

const BY_NUMBER: ReadonlyMap<number, ContentFormatDefinition> = new Map(
  Object.values<ContentFormatDefinition>(CONTENT_FORMATS).map((definition) => [definition.number, definition]),
);

/** The row of a Content-Format number, undefined for one that LwM2M does not use. */
export const contentFormatDefinition = (contentFormat: number): ContentFormatDefinition | undefined =>
  BY_NUMBER.get(contentFormat);
