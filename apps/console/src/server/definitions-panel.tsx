/** The Object definitions the server knows: searched here, looked into, and added to by uploading an object XML. */
import {
  Alert,
  Badge,
  Button,
  Center,
  CloseButton,
  FileButton,
  Group,
  Loader,
  Modal,
  Paper,
  ScrollArea,
  Table,
  Text,
  TextInput,
  Title,
  UnstyledButton,
} from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef, useState, type JSX } from 'react';
import { api } from '../api/rest.ts';
import type { DefinitionSummary } from '../api/shapes.ts';
import { showDone, useOperation } from '../device/operation.ts';
import { DEFINITIONS } from '../devices/object-names.ts';
import { Failure, sentenceOf, titleOf } from '../failure.tsx';
import { Icon } from '../icons.tsx';
import classes from './server-page.module.css';

const ROW_HEIGHT = 40;

const matches = ({ objectId, name, urn }: DefinitionSummary, search: string): boolean => {
  const wanted = search.trim().toLowerCase();
  return String(objectId).startsWith(wanted) || name.toLowerCase().includes(wanted) || urn.toLowerCase() === wanted;
};

export const DefinitionsPanel = (): JSX.Element => {
  const definitions = useQuery({ queryKey: DEFINITIONS, queryFn: ({ signal }) => api.definitions(signal) });
  const [search, setSearch] = useState('');
  const [opened, setOpened] = useState<DefinitionSummary>();
  const all = definitions.data?.items ?? [];
  const found = search === '' ? all : all.filter((definition) => matches(definition, search));
  return (
    <Paper withBorder component="section" aria-label="Object definitions">
      <Group p="md" justify="space-between" align="flex-start">
        <div>
          <Group gap="xs" align="baseline">
            <Title order={2} size="h5">
              Object definitions
            </Title>
            <Text className="quiet numbers" size="sm" role="status">
              {search === '' ? all.length : `${found.length} of ${all.length}`}
            </Text>
          </Group>
        </div>
        <Group gap="sm">
          <TextInput
            type="search"
            aria-label="Search definitions"
            placeholder="Name or Object ID"
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
            leftSection={<Icon name="search" size={16} />}
            rightSection={
              search === '' ? null : (
                <CloseButton size="sm" aria-label="Clear the search" onClick={() => setSearch('')} />
              )
            }
          />
          <Upload />
        </Group>
      </Group>
      {definitions.isPending ? (
        <Center h={120}>
          <Loader aria-label="Loading the definitions" />
        </Center>
      ) : definitions.isError ? (
        <Failure error={definitions.error} retry={() => void definitions.refetch()} />
      ) : found.length === 0 ? (
        <Text p="md" className="quiet" size="sm">
          {all.length === 0 ? 'No definition is known.' : `No definition matches “${search}”.`}
        </Text>
      ) : (
        <DefinitionList definitions={found} onOpen={setOpened} />
      )}
      <Modal
        opened={opened !== undefined}
        onClose={() => setOpened(undefined)}
        title={opened === undefined ? '' : `${opened.name} /${opened.objectId}, version ${opened.version}`}
        size="xl"
        attributes={{ header: { role: 'presentation' } }}
        closeButtonProps={{ 'aria-label': 'Close the dialog' }}
        transitionProps={{ duration: 120 }}
      >
        {opened === undefined ? null : <DefinitionView summary={opened} />}
      </Modal>
    </Paper>
  );
};

interface DefinitionListProps {
  readonly definitions: readonly DefinitionSummary[];
  readonly onOpen: (definition: DefinitionSummary) => void;
}

const DefinitionList = ({ definitions, onOpen }: DefinitionListProps): JSX.Element => {
  const scroll = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: definitions.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 10,
  });
  return (
    <div
      ref={scroll}
      className={classes['list']}
      style={{ height: Math.min(480, definitions.length * ROW_HEIGHT + 1) }}
      tabIndex={0}
      role="region"
      aria-label="Known definitions"
    >
      <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const definition = definitions[index]!;
          return (
            <UnstyledButton
              key={`${definition.objectId} ${definition.version}`}
              className={classes['definition']}
              style={{ transform: `translateY(${start}px)` }}
              onClick={() => onOpen(definition)}
            >
              <span className="quiet mono numbers">/{definition.objectId}</span>
              <span>{definition.name}</span>
              <span className="quiet numbers">{definition.version}</span>
            </UnstyledButton>
          );
        })}
      </div>
    </div>
  );
};

const DefinitionView = ({ summary }: { readonly summary: DefinitionSummary }): JSX.Element => {
  const { objectId, version, urn, multiple, mandatory } = summary;
  const definition = useQuery({
    queryKey: [...DEFINITIONS, objectId, version],
    queryFn: ({ signal }) => api.definition(objectId, version, signal),
  });
  return (
    <>
      <Group gap={6} mb="sm">
        <Text size="sm" className="quiet mono">
          {urn}
        </Text>
        <Badge variant="light" color="gray" c="inherit" tt="none">
          {multiple ? 'several Object Instances' : 'one Object Instance'}
        </Badge>
        <Badge variant="light" color="gray" c="inherit" tt="none">
          {mandatory ? 'mandatory' : 'optional'}
        </Badge>
      </Group>
      {definition.data === undefined ? (
        definition.isError ? (
          <Failure error={definition.error} />
        ) : (
          <Center h={120}>
            <Loader aria-label="Loading the definition" />
          </Center>
        )
      ) : (
        <ScrollArea.Autosize
          mah="65vh"
          type="auto"
          viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': 'Resources of the definition' }}
        >
          <Table verticalSpacing={6} stickyHeader>
            <Table.Thead>
              <Table.Tr>
                {['ID', 'Resource', 'Operations', 'Type', 'Range', 'Unit'].map((column) => (
                  <Table.Th key={column}>{column}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {definition.data.resources.map((resource) => (
                <Table.Tr key={resource.resourceId}>
                  <Table.Td className="numbers">{resource.resourceId}</Table.Td>
                  <Table.Td>
                    {resource.name}
                    {resource.mandatory ? <span className="quiet"> · mandatory</span> : null}
                  </Table.Td>
                  <Table.Td>{resource.operations || '–'}</Table.Td>
                  <Table.Td>
                    {resource.type}
                    {resource.multiple ? '[]' : ''}
                  </Table.Td>
                  <Table.Td>{resource.range}</Table.Td>
                  <Table.Td>{resource.units}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </ScrollArea.Autosize>
      )}
    </>
  );
};

const Upload = (): JSX.Element => {
  const queries = useQueryClient();
  const { state, run } = useOperation();
  const upload = (file: File | null): void => {
    if (file === null) return;
    run(
      async () => {
        await api.addDefinition(await file.text());
      },
      () => {
        showDone(`The definition in ${file.name} was added.`);
        void queries.invalidateQueries({ queryKey: DEFINITIONS });
        void queries.invalidateQueries({ queryKey: ['device'] });
      },
    );
  };
  return (
    <div>
      <FileButton accept=".xml,application/xml,text/xml" onChange={upload}>
        {(button) => (
          <Button
            {...button}
            variant="light"
            leftSection={<Icon name="upload" size={16} />}
            loading={state.kind === 'pending'}
          >
            Add an object XML
          </Button>
        )}
      </FileButton>
      {state.kind === 'refused' ? (
        <Alert color="red" role="alert" title={titleOf(state.error)} mt="xs" maw={420}>
          {sentenceOf(state.error)}
        </Alert>
      ) : null}
    </div>
  );
};
