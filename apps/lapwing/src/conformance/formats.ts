/** Which Content-Formats a device must speak, may speak and cannot know. OMA TS Core §7.4. */
import type { LwM2mVersion } from '@lapwing/lwm2m';
import type { DeviceUnderTest } from './device-under-test.ts';

export interface FormatUnderTest {
  readonly number: number;
  readonly name: string;
  readonly since: LwM2mVersion;
  /** The last version in which a client may use it. */
  readonly until?: LwM2mVersion;
  /** One value, one value that is bytes, or any number of them. */
  readonly carries: 'value' | 'bytes' | 'nodes';
  /** Versions in which every client must have it. */
  readonly demanded: readonly LwM2mVersion[];
}

// prettier-ignore
export const FORMATS: readonly FormatUnderTest[] = [
  { number: 0,     name: 'text/plain',                    since: '1.0', carries: 'value', demanded: ['1.1', '1.2'] },
  { number: 42,    name: 'application/octet-stream',      since: '1.0', carries: 'bytes', demanded: ['1.1', '1.2'] },
  { number: 60,    name: 'application/cbor',              since: '1.1', carries: 'value', demanded: [] },
  { number: 110,   name: 'application/senml+json',        since: '1.1', carries: 'nodes', demanded: [] },
  { number: 112,   name: 'application/senml+cbor',        since: '1.1', carries: 'nodes', demanded: [] },
  { number: 11542, name: 'application/vnd.oma.lwm2m+tlv', since: '1.0', carries: 'nodes', demanded: ['1.0'] },
  { number: 11543, name: 'application/vnd.oma.lwm2m+json', since: '1.0', until: '1.0', carries: 'nodes', demanded: [] },
  { number: 11544, name: 'application/vnd.oma.lwm2m+cbor', since: '1.2', carries: 'nodes', demanded: [] },
];

export const formatsOf = (
  { lwm2mVersion }: DeviceUnderTest,
  carries: FormatUnderTest['carries'],
): readonly FormatUnderTest[] =>
  FORMATS.filter(
    (format) =>
      format.carries === carries &&
      format.since <= lwm2mVersion &&
      (format.until === undefined || lwm2mVersion <= format.until),
  );

/** The version demands it, or the device said when it registered that it has it. */
export const isDemanded = (device: DeviceUnderTest, format: FormatUnderTest): boolean =>
  format.demanded.includes(device.lwm2mVersion) || device.contentFormats.includes(format.number);
