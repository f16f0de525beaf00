/** The server itself: what it listens on, what it counted, whom it refused, and the Object definitions it knows. */
import {
  Anchor,
  Badge,
  Center,
  Code,
  Group,
  Loader,
  Paper,
  SimpleGrid,
  Stack,
  Table,
  Text,
  Title,
} from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import type { JSX } from 'react';
import { api } from '../api/rest.ts';
import type { ServerInfo } from '../api/shapes.ts';
import { Failure } from '../failure.tsx';
import { Icon } from '../icons.tsx';
import { useRefusals } from '../live/live-data.ts';
import { useNow } from '../live/now.ts';
import { formatAge, formatDuration, formatLocalTime } from '../values/format-value.ts';
import { DefinitionsPanel } from './definitions-panel.tsx';
import classes from './server-page.module.css';

/** ms between two looks at the counters. */
const COUNTERS_EVERY = 5000;

export const ServerPage = (): JSX.Element => {
  useDocumentTitle('Server · Lapwing');
  const server = useQuery({
    queryKey: ['server'],
    queryFn: ({ signal }) => api.server(signal),
    refetchInterval: COUNTERS_EVERY,
  });
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Title order={1} size="h2">
          Server
        </Title>
        <Anchor href="/api/v1/docs" target="_blank" rel="noreferrer" className={classes['docs']}>
          <Icon name="book" size={16} /> API documentation
        </Anchor>
      </Group>
      {server.data === undefined ? (
        server.isError ? (
          <Failure error={server.error} retry={() => void server.refetch()} />
        ) : (
          <Center h={160}>
            <Loader aria-label="Loading" />
          </Center>
        )
      ) : (
        <Facts info={server.data} />
      )}
      <Refusals />
      <DefinitionsPanel />
    </Stack>
  );
};

/** "datagramsReceived" as "Datagrams received". */
const words = (key: string): string => {
  const spaced = key.replace(
    /([a-z0-9])([A-Z])/g,
    (_, before: string, after: string) => `${before} ${after.toLowerCase()}`,
  );
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
};

const Facts = ({ info }: { readonly info: ServerInfo }): JSX.Element => (
  <SimpleGrid cols={{ base: 1, md: 2 }}>
    <Paper withBorder p="md" component="section" aria-label="About">
      <Title order={2} size="h5" mb="xs">
        About
      </Title>
      <dl className={classes['facts']}>
        <dt>Version</dt>
        <dd>
          Lapwing {info.version}
          <span className="quiet"> on Node.js {info.nodeVersion}</span>
        </dd>
        <dt>Running</dt>
        <dd>
          <Uptime startedAt={info.startedAt} />
        </dd>
        <dt>Endpoints</dt>
        <dd>
          {info.endpoints.map(({ url }) => (
            <div key={url}>
              <Code>{url}</Code>
            </div>
          ))}
        </dd>
        <dt>Simulated devices</dt>
        <dd>{info.demo ? 'on' : 'off'}</dd>
      </dl>
    </Paper>
    <Paper withBorder p="md" component="section" aria-label="Counters">
      <Title order={2} size="h5" mb="xs">
        Counters
      </Title>
      {Object.keys(info.counters).length === 0 ? (
        <Text className="quiet" size="sm">
          Nothing counted yet
        </Text>
      ) : (
        <dl className={classes['counters']}>
          {Object.entries(info.counters).map(([key, count]) => (
            <div key={key}>
              <dt>{words(key)}</dt>
              <dd className="numbers">{count.toLocaleString()}</dd>
            </div>
          ))}
        </dl>
      )}
    </Paper>
  </SimpleGrid>
);

const Uptime = ({ startedAt }: { readonly startedAt: string }): JSX.Element => {
  const now = useNow();
  return (
    <span title={formatLocalTime(Date.parse(startedAt))}>
      {formatDuration(Math.max(0, now - Date.parse(startedAt)) / 1000)}
    </span>
  );
};

const Refusals = (): JSX.Element | null => {
  const refusals = useRefusals();
  const now = useNow();
  if (refusals.length === 0) return null;
  return (
    <Paper withBorder p="md" component="section" aria-label="Refused registrations">
      <Title order={2} size="h5" mb="xs">
        Refused since this page was opened
      </Title>
      <Table.ScrollContainer minWidth={420}>
        <Table>
          <Table.Tbody>
            {refusals.map(({ time, device, address, code, reason }, index) => (
              <Table.Tr key={refusals.length - index}>
                <Table.Td className="numbers" title={time}>
                  {formatAge(Math.max(0, now - Date.parse(time)))}
                </Table.Td>
                <Table.Td>{device ?? address ?? 'unknown'}</Table.Td>
                <Table.Td>
                  <Badge variant="light" color="red" c="inherit">
                    {code ?? 'refused'}
                  </Badge>
                </Table.Td>
                <Table.Td>{reason}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
};
