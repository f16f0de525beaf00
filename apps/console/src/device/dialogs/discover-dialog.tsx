/** What a Discover answers: the nodes below a path with their attributes. Asked for when the dialog opens. */
import { Badge, Button, Center, Group, Loader, ScrollArea, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { JSX } from 'react';
import { Failure } from '../../failure.tsx';
import { useDeviceScope } from '../device-scope.ts';

interface DiscoverDialogProps {
  readonly path: string;
  readonly onClose: () => void;
}

export const DiscoverDialog = ({ path, onClose }: DiscoverDialogProps): JSX.Element => {
  const { name, operations } = useDeviceScope();
  const discover = useQuery({
    queryKey: ['discover', name, path],
    queryFn: () => operations.discover(path),
    staleTime: 0,
    gcTime: 0,
    retry: false,
  });
  return (
    <>
      <Text className="quiet mono" size="sm" mb="sm">
        {path}
      </Text>
      {discover.isFetching ? (
        <Center h={120}>
          <Loader aria-label="Waiting for the device" />
        </Center>
      ) : discover.isError ? (
        <Failure error={discover.error} retry={() => void discover.refetch()} />
      ) : (
        <ScrollArea.Autosize
          mah="60vh"
          type="auto"
          viewportProps={{ tabIndex: 0, 'aria-label': 'What was discovered', role: 'region' }}
        >
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Path</Table.Th>
                <Table.Th>Attributes</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {(discover.data ?? []).map((node) => (
                <Table.Tr key={node.path}>
                  <Table.Td className="mono numbers">{node.path}</Table.Td>
                  <Table.Td>
                    <Group gap={6}>
                      {node.version === undefined ? null : <Fact text={`ver=${node.version}`} />}
                      {node.dimension === undefined ? null : <Fact text={`dim=${node.dimension}`} />}
                      {Object.entries(node.attributes).map(([key, value]) => (
                        <Fact key={key} text={`${key}=${value}`} />
                      ))}
                    </Group>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </ScrollArea.Autosize>
      )}
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={onClose}>
          Close
        </Button>
      </Group>
    </>
  );
};

const Fact = ({ text }: { readonly text: string }): JSX.Element => (
  <Badge variant="light" color="gray" c="inherit" tt="none" fw={500}>
    {text}
  </Badge>
);
