/** Running one operation from a control: whether it is under way, what refused it, and what to say. */
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { sentenceOf, titleOf } from '../failure.tsx';

/** ms that what was done, and what was refused, stay on screen. */
const DONE_SHOWN = 3000;
const REFUSAL_SHOWN = 10_000;
const DISMISS = { 'aria-label': 'Dismiss' };

export const showDone = (message: string): void => {
  notifications.show({ message, color: 'lapwing', autoClose: DONE_SHOWN, closeButtonProps: DISMISS });
};

export const showNote = (title: string, message: string): void => {
  notifications.show({ title, message, color: 'orange', autoClose: REFUSAL_SHOWN, closeButtonProps: DISMISS });
};

/** @param what  "Read /3/0/9". */
export const showRefusal = (what: string, error: unknown): void => {
  notifications.show({
    title: `${what}: ${titleOf(error).replace(/^The device answered /, '')}`,
    message: sentenceOf(error),
    color: 'red',
    autoClose: REFUSAL_SHOWN,
    role: 'alert',
    closeButtonProps: DISMISS,
  });
};

export type OperationState =
  { readonly kind: 'idle' } | { readonly kind: 'pending' } | { readonly kind: 'refused'; readonly error: unknown };

export interface Operation {
  readonly state: OperationState;
  /** Runs unless one is under way; `done` is called when it was accepted. */
  readonly run: (call: () => Promise<void>, done?: () => void) => void;
}

/** @param onRefusal  called besides `state`, for controls that have no room for a sentence. */
export const useOperation = (onRefusal?: (error: unknown) => void): Operation => {
  const [state, setState] = useState<OperationState>({ kind: 'idle' });
  const run = (call: () => Promise<void>, done?: () => void): void => {
    if (state.kind === 'pending') return;
    setState({ kind: 'pending' });
    call().then(
      () => {
        setState({ kind: 'idle' });
        done?.();
      },
      (error: unknown) => {
        setState({ kind: 'refused', error });
        onRefusal?.(error);
      },
    );
  };
  return { state, run };
};
