/** The operations on a node that are not used all the time. */
import { ActionIcon, Menu } from '@mantine/core';
import type { JSX, ReactNode } from 'react';
import { Icon } from '../icons.tsx';
import { useDeviceScope } from './device-scope.ts';

interface MoreMenuProps {
  readonly path: string;
  readonly name: string;
  readonly children?: ReactNode;
}

export const MoreMenu = ({ path, name, children }: MoreMenuProps): JSX.Element => {
  const { open, registered, compositeSet, changeCompositeSet } = useDeviceScope();
  const isInSet = compositeSet.includes(path);
  return (
    <Menu position="bottom-end" width={240} withinPortal withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" c="inherit" aria-label={`More for ${name}`} disabled={!registered}>
          <Icon name="more" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<Icon name="attributes" size={16} />}
          onClick={() => open({ kind: 'attributes', path, name })}
        >
          Write attributes
        </Menu.Item>
        <Menu.Item
          leftSection={<Icon name="discover" size={16} />}
          onClick={() => open({ kind: 'discover', path, name })}
        >
          Discover
        </Menu.Item>
        <Menu.Item
          leftSection={<Icon name={isInSet ? 'remove' : 'create'} size={16} />}
          onClick={() =>
            changeCompositeSet(isInSet ? compositeSet.filter((each) => each !== path) : [...compositeSet, path])
          }
        >
          {isInSet ? 'Take out of the composite set' : 'Add to the composite set'}
        </Menu.Item>
        {children}
      </Menu.Dropdown>
    </Menu>
  );
};
