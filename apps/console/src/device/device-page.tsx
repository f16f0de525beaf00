/** One device: what it registered, and everything that can be done with its Objects, live. */
import { Alert, Badge, Button, Center, Group, Loader, Paper, Stack, Text, Title, Tooltip } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useState, type JSX, type ReactNode } from 'react';
import { formatNodePath } from '../api/node-path.ts';
import { api, Refusal } from '../api/rest.ts';
import type { Device, ObjectDefinition, Security } from '../api/shapes.ts';
import { lifetimeLeft } from '../devices/device-list.ts';
import { Failure, sentenceOf } from '../failure.tsx';
import { Icon } from '../icons.tsx';
import { definitionsKey, deviceKey, observationsKey, useLive, type ObservedPath } from '../live/live-data.ts';
import { useNow } from '../live/now.ts';
import { SecurityMark } from '../security/security-mark.tsx';
import { formatAge, formatDuration, formatLocalTime } from '../values/format-value.ts';
import { BootstrapButton, LastBootstrap, useLastBootstrap } from './bootstrap-action.tsx';
import { DeviceScopeContext, deviceOperations, useDeviceScope, type DeviceScope } from './device-scope.ts';
import type { Dialog } from './dialog.ts';
import { CompositeCard } from './composite-card.tsx';
import { loadCompositeSet, saveCompositeSet } from './composite-set.ts';
import { DialogHost } from './dialogs/dialog-host.tsx';
import { FirmwareCard } from './firmware-card.tsx';
import { ObjectCard, objectAnchor } from './object-card.tsx';
import { showNote, showRefusal, useOperation } from './operation.ts';
import { MalformedNotifications } from './malformed-notifications.tsx';
import { PendingCard } from './pending-card.tsx';
import { SendsCard } from './sends-card.tsx';
import classes from './device-page.module.css';
import { TextLink } from '../text-link.tsx';

/** Why an observation ended that nobody cancelled. */
const END_WORDS: Readonly<Record<string, string>> = {
  refused: 'The device refused to go on.',
  'registration-ended': 'The registration of the device ended.',
  'server-closed': 'The server was stopped.',
};

const NOT_OBSERVED: readonly ObservedPath[] = [];
const NO_DEFINITIONS: ReadonlyMap<number, ObjectDefinition> = new Map();

const byObject = ({ items }: { readonly items: readonly ObjectDefinition[] }): ReadonlyMap<number, ObjectDefinition> =>
  new Map(items.map((definition) => [definition.objectId, definition]));

export const DevicePage = (): JSX.Element => {
  const { name } = useParams({ from: '/devices/$name' });
  // What is on screen belongs to one device: another one starts afresh.
  return <DeviceByName key={name} name={name} />;
};

