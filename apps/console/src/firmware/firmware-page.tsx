/** Firmware: the images that can be sent to devices, and the updates of all devices. */
import { ActionIcon, Button, FileButton, Group, Stack, Table, Text, TextInput, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type JSX } from 'react';
import { api } from '../api/rest.ts';
import { showDone, showRefusal, useOperation } from '../device/operation.ts';
import { Icon } from '../icons.tsx';
import { FIRMWARE } from '../live/live-data.ts';
import { Panel } from '../security/panel.tsx';
import { formatLocalTime } from '../values/format-value.ts';
import { formatBytes } from './format-bytes.ts';
import { UpdateView } from './update-view.tsx';
import { useFirmwareUpdates } from './updates.ts';

export const FirmwarePage = (): JSX.Element => {
  useDocumentTitle('Firmware · Lapwing');
  return (
    <Stack gap="md">
      <Title order={1} size="h2">
        Firmware
      </Title>
      <ImagesPanel />
      <UpdatesPanel />
    </Stack>
  );
};

const ImagesPanel = (): JSX.Element => {
  const query = useQuery({ queryKey: FIRMWARE, queryFn: ({ signal }) => api.firmware(signal) });
  const [version, setVersion] = useState('');
  const uploading = useOperation((error) => showRefusal('Upload', error));
  const removing = useOperation((error) => showRefusal('Remove', error));
  const upload = (file: File | null): void => {
    if (file === null) return;
    uploading.run(
      async () => {
        await api.uploadFirmware(file, version.trim());
        await query.refetch();
      },
      () => {
        setVersion('');
        showDone(`${file.name} was uploaded.`);
      },
    );
  };
  return (
    <Panel
      title="Images"
      description="Uploaded once, sent to any number of devices from their pages. The version is what a device tells once it runs the image; without one any other than before will do."
      count={query.data === undefined ? undefined : String(query.data.items.length)}
      query={query}
      controls={
        <Group gap="xs" align="flex-end">
          <TextInput
            size="sm"
            w={140}
            aria-label="Version of the image"
            placeholder="Version, like 2.0"
            value={version}
            onChange={(event) => setVersion(event.currentTarget.value)}
          />
          <FileButton onChange={upload}>
            {(button) => (
              <Button
                {...button}
                variant="light"
                leftSection={<Icon name="upload" size={16} />}
                loading={uploading.state.kind === 'pending'}
              >
                Upload an image
              </Button>
            )}
          </FileButton>
        </Group>
      }
    >
      {({ items, maxBytes }) =>
        items.length === 0 ? (
          <Text size="sm" className="quiet">
            There is no image; one has at most {formatBytes(maxBytes)}.
          </Text>
        ) : (
          <Table.ScrollContainer minWidth={520}>
            <Table verticalSpacing={6}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Image</Table.Th>
                  <Table.Th>Version</Table.Th>
                  <Table.Th>Size</Table.Th>
                  <Table.Th>Uploaded</Table.Th>
                  <Table.Th>SHA-256</Table.Th>
                  <Table.Th aria-label="Actions" />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {items.map((image) => (
                  <Table.Tr key={image.id}>
                    <Table.Td>{image.name}</Table.Td>
                    <Table.Td>{image.version || '–'}</Table.Td>
                    <Table.Td className="numbers">{formatBytes(image.bytes)}</Table.Td>
                    <Table.Td className="numbers">{formatLocalTime(Date.parse(image.uploadedAt))}</Table.Td>
                    <Table.Td className="mono" title={image.id}>
                      {image.id.slice(0, 16)}…
                    </Table.Td>
                    <Table.Td>
                      <Group justify="flex-end">
                        <ActionIcon
                          variant="subtle"
                          color="red"
                          aria-label={`Remove ${image.name}`}
                          onClick={() =>
                            removing.run(async () => {
                              await api.removeFirmware(image.id);
                              await query.refetch();
                            })
                          }
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
        )
      }
    </Panel>
  );
};

const UpdatesPanel = (): JSX.Element => {
  const query = useFirmwareUpdates();
  return (
    <Panel
      title="Updates"
      description="The update of each device that is under way, or its last one since the server was started."
      query={query}
    >
      {(updates) =>
        updates.length === 0 ? (
          <Text size="sm" className="quiet">
            No device has been updated. Open one that has Firmware Update (5) and choose an image.
          </Text>
        ) : (
          <Stack gap="md">
            {updates.map((update) => (
              <div key={update.device}>
                <Text
                  component={Link}
                  to="/devices/$name"
                  params={{ name: update.device } as never}
                  size="sm"
                  fw={600}
                  c="inherit"
                >
                  {update.device}
                </Text>
                <UpdateView update={update} />
              </div>
            ))}
          </Stack>
        )
      }
    </Panel>
  );
};
