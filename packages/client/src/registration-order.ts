/**
 * In which order servers are registered with: those with a Registration Priority Order (/1/x/13) one after the other, the
 * least first; the others at once and on their own. A server is dealt with when it has accepted, or when all its attempts
 * have failed; in the second case its Registration Failure Block (/1/x/15) holds up those after it until it accepts.
 * OMA TS Core §6.2.1.1.
 */
import type { RegistrationProcedure } from './registration-procedure.ts';

export class RegistrationOrder {
  readonly #procedures: readonly RegistrationProcedure[];
  /** Not yet begun, in order. */
  #queue: RegistrationProcedure[] = [];
  /** The one the queue waits for. */
  #current: RegistrationProcedure | undefined;

  constructor(procedures: readonly RegistrationProcedure[]) {
    this.#procedures = procedures;
  }

  /** Register with all servers. */
  begin(): void {
    const priorityOf = ({ settings }: RegistrationProcedure): number => settings.priority ?? Infinity;
    this.#queue = this.#procedures
      .filter((procedure) => priorityOf(procedure) !== Infinity)
      .sort((a, b) => priorityOf(a) - priorityOf(b));
    this.#current = undefined;
    for (const procedure of this.#procedures) {
      if (!this.#queue.includes(procedure)) procedure.handle({ kind: 'begin' });
    }
    this.#next();
  }

  registered(procedure: RegistrationProcedure): void {
    if (procedure === this.#current) this.#next();
  }

  /** All attempts with this server have failed. */
  failed(procedure: RegistrationProcedure): void {
    if (procedure === this.#current && !procedure.settings.blocksOnFailure) this.#next();
  }

  #next(): void {
    this.#current = this.#queue.shift();
    this.#current?.handle({ kind: 'begin' });
  }
}
