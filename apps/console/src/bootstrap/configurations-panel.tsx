/** What devices are given: searched, added, changed, removed, given now; and how it went the last time. */
import { ActionIcon, Button, CloseButton, Group, Modal, Table, Text, TextInput, Tooltip } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo, useState, type JSX } from 'react';
import { bootstrapApi } from '../api/bootstrap-rest.ts';
import type { DeviceConfiguration, SessionSummary } from '../api/bootstrap-shapes.ts';
import { DialogFrame } from '../device/dialogs/dialog-frame.tsx';
import { showDone, showRefusal, useOperation } from '../device/operation.ts';
import { Icon } from '../icons.tsx';
import { BOOTSTRAP_CONFIGURATIONS } from '../live/bootstrap-live.ts';
import { useNow } from '../live/now.ts';
import { Panel } from '../security/panel.tsx';
import { TextLink } from '../text-link.tsx';
import { formatAge, formatLocalTime } from '../values/format-value.ts';
import classes from './bootstrap-page.module.css';
import { SessionState } from './outcome-view.tsx';
import { lastByDevice, useSessions } from './use-sessions.ts';
import { configurationWords, outcomeMood } from './words.ts';

const PAGE_SIZE = 50;
/** ms of silence before a search goes to the server. */
const TYPING = 200;

export const ConfigurationsPanel = (): JSX.Element => {
  const [typed, setTyped] = useState('');
  const [search] = useDebouncedValue(typed.trim(), TYPING);
  const [removing, setRemoving] = useState<string>();
  const sessions = useSessions().data;
  const last = useMemo(() => lastByDevice(sessions?.items ?? []), [sessions]);
  const query = useInfiniteQuery({
    queryKey: [...BOOTSTRAP_CONFIGURATIONS, search],
    queryFn: ({ pageParam, signal }) =>
      bootstrapApi.configurations({ limit: PAGE_SIZE, cursor: pageParam, search, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    placeholderData: keepPreviousData,
  });
  return (
    <Panel
      title="Configurations"
      description="What each device is given when it asks the Bootstrap-Server."
      count={query.data?.pages.at(-1)?.total.toLocaleString()}
      query={query}
      controls={
        <Group gap="sm">
          <TextInput
            type="search"
            aria-label="Search configurations"
            placeholder="Device"
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            leftSection={<Icon name="search" size={16} />}
            rightSection={
              typed === '' ? null : (
                <CloseButton size="sm" aria-label="Clear the search of configurations" onClick={() => setTyped('')} />
              )
            }
          />
          <Button component={Link} to="/bootstrap/new" leftSection={<Icon name="create" size={16} />}>
            Add a configuration
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
                {search === '' ? 'No device has a configuration yet.' : `No configuration matches “${search}”.`}
              </Text>
            ) : (
              <Table.ScrollContainer minWidth={640}>
                <Table verticalSpacing={6} aria-label="Configurations">
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>Device</Table.Th>
                      <Table.Th>Is given</Table.Th>
                      <Table.Th>Last bootstrap</Table.Th>
                      <Table.Th aria-label="Actions" />
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {items.map((item) => (
                      <Row key={item.device} item={item} last={last.get(item.device)} onRemove={setRemoving} />
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
            )}
            {query.hasNextPage ? (
              <Group justify="center" mt="sm">
                <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  Show more
                </Button>
              </Group>
            ) : null}
            <Modal
              opened={removing !== undefined}
              onClose={() => setRemoving(undefined)}
              title="Remove this configuration?"
              attributes={{ header: { role: 'presentation' } }}
              closeButtonProps={{ 'aria-label': 'Close the dialog' }}
              transitionProps={{ duration: 120 }}
            >
              {removing === undefined ? null : (
                <Remove
                  device={removing}
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

interface RowProps {
  readonly item: DeviceConfiguration;
  readonly last: SessionSummary | undefined;
  readonly onRemove: (device: string) => void;
}

const Row = ({ item: { device, configuration }, last, onRemove }: RowProps): JSX.Element => {
  const triggering = useOperation((error) => showRefusal(`Bootstrap of ${device}`, error));
  return (
    <Table.Tr>
      <Table.Td className={classes['device']}>
        <TextLink to="/bootstrap/configurations/$name" params={{ name: device }} size="sm" fw={600}>
          {device}
        </TextLink>
      </Table.Td>
      <Table.Td>{configurationWords(configuration)}</Table.Td>
      <Table.Td>
        {last === undefined ? <span className="quiet">not lately</span> : <LastSession session={last} />}
      </Table.Td>
      <Table.Td>
        <Group justify="flex-end" gap={4} wrap="nowrap">
          <Tooltip label="Ask the device to bootstrap now; it has to be registered" openDelay={400}>
            <Button
              variant="subtle"
              size="compact-sm"
              aria-label={`Bootstrap now: ${device}`}
              loading={triggering.state.kind === 'pending'}
              onClick={() =>
                triggering.run(
                  async () => {
                    await bootstrapApi.trigger(device);
                  },
                  () => showDone(`${device} was asked to bootstrap.`),
                )
              }
            >
              Bootstrap now
            </Button>
          </Tooltip>
          <ActionIcon
            variant="subtle"
            color="red"
            aria-label={`Remove the configuration of ${device}`}
            onClick={() => onRemove(device)}
          >
            <Icon name="remove" size={16} />
          </ActionIcon>
        </Group>
      </Table.Td>
    </Table.Tr>
  );
};

const LastSession = ({ session }: { readonly session: SessionSummary }): JSX.Element => {
  const now = useNow();
  const { startedAt, endedAt, outcome } = session;
  const at = Date.parse(endedAt ?? startedAt);
  return (
    <>
      <SessionState session={session} />{' '}
      <span className="quiet numbers" title={formatLocalTime(at)} style={{ whiteSpace: 'nowrap' }}>
        {formatAge(Math.max(0, now - at))}
      </span>
      {outcome === null || outcomeMood(outcome) === 'good' ? null : (
        <Text size="xs" maw={360}>
          {outcome.text}
        </Text>
      )}
    </>
  );
};

interface RemoveProps {
  readonly device: string;
  readonly onClose: () => void;
  readonly onRemoved: () => void;
}

const Remove = ({ device, onClose, onRemoved }: RemoveProps): JSX.Element => {
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
            await bootstrapApi.removeConfiguration(device);
          },
          () => {
            showDone(`The configuration of ${device} was removed.`);
            onRemoved();
            onClose();
          },
        )
      }
    >
      <Text>
        {device} keeps what it has. When it asks again, it is given the default configuration, or refused if there is
        none.
      </Text>
    </DialogFrame>
  );
};
