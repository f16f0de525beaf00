/** A part of the editor that lists things of one kind: a heading, the things, and how to add one. */
import { ActionIcon, Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import type { JSX, ReactNode } from 'react';
import { Icon } from '../icons.tsx';
import classes from './bootstrap-page.module.css';
import { useFormScope } from './form-scope.ts';

interface SectionProps {
  readonly title: string;
  readonly description: string;
  readonly controls?: ReactNode;
  readonly children?: ReactNode;
}

export const Section = ({ title, description, controls, children }: SectionProps): JSX.Element => (
  <Paper withBorder p="md" component="section" aria-label={title}>
    <Title order={2} size="h5">
      {title}
    </Title>
    <Text className="quiet" size="sm" maw={680} mb="sm">
      {description}
    </Text>
    <Stack gap="sm">
      {children}
      {controls === undefined ? null : <Group gap="xs">{controls}</Group>}
    </Stack>
  </Paper>
);

interface ItemProps {
  /** "LwM2M Server 1". */
  readonly name: string;
  readonly pointer: string;
  readonly onRemove: () => void;
  readonly onUp?: (() => void) | undefined;
  readonly children: ReactNode;
}

export const Item = ({ name, pointer, onRemove, onUp, children }: ItemProps): JSX.Element => {
  const wrong = useFormScope().mistakes.at(pointer);
  return (
    <div role="group" aria-label={name} className={classes['item']}>
      <Group justify="space-between" wrap="nowrap" mb="xs">
        <Text fw={600} size="sm">
          {name}
        </Text>
        <Group gap={4} wrap="nowrap">
          {onUp === undefined ? null : (
            <ActionIcon variant="subtle" color="gray" c="inherit" aria-label={`Move ${name} up`} onClick={onUp}>
              <Icon name="up" size={16} />
            </ActionIcon>
          )}
          <ActionIcon variant="subtle" color="red" aria-label={`Remove ${name}`} onClick={onRemove}>
            <Icon name="remove" size={16} />
          </ActionIcon>
        </Group>
      </Group>
      {wrong === undefined ? null : (
        <Text size="sm" c="var(--lapwing-alarm)" mb="xs" role="alert">
          {wrong}
        </Text>
      )}
      {children}
    </div>
  );
};

interface AddButtonProps {
  readonly children: string;
  readonly onClick: () => void;
}

export const AddButton = ({ children, onClick }: AddButtonProps): JSX.Element => (
  <Button variant="light" size="xs" leftSection={<Icon name="create" size={14} />} onClick={onClick}>
    {children}
  </Button>
);

/** The list with one of its members changed, without it, or with it one place earlier. */
export const replaced = <T extends { readonly key: string }>(list: readonly T[], changed: T): readonly T[] =>
  list.map((each) => (each.key === changed.key ? changed : each));
export const without = <T extends { readonly key: string }>(list: readonly T[], key: string): readonly T[] =>
  list.filter((each) => each.key !== key);
export const movedUp = <T,>(list: readonly T[], index: number): readonly T[] =>
  index === 0 ? list : [...list.slice(0, index - 1), list[index]!, list[index - 1]!, ...list.slice(index + 1)];
