/** The options of a bootstrap with their defaults, in the units of the procedure. */
import { CONTENT_FORMATS, UsageError } from '@lapwing/coap';
import { formatBootstrapRequestQueries } from '@lapwing/lwm2m';
import type { LwM2mVersion } from '@lapwing/lwm2m';
import type { BootstrapOptions } from '../api.ts';
import type { BootstrapParts } from './bootstrap-procedure.ts';

export type BootstrapParameters = Pick<
  BootstrapParts,
  'times' | 'preferredContentFormat' | 'additionalParameters' | 'wantsPack' | 'takesUnsolicited' | 'limits'
>;

/** @throws UsageError for times that are no positive numbers, and parameters that no request can carry. */
export function bootstrapParameters(
  {
    pack = true,
    preferredContentFormat = CONTENT_FORMATS.senmlCbor.number,
    additionalParameters = {},
    silenceSeconds = 247,
    retryTimerSeconds = 60,
    maxRetrySeconds = 86_400,
    maxDurationSeconds = 3_600,
    unsolicited,
    limits = {},
  }: BootstrapOptions = {},
  lwm2mVersion: LwM2mVersion,
): BootstrapParameters {
  for (const [name, seconds] of Object.entries({
    silenceSeconds,
    retryTimerSeconds,
    maxRetrySeconds,
    maxDurationSeconds,
  })) {
    if (!(seconds > 0)) throw new UsageError(`${name} is a number above 0, not ${seconds}`);
  }
  formatBootstrapRequestQueries({ additional: additionalParameters });
  return {
    times: {
      silence: silenceSeconds * 1000,
      retry: retryTimerSeconds * 1000,
      maxRetry: maxRetrySeconds * 1000,
      maxDuration: maxDurationSeconds * 1000,
    },
    preferredContentFormat: lwm2mVersion === '1.0' ? undefined : preferredContentFormat,
    additionalParameters,
    wantsPack: lwm2mVersion === '1.2' && pack,
    takesUnsolicited: unsolicited ?? lwm2mVersion === '1.0',
    limits,
  };
}
