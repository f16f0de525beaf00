/** How a device proves itself to the server of an account, and how it knows the server. */
import { SegmentedControl, Select, Switch, Text } from '@mantine/core';
import type { JSX } from 'react';
import type { SecurityDraft, SecurityMode } from './account-draft.ts';
import classes from './bootstrap-page.module.css';
import { BytesField, TextField } from './fields.tsx';
import { useMistake } from './form-scope.ts';
import { pointerTo } from './mistakes.ts';

interface SecurityFieldsProps {
  readonly value: SecurityDraft;
  readonly onChange: (value: SecurityDraft) => void;
  readonly pointer: string;
  /** "LwM2M Server 1". */
  readonly of: string;
  /** Credentials can be made for the server of the account: it is this one. */
  readonly isThisServer: boolean;
}

const MODES: readonly { readonly value: SecurityMode; readonly label: string }[] = [
  { value: 'none', label: 'None' },
  { value: 'psk', label: 'Pre-shared key' },
  { value: 'rpk', label: 'Public key' },
  { value: 'x509', label: 'Certificate' },
];

/** OMA TS Core, /0/x/15. */
const USAGES = [
  { value: '', label: 'As usual: that of the server itself' },
  { value: '0', label: '0: that of an authority, within the usual trust' },
  { value: '1', label: '1: that of the server, within the usual trust' },
  { value: '2', label: '2: that of an authority' },
  { value: '3', label: '3: that of the server itself' },
];
/** /0/x/13. */
const MATCHING = [
  { value: '', label: 'As usual: the whole certificate' },
  { value: '0', label: '0: the whole certificate' },
  { value: '1', label: '1: its SHA-256' },
  { value: '2', label: '2: its SHA-384' },
  { value: '3', label: '3: its SHA-512' },
];

const MADE_WORDS: Readonly<Record<Exclude<SecurityMode, 'none'>, string>> = {
  psk: 'A key is made',
  rpk: 'A key pair is made',
  x509: 'A certificate is made',
};

const BYTES = 'PEM, base64 or hexadecimal';

export const SecurityFields = ({ value, onChange, pointer, of, isThisServer }: SecurityFieldsProps): JSX.Element => {
  const { mode, generate } = value;
  const at = (member: keyof SecurityDraft): string => pointerTo(pointer, member);
  const change = (changed: Partial<SecurityDraft>): void => onChange({ ...value, ...changed });
  const wrong = useMistake(pointer) ?? useMistake(at('mode')) ?? useMistake(at('generate'));
  const wrongUsage = useMistake(at('certificateUsage'));
  const wrongMatching = useMistake(at('matchingType'));
  return (
    <div className={classes['wide']}>
      <Text size="sm" fw={500} mb={4}>
        Security
      </Text>
      <SegmentedControl
        className={classes['choice']}
        aria-label={`Security of ${of}`}
        transitionDuration={0}
        data={[...MODES]}
        value={mode}
        onChange={(chosen) => change({ mode: chosen })}
      />
      {wrong === undefined ? null : (
        <Text size="xs" c="var(--lapwing-alarm)" mt={4}>
          {wrong}
        </Text>
      )}
      {mode === 'none' ? (
        <Text size="xs" className="quiet" mt={4}>
          Plain CoAP: anybody on the network can read it, and the device proves nothing.
        </Text>
      ) : (
        <Switch
          mt="sm"
          label={`${MADE_WORDS[mode]} for each bootstrap`}
          description={
            isThisServer
              ? 'This server knows it before the device may use it; nobody else ever sees it.'
              : 'Only this server takes what is made here; another has to be told in its own way.'
          }
          checked={generate}
          onChange={(event) => change({ generate: event.currentTarget.checked })}
        />
      )}
      {mode === 'none' ? null : (
        <div className={classes['fields']} style={{ marginTop: 12 }}>
          {mode === 'psk' ? (
            <>
              <TextField
                label="Identity"
                description={
                  generate
                    ? 'Text or 0x and hexadecimal; the name of the device when empty'
                    : 'Text, or 0x and hexadecimal'
                }
                pointer={at('identity')}
                required={!generate}
                value={value.identity}
                onChange={(identity) => change({ identity })}
              />
              {generate ? (
                <TextField
                  label="Bytes of the key"
                  description="16 to 64; 16 when empty"
                  pointer={at('keyBytes')}
                  numeric
                  value={value.keyBytes}
                  onChange={(keyBytes) => change({ keyBytes })}
                />
              ) : (
                <BytesField
                  label="Key"
                  description="Hexadecimal or base64"
                  pointer={at('key')}
                  required
                  value={value.key}
                  onChange={(key) => change({ key })}
                />
              )}
            </>
          ) : null}
          {mode === 'rpk' && !generate ? (
            <BytesField
              label="Public key of the device"
              description={BYTES}
              pointer={at('publicKey')}
              required
              value={value.publicKey}
              onChange={(publicKey) => change({ publicKey })}
            />
          ) : null}
          {mode === 'x509' && !generate ? (
            <BytesField
              label="Certificate of the device"
              description={BYTES}
              pointer={at('certificate')}
              required
              value={value.certificate}
              onChange={(certificate) => change({ certificate })}
            />
          ) : null}
          {mode !== 'psk' && !generate ? (
            <BytesField
              label="Private key of the device"
              description={`PKCS #8: ${BYTES}`}
              pointer={at('privateKey')}
              required
              value={value.privateKey}
              onChange={(privateKey) => change({ privateKey })}
            />
          ) : null}
          {mode === 'rpk' ? (
            <BytesField
              label="Public key of the server"
              description={`${BYTES}; that of this server when empty`}
              pointer={at('serverPublicKey')}
              value={value.serverPublicKey}
              onChange={(serverPublicKey) => change({ serverPublicKey })}
            />
          ) : null}
          {mode === 'x509' ? (
            <>
              <BytesField
                label="Certificate of the server or its authority"
                description={`${BYTES}; that of this server when empty`}
                pointer={at('serverCertificate')}
                value={value.serverCertificate}
                onChange={(serverCertificate) => change({ serverCertificate })}
              />
              <Select
                label="The certificate is"
                description="Certificate Usage, /0/x/15"
                data={USAGES}
                value={value.certificateUsage}
                allowDeselect={false}
                error={wrongUsage}
                onChange={(chosen) => change({ certificateUsage: chosen ?? '' })}
              />
              <Select
                label="The device compares"
                description="Matching Type, /0/x/13"
                data={MATCHING}
                value={value.matchingType}
                allowDeselect={false}
                error={wrongMatching}
                onChange={(chosen) => change({ matchingType: chosen ?? '' })}
              />
            </>
          ) : null}
        </div>
      )}
    </div>
  );
};
