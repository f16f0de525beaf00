/** Having a device bootstrap anew, and when it last did. */
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { JSX } from 'react';
import { bootstrapApi } from '../api/bootstrap-rest.ts';
import type { SessionSummary } from '../api/bootstrap-shapes.ts';
import { useBootstrapInfo } from '../bootstrap/bootstrap-info.ts';
import { stateLabel } from '../bootstrap/words.ts';
import { Icon } from '../icons.tsx';
import { lastBootstrapKey } from '../live/bootstrap-live.ts';
import { useNow } from '../live/now.ts';
import { formatAge, formatLocalTime } from '../values/format-value.ts';
import { useDeviceScope } from './device-scope.ts';
import { showDone, showRefusal, useOperation } from './operation.ts';

export const BootstrapButton = (): JSX.Element | null => {
  const { name, registered } = useDeviceScope();
  const info = useBootstrapInfo().data;
  const { state, run } = useOperation((error) => showRefusal('Bootstrap', error));
  if (info?.enabled !== true) return null;
  return (
    <Button
      variant="light"
      leftSection={<Icon name="bootstrap" size={16} />}
      loading={state.kind === 'pending'}
      disabled={!registered}
      onClick={() =>
        run(
          async () => {
            await bootstrapApi.trigger(name);
          },
          () => showDone(`${name} was asked to bootstrap.`),
        )
      }
    >
      Bootstrap
    </Button>
  );
};

/** Undefined while it has none, as far as the server remembers. */
export const useLastBootstrap = (name: string): SessionSummary | undefined =>
  useQuery({
    queryKey: lastBootstrapKey(name),
    queryFn: async ({ signal }): Promise<SessionSummary | null> =>
      (await bootstrapApi.sessions({ device: name, limit: 1, signal })).items[0] ?? null,
  }).data ?? undefined;

export const LastBootstrap = ({ session }: { readonly session: SessionSummary }): JSX.Element => {
  const now = useNow();
  const at = Date.parse(session.endedAt ?? session.startedAt);
  return (
    <span title={session.outcome?.text ?? formatLocalTime(at)}>
      {stateLabel(session)} {formatAge(Math.max(0, now - at))}
    </span>
  );
};
