/** Who may come over coaps: refused handshakes, credentials of devices, what the server proves itself with, whom it trusts. */
import { Stack, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { JSX } from 'react';
import { SERVER_CREDENTIALS } from './credential-source.ts';
import { CredentialsPanel } from './credentials-panel.tsx';
import { IdentityPanel } from './identity-panel.tsx';
import { RefusedHandshakesPanel } from './refused-handshakes-panel.tsx';
import { TrustAnchorsPanel } from './trust-anchors-panel.tsx';

export const SecurityPage = (): JSX.Element => {
  useDocumentTitle('Security · Lapwing');
  return (
    <Stack gap="md">
      <Title order={1} size="h2">
        Security
      </Title>
      <CredentialsPanel source={SERVER_CREDENTIALS} />
      <RefusedHandshakesPanel />
      <IdentityPanel />
      <TrustAnchorsPanel />
    </Stack>
  );
};
