/** One part of the Security page: its title, a word on it, its controls and, once it is loaded, its content. */
import { Center, Group, Loader, Paper, Text, Title } from '@mantine/core';
import type { JSX, ReactNode } from 'react';
import { Failure } from '../failure.tsx';

interface PanelProps<Data> {
  readonly title: string;
  readonly description: string;
  /** Beside the title: how many there are. */
  readonly count?: string | undefined;
  readonly controls?: ReactNode;
  readonly query: { readonly data: Data | undefined; readonly error: unknown; readonly refetch: () => unknown };
  readonly children: (data: Data) => ReactNode;
}

export const Panel = <Data,>({
  title,
  description,
  count,
  controls,
  query,
  children,
}: PanelProps<Data>): JSX.Element => (
  <Paper withBorder p="md" component="section" aria-label={title}>
    <Group justify="space-between" align="flex-start" mb="sm">
      <div>
        <Group gap="xs" align="baseline">
          <Title order={2} size="h5">
            {title}
          </Title>
          {count === undefined ? null : (
            <Text className="quiet numbers" size="sm" role="status">
              {count}
            </Text>
          )}
        </Group>
        <Text className="quiet" size="sm" maw={680}>
          {description}
        </Text>
      </div>
      {controls}
    </Group>
    {query.data !== undefined ? (
      children(query.data)
    ) : query.error !== null ? (
      <Failure error={query.error} retry={() => void query.refetch()} />
    ) : (
      <Center h={80}>
        <Loader size="sm" aria-label={`Loading: ${title}`} />
      </Center>
    )}
  </Paper>
);