const DeviceByName = ({ name }: { readonly name: string }): JSX.Element => {
  useDocumentTitle(`${name} · Lapwing`);
  const live = useLive();
  const [values] = useState(() => live.valuesOf(name));
  const [dialog, setDialog] = useState<Dialog>();
  const [compositeSet, setCompositeSet] = useState(() => loadCompositeSet(name));
  const changeCompositeSet = useCallback(
    (paths: readonly string[]): void => {
      setCompositeSet(paths);
      saveCompositeSet(name, paths);
    },
    [name],
  );
  const device = useQuery({ queryKey: deviceKey(name), queryFn: ({ signal }) => api.device(name, signal) });
  const definitions = useQuery({
    queryKey: definitionsKey(name),
    queryFn: ({ signal }) => api.deviceDefinitions(name, signal),
    select: byObject,
  });
  const observations = useQuery({
    queryKey: observationsKey(name),
    queryFn: ({ signal }) => live.loadObservations(name, signal),
  });
  useEffect(
    () =>
      live.feed.listen((event) => {
        if (event.type !== 'observation-ended' || event.device !== name || event.reason === 'cancelled') return;
        showNote(`The observation of ${event.path} ended`, END_WORDS[event.reason] ?? event.reason);
      }),
    [live, name],
  );
  const operations = useMemo(() => deviceOperations(name, values, live), [name, values, live]);
  const registered = device.error === null;
  const scope = useMemo<DeviceScope>(
    () => ({
      name,
      registered,
      values,
      definitions: definitions.data ?? NO_DEFINITIONS,
      observed: observations.data ?? NOT_OBSERVED,
      operations,
      open: setDialog,
      compositeSet,
      changeCompositeSet,
    }),
    [name, registered, values, definitions.data, observations.data, operations, compositeSet, changeCompositeSet],
  );

  return (
    <DeviceScopeContext value={scope}>
      <TextLink to="/" size="sm" className={classes['back']}>
        <Icon name="back" size={14} /> Devices
      </TextLink>
      {device.data === undefined ? (
        device.isError ? (
          <Unknown name={name} error={device.error} retry={() => void device.refetch()} />
        ) : (
          <Center h={240}>
            <Loader aria-label="Loading the device" />
          </Center>
        )
      ) : (
        <Stack gap="md">
          {device.isError ? <Gone error={device.error} /> : null}
          <Header device={device.data} />
          {definitions.isError ? <Failure error={definitions.error} retry={() => void definitions.refetch()} /> : null}
          {observations.isError && registered ? (
            <Failure error={observations.error} retry={() => void observations.refetch()} />
          ) : null}
          <MalformedNotifications />
          {device.data.queueMode ? <PendingCard awake={device.data.awake} /> : null}
          {compositeSet.length === 0 ? null : <CompositeCard />}
          {device.data.objects.some(({ objectId }) => objectId === 5) ? <FirmwareCard /> : null}
          <SendsCard />
          <div className={classes['columns']}>
            <Contents device={device.data} definitions={scope.definitions} />
            <Stack gap="md" className={classes['objects']}>
              {device.data.objects.map((object) => (
                <ObjectCard key={object.objectId} object={object} definition={scope.definitions.get(object.objectId)} />
              ))}
            </Stack>
          </div>
        </Stack>
      )}
      <DialogHost dialog={dialog} onClose={() => setDialog(undefined)} />
    </DeviceScopeContext>
  );
};

const Header = ({ device }: { readonly device: Device }): JSX.Element => (
  <Paper withBorder p="md">
    <Group justify="space-between" align="flex-start">
      <div className={classes['identity']}>
        <Group gap="xs">
          <Title order={1} size="h2" className={classes['name']}>
            {device.name}
          </Title>
          {device.queueMode ? (
            <Tooltip label="It sleeps and is reachable only after it has spoken.">
              <Badge
                variant="light"
                color={device.awake ? 'lapwing' : 'orange'}
                c="inherit"
                tt="none"
                data-testid="queue-mode"
              >
                Queue mode, {device.awake ? 'awake' : 'asleep'}
              </Badge>
            </Tooltip>
          ) : null}
        </Group>
        <dl className={classes['facts']}>
          <Fact term="LwM2M">{device.lwm2mVersion}</Fact>
          <Fact term="Address">
            <span className="mono numbers">{device.address}</span>
          </Fact>
          <Fact term="Security">
            <SecurityMark security={device.security} />
          </Fact>
          <ProvenIdentity security={device.security} />
          <Fact term="Binding">{device.binding}</Fact>
          <Fact term="Registered">{formatLocalTime(Date.parse(device.registeredAt))}</Fact>
          <LastSeen updatedAt={device.updatedAt} />
          <Lifetime device={device} />
          <LastBootstrapFact name={device.name} />
        </dl>
      </div>
      <Group gap="xs">
        <BootstrapButton />
        <ReadEverything device={device} />
      </Group>
    </Group>
  </Paper>
);

const Fact = ({ term, children }: { readonly term: string; readonly children: ReactNode }): JSX.Element => (
  <div>
    <dt>{term}</dt>
    <dd className="numbers">{children}</dd>
  </div>
);

/** What the device has proven, and how its association goes. */
const ProvenIdentity = ({ security }: { readonly security: Security }): JSX.Element | null => {
  const { identity, association } = security;
  if (identity === undefined) return null;
  return (
    <>
      <Fact term="Proven identity">
        <span className="mono">{identity}</span>
      </Fact>
      {association === undefined ? null : association === null ? (
        <Fact term="Association">ended; the device has to open a new one</Fact>
      ) : (
        <>
          <Fact term="Cipher suite">
            <span className="mono">{association.cipherSuite.replace(/^TLS_/, '')}</span>
          </Fact>
          <Fact term="Connection ID">{association.connectionId ? 'yes, its address may change' : 'no'}</Fact>
          {association.addressChanges === 0 ? null : (
            <Fact term="Address changes">{association.addressChanges.toLocaleString()}</Fact>
          )}
        </>
      )}
    </>
  );
};

