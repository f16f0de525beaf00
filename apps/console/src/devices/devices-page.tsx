/** The devices that are registered: searched and paged by the server, drawn only where seen, live. */
import {
  Badge,
  Button,
  Center,
  CloseButton,
  Code,
  Group,
  Loader,
  Paper,
  Text,
  TextInput,
  Title,
  Tooltip,
} from '@mantine/core';
import { useDebouncedCallback, useDocumentTitle } from '@mantine/hooks';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useLayoutEffect, useRef, useState, type JSX } from 'react';
import { api } from '../api/rest.ts';
import type { DeviceSummary } from '../api/shapes.ts';
import { Failure } from '../failure.tsx';
import { Icon } from '../icons.tsx';
import { useNow } from '../live/now.ts';
import { Mark } from '../mark.tsx';
import { formatAge, formatDuration } from '../values/format-value.ts';
import { lifetimeLeft } from './device-list.ts';
import { deviceListKey } from './list-refresher.ts';
import { useObjectNames } from './object-names.ts';
import classes from './devices-page.module.css';
import { SecurityMark } from '../security/security-mark.tsx';
import { TextLink } from '../text-link.tsx';

const PAGE_SIZE = 100;
const ROW_HEIGHT = 62;
/** Rows before the end of what is loaded at which more is asked for. */
const AHEAD = 30;
/** ms of silence before a search goes to the server. */
const TYPING = 200;
const OBJECTS_SHOWN = 5;
/** Of coap. RFC 7252 §6.1. */
const DEFAULT_PORT = '5683';

export const DevicesPage = (): JSX.Element => {
  const { search = '' } = useSearch({ from: '/' });
  const navigate = useNavigate();
  useDocumentTitle('Devices · Lapwing');
  const [typed, setTyped] = useState(search);
  const apply = useDebouncedCallback((text: string) => {
    void navigate({ to: '/', search: text === '' ? {} : { search: text }, replace: true });
  }, TYPING);
  const change = (text: string): void => {
    setTyped(text);
    apply(text.trim());
  };

  const list = useInfiniteQuery({
    queryKey: deviceListKey(search),
    queryFn: ({ pageParam, signal }) => api.devices({ limit: PAGE_SIZE, cursor: pageParam, search, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    placeholderData: keepPreviousData,
    // The list of a search that was left is asked for anew; only the plain one is kept up to date by events.
    gcTime: search === '' ? Infinity : 0,
  });
  const devices = list.data?.pages.flatMap(({ items }) => items) ?? [];
  const total = list.data?.pages.at(-1)?.total ?? 0;

  const more = (): void => {
    if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage();
  };
  // A page of a search may hold nothing while a later one does.
  useEffect(() => {
    if (devices.length === 0) more();
  });

  return (
    <>
      <Group justify="space-between" mb="md" gap="sm">
        <Group gap="xs" align="baseline">
          <Title order={1} size="h2">
            Devices
          </Title>
          <Text className="quiet numbers" role="status">
            {list.data === undefined
              ? ''
              : search === ''
                ? total.toLocaleString()
                : `${devices.length}${list.hasNextPage ? '+' : ''} found`}
          </Text>
        </Group>
        <TextInput
          type="search"
          aria-label="Search devices"
          placeholder="Search by name"
          value={typed}
          onChange={(event) => change(event.currentTarget.value)}
          leftSection={<Icon name="search" size={16} />}
          rightSection={
            typed === '' ? null : <CloseButton size="sm" aria-label="Clear the search" onClick={() => change('')} />
          }
          className={classes['search']}
        />
      </Group>
      {list.isPending ? (
        <Center h={200}>
          <Loader aria-label="Loading the devices" />
        </Center>
      ) : list.isError && devices.length === 0 ? (
        <Failure error={list.error} retry={() => void list.refetch()} />
      ) : devices.length === 0 && list.hasNextPage ? (
        <Center h={200}>
          <Loader aria-label="Searching" />
        </Center>
      ) : devices.length === 0 ? (
        search === '' ? (
          <NoDevices />
        ) : (
          <Paper withBorder p="xl" ta="center">
            <Text>No device matches “{search}”.</Text>
            <Button variant="light" mt="md" onClick={() => change('')}>
              Show all devices
            </Button>
          </Paper>
        )
      ) : (
        <DeviceTable
          devices={devices}
          more={more}
          hasMore={list.hasNextPage}
          rowCount={!list.hasNextPage ? devices.length : search === '' ? total : undefined}
          loadingMore={list.isFetchingNextPage}
        />
      )}
    </>
  );
};

interface DeviceTableProps {
  readonly devices: readonly DeviceSummary[];
  readonly more: () => void;
  readonly hasMore: boolean;
  /** Of all there are; undefined when that is not known. */
  readonly rowCount: number | undefined;
  readonly loadingMore: boolean;
}

const COLUMNS = ['Name', 'LwM2M', 'Address', 'Security', 'Binding', 'Objects', 'Lifetime left', 'Last seen'] as const;

const DeviceTable = ({ devices, more, hasMore, rowCount, loadingMore }: DeviceTableProps): JSX.Element => {
  const names = useObjectNames();
  const table = useRef<HTMLDivElement>(null);
  const [offset, setOffset] = useState(0);
  useLayoutEffect(() => setOffset(table.current?.offsetTop ?? 0), []);
  const virtual = useWindowVirtualizer({
    count: devices.length,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    scrollMargin: offset,
    getItemKey: (index) => devices[index]!.name,
  });
  const rows = virtual.getVirtualItems();
  const last = rows.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && last + AHEAD >= devices.length) more();
  });
  return (
    <Paper withBorder className={classes['paper']}>
      <div role="table" aria-label="Devices" aria-rowcount={rowCount === undefined ? -1 : rowCount + 1}>
        <div role="rowgroup">
          <div role="row" aria-rowindex={1} className={`${classes['row']} ${classes['head']}`}>
            {COLUMNS.map((column) => (
              <span role="columnheader" key={column}>
                {column}
              </span>
            ))}
          </div>
        </div>
        <div role="rowgroup" ref={table} className={classes['body']} style={{ height: virtual.getTotalSize() }}>
          {rows.map(({ index, key, start }) => (
            <div
              key={key}
              data-index={index}
              ref={virtual.measureElement}
              role="row"
              aria-rowindex={index + 2}
              className={`${classes['row']} ${classes['device']}`}
              style={{ transform: `translateY(${start - virtual.options.scrollMargin}px)` }}
            >
              <DeviceCells device={devices[index]!} names={names} />
            </div>
          ))}
        </div>
      </div>
      {loadingMore ? (
        <Center p="sm">
          <Loader size="sm" aria-label="Loading more devices" />
        </Center>
      ) : null}
    </Paper>
  );
};

