/** The console's beginning: one query cache, one event stream, one router. */
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './console.css';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Refusal } from './api/rest.ts';
import { EventFeed } from './live/event-feed.ts';
import { LiveContext, LiveData } from './live/live-data.ts';
import { router } from './router.tsx';
import { cssVariables, theme } from './theme.ts';

const RETRIES = 2;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // The event stream says when something changed.
      staleTime: Infinity,
      refetchOnWindowFocus: false,
      // A refusal stays one; only an unreachable server is worth another try.
      retry: (failures, error) => failures < RETRIES && !(error instanceof Refusal && error.status >= 400),
    },
  },
});

const feed = new EventFeed({
  open: () => new EventSource('/api/v1/events'),
  after: (timeout, callback) => {
    const timer = setTimeout(callback, timeout);
    return () => clearTimeout(timer);
  },
});
const live = new LiveData(queries, feed);
feed.start();

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <Notifications position="top-center" limit={4} />
      <QueryClientProvider client={queries}>
        <LiveContext value={live}>
          <RouterProvider router={router} />
        </LiveContext>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
