/**
 * Operations that waited for a sleeping device when another Server object was stopped: they wait again here, and nobody
 * has their promises, so what becomes of them is told.
 */
import { Codes, OperationFailed, readOption, type IncomingResponse } from '@lapwing/coap';
import type { CompletedOperation, OperationOutcome, OperationResult, Registration } from './api.ts';
import { isFormatRefusal } from './content-format-choice.ts';
import { reportServerError } from './diagnostics.ts';
import { resumeObserve, type ObservationListener } from './observations.ts';
import { accepted, refused, type Outcome } from './outcome.ts';
import type { RegistrationRecord } from './registration-record.ts';
import { badResponse, sendRequest, type SendOptions } from './requests.ts';
import { readCompositeContent, readContent, readDiscovery, readLocation } from './response-content.ts';
import type { SavedOperation, SavedRequest } from './snapshot.ts';

/** What an operation that is kept needs from the Server it has come to. */
export interface OperationListener extends ObservationListener {
  /** The current registration of this name. */
  registered(endpointClientName: string): RegistrationRecord | undefined;
  operationCompleted(registration: Registration, operation: CompletedOperation, outcome: OperationOutcome): void;
}

/** Let it wait for its device again. @param operationId  what it is called here. */
export function resumeOperation(
  record: RegistrationRecord,
  saved: SavedOperation,
  operationId: string,
  listener: OperationListener,
): void {
  const { operation, paths, createdAt } = saved;
  const completed = (outcome: OperationOutcome): void =>
    listener.operationCompleted(
      listener.registered(record.endpointClientName) ?? record,
      { operationId, operation, paths, createdAt },
      outcome,
    );
  perform(record, saved, operationId, listener).then(
    (answer) => completed({ kind: 'answered', answer }),
    (error: unknown) => {
      const failed = error instanceof OperationFailed ? error : unsendable(record, error);
      // It is in a snapshot once more.
      if (failed.code !== 'SUSPENDED') completed({ kind: 'failed', error: failed });
    },
  );
}

/** Whoever called has made no mistake that the call has not shown already. */
function unsendable({ endpointClientName }: RegistrationRecord, cause: unknown): OperationFailed {
  reportServerError(cause);
  return new OperationFailed('CANCELLED', `the request to "${endpointClientName}" could not be sent`, {
    retryable: false,
    cause,
  });
}

/** An operation for which there is nothing to wait any more. */
export function endOperation(
  registration: Registration,
  { operationId, operation, paths, createdAt, expiresAt }: SavedOperation,
  now: number,
  listener: OperationListener,
): void {
  const { endpointClientName } = registration;
  const error =
    expiresAt <= now
      ? new OperationFailed('TIMEOUT', `"${endpointClientName}" was not awake in time`, { retryable: true })
      : new OperationFailed('NOT_REGISTERED', `"${endpointClientName}" is not registered any more`, {
          retryable: false,
        });
  listener.operationCompleted(registration, { operationId, operation, paths, createdAt }, { kind: 'failed', error });
}

async function perform(
  record: RegistrationRecord,
  saved: SavedOperation,
  operationId: string,
  listener: OperationListener,
): Promise<Outcome<OperationResult>> {
  const { createdAt, expiresAt, observed, request, alternative } = saved;
  const { driver } = record;
  const options = (): SendOptions => ({
    origin: { operationId, createdAt, expiresAt },
    ...(expiresAt === Infinity ? {} : { timeout: Math.max(expiresAt - driver.unixTime(), 0) }),
  });
  if (observed !== undefined) {
    const outcome = await resumeObserve(record, observed, options(), listener);
    return outcome.ok ? accepted(outcome.code, { content: outcome.value }) : outcome;
  }
  const { operation, paths } = saved;
  const send = (at: RegistrationRecord, body: SavedRequest): Promise<Outcome<OperationResult>> =>
    sendRequest(
      at,
      {
        ...body,
        operation,
        paths,
        ...(alternative === undefined || body === alternative
          ? {}
          : { alternative: () => ({ ...alternative, operation, paths }) }),
      },
      options(),
      (response) => readResult(at, saved, body, response, listener),
    );
  const outcome = await send(record, request);
  if (outcome.ok || alternative === undefined || !isFormatRefusal(outcome.code)) return outcome;
  return send(listener.registered(record.endpointClientName) ?? record, alternative);
}

/** @throws OperationFailed 'BAD_RESPONSE'. */
function readResult(
  record: RegistrationRecord,
  { operation, paths }: SavedOperation,
  { options }: SavedRequest,
  response: IncomingResponse,
  listener: OperationListener,
): Outcome<OperationResult> {
  const { code } = response;
  if (code >> 5 !== 2) return refused(response);
  const [path] = paths;
  switch (operation) {
    case 'read':
    case 'readComposite':
    case 'discover':
      if (code !== Codes.content) throw badResponse(record, `code ${refused(response).reason}`);
      if (operation === 'discover') return accepted(code, { nodes: readDiscovery(record, response) });
      if (operation === 'read') return accepted(code, { content: readContent(record, path!, response, listener) });
      return accepted(code, {
        content: readCompositeContent(record, paths, readOption(options, 'contentFormat')!, response, listener),
      });
    case 'create': {
      const created = path?.kind === 'object' ? readLocation(record, path.objectId, response) : undefined;
      return accepted(code, created === undefined ? {} : { created });
    }
    default:
      return accepted(code, {});
  }
}
