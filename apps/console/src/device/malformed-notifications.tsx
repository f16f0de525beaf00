/** Notifications of the device that the server could not read, as they come, until they are put away. */
import { Alert, Text } from '@mantine/core';
import type { JSX } from 'react';
import { useLive, useMalformed } from '../live/live-data.ts';
import { formatLocalTime } from '../values/format-value.ts';
import { useDeviceScope } from './device-scope.ts';

const SHOWN = 5;

export const MalformedNotifications = (): JSX.Element | null => {
  const { name } = useDeviceScope();
  const live = useLive();
  const malformed = useMalformed(name);
  if (malformed.length === 0) return null;
  const title =
    malformed.length === 1
      ? 'A notification could not be read'
      : `${malformed.length.toLocaleString()} notifications could not be read`;
  return (
    <Alert
      color="orange"
      role="alert"
      title={title}
      withCloseButton
      closeButtonLabel="Dismiss the notifications that could not be read"
      onClose={() => live.forgetMalformed(name)}
    >
      {malformed.slice(0, SHOWN).map(({ time, path, paths, reason }, index) => (
        <Text key={`${time} ${path} ${index}`} size="sm">
          <span className="quiet numbers">{formatLocalTime(Date.parse(time))}</span>{' '}
          <span className="mono">{paths?.join(' ') ?? path}</span> {reason}
        </Text>
      ))}
      {malformed.length > SHOWN ? (
        <Text size="sm" className="quiet">
          and earlier ones
        </Text>
      ) : null}
    </Alert>
  );
};
