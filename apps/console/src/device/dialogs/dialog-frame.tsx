/** What all dialogs share: a form that stays open, with what was typed, until it was accepted. */
import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import type { JSX, ReactNode } from 'react';
import { sentenceOf, titleOf } from '../../failure.tsx';
import type { OperationState } from '../operation.ts';

interface DialogFrameProps {
  /** Of what is operated on. */
  readonly path?: string;
  readonly state: OperationState;
  readonly submit: string;
  readonly onSubmit: () => void;
  readonly onClose: () => void;
  readonly danger?: boolean;
  readonly children?: ReactNode;
}

export const DialogFrame = ({
  path,
  state,
  submit,
  onSubmit,
  onClose,
  danger,
  children,
}: DialogFrameProps): JSX.Element => (
  <form
    noValidate
    onSubmit={(event) => {
      event.preventDefault();
      onSubmit();
    }}
  >
    <Stack>
      {path === undefined ? null : (
        <Text className="quiet mono" size="sm">
          {path}
        </Text>
      )}
      {children}
      {state.kind === 'refused' ? (
        <Alert color="red" role="alert" title={titleOf(state.error)}>
          {sentenceOf(state.error)}
        </Alert>
      ) : null}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          Close
        </Button>
        <Button type="submit" loading={state.kind === 'pending'} {...(danger === true ? { color: 'red.9' } : {})}>
          {submit}
        </Button>
      </Group>
    </Stack>
  </form>
);
