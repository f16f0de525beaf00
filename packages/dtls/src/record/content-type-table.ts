/** `ContentType` of records. RFC 5246 §6.2.1, 9146 §4. */
export const CONTENT_TYPES = {
  changeCipherSpec: 20,
  alert: 21,
  handshake: 22,
  applicationData: 23,
  /** A record with a Connection ID; its true type is inside. */
  tls12Cid: 25,
} as const;
