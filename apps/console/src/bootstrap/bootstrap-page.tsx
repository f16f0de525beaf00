/** The Bootstrap-Server: what devices are given, what becomes of unknown ones, sessions as they happen, who was refused. */
import { Alert, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { JSX } from 'react';
import { CredentialsPanel } from '../security/credentials-panel.tsx';
import { BOOTSTRAP_CREDENTIAL_SOURCE } from './bootstrap-credentials.ts';
import { useBootstrapInfo } from './bootstrap-info.ts';
import { ConfigurationsPanel } from './configurations-panel.tsx';
import { DefaultPanel } from './default-panel.tsx';
import { RefusalsPanel } from './refusals-panel.tsx';
import { SessionsPanel } from './sessions-panel.tsx';

export const BootstrapPage = (): JSX.Element => {
  useDocumentTitle('Bootstrap · Lapwing');
  const info = useBootstrapInfo().data;
  return (
    <Stack gap="md">
      <div>
        <Title order={1} size="h2">
          Bootstrap
        </Title>
        {info?.enabled === true ? (
          <Text size="sm" className="quiet">
            Devices ask at{' '}
            {info.endpoints.map(({ url }, index) => (
              <span key={url}>
                {index === 0 ? '' : ', '}
                <span className="mono">{url}</span>
              </span>
            ))}
          </Text>
        ) : null}
      </div>
      {info?.enabled === false ? (
        <Alert color="orange" title="The Bootstrap-Server is switched off">
          Configurations can be made, but no device can ask for them.
        </Alert>
      ) : null}
      <ConfigurationsPanel />
      <SessionsPanel />
      <RefusalsPanel />
      <DefaultPanel />
      <CredentialsPanel source={BOOTSTRAP_CREDENTIAL_SOURCE} />
    </Stack>
  );
};
