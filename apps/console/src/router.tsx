/** The console's pages and their addresses. All but the first are loaded when they are first opened. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { DevicesPage } from './devices/devices-page.tsx';
import { MissingPage } from './missing-page.tsx';
import { Shell } from './shell.tsx';

const rootRoute = createRootRoute({ component: Shell, notFoundComponent: MissingPage });

const devicesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  validateSearch: (search: Record<string, unknown>): { search?: string } =>
    typeof search['search'] === 'string' && search['search'] !== '' ? { search: search['search'] } : {},
  component: DevicesPage,
});

const deviceRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/devices/$name',
  component: lazyRouteComponent(() => import('./device/device-page.tsx'), 'DevicePage'),
});

const serverRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/server',
  component: lazyRouteComponent(() => import('./server/server-page.tsx'), 'ServerPage'),
});

const firmwareRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/firmware',
  component: lazyRouteComponent(() => import('./firmware/firmware-page.tsx'), 'FirmwarePage'),
});

const securityRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/security',
  component: lazyRouteComponent(() => import('./security/security-page.tsx'), 'SecurityPage'),
});

const bootstrapRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/bootstrap',
  component: lazyRouteComponent(() => import('./bootstrap/bootstrap-page.tsx'), 'BootstrapPage'),
});

const newConfigurationRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/bootstrap/new',
  validateSearch: (search: Record<string, unknown>): { name?: string } =>
    typeof search['name'] === 'string' && search['name'] !== '' ? { name: search['name'] } : {},
  component: lazyRouteComponent(() => import('./bootstrap/configuration-page.tsx'), 'NewConfigurationPage'),
});

const defaultConfigurationRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/bootstrap/default',
  component: lazyRouteComponent(() => import('./bootstrap/configuration-page.tsx'), 'DefaultConfigurationPage'),
});

const deviceConfigurationRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/bootstrap/configurations/$name',
  component: lazyRouteComponent(() => import('./bootstrap/configuration-page.tsx'), 'DeviceConfigurationPage'),
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    devicesRoute,
    deviceRoute,
    bootstrapRoute,
    newConfigurationRoute,
    defaultConfigurationRoute,
    deviceConfigurationRoute,
    firmwareRoute,
    securityRoute,
    serverRoute,
  ]),
  defaultPreload: 'intent',
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
