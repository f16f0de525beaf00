/**
 * The states of a Bootstrap and what brings it from one to the next, as one pure function. OMA TS Core §6.1.4, §6.1.7.
 *
 * ```
 *  discovering ──▶ planning ──▶ configuring ──▶ storing ──▶ finishing ──▶ ended
 *   one Discover      │         Reads, Deletes,  only with      │
 *   after another     │         Writes           new keys       │ 4.06, repairs left
 *        ▲            ▼                                         │
 *        └──────── everything of ours again ◀───────────────────┘
 * ```
 *
 * What is to be done in a state is read off the state, `actionOf`; there is one request under way at most (NSTART = 1).
 */
import { Codes, isSuccess, type Code, type FailureReason } from '@lapwing/coap';
import { formatPath } from '@lapwing/lwm2m';
import type { BootstrapOutcome } from './api.ts';
import type { PlannedOperation } from './plan.ts';

export type SessionState =
  | { readonly kind: 'discovering'; readonly round: number; readonly step: number }
  | { readonly kind: 'planning'; readonly round: number }
  /** @param format  index of the Content-Format that is written in. */
  | { readonly kind: 'configuring'; readonly round: number; readonly step: number; readonly format: number }
  | { readonly kind: 'storing'; readonly round: number }
  | { readonly kind: 'finishing'; readonly round: number }
  | { readonly kind: 'ended'; readonly outcome: BootstrapOutcome };

export type SessionInput =
  /** @param reason  the code in words, with the diagnostic payload. */
  | { readonly kind: 'answered'; readonly code: Code; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: FailureReason }
  /** The plan is made, or new credentials are stored. */
  | { readonly kind: 'done' }
  | { readonly kind: 'impossible'; readonly reason: string }
  | { readonly kind: 'stop'; readonly outcome: BootstrapOutcome };

/** What a session follows; the plan is there from 'planning' on. */
export interface SessionScript {
  readonly discovers: readonly PlannedOperation[];
  readonly plan: readonly PlannedOperation[];
  /** Content-Formats to write in, best first. */
  readonly formats: readonly number[];
  /** There are new credentials to be made known. */
  readonly stores: boolean;
  readonly maxRepairs: number;
}

export type SessionAction =
  | { readonly kind: 'ask'; readonly operation: PlannedOperation; readonly contentFormat: number }
  | { readonly kind: 'plan' }
  | { readonly kind: 'store' }
  | { readonly kind: 'end'; readonly outcome: BootstrapOutcome };

export const beginning = ({ discovers }: Pick<SessionScript, 'discovers'>): SessionState =>
  discovering(0, 0, discovers);

export function actionOf(state: SessionState, { discovers, plan, formats }: SessionScript): SessionAction {
  switch (state.kind) {
    case 'discovering':
      return { kind: 'ask', operation: discovers[state.step]!, contentFormat: formats[0]! };
    case 'planning':
      return { kind: 'plan' };
    case 'configuring':
      return { kind: 'ask', operation: plan[state.step]!, contentFormat: formats[state.format]! };
    case 'storing':
      return { kind: 'store' };
    case 'finishing':
      return { kind: 'ask', operation: FINISH, contentFormat: formats[0]! };
    case 'ended':
      return { kind: 'end', outcome: state.outcome };
  }
}

/** The next state; the same object when the input means nothing in this one. */
export function advance(state: SessionState, input: SessionInput, script: SessionScript): SessionState {
  if (state.kind === 'ended') return state;
  switch (input.kind) {
    case 'stop':
      return ended(input.outcome);
    case 'impossible':
      return ended({ kind: 'configuration-unusable', reason: input.reason });
    case 'done':
      if (state.kind === 'planning') return configuring(state.round, 0, 0, script);
      return state.kind === 'storing' ? { kind: 'finishing', round: state.round } : state;
    case 'answered':
    case 'failed':
      if (state.kind === 'planning' || state.kind === 'storing') return state;
      return input.kind === 'failed'
        ? afterFailure(state, input.reason, script)
        : afterAnswer(state, input.code, input.reason, script);
  }
}

type AskingState = Extract<SessionState, { kind: 'discovering' | 'configuring' | 'finishing' }>;

const FINISH: PlannedOperation = Object.freeze({ kind: 'finish' });

const ended = (outcome: BootstrapOutcome): SessionState => ({ kind: 'ended', outcome });

const discovering = (round: number, step: number, discovers: readonly PlannedOperation[]): SessionState =>
  step < discovers.length ? { kind: 'discovering', round, step } : { kind: 'planning', round };

function configuring(round: number, step: number, format: number, { plan, stores }: SessionScript): SessionState {
  if (step < plan.length) return { kind: 'configuring', round, step, format };
  // What was made in the first round is known already.
  return stores && round === 0 ? { kind: 'storing', round } : { kind: 'finishing', round };
}

function afterAnswer(state: AskingState, code: Code, reason: string, script: SessionScript): SessionState {
  switch (state.kind) {
    case 'discovering':
      // A device that does not discover is configured all the same.
      return discovering(state.round, state.step + 1, script.discovers);
    case 'configuring': {
      const operation = script.plan[state.step]!;
      if (isSuccess(code) || isBearable(operation, code))
        return configuring(state.round, state.step + 1, state.format, script);
      if (operation.kind === 'write' && isAboutFormat(code) && state.format + 1 < script.formats.length)
        return { ...state, format: state.format + 1 };
      return ended({ kind: 'operation-refused', ...nameOf(operation), code, reason });
    }
    case 'finishing':
      if (isSuccess(code)) return ended({ kind: 'finished' });
      if (code === Codes.notAcceptable && state.round < script.maxRepairs)
        return discovering(state.round + 1, 0, script.discovers);
      return ended({ kind: 'finish-refused', code, reason });
  }
}

function afterFailure(state: AskingState, reason: FailureReason, script: SessionScript): SessionState {
  if (reason === 'peer-closed') return ended({ kind: 'connection-closed' });
  if (reason === 'cancelled') return ended({ kind: 'cancelled' });
  if (state.kind === 'discovering') return discovering(state.round, state.step + 1, script.discovers);
  const operation = state.kind === 'finishing' ? FINISH : script.plan[state.step]!;
  if (reason === 'timeout') return ended({ kind: 'timeout', ...nameOf(operation) });
  // What was read is for people; it is not needed to go on.
  if (state.kind === 'configuring' && operation.kind === 'read')
    return configuring(state.round, state.step + 1, state.format, script);
  return ended({ kind: 'operation-failed', ...nameOf(operation), reason });
}

/** Refusals that leave the device as the configuration wants it, or that Bootstrap-Finish will judge. */
function isBearable(operation: PlannedOperation, code: Code): boolean {
  if (operation.kind === 'read') return true;
  if (operation.kind !== 'delete') return false;
  // A device of LwM2M 1.0 deletes Object Instances only.
  return code === Codes.notFound || (!operation.required && REFUSED_DELETES.has(code));
}

const REFUSED_DELETES: ReadonlySet<Code> = new Set([Codes.badRequest, Codes.methodNotAllowed]);

const isAboutFormat = (code: Code): boolean => code === Codes.unsupportedContentFormat || code === Codes.notAcceptable;

const nameOf = (operation: PlannedOperation): { operation: PlannedOperation['kind']; path: string } => ({
  operation: operation.kind,
  path: pathText(operation),
});

/** "/0/1"; of Bootstrap-Finish "/bs". */
export const pathText = (operation: PlannedOperation): string =>
  operation.kind === 'finish' ? '/bs' : formatPath(operation.path);
