/** The dialog that lets a device in. A key that the server made is shown here once, and nowhere else. */
import {
  Button,
  Checkbox,
  Code,
  CopyButton,
  Group,
  Modal,
  SegmentedControl,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useState, type JSX } from 'react';
import { Refusal } from '../api/rest.ts';
import type { AddedCredential, CredentialKind, NewCredential } from '../api/shapes.ts';
import { DialogFrame } from '../device/dialogs/dialog-frame.tsx';
import { showDone, useOperation } from '../device/operation.ts';
import { Icon } from '../icons.tsx';
import type { CredentialSource } from './credential-source.ts';
import classes from './security-page.module.css';

interface AddCredentialProps {
  readonly source: CredentialSource;
  /** What the form begins with. */
  readonly device?: string;
  readonly identity?: string;
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly onAdded: () => void;
}

const EXISTS = 'urn:lapwing:problem:credential-exists';

export const AddCredential = ({
  source,
  device = '',
  identity = '',
  opened,
  onClose,
  onAdded,
}: AddCredentialProps): JSX.Element => {
  const [made, setMade] = useState<AddedCredential>();
  const close = (): void => {
    setMade(undefined);
    onClose();
  };
  return (
    <Modal
      opened={opened}
      onClose={close}
      // A click beside the dialog must not lose a key that is shown once.
      closeOnClickOutside={made === undefined}
      title={made === undefined ? 'Add a credential' : `Key of ${made.device}`}
      attributes={{ header: { role: 'presentation' } }}
      closeButtonProps={{ 'aria-label': 'Close the dialog' }}
      transitionProps={{ duration: 120 }}
    >
      {!opened ? null : made === undefined ? (
        <Form
          source={source}
          firstDevice={device}
          firstIdentity={identity}
          onClose={close}
          onAdded={(added, showKey) => {
            onAdded();
            if (showKey) setMade(added);
            else {
              showDone(source.addedWords(added.device));
              close();
            }
          }}
        />
      ) : (
        <MadeKey credential={made} onClose={close} />
      )}
    </Modal>
  );
};

interface FormProps {
  readonly source: CredentialSource;
  readonly firstDevice: string;
  readonly firstIdentity: string;
  readonly onClose: () => void;
  readonly onAdded: (added: AddedCredential, showKey: boolean) => void;
}

const KINDS: readonly { readonly value: CredentialKind; readonly label: string }[] = [
  { value: 'psk', label: 'Pre-shared key' },
  { value: 'rpk', label: 'Public key' },
  { value: 'x509', label: 'Certificate' },
];

const Form = ({ source, firstDevice, firstIdentity, onClose, onAdded }: FormProps): JSX.Element => {
  const [kind, setKind] = useState<CredentialKind>('psk');
  const [device, setDevice] = useState(firstDevice);
  const [identity, setIdentity] = useState(firstIdentity);
  const [key, setKey] = useState('');
  const [publicKey, setPublicKey] = useState('');
  const [certificate, setCertificate] = useState('');
  const [replace, setReplace] = useState(false);
  const { state, run } = useOperation();
  const refused = state.kind === 'refused' && state.error instanceof Refusal ? state.error : undefined;
  const mistake = (field: keyof NewCredential): string | undefined =>
    refused?.field === `/${field}` ? refused.message : undefined;

  const submit = (): void => {
    const given = { psk: { identity, key }, rpk: { publicKey }, x509: { certificate } }[kind];
    // What is left empty is left out: then the server chooses.
    const filled = Object.fromEntries(Object.entries(given).filter(([, text]) => text.trim() !== ''));
    run(async () => {
      const added = await source.add({
        device: device.trim(),
        kind,
        ...filled,
        ...(replace ? { replace } : {}),
      });
      onAdded(added, kind === 'psk' && filled['key'] === undefined);
    });
  };

  return (
    <DialogFrame state={state} submit="Add" onClose={onClose} onSubmit={submit}>
      <SegmentedControl
        aria-label="Kind of credential"
        transitionDuration={0}
        data={[...KINDS]}
        value={kind}
        onChange={(value) => setKind(value)}
      />
      <TextInput
        label="Device"
        description="Its Endpoint Client Name"
        placeholder="urn:imei:123456789012345"
        autoComplete="off"
        required
        data-autofocus
        value={device}
        error={mistake('device')}
        onChange={(event) => setDevice(event.currentTarget.value)}
      />
      {kind === 'psk' ? (
        <>
          <TextInput
            label="Identity"
            description="Text, or 0x and hexadecimal; the name of the device when left empty"
            autoComplete="off"
            value={identity}
            error={mistake('identity')}
            onChange={(event) => setIdentity(event.currentTarget.value)}
          />
          <TextInput
            label="Key"
            description="1 to 64 bytes in hexadecimal; the server makes one when left empty"
            classNames={{ input: 'mono' }}
            autoComplete="off"
            value={key}
            error={mistake('key')}
            onChange={(event) => setKey(event.currentTarget.value)}
          />
        </>
      ) : kind === 'rpk' ? (
        <Textarea
          label="Public key of the device"
          description="On P-256: PEM, base64 or hexadecimal"
          classNames={{ input: 'mono' }}
          autosize
          minRows={4}
          maxRows={10}
          required
          value={publicKey}
          error={mistake('publicKey')}
          onChange={(event) => setPublicKey(event.currentTarget.value)}
        />
      ) : (
        <Textarea
          label="Certificate of the device"
          description="PEM, to accept this one only; any that leads up to a trusted one and names the device when left empty"
          classNames={{ input: 'mono' }}
          autosize
          minRows={4}
          maxRows={10}
          value={certificate}
          error={mistake('certificate')}
          onChange={(event) => setCertificate(event.currentTarget.value)}
        />
      )}
      {refused?.type === EXISTS || replace ? (
        <Checkbox
          label="Replace what the device has; what is open by it ends"
          checked={replace}
          onChange={(event) => setReplace(event.currentTarget.checked)}
        />
      ) : null}
    </DialogFrame>
  );
};

interface MadeKeyProps {
  readonly credential: AddedCredential;
  readonly onClose: () => void;
}

const MadeKey = ({ credential: { identity, key = '' }, onClose }: MadeKeyProps): JSX.Element => (
  <Stack>
    <Text>Give both to the device now. The key is not shown again.</Text>
    <Secret label="Identity" text={identity ?? ''} />
    <Secret label="Key" text={key} />
    <Group justify="flex-end">
      <Button onClick={onClose} data-autofocus>
        Done
      </Button>
    </Group>
  </Stack>
);

const Secret = ({ label, text }: { readonly label: string; readonly text: string }): JSX.Element => (
  <div>
    <Text size="sm" fw={500}>
      {label}
    </Text>
    <div className={classes['secret']}>
      <Code block className={classes['long']} data-testid={`made-${label.toLowerCase()}`}>
        {text}
      </Code>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Button
            variant="light"
            onClick={copy}
            leftSection={<Icon name="copy" size={16} />}
            aria-label={copied ? `${label} copied` : `Copy the ${label.toLowerCase()}`}
          >
            {copied ? 'Copied' : 'Copy'}
          </Button>
        )}
      </CopyButton>
    </div>
  </div>
);
