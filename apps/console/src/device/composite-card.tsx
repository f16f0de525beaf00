/** The composite set: several nodes of the device read, observed and written in one operation each. LwM2M 1.1. */
import { ActionIcon, Button, Group, Paper, Table, Text, Title } from '@mantine/core';
import type { JSX } from 'react';
import { parseNodePath } from '../api/node-path.ts';
import { Icon } from '../icons.tsx';
import { formatLocalTime } from '../values/format-value.ts';
import { nodeName } from './composite-set.ts';
import { allows, resourceDefinition, useDeviceScope, useResource } from './device-scope.ts';
import { showRefusal, useOperation } from './operation.ts';
import { useUnits } from './resource-row.tsx';
import { ValueView } from './value-view.tsx';

export const CompositeCard = (): JSX.Element => {
  const { compositeSet, changeCompositeSet, definitions, observed, operations, open, registered } = useDeviceScope();
  const reading = useOperation((error) => showRefusal('Read-Composite', error));
  const isObserved = observed.some(({ paths }) => paths?.join() === compositeSet.join());
  const observing = useOperation((error) => showRefusal(isObserved ? 'Cancel' : 'Observe-Composite', error));
  const writable = compositeSet.filter((path) => {
    const { objectId, resourceId } = parseNodePath(path) ?? {};
    if (objectId === undefined || resourceId === undefined) return false;
    const resource = resourceDefinition(definitions.get(objectId), resourceId);
    return allows(resource, 'W') && resource?.multiple !== true;
  });
  return (
    <Paper withBorder p="md" component="section" aria-label="Composite set">
      <Group justify="space-between" align="flex-start" mb="xs">
        <div>
          <Title order={2} size="h5">
            Composite set
          </Title>
          <Text className="quiet" size="sm">
            Read, observed or written in one operation; kept in this browser.
          </Text>
        </div>
        <Group gap="xs">
          <Button
            variant="light"
            size="xs"
            loading={reading.state.kind === 'pending'}
            disabled={!registered}
            onClick={() => reading.run(() => operations.readComposite(compositeSet))}
          >
            Read the set
          </Button>
          <Button
            variant={isObserved ? 'filled' : 'light'}
            size="xs"
            aria-pressed={isObserved}
            loading={observing.state.kind === 'pending'}
            disabled={!registered}
            onClick={() =>
              observing.run(() =>
                isObserved ? operations.cancelComposite(compositeSet) : operations.observeComposite(compositeSet),
              )
            }
          >
            Observe the set
          </Button>
          <Button
            variant="light"
            size="xs"
            disabled={!registered || writable.length === 0}
            onClick={() => open({ kind: 'writeComposite', paths: writable, name: 'the composite set' })}
          >
            Write the set
          </Button>
          <Button variant="default" size="xs" onClick={() => changeCompositeSet([])}>
            Empty
          </Button>
        </Group>
      </Group>
      <Table verticalSpacing={4}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Path</Table.Th>
            <Table.Th>Name</Table.Th>
            <Table.Th>Value</Table.Th>
            <Table.Th>Time</Table.Th>
            <Table.Th aria-label="Actions" />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {compositeSet.map((path) => (
            <CompositeRow key={path} path={path} />
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
};

const CompositeRow = ({ path }: { readonly path: string }): JSX.Element => {
  const { compositeSet, changeCompositeSet, definitions } = useDeviceScope();
  const { objectId = 0, objectInstanceId = 0, resourceId } = parseNodePath(path) ?? {};
  const snapshot = useResource(path);
  const name = nodeName(definitions, path);
  const resource = resourceId === undefined ? undefined : resourceDefinition(definitions.get(objectId), resourceId);
  const units = useUnits(objectId, objectInstanceId, resource);
  return (
    <Table.Tr data-testid={`composite-${path}`}>
      <Table.Td className="mono numbers">{path}</Table.Td>
      <Table.Td>{name}</Table.Td>
      <Table.Td>
        {snapshot === undefined ? (
          <span className="quiet">{resourceId === undefined ? 'shown below' : '—'}</span>
        ) : snapshot.kind === 'single' ? (
          <ValueView seen={snapshot.seen} units={units} />
        ) : (
          Array.from(snapshot.instances, ([id, seen]) => (
            <div key={id}>
              <span className="quiet numbers">{id}</span> <ValueView seen={seen} units={units} />
            </div>
          ))
        )}
      </Table.Td>
      <Table.Td className="numbers">{snapshot?.kind === 'single' ? formatLocalTime(snapshot.seen.at) : null}</Table.Td>
      <Table.Td>
        <Group justify="flex-end">
          <ActionIcon
            variant="subtle"
            color="gray"
            c="inherit"
            aria-label={`Take ${name} out of the set`}
            onClick={() => changeCompositeSet(compositeSet.filter((each) => each !== path))}
          >
            <Icon name="remove" size={16} />
          </ActionIcon>
        </Group>
      </Table.Td>
    </Table.Tr>
  );
};
