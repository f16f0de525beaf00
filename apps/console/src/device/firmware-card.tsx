/** Firmware update of a device: choose an image and how it gets there, start, see how far it is. */
import { Button, Group, Paper, SegmentedControl, Select, Text, TextInput, Title } from '@mantine/core';
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

const DELIVERIES = {
  push: { label: 'Push', explanation: 'The server writes the image to the device.' },
  pull: { label: 'Pull', explanation: 'The device fetches the image from this server when it pleases.' },
} as const;
type Delivery = keyof typeof DELIVERIES;

export const FirmwareCard = (): JSX.Element => {
  const { name, registered } = useDeviceScope();
  const live = useLive();
  const images = useQuery({ queryKey: FIRMWARE, queryFn: ({ signal }) => api.firmware(signal) });
  const updates = useFirmwareUpdates();
  const [chosen, setChosen] = useState<string | null>(null);
  const [delivery, setDelivery] = useState<Delivery>('push');
  const [host, setHost] = useState('');
  const { state, run } = useOperation((error) => showRefusal('Update the firmware', error));
  const items = images.data?.items ?? [];
  const image = items.find(({ id }) => id === chosen) ?? items[0];
  const update = updates.data?.find(({ device }) => device === name);
  const start = async (): Promise<void> => {
    if (image === undefined) return;
    const by = delivery === 'pull' && host.trim() !== '' ? { host: host.trim() } : {};
    live.takeStartedUpdate(await api.startFirmwareUpdate(name, { image: image.id, delivery, ...by }));
  };
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
            . {items.length === 0 ? '' : DELIVERIES[delivery].explanation}
          </Text>
        </div>
        {items.length === 0 ? null : (
          <Group align="flex-end" gap="xs">
            <Select
              aria-label="Image"
              size="xs"
              w={260}
              allowDeselect={false}
              data={items.map(({ id, name: file, version, bytes }) => ({
                value: id,
                label: `${file}${version === '' ? '' : ` ${version}`}, ${formatBytes(bytes)}`,
              }))}
              value={image?.id ?? null}
              onChange={setChosen}
            />
            <SegmentedControl
              aria-label="How the image gets to the device"
              size="xs"
              data={Object.entries(DELIVERIES).map(([value, { label }]) => ({ value, label }))}
              value={delivery}
              onChange={(value) => setDelivery(value === 'pull' ? 'pull' : 'push')}
            />
            {delivery === 'push' ? null : (
              <TextInput
                aria-label="Name or address by which the device reaches this server"
                title="Name or address by which the device reaches this server; needed where the server listens on every address"
                placeholder="Host, where needed"
                size="xs"
                w={160}
                maxLength={200}
                value={host}
                onChange={(event) => setHost(event.currentTarget.value)}
              />
            )}
            <Button
              size="xs"
              loading={state.kind === 'pending'}
              disabled={!registered || image === undefined || (update !== undefined && update.outcome === null)}
              onClick={() => run(start)}
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
