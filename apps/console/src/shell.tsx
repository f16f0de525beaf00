/** What surrounds every page: the header with the mark, the navigation and the state of the event stream. */
import { AppShell, Badge, Burger, Group, NavLink, Text, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, type JSX } from 'react';
import { Icon } from './icons.tsx';
import { useFeedState } from './live/live-data.ts';
import type { FeedState } from './live/event-feed.ts';
import { Mark } from './mark.tsx';
import classes from './shell.module.css';
import { TextLink } from './text-link.tsx';

const FEED_WORDS: Readonly<
  Record<FeedState, { readonly label: string; readonly hint: string; readonly color: string }>
> = {
  connecting: { label: 'Connecting', hint: 'The event stream is being opened.', color: 'gray' },
  live: { label: 'Live', hint: 'What devices report appears at once.', color: 'lapwing' },
  reconnecting: {
    label: 'Reconnecting',
    hint: 'The connection to the server was lost; what was missed is fetched once it is back.',
    color: 'orange',
  },
};

const FeedBadge = (): JSX.Element => {
  const { label, hint, color } = FEED_WORDS[useFeedState()];
  return (
    <Tooltip label={hint} multiline maw={260}>
      <Badge color={color} variant="dot" role="status" className={classes['feed']}>
        {label}
      </Badge>
    </Tooltip>
  );
};

export const Shell = (): JSX.Element => {
  const [opened, navigation] = useDisclosure(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  useEffect(() => navigation.close(), [path]);
  const onDevices = path === '/' || path.startsWith('/devices');
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 200, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding={{ base: 'sm', sm: 'lg' }}
      classNames={{ main: classes['main']! }}
    >
      <a href="#content" className={classes['skip']}>
        Skip to the content
      </a>
      <AppShell.Header className={classes['bar']}>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={opened} onClick={navigation.toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" />
            <TextLink to="/" underline="never" c="inherit" className={classes['brand']}>
              <Mark size={34} />
              <Text component="span" fw={650} fz="lg">
                Lapwing
              </Text>
            </TextLink>
          </Group>
          <FeedBadge />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" className={classes['bar']} aria-label="Pages">
        <NavLink
          component={Link}
          to="/"
          label="Devices"
          active={onDevices}
          aria-current={onDevices ? 'page' : undefined}
          leftSection={<Icon name="devices" />}
          className={classes['page']}
        />
        <NavLink
          component={Link}
          to="/firmware"
          label="Firmware"
          active={path === '/firmware'}
          aria-current={path === '/firmware' ? 'page' : undefined}
          leftSection={<Icon name="upload" />}
          className={classes['page']}
        />
        <NavLink
          component={Link}
          to="/bootstrap"
          label="Bootstrap"
          active={path.startsWith('/bootstrap')}
          aria-current={path.startsWith('/bootstrap') ? 'page' : undefined}
          leftSection={<Icon name="bootstrap" />}
          className={classes['page']}
        />
        <NavLink
          component={Link}
          to="/security"
          label="Security"
          active={path === '/security'}
          aria-current={path === '/security' ? 'page' : undefined}
          leftSection={<Icon name="security" />}
          className={classes['page']}
        />
        <NavLink
          component={Link}
          to="/server"
          label="Server"
          active={path === '/server'}
          aria-current={path === '/server' ? 'page' : undefined}
          leftSection={<Icon name="server" />}
          className={classes['page']}
        />
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        <Outlet />
      </AppShell.Main>
    </AppShell>
  );
};
