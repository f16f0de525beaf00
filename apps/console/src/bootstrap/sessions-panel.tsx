/** Sessions, live: those that run and those that have ended, each with its timeline. */
import { Badge, Button, CloseButton, Center, Group, Loader, Progress, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useId, useState, type JSX } from 'react';
import { bootstrapApi } from '../api/bootstrap-rest.ts';
import type { SessionSummary } from '../api/bootstrap-shapes.ts';
import { showRefusal, useOperation } from '../device/operation.ts';
import { Failure } from '../failure.tsx';
import { Icon } from '../icons.tsx';
import { bootstrapSessionKey } from '../live/bootstrap-live.ts';
import { useNow } from '../live/now.ts';
import { Panel } from '../security/panel.tsx';
import { SecurityMark } from '../security/security-mark.tsx';
import { TextLink } from '../text-link.tsx';
import { formatAge, formatLocalTime } from '../values/format-value.ts';
import classes from './bootstrap-page.module.css';
import { SessionState } from './outcome-view.tsx';
import { Timeline } from './timeline.tsx';
import { useSessions } from './use-sessions.ts';
import { durationWords, ORIGIN_WORDS, outcomeMood } from './words.ts';

export const SessionsPanel = (): JSX.Element => {
  const query = useSessions();
  const [typed, setTyped] = useState('');
  /** What a person opened or closed; else the newest is open. */
  const [chosen, setChosen] = useState<ReadonlyMap<string, boolean>>(new Map());
  const search = typed.trim().toLowerCase();
  return (
    <Panel
      title="Sessions"
      description="What devices are given, operation by operation, as it happens. Those that have ended are shown for a while."
      count={query.data === undefined ? undefined : `${query.data.running.toLocaleString()} running`}
      query={query}
      controls={
        <TextInput
          type="search"
          aria-label="Search sessions"
          placeholder="Device"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          leftSection={<Icon name="search" size={16} />}
          rightSection={
            typed === '' ? null : (
              <CloseButton size="sm" aria-label="Clear the search of sessions" onClick={() => setTyped('')} />
            )
          }
        />
      }
    >
      {({ items }) => {
        const shown = items.filter(({ device }) => device.toLowerCase().includes(search));
        const newest = items.reduce<SessionSummary | undefined>(
          (last, each) => (last === undefined || each.startedAt > last.startedAt ? each : last),
          undefined,
        );
        if (shown.length === 0)
          return (
            <Text size="sm" className="quiet">
              {search === '' ? 'No device has asked since the server was started.' : `No session of “${typed.trim()}”.`}
            </Text>
          );
        return shown.map((session) => {
          const opened = chosen.get(session.sessionId) ?? session === newest;
          return (
            <SessionView
              key={session.sessionId}
              session={session}
              opened={opened}
              onToggle={() => setChosen(new Map(chosen).set(session.sessionId, !opened))}
            />
          );
        });
      }}
    </Panel>
  );
};

interface SessionViewProps {
  readonly session: SessionSummary;
  readonly opened: boolean;
  readonly onToggle: () => void;
}

const SessionView = ({ session, opened, onToggle }: SessionViewProps): JSX.Element => {
  const { device, address, security, origin, startedAt, endedAt, outcome, progress, lwm2mVersion, repairs } = session;
  const id = useId();
  const now = useNow();
  const cancelling = useOperation((error) => showRefusal('Cancel the bootstrap', error));
  const share = progress.planned === 0 ? 0 : Math.min(100, (progress.answered / progress.planned) * 100);
  return (
    <div className={classes['session']} role="group" aria-label={`Bootstrap of ${device}`}>
      <Group justify="space-between" align="flex-start" wrap="nowrap" gap="xs">
        <div style={{ minWidth: 0, flex: 1 }}>
          <Group gap="xs" align="baseline">
            <TextLink to="/devices/$name" params={{ name: device }} size="sm" fw={600} className={classes['device']}>
              {device}
            </TextLink>
            <Text size="sm" component="span" role="status">
              <SessionState session={session} />
            </Text>
            {session.isDefaultConfiguration ? (
              <Badge size="sm" variant="light" color="orange" c="inherit" tt="none">
                default configuration
              </Badge>
            ) : null}
            {repairs === 0 ? null : (
              <Badge size="sm" variant="light" color="orange" c="inherit" tt="none">
                {repairs === 1 ? 'written anew once' : `written anew ${repairs} times`}
              </Badge>
            )}
          </Group>
          <Group gap="sm" mt={2}>
            <Text size="xs" className="quiet numbers" title={formatLocalTime(Date.parse(startedAt))}>
              {formatAge(Math.max(0, now - Date.parse(startedAt)))}
              {endedAt === null ? '' : `, took ${durationWords(Date.parse(endedAt) - Date.parse(startedAt))}`}
            </Text>
            <Text size="xs" className="quiet numbers">
              {progress.answered} of {progress.planned} operations
            </Text>
            <Text size="xs" className="quiet">
              {ORIGIN_WORDS[origin]}
              {lwm2mVersion === null ? '' : `, LwM2M ${lwm2mVersion}`}
            </Text>
            <Text size="xs" component="span">
              <SecurityMark security={security} />
            </Text>
            <Text size="xs" className="quiet mono numbers">
              {address}
            </Text>
          </Group>
        </div>
        <Group gap={4} wrap="nowrap">
          {endedAt !== null ? null : (
            <Button
              variant="subtle"
              size="compact-sm"
              color="red"
              aria-label={`Cancel the bootstrap of ${device}`}
              loading={cancelling.state.kind === 'pending'}
              onClick={() =>
                cancelling.run(async () => {
                  await bootstrapApi.cancelSession(session.sessionId);
                })
              }
            >
              Cancel
            </Button>
          )}
          <Button
            variant="subtle"
            size="compact-sm"
            aria-expanded={opened}
            aria-controls={id}
            aria-label={`Timeline of ${device}`}
            rightSection={<Icon name={opened ? 'up' : 'down'} size={14} />}
            onClick={onToggle}
          >
            Timeline
          </Button>
        </Group>
      </Group>
      {endedAt !== null ? null : (
        <Progress value={share} size="sm" mt={6} aria-label={`Progress of ${device}`} transitionDuration={120} />
      )}
      {outcome === null || outcomeMood(outcome) === 'good' ? null : (
        <Text size="sm" mt={4} className={classes['device']}>
          {outcome.text}
        </Text>
      )}
      <div id={id}>{opened ? <SessionTimeline session={session} /> : null}</div>
    </div>
  );
};

const SessionTimeline = ({ session: { sessionId, device } }: { readonly session: SessionSummary }): JSX.Element => {
  const { data, error, refetch } = useQuery({
    queryKey: bootstrapSessionKey(sessionId),
    queryFn: ({ signal }) => bootstrapApi.session(sessionId, signal),
  });
  if (data !== undefined)
    return <Timeline label={`Timeline of ${device}`} entries={data.timeline} omitted={data.timelineOmitted} />;
  if (error !== null) return <Failure error={error} retry={() => void refetch()} />;
  return (
    <Center h={60}>
      <Loader size="sm" aria-label="Loading the timeline" />
    </Center>
  );
};
