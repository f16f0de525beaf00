/** What waits for a device that sleeps: given up and put in another order here. */
import { ActionIcon, Badge, Group, Paper, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { JSX } from 'react';
import { api } from '../api/rest.ts';
import type { PendingOperation } from '../api/shapes.ts';
import { Icon } from '../icons.tsx';
import { pendingKey } from '../live/live-data.ts';
import { formatLocalTime } from '../values/format-value.ts';
import { useDeviceScope } from './device-scope.ts';
import { showRefusal } from './operation.ts';

const SHOWN: Readonly<Record<string, string>> = {
  read: 'Read',
  write: 'Write',
  execute: 'Execute',
  create: 'Create',
  delete: 'Delete',
  discover: 'Discover',
  observe: 'Observe',
  cancelObserve: 'Cancel an observation',
  writeAttributes: 'Write-Attributes',
  readComposite: 'Read-Composite',
  writeComposite: 'Write-Composite',
  observeComposite: 'Observe-Composite',
  cancelObserveComposite: 'Cancel an observation',
};

/** @param awake  whether the device is. */
export const PendingCard = ({ awake }: { readonly awake: boolean }): JSX.Element | null => {
  const { name, registered } = useDeviceScope();
  const pending = useQuery({
    queryKey: pendingKey(name),
    queryFn: ({ signal }) => api.pending(name, signal),
    enabled: registered,
  });
  if (pending.data === undefined) return null;
  const { items } = pending.data;
  const waiting = items.filter(({ state }) => state === 'waiting').map(({ operationId }) => operationId);
  const change = (what: string, call: () => Promise<unknown>): void => {
    call().then(
      () => void pending.refetch(),
      (error: unknown) => {
        showRefusal(what, error);
        void pending.refetch();
      },
    );
  };
  const earlier = ({ operationId }: PendingOperation): void => {
    const at = waiting.indexOf(operationId);
    const order = [...waiting.slice(0, at - 1), operationId, waiting[at - 1]!, ...waiting.slice(at + 1)];
    change('Put an operation first', () => api.reorderPending(name, order));
  };
  return (
    <Paper withBorder p="md" component="section" aria-label="Pending operations">
      <Group gap="xs" mb={4}>
        <Title order={2} size="h5">
          Pending operations
        </Title>
        <Badge variant="light" color={awake ? 'lapwing' : 'gray'} c="inherit" tt="none" role="status">
          {awake ? 'The device is awake' : 'The device sleeps'}
        </Badge>
      </Group>
      {items.length === 0 ? (
        <Text size="sm" className="quiet">
          Nothing waits. What is asked while the device sleeps is sent when it wakes.
        </Text>
      ) : (
        <Table verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Operation</Table.Th>
              <Table.Th>Paths</Table.Th>
              <Table.Th>State</Table.Th>
              <Table.Th visibleFrom="sm">Since</Table.Th>
              <Table.Th aria-label="Actions" />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {items.map((item) => {
              const what = `${SHOWN[item.operation] ?? item.operation} ${item.paths.join(' ')}`;
              return (
                <Table.Tr key={item.operationId}>
                  <Table.Td>{SHOWN[item.operation] ?? item.operation}</Table.Td>
                  <Table.Td className="mono numbers">{item.paths.join(' ')}</Table.Td>
                  <Table.Td>{item.state}</Table.Td>
                  <Table.Td className="numbers" visibleFrom="sm">
                    {formatLocalTime(Date.parse(item.createdAt))}
                  </Table.Td>
                  <Table.Td>
                    <Group justify="flex-end" gap={4} wrap="nowrap">
                      {waiting.indexOf(item.operationId) > 0 ? (
                        <ActionIcon
                          variant="subtle"
                          color="gray"
                          c="inherit"
                          aria-label={`${what} earlier`}
                          onClick={() => earlier(item)}
                        >
                          <Icon name="up" size={16} />
                        </ActionIcon>
                      ) : null}
                      <ActionIcon
                        variant="subtle"
                        color="gray"
                        c="inherit"
                        aria-label={`Give up ${what}`}
                        onClick={() => change('Give up', () => api.cancelPending(name, item.operationId))}
                      >
                        <Icon name="remove" size={16} />
                      </ActionIcon>
                    </Group>
                  </Table.Td>
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      )}
    </Paper>
  );
};
