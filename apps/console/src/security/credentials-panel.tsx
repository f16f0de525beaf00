/** What devices prove themselves with: searched, added, removed; keys are never shown again once stored. */
import { ActionIcon, Button, CloseButton, Group, Modal, Table, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useState, type JSX } from 'react';
import type { Credential } from '../api/shapes.ts';
import { DialogFrame } from '../device/dialogs/dialog-frame.tsx';
import { showDone, useOperation } from '../device/operation.ts';
import { Icon } from '../icons.tsx';
import { TextLink } from '../text-link.tsx';
import { AddCredential } from './add-credential.tsx';
import type { CredentialSource } from './credential-source.ts';
import { Panel } from './panel.tsx';
import { SECURITY_WORDS, SecurityMark } from './security-mark.tsx';

const PAGE_SIZE = 50;
/** ms of silence before a search goes to the server. */
const TYPING = 200;

export const CredentialsPanel = ({ source }: { readonly source: CredentialSource }): JSX.Element => {
  const [typed, setTyped] = useState('');
  const [search] = useDebouncedValue(typed.trim(), TYPING);
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Credential>();
  const query = useInfiniteQuery({
    queryKey: [...source.queryKey, search],
    queryFn: ({ pageParam, signal }) => source.list({ limit: PAGE_SIZE, cursor: pageParam, search, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    placeholderData: keepPreviousData,
  });
  return (
    <Panel
      title={source.title}
      description={source.description}
      count={query.data?.pages.at(-1)?.total.toLocaleString()}
      query={query}
      controls={
        <Group gap="sm">
          <TextInput
            type="search"
            aria-label={`Search ${source.title.toLowerCase()}`}
            placeholder="Device or identity"
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            leftSection={<Icon name="search" size={16} />}
            rightSection={
              typed === '' ? null : <CloseButton size="sm" aria-label="Clear the search" onClick={() => setTyped('')} />
            }
          />
          <Button leftSection={<Icon name="create" size={16} />} onClick={() => setAdding(true)}>
            Add a credential
          </Button>
        </Group>
      }
    >
      {({ pages }) => {
        const items = pages.flatMap((page) => page.items);
        return (
          <>
            {items.length === 0 ? (
              <Text size="sm" className="quiet">
                {search === '' ? 'No device has credentials yet.' : `No credential matches “${search}”.`}
              </Text>
            ) : (
              <CredentialTable label={source.title} items={items} onRemove={setRemoving} />
            )}
            {query.hasNextPage ? (
              <Group justify="center" mt="sm">
                <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  Show more
                </Button>
              </Group>
            ) : null}
            <AddCredential
              source={source}
              opened={adding}
              onClose={() => setAdding(false)}
              onAdded={() => void query.refetch()}
            />
            <Modal
              opened={removing !== undefined}
              onClose={() => setRemoving(undefined)}
              title="Remove this credential?"
              attributes={{ header: { role: 'presentation' } }}
              closeButtonProps={{ 'aria-label': 'Close the dialog' }}
              transitionProps={{ duration: 120 }}
            >
              {removing === undefined ? null : (
                <Remove
                  source={source}
                  credential={removing}
                  onClose={() => setRemoving(undefined)}
                  onRemoved={() => void query.refetch()}
                />
              )}
            </Modal>
          </>
        );
      }}
    </Panel>
  );
};

interface CredentialTableProps {
  readonly label: string;
  readonly items: readonly Credential[];
  readonly onRemove: (credential: Credential) => void;
}

const CredentialTable = ({ label, items, onRemove }: CredentialTableProps): JSX.Element => (
  <Table.ScrollContainer minWidth={520}>
    <Table verticalSpacing={6} aria-label={label}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Device</Table.Th>
          <Table.Th>Kind</Table.Th>
          <Table.Th>Identity</Table.Th>
          <Table.Th aria-label="Actions" />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {items.map((credential) => {
          const { device, kind, identity } = credential;
          return (
            <Table.Tr key={`${device} ${kind}`}>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>
                <TextLink to="/devices/$name" params={{ name: device }} size="sm" fw={600}>
                  {device}
                </TextLink>
              </Table.Td>
              <Table.Td>
                <SecurityMark security={{ kind }} />
              </Table.Td>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>
                {identity === null ? (
                  <span className="quiet">any certificate that names it</span>
                ) : (
                  <span className="mono">{identity}</span>
                )}
              </Table.Td>
              <Table.Td>
                <Group justify="flex-end">
                  <ActionIcon
                    variant="subtle"
                    color="red"
                    aria-label={`Remove ${SECURITY_WORDS[kind].label} of ${device}`}
                    onClick={() => onRemove(credential)}
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
  </Table.ScrollContainer>
);

interface RemoveProps {
  readonly source: CredentialSource;
  readonly credential: Credential;
  readonly onClose: () => void;
  readonly onRemoved: () => void;
}

const Remove = ({ source, credential: { device, kind }, onClose, onRemoved }: RemoveProps): JSX.Element => {
  const { state, run } = useOperation();
  return (
    <DialogFrame
      state={state}
      submit="Remove"
      danger
      onClose={onClose}
      onSubmit={() =>
        run(
          async () => {
            await source.remove(device, kind);
          },
          () => {
            showDone(`The credential of ${device} was removed.`);
            onRemoved();
            onClose();
          },
        )
      }
    >
      <Text>{source.removalWords(device)}</Text>
    </DialogFrame>
  );
};
