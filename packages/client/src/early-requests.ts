/**
 * Requests of a server that came before its registration was complete. Nothing is done for a server before that. Its
 * acceptance may have been lost or overtaken, though, so while a Register is under way requests wait for the outcome.
 * OMA TS Core §6.2.1.
 */
import type { IncomingRequest } from '@lapwing/coap';
import type { RegistrationProcedure } from './registration-procedure.ts';

/** Requests of one server that wait. */
const MAX_WAITING = 16;

export class EarlyRequests {
  readonly #waiting = new Map<RegistrationProcedure, IncomingRequest[]>();

  /** @returns false when it cannot wait: it is to be ignored. */
  wait(request: IncomingRequest, procedure: RegistrationProcedure): boolean {
    const waiting = this.#waiting.get(procedure) ?? [];
    // The blocks of a stream cannot wait.
    const mayWait = procedure.state.kind === 'registering' && !request.streamed;
    if (!mayWait || waiting.length >= MAX_WAITING) return false;
    waiting.push(request);
    this.#waiting.set(procedure, waiting);
    return true;
  }

  /** Those of a server whose Register has had its outcome, oldest first; they wait no more. */
  take(procedure: RegistrationProcedure): readonly IncomingRequest[] {
    const waiting = this.#waiting.get(procedure) ?? [];
    this.#waiting.delete(procedure);
    return waiting;
  }

  clear(): void {
    this.#waiting.clear();
  }
}
