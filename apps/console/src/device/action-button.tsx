/** A small button with an icon and a name, for one operation on one node. */
import { ActionIcon, Tooltip } from '@mantine/core';
import type { JSX } from 'react';
import { Icon, type IconName } from '../icons.tsx';
import { observedAt, useDeviceScope } from './device-scope.ts';
import { showRefusal, useOperation } from './operation.ts';

interface ActionButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly onClick: () => void;
  readonly pending?: boolean;
  readonly pressed?: boolean;
  readonly disabled?: boolean;
}

export const ActionButton = ({ icon, label, onClick, pending, pressed, disabled }: ActionButtonProps): JSX.Element => (
  <Tooltip label={label} openDelay={400}>
    <ActionIcon
      variant={pressed === true ? 'filled' : 'subtle'}
      color={pressed === true ? 'lapwing' : 'gray'}
      {...(pressed === true ? {} : { c: 'inherit' })}
      aria-label={label}
      aria-pressed={pressed}
      loading={pending ?? false}
      disabled={disabled ?? false}
      onClick={onClick}
    >
      <Icon name={icon} />
    </ActionIcon>
  </Tooltip>
);

interface NodeProps {
  readonly path: string;
  /** As people call the node: "Sensor Value", "Device". */
  readonly name: string;
}

export const ReadButton = ({ path, name }: NodeProps): JSX.Element => {
  const { operations, registered } = useDeviceScope();
  const { state, run } = useOperation((error) => showRefusal(`Read ${path}`, error));
  return (
    <ActionButton
      icon="read"
      label={`Read ${name}`}
      pending={state.kind === 'pending'}
      disabled={!registered}
      onClick={() =>
        run(async () => {
          await operations.read(path);
        })
      }
    />
  );
};

/** Observes, and cancels what it observes; a node observed from above can still be observed by itself. */
export const ObserveButton = ({ path, name }: NodeProps): JSX.Element => {
  const { operations, observed, registered } = useDeviceScope();
  const pressed = observedAt(observed, path)?.kind === 'itself';
  const { state, run } = useOperation((error) => showRefusal(`${pressed ? 'Cancel' : 'Observe'} ${path}`, error));
  return (
    <ActionButton
      icon="observe"
      label={`Observe ${name}`}
      pressed={pressed}
      pending={state.kind === 'pending'}
      disabled={!registered}
      onClick={() => run(() => (pressed ? operations.cancel(path) : operations.observe(path)))}
    />
  );
};
