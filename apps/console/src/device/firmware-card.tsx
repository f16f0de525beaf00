/** Firmware update of a device: choose an image, send it, see how far it is. */
import { Button, Group, Paper, Select, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState, type JSX } from 'react';
import { api } from '../api/rest.ts';
import { formatBytes } from '../firmware/format-bytes.ts';
import { UpdateView } from '../firmware/update-view.tsx';
import { useFirmwareUpdates } from '../firmware/updates.ts';
import { FIRMWARE, useLive } from '../live/live-data.ts';
import { TextLink } from '../text-link.tsx';
import { useDeviceScope } from './device-scope.ts';
import { showRefusal, useOperation } from './operation.ts';

export const FirmwareCard = (): JSX.Element => {
  const { name, registered } = useDeviceScope();
  const live = useLive();
  const images = useQuery({ queryKey: FIRMWARE, queryFn: ({ signal }) => api.firmware(signal) });
  const updates = useFirmwareUpdates();
  const [chosen, setChosen] = useState<string | null>(null);
  const { state, run } = useOperation((error) => showRefusal('Update the firmware', error));
  const items = images.data?.items ?? [];
  const image = items.find(({ id }) => id === chosen) ?? items[0];
  const update = updates.data?.find(({ device }) => device === name);
  return (
    <Paper withBorder p="md" component="section" aria-label="Firmware">
      <Group justify="space-between" align="flex-end" mb={update === undefined ? 0 : 'sm'}>
        <div>
          <Title order={2} size="h5">
            Firmware
          </Title>
          <Text className="quiet" size="sm">
            Images are uploaded on the page{' '}
            <TextLink to="/firmware" underline="always">
              Firmware
            </TextLink>
            .
          </Text>
        </div>
        {items.length === 0 ? null : (
          <Group align="flex-end" gap="xs">
            <Select
              aria-label="Image"
              size="xs"
              w={280}
              allowDeselect={false}
              data={items.map(({ id, name: file, version, bytes }) => ({
                value: id,
                label: `${file}${version === '' ? '' : ` ${version}`}, ${formatBytes(bytes)}`,
              }))}
              value={image?.id ?? null}
              onChange={setChosen}
            />
            <Button
              size="xs"
              loading={state.kind === 'pending'}
              disabled={!registered || image === undefined || (update !== undefined && update.outcome === null)}
              onClick={() =>
                run(async () => {
                  if (image !== undefined) live.takeStartedUpdate(await api.startFirmwareUpdate(name, image.id));
                })
              }
            >
              Update
            </Button>
          </Group>
        )}
      </Group>
      {update === undefined ? null : <UpdateView update={update} />}
    </Paper>
  );
};
