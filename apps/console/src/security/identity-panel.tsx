/** What the server proves itself with, to be given to devices. */
import { Button, Code, CopyButton, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { JSX } from 'react';
import { api } from '../api/rest.ts';
import { Icon } from '../icons.tsx';
import { formatLocalTime } from '../values/format-value.ts';
import { Panel } from './panel.tsx';
import classes from './security-page.module.css';

export const IdentityPanel = (): JSX.Element => {
  const query = useQuery({
    queryKey: ['security', 'identity'],
    queryFn: ({ signal }) => api.serverIdentity(signal),
  });
  return (
    <Panel
      title="This server"
      description="Give a device the public key or the certificate, and it knows whom it speaks with."
      query={query}
    >
      {({ publicKey, certificate }) => (
        <dl className={classes['facts']}>
          <dt>Public key, SHA-256</dt>
          <dd>
            <Code className={classes['long']}>{publicKey.fingerprint}</Code>
            <Group gap="xs" mt={4}>
              <Copy text={publicKey.pem} label="Copy the public key as PEM" />
              <Copy text={publicKey.der} label="Copy the public key as base64" />
            </Group>
          </dd>
          <dt>Certificate, SHA-256</dt>
          <dd>
            <Code className={classes['long']}>{certificate.fingerprint}</Code>
            <Text size="sm" mt={4}>
              {certificate.subject}
              <span className="quiet">
                {certificate.issuer === certificate.subject
                  ? ', signed by itself'
                  : `, signed by ${certificate.issuer}`}
                {`, until ${formatLocalTime(Date.parse(certificate.validTo)).slice(0, 10)}`}
                {certificate.names.length === 0 ? '' : `, for ${certificate.names.join(', ')}`}
              </span>
            </Text>
            <Group gap="xs" mt={4}>
              <Copy text={certificate.pem} label="Copy the certificate as PEM" />
            </Group>
          </dd>
        </dl>
      )}
    </Panel>
  );
};

const Copy = ({ text, label }: { readonly text: string; readonly label: string }): JSX.Element => (
  <CopyButton value={text}>
    {({ copied, copy }) => (
      <Button size="compact-xs" variant="light" onClick={copy} leftSection={<Icon name="copy" size={13} />}>
        {copied ? 'Copied' : label}
      </Button>
    )}
  </CopyButton>
);
