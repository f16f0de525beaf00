/** One firmware update: its stage in words, a bar of how far it is, and how it ended. */
import { Button, Group, Progress, Text } from '@mantine/core';
import type { JSX } from 'react';
import { api } from '../api/rest.ts';
import type { FirmwareUpdate } from '../api/shapes.ts';
import { showRefusal, useOperation } from '../device/operation.ts';
import { formatBytes } from './format-bytes.ts';

const STAGES: Readonly<Record<string, { readonly text: string; readonly percent: number }>> = {
  preparing: { text: 'Asking the device', percent: 0 },
  resetting: { text: 'Clearing away another update', percent: 0 },
  pushing: { text: 'Sending', percent: 0 },
  offering: { text: 'Telling where the package is', percent: 5 },
  diagnosing: { text: 'Asking why it refused', percent: 80 },
  downloading: { text: 'The device checks the package', percent: 80 },
  starting: { text: 'Telling the device to install', percent: 85 },
  installing: { text: 'The device installs', percent: 90 },
  deferred: { text: 'The device installs later', percent: 85 },
  verifying: { text: 'Reading the new version', percent: 95 },
};
/** Of the bar, where the device has the whole package. */
const DELIVERED_PERCENT = 80;
/** From here on a device cannot be stopped. */
const NO_RETURN: ReadonlySet<string> = new Set(['starting', 'installing', 'verifying']);

/** The package is on its way, and it is known how much of it has arrived; undefined otherwise. */
const onItsWay = ({ delivery, stage, sentBytes, totalBytes }: FirmwareUpdate): string | undefined => {
  if (totalBytes === null) return undefined;
  const bytes = `${formatBytes(sentBytes)} of ${formatBytes(totalBytes)}`;
  if (stage === 'pushing') return `Sending: ${bytes}`;
  const isFetching = delivery === 'pull' && (stage === 'offering' || stage === 'downloading') && sentBytes > 0;
  return isFetching && sentBytes < totalBytes ? `The device fetches: ${bytes}` : undefined;
};

/** By pull from elsewhere nobody here knows how much has arrived. */
const wordsOf = (update: FirmwareUpdate): string => {
  const { delivery, stage, totalBytes } = update;
  if (delivery === 'pull' && stage === 'downloading' && totalBytes === null) return 'The device fetches the package';
  return onItsWay(update) ?? STAGES[stage]?.text ?? stage;
};

const percentOf = (update: FirmwareUpdate): number => {
  const { outcome, stage, sentBytes, totalBytes } = update;
  if (outcome !== null) return 100;
  const least = STAGES[stage]?.percent ?? 0;
  if (onItsWay(update) === undefined || totalBytes === null) return least;
  const floor = STAGES['offering']!.percent;
  const share = sentBytes / totalBytes;
  return stage === 'pushing'
    ? Math.floor(DELIVERED_PERCENT * share)
    : Math.floor(floor + (DELIVERED_PERCENT - floor) * share);
};

export const UpdateView = ({ update }: { readonly update: FirmwareUpdate }): JSX.Element => {
  const { device, outcome, stage, versionBefore, versionAfter, explanation } = update;
  const { state, run } = useOperation((error) => showRefusal('Cancel the update', error));
  const percent = percentOf(update);
  const color = outcome === null ? 'lapwing' : outcome === 'succeeded' ? 'teal' : 'red';
  return (
    <div data-testid={`update-${device}`} data-outcome={outcome ?? ''}>
      <Group justify="space-between" mb={4}>
        <Text size="sm" role="status">
          {outcome === null ? wordsOf(update) : explanation}
          {outcome === 'succeeded' && versionAfter !== null ? ` ${versionBefore ?? '?'} → ${versionAfter}` : ''}
        </Text>
        {outcome !== null || NO_RETURN.has(stage) ? null : (
          <Button
            variant="default"
            size="compact-xs"
            loading={state.kind === 'pending'}
            onClick={() =>
              run(async () => {
                await api.cancelFirmwareUpdate(device);
              })
            }
          >
            Cancel
          </Button>
        )}
      </Group>
      <Progress value={percent} color={color} aria-label={`Firmware update of ${device}`} />
    </div>
  );
};
