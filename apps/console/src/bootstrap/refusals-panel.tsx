/** Requests and handshakes that the Bootstrap-Server refused, live, each with the reason and what can be done at once. */
import { Badge, Button, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type JSX, type ReactNode } from 'react';
import { bootstrapApi } from '../api/bootstrap-rest.ts';
import type { RefusedRequest } from '../api/bootstrap-shapes.ts';
import type { RefusedHandshake } from '../api/shapes.ts';
import { BOOTSTRAP_REFUSALS } from '../live/bootstrap-live.ts';
import { useNow } from '../live/now.ts';
import { AddCredential } from '../security/add-credential.tsx';
import { Panel } from '../security/panel.tsx';
import { formatAge, formatLocalTime } from '../values/format-value.ts';
import { BOOTSTRAP_CREDENTIAL_SOURCE } from './bootstrap-credentials.ts';
import classes from './bootstrap-page.module.css';
import { remedyOfHandshake, remedyOfRequest, type Remedy } from './remedies.ts';

export const RefusalsPanel = (): JSX.Element => {
  const query = useQuery({ queryKey: BOOTSTRAP_REFUSALS, queryFn: ({ signal }) => bootstrapApi.refusals(signal) });
  const [adding, setAdding] = useState<Extract<Remedy, { kind: 'credential' }>>();
  const total = query.data === undefined ? undefined : query.data.requests.total + query.data.handshakes.total;
  return (
    <Panel
      title="Refused"
      description="Devices that asked and were given nothing, and why."
      count={total?.toLocaleString()}
      query={query}
    >
      {({ requests, handshakes }) => (
        <>
          {requests.items.length + handshakes.items.length === 0 ? (
            <Text size="sm" className="quiet">
              None since the server was started.
            </Text>
          ) : (
            <Stack gap="sm">
              {requests.items.length === 0 ? null : (
                <Refused label="Refused requests" who="Device">
                  {requests.items.map((refused, index) => (
                    <RequestRow key={index} refused={refused} onAddCredential={setAdding} />
                  ))}
                </Refused>
              )}
              {handshakes.items.length === 0 ? null : (
                <Refused label="Refused handshakes" who="Claimed identity">
                  {handshakes.items.map((refused) => (
                    <HandshakeRow
                      key={`${refused.address} ${refused.reason} ${refused.claimedIdentity}`}
                      refused={refused}
                      onAddCredential={setAdding}
                    />
                  ))}
                </Refused>
              )}
            </Stack>
          )}
          <AddCredential
            source={BOOTSTRAP_CREDENTIAL_SOURCE}
            opened={adding !== undefined}
            device={adding?.device ?? ''}
            identity={adding?.identity ?? ''}
            onClose={() => setAdding(undefined)}
            onAdded={() => undefined}
          />
        </>
      )}
    </Panel>
  );
};

interface RefusedProps {
  readonly label: string;
  readonly who: string;
  readonly children: ReactNode;
}

const Refused = ({ label, who, children }: RefusedProps): JSX.Element => (
  <Table.ScrollContainer minWidth={640}>
    <Table verticalSpacing={6} aria-label={label}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Last</Table.Th>
          <Table.Th>{who}</Table.Th>
          <Table.Th>Address</Table.Th>
          <Table.Th>Reason</Table.Th>
          <Table.Th aria-label="What can be done" />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>{children}</Table.Tbody>
    </Table>
  </Table.ScrollContainer>
);

type OnAddCredential = (remedy: Extract<Remedy, { kind: 'credential' }>) => void;

const RequestRow = ({
  refused,
  onAddCredential,
}: {
  readonly refused: RefusedRequest;
  readonly onAddCredential: OnAddCredential;
}): JSX.Element => {
  const { at, device, address, code, reason } = refused;
  return (
    <Table.Tr>
      <When at={at} count={1} />
      <Table.Td className={classes['device']}>{device ?? <span className="quiet">none given</span>}</Table.Td>
      <Table.Td className="mono numbers">{address}</Table.Td>
      <Table.Td>
        {reason}{' '}
        <Text component="span" size="xs" className="quiet mono">
          {code}
        </Text>
      </Table.Td>
      <Table.Td>
        <RemedyButton remedy={remedyOfRequest(refused)} onAddCredential={onAddCredential} />
      </Table.Td>
    </Table.Tr>
  );
};

const HandshakeRow = ({
  refused,
  onAddCredential,
}: {
  readonly refused: RefusedHandshake;
  readonly onAddCredential: OnAddCredential;
}): JSX.Element => {
  const { address, claimedIdentity, text, alert, lastAt, count } = refused;
  return (
    <Table.Tr>
      <When at={lastAt} count={count} />
      <Table.Td className={`mono ${classes['device']}`}>
        {claimedIdentity ?? <span className="quiet">none</span>}
      </Table.Td>
      <Table.Td className="mono numbers">{address}</Table.Td>
      <Table.Td>
        {text}
        {alert === null ? null : (
          <Text component="span" size="xs" className="quiet mono">
            {' '}
            {alert}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <RemedyButton remedy={remedyOfHandshake(refused)} onAddCredential={onAddCredential} />
      </Table.Td>
    </Table.Tr>
  );
};

const When = ({ at, count }: { readonly at: string; readonly count: number }): JSX.Element => {
  const now = useNow();
  return (
    <Table.Td className="numbers" title={formatLocalTime(Date.parse(at))} style={{ whiteSpace: 'nowrap' }}>
      {formatAge(Math.max(0, now - Date.parse(at)))}
      {count > 1 ? (
        <Badge size="sm" variant="light" color="orange" c="inherit" ml={6} tt="none">
          {count.toLocaleString()} times
        </Badge>
      ) : null}
    </Table.Td>
  );
};

interface RemedyButtonProps {
  readonly remedy: Remedy | undefined;
  readonly onAddCredential: OnAddCredential;
}

const RemedyButton = ({ remedy, onAddCredential }: RemedyButtonProps): JSX.Element | null => {
  if (remedy === undefined) return null;
  const { device } = remedy;
  switch (remedy.kind) {
    case 'configuration':
      return (
        <Button
          component={Link}
          to="/bootstrap/new"
          search={{ name: device } as never}
          variant="light"
          size="compact-sm"
          aria-label={`Add a configuration for ${device}`}
        >
          Add a configuration
        </Button>
      );
    case 'change':
      return (
        <Button
          component={Link}
          to="/bootstrap/configurations/$name"
          params={{ name: device } as never}
          variant="light"
          size="compact-sm"
          aria-label={`Change the configuration of ${device}`}
        >
          Change the configuration
        </Button>
      );
    case 'credential':
      return (
        <Button
          variant="light"
          size="compact-sm"
          aria-label={`Add a credential for ${device}`}
          onClick={() => onAddCredential(remedy)}
        >
          Add a credential
        </Button>
      );
  }
};
