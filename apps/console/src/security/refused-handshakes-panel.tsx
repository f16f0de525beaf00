/** The handshakes refused last, live, with the reason in words: the answer to "why does my device not connect?". */
import { Badge, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { JSX } from 'react';
import { api } from '../api/rest.ts';
import type { RefusedHandshake } from '../api/shapes.ts';
import { REFUSED_HANDSHAKES } from '../live/live-data.ts';
import { useNow } from '../live/now.ts';
import { formatAge, formatLocalTime } from '../values/format-value.ts';
import { Panel } from './panel.tsx';

export const RefusedHandshakesPanel = (): JSX.Element => {
  const query = useQuery({ queryKey: REFUSED_HANDSHAKES, queryFn: ({ signal }) => api.refusedHandshakes(signal) });
  return (
    <Panel
      title="Refused handshakes"
      description="Devices that could not open a secure association, and why."
      count={query.data === undefined ? undefined : query.data.total.toLocaleString()}
      query={query}
    >
      {({ items }) =>
        items.length === 0 ? (
          <Text size="sm" className="quiet">
            None since the server was started.
          </Text>
        ) : (
          <Table.ScrollContainer minWidth={640}>
            <Table verticalSpacing={6}>
              <Table.Thead>
                <Table.Tr>
                  {['Last', 'Address', 'Claimed identity', 'Reason'].map((column) => (
                    <Table.Th key={column}>{column}</Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {items.map((refused) => (
                  <RefusedRow key={`${refused.address} ${refused.reason} ${refused.claimedIdentity}`} {...refused} />
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )
      }
    </Panel>
  );
};

const RefusedRow = ({ address, claimedIdentity, text, alert, lastAt, count }: RefusedHandshake): JSX.Element => {
  const now = useNow();
  return (
    <Table.Tr>
      <Table.Td className="numbers" title={formatLocalTime(Date.parse(lastAt))} style={{ whiteSpace: 'nowrap' }}>
        {formatAge(Math.max(0, now - Date.parse(lastAt)))}
        {count > 1 ? (
          <Badge size="sm" variant="light" color="orange" c="inherit" ml={6} tt="none">
            {count.toLocaleString()} times
          </Badge>
        ) : null}
      </Table.Td>
      <Table.Td className="mono numbers">{address}</Table.Td>
      <Table.Td className="mono" style={{ overflowWrap: 'anywhere' }}>
        {claimedIdentity ?? <span className="quiet">none</span>}
      </Table.Td>
      <Table.Td>
        {text}
        {alert === null ? null : (
          <Text component="span" size="xs" className="quiet mono">
            {' '}
            {alert}
          </Text>
        )}
      </Table.Td>
    </Table.Tr>
  );
};
