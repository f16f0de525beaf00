/** The JSON shapes of `/firmware` and of firmware updates. */
import { type TUnsafe, Type } from 'typebox';
import { FIRMWARE_OUTCOMES, type FirmwareUpdateOutcome, type FirmwareUpdateStage } from '@lapwing/server';
import type { FirmwareImage } from '../firmware/firmware-images.ts';
import { closed, list, shape, sized, text, time } from './schema-parts.ts';

export interface FirmwareUpdateJson {
  readonly device: string;
  readonly delivery: 'push' | 'pull';
  readonly stage: FirmwareUpdateStage;
  /** Of the package the device has; 0 when it fetches one elsewhere. */
  readonly sentBytes: number;
  /** null when the device fetches the package elsewhere. */
  readonly totalBytes: number | null;
  readonly versionBefore: string | null;
  readonly versionAfter: string | null;
  readonly startedAt: string;
  readonly changedAt: string;
  /** null while it is under way. */
  readonly outcome: FirmwareUpdateOutcome | null;
  /** How it ended, in words. */
  readonly explanation: string | null;
}

export interface StartUpdateJson {
  /** The id of an image for the device. */
  readonly image?: string;
  /** Whether the image is written to the device, or fetched by it from this server. */
  readonly delivery?: 'push' | 'pull';
  /** What the device reaches this server by, when it fetches the image. */
  readonly host?: string;
  /** Or where the device fetches one. */
  readonly uri?: string;
  /** What the device will tell as its version when it runs; that of the image by default. */
  readonly version?: string;
}

const STAGES = [
  'preparing',
  'resetting',
  'pushing',
  'offering',
  'diagnosing',
  'downloading',
  'starting',
  'installing',
  'deferred',
  'verifying',
  'ended',
] as const satisfies readonly FirmwareUpdateStage[];
const OUTCOMES = Object.keys(FIRMWARE_OUTCOMES) as FirmwareUpdateOutcome[];
const textOrNull = Type.Union([Type.String(), Type.Null()]);

export const FirmwareImageSchema: TUnsafe<FirmwareImage> = shape<FirmwareImage>()(
  Type.Object(
    {
      id: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 in hexadecimal.' }),
      name: Type.String(),
      version: Type.String(sized('"" when nobody said.')),
      bytes: Type.Integer(),
      uploadedAt: time,
    },
    closed,
  ),
);

export const FirmwareImageListSchema: TUnsafe<{ readonly items: readonly FirmwareImage[]; readonly maxBytes: number }> =
  shape<{ readonly items: readonly FirmwareImage[]; readonly maxBytes: number }>()(
    Type.Object({ items: list(FirmwareImageSchema), maxBytes: Type.Integer(sized('Of one image.')) }, closed),
  );

export const FirmwareUpdateSchema: TUnsafe<FirmwareUpdateJson> = shape<FirmwareUpdateJson>()(
  Type.Object(
    {
      device: Type.String(sized('The Endpoint Client Name.')),
      delivery: text(['push', 'pull']),
      stage: text(STAGES),
      sentBytes: Type.Integer(sized('Of the package the device has; 0 when it fetches it elsewhere.')),
      totalBytes: Type.Union(
        [Type.Integer(), Type.Null()],
        sized('null when the device fetches the package elsewhere.'),
      ),
      versionBefore: textOrNull,
      versionAfter: textOrNull,
      startedAt: time,
      changedAt: time,
      outcome: Type.Unsafe<FirmwareUpdateOutcome | null>({
        enum: [...OUTCOMES, null],
        type: ['string', 'null'],
        description: 'null while it is under way.',
      }),
      explanation: Type.Union([Type.String(), Type.Null()], sized('How it ended, in words.')),
    },
    closed,
  ),
);

export const FirmwareUpdateListSchema: TUnsafe<{ readonly items: readonly FirmwareUpdateJson[] }> = shape<{
  readonly items: readonly FirmwareUpdateJson[];
}>()(Type.Object({ items: list(FirmwareUpdateSchema) }, closed));

export const StartUpdateSchema: TUnsafe<StartUpdateJson> = shape<StartUpdateJson>()(
  Type.Object(
    {
      image: Type.Optional(Type.String(sized('The id of an image.'))),
      delivery: Type.Optional(
        Type.Unsafe<'push' | 'pull'>({
          enum: ['push', 'pull'],
          type: 'string',
          description: 'With image: write it to the device (push, the default), or have it fetch it from here (pull).',
        }),
      ),
      host: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 200,
          description: 'With pull of an image: the name or IP address by which the device reaches this server.',
        }),
      ),
      uri: Type.Optional(Type.String(sized('Where the device fetches a package (pull), at most 255 bytes.'))),
      version: Type.Optional(
        Type.String(sized('What the device will tell as its version (/3/0/3); that of the image by default.')),
      ),
    },
    { ...closed, minProperties: 1 },
  ),
);
