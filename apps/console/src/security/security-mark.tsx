/** How a device is secured, as an icon and a word. */
import { Tooltip } from '@mantine/core';
import type { JSX } from 'react';
import type { Security } from '../api/shapes.ts';
import { Icon } from '../icons.tsx';
import classes from './security-mark.module.css';

export const SECURITY_WORDS: Readonly<Record<Security['kind'], { readonly label: string; readonly hint: string }>> = {
  none: { label: 'Not secured', hint: 'Plain CoAP: anybody on the network can read it, and it is who it says it is.' },
  psk: { label: 'PSK', hint: 'DTLS: it has proven to have a pre-shared key.' },
  rpk: { label: 'Public key', hint: 'DTLS: it has proven to have the private key of a raw public key.' },
  x509: { label: 'Certificate', hint: 'DTLS: it has proven to have the private key of a certificate.' },
};

export const SecurityMark = ({ security }: { readonly security: Pick<Security, 'kind'> }): JSX.Element => {
  const { label, hint } = SECURITY_WORDS[security.kind];
  const isSecured = security.kind !== 'none';
  return (
    <Tooltip label={hint} multiline maw={280}>
      <span className={`${classes['mark']} ${isSecured ? classes['secured'] : 'quiet'}`}>
        <Icon name={isSecured ? 'lock' : 'unlock'} size={15} />
        {label}
      </span>
    </Tooltip>
  );
};
