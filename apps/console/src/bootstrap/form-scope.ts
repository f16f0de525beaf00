/** What the fields of the editor share: what is wrong where, and whether it is said yet. */
import { createContext, useContext } from 'react';
import { NO_MISTAKES, type Mistakes } from './mistakes.ts';

export interface FormScope {
  readonly mistakes: Mistakes;
  /** Before the first try a person is left to type. */
  readonly strict: boolean;
}

export const FormScopeContext: React.Context<FormScope> = createContext<FormScope>({
  mistakes: NO_MISTAKES,
  strict: false,
});

export const useFormScope = (): FormScope => useContext(FormScopeContext);

/** What is wrong at one place, for an input's `error`. */
export const useMistake = (pointer: string): string | undefined => useFormScope().mistakes.at(pointer);
