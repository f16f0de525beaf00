/** What the device sent by itself: every value with its own time, the newest first, live; the server keeps the last ones. */
import { Button, Center, Group, Paper, ScrollArea, Table, Text, Title } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { memo, type JSX } from 'react';
import { parseNodePath } from '../api/node-path.ts';
import type { SentValue } from '../api/shapes.ts';
import { useLive } from '../live/live-data.ts';
import { sendsKey } from '../live/send-list.ts';
import { formatLocalTime, formatValue } from '../values/format-value.ts';
import { besideNumber, unitSymbol } from '../values/unit-symbols.ts';
import { nodeName } from './composite-set.ts';
import { resourceDefinition, useDeviceScope } from './device-scope.ts';
import { useUnits } from './resource-row.tsx';
import classes from './sends-card.module.css';

export const SendsCard = (): JSX.Element | null => {
  const { name } = useDeviceScope();
  const live = useLive();
  const sends = useInfiniteQuery({
    queryKey: sendsKey(name),
    queryFn: ({ pageParam, signal }) => live.loadSends(name, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const items = sends.data?.pages.flatMap((page) => page.items) ?? [];
  if (items.length === 0) return null;
  return (
    <Paper withBorder p="md" component="section" aria-label="Sent values">
      <Group gap="xs" align="baseline" mb="xs">
        <Title order={2} size="h5">
          Sent values
        </Title>
        <Text className="quiet" size="sm">
          What the device sent by itself, the newest first; the server keeps the last ones.
        </Text>
      </Group>
      <ScrollArea.Autosize
        mah={340}
        type="auto"
        viewportProps={{ tabIndex: 0, 'aria-label': 'What the device sent', role: 'region' }}
      >
        <Table verticalSpacing={4} stickyHeader miw={520} aria-label="Sent values">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Time</Table.Th>
              <Table.Th>Resource</Table.Th>
              <Table.Th>Value</Table.Th>
              <Table.Th>Received</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {items.map((sent) => (
              <SentRow key={sent.id} sent={sent} />
            ))}
          </Table.Tbody>
        </Table>
        {sends.hasNextPage ? (
          <Center p="xs">
            <Button
              variant="subtle"
              size="compact-sm"
              loading={sends.isFetchingNextPage}
              onClick={() => void sends.fetchNextPage()}
            >
              Show older values
            </Button>
          </Center>
        ) : null}
      </ScrollArea.Autosize>
    </Paper>
  );
};

const SentRow = memo(({ sent }: { readonly sent: SentValue }): JSX.Element => {
  const { definitions } = useDeviceScope();
  const { path, type, value, timestamp, receivedAt } = sent;
  const { objectId = 0, objectInstanceId = 0, resourceId } = parseNodePath(path) ?? {};
  const resource = resourceId === undefined ? undefined : resourceDefinition(definitions.get(objectId), resourceId);
  const units = unitSymbol(useUnits(objectId, objectInstanceId, resource));
  const { short, full } = type === undefined ? { short: 'no value' } : formatValue(type, value ?? null);
  const received = formatLocalTime(Date.parse(receivedAt));
  return (
    <Table.Tr data-testid={`sent-${path}`}>
      <Table.Td className={`numbers ${classes['time']}`} title={timestamp ?? receivedAt}>
        {timestamp === undefined ? received : formatLocalTime(Date.parse(timestamp))}
      </Table.Td>
      <Table.Td>
        {nodeName(definitions, path)} <span className="quiet mono numbers">{path}</span>
      </Table.Td>
      <Table.Td className={`numbers ${classes['value']}`} title={full}>
        {type === 'opaque' ? <span className="mono">{short}</span> : short}
        {units === '' || value === undefined || value === null ? null : (
          <span className="quiet">{besideNumber(units)}</span>
        )}
      </Table.Td>
      <Table.Td className={`numbers quiet ${classes['time']}`} title={receivedAt}>
        {received}
      </Table.Td>
    </Table.Tr>
  );
});
