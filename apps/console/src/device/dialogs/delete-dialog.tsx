/** Ask before something is deleted on the device. */
import { Text } from '@mantine/core';
import type { JSX } from 'react';
import { useDeviceScope } from '../device-scope.ts';
import { showDone, useOperation } from '../operation.ts';
import { DialogFrame } from './dialog-frame.tsx';

interface DeleteDialogProps {
  readonly path: string;
  readonly name: string;
  readonly onClose: () => void;
}

export const DeleteDialog = ({ path, name, onClose }: DeleteDialogProps): JSX.Element => {
  const { operations } = useDeviceScope();
  const { state, run } = useOperation();
  return (
    <DialogFrame
      path={path}
      state={state}
      submit="Delete"
      danger
      onClose={onClose}
      onSubmit={() =>
        run(
          () => operations.delete(path),
          () => {
            showDone(`${name} was deleted.`);
            onClose();
          },
        )
      }
    >
      <Text>{name} will be deleted on the device, with all it holds.</Text>
    </DialogFrame>
  );
};
