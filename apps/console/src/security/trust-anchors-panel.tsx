/** The certificates that those of devices may lead up to: seen, added from a file, removed. */
import { ActionIcon, Alert, Button, FileButton, Group, Modal, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState, type JSX } from 'react';
import { api } from '../api/rest.ts';
import type { TrustAnchor } from '../api/shapes.ts';
import { DialogFrame } from '../device/dialogs/dialog-frame.tsx';
import { showDone, useOperation } from '../device/operation.ts';
import { sentenceOf, titleOf } from '../failure.tsx';
import { Icon } from '../icons.tsx';
import { TRUST_ANCHORS } from '../live/live-data.ts';
import { formatLocalTime } from '../values/format-value.ts';
import { Panel } from './panel.tsx';

export const TrustAnchorsPanel = (): JSX.Element => {
  const query = useQuery({ queryKey: TRUST_ANCHORS, queryFn: ({ signal }) => api.trustAnchors(signal) });
  const [removing, setRemoving] = useState<TrustAnchor>();
  const { state, run } = useOperation();
  const add = (file: File | null): void => {
    if (file === null) return;
    run(async () => {
      const { subject } = await api.addTrustAnchor(await file.text());
      showDone(`${subject} is trusted.`);
      void query.refetch();
    });
  };
  return (
    <Panel
      title="Trusted certificates"
      description="A device with a certificate is let in when it leads up to one of these and carries the name of the device."
      count={query.data === undefined ? undefined : String(query.data.items.length)}
      query={query}
      controls={
        <FileButton accept=".pem,.crt,.cer,application/x-x509-ca-cert,application/x-pem-file" onChange={add}>
          {(button) => (
            <Button
              {...button}
              variant="light"
              leftSection={<Icon name="upload" size={16} />}
              loading={state.kind === 'pending'}
            >
              Trust a certificate
            </Button>
          )}
        </FileButton>
      }
    >
      {({ items }) => (
        <>
          {state.kind === 'refused' ? (
            <Alert color="red" role="alert" title={titleOf(state.error)} mb="sm">
              {sentenceOf(state.error)}
            </Alert>
          ) : null}
          {items.length === 0 ? (
            <Text size="sm" className="quiet">
              No certificate is trusted: devices come with pre-shared keys or raw public keys.
            </Text>
          ) : (
            <Table.ScrollContainer minWidth={520}>
              <Table verticalSpacing={6}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Subject</Table.Th>
                    <Table.Th>Valid until</Table.Th>
                    <Table.Th>SHA-256</Table.Th>
                    <Table.Th aria-label="Actions" />
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {items.map((anchor) => (
                    <Table.Tr key={anchor.id}>
                      <Table.Td>{anchor.subject}</Table.Td>
                      <Table.Td className="numbers">
                        {formatLocalTime(Date.parse(anchor.validTo)).slice(0, 10)}
                      </Table.Td>
                      <Table.Td className="mono" title={anchor.id}>
                        {anchor.id.slice(0, 16)}…
                      </Table.Td>
                      <Table.Td>
                        <Group justify="flex-end">
                          <ActionIcon
                            variant="subtle"
                            color="red"
                            aria-label={`Trust ${anchor.subject} no longer`}
                            onClick={() => setRemoving(anchor)}
                          >
                            <Icon name="remove" size={16} />
                          </ActionIcon>
                        </Group>
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          )}
          <Modal
            opened={removing !== undefined}
            onClose={() => setRemoving(undefined)}
            title="Trust this certificate no longer?"
            attributes={{ header: { role: 'presentation' } }}
            closeButtonProps={{ 'aria-label': 'Close the dialog' }}
            transitionProps={{ duration: 120 }}
          >
            {removing === undefined ? null : <Distrust anchor={removing} onClose={() => setRemoving(undefined)} />}
          </Modal>
        </>
      )}
    </Panel>
  );
};

const Distrust = ({ anchor, onClose }: { readonly anchor: TrustAnchor; readonly onClose: () => void }): JSX.Element => {
  const { state, run } = useOperation();
  return (
    <DialogFrame
      state={state}
      submit="Trust no longer"
      danger
      onClose={onClose}
      onSubmit={() =>
        run(async () => {
          await api.removeTrustAnchor(anchor.id);
          showDone(`${anchor.subject} is trusted no longer.`);
        }, onClose)
      }
    >
      <Text>
        New handshakes with certificates that lead up to {anchor.subject} will be refused. What is open stays open.
      </Text>
    </DialogFrame>
  );
};