interface DeviceCellsProps {
  readonly device: DeviceSummary;
  readonly names: ReadonlyMap<number, string>;
}

const DeviceCells = memo(({ device, names }: DeviceCellsProps): JSX.Element => {
  const shown = device.objectIds.slice(0, OBJECTS_SHOWN);
  const rest = device.objectIds.slice(OBJECTS_SHOWN);
  const nameOf = (objectId: number): string => names.get(objectId) ?? `Object ${objectId}`;
  return (
    <>
      <span role="cell" className={classes['name']}>
        <TextLink to="/devices/$name" params={{ name: device.name }} fw={600} size="sm" className={classes['link']}>
          {device.name}
        </TextLink>
      </span>
      <span role="cell" data-label="LwM2M">
        {device.lwm2mVersion}
      </span>
      <span role="cell" data-label="Address" className={`mono numbers ${classes['address']}`}>
        {device.address}
      </span>
      <span role="cell" data-label="Security">
        <SecurityMark security={device.security} />
      </span>
      <span role="cell" data-label="Binding">
        {device.binding}
        {device.queueMode ? (
          <Tooltip label="Queue mode: it sleeps and is reachable only after it has spoken">
            <Badge
              size="sm"
              variant="light"
              color={device.awake ? 'lapwing' : 'gray'}
              ml={6}
              className={classes['badge']}
            >
              {device.awake ? 'awake' : 'asleep'}
            </Badge>
          </Tooltip>
        ) : null}
      </span>
      <span role="cell" data-label="Objects" className={classes['objects']}>
        {shown.map((objectId) => (
          <Badge
            key={objectId}
            size="sm"
            variant="light"
            color="gray"
            className={classes['badge']}
            title={`Object ${objectId}`}
          >
            {nameOf(objectId)}
          </Badge>
        ))}
        {rest.length === 0 ? null : (
          <Tooltip label={rest.map(nameOf).join(', ')} multiline maw={320}>
            <Badge size="sm" variant="outline" color="gray" className={classes['badge']}>
              +{rest.length}
            </Badge>
          </Tooltip>
        )}
      </span>
      <LifetimeCell device={device} />
      <LastSeenCell device={device} />
    </>
  );
});

const LifetimeCell = ({ device }: { readonly device: DeviceSummary }): JSX.Element => {
  const left = lifetimeLeft(device, useNow());
  const text = left === Infinity ? 'never ends' : left <= 0 ? 'ended' : formatDuration(left / 1000);
  return (
    <span
      role="cell"
      data-label="Lifetime left"
      className={`numbers ${classes['lifetime']}`}
      title={`Lifetime ${device.lifetimeSeconds} s`}
    >
      {text}
    </span>
  );
};

const LastSeenCell = ({ device }: { readonly device: DeviceSummary }): JSX.Element => {
  const age = useNow() - Date.parse(device.updatedAt);
  return (
    <span role="cell" data-label="Last seen" className={`numbers ${classes['seen']}`} title={device.updatedAt}>
      {formatAge(Math.max(0, age))}
    </span>
  );
};

const NoDevices = (): JSX.Element => {
  const { data: server } = useQuery({ queryKey: ['server'], queryFn: ({ signal }) => api.server(signal) });
  const listening = server?.endpoints
    .map(({ url }) => /^coap:.*:(\d+)$/.exec(url)?.[1])
    .find((port) => port !== undefined);
  const address = `${location.hostname}:${listening ?? DEFAULT_PORT}`;
  return (
    <Paper withBorder p="xl" className={classes['empty']}>
      <Mark size={72} />
      <Title order={2} size="h4" mt="sm">
        No device is registered
      </Title>
      <Text mt="xs">
        Point an LwM2M Client at <Code>{`coap://${address}`}</Code>. It appears here the moment it registers.
      </Text>
      <Text mt="md" className="quiet" size="sm">
        Without a device at hand, libcoap registers one for an hour:
      </Text>
      <Code block mt={6} ta="left" className={classes['command']}>
        {`coap-client -m post -t 40 -e '</3/0>' 'coap://${address}/rd?ep=my-device&lwm2m=1.1&lt=3600&b=U'`}
      </Code>
    </Paper>
  );
};
