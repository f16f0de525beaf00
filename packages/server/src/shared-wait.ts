/**
 * Waiting for a request that another caller has made: it ends as that does, or at the waiting caller's own signal or
 * deadline, which do not touch the request.
 */
import { OperationFailed } from '@lapwing/coap';
import type { TimedLayer } from '@lapwing/transport';
import type { RegistrationRecord } from './registration-record.ts';
import { aborted } from './requests.ts';

/**
 * What `awaited` settles with; before that, rejects with OperationFailed 'CANCELLED' or 'TIMEOUT'.
 *
 * @param deadline  ms on the clock of the device's driver; Infinity to wait as long as it takes.
 */
export function waitFor<Result>(
  record: RegistrationRecord,
  awaited: Promise<Result>,
  signal: AbortSignal | undefined,
  deadline: number,
): Promise<Result> {
  if (signal?.aborted === true) return Promise.reject(aborted(record, signal));
  const { driver } = record;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      stop();
      reject(aborted(record, signal!));
    };
    const layer: TimedLayer = {
      nextDeadline: () => deadline,
      handleTimeout: (now) => {
        if (now < deadline) return;
        stop();
        reject(
          new OperationFailed('TIMEOUT', `no answer from "${record.endpointClientName}" in time`, { retryable: true }),
        );
      },
    };
    const stop = (): void => {
      signal?.removeEventListener('abort', onAbort);
      driver.detach(layer);
    };
    signal?.addEventListener('abort', onAbort);
    if (deadline !== Infinity) driver.attach(layer);
    awaited.then(resolve, reject).finally(stop);
  });
}