const LastSeen = ({ updatedAt }: { readonly updatedAt: string }): JSX.Element => {
  const now = useNow();
  return <Fact term="Last seen">{formatAge(Math.max(0, now - Date.parse(updatedAt)))}</Fact>;
};

const Lifetime = ({ device }: { readonly device: Device }): JSX.Element => {
  const left = lifetimeLeft(device, useNow());
  const text = left === Infinity ? 'never ends' : left <= 0 ? 'ended' : formatDuration(left / 1000);
  return (
    <Fact term="Lifetime left">
      {text} <span className="quiet">of {formatDuration(device.lifetimeSeconds)}</span>
    </Fact>
  );
};

const LastBootstrapFact = ({ name }: { readonly name: string }): JSX.Element | null => {
  const session = useLastBootstrap(name);
  return session === undefined ? null : (
    <Fact term="Last bootstrap">
      <LastBootstrap session={session} />
    </Fact>
  );
};

/** One Read for each Object; the device may refuse some of them. */
const ReadEverything = ({ device }: { readonly device: Device }): JSX.Element => {
  const { operations, registered } = useDeviceScope();
  const { state, run } = useOperation();
  const readAll = async (): Promise<void> => {
    const refused: { readonly path: string; readonly error: unknown }[] = [];
    for (const { objectId, objectInstanceIds } of device.objects) {
      if (objectInstanceIds.length === 0) continue;
      const path = formatNodePath(objectId);
      try {
        await operations.read(path);
      } catch (error) {
        refused.push({ path, error });
        // A device that does not answer will not answer the next one.
        if (error instanceof Refusal && error.coapCode === undefined) break;
      }
    }
    const [first] = refused;
    if (first === undefined) return;
    const others = refused.slice(1).map(({ path }) => path);
    showRefusal(`Read ${first.path}${others.length === 0 ? '' : `, also ${others.join(', ')}`}`, first.error);
  };
  return (
    <Button
      leftSection={<Icon name="read" size={16} />}
      loading={state.kind === 'pending'}
      disabled={!registered}
      onClick={() => run(readAll)}
    >
      Read everything
    </Button>
  );
};

interface ContentsProps {
  readonly device: Device;
  readonly definitions: ReadonlyMap<number, ObjectDefinition>;
}

const Contents = ({ device, definitions }: ContentsProps): JSX.Element => (
  <nav className={classes['contents']} aria-label="Objects">
    <Text size="xs" fw={600} className="quiet" mb={6}>
      Objects
    </Text>
    {device.objects.map(({ objectId, name, objectInstanceIds }) => (
      <a key={objectId} href={`#${objectAnchor(objectId)}`} className={classes['jump']}>
        <span>{definitions.get(objectId)?.name ?? name ?? `Object ${objectId}`}</span>
        <span className="quiet numbers">{objectInstanceIds.length}</span>
      </a>
    ))}
  </nav>
);

const Gone = ({ error }: { readonly error: unknown }): JSX.Element => {
  const isUnknown = error instanceof Refusal && error.status === 404;
  return (
    <Alert color="orange" role="alert" title={isUnknown ? 'No longer registered' : 'The device could not be asked for'}>
      {isUnknown
        ? 'What is shown is what was last known. The page comes back to life when the device registers again.'
        : sentenceOf(error)}
    </Alert>
  );
};

interface UnknownProps {
  readonly name: string;
  readonly error: unknown;
  readonly retry: () => void;
}

const Unknown = ({ name, error, retry }: UnknownProps): JSX.Element =>
  error instanceof Refusal && error.status === 404 ? (
    <Paper withBorder p="xl" ta="center">
      <Title order={1} size="h3">
        {name} is not registered
      </Title>
      <Text mt="xs">This page opens by itself when it registers.</Text>
    </Paper>
  ) : (
    <Failure error={error} retry={retry} />
  );
