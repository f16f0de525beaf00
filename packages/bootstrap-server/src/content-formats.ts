/**
 * In which Content-Formats a device is written to, best first: what it prefers (`pct`), else by its version. The second
 * is tried once when the first is refused. OMA TS Core §6.1.7.2, §7.4.
 */
import { CONTENT_FORMATS } from '@lapwing/coap';
import { LWM2M_CONTENT_FORMATS, objectInstancePath, type LwM2mVersion } from '@lapwing/lwm2m';

const { tlv, senmlCbor, senmlJson, lwm2mJson, lwm2mCbor } = CONTENT_FORMATS;

type FormatPair = readonly [first: number, second: number];

/** A device that does not tell its version is older than 1.1.1, or says by `pct` what it wants. */
const BY_VERSION: Readonly<Record<LwM2mVersion, FormatPair>> = {
  '1.0': [tlv.number, lwm2mJson.number],
  '1.1': [tlv.number, senmlCbor.number],
  '1.2': [senmlCbor.number, tlv.number],
};

export function writeFormats(
  forced: number | undefined,
  preferred: number | undefined,
  version: LwM2mVersion | undefined,
): readonly number[] {
  if (forced !== undefined) return [forced];
  const usual = version === undefined ? BY_VERSION['1.1'] : BY_VERSION[version];
  if (preferred === undefined) return usual;
  return [preferred, usual[0] === preferred ? usual[1] : usual[0]];
}

const ANY_OBJECT_INSTANCE = objectInstancePath(0, 0);

/** Whether Object Instances can be written in it. */
export const isWriteFormat = (contentFormat: number): boolean =>
  LWM2M_CONTENT_FORMATS.get(contentFormat)?.canCarry(ANY_OBJECT_INSTANCE) === true;

/** Of a Bootstrap-Pack, the one without Accept first. OMA TS Core 1.2 §6.1.7.7. */
export const PACK_FORMATS: readonly number[] = Object.freeze([senmlCbor.number, senmlJson.number, lwm2mCbor.number]);
