/** How a session goes or ended, in words. */
import { Loader } from '@mantine/core';
import type { JSX } from 'react';
import type { SessionSummary } from '../api/bootstrap-shapes.ts';
import classes from './bootstrap-page.module.css';
import { outcomeMood, stateLabel } from './words.ts';

export const SessionState = ({ session }: { readonly session: SessionSummary }): JSX.Element => {
  const { outcome } = session;
  const mood = outcome === null ? 'neutral' : outcomeMood(outcome);
  return (
    <span className={classes[mood]}>
      {outcome === null ? <Loader size={12} mr={6} aria-hidden /> : null}
      {stateLabel(session)}
    </span>
  );
};
