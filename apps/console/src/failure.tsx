/** A page or a part of one that could not be loaded, and a way to try again. */
import { Alert, Button } from '@mantine/core';
import type { JSX } from 'react';
import { Refusal } from './api/rest.ts';

export const titleOf = (error: unknown): string => {
  if (!(error instanceof Refusal)) return 'Something went wrong';
  return error.coapCode === undefined ? error.title : `The device answered ${error.coapCode}`;
};

export const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const Failure = ({ error, retry }: { readonly error: unknown; readonly retry?: () => void }): JSX.Element => (
  <Alert color="red" title={titleOf(error)} role="alert">
    {sentenceOf(error)}
    {retry === undefined ? null : (
      <div>
        <Button mt="sm" size="xs" variant="light" color="red" onClick={retry}>
          Try again
        </Button>
      </div>
    )}
  </Alert>
);
