/** Execute a Resource, with arguments or without. */
import { TextInput } from '@mantine/core';
import { useState, type JSX } from 'react';
import { useDeviceScope } from '../device-scope.ts';
import { showDone, useOperation } from '../operation.ts';
import { DialogFrame } from './dialog-frame.tsx';

interface ExecuteDialogProps {
  readonly path: string;
  readonly name: string;
  readonly onClose: () => void;
}

/** A comma separated list of digits, each alone or with a quoted value. OMA LwM2M Core, Execute. */
const ARGUMENTS = /^(\d(='[^']*')?(,\d(='[^']*')?)*)?$/;

export const ExecuteDialog = ({ path, name, onClose }: ExecuteDialogProps): JSX.Element => {
  const { operations } = useDeviceScope();
  const [args, setArgs] = useState('');
  const [strict, setStrict] = useState(false);
  const { state, run } = useOperation();
  const wellFormed = ARGUMENTS.test(args.trim());
  return (
    <DialogFrame
      path={path}
      state={state}
      submit="Execute"
      onClose={onClose}
      onSubmit={() => {
        setStrict(true);
        if (!wellFormed) return;
        run(
          () => operations.execute(path, args.trim()),
          () => {
            showDone(`${name} was executed.`);
            onClose();
          },
        );
      }}
    >
      <TextInput
        label="Arguments"
        description="Digits 0 to 9, each alone or with a value in quotes. Most Resources need none."
        placeholder="0='value',1"
        classNames={{ input: 'mono' }}
        autoComplete="off"
        data-autofocus
        value={args}
        error={strict && !wellFormed ? "Arguments look like 0='value',1." : undefined}
        onChange={(event) => setArgs(event.currentTarget.value)}
      />
    </DialogFrame>
  );
};
