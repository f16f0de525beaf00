/**
 * Send: the client tells servers values on its own account. POST /dp, OMA TS Core §6.4.6.
 */
import { buildOptions, Codes, CONTENT_FORMATS, isSuccess, OperationFailed, UsageError } from '@lapwing/coap';
import type { Exchange, FailureReason, IncomingResponse } from '@lapwing/coap';
import { ROOT } from '@lapwing/lwm2m';
import type { LwM2mVersion, NodeEntry } from '@lapwing/lwm2m';
import type { Driver } from '@lapwing/transport';
import type { SendResult } from './api.ts';
import { describeAnswer, FAILURES } from './describe-answer.ts';
import type { PayloadFormat } from './payload-format.ts';
import { isRefusal } from './refusal.ts';
import type { ServerSettings } from './server-account.ts';

/** A Send under way; the context of its exchange. */
class PendingSend {
  readonly shortServerId: number;
  readonly resolve: (result: SendResult) => void;
  readonly reject: (error: OperationFailed) => void;
  exchange: Exchange | undefined = undefined;
  constructor(shortServerId: number, resolve: (result: SendResult) => void, reject: (error: OperationFailed) => void) {
    this.shortServerId = shortServerId;
    this.resolve = resolve;
    this.reject = reject;
  }
}

/** The formats of a Send and the first version with them. OMA TS Core §6.4.6. */
const FORMATS: ReadonlyMap<number, LwM2mVersion> = new Map([
  [CONTENT_FORMATS.senmlJson.number, '1.1'],
  [CONTENT_FORMATS.senmlCbor.number, '1.1'],
  [CONTENT_FORMATS.lwm2mCbor.number, '1.2'],
]);

/** The format for a server: the wanted one where it has it, else SenML CBOR. @throws UsageError for one that is none. */
export function sendFormat(wanted: number | undefined, version: LwM2mVersion): number {
  if (wanted === undefined) return CONTENT_FORMATS.senmlCbor.number;
  const since = FORMATS.get(wanted);
  if (since === undefined) throw new UsageError(`a Send is SenML or LwM2M CBOR, not Content-Format ${wanted}`);
  return version >= since ? wanted : CONTENT_FORMATS.senmlCbor.number;
}

export class Sending {
  readonly #driver: Driver;
  readonly #formats: PayloadFormat;
  readonly #pending = new Set<PendingSend>();

  constructor(driver: Driver, formats: PayloadFormat) {
    this.#driver = driver;
    this.#formats = formats;
  }

  /** Sends that wait for their answer. */
  get size(): number {
    return this.#pending.size;
  }

  /** @returns the server's answer; rejects with OperationFailed when none comes. */
  send(
    settings: ServerSettings,
    entries: readonly NodeEntry[],
    contentFormat: number,
    signal: AbortSignal | undefined,
  ): Promise<SendResult> {
    signal?.throwIfAborted();
    const encoded = this.#formats.encode(ROOT, entries, contentFormat);
    if (isRefusal(encoded)) throw new UsageError(`these values cannot be sent: ${encoded.reason}`);
    const { payload } = encoded;
    const options = buildOptions({ uriPath: [...settings.pathSegments, 'dp'], contentFormat });
    return new Promise<SendResult>((resolve, reject) => {
      const context: PendingSend = new PendingSend(
        settings.shortServerId,
        (result) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(result);
        },
        (error) => {
          signal?.removeEventListener('abort', onAbort);
          reject(error);
        },
      );
      const exchange = this.#driver.turn((now, out) =>
        this.#driver.endpoint.request(now, settings.reach(), { code: Codes.post, options, payload, context }, out),
      );
      context.exchange = exchange;
      this.#pending.add(context);
      const onAbort = (): void => this.#driver.turn((now, out) => this.#driver.endpoint.cancel(now, exchange, out));
      signal?.addEventListener('abort', onAbort);
    });
  }

  /** Nothing can be sent or heard any more, for the reason that the error says. */
  rest(error: OperationFailed): void {
    for (const { reject, exchange } of [...this.#pending]) {
      reject(error);
      if (exchange === undefined || exchange.state === 'done') continue;
      this.#driver.turn((now, out) => this.#driver.endpoint.cancel(now, exchange, out));
    }
  }

  /** @returns whether the exchange is a Send. */
  handleResponse({ context }: Exchange, { code, payload }: IncomingResponse): boolean {
    if (!(context instanceof PendingSend)) return false;
    this.#pending.delete(context);
    const { shortServerId } = context;
    context.resolve({ shortServerId, ok: isSuccess(code), code, reason: describeAnswer(code, payload) });
    return true;
  }

  /** @returns whether the exchange is a Send. */
  handleFailure({ context }: Exchange, reason: FailureReason): boolean {
    if (!(context instanceof PendingSend)) return false;
    this.#pending.delete(context);
    const { code, retryable } = OUTCOMES[reason];
    context.reject(new OperationFailed(code, FAILURES[reason], { retryable }));
    return true;
  }
}

export const offlineError = (): OperationFailed =>
  new OperationFailed('OFFLINE', 'the client is offline', { retryable: true });
export const bootstrappingError = (): OperationFailed =>
  new OperationFailed('BOOTSTRAPPING', 'the client is bootstrapping', { retryable: true });

const OUTCOMES: Readonly<Record<FailureReason, { readonly code: string; readonly retryable: boolean }>> = {
  timeout: { code: 'TIMEOUT', retryable: true },
  reset: { code: 'RESET', retryable: true },
  cancelled: { code: 'CANCELLED', retryable: true },
  'body-too-large': { code: 'BODY_TOO_LARGE', retryable: false },
  'bad-response': { code: 'BAD_RESPONSE', retryable: false },
  'peer-closed': { code: 'PEER_CLOSED', retryable: true },
};
